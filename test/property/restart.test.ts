// Whatever a stream and its consumer are asked, and at whatever step the machine stops: what has been acknowledged to a
// publisher is there once, under its sequence and id; what has been confirmed of acks does not come again; no floor is
// beyond the end, also where a power loss may cost what was said; and what is published afterwards is delivered.
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { headers } from '../../src/index.ts';
import type { Received } from '../support/jetstream.ts';
import { KeptJetStream } from '../support/kept-jetstream.ts';
import { SimDisk } from '../support/sim-disk.ts';
import { checkAsync, takeTime } from './check.ts';

takeTime();

const operation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('publish' as const), id: fc.nat(40) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pull' as const), count: fc.nat(4) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('ack' as const), which: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('turn' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const) }) },
);
const program = fc.record({
  seed: fc.nat(),
  retention: fc.constantFrom('limits', 'workqueue'),
  isPowerLoss: fc.boolean(),
  sync: fc.constantFrom<'always' | number>('always', 1000),
  stopsAfter: fc.option(fc.nat(120)),
  operations: fc.array(operation, { minLength: 5, maxLength: 60, size: 'max' }),
});
type Program = typeof program extends fc.Arbitrary<infer T> ? T : never;

/** What has been said by the stream before the machine stopped. */
interface Told {
  /** Sequences by id. */
  readonly stored: Map<string, number>;
  /** Sequences of which acks were confirmed. */
  readonly confirmed: Set<number>;
  /** And those that it may have obeyed. */
  readonly acked: Set<number>;
}

const NOTHING: Told = { stored: new Map(), confirmed: new Set(), acked: new Set() };

const seqOf = ({ reply }: Received): number => Number(reply.split('.').at(-4));
const CONFIG = { durable_name: 'C', ack_policy: 'explicit', ack_wait: 1e9 };

async function play(bed: KeptJetStream, { operations }: Program): Promise<Told> {
  const told: Told = { stored: new Map(), confirmed: new Set(), acked: new Set() };
  const got = bed.inbox('got');
  bed.bus.subscribe('stored.*', (message) => {
    const { error, seq } = JSON.parse(message.string());
    if (error === undefined) told.stored.set(message.subject.slice(7), seq);
  });
  bed.bus.subscribe('confirmed.*', ({ subject }) => {
    told.confirmed.add(Number(subject.slice(10)));
  });
  for (const each of operations) {
    if (each.kind === 'publish') {
      const block = headers();
      block.set('Nats-Msg-Id', `${each.id}`);
      bed.bus.publish('s.a', `${each.id}`, { reply: `stored.${each.id}`, headers: block });
    } else if (each.kind === 'pull') {
      const body = JSON.stringify({ batch: each.count + 1, no_wait: true });
      bed.bus.publish('$JS.API.CONSUMER.MSG.NEXT.S.C', body, { reply: 'got' });
    } else if (each.kind === 'ack') {
      const messages = got.filter(({ status }) => status === 0);
      const message = messages[each.which % Math.max(1, messages.length)];
      if (message === undefined) continue;
      told.acked.add(seqOf(message));
      bed.bus.publish(message.reply, '+ACK', { reply: `confirmed.${seqOf(message)}` });
    } else if (each.kind === 'wait') {
      bed.clock.advance(600);
    } else {
      await bed.settle();
    }
  }
  await bed.settle();
  return told;
}

async function isKept(bed: KeptJetStream, told: Told): Promise<boolean> {
  const { stored, confirmed, acked } = told;
  const state = await bed.state('S');
  const lastSeq = Number(state.last_seq);
  const info = await bed.api<{ [key: string]: { stream_seq: number } }>('CONSUMER.INFO.S.C');
  // A consumer is no more than its messages are.
  if (info.delivered === undefined) return told === NOTHING;
  const floors = [info.delivered.stream_seq, info.ack_floor?.stream_seq ?? 0];
  if (floors.some((floor) => floor > lastSeq)) return false;
  for (const [id, seq] of stored) {
    const answer = JSON.parse(await bed.publish('s.a', id, { 'Nats-Msg-Id': id }));
    // A work queue keeps the ids of what it has, as the original's does over a restart.
    if (answer.duplicate !== true && !confirmed.has(seq)) return false;
    if (answer.duplicate === true && answer.seq !== seq) return false;
  }
  const later: number[] = [];
  for (const text of ['later', 'latest']) {
    later.push(JSON.parse(await bed.publish('s.a', text)).seq);
  }
  const got = bed.inbox('again');
  for (let i = 0; i < 3; i++) {
    bed.clock.advance(2000);
    await bed.settle();
    bed.bus.publish('$JS.API.CONSUMER.MSG.NEXT.S.C', '{"batch":200,"no_wait":true}', {
      reply: 'again',
    });
    await bed.settle();
  }
  const again = new Set(got.filter(({ status }) => status === 0).map(seqOf));
  const isOwed = [...stored.values()].every((seq) => acked.has(seq) || again.has(seq));
  const isLater = later.every((seq) => again.has(seq));
  return isOwed && isLater && ![...confirmed].some((seq) => again.has(seq));
}

async function survives(one: Program): Promise<boolean> {
  const disk = new SimDisk(one.seed);
  const { sync } = one;
  const bed = KeptJetStream.start(disk, { sync });
  await bed.stream('S', ['s.*'], { storage: 'file', retention: one.retention });
  await bed.api('CONSUMER.DURABLE.CREATE.S.C', { stream_name: 'S', config: CONFIG });
  if (one.stopsAfter !== null) disk.stopsAt = disk.changes + one.stopsAfter;
  const told = await play(bed, one);
  const next = one.isPowerLoss ? disk.afterPowerLoss() : disk.afterEnd();
  bed.stop();
  const after = KeptJetStream.start(next, { sync });
  const isPromised = sync === 'always' || !one.isPowerLoss;
  const isRight = await isKept(after, isPromised ? told : NOTHING);
  await after[Symbol.asyncDispose]();
  return isRight;
}

describe('a stream and its consumer, over the end of the process or a power loss at any step', () => {
  it('keep what they have said', { timeout: 120_000 }, () =>
    checkAsync(100, fc.asyncProperty(program, survives)),
  );
});
