// An account whose streams and consumers are what they were told to be, and nothing else: for tests of the API, which
// checks, remembers and describes. Its streams hold no messages.
import type { BusInternals } from '../../src/bus/internals.ts';
import type {
  AccountUsage,
  ApiAccount,
  ApiConsumer,
  ApiCounters,
  ApiLimits,
  ApiStream,
  ConsumerQuota,
} from '../../src/jetstream/api/account-door.ts';
import type { ConsumerConfig } from '../../src/jetstream/consumer/config.ts';
import { LostMessages } from '../../src/jetstream/store/lost.ts';
import type { Store } from '../../src/jetstream/store/store.ts';
import type { StreamConfig } from '../../src/jetstream/stream/config.ts';
import type { Work } from '../../src/jetstream/work.ts';
import { type Clock, systemClock } from '../../src/shared/clock.ts';
import { atOnce } from './work.ts';

const encoder = new TextEncoder();

export const NO_LIMITS: ApiLimits = {
  maxBytesRequired: false,
  memoryMaxStreamBytes: -1,
  fileMaxStreamBytes: -1,
  maxStreams: -1,
  maxConsumers: -1,
  defaultMaxConsumers: 1000,
  maxAckPending: -1,
  serverMaxAckPending: 0,
  maxRequestBatch: 0,
  duplicateWindow: 0,
};

export interface FakeAccountOptions {
  readonly limits?: Partial<ApiLimits>;
  readonly isStrict?: boolean;
  readonly clock?: Clock;
  readonly domain?: string;
}

export class FakeAccount implements ApiAccount {
  readonly door: BusInternals;
  readonly serverName = 'S';
  readonly domain: string | undefined;
  readonly clock: Clock;
  readonly isStrict: boolean;
  readonly limits: ApiLimits;
  readonly counters: ApiCounters = { total: 0, errors: 0 };
  readonly streams: Map<string, FakeStream> = new Map();
  readonly consumers: ConsumerQuota = { count: 0, max: Number.POSITIVE_INFINITY };
  /** The advisories, with what they say. */
  readonly advisories: { kind: string; type: string; fields: object }[] = [];

  constructor(door: BusInternals, options: FakeAccountOptions = {}) {
    this.door = door;
    this.limits = { ...NO_LIMITS, ...options.limits };
    this.isStrict = options.isStrict ?? true;
    this.clock = options.clock ?? systemClock;
    this.domain = options.domain;
  }

  usage(): AccountUsage {
    let consumers = 0;
    for (const stream of this.streams.values()) consumers += stream.consumers.size;
    return {
      memory: 0,
      storage: 0,
      reserved_memory: 0,
      reserved_storage: 0,
      streams: this.streams.size,
      consumers,
      limits: {
        max_memory: -1,
        max_storage: -1,
        max_streams: -1,
        max_consumers: -1,
        max_ack_pending: -1,
        memory_max_stream_bytes: -1,
        storage_max_stream_bytes: -1,
        max_bytes_required: false,
      },
    };
  }

  checkRoom(): void {}

  makeRoom(): Work<void> {
    return atOnce(() => {});
  }

  createStream(config: StreamConfig): FakeStream {
    const stream = new FakeStream(config, this.clock.now());
    this.streams.set(config.name, stream);
    return stream;
  }

  updateStream(stream: ApiStream, config: StreamConfig): Work<void> {
    return atOnce(() => {
      (stream as FakeStream).config = config;
    });
  }

  deleteStream(stream: ApiStream): Work<void> {
    return atOnce(() => void this.streams.delete(stream.config.name));
  }

  reply(to: Uint8Array, json: string): void {
    this.door.atLoopEnd(() => this.door.deliverBatch([{ to, payload: encoder.encode(json) }]));
  }

  advise(kind: string, type: string, fields: () => object): void {
    this.advisories.push({ kind, type, fields: fields() });
  }
}

export class FakeStream implements ApiStream {
  readonly isFull = false;
  config: StreamConfig;
  readonly createdMs: number;
  readonly settling = { isBusy: false };
  store: Store;
  readonly consumers: Map<string, FakeConsumer> = new Map();
  /** What was asked of it that it cannot do. */
  readonly calls: string[] = [];

  constructor(config: StreamConfig, createdMs: number) {
    this.config = config;
    this.createdMs = createdMs;
    this.store = emptyStore(Number(config.first_seq ?? 0));
  }

  purge(): Work<number> {
    return atOnce(() => {
      this.store = emptyStore(this.store.state.lastSeq + 1);
      return 0;
    });
  }

  removeMessage(): boolean {
    return false;
  }

  createConsumer(config: ConsumerConfig): Work<FakeConsumer> {
    return atOnce(() => {
      const consumer = new FakeConsumer(config, Date.now(), this.store.state.lastSeq);
      this.consumers.set(config.name, consumer);
      return consumer;
    });
  }

  deleteConsumer(name: string): void {
    this.consumers.delete(name);
  }

  directGet(): void {
    this.calls.push('direct get');
  }
}

class FakeConsumer implements ApiConsumer {
  config: ConsumerConfig;
  readonly createdMs: number;
  readonly #seq: number;
  pulls = 0;

  constructor(config: ConsumerConfig, createdMs: number, seq: number) {
    this.#seq = seq;
    this.config = config;
    this.createdMs = createdMs;
  }

  info(): ReturnType<ApiConsumer['info']> {
    const none = { consumer: 0, stream: this.#seq, lastMs: 0 };
    return {
      delivered: none,
      ackFloor: none,
      ackPending: 0,
      redelivered: 0,
      waiting: 0,
      isBound: false,
      pending: 0,
    };
  }

  update(config: ConsumerConfig): Work<void> {
    return atOnce(() => {
      this.config = config;
    });
  }

  pull(): void {
    this.pulls++;
  }
}

function emptyStore(firstSeq: number): Store {
  const lastSeq = Math.max(0, firstSeq - 1);
  const none = { messages: 0, bytes: 0, subjects: 0, firstTimeMs: 0, lastTimeMs: 0 };
  const store: Partial<Store> = {
    lost: new LostMessages(),
    write: () => undefined,
    state: { ...none, firstSeq, lastSeq },
    deletedCount: 0,
    deleted: () => [],
    read: () => false,
    seqAtTime: () => 0,
    findNext: () => atOnce(() => 0),
    subjectsMatching: () => [],
    findLast: () => atOnce(() => 0),
    countSubjects: () => atOnce(() => []),
    findSubjects: () => atOnce(() => []),
  };
  return store as Store;
}
