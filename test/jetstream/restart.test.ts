// Streams on disk over a restart: after a clean end, after the end of the process, and after a power loss.
import { describe, expect, test } from 'vitest';
import { KeptJetStream, type KeptOptions } from '../support/kept-jetstream.ts';
import { SimDisk } from '../support/sim-disk.ts';

type Ends = readonly [name: string, end: (bed: KeptJetStream, disk: SimDisk) => Promise<SimDisk>];

const ends: Ends[] = [
  [
    'a clean end',
    async (bed, disk) => {
      await bed[Symbol.asyncDispose]();
      return disk.afterEnd();
    },
  ],
  [
    'the end of the process',
    async (bed, disk) => {
      const after = disk.afterEnd();
      bed.stop();
      return after;
    },
  ],
];

const powerLoss: Ends = [
  'a power loss',
  async (bed, disk) => {
    const after = disk.afterPowerLoss();
    bed.stop();
    return after;
  },
];

const STREAM = { storage: 'file' };
const durable = (config: object = {}): object => ({
  stream_name: 'S',
  config: { durable_name: 'C', ack_policy: 'explicit', ...config },
});

const published = async (bed: KeptJetStream, subject: string, id?: string): Promise<unknown> =>
  JSON.parse(
    await bed.publish(subject, subject, id === undefined ? undefined : { 'Nats-Msg-Id': id }),
  );

/** Pulls all that there is. */
async function pulled(bed: KeptJetStream, consumer = 'C') {
  const to = `pulled.${Math.floor(bed.clock.monotonic())}.${consumer}`;
  const got = bed.inbox(to);
  const body = JSON.stringify({ batch: 100, no_wait: true });
  bed.bus.publish(`$JS.API.CONSUMER.MSG.NEXT.S.${consumer}`, body, { reply: to });
  await bed.settle();
  return got.filter(({ status }) => status === 0);
}

async function acked(bed: KeptJetStream, reply: string, payload = '+ACK'): Promise<void> {
  await bed.bus.request(reply, payload, { timeout: 1000 });
}

const info = (bed: KeptJetStream, consumer = 'C'): Promise<Record<string, unknown>> =>
  bed.api(`CONSUMER.INFO.S.${consumer}`);

describe.each([...ends, powerLoss])('after %s', (_name, end) => {
  const options: KeptOptions = { sync: end === powerLoss[1] ? 'always' : 120_000 };

  test('streams are as they were: configuration, messages, deletions, sequences', async () => {
    const disk = new SimDisk(7);
    const bed = KeptJetStream.start(disk, options);
    const config = { ...STREAM, max_msgs: 4, metadata: { a: '<é>' }, first_seq: 10 };
    await bed.stream('S', ['s.*'], config);
    await bed.stream('Strömung"1"', ['other.>'], STREAM);
    for (const name of ['a', 'b', 'c', 'd', 'e']) await published(bed, `s.${name}`);
    await bed.api('STREAM.MSG.DELETE.S', { seq: 12 });
    const before = await bed.api<{ created: string }>('STREAM.INFO.S');
    const after = KeptJetStream.start(await end(bed, disk), options);
    const { state, config: read, created } = await after.api('STREAM.INFO.S');
    expect({ state, config: read, created }).toEqual({
      state: before['state' as never],
      config: before['config' as never],
      created: before.created,
    });
    // It is the same stream, as who makes it again is told.
    await after.stream('S', ['s.*'], config);
    await after.stream('Strömung"1"', ['other.>'], STREAM);
    expect(await published(after, 's.f')).toEqual({ stream: 'S', seq: 15 });
    await after[Symbol.asyncDispose]();
  });

  test('what was changed of a stream is changed, and what was deleted is gone', async () => {
    const disk = new SimDisk(8);
    const bed = KeptJetStream.start(disk, options);
    await bed.stream('S', ['s.*'], STREAM);
    await bed.stream('GONE', ['gone'], STREAM);
    await bed.api('STREAM.UPDATE.S', { name: 'S', subjects: ['s.*', 't'], ...STREAM });
    await bed.api('STREAM.DELETE.GONE');
    await bed.stream('AGAIN', ['gone'], STREAM);
    const after = KeptJetStream.start(await end(bed, disk), options);
    expect(await after.api('STREAM.NAMES')).toMatchObject({ streams: ['AGAIN', 'S'] });
    expect(await published(after, 't')).toEqual({ stream: 'S', seq: 1 });
    await after[Symbol.asyncDispose]();
  });

  test('ids of the window are known, for as long as it says', async () => {
    const disk = new SimDisk(9);
    const bed = KeptJetStream.start(disk, options);
    await bed.stream('S', ['s.*'], { ...STREAM, duplicate_window: 10e9 });
    await published(bed, 's.a', 'early');
    bed.clock.advance(8000);
    await published(bed, 's.a', 'late');
    const later = await end(bed, disk);
    const after = KeptJetStream.start(later, { ...options, laterMs: 11_000 });
    expect(await published(after, 's.a', 'late')).toEqual({ stream: 'S', seq: 2, duplicate: true });
    expect(await published(after, 's.a', 'early')).toEqual({ stream: 'S', seq: 3 });
    await after[Symbol.asyncDispose]();
  });

  test('a consumer goes on where it was, and nothing that was acknowledged comes again', async () => {
    const disk = new SimDisk(10);
    const bed = KeptJetStream.start(disk, options);
    await bed.stream('S', ['s.*'], STREAM);
    await bed.api('CONSUMER.DURABLE.CREATE.S.C', durable({ max_deliver: 5 }));
    for (const name of ['a', 'b', 'c', 'd']) await published(bed, `s.${name}`);
    const got = await pulled(bed);
    expect(got).toHaveLength(4);
    await acked(bed, got[0]?.reply ?? '');
    await acked(bed, got[2]?.reply ?? '');
    await published(bed, 's.e');
    await bed.settle();
    const before = await info(bed);
    const after = KeptJetStream.start(await end(bed, disk), options);
    const { config, created, ack_floor, delivered, num_ack_pending, num_pending } =
      await info(after);
    expect({ config, created, ack_floor, delivered, num_ack_pending, num_pending }).toEqual({
      config: before.config,
      created: before.created,
      ack_floor: before.ack_floor,
      delivered: before.delivered,
      num_ack_pending: 2,
      num_pending: 1,
    });
    expect((await pulled(after)).map(({ text }) => text)).toEqual(['s.e']);
    after.clock.advance(31_000);
    await after.settle();
    expect((await pulled(after)).map(({ text }) => text)).toEqual(['s.b', 's.d', 's.e']);
    await after[Symbol.asyncDispose]();
  });

  test('a work queue has what was not acknowledged, and nothing else', async () => {
    const disk = new SimDisk(11);
    const bed = KeptJetStream.start(disk, options);
    await bed.stream('S', ['s.*'], { ...STREAM, retention: 'workqueue' });
    await bed.api('CONSUMER.DURABLE.CREATE.S.C', durable());
    for (const name of ['a', 'b', 'c']) await published(bed, `s.${name}`);
    const got = await pulled(bed);
    await acked(bed, got[1]?.reply ?? '');
    const after = KeptJetStream.start(await end(bed, disk), options);
    expect(await after.state('S')).toMatchObject({ messages: 2, first_seq: 1, last_seq: 3 });
    await after[Symbol.asyncDispose]();
  });

  test('consumers that were deleted are gone, and one that was changed is', async () => {
    const disk = new SimDisk(12);
    const bed = KeptJetStream.start(disk, options);
    await bed.stream('S', ['s.*'], STREAM);
    await bed.api('CONSUMER.DURABLE.CREATE.S.C', durable());
    await bed.api('CONSUMER.DURABLE.CREATE.S.D', {
      stream_name: 'S',
      config: { durable_name: 'D', ack_policy: 'none' },
    });
    await bed.api('CONSUMER.DURABLE.CREATE.S.C', durable({ description: 'another' }));
    await bed.api('CONSUMER.DELETE.S.D');
    const after = KeptJetStream.start(await end(bed, disk), options);
    expect(await after.api('CONSUMER.NAMES.S')).toMatchObject({ consumers: ['C'] });
    expect(await info(after)).toMatchObject({ config: { description: 'another' } });
    await after[Symbol.asyncDispose]();
  });
});

/** A power loss has cost messages, and nothing of what consumers have done: that was written back sooner. */
function withMessagesOf(before: SimDisk, after: SimDisk): SimDisk {
  for (const [name, content] of before.names) {
    if (name.includes('/messages/')) after.names.set(name, content);
  }
  return after;
}

test.each([
  ['each', 'explicit'],
  ['all before', 'all'],
  ['none', 'none'],
])(
  'no consumer, whose acks are of %s, is beyond the end of a stream that has lost messages',
  async (_, ack_policy) => {
    const disk = new SimDisk(13);
    const bed = KeptJetStream.start(disk);
    await bed.stream('S', ['s.*'], STREAM);
    await bed.api('CONSUMER.DURABLE.CREATE.S.C', durable({ ack_policy }));
    for (const name of ['a', 'b', 'c']) await published(bed, `s.${name}`);
    const early = disk.afterEnd();
    for (const name of ['d', 'e', 'f', 'g']) await published(bed, `s.${name}`);
    const got = await pulled(bed);
    expect(got).toHaveLength(7);
    // All but one in front of what will be lost, and one of that.
    const answered = ack_policy === 'explicit' ? [0, 2, 3, 4, 6] : ack_policy === 'all' ? [4] : [];
    for (const index of answered) await acked(bed, got[index]?.reply ?? '');
    await bed.settle();
    const late = disk.afterEnd();
    bed.stop();
    const after = KeptJetStream.start(withMessagesOf(early, late));
    expect(await after.state('S')).toMatchObject({ messages: 3, last_seq: 3 });
    const isWaiting = ack_policy === 'explicit';
    expect(await info(after)).toMatchObject({
      delivered: { stream_seq: 3 },
      ack_floor: { stream_seq: isWaiting ? 1 : 3 },
      num_ack_pending: isWaiting ? 1 : 0,
      num_pending: 0,
    });
    // Whatever has the sequences of those next is delivered, and waits for acks of its own.
    for (const name of ['h', 'i']) await published(after, `s.${name}`);
    const next = await pulled(after);
    expect(next.map(({ text }) => text)).toEqual(['s.h', 's.i']);
    if (ack_policy !== 'none') for (const { reply } of next) await acked(after, reply);
    after.clock.advance(31_000);
    await after.settle();
    expect((await pulled(after)).map(({ text }) => text)).toEqual(isWaiting ? ['s.b'] : []);
    await after[Symbol.asyncDispose]();
  },
);

test('a consumer of the last of each subject passes over nothing that comes in the place of what a stream has lost', async () => {
  const disk = new SimDisk(14);
  const bed = KeptJetStream.start(disk);
  await bed.stream('S', ['s.*'], STREAM);
  for (const name of ['a', 'b', 'a']) await published(bed, `s.${name}`);
  const early = disk.afterEnd();
  for (const name of ['a', 'b', 'b', 'b']) await published(bed, `s.${name}`);
  const config = durable({ deliver_policy: 'last_per_subject', filter_subject: 's.*' });
  await bed.api('CONSUMER.DURABLE.CREATE.S.C', config);
  await bed.settle();
  const late = disk.afterEnd();
  bed.stop();
  const after = KeptJetStream.start(withMessagesOf(early, late));
  for (const name of ['c', 'c', 'a']) await published(after, `s.${name}`);
  const got = await pulled(after);
  expect(got.map(({ reply }) => reply.split('.').at(-4))).toEqual(['4', '5', '6']);
  await after[Symbol.asyncDispose]();
});
