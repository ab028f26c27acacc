// The streams of one account: what its API is told of them and asks them to do, and what they may take together.
import type { BusInternals } from '../bus/internals.ts';
import { StatusFeed } from '../bus/status.ts';
import { type Clock, systemClock } from '../shared/clock.ts';
import { ClosedConnectionError, StorageError, toError } from '../shared/errors.ts';
import { formatDuration } from '../shared/time.ts';
import { advise } from './advisories.ts';
import type {
  AccountUsage,
  ApiAccount,
  ApiCounters,
  ApiLimits,
  ApiStream,
  ConsumerQuota,
} from './api/account-door.ts';
import type { GetQuota } from './api/direct-load.ts';
import { createDispatch } from './api/dispatch.ts';
import { RequestQueue } from './api/queue.ts';
import type { PullQuota } from './consumer/host.ts';
import type { EndReason } from './consumer/recipients.ts';
import { type Refusal, refusal } from './errors.ts';
import { type Pool, Pools, reservedBytes, type Storage } from './limits.ts';
import { CLAIMS, type Commit, StreamOutbox } from './outbox.ts';
import type { StreamPlace } from './place/place.ts';
import type { StoreHome } from './store-home.ts';
import type { StreamConfig } from './stream/config.ts';
import type { Stream } from './stream/stream.ts';
import type { StreamAccount } from './stream/stream-account.ts';
import { streamClass } from './stream-code.ts';
import { type Work, wholly } from './work.ts';

/** What an account shares with the others. */
export interface AccountScene {
  readonly clock: Clock;
  readonly serverName: string;
  readonly domain: string | undefined;
  readonly isStrict: boolean;
  /** As they are now. */
  limits(): ApiLimits;
  readonly pools: Pools;
  /** Pulls that may wait in one account. */
  readonly pullsMax: number;
  /** Consumers of all streams of one account. */
  readonly consumersMax: number;
  warn(text: string): void;
  info(text: string): void;
  /** Where streams are kept that are not to be in memory. */
  readonly home: StoreHome;
  /** The bus has closed. */
  onBusClosed(): void;
}

export interface StreamProblem {
  readonly stream: string;
  readonly error: string;
}

const encoder = new TextEncoder();

export class JetStreamAccount implements ApiAccount, StreamAccount {
  readonly door: BusInternals;
  readonly clock: Clock;
  readonly serverName: string;
  readonly domain: string | undefined;
  readonly isStrict: boolean;
  readonly counters: ApiCounters = { total: 0, errors: 0 };
  readonly streams: Map<string, Stream> = new Map();
  readonly pulls: PullQuota;
  readonly gets: GetQuota = { bytes: 0 };
  readonly consumers: ConsumerQuota;
  /** It has no bounds but those of all accounts. */
  readonly isBounded = false;
  readonly #scene: AccountScene;
  readonly #requests: RequestQueue;
  readonly #outbox: StreamOutbox;
  /** Ends with the bus. */
  readonly #status: StatusFeed;
  readonly #shares: Pools = new Pools(Infinity, Infinity, Infinity);
  readonly #closing: Promise<void>[] = [];
  /** Streams that are there and could not be opened. */
  readonly #unopened = new Set<string>();
  /** Resolves when the streams that were there are open; undefined: nothing is under way. */
  #opening: Promise<void> | undefined;
  #isClosed = false;

  /** `door` is its own, and closed with it. Throws ClosedConnectionError. */
  constructor(door: BusInternals, scene: AccountScene) {
    const { clock, domain } = scene;
    this.door = door;
    this.clock = clock;
    this.serverName = scene.serverName;
    this.domain = domain;
    this.isStrict = scene.isStrict;
    this.pulls = { waiting: 0, max: scene.pullsMax };
    this.consumers = { count: 0, max: scene.consumersMax };
    this.#scene = scene;
    this.#requests = new RequestQueue(this);
    const { home } = scene;
    const commit: Commit = (done) =>
      home.place === undefined ? done() : home.place.commit(() => done());
    this.#outbox = new StreamOutbox(door, clock, commit);
    this.#status = new StatusFeed(door.home.status, () => scene.onBusClosed());
  }

  /** Has the streams that are there, and then answers requests. Throws CapacityError, ClosedConnectionError. */
  *open(): Work<void> {
    let opened = (): void => {};
    this.#opening = new Promise((resolve) => {
      opened = resolve;
    });
    try {
      yield* this.#recover();
    } finally {
      this.#opening = undefined;
      opened();
    }
    if (this.#isClosed) throw new ClosedConnectionError();
    const { domain, door } = this;
    for (const prefix of ['$JS.API.', ...(domain === undefined ? [] : [`$JS.${domain}.API.`])]) {
      door.subscribeRaw(`${prefix}>`, createDispatch(this, this.#requests, prefix));
    }
  }

  /** One that cannot be opened is left alone, and the others go on. */
  *#recover(): Work<void> {
    for (const { meta, place } of this.#scene.home.place?.found() ?? []) {
      if (this.#isClosed) return;
      const { config } = meta;
      const told = this.#tellRestore(config.name);
      const stream = new streamClass.code(this, config, place, meta);
      try {
        yield* stream.open();
        this.streams.set(config.name, stream);
        told(stream.store.state.messages);
      } catch (error) {
        this.#end(stream, 'Server Shutdown');
        if (this.#isClosed) return;
        this.warn(`stream '${config.name}' is not opened: ${toError(error).message}`);
        this.#unopened.add(config.name);
      }
      yield;
    }
  }

  /** Source: nats-server 2.15.3, server/jetstream.go, EnableJetStream of an account. */
  #tellRestore(stream: string): (messages: number) => void {
    const { info } = this.#scene;
    const name = `stream '${this.door.home.account.name} > ${stream}'`;
    info(`  Starting restore for ${name}`);
    const startMs = systemClock.monotonic();
    return (messages) => {
      const ms = Math.round(systemClock.monotonic() - startMs);
      const count = String(messages).replace(/\B(?=(?:\d{3})+$)/g, ',');
      info(
        `  Restored ${count} messages for ${name} in ${formatDuration(BigInt(ms) * 1_000_000n)}`,
      );
    };
  }

  get limits(): ApiLimits {
    return this.#scene.limits();
  }

  usage(): AccountUsage {
    const { maxBytesRequired, maxConsumers, maxAckPending } = this.limits;
    const { memory, file } = this.#shares;
    return {
      memory: memory.used,
      storage: file.used,
      reserved_memory: memory.reserved,
      reserved_storage: file.reserved,
      streams: this.streams.size,
      consumers: this.consumers.count,
      limits: {
        max_memory: -1,
        max_storage: -1,
        // The bound that there is, is no limit of the account's.
        max_streams: -1,
        max_consumers: maxConsumers,
        max_ack_pending: maxAckPending,
        memory_max_stream_bytes: this.limits.memoryMaxStreamBytes,
        storage_max_stream_bytes: this.limits.fileMaxStreamBytes,
        max_bytes_required: maxBytesRequired,
      },
    };
  }

  /**
   * What is wrong with which streams: not all is there, or nothing more can be stored.
   * Source: nats-server 2.15.3, server/monitor.go, healthz.
   */
  *problems(): Generator<StreamProblem, void> {
    const { name } = this.door.home.account;
    for (const stream of [...this.#unopened, ...(this.#scene.home.place?.unread ?? [])]) {
      // Another has been made since.
      if (this.streams.has(stream)) continue;
      yield { stream, error: `JetStream stream '${name} > ${stream}' could not be recovered` };
    }
    for (const [stream, { failure }] of this.streams) {
      if (failure === undefined) continue;
      const error = `JetStream stream '${name} > ${stream}' write error: ${failure.message}`;
      yield { stream, error };
    }
  }

  checkRoom(config: Pick<StreamConfig, 'name' | 'storage' | 'max_bytes'>): void {
    const known = this.streams.get(config.name);
    const before = known?.config.storage === config.storage ? reservedBytes(known.config) : 0;
    // As the original, a stream without a bound asks for one byte.
    this.#scene.pools.check(config.storage, Math.max(1, reservedBytes(config)) - before);
  }

  *makeRoom({ storage }: StreamConfig): Work<void> {
    const code = streamClass.load();
    const place = storage === 'memory' ? undefined : this.#scene.home.load();
    if (code === undefined && place === undefined) return;
    const both = Promise.all([code, place]).then(() => {});
    yield* this.#waitFor(both, 'streamCreate');
  }

  createStream(config: StreamConfig): Stream {
    const stream = this.#make(config);
    this.streams.set(config.name, stream);
    this.#adviseStream(config.name, 'CREATED', 'create');
    return stream;
  }

  /** Throws ApiError, CapacityError, and then nothing of it is left. */
  #make(config: StreamConfig): Stream {
    let place: StreamPlace | undefined;
    let stream: Stream | undefined;
    try {
      place = this.#scene.home.place?.of(config);
      stream = new streamClass.code(this, config, place);
      wholly(stream.open());
      return stream;
    } catch (error) {
      if (stream !== undefined) this.#end(stream, 'Server Shutdown', place);
      if (error instanceof StorageError) throw refusal('streamCreate', error.message);
      throw error;
    }
  }

  abandon(stream: Stream): void {
    if (this.streams.get(stream.config.name) === stream) this.#delete(stream);
  }

  *updateStream({ config: { name } }: ApiStream, config: StreamConfig): Work<void> {
    const stream = this.streams.get(name);
    yield* this.#waitFor(stream?.save(config), 'streamUpdate');
    // It may have gone meanwhile.
    if (this.streams.get(name) !== stream) throw refusal('streamNotFound');
    if (stream !== undefined) yield* stream.update(config);
    this.#adviseStream(name, 'UPDATED', 'modify');
  }

  *deleteStream({ config: { name } }: ApiStream): Work<void> {
    const stream = this.streams.get(name);
    yield* this.#waitFor(stream?.leave(), 'streamDelete');
    if (stream !== undefined && this.streams.get(name) === stream) this.#delete(stream);
  }

  #delete(stream: Stream): void {
    const { name } = stream.config;
    this.streams.delete(name);
    this.#end(stream, 'Consumer Deleted');
    this.#adviseStream(name, 'DELETED', 'delete');
  }

  /** The request at hand waits for the disk. Throws ApiError: it has refused. */
  *#waitFor(work: Promise<void> | undefined, error: Refusal): Work<void> {
    if (work === undefined) return;
    let failure: unknown;
    const end = (thrown: unknown): void => {
      failure = thrown;
    };
    this.#requests.waitFor(work.catch(end));
    yield;
    if (failure !== undefined) throw refusal(error, toError(failure).message);
  }

  /** @param place whatever of it is there goes */
  #end(stream: Stream, reason: EndReason, place?: StreamPlace): void {
    const end = new Promise<void>((resolve) => stream.close(reason, resolve)).then(async () => {
      await place?.destroy();
      this.#closing.splice(this.#closing.indexOf(end), 1);
    });
    this.#closing.push(end);
  }

  #adviseStream(stream: string, kind: string, action: string): void {
    this.advise(`STREAM.${kind}.${stream}`, 'stream_action', () => ({ stream, action }));
  }

  reply(to: Uint8Array, json: string, stream?: ApiStream): void {
    const entry = { to, payload: encoder.encode(json) };
    // Of a stream that has been deleted since, nothing is left to wait for.
    const isThere = stream !== undefined && this.streams.get(stream.config.name) === stream;
    const outbox = isThere ? (stream as Stream).outbox : this.#outbox;
    outbox.send(entry, CLAIMS.answered);
  }

  advise(kind: string, type: string, fields: () => object): void {
    advise(this, this.#outbox, kind, type, fields);
  }

  warn(text: string): void {
    this.#scene.warn(text);
  }

  pool(storage: Storage): Pool {
    return this.#scene.pools[storage];
  }

  share(storage: Storage): Pool {
    return this.#shares[storage];
  }

  wouldExceed(): boolean {
    return false;
  }

  /**
   * Ends all streams, whose pulls are told the reason; requests that wait get no answer. Resolves when the last word has
   * been said.
   */
  async close(reason: EndReason): Promise<void> {
    this.#isClosed = true;
    if (this.#opening !== undefined) await this.#opening;
    for (const raw of [...this.door.home.raws]) if (raw.subject.startsWith('$JS.')) raw.close();
    this.#requests.close();
    for (const stream of this.streams.values()) this.#end(stream, reason);
    this.streams.clear();
    await Promise.all(this.#closing);
    await new Promise<void>((resolve) => this.#outbox.finish(resolve));
    this.#status.close();
    this.door.close();
  }
}
