// Messages asked for without a consumer: single ones, batches, and the last of some subjects.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BusInternals } from '../../src/bus/internals.ts';
import { StreamOutbox } from '../../src/jetstream/outbox.ts';
import { JetStreamBus, type Received } from '../support/jetstream.ts';

let js: JetStreamBus;
let inbox: Received[];
const NOON = Date.UTC(2026, 0, 2, 3, 4, 5);

/** Asks, and takes everything that came of it. */
async function get(request: object | string, key = ''): Promise<Received[]> {
  const body = typeof request === 'string' ? request : JSON.stringify(request);
  js.bus.publish(`$JS.API.DIRECT.GET.S${key}`, body, { reply: 'inbox' });
  await js.settle();
  return inbox.splice(0);
}

const seqs = (received: Received[]): string[] =>
  received.map(({ headers, status }) => `${headers['Nats-Sequence'] ?? status}`);
const time = (seconds: number): string => new Date(NOON + seconds * 1000).toISOString();

beforeEach(async () => {
  js = await JetStreamBus.open();
  await js.stream('S', ['a.*'], { allow_direct: true });
  inbox = js.inbox('inbox');
  for (const [i, subject] of ['a.x', 'a.y', 'a.x', 'a.z', 'a.x'].entries()) {
    await js.publish(subject, `${i + 1}`);
    js.clock.advance(1000);
  }
});
afterEach(async () => {
  await js[Symbol.asyncDispose]();
});

/** Sixteen of them are as much as may wait. */
const LONG = 'x'.repeat(1_048_500);

test.each([
  ['a search', { last_by_subj: 'a.*' }, 'a.x'],
  ['a batch', { multi_last: ['a.x'] }, 'a.x'],
])(
  'who asks for %s when very much waits is refused, until it has been answered',
  async (...given) => {
    const [, request, subject] = given;
    const body = JSON.stringify({ ...request, more: LONG });
    for (let i = 0; i < 20; i++) js.bus.publish('$JS.API.DIRECT.GET.S', body, { reply: 'inbox' });
    await js.settle();
    const found = inbox.filter(({ headers }) => headers['Nats-Subject'] === subject);
    expect([found.length, inbox.filter(({ status }) => status === 429).length]).toEqual([16, 4]);
    inbox.splice(0);
    expect(seqs(await get(request))[0]).toBe('5');
  },
);

test('what waits of a stream that is deleted keeps nobody out', async () => {
  const body = JSON.stringify({ last_by_subj: 'a.*', more: LONG });
  const ask = async (): Promise<number> => {
    for (let i = 0; i < 16; i++) js.bus.publish('$JS.API.DIRECT.GET.S', body, { reply: 'inbox' });
    js.bus.publish('$JS.API.STREAM.DELETE.S', '');
    await js.settle();
    return inbox.splice(0).filter(({ status }) => status !== 429).length;
  };
  const { monotonic } = js.clock;
  // Each look at the clock is a millisecond later than the last: few are answered before it ends.
  let looks = 0;
  js.clock.monotonic = () => monotonic.call(js.clock) + looks++;
  expect(await ask()).toBeLessThan(10);
  js.clock.monotonic = monotonic;
  await js.stream('S', ['a.*'], { allow_direct: true });
  await js.publish('a.x', 'new');
  expect(await ask()).toBe(16);
});

describe('a single message', () => {
  test.each([
    [{ seq: 2 }, '2'],
    [{ last_by_subj: 'a.x' }, '5'],
    [{ last_by_subj: 'a.*' }, '5'],
    [{ last_by_subj: '>' }, '5'],
    [{ next_by_subj: 'a.x', seq: 2 }, '3'],
    [{ next_by_subj: 'a.*' }, '1'],
    [{ start_time: time(2) }, '3'],
    [{ start_time: time(1), next_by_subj: 'a.z' }, '4'],
    ['{"SEQ":2,"what":1}', '2'],
  ])('is found by %j', async (request, seq) => {
    expect(seqs(await get(request))).toEqual([seq]);
  });

  test('comes with where it lies behind its own headers, or bare', async () => {
    await js.publish('a.h', 'body', { Own: 'one' });
    const [message] = await get('', '.a.h');
    expect(message).toMatchObject({ subject: 'inbox', text: 'body' });
    expect(message?.headers).toEqual({
      Own: 'one',
      'Nats-Stream': 'S',
      'Nats-Subject': 'a.h',
      'Nats-Sequence': '6',
      'Nats-Time-Stamp': '2026-01-02T03:04:10Z',
    });
    const [bare] = await get({ no_hdr: true }, '.a.h');
    expect(bare).toMatchObject({ text: 'body', headers: {} });
  });

  test.each([
    [{ seq: 9 }, '', '404 Message Not Found'],
    [{ last_by_subj: 'a.n' }, '', '404 Message Not Found'],
    [{ start_time: time(60) }, '', '404 Message Not Found'],
    ['', '.b', '404 Message Not Found'],
    ['', '', '408 Empty Request'],
    [{}, '', '408 Empty Request'],
    ['{', '', '408 Malformed Request'],
    [{ seq: 'x' }, '', '408 Malformed Request'],
    [{ seq: 1, last_by_subj: 'a.x' }, '', '408 Bad Request'],
    [{ last_by_subj: 'a.x', batch: 2 }, '', '408 Bad Request'],
    [{ next_by_subj: 'a.x', multi_last: ['a.x'] }, '', '408 Bad Request'],
    [{ multi_last: ['a.x'], up_to_seq: 1, up_to_time: time(1) }, '', '408 Bad Request'],
    [{ seq: 1 }, '.a.x', '408 Bad Request'],
  ])('is refused: %j%s', async (request, key, status) => {
    const received = await get(request, key);
    expect(received.map((each) => `${each.status} ${each.description}`)).toEqual([status]);
  });

  test('of a stream that does not allow it, or of none, is nobody’s', async () => {
    await js.stream('T', ['t']);
    for (const name of ['T', 'U']) {
      const asked = js.bus.request(`$JS.API.DIRECT.GET.${name}`, '{"seq":1}', { timeout: 1000 });
      await expect(asked).rejects.toMatchObject({ code: 'ERR_NO_RESPONDERS' });
    }
  });

  test('is asked for by one object, with nothing behind it', async () => {
    for (const body of ['{"seq":1}{"seq":2}', '{"seq":1}x', ' ', '{"seq":1']) {
      expect((await get(body)).map(({ status, description }) => [status, description])).toEqual([
        [408, 'Malformed Request'],
      ]);
    }
    expect(seqs(await get(' {"seq":1} '))).toEqual(['1']);
  });

  test('of an API above ours is refused', async () => {
    const { message } = await js.ask('$JS.API.DIRECT.GET.S', '{"seq":1}', {
      'Nats-Required-Api-Level': '1',
    });
    expect(message.headers).toMatchObject({ code: 412, description: 'Required Api Level' });
  });
});

test('many requests for large messages do not make their answers wait in memory', async () => {
  await js.publish('a.large', 'x'.repeat(100_000));
  const deliverRun = vi.spyOn(BusInternals.prototype, 'deliverRun');
  const inboxes = js.inbox('many.*');
  let most = 0;
  deliverRun.mockImplementation((run) => {
    most = Math.max(most, run.bytes.length);
    run.reset(0);
  });
  for (let i = 0; i < 300; i++) {
    js.bus.publish('$JS.API.DIRECT.GET.S.a.large', '', { reply: `many.${i}` });
  }
  // What goes in a run is not sent here; it is what was written ahead.
  await expect.poll(() => inboxes.at(-1)?.subject, { timeout: 10_000 }).toBe('many.299');
  deliverRun.mockRestore();
  expect(inboxes.length).toBeGreaterThanOrEqual(290);
  expect(most).toBeLessThan(1_000_000);
  expect(inboxes.at(-1)?.headers).toMatchObject({ 'Nats-Sequence': '6' });
  expect(inboxes.at(-1)?.text).toHaveLength(100_000);
  js.bus.publish('$JS.API.DIRECT.GET.S.a.large', '', { reply: 'many.last' });
  await js.settle();
  expect(inboxes.at(-1)).toMatchObject({ subject: 'many.last', headers: { 'Nats-Sequence': '6' } });
});

test('an answer that waits is made of what is there then', async () => {
  await js.publish('a.large', 'x'.repeat(200_000));
  for (let i = 0; i < 3; i++) {
    js.bus.publish('$JS.API.DIRECT.GET.S.a.large', '', { reply: 'inbox' });
  }
  js.bus.publish('$JS.API.STREAM.MSG.DELETE.S', '{"seq":6}');
  await js.settle();
  expect(inbox.map(({ status, text }) => [status, text.length])).toEqual([
    [0, 200_000],
    [404, 0],
    [404, 0],
  ]);
});

describe('a batch', () => {
  test('comes in order, says what is left, and ends', async () => {
    const received = await get({ seq: 2, batch: 3 });
    expect(seqs(received)).toEqual(['2', '3', '4', '204']);
    const figures = received.map(({ headers }) => [
      headers['Nats-Num-Pending'],
      headers['Nats-Last-Sequence'],
    ]);
    expect(figures).toEqual([
      ['3', '0'],
      ['2', '2'],
      ['1', '3'],
      ['1', '4'],
    ]);
    expect(received.at(-1)?.description).toBe('EOB');
  });

  test('may be of some subjects, and of so many bytes', async () => {
    expect(seqs(await get({ next_by_subj: 'a.x', batch: 10, seq: 1 }))).toEqual([
      ...['1', '3', '5'],
      '204',
    ]);
    // Three bytes of the subject and one of the payload.
    expect(seqs(await get({ seq: 1, batch: 10, max_bytes: 8 }))).toEqual(['1', '2', '204']);
    expect(seqs(await get({ seq: 9, batch: 10 }))).toEqual(['404']);
  });

  test('of fewer than none says what there is, and gives nothing', async () => {
    const received = await get({ seq: 2, batch: -1 });
    expect(seqs(received)).toEqual(['204']);
    expect(received[0]?.headers).toMatchObject({
      'Nats-Num-Pending': '4',
      'Nats-Last-Sequence': '0',
    });
  });

  test('of small messages goes in slices, too', async () => {
    await js.stream('L', ['l'], { allow_direct: true });
    for (let i = 0; i < 10_000; i++) js.bus.publish('l', '');
    await js.settle();
    let most = 0;
    const deliverBatch = vi.spyOn(BusInternals.prototype, 'deliverBatch');
    const all = js.inbox('all');
    js.bus.publish('$JS.API.DIRECT.GET.L', '{"seq":1,"batch":1000000}', { reply: 'all' });
    await expect.poll(() => all.length, { timeout: 10_000 }).toBe(10_001);
    for (const [entries] of deliverBatch.mock.calls) most = Math.max(most, entries.length);
    deliverBatch.mockRestore();
    expect(most).toBeLessThan(2000);
  });

  test('of a million goes in slices, and to a reader alone that is there', async () => {
    await js.stream('L', ['l'], { allow_direct: true });
    for (let i = 0; i < 300; i++) js.bus.publish('l', 'x'.repeat(10_000));
    const seen: number[] = [];
    const sub = js.bus.subscribe('large', () => {
      seen.push(1);
      if (seen.length === 100) sub.unsubscribe();
    });
    js.bus.publish('$JS.API.DIRECT.GET.L', '{"seq":1,"batch":1000000}', { reply: 'large' });
    await js.settle();
    expect(seen).toHaveLength(100);
    const all = js.inbox('all');
    js.bus.publish('$JS.API.DIRECT.GET.L', '{"seq":1,"batch":1000000}', { reply: 'all' });
    await expect.poll(() => all.length, { timeout: 10_000 }).toBe(301);
  });
});

describe('the last of each subject', () => {
  test('come in order of their sequences', async () => {
    const received = await get({ multi_last: ['a.x', 'a.*'] });
    expect(seqs(received)).toEqual(['2', '4', '5', '204']);
    expect(received.at(-1)?.headers).toEqual({
      'Nats-Num-Pending': '0',
      'Nats-Last-Sequence': '5',
      'Nats-UpTo-Sequence': '5',
    });
  });

  test('may be those up to a sequence or a time', async () => {
    expect(seqs(await get({ multi_last: ['a.*'], up_to_seq: 4 }))).toEqual(['2', '3', '4', '204']);
    expect(seqs(await get({ multi_last: ['a.*'], up_to_time: time(3) }))).toEqual([
      ...['2', '3'],
      '204',
    ]);
    expect(seqs(await get({ multi_last: ['a.*'], up_to_time: time(-5) }))).toEqual(['404']);
    expect(seqs(await get({ multi_last: ['a.n'] }))).toEqual(['404']);
  });

  test('of too many subjects is refused', async () => {
    await js.stream('M', ['m.*'], { allow_direct: true });
    for (let i = 0; i < 1025; i++) js.bus.publish(`m.${i}`, '');
    js.bus.publish('$JS.API.DIRECT.GET.M', '{"multi_last":["m.*"]}', { reply: 'inbox' });
    await js.settle();
    expect(inbox).toMatchObject([{ status: 413, description: 'Too Many Results' }]);
  });
});

describe('what takes long to be found', () => {
  /** In how many slices all of it is answered, where each look at the clock is a fifth of a millisecond later. */
  async function slicesOf(requests: readonly object[]): Promise<number> {
    const slices = vi.spyOn(StreamOutbox.prototype, 'deliver');
    const { clock } = js;
    const { monotonic } = clock;
    let looks = 0;
    clock.monotonic = () => monotonic.call(clock) + looks++ / 5;
    for (const request of requests) {
      js.bus.publish('$JS.API.DIRECT.GET.S', JSON.stringify(request), { reply: 'inbox' });
    }
    expect(inbox).toEqual([]);
    await expect.poll(() => inbox.length, { timeout: 10_000 }).toBe(requests.length);
    const { length } = slices.mock.calls;
    slices.mockRestore();
    return length;
  }

  test('is searched for in slices: by wildcards', async () => {
    const asked = ['a.*.n', 'a.*'].flatMap((filter) => [
      { last_by_subj: filter },
      { seq: 3, next_by_subj: filter },
    ]);
    const slices = await slicesOf(Array.from({ length: 20 }, () => asked).flat());
    expect(slices).toBeGreaterThan(10);
    expect(seqs(inbox.slice(0, 4))).toEqual(['404', '404', '5', '3']);
  });

  test('is searched for in slices: by very many filters', async () => {
    const multi_last = Array.from({ length: 200 }, (_, i) => `a.*.n${i}`);
    expect(await slicesOf([{ multi_last }])).toBeGreaterThan(10);
    expect(seqs(inbox)).toEqual(['404']);
  });

  test('and what is stored meanwhile is not among it', async () => {
    const multi_last = [...Array.from({ length: 100 }, (_, i) => `a.n${i}`), 'a.*'];
    js.bus.publish('$JS.API.DIRECT.GET.S', JSON.stringify({ multi_last }), { reply: 'inbox' });
    const { clock } = js;
    const { monotonic } = clock;
    let looks = 0;
    clock.monotonic = () => {
      if (looks++ === 50) for (const key of ['x', 'new']) js.bus.publish(`a.${key}`, '');
      return monotonic.call(clock) + looks / 5;
    };
    await expect.poll(() => seqs(inbox), { timeout: 10_000 }).toEqual(['2', '4', '5', '204']);
    expect(looks).toBeGreaterThan(50);
  });
});
