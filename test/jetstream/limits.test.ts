// What a stream may hold, and what goes when it is too much.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { JetStreamBus } from '../support/jetstream.ts';

let js: JetStreamBus;
beforeEach(async () => {
  js = await JetStreamBus.open({ maxMemory: 1_000_000, maxFile: 2_000_000 });
});
afterEach(async () => {
  await js[Symbol.asyncDispose]();
});

const refusedBy = async (subject: string, text = ''): Promise<string | undefined> =>
  JSON.parse(await js.publish(subject, text)).error?.description;

describe('what is old goes', () => {
  test('by messages, and by messages of each subject first', async () => {
    await js.stream('S', ['a', 'b'], { max_msgs: 4, max_msgs_per_subject: 2 });
    for (const subject of ['a', 'a', 'b', 'a', 'b', 'b']) await js.publish(subject);
    const { subjects } = await js
      .api<{ state: Record<string, unknown> }>('STREAM.INFO.S', { subjects_filter: '>' })
      .then(({ state }) => state);
    expect(subjects).toEqual({ a: 2, b: 2 });
    expect(await js.state('S')).toMatchObject({ messages: 4, first_seq: 2, num_deleted: 1 });
  });

  test('by bytes, also when one message alone is too much', async () => {
    await js.stream('S', ['a'], { max_bytes: 100 });
    for (let i = 0; i < 5; i++) await js.publish('a', 'x'.repeat(20));
    // 1 of the subject, 20 of the payload, 16 of the formula.
    expect(await js.state('S')).toMatchObject({ messages: 2, bytes: 74 });
    expect(await js.publish('a', 'x'.repeat(200))).toBe('{"stream":"S","seq":6}');
    expect(await js.state('S')).toMatchObject({ messages: 0, first_seq: 7, last_seq: 6 });
  });

  test('by age, with one timer', async () => {
    await js.stream('S', ['a'], { max_age: 3_600_000_000_000 });
    const before = js.clock.timerCount;
    for (let i = 0; i < 3; i++) {
      await js.publish('a');
      js.clock.advance(600_000);
    }
    expect(js.clock.timerCount).toBe(before + 1);
    js.clock.advance(1_800_000);
    expect(await js.state('S')).toMatchObject({ messages: 2, first_seq: 2 });
    js.clock.advance(3_600_000);
    expect(await js.state('S')).toMatchObject({ messages: 0, last_seq: 3 });
    expect(js.clock.timerCount).toBe(before);
  });

  test('before a rollup, which does not make room for it', async () => {
    await js.stream('S', ['a', 'b'], { max_msgs: 3, allow_rollup_hdrs: true });
    const config = { durable_name: 'C', ack_policy: 'explicit' };
    await js.api('CONSUMER.DURABLE.CREATE.S.C', { stream_name: 'S', config });
    for (const subject of ['b', 'a', 'a']) await js.publish(subject);
    await js.publish('a', '', { 'Nats-Rollup': 'sub' });
    expect(await js.state('S')).toMatchObject({ messages: 1, first_seq: 4 });
    // What rolls up is a purge, by which consumers go up to what is left.
    expect(await js.api('CONSUMER.INFO.S.C')).toMatchObject({ ack_floor: { stream_seq: 3 } });
  });

  test('when the configuration is narrowed', async () => {
    await js.stream('S', ['a', 'b']);
    for (const subject of ['a', 'a', 'b', 'b']) await js.publish(subject);
    const config = { name: 'S', subjects: ['a', 'b'], storage: 'memory' };
    await js.api('STREAM.UPDATE.S', { ...config, max_msgs_per_subject: 1 });
    expect(await js.state('S')).toMatchObject({ messages: 2, first_seq: 2 });
    await js.api('STREAM.UPDATE.S', { ...config, max_msgs: 1 });
    expect(await js.state('S')).toMatchObject({ messages: 1, first_seq: 4 });
    await js.api('STREAM.UPDATE.S', { ...config, max_age: 1_000_000_000 });
    js.clock.advance(1000);
    expect(await js.state('S')).toMatchObject({ messages: 0 });
  });
});

describe('what is new is refused', () => {
  test('by messages', async () => {
    await js.stream('S', ['a'], { max_msgs: 1, discard: 'new' });
    await js.publish('a');
    expect(await refusedBy('a')).toBe('maximum messages exceeded');
  });

  test('by bytes', async () => {
    await js.stream('S', ['a'], { max_bytes: 30, discard: 'new' });
    await js.publish('a', 'x');
    expect(await refusedBy('a', 'x')).toBe('maximum bytes exceeded');
  });

  test('by messages of its subject, and a rollup is not', async () => {
    await js.stream('S', ['a', 'b'], {
      discard: 'new',
      discard_new_per_subject: true,
      max_msgs_per_subject: 1,
      allow_rollup_hdrs: true,
    });
    await js.publish('a');
    expect(await refusedBy('a')).toBe('maximum messages per subject exceeded');
    expect(await refusedBy('b')).toBeUndefined();
    expect(await js.publish('a', '', { 'Nats-Rollup': 'sub' })).toBe('{"stream":"S","seq":3}');
  });

  test('and one that takes the place of another of its subject is not', async () => {
    await js.stream('S', ['a', 'b'], { discard: 'new', max_msgs: 1, max_msgs_per_subject: 1 });
    await js.publish('a');
    expect(await refusedBy('b')).toBe('maximum messages exceeded');
    expect(await refusedBy('a')).toBeUndefined();
  });

  test('by a stream that is sealed', async () => {
    await js.stream('S', ['a']);
    await js.publish('a');
    const config = { name: 'S', subjects: ['a'], storage: 'memory', sealed: true };
    await js.api('STREAM.UPDATE.S', config);
    expect(await refusedBy('a')).toBe('invalid operation on sealed stream');
  });
});

describe('all streams together', () => {
  test('reserve what they say that they may hold', async () => {
    await js.stream('S', ['a'], { max_bytes: 600_000 });
    await expect(js.stream('T', ['b'], { max_bytes: 600_000 })).rejects.toThrow('10028');
    await js.stream('T', ['b'], { max_bytes: 1_500_000, storage: 'file' });
    await expect(js.stream('U', ['c'], { max_bytes: 1_500_000, storage: 'file' })).rejects.toThrow(
      '10047',
    );
    expect(await js.api('INFO')).toMatchObject({
      reserved_memory: 600_000,
      reserved_storage: 1_500_000,
      streams: 2,
    });
    await js.api('STREAM.DELETE.S');
    await js.stream('U', ['c'], { max_bytes: 600_000 });
  });

  test('use no more than there is', async () => {
    await js.stream('S', ['a']);
    const text = 'x'.repeat(400_000);
    for (let i = 0; i < 3; i++) await js.publish('a', text);
    expect(await refusedBy('a', text)).toBe('insufficient resources');
    expect(await js.api('INFO')).toMatchObject({ memory: 1_200_051 });
    await js.api('STREAM.PURGE.S');
    expect(await js.api('INFO')).toMatchObject({ memory: 0 });
    expect(await refusedBy('a', text)).toBeUndefined();
    await js.api('STREAM.DELETE.S');
    expect(await js.api('INFO')).toMatchObject({ memory: 0, streams: 0 });
  });

  test('count by the formula of the storage that they name', async () => {
    await js.stream('S', ['a'], { storage: 'file' });
    await js.publish('a', 'x', { A: 'b' });
    // 34 of the formula, subject, `NATS/1.0`, the line and two ends, payload.
    expect(await js.state('S')).toMatchObject({ bytes: 34 + 1 + 10 + 6 + 2 + 1 });
    expect(await js.api('INFO')).toMatchObject({ storage: 54, memory: 0 });
  });
});

describe('a purge', () => {
  beforeEach(async () => {
    await js.stream('S', ['a', 'b']);
    for (const subject of ['a', 'b', 'a', 'b', 'a']) await js.publish(subject);
  });

  test.each([
    [{}, 5, { messages: 0, first_seq: 6, last_seq: 5 }],
    [{ seq: 3 }, 2, { messages: 3, first_seq: 3 }],
    [{ keep: 2 }, 3, { messages: 2, first_seq: 4 }],
    [{ filter: 'a' }, 3, { messages: 2, first_seq: 2 }],
    [{ filter: 'a', seq: 5 }, 2, { messages: 3, first_seq: 2 }],
    [{ filter: 'a', keep: 1 }, 2, { messages: 3, first_seq: 2 }],
    [{ seq: 1000 }, 5, { messages: 0, first_seq: 1000, last_seq: 999 }],
    [{ seq: 1 }, 0, { messages: 5 }],
    [{ keep: 9 }, 0, { messages: 5 }],
  ])('of %j removes %i', async (request, purged, state) => {
    expect(await js.api('STREAM.PURGE.S', request)).toMatchObject({ success: true, purged });
    expect(await js.state('S')).toMatchObject(state);
  });

  test('to the last sequence that there can be leaves room for one message', async () => {
    await js.api('STREAM.PURGE.S', { seq: Number.MAX_SAFE_INTEGER });
    expect(await js.publish('a')).toBe('{"stream":"S","seq":9007199254740991}');
    expect(await refusedBy('a')).toBe('no room for a sequence above 2^53-1');
    expect(await js.state('S')).toMatchObject({ messages: 1, last_seq: 9007199254740991 });
  });
});
