// Messages that say themselves how long they live, and marks of what time has taken.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { headers } from '../../src/index.ts';
import { createMemoryStore } from '../../src/jetstream/store/memory-store.ts';
import { Expiry } from '../../src/jetstream/stream/expiry.ts';
import type { StreamRules } from '../../src/jetstream/stream/rules.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { JetStreamBus } from '../support/jetstream.ts';
import { incoming } from '../support/stored.ts';

const SECOND = 1_000_000_000;

let js: JetStreamBus;
beforeEach(async () => {
  js = await JetStreamBus.open();
});
afterEach(async () => {
  expect(js.errors).toEqual([]);
  await js[Symbol.asyncDispose]();
});

/** Sequences and headers of what is there. */
async function held(): Promise<[seq: number, headers: string][]> {
  const { last_seq } = (await js.state('S')) as { last_seq: number };
  const found: [number, string][] = [];
  for (let seq = 1; seq <= last_seq; seq++) {
    const { message } = await js.api<{ message?: { hdrs?: string } }>('STREAM.MSG.GET.S', { seq });
    if (message === undefined) continue;
    found.push([seq, Buffer.from(message.hdrs ?? '', 'base64').toString()]);
  }
  return found;
}

describe('a message that says how long it lives', () => {
  test('goes when its time is over, whatever lies before it', async () => {
    await js.stream('S', ['s.*'], { allow_msg_ttl: true });
    await js.publish('s.a');
    await js.publish('s.b', '', { 'Nats-TTL': '10s' });
    await js.publish('s.b', '', { 'Nats-TTL': '2' });
    js.clock.advance(1999);
    expect(await js.state('S')).toMatchObject({ messages: 3 });
    js.clock.advance(1);
    expect((await held()).map(([seq]) => seq)).toEqual([1, 2]);
    js.clock.advance(8000);
    expect((await held()).map(([seq]) => seq)).toEqual([1]);
  });

  test('stays for ever beside an age', async () => {
    await js.stream('S', ['s.*'], { allow_msg_ttl: true, max_age: 5 * SECOND });
    await js.publish('s.a', '', { 'Nats-TTL': 'never' });
    await js.publish('s.b');
    js.clock.advance(3000);
    await js.publish('s.c', '', { 'Nats-TTL': '1h' });
    js.clock.advance(2000);
    expect((await held()).map(([seq]) => seq)).toEqual([1, 3]);
    js.clock.advance(3000);
    expect((await held()).map(([seq]) => seq)).toEqual([1]);
    js.clock.advance(3_600_000);
    expect(js.clock.timerCount).toBe(0);
  });

  test('costs nothing when it has gone before its time', async () => {
    await js.stream('S', ['s.*'], { allow_msg_ttl: true, max_msgs: 2 });
    for (let i = 0; i < 5000; i++) js.bus.publish('s.a', '', { headers: ttl('1h') });
    await js.settle();
    js.clock.advance(3_600_000);
    expect(await js.state('S')).toMatchObject({ messages: 0, last_seq: 5000 });
  });

  test('is refused where the stream does not allow it, and when it says nothing right', async () => {
    await js.stream('S', ['s.a']);
    expect(await js.publish('s.a', '', { 'Nats-TTL': '1' })).toContain('"err_code":10166');
    await js.stream('T', ['t.a'], { allow_msg_ttl: true });
    expect(await js.publish('t.a', '', { 'Nats-TTL': '10ms' })).toContain('"err_code":10165');
    expect(await js.publish('t.a', '', { 'Nats-TTL': '00' })).toBe('{"stream":"T","seq":1}');
  });
});

describe('a mark', () => {
  const MARK =
    'NATS/1.0\r\nNats-Marker-Reason: MaxAge\r\nNats-TTL: 1m0s\r\nNats-Rollup: sub\r\n\r\n';

  test('takes the place of the last message of a subject, and goes by its own time', async () => {
    await js.stream('S', ['s.*'], { subject_delete_marker_ttl: 60 * SECOND, max_age: 90 * SECOND });
    const { config } = await js.api<{ config: object }>('STREAM.INFO.S');
    expect(config).toMatchObject({ allow_msg_ttl: true, allow_rollup_hdrs: true });
    for (const subject of ['s.a', 's.a', 's.b']) await js.publish(subject);
    js.clock.advance(90_000);
    expect(await held()).toEqual([
      [4, MARK],
      [5, MARK],
    ]);
    js.clock.advance(60_000);
    expect(await held()).toEqual([]);
    expect(await js.state('S')).toMatchObject({ last_seq: 5 });
  });

  test('of a subject that is no UTF-8 takes its place as well', async () => {
    await js.stream('S', ['s.*'], { subject_delete_marker_ttl: 2 * SECOND, max_age: 3 * SECOND });
    const to = Uint8Array.of(0x73, 0x2e, 0xff);
    internalsOf(js.bus).deliverBatch([{ to, payload: new Uint8Array(3) }]);
    await js.settle();
    js.clock.advance(3000);
    expect(await js.state('S')).toMatchObject({ messages: 1, first_seq: 2 });
    js.clock.advance(2000);
    expect(await js.state('S')).toMatchObject({ messages: 0, last_seq: 2 });
  });

  test('is told to consumers, and is put before its publish again', async () => {
    await js.stream('S', ['s.*'], { subject_delete_marker_ttl: 2 * SECOND });
    await js.api('CONSUMER.CREATE.S.C', { stream_name: 'S', config: { durable_name: 'C' } });
    await js.publish('s.a', '', { 'Nats-TTL': '1' });
    expect((await held())[0]?.[1]).toBe('NATS/1.0\r\nNats-TTL: 2\r\n\r\n');
    js.clock.advance(2000);
    await js.settle();
    expect(await js.api('CONSUMER.INFO.S.C')).toMatchObject({ num_pending: 1 });
    expect((await held())[0]?.[0]).toBe(2);
  });
});

test('what has been allowed stays allowed, and a mark of less than a second is refused', async () => {
  const config = { name: 'S', subjects: ['s'], storage: 'memory' };
  await js.stream('S', ['s'], { allow_msg_ttl: true });
  expect(await js.api('STREAM.UPDATE.S', config)).toMatchObject({
    error: { err_code: 10052, description: 'message TTL status can not be disabled' },
  });
  const { config: shown } = await js.api<{ config: { metadata: object } }>('STREAM.INFO.S');
  expect(shown.metadata).toMatchObject({ '_nats.req.level': '1' });
  for (const [marker, text] of [
    [1, 'must be at least 1 second'],
    [-1, 'must not be negative'],
  ]) {
    const asked = { ...config, name: 'T', subjects: ['t'], subject_delete_marker_ttl: marker };
    expect(await js.api('STREAM.CREATE.T', asked)).toMatchObject({
      error: { description: `subject delete marker TTL ${text}` },
    });
  }
});

function ttl(text: string) {
  const block = headers();
  block.set('Nats-TTL', text);
  return block;
}

test('time that takes much does it in parts, as long as each of them takes', () => {
  const clock = new FakeClock();
  const store = createMemoryStore({ storage: 'memory' });
  for (let i = 0; i < 100; i++) store.append(incoming(`s.${i}`), clock.now());
  let spentMs = 0;
  let marked = 0;
  const timed = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic() + spentMs,
    // What is due at once fires in the next millisecond, so that each part is seen.
    setTimeout: (fn: () => void, delayMs: number) => clock.setTimeout(fn, Math.max(1, delayMs)),
  };
  const rules = { maxAgeMs: 1000, markerSeconds: 60, allowsTtl: true } as StreamRules;
  const expiry = new Expiry(store, timed, rules, () => {
    spentMs += 0.5;
    marked++;
    return false;
  });
  expiry.stored(1, 0);
  const parts: number[] = [];
  for (let ms = clock.nextMs; ms !== undefined; ms = clock.nextMs) {
    const left = store.state.messages;
    clock.advance(ms);
    parts.push(left - store.state.messages);
  }
  expect(marked).toBe(100);
  expect(Math.max(...parts)).toBe(5);
});

test('what cannot leave is tried again, whatever has kept it', () => {
  const clock = new FakeClock();
  const store = createMemoryStore({ storage: 'memory' });
  for (let i = 0; i < 3; i++) store.append(incoming('s'), clock.now());
  const { remove } = store;
  store.remove = () => {
    throw new Error('it stays');
  };
  const rules = { maxAgeMs: 1000, markerSeconds: 0, allowsTtl: false } as StreamRules;
  new Expiry(store, clock, rules, () => false).stored(1, 0);
  expect(() => clock.advance(1000)).toThrow('it stays');
  store.remove = remove;
  clock.advance(999);
  expect(store.state.messages).toBe(3);
  clock.advance(1);
  expect(store.state.messages).toBe(0);
});
