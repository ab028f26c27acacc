// What a consumer and its stream know of each other.
import type { BusInternals } from '../../bus/internals.ts';
import type { Clock } from '../../shared/clock.ts';
import type { Outbox } from '../outbox.ts';
import type { Store } from '../store/store.ts';
import type { StreamConfig } from '../stream/config.ts';
import type { Work } from '../work.ts';
import type { Ahead } from './ahead.ts';

/** Pulls that wait at all consumers of an account together. */
export interface PullQuota {
  waiting: number;
  readonly max: number;
}

/** What a consumer asks of its stream. */
export interface ConsumerHost {
  readonly config: StreamConfig;
  readonly store: Store;
  readonly outbox: Outbox;
  readonly door: BusInternals;
  readonly clock: Clock;
  readonly pulls: PullQuota;
  readonly ahead: Ahead;
  /** The highest sequence that may be shown: up to it everything is as durable as promised. */
  readonly visibleSeq: number;
  /**
   * A consumer that must see a message before it may go (interest, work queue) needs `seq` no more. The stream removes
   * it when nobody needs it; the consumer is told by `removed`, as of every removal. Never called while entries of
   * `Outbox.deliver` are views of the store.
   */
  settled(seq: number): void;
  /** Calls `work` when the next commit is done, or has failed. */
  atCommit(work: () => void): void;
  /** The filters of a consumer have changed: whom a message concerns, and who needs it. */
  refiltered(consumer: string): void;
  /** The consumer is at an end (inactive too long): the stream forgets it and calls its `close`. */
  drop(consumer: string): void;
  /**
   * Publishes an advisory if somebody listens; `fields` is asked only then. `kind` as in
   * `CONSUMER.MAX_DELIVERIES.stream.consumer`, `type` as in `max_deliver`.
   */
  advise(kind: string, type: string, fields: () => object): void;
  /** The same of a metric: `CONSUMER.ACK.stream.consumer`, `consumer_ack`. */
  measure(kind: string, type: string, fields: () => object): void;
}

/** What a stream tells a consumer. */
export interface StreamFollower {
  /** Subjects that it wants; none = all. They change only with `ConsumerHost.refiltered`. */
  readonly filters: readonly string[];
  /** Where its numbers stand in `ConsumerHost.ahead`: there it is counted what is stored that its filters match. */
  readonly slot: number;
  /** Some of that may be shown now, and somebody waits; once for a run of messages. */
  wake(): void;
  /** One that its filters match leaves the stream, whoever removes it: it counts no more. */
  uncount(seq: number): void;
  /**
   * The same one, of which no purge tells: nobody acknowledges it any more.
   *
   * @param mayReturn until the stream's next commit is done nobody knows whether it is gone
   */
  removed(seq: number, subjectId: number, mayReturn?: boolean): void;
  /** It is there again, and counts. */
  restored(seq: number): void;
  /** Very many have left: what lies ahead is to be counted anew, in pieces. */
  recount(): Work<void>;
  /**
   * A purge has taken messages out: all below `seq` are gone. In pieces.
   *
   * @param isPart others are gone, too, that its filters match
   * @param only the only one that is gone, if its filters match that; 0 = there are more
   */
  purged(seq: number, isPart: boolean, only: number): Work<void>;
  /** It has still to deliver that message, which its filters match, or waits for its ack. */
  needs(seq: number): boolean;
}
