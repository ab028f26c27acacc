// Streams that are worked off: what was confirmed to be acknowledged comes never again, and what was stored comes at least
// once to each who wants it.
import { deepStrictEqual, ok } from 'node:assert/strict';
import type { ConsumerConfig, JsMsg, RetentionPolicy } from '@nats-io/jetstream';
import { nanos, TimeoutError } from '@nats-io/nats-core';
import { type Actor, bodyOf, held, type Means, rises } from './actor.ts';
import { makeStream } from './publishing.ts';

const BATCH = 40;
const PULLED = 50;
const PULL_MS = 1000;
const ACK_MS = 20_000;
const ACK_WAIT_MS = 700;
/** Rather than more it waits until some have gone. */
const MOST = 600;
const DRAIN_MS = 60_000;

/** Who works, and what it was told. */
interface Worker {
  readonly name: string;
  readonly subject: string;
  readonly acks: 'explicit' | 'all';
  /** Numbers, as the messages have. */
  readonly delivered: Set<number>;
  readonly confirmed: Set<number>;
  /** Everything up to that stream sequence is confirmed, of one that acknowledges all. */
  confirmedTo: number;
  /** Up to there it was asked to, perhaps also what came with a pull that a kill has cut, and was never seen. */
  askedTo: number;
  /** Of first deliveries, in the life at hand. */
  lastSeq: number;
  redelivered: number;
}

export interface Queue {
  readonly publisher: Actor;
  readonly workers: readonly Actor[];
}

export type QueueKind = 'workqueue' | 'interest';

/** How it is worked on. */
export interface Manner {
  /** Published at a time; of several one may be refused, and be stored behind the others. */
  readonly batch?: number;
  /** An ack that is not confirmed by then never is. */
  readonly ackMs?: number;
}

/** A queue, and two who work: each on its half of a work queue; on all of a stream of interest, one by acks of all. */
export async function queue(
  { own, others }: { readonly own: Means; readonly others: readonly Means[] },
  name: string,
  retention: QueueKind,
  { batch = BATCH, ackMs = ACK_MS }: Manner = {},
): Promise<Queue> {
  const policy = retention as RetentionPolicy;
  await makeStream(own, { name, subjects: [`${name}.*`], retention: policy });
  const isWork = retention === 'workqueue';
  const workers = ['0', '1'].map(
    (half): Worker => ({
      name: `w${half}`,
      subject: isWork ? `${name}.${half}` : `${name}.*`,
      acks: isWork || half === '0' ? 'explicit' : 'all',
      delivered: new Set(),
      confirmed: new Set(),
      confirmedTo: 0,
      askedTo: 0,
      lastSeq: 0,
      redelivered: 0,
    }),
  );
  for (const worker of workers) {
    const config = {
      durable_name: worker.name,
      ack_policy: worker.acks,
      ack_wait: nanos(ACK_WAIT_MS),
      filter_subject: worker.subject,
    } as ConsumerConfig;
    await own.manager.consumers.add(name, config);
  }
  const actors = workers.map((worker, i) => working(others[i] ?? own, name, worker, ackMs));
  const publisher = publisherOf({ means: own, name, workers, isWork, batch });
  return { publisher, workers: actors };
}

/** Where a consumer stands is where it was, or behind it, and not beyond the end of its stream. */
async function isRight(
  { manager }: Means,
  name: string,
  worker: Worker,
  lastSeq: number,
): Promise<void> {
  const info = await manager.consumers.info(name, worker.name);
  const delivered = info.delivered.stream_seq;
  const floor = info.ack_floor.stream_seq;
  const title = `${name}.${worker.name}`;
  ok(floor <= lastSeq, `${title}: its floor ${floor} is beyond the end`);
  ok(delivered <= lastSeq, `${title}: ${delivered} is beyond the end`);
  ok(floor >= worker.confirmedTo, `${title}: its floor has fallen to ${floor}`);
  ok(floor <= delivered, `${title}: its floor ${floor} is beyond ${delivered}`);
  deepStrictEqual(info.config.filter_subject, worker.subject);
  worker.lastSeq = 0;
}

interface Published {
  readonly means: Means;
  readonly name: string;
  readonly workers: readonly Worker[];
  readonly isWork: boolean;
  readonly batch: number;
}

function publisherOf({ means, name, workers, isWork, batch }: Published): Actor {
  const { link, manager, random } = means;
  const acked = new Map<number, number>();
  let acks = 0;
  let next = 0;
  let most = 0;

  const send = async (n: number): Promise<void> => {
    most = Math.max(most, n + 1);
    const ack = await link.publish(`${name}.${n % 2}`, bodyOf(n), `${name}-${n}`);
    ok(
      !acked.has(n) || acked.get(n) === ack.seq,
      `${name}: ${n} is at ${acked.get(n)}, ${ack.seq}`,
    );
    if (!ack.duplicate) acks++;
    acked.set(n, ack.seq);
  };
  const wanted = (n: number): readonly Worker[] => (isWork ? [workers[n % 2] as Worker] : workers);
  const isDone = ({ confirmed, confirmedTo }: Worker, n: number, seq: number): boolean =>
    confirmed.has(n) || seq <= confirmedTo;
  const isSeen = (n: number, seq: number): boolean =>
    wanted(n).every(({ delivered, askedTo }) => delivered.has(n) || seq <= askedTo);

  /** What is stored and was not delivered is there; what was confirmed is not. */
  const check = async (): Promise<void> => {
    const [state, found] = await held(means, name);
    rises(name, found);
    const there = new Map(found.map(({ n, seq }) => [n, seq]));
    for (const [n, seq] of acked) {
      const at = there.get(n);
      ok(at === undefined || at === seq, `${name}: ${n} was stored at ${seq} and is at ${at}`);
      const isOver = wanted(n).every((worker) => isDone(worker, n, seq));
      ok(!isOver || at === undefined, `${name}: ${n} is confirmed by all and still there`);
      ok(isSeen(n, seq) || at === seq, `${name}: ${n} at ${seq} is lost`);
      if (isOver) acked.delete(n);
    }
    for (const worker of workers) await isRight(means, name, worker, state.last_seq);
  };

  return {
    turn: async () => {
      const isFull = acked.size > MOST;
      const end = isFull ? most : Math.max(most, next + 1 + Math.floor(random() * batch));
      await link.all(Array.from({ length: end - next }, (_, i) => send(next + i)));
      next = end;
      if (isFull) await link.during(new Promise<void>((resolve) => setTimeout(resolve, 20)));
      for (const [n, seq] of acked) {
        if (wanted(n).every((worker) => isDone(worker, n, seq))) acked.delete(n);
      }
    },
    check,
    /** They go on until nothing is left. */
    finish: async () => {
      const end = performance.now() + DRAIN_MS;
      for (;;) {
        const { state } = await manager.streams.info(name);
        if (state.messages === 0) break;
        ok(performance.now() < end, `${name}: ${state.messages} messages never came to an end`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      for (const [n, seq] of acked) {
        ok(isSeen(n, seq), `${name}: ${n} at ${seq} is gone and was never delivered`);
      }
    },
    told: () => ({ acked: acks }),
  };
}

/** Looks at a message that has come. @returns its number */
function took(title: string, worker: Worker, message: JsMsg): number {
  const n = Number.parseInt(message.string(), 10);
  const isKnown = worker.confirmed.has(n) || message.seq <= worker.confirmedTo;
  ok(!isKnown, `${title}: ${n} at ${message.seq} was acknowledged and comes again`);
  if (message.redelivered) worker.redelivered++;
  else {
    ok(message.seq > worker.lastSeq, `${title}: ${message.seq} comes behind ${worker.lastSeq}`);
    worker.lastSeq = message.seq;
  }
  worker.delivered.add(n);
  return n;
}

function unconfirmed(error: unknown): false {
  if (error instanceof TimeoutError) return false;
  throw error;
}

/** By its number a message is acknowledged and that confirmed, or not confirmed, or sent back. */
async function answer(
  title: string,
  worker: Worker,
  message: JsMsg,
  timeout: number,
): Promise<void> {
  const n = took(title, worker, message);
  if (worker.acks === 'all') return;
  if (n % 5 === 0) message.ack();
  else if (n % 7 === 0 && !message.redelivered) message.nak();
  else if (n % 11 === 0) message.term();
  else if (await message.ackAck({ timeout }).catch(unconfirmed)) worker.confirmed.add(n);
  else throw new Error(`${title}: ${n}: the ack was not confirmed`);
}

function working(means: Means, stream: string, worker: Worker, ackMs: number): Actor {
  const { link, client, random } = means;
  const title = `${stream}.${worker.name}`;
  return {
    turn: async () => {
      const consumer = await link.during(client.consumers.get(stream, worker.name));
      const messages = await link.during(
        consumer.fetch({ max_messages: 1 + Math.floor(random() * PULLED), expires: PULL_MS }),
      );
      const answers: Promise<void>[] = [];
      let last: JsMsg | undefined;
      const pulled = (async () => {
        for await (const message of messages) {
          const answered = answer(title, worker, message, ackMs);
          answered.catch(() => {});
          answers.push(answered);
          if (last === undefined || last.seq < message.seq) last = message;
        }
      })();
      try {
        await link.during(pulled);
        await link.all(answers);
        if (worker.acks === 'all' && last !== undefined) {
          const { seq } = last;
          worker.askedTo = Math.max(worker.askedTo, seq);
          const confirmed = last.ackAck({ timeout: ackMs }).then((isSo) => {
            ok(isSo, `${title}: the ack of ${seq} was not confirmed`);
            worker.confirmedTo = Math.max(worker.confirmedTo, seq);
          });
          await link.during(confirmed);
        }
      } finally {
        messages.stop();
      }
    },
    check: async () => {},
    told: () => ({
      delivered: worker.delivered.size,
      confirmed: worker.confirmed.size,
      confirmedTo: worker.confirmedTo,
      redelivered: worker.redelivered,
    }),
  };
}
