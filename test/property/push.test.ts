// A consumer that pushes, against lists: whatever comes and goes, listeners among it, each message arrives in order and
// once, and never more is under way than flow control allows.

import fc from 'fast-check';
import { describe, it } from 'vitest';
import { matches } from '../model/matches.ts';
import { ConsumerStream, Inbox } from '../support/consumer-stream.ts';
import { check, takeTime } from './check.ts';

takeTime();

const MIB = 1024 * 1024;
const MESSAGE_BYTES = 400_000;
const NAMES = ['a', 'b', 'a.b'] as const;

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      subject: fc.constantFrom(...NAMES),
      count: fc.integer({ min: 1, max: 8 }),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'listen' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'quit' as const }) },
  { weight: 4, arbitrary: fc.constant({ kind: 'answer' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'beat' as const }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What the original keeps of a flow, as it says it. */
class NaiveFlow {
  windowBytes = 2 * MIB;
  bytes = 0;
  askedBytes = -1;

  get isOpen(): boolean {
    return this.bytes <= this.windowBytes;
  }

  /** Whether it is asked behind this one. */
  delivered(bytes: number): boolean {
    this.bytes += bytes;
    if (this.askedBytes < 0 && this.bytes > this.windowBytes / 2) {
      this.askedBytes = this.bytes;
      return true;
    }
    // The question is lost in what came behind it: the next answer counts for a little more.
    const isFar = this.askedBytes >= 0 && this.bytes - this.askedBytes >= this.windowBytes;
    if (isFar) this.askedBytes += bytes;
    return false;
  }

  answered(): void {
    this.windowBytes = Math.min(32 * MIB, this.windowBytes * 2);
    this.bytes = Math.max(0, this.bytes - this.askedBytes);
    this.askedBytes = -1;
  }
}

class Pair {
  readonly #stream = new ConsumerStream();
  readonly #filters: readonly string[];
  readonly #flow: NaiveFlow | undefined;
  readonly #ahead: number[] = [];
  #inbox: Inbox | undefined;
  #asked = '';
  #consumerSeq = 0;

  constructor(filters: readonly string[], hasFlowControl: boolean) {
    this.#filters = filters;
    this.#flow = hasFlowControl ? new NaiveFlow() : undefined;
    this.#stream.consumer({
      ...{ deliver_subject: 'd', ack_policy: 'none', filter_subjects: filters },
      ...(hasFlowControl && { flow_control: true, idle_heartbeat: 1_000_000_000 }),
    });
  }

  does(step: Step): boolean {
    const stream = this.#stream;
    if (step.kind === 'publish') {
      for (let i = 0; i < step.count; i++) this.#publish(step.subject);
    } else if (step.kind === 'listen') this.#inbox ??= new Inbox(stream, 'd');
    else if (step.kind === 'quit') {
      this.#inbox?.close();
      this.#inbox = undefined;
    } else if (step.kind === 'answer' && this.#asked !== '') {
      stream.ack(this.#asked);
      stream.ack(this.#asked);
      this.#asked = '';
      this.#flow?.answered();
    } else if (step.kind === 'beat') stream.advance(1000);
    // One message of that size is given out a turn of the loop.
    stream.turn(60 + this.#ahead.length);
    return this.#agrees();
  }

  #publish(subject: string): void {
    const seq = this.#stream.publish(subject, 'x'.repeat(MESSAGE_BYTES));
    const isWanted = this.#filters.some((filter) => matches(subject, filter));
    if (this.#filters.length === 0 || isWanted) this.#ahead.push(seq);
  }

  /** All that may have come has, in order, with a question at its place; heartbeats stand anywhere. */
  #agrees(): boolean {
    const arrivals = (this.#inbox?.take() ?? []).filter(
      ({ headers }) => !headers.includes('Idle Heartbeat'),
    );
    while (this.#inbox !== undefined && this.#ahead.length > 0) {
      if (this.#flow?.isOpen === false) break;
      const seq = this.#ahead.shift();
      const got = arrivals.shift();
      const place = `1.${seq}.${++this.#consumerSeq}`;
      if (got?.reply.split('.').slice(4, 7).join('.') !== place) return false;
      if (got.text.length !== MESSAGE_BYTES) return false;
      const isAsked = this.#flow?.delivered(MESSAGE_BYTES + got.reply.length + 1);
      if (!isAsked) continue;
      const question = arrivals.shift();
      if (!question?.headers.startsWith('NATS/1.0 100 FlowControl Request')) return false;
      this.#asked = question.reply;
    }
    return arrivals.length === 0;
  }
}

/** More messages wait for a listener than a stream takes turns for anything else. */
const MORE_THAN_TURNS: Step[] = [
  ...Array.from({ length: 8 }, (): Step => ({ kind: 'publish', subject: 'a', count: 8 })),
  { kind: 'listen' },
];

describe('a consumer that pushes', () => {
  it('loses nothing, delivers nothing twice and keeps within its window', () => {
    const filters = fc.constantFrom([], ['a'], ['a.*', 'b']);
    check(
      100,
      fc.property(
        filters,
        fc.boolean(),
        fc.array(step, { maxLength: 40, size: 'max' }),
        (some, flow, steps) => {
          const pair = new Pair(some, flow);
          return steps.every((one) => pair.does(one));
        },
      ),
      [[[], false, MORE_THAN_TURNS]],
    );
  });
});
