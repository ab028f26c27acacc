// JetStream on a bus: streams and consumers of its account, served to whoever speaks its API there, in this process or
// beyond a server. It needs no server, no file and no port.
import { type BusInternals, internalsOf } from '../bus/internals.ts';
import type { Clock } from '../shared/clock.ts';
import { InvalidOperationError, toError } from '../shared/errors.ts';
import { Seldom } from '../shared/seldom.ts';
import { API_LEVEL, JETSTREAM_VERSION } from '../shared/version.ts';
import { emitWarning } from '../shared/warning.ts';
import { JetStreamAccount, type StreamProblem } from './account.ts';
import type { AccountUsage } from './api/account-door.ts';
import { consumerInfo, streamInfo } from './api/info.ts';
import type { Fields } from './api/request.ts';
import { enabled } from './enabled.ts';
import { Pools } from './limits.ts';
import { type JetStreamOptions, type JetStreamSettings, jetStreamSettings } from './options.ts';
import type { Place } from './place/place.ts';
import { StoreHome } from './store-home.ts';
import type { Stream } from './stream/stream.ts';
import { inSlices, type Work, wholly } from './work.ts';

/** Pulls that may wait in one account: 512 for each of some 2,000 consumers. */
const PULLS_MAX = 1_048_576;
/** Where streams have no room the disk is asked again once in so long. */
const MEASURE_PAUSE_MS = 1000;

/** What there is of JetStream at this moment. */
export interface JetStreamSnapshot {
  readonly settings: JetStreamSettings;
  /** Of the API. */
  readonly level: number;
  readonly memoryUsed: number;
  readonly memoryReserved: number;
  readonly fileUsed: number;
  readonly fileReserved: number;
  readonly accounts: readonly {
    readonly name: string;
    readonly usage: AccountUsage;
    readonly apiTotal: number;
    readonly apiErrors: number;
    readonly streams: ReadonlyMap<string, Stream>;
    readonly problems: () => Iterable<StreamProblem>;
    /** What the API says of them, made when it is asked for. */
    readonly describe: {
      stream(stream: Stream): Fields;
      consumer(stream: Stream, name: string): Fields;
    };
  }[];
}

/** Streams and consumers on a bus. */
export interface JetStream extends AsyncDisposable {
  snapshot(): JetStreamSnapshot;
  /**
   * Ends all streams and consumers; pulls that wait are told `409 Server Shutdown`. What lies in a `storeDir` stays there,
   * everything else is lost. Resolves when nothing of it is left, and another may have the directory.
   */
  close(): Promise<void>;
}

/** One that a server has. */
export interface ServedJetStream extends JetStream {
  /** Bounds that have grown, and limits of what is made from now on; what else there is stays as it is. */
  reconfigure(options: JetStreamOptions): void;
}

/** Where warnings go; the process's own by default. */
export type Warn = (text: string) => void;

/**
 * Enables streams and consumers in the account of a bus: whoever publishes there on a subject of a stream, by this
 * process or by a client, is answered by it. Each account has bounds of its own. Resolves when the streams are there that
 * its directory has. Rejects with InvalidArgumentError for an option, InvalidOperationError when it is enabled already or
 * what is given is no bus, StorageError when the directory cannot be had, and ClosedConnectionError.
 */
export async function enableJetStream(
  bus: object,
  options: JetStreamOptions = {},
): Promise<JetStream> {
  return openJetStream(internalsOf(bus), options, logOf(emitWarning));
}

/** Where it tells how it gets on. */
export interface JetStreamLog {
  warn(text: string): void;
  info(text: string): void;
  /** It has its directory, and streams are about to be looked for. */
  opened(settings: JetStreamSettings): void;
}

/** The same, with a log. */
export async function openJetStream(
  internals: BusInternals,
  options: JetStreamOptions,
  log: JetStreamLog,
): Promise<ServedJetStream> {
  const jetstream = new RunningJetStream(internals, jetStreamSettings(options), log);
  try {
    await jetstream.openDirectory();
    log.opened(jetstream.snapshot().settings);
    await inSlices(jetstream.open());
    return jetstream;
  } catch (error) {
    await jetstream.close();
    throw error;
  }
}

function logOf(warn: Warn): JetStreamLog {
  return { warn, info: () => {}, opened: () => {} };
}

/** At once, with a place for streams that is open already; what streams are made of has been loaded. */
export function startJetStream(
  internals: BusInternals,
  options: JetStreamOptions,
  warn: Warn,
  place?: Place,
): JetStream {
  const jetstream = new RunningJetStream(internals, jetStreamSettings(options), logOf(warn));
  jetstream.use(place);
  try {
    wholly(jetstream.open());
    return jetstream;
  } catch (error) {
    void jetstream.close();
    throw error;
  }
}

/** Of what a disk has. Source: nats-server 2.15.3, server/disk_avail.go, diskAvailable. */
function bytesOfDisk(bytes: number | undefined): number | undefined {
  return bytes === undefined ? undefined : Math.floor(bytes / 4) * 3;
}

class RunningJetStream implements ServedJetStream {
  readonly #engine: BusInternals['engine'];
  readonly #home: StoreHome;
  #settings: JetStreamSettings;
  readonly #pools: Pools;
  readonly #accounts = new Map<string, JetStreamAccount>();
  readonly #name: string;
  readonly #clock: Clock;
  #measuredMs: number = Number.NEGATIVE_INFINITY;
  #end: Promise<void> | undefined;

  /** Throws InvalidOperationError, ClosedConnectionError. */
  constructor(internals: BusInternals, settings: JetStreamSettings, log: JetStreamLog) {
    const { engine, home } = internals;
    const { name } = home.account;
    if (enabled.get(engine)?.byAccount.has(name)) {
      throw new InvalidOperationError('JetStream is enabled on this bus already');
    }
    const { domain, isStrict, clock = engine.clock, maxMemory, maxFile, heldMax } = settings;
    this.#engine = engine;
    this.#settings = settings;
    this.#pools = new Pools(maxMemory, maxFile, heldMax);
    const warn: Warn = (text) => log.warn(text);
    this.#home = new StoreHome({ account: name, clock, warn });
    this.#clock = clock;
    this.#pools.file.measure = () => this.#measure();
    this.#tellOfBounds(clock, warn);
    this.#name = name;
    const account = new JetStreamAccount(internals.account(name), {
      clock,
      serverName: engine.server.server_name,
      domain,
      isStrict,
      limits: () => this.#settings.limits,
      pools: this.#pools,
      pullsMax: PULLS_MAX,
      consumersMax: settings.consumersMax,
      warn,
      info: (text) => log.info(text),
      home: this.#home,
      onBusClosed: () => this.#endWithBus(warn),
    });
    this.#accounts.set(name, account);
    this.#introduce();
  }

  /** Has the directory that is named, if one is. Rejects with StorageError. */
  async openDirectory(): Promise<void> {
    const { storeDir, syncInterval: sync, maxFile, isFileByDisk } = this.#settings;
    if (storeDir === undefined) return;
    await this.#home.openNamed({ storeDir, sync });
    if (isFileByDisk) this.#mayTake(bytesOfDisk(this.#home.freeBytes()) ?? maxFile);
  }

  /** Instead of a directory. */
  use(place: Place | undefined): void {
    if (place !== undefined) this.#home.use(place);
  }

  /** Has the streams that are there, and answers requests. Throws CapacityError, ClosedConnectionError. */
  *open(): Work<void> {
    for (const account of this.#accounts.values()) yield* account.open();
    const bytes = this.#bytesByDisk();
    if (bytes !== undefined) this.#mayTake(bytes);
  }

  /**
   * What is free does not count what streams take: the bound is the same at each start. undefined = it does not follow from
   * a disk.
   */
  #bytesByDisk(): number | undefined {
    if (!this.#settings.isFileByDisk) return undefined;
    const free = bytesOfDisk(this.#home.freeBytes());
    return free === undefined ? undefined : free + (bytesOfDisk(this.#pools.file.used) ?? 0);
  }

  /** What others have taken of the disk may be free again. */
  #measure(): void {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#measuredMs < MEASURE_PAUSE_MS) return;
    this.#measuredMs = nowMs;
    const bytes = this.#bytesByDisk() ?? 0;
    if (bytes > this.#pools.file.max) this.#mayTake(bytes);
  }

  /** Source: nats-server 2.15.3, server/jetstream.go, resourcesExceededError. */
  #tellOfBounds(clock: Clock, warn: Warn): void {
    const refusals = new Seldom(clock);
    for (const kind of ['memory', 'file'] as const) {
      this.#pools[kind].onExceeded = () => {
        if (refusals.isTime()) warn(`JetStream ${kind} resource limits exceeded for server`);
      };
    }
  }

  /** Streams on file may take so much. */
  #mayTake(bytes: number): void {
    this.#settings = { ...this.#settings, maxFile: bytes };
    this.#pools.file.max = bytes;
  }

  /** The engine says of itself that it has JetStream. */
  #introduce(): void {
    const { version, ...info } = this.#engine.server;
    const known = enabled.get(this.#engine) ?? { version, byAccount: new Map() };
    enabled.set(this.#engine, known);
    known.byAccount.set(this.#name, this);
    const { domain = info.domain } = this.#settings;
    const named = domain === undefined ? undefined : { domain };
    this.#engine.server = { ...info, ...named, version: JETSTREAM_VERSION, jetstream: true };
  }

  /** With the last one what the engine said of itself before is true again. */
  #leave(): void {
    const known = enabled.get(this.#engine);
    known?.byAccount.delete(this.#name);
    if (known === undefined || known.byAccount.size > 0) return;
    enabled.delete(this.#engine);
    const { jetstream: _jetstream, domain: _domain, ...info } = this.#engine.server;
    this.#engine.server = { ...info, version: known.version };
  }

  snapshot(): JetStreamSnapshot {
    const { memory, file } = this.#pools;
    return {
      settings: { ...this.#settings, storeDir: this.#home.directory },
      level: API_LEVEL,
      memoryUsed: memory.used,
      memoryReserved: memory.reserved,
      fileUsed: file.used,
      fileReserved: file.reserved,
      accounts: [...this.#accounts].map(([name, account]) => ({
        name,
        usage: account.usage(),
        apiTotal: account.counters.total,
        apiErrors: account.counters.errors,
        streams: account.streams,
        problems: () => account.problems(),
        describe: {
          stream: (stream) => streamInfo(account, stream, {}),
          consumer: (stream, consumer) => {
            const found = stream.consumers.get(consumer);
            return found === undefined ? {} : consumerInfo(account, stream, consumer, found, false);
          },
        },
      })),
    };
  }

  reconfigure(options: JetStreamOptions): void {
    const { maxMemory, maxFile, isFileByDisk, limits } = jetStreamSettings(options);
    this.#settings = { ...this.#settings, limits, maxMemory };
    this.#pools.memory.max = maxMemory;
    if (!isFileByDisk) this.#mayTake(maxFile);
  }

  /** Whoever closes the bus waits for it. */
  #endWithBus(warn: Warn): void {
    const { leaving } = this.#engine;
    const end = this.close().catch((error: unknown) => warn(toError(error).message));
    leaving.add(end);
    void end.then(() => leaving.delete(end));
  }

  close(): Promise<void> {
    this.#end ??= this.#close();
    return this.#end;
  }

  async #close(): Promise<void> {
    try {
      for (const account of this.#accounts.values()) await account.close('Server Shutdown');
    } finally {
      this.#accounts.clear();
      this.#leave();
      await this.#home.close();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
