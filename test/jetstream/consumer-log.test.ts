// What is kept of consumers on disk, when the disk refuses, when there is much of it, and when it is damaged.
import { describe, expect, test } from 'vitest';
import { Ahead } from '../../src/jetstream/consumer/ahead.ts';
import type { ConsumerConfig } from '../../src/jetstream/consumer/config.ts';
import { ConsumerLog } from '../../src/jetstream/consumer/consumer-log.ts';
import { Cursor } from '../../src/jetstream/consumer/cursor.ts';
import { Progress } from '../../src/jetstream/consumer/progress.ts';
import { readState, saveState } from '../../src/jetstream/consumer/saved-state.ts';
import type { Start } from '../../src/jetstream/consumer/start.ts';
import { createMemoryStore } from '../../src/jetstream/store/memory-store.ts';
import { wholly } from '../../src/jetstream/work.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { openStore } from '../support/file-stores.ts';
import type { Received } from '../support/jetstream.ts';
import { KeptJetStream } from '../support/kept-jetstream.ts';
import { SimDisk } from '../support/sim-disk.ts';

const BEGINNING: Start = { next: 1, lasts: new Float64Array(0), resume: 0, pending: 0 };
const CONSUMER = { durable_name: 'C', ack_policy: 'explicit', ack_wait: 1e9, max_ack_pending: -1 };

async function start(disk: SimDisk): Promise<KeptJetStream> {
  const bed = KeptJetStream.start(disk);
  await bed.stream('S', ['s.*'], { storage: 'file' });
  await bed.api('CONSUMER.DURABLE.CREATE.S.C', { stream_name: 'S', config: CONSUMER });
  return bed;
}

async function pulled(bed: KeptJetStream, batch: number): Promise<Received[]> {
  const got = bed.inbox(`got.${batch}`);
  const body = JSON.stringify({ batch, no_wait: true });
  bed.bus.publish('$JS.API.CONSUMER.MSG.NEXT.S.C', body, { reply: `got.${batch}` });
  while (got.length < batch && !got.some(({ status }) => status !== 0)) await bed.settle();
  return got.filter(({ status }) => status === 0);
}

/** Messages that wait for their acks, by sequence, after a restart. */
async function waiting(disk: SimDisk): Promise<number[]> {
  const bed = KeptJetStream.start(disk.afterEnd());
  bed.clock.advance(2000);
  await bed.settle();
  const got = await pulled(bed, 5000);
  await bed[Symbol.asyncDispose]();
  return got.map(({ reply }) => Number(reply.split('.').at(-4)));
}

describe('the log of consumers', () => {
  test('confirms no ack that it cannot write, and has all when there is room again', async () => {
    const disk = new SimDisk();
    const bed = await start(disk);
    for (let i = 0; i < 3; i++) await bed.publish('s.a');
    const got = await pulled(bed, 3);
    const confirmed = bed.inbox('confirmed');
    const ack = (at: number): void =>
      bed.bus.publish(got[at]?.reply ?? '', '+ACK', { reply: 'confirmed' });
    disk.fails = (verb, path) =>
      path.includes('/consumers/') && (verb === 'write' || verb === 'create')
        ? 'ENOSPC'
        : undefined;
    ack(0);
    await bed.settle();
    expect(confirmed).toEqual([]);
    // A consumer that cannot be kept is none that was made.
    const config = { ...CONSUMER, durable_name: 'D' };
    expect(
      await bed.api('CONSUMER.DURABLE.CREATE.S.D', { stream_name: 'S', config }),
    ).toMatchObject({ error: { code: 500, err_code: 10012 } });
    disk.fails = () => undefined;
    ack(1);
    await bed.settle();
    expect(confirmed).toHaveLength(1);
    // The first was obeyed, and what is written now says that, too.
    expect(await waiting(disk)).toEqual([3]);
    await bed[Symbol.asyncDispose]();
  });

  test('has all of a consumer again whose end it could not write', async () => {
    let refused = 0;
    // With one length or another the segment is full when the end is to be written.
    for (let length = 0; length < 60; length++) {
      const disk = new SimDisk();
      const clock = new FakeClock();
      const open = () => openStore({ disk, dir: '/c', clock, segmentBytes: 560 }).store;
      const store = open();
      const log = new ConsumerLog(store, clock, () => {});
      const journal = log.journal('C');
      const description = 'x'.repeat(length);
      const config = { ...CONSUMER, name: 'C', description } as unknown as ConsumerConfig;
      const parts = {
        progress: new Progress(1, [1000], journal),
        cursor: new Cursor(store, new Ahead(), [], BEGINNING),
      };
      log.add(journal, parts, { config, createdMs: 1 });
      log.begin('C');
      await disk.settle();
      disk.fails = (verb) => (verb === 'create' ? 'ENOSPC' : undefined);
      let isGone = true;
      try {
        log.remove('C');
      } catch {
        isGone = false;
        refused++;
      }
      disk.fails = () => undefined;
      for (let i = 0; i < 2; i++) {
        log.commit(() => {});
        await disk.settle();
      }
      const found = wholly(new ConsumerLog(open(), clock, () => {}).read(() => {}));
      expect([...found.keys()]).toEqual(isGone ? [] : ['C']);
    }
    expect(refused).toBeGreaterThan(0);
  });

  test('is made smaller when it has become much, and says the same', () => {
    const store = createMemoryStore({ storage: 'file' });
    const clock = new FakeClock();
    const log = new ConsumerLog(store, clock, () => {});
    const journal = log.journal('C');
    const config = { ...CONSUMER, name: 'C', deliver_policy: 'all' } as unknown as ConsumerConfig;
    const progress = new Progress(1, [1000], journal);
    const parts = { progress, cursor: new Cursor(store, new Ahead(), [], BEGINNING) };
    log.add(journal, parts, { config, createdMs: 1 });
    const count = 5000;
    for (let seq = 1; seq <= count; seq++) {
      progress.deliver(seq, 0);
      if (seq % 100 !== 0) progress.ack(seq, seq + 1);
      log.commit((failure) => expect(failure).toBeUndefined());
    }
    // A message of each turn would be 5,000; of 64 KiB there are some 600.
    expect(store.state.messages).toBeLessThan(1000);
    const found = wholly(new ConsumerLog(store, clock, () => {}).read(() => {}));
    const { state } = found.get('C') ?? {};
    expect(state).toMatchObject({ consumerSeq: count, deliveredStream: count, floorStream: 99 });
    expect([...(state?.waiting.keys() ?? [])]).toEqual(
      Array.from({ length: count / 100 }, (_, i) => (i + 1) * 100),
    );
  });

  test('says nothing that cannot be, whatever its bytes are', () => {
    const clock = new FakeClock();
    const messages = createMemoryStore({ storage: 'file' });
    const progress = new Progress(1, [1000]);
    const parts = { progress, cursor: new Cursor(messages, new Ahead(), [], BEGINNING) };
    for (let seq = 1; seq <= 3; seq++) progress.deliver(seq, 0);
    progress.redelivery.exhausted.set(9, 4);
    const whole = saveState(parts, { isWhole: true, seqs: [] }, clock);
    const before = readState(whole, undefined);
    expect([...(before?.waiting.keys() ?? [])]).toEqual([1, 2, 3]);
    let refused = 0;
    for (let at = 0; at < whole.length; at++) {
      for (const value of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
        const bytes = whole.slice(0, Math.max(at + 8, whole.length));
        if (at + 8 <= bytes.length) new DataView(bytes.buffer).setFloat64(at, value, true);
        const state = readState(bytes, undefined);
        if (state === undefined) refused++;
        else
          for (const [seq, { dueMs }] of state.waiting)
            expect([seq, dueMs].every(Number.isFinite)).toBe(true);
      }
      // One that is cut does not make less of what was before.
      const cut = saveState(parts, { isWhole: false, seqs: [1, 2] }, clock).subarray(0, at);
      if (at > 90 && at < 90 + 58 && at !== 90 + 29) expect(readState(cut, before)).toBeUndefined();
      expect(before?.waiting.size).toBe(3);
    }
    expect(refused).toBeGreaterThan(100);
  });

  test('that is damaged is told, and what it has lost comes again', async () => {
    const disk = new SimDisk();
    const bed = await start(disk);
    for (let i = 0; i < 2; i++) await bed.publish('s.a');
    const got = await pulled(bed, 2);
    await bed.bus.request(got[0]?.reply ?? '', '+ACK', { timeout: 1000 });
    const after = disk.afterEnd();
    bed.stop();
    const [path = '', content] =
      [...after.names].find(([name]) => /consumers\/\d+\.log$/.test(name)) ?? [];
    if (content === undefined) throw new Error('there is none');
    // A byte of the last frame.
    const at = content.bytes.length - 3;
    content.bytes[at] = (content.bytes[at] as number) ^ 1;
    const warnings: string[] = [];
    const next = KeptJetStream.start(after, { warn: (text) => void warnings.push(text) });
    expect(warnings).toEqual([expect.stringContaining(path)]);
    next.clock.advance(2000);
    await next.settle();
    expect((await pulled(next, 5)).map(({ reply }) => Number(reply.split('.').at(-4)))).toEqual([
      1, 2,
    ]);
    await next[Symbol.asyncDispose]();
  });
});
