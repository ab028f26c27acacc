// What a publisher is told: acknowledgements byte for byte, and refusals in the original's order.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { IdMap } from '../../src/jetstream/stream/id-map.ts';
import { JetStreamBus } from '../support/jetstream.ts';

let js: JetStreamBus;
beforeEach(async () => {
  js = await JetStreamBus.open();
});
afterEach(async () => {
  await js[Symbol.asyncDispose]();
});

/** The number of a refusal, and its sentence. */
function refusalOf(answer: string): [number, string] {
  const { error, stream, seq } = JSON.parse(answer);
  expect({ stream, seq }).toEqual({ stream: 'S', seq: 0 });
  return [error.err_code, error.description];
}

describe('an acknowledgement', () => {
  test('is written as the original writes it', async () => {
    await js.stream('S', ['a.*']);
    expect(await js.publish('a.b', 'x')).toBe('{"stream":"S","seq":1}');
    const headers = { 'Nats-Msg-Id': 'one' };
    expect(await js.publish('a.b', 'x', headers)).toBe('{"stream":"S","seq":2}');
    expect(await js.publish('a.c', 'y', headers)).toBe('{"stream":"S","seq":2,"duplicate": true}');
  });

  test('names the domain, and a refusal does not', async () => {
    await using hub = await JetStreamBus.open({ domain: 'hub' });
    await hub.stream('S', ['a'], { max_msg_size: 3 });
    expect(await hub.publish('a', 'x')).toBe('{"stream":"S","domain":"hub","seq":1}');
    expect(await hub.publish('a', 'long')).toBe(
      '{"error":{"code":400,"err_code":10054,"description":"message size exceeds maximum allowed"},' +
        '"stream":"S","seq":0}',
    );
    const { string } = await hub.ask('$JS.hub.API.STREAM.NAMES');
    expect(JSON.parse(string)).toMatchObject({ streams: ['S'] });
  });

  test('has sequences of any size', async () => {
    await js.stream('S', ['a'], { first_seq: 9_007_199_254_740_000 });
    expect(await js.publish('a')).toBe('{"stream":"S","seq":9007199254740000}');
    expect(await js.publish('a')).toBe('{"stream":"S","seq":9007199254740001}');
  });

  test('is not given where the stream gives none', async () => {
    await js.stream('S', ['a'], { no_ack: true });
    const inbox = js.inbox('reply');
    js.bus.publish('a', 'x', { reply: 'reply' });
    await js.settle();
    expect(inbox).toEqual([]);
    expect(await js.state('S')).toMatchObject({ messages: 1 });
  });
});

describe('a publish is refused', () => {
  test('when its reply is that of a batch', async () => {
    await js.stream('S', ['a'], { max_msg_size: 3 });
    const inbox = js.inbox('b.>');
    js.bus.publish('a', 'x', { reply: 'b.uuid.10.ok.1.0.$FI' });
    js.bus.publish('a', 'long', { reply: 'b.$FI' });
    js.bus.publish('a', 'x', { reply: 'b.FI' });
    await js.settle();
    expect(inbox.map(({ text }) => (text.includes('error') ? refusalOf(text) : text))).toEqual([
      [10205, 'batch publish is disabled'],
      [10054, 'message size exceeds maximum allowed'],
      '{"stream":"S","seq":1}',
    ]);
  });

  const cases: [what: string, headers: Record<string, string>, refusal: [number, string]][] = [
    [
      'to another stream',
      { 'Nats-Expected-Stream': 'T' },
      [10060, 'expected stream does not match'],
    ],
    [
      'behind another one',
      { 'Nats-Expected-Last-Sequence': '7' },
      [10071, 'wrong last sequence: 1'],
    ],
    ['behind no number', { 'Nats-Expected-Last-Sequence': 'x' }, [10071, 'wrong last sequence: 1']],
    [
      'behind another one on its subject',
      { 'Nats-Expected-Last-Subject-Sequence': '0' },
      [10071, 'wrong last sequence: 1'],
    ],
    [
      'behind another one on other subjects',
      {
        'Nats-Expected-Last-Subject-Sequence': '5',
        'Nats-Expected-Last-Subject-Sequence-Subject': 'b.>',
      },
      [10071, 'wrong last sequence: 0'],
    ],
    [
      'with subjects to look at and no sequence',
      { 'Nats-Expected-Last-Subject-Sequence-Subject': 'a' },
      [10193, 'missing sequence for expected last sequence per subject'],
    ],
    [
      'behind another id',
      { 'Nats-Expected-Last-Msg-Id': 'z' },
      [10070, 'wrong last msg ID: first'],
    ],
    ['for a rollup', { 'Nats-Rollup': 'sub' }, [10111, 'rollup not permitted']],
    ['with a time to live', { 'Nats-TTL': '5' }, [10166, 'per-message TTL is disabled']],
    ['with no time to live', { 'Nats-TTL': 'x' }, [10165, 'invalid per-message TTL']],
    ['as an increment', { 'Nats-Incr': '+1' }, [10168, 'message counters is disabled']],
    ['as no increment', { 'Nats-Incr': 'x' }, [10171, 'message counter increment is invalid']],
    ['as part of a batch', { 'Nats-Batch-Id': 'b' }, [10174, 'atomic publish is disabled']],
    ['as a schedule', { 'Nats-Schedule': '@every 1s' }, [10188, 'message schedules is disabled']],
    ['by a scheduler', { 'Nats-Scheduler': 'a' }, [10212, 'message schedules invalid scheduler']],
    [
      'as if it had a source',
      { 'Nats-Stream-Source': 'x' },
      [10227, 'message stream source header is not allowed'],
    ],
  ];
  test.each(cases)('%s', async (_, headers, refusal) => {
    await js.stream('S', ['a', 'b.*']);
    await js.publish('a', 'x', { 'Nats-Msg-Id': 'first' });
    expect(refusalOf(await js.publish('a', 'y', headers))).toEqual(refusal);
    expect(await js.state('S')).toMatchObject({ messages: 1, last_seq: 1 });
  });

  test('in the order of the original: the first that is wrong is told', async () => {
    await js.stream('S', ['a'], { max_msg_size: 400 });
    const all = {
      'Nats-Expected-Stream': 'T',
      'Nats-TTL': '5',
      'Nats-Expected-Last-Subject-Sequence': '9',
      'Nats-Expected-Last-Sequence': '8',
      'Nats-Expected-Last-Msg-Id': 'x',
      'Nats-Rollup': 'all',
    };
    const codes: number[] = [refusalOf(await js.publish('a', 'x'.repeat(400), all))[0]];
    const left: Record<string, string> = { ...all };
    for (const key of Object.keys(all)) {
      codes.push(refusalOf(await js.publish('a', '', left))[0]);
      delete left[key];
    }
    expect(codes).toEqual([10054, 10060, 10166, 10071, 10071, 10070, 10111]);
  });

  test('when the value has no bytes', async () => {
    await js.stream('S', ['a']);
    const answer = await js.bus.request('a', { big: 1n }, { timeout: 1000 });
    expect(refusalOf(answer.string())[0]).toBe(10077);
    expect(js.errors).toHaveLength(1);
  });
});

describe('headers', () => {
  test('count as they are written, and of equal ones the first', async () => {
    await js.stream('S', ['a']);
    expect(await js.publish('a', '', { 'nats-msg-id': 'x' })).toContain('"seq":1}');
    expect(await js.publish('a', '', { 'nats-msg-id': 'x' })).toContain('"seq":2}');
    js.bus.subscribe('raw', () => {});
    const block = 'NATS/1.0\r\nNats-Expected-Stream: S\r\nNats-Expected-Stream: T\r\n\r\n';
    const inbox = js.inbox('reply');
    const { internalsOf } = await import('../../src/bus/internals.ts');
    internalsOf(js.bus).deliver({
      to: 'a',
      reply: 'reply',
      headers: new TextEncoder().encode(block),
      payload: new Uint8Array(0),
    });
    await js.settle();
    expect(inbox.map(({ text }) => text)).toEqual(['{"stream":"S","seq":3}']);
  });

  test('have numbers of 64 bits, as those of the original', async () => {
    await js.stream('S', ['a']);
    const sayLast = (last: string): Promise<string> =>
      js.publish('a', '', { 'Nats-Expected-Last-Sequence': last });
    expect(await sayLast('18446744073709551616')).toBe('{"stream":"S","seq":1}');
    expect(await sayLast('18446744073709551617')).toBe('{"stream":"S","seq":2}');
    expect(await sayLast('18446744073709551615')).toContain('wrong last sequence: 2');
    expect(await sayLast('9'.repeat(2000))).toContain('wrong last sequence: 2');
  });

  test('are kept, without a status and without who has asked', async () => {
    await js.stream('S', ['a'], { allow_direct: true });
    const { internalsOf } = await import('../../src/bus/internals.ts');
    const put = (block: string): void => {
      const headers = new TextEncoder().encode(block);
      internalsOf(js.bus).deliver({ to: 'a', headers, payload: new Uint8Array([65]) });
    };
    put('NATS/1.0 503 Nobody\r\nX: 1\r\n\r\n');
    put('NATS/1.0\r\nNats-Request-Info: {}\r\n\r\n');
    await js.settle();
    const headers = async (seq: number): Promise<unknown> => {
      const { message } = await js.api<{ message: { hdrs?: string } }>('STREAM.MSG.GET.S', { seq });
      return message.hdrs === undefined ? undefined : atob(message.hdrs);
    };
    expect(await headers(1)).toBe('NATS/1.0\r\nX: 1\r\n\r\n');
    expect(await headers(2)).toBeUndefined();
  });

  test('that roll up leave the last message of the subject, or of all', async () => {
    await js.stream('S', ['a', 'b'], { allow_rollup_hdrs: true });
    for (const subject of ['a', 'b', 'a', 'b']) await js.publish(subject);
    await js.publish('a', '', { 'Nats-Rollup': 'SUB' });
    expect(await js.state('S')).toMatchObject({ messages: 3, first_seq: 2, last_seq: 5 });
    await js.publish('b', '', { 'Nats-Rollup': 'all' });
    expect(await js.state('S')).toMatchObject({ messages: 1, first_seq: 6, last_seq: 6 });
    const wrong = await js.publish('b', '', { 'Nats-Rollup': 'x' });
    expect(refusalOf(wrong)).toEqual([10111, 'rollup value invalid: "x"']);
  });
});

describe('an id', () => {
  test('is remembered for the window, and no longer', async () => {
    await js.stream('S', ['a'], { duplicate_window: 60_000_000_000 });
    const headers = { 'Nats-Msg-Id': 'one' };
    await js.publish('a', '', headers);
    js.clock.advance(59_999);
    expect(await js.publish('a', '', headers)).toContain('duplicate');
    js.clock.advance(1);
    expect(await js.publish('a', '', headers)).toBe('{"stream":"S","seq":2}');
  });

  test('stays when its message is purged', async () => {
    await js.stream('S', ['a']);
    await js.publish('a', '', { 'Nats-Msg-Id': 'one' });
    await js.api('STREAM.PURGE.S');
    expect(await js.publish('a', '', { 'Nats-Msg-Id': 'one' })).toContain('duplicate');
  });
});

test('a map in parts is a map', () => {
  const id = fc.oneof(fc.constantFrom('', 'a', 'b', 'ab'), fc.string({ maxLength: 3 }));
  const step = fc.tuple(fc.constantFrom('set', 'set', 'delete'), id, fc.nat());
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const map = new Map<string, number>();
      const parts = new IdMap();
      for (const [kind, key, value] of steps) {
        if (kind === 'set') {
          map.set(key, value);
          parts.set(key, value);
        } else {
          map.delete(key);
          parts.delete(key);
        }
        expect([parts.size, parts.get(key)]).toEqual([map.size, map.get(key)]);
      }
      parts.clear();
      expect([parts.size, parts.get('a')]).toEqual([0, undefined]);
    }),
    { numRuns: 50 },
  );
});
