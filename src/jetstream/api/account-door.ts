// What the API asks of an account's streams and consumers. They know nothing of JSON; the API checks what it is asked
// for (names, configurations, what may be changed) before it calls, so that these need not.
import type { BusInternals } from '../../bus/internals.ts';
import type { RawMessage } from '../../bus/raw.ts';
import type { Clock } from '../../shared/clock.ts';
import type { ConsumerConfig } from '../consumer/config.ts';
import type { Store } from '../store/store.ts';
import type { StreamConfig } from '../stream/config.ts';
import type { Work } from '../work.ts';

/** What an account and its server allow. 0 and -1 are no bound. */
export interface ApiLimits {
  /** A stream must say how many bytes it may have. */
  readonly maxBytesRequired: boolean;
  /** Bytes that one stream in memory, or in files, may ask for. */
  readonly memoryMaxStreamBytes: number;
  readonly fileMaxStreamBytes: number;
  readonly maxStreams: number;
  /** Consumers of one stream: of the account, and where neither it nor the stream says so. */
  readonly maxConsumers: number;
  readonly defaultMaxConsumers: number;
  /** Of the account, and of the server. */
  readonly maxAckPending: number;
  readonly serverMaxAckPending: number;
  readonly maxRequestBatch: number;
  /** Nanoseconds. */
  readonly duplicateWindow: number;
}

/** Figures of an account, in the words of the wire; -1 is unlimited. */
export interface AccountUsage {
  readonly memory: number;
  readonly storage: number;
  readonly reserved_memory: number;
  readonly reserved_storage: number;
  readonly streams: number;
  readonly consumers: number;
  readonly limits: {
    readonly max_memory: number;
    readonly max_storage: number;
    readonly max_streams: number;
    readonly max_consumers: number;
    readonly max_ack_pending: number;
    readonly memory_max_stream_bytes: number;
    readonly storage_max_stream_bytes: number;
    readonly max_bytes_required: boolean;
  };
}

/** Requests of the API that were answered; the dispatch counts. */
export interface ApiCounters {
  total: number;
  errors: number;
}

/** Consumers of all streams of an account. */
export interface ConsumerQuota {
  count: number;
  readonly max: number;
}

export interface ApiAccount {
  /** Where its requests come in, and where what nobody serves is refused. */
  readonly door: BusInternals;
  readonly serverName: string;
  readonly domain: string | undefined;
  readonly clock: Clock;
  /** Requests with unknown keys are refused. */
  readonly isStrict: boolean;
  readonly limits: ApiLimits;
  readonly counters: ApiCounters;
  readonly streams: ReadonlyMap<string, ApiStream>;
  readonly consumers: ConsumerQuota;

  usage(): AccountUsage;
  /**
   * Room for a stream of that configuration beside all others but the one of its name: bytes of account and server.
   * Throws ApiError: 10028 and 10047.
   */
  checkRoom(config: Pick<StreamConfig, 'name' | 'storage' | 'max_bytes'>): void;
  /** There is a place for a stream of that storage. Throws ApiError. */
  makeRoom(config: StreamConfig): Work<void>;
  /** Everything is checked: name, subjects, room. Throws ApiError when its store cannot be made. */
  createStream(config: StreamConfig): ApiStream;
  /** In pieces: what is too much goes before it is done. */
  updateStream(stream: ApiStream, config: StreamConfig): Work<void>;
  deleteStream(stream: ApiStream): Work<void>;

  /** Sends behind the commit of all that the stream, or any of the account, has stored up to now. */
  reply(to: Uint8Array, json: string, stream?: ApiStream): void;
  /**
   * Publishes an advisory if somebody listens; `fields` is asked only then. `kind` as in `STREAM.CREATED.S`, `type` as
   * in `stream_action`.
   */
  advise(kind: string, type: string, fields: () => object): void;
}

/** What of a stream is removed: below `seq`, or all but the last `keep`; of those that `filter` matches. */
export interface PurgeRequest {
  readonly filter: string | undefined;
  readonly seq: number | undefined;
  readonly keep: number | undefined;
}

export interface ApiStream {
  readonly config: StreamConfig;
  readonly createdMs: number;
  readonly store: Store;
  readonly consumers: ReadonlyMap<string, ApiConsumer>;
  /** While it is busy, it has begun something that is not done yet: who asks waits. */
  readonly settling: { readonly isBusy: boolean };
  /** So much waits for the disk that nothing more is answered behind it. */
  readonly isFull: boolean;
  /** In pieces. @returns how many */
  purge(request: PurgeRequest): Work<number>;
  /** Takes out one message; false: there is none. */
  removeMessage(seq: number): boolean;
  /** Everything is checked, and it has a name that is free. In pieces. */
  createConsumer(config: ConsumerConfig): Work<ApiConsumer>;
  deleteConsumer(name: string): void;
  /**
   * A request on `$JS.API.DIRECT.GET.>` for this stream, which allows it. `keyAt` is where a subject begins behind the
   * name; 0 = nothing is behind it.
   */
  directGet(message: RawMessage, keyAt: number): void;
}

/** How far a consumer is. */
export interface SequencePair {
  readonly consumer: number;
  readonly stream: number;
  /** Of the last delivery or ack; 0 = there was none. */
  readonly lastMs: number;
}

export interface ConsumerState {
  readonly delivered: SequencePair;
  readonly ackFloor: SequencePair;
  readonly ackPending: number;
  readonly redelivered: number;
  readonly waiting: number;
  /** Somebody subscribes to where it pushes. */
  readonly isBound: boolean;
  readonly pending: number;
}

export interface ApiConsumer {
  readonly config: ConsumerConfig;
  readonly createdMs: number;
  info(): ConsumerState;
  /** Everything is checked: only what may change has. In pieces. */
  update(config: ConsumerConfig): Work<void>;
  /** A request on `$JS.API.CONSUMER.MSG.NEXT.>` for this consumer. */
  pull(message: RawMessage): void;
}
