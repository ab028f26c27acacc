// What a consumer and its stream know of each other.
import type { BusInternals } from '../../bus/internals.ts';
import type { Clock } from '../../shared/clock.ts';
import type { Outbox } from '../outbox.ts';
import type { Store } from '../store/store.ts';
import type { StreamConfig } from '../stream/config.ts';

/** What a consumer asks of its stream. */
export interface ConsumerHost {
  readonly config: StreamConfig;
  readonly store: Store;
  readonly outbox: Outbox;
  readonly door: BusInternals;
  readonly clock: Clock;
  /** The highest sequence that may be shown: up to it everything is as durable as promised. */
  readonly visibleSeq: number;
  /**
   * A consumer that must see a message before it may go (interest, work queue) needs `seq` no more. The stream removes
   * it when nobody needs it; the consumer is told by `removed`, as of every removal.
   */
  settled(seq: number): void;
  /** The consumer is at an end (inactive too long): the stream forgets it and calls its `close`. */
  drop(consumer: string): void;
  /** Publishes an advisory if somebody listens; `fields` is asked only then. `kind` as in `CONSUMER.MAX_DELIVERIES`. */
  advise(kind: string, type: string, fields: () => object): void;
}

/** What a stream tells a consumer. */
export interface StreamFollower {
  /** A message that its filters match may be shown now; once for a run of messages, the last of them is `seq`. */
  wake(seq: number): void;
  /** One that its filters match was stored, visible or not: counts it. */
  stored(seq: number, subjectId: number): void;
  /** One left the stream, whoever removed it; told for all subjects. */
  removed(seq: number, subjectId: number): void;
  /** Everything was removed at once up to and with `seq`. */
  purged(throughSeq: number): void;
}
