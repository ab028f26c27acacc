// A stream as a consumer sees it, on a bus of this process, and turned by hand: nothing happens before `turn`, and no
// time goes by before the clock is turned.
import type { BusInternals } from '../../src/bus/internals.ts';
import { internalsOf } from '../../src/bus/internals.ts';
import { type BatchEntry, BatchRun } from '../../src/core/index.ts';
import { type Bus, createBus } from '../../src/index.ts';
import { Ahead } from '../../src/jetstream/consumer/ahead.ts';
import type { ConsumerConfig } from '../../src/jetstream/consumer/config.ts';
import { Consumer } from '../../src/jetstream/consumer/consumer.ts';
import { ConsumerIndex } from '../../src/jetstream/consumer/consumer-index.ts';
import type { ConsumerHost } from '../../src/jetstream/consumer/host.ts';
import { filtersOf } from '../../src/jetstream/consumer/rules.ts';
import { findStart } from '../../src/jetstream/consumer/start.ts';
import { createMemoryStore } from '../../src/jetstream/store/memory-store.ts';
import type { Store } from '../../src/jetstream/store/store.ts';
import type { StreamConfig } from '../../src/jetstream/stream/config.ts';
import { purgeStore } from '../../src/jetstream/stream/purge.ts';
import { wholly } from '../../src/jetstream/work.ts';
import { FakeClock } from './fake-clock.ts';
import { incoming } from './stored.ts';

interface Slot {
  readonly fill: (run: BatchRun) => void;
  readonly sent: (run: BatchRun) => void;
}

/** What arrived at an inbox. */
export interface Arrival {
  readonly subject: string;
  readonly reply: string;
  readonly text: string;
  /** The header block; '' = none. */
  readonly headers: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class ConsumerStream implements ConsumerHost {
  readonly clock: FakeClock = new FakeClock();
  readonly store: Store;
  readonly bus: Bus = createBus({ clock: this.clock });
  readonly door: BusInternals;
  readonly pulls = { waiting: 0, max: 10_000 };
  readonly ahead: Ahead = new Ahead();
  readonly index: ConsumerIndex;
  readonly advised: { readonly kind: string; readonly type: string; readonly fields: object }[] =
    [];
  readonly dropped: string[] = [];
  config: StreamConfig;
  visibleSeq = 0;
  #said: (BatchEntry | Slot)[] = [];
  #atEnd: (() => void)[] = [];
  #inboxes = 0;

  constructor(config: Partial<StreamConfig> = {}) {
    this.config = {
      name: 'S',
      retention: 'limits',
      max_msgs_per_subject: -1,
      ...config,
    } as StreamConfig;
    this.store = createMemoryStore({
      storage: 'memory',
      onRemoved: (seq, subjectId) => this.index.removed(seq, subjectId),
    });
    this.index = new ConsumerIndex(this.store, this.ahead);
    const real = internalsOf(this.bus);
    this.door = {
      subscribeRaw: real.subscribeRaw.bind(real),
      engine: real.engine,
      turn: real.turn,
      hasListener: real.hasListener.bind(real),
      hasInterest: real.hasInterest.bind(real),
      hasSubscriber: real.hasSubscriber.bind(real),
      watchSubscribers: real.watchSubscribers.bind(real),
      whenDrained: real.whenDrained.bind(real),
      deliverBatch: real.deliverBatch.bind(real),
      deliverSlice: real.deliverSlice.bind(real),
      atLoopEnd: (fn: () => void) => void this.#atEnd.push(fn),
    } as unknown as BusInternals;
  }

  atCommit(work: () => void): void {
    work();
  }

  readonly outbox = {
    send: ({ to, headers, payload }: BatchEntry): void => {
      this.#said.push({ to: to.slice(), headers: headers?.slice(), payload: payload.slice() });
    },
    deliver: (): never => {
      throw new Error('consumers deliver runs');
    },
    deliverRun: (fill: Slot['fill'], sent: Slot['sent']): void =>
      void this.#said.push({ fill, sent }),
  };

  /** Makes a consumer with the defaults that the API fills in. */
  consumer(config: Partial<ConsumerConfig> = {}): Consumer {
    const full: ConsumerConfig = {
      name: 'C',
      durable_name: 'C',
      deliver_policy: 'all',
      ack_policy: 'explicit',
      ack_wait: 30_000_000_000,
      max_deliver: -1,
      ...(config.deliver_subject === undefined && { max_waiting: 512 }),
      max_ack_pending: 1000,
      replay_policy: 'instant',
      num_replicas: 0,
      ...config,
    };
    const start = wholly(findStart(this.store, full, filtersOf(full), -1));
    const consumer = new Consumer(this, full, this.clock.now(), start);
    this.index.add(full.name, consumer);
    return consumer;
  }

  /** Stores a message, which may be shown from the next turn on. */
  publish(subject: string, text = '', headers?: string): number {
    const seq = this.store.append(incoming(subject, text, headers), this.clock.now());
    this.index.stored(seq, this.store.subjectIdOf(seq));
    return seq;
  }

  /** The ends of some turns of the loop: all that has been said goes out. */
  turn(turns = 3): void {
    for (let i = 0; i < turns; i++) {
      for (const fn of this.#atEnd.splice(0)) fn();
      this.visibleSeq = this.store.state.lastSeq;
      this.index.wake(this.visibleSeq);
      for (const said of this.#said.splice(0)) this.#send(said);
    }
  }

  #send(said: BatchEntry | Slot): void {
    if ('to' in said) {
      this.door.deliverBatch([said]);
      return;
    }
    const run = new BatchRun();
    said.fill(run);
    if (run.count > 0) this.door.deliverSlice(run);
    said.sent(run);
  }

  /** Turns the clock, and what falls due on the way is sent. */
  advance(ms: number): void {
    this.clock.advance(ms);
    this.turn();
  }

  /** Asks for messages; what arrives is put into what this returns. */
  pull(consumer: Consumer, body: object | string = '', inbox?: Inbox): Inbox {
    const to = inbox ?? this.inbox();
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const request = this.bus; // The request comes as any other: by a subscription to the API's subject.
    const subscription = internalsOf(request).subscribeRaw('$JS.API.NEXT', (message) =>
      consumer.pull(message),
    );
    request.publish('$JS.API.NEXT', encoder.encode(text), { reply: to.subject });
    subscription.close();
    return to;
  }

  inbox(): Inbox {
    return new Inbox(this, `_INBOX.${++this.#inboxes}`);
  }

  /** Acknowledges a delivery; what answers is put into `reply`. */
  ack(delivery: Arrival | string, text = '', reply?: Inbox): void {
    const subject = typeof delivery === 'string' ? delivery : delivery.reply;
    const options = reply === undefined ? {} : { reply: reply.subject };
    this.bus.publish(subject, encoder.encode(text), options);
  }

  /** Removes what is below `seq`, or everything. */
  purge(seq = 0): void {
    const request = { filter: undefined, seq, keep: undefined };
    wholly(this.index.purge(request, purgeStore(this.store, request)));
  }

  settled(seq: number): void {
    const subjectId = this.store.subjectIdOf(seq);
    if (subjectId >= 0 && !this.index.needs(seq, subjectId)) this.store.remove(seq);
  }

  refiltered(consumer: string): void {
    this.index.update(consumer);
  }

  drop(consumer: string): void {
    this.dropped.push(consumer);
    this.index.remove(consumer);
  }

  advise(kind: string, type: string, fields: () => object): void {
    this.advised.push({ kind, type, fields: fields() });
  }

  measure(kind: string, type: string, fields: () => object): void {
    this.advise(`METRIC.${kind}`, type, fields);
  }
}

/** An inbox, and what arrived at it. */
export class Inbox {
  readonly subject: string;
  readonly arrivals: Arrival[] = [];
  readonly #subscription;

  constructor(stream: ConsumerStream, subject: string) {
    this.subject = subject;
    this.#subscription = internalsOf(stream.bus).subscribeRaw(subject, (message) => {
      this.arrivals.push({
        subject: decoder.decode(message.subject),
        reply: decoder.decode(message.reply),
        text: decoder.decode(message.payload),
        headers: decoder.decode(message.headers),
      });
    });
  }

  /** What has arrived since the last call. */
  take(): Arrival[] {
    return this.arrivals.splice(0);
  }

  /** The same as texts: the payload, or the first line of a status without `NATS/1.0`. */
  texts(): string[] {
    return this.take().map(({ headers, text }) =>
      /^NATS\/1\.0 \d/.test(headers) ? (headers.split('\r\n')[0] as string).slice(9) : text,
    );
  }

  close(): void {
    this.#subscription.close();
  }
}
