// A consumer against maps and lists: any order of deliveries, acks of all kinds, messages that come and go, and time.

import fc from 'fast-check';
import { describe, it } from 'vitest';
import { NaiveConsumer, type NaiveOptions } from '../model/naive-consumer.ts';
import { ConsumerStream } from '../support/consumer-stream.ts';
import { check, takeTime } from './check.ts';

takeTime();

const subject = fc.constantFrom('a', 'b', 'a.b', 'a.c', 'b.c');
const filters = fc.constantFrom([], ['a'], ['a.*'], ['a', 'b.>'], ['>'], ['b', 'a.b', 'a.c']);

const operation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('publish' as const), subject }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('pull' as const),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('ack' as const),
      which: fc.nat(),
      word: fc.constantFrom('', '', '', '-NAK', '-NAK 150ms', '-NAK 3s', '+WPI', '+TERM'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(1, 50, 100, 499, 1000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), which: fc.nat() }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

const options: fc.Arbitrary<NaiveOptions> = fc.record({
  acks: fc.constantFrom('explicit' as const, 'explicit' as const, 'all' as const, 'none' as const),
  filters,
  waitsMs: fc.constantFrom([500], [100, 300], [300, 100, 700]),
  maxDeliver: fc.constantFrom(Number.POSITIVE_INFINITY, 1, 2, 3),
  maxAckPending: fc.constantFrom(1000, 1, 3),
});

interface Delivered {
  readonly reply: string;
  readonly seq: number;
  readonly consumerSeq: number;
}

/** Both of them, and what was delivered: each operation is done to both, and answers whether they agree. */
class Pair {
  readonly #stream = new ConsumerStream();
  readonly #consumer;
  readonly #model: NaiveConsumer;
  readonly #rows: { seq: number; subject: string }[] = [];
  readonly #delivered: Delivered[] = [];

  constructor(wanted: NaiveOptions) {
    const { acks, waitsMs, maxDeliver, maxAckPending } = wanted;
    const nanos = waitsMs.map((ms) => ms * 1_000_000);
    this.#consumer = this.#stream.consumer({
      ack_policy: acks,
      ack_wait: nanos[0] as number,
      ...(nanos.length > 1 && { backoff: nanos }),
      filter_subjects: wanted.filters,
      max_deliver: maxDeliver === Number.POSITIVE_INFINITY ? -1 : maxDeliver,
      max_ack_pending: maxAckPending,
    });
    this.#model = new NaiveConsumer(wanted, () => this.#rows);
  }

  does(step: Operation): boolean {
    const stream = this.#stream;
    const model = this.#model;
    const nowMs = stream.clock.monotonic();
    if (step.kind === 'publish') {
      this.#rows.push({ seq: stream.publish(step.subject), subject: step.subject });
      stream.turn();
    } else if (step.kind === 'pull') return this.#pulls(step.count) && this.#agrees();
    else if (step.kind === 'ack') this.#acks(step.which, step.word);
    else if (step.kind === 'wait') {
      stream.advance(step.ms);
      model.turnTo(nowMs + step.ms);
    } else if (this.#rows.length > 0) {
      const [row] = this.#rows.splice(step.which % this.#rows.length, 1);
      model.removed(row?.seq ?? 0);
      stream.store.remove(row?.seq ?? 0);
    }
    return this.#agrees();
  }

  #pulls(count: number): boolean {
    const stream = this.#stream;
    const inbox = stream.pull(this.#consumer, { batch: count, expires: 1_000_000 });
    stream.turn();
    const nowMs = stream.clock.monotonic();
    const wanted = this.#model.pull(count, nowMs, stream.store.state.lastSeq);
    // Then its time is over: it gets what there is, and no more. What falls due by that is for the next one.
    inbox.close();
    this.#consumer.info();
    stream.advance(1);
    this.#model.turnTo(nowMs + 1);
    const got = inbox.take().filter(({ reply }) => reply !== '');
    for (const { reply } of got) {
      const numbers = reply.split('.').map(Number);
      this.#delivered.push({
        reply,
        seq: numbers[5] as number,
        consumerSeq: numbers[6] as number,
      });
    }
    const shown = got.map(({ reply }) => {
      const [deliveries, seq, consumerSeq, , pending] = reply.split('.').slice(4).map(Number);
      return { seq, deliveries, consumerSeq, pending };
    });
    return isSame(shown, wanted);
  }

  #acks(which: number, word: string): void {
    if (this.#delivered.length === 0) return;
    const stream = this.#stream;
    const model = this.#model;
    const { reply, seq, consumerSeq } = this.#delivered[
      which % this.#delivered.length
    ] as Delivered;
    stream.ack(reply, word);
    const nowMs = stream.clock.monotonic();
    if (word === '' || word === '+TERM') model.ack(seq, consumerSeq);
    else if (word === '+WPI') model.progress(seq, nowMs);
    else {
      const delayMs = { '-NAK 150ms': 150, '-NAK 3s': 3000 }[word];
      model.nak(seq, consumerSeq, delayMs, nowMs);
    }
  }

  #agrees(): boolean {
    const { delivered, ackFloor, ackPending, redelivered, pending } = this.#consumer.info();
    const model = this.#model;
    const told = this.#stream.advised.filter(({ type }) => type === 'max_deliver');
    const isNew = model.consumerSeq === 0;
    return (
      delivered.consumer === model.consumerSeq &&
      delivered.stream === (isNew ? model.next - 1 : model.deliveredSeq) &&
      isSame([ackFloor.consumer, ackFloor.stream], model.shownFloor) &&
      ackPending === model.waiting.size &&
      redelivered === model.redelivered &&
      pending === model.pending &&
      isSame(
        told.map(({ fields }) => (fields as { stream_seq: number }).stream_seq),
        model.told,
      )
    );
  }
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

describe('a consumer', () => {
  it('delivers, counts and moves its floors as lists do', () => {
    const steps = fc.array(operation, { maxLength: 60, size: 'max' });
    check(
      200,
      fc.property(options, steps, (wanted, operations) => {
        const pair = new Pair(wanted);
        return operations.every((step) => pair.does(step));
      }),
    );
  });
});
