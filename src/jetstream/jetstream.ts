// JetStream on a bus: streams and consumers of its account, served to whoever speaks its API there, in this process or
// beyond a server. It needs no server, no file and no port.
import { type BusInternals, internalsOf } from '../bus/internals.ts';
import { InvalidOperationError } from '../shared/errors.ts';
import { API_LEVEL, JETSTREAM_VERSION } from '../shared/version.ts';
import { emitWarning } from '../shared/warning.ts';
import { JetStreamAccount } from './account.ts';
import type { AccountUsage } from './api/account-door.ts';
import { consumerInfo, streamInfo } from './api/info.ts';
import type { Fields } from './api/request.ts';
import { enabled } from './enabled.ts';
import { Pools } from './limits.ts';
import { type JetStreamOptions, type JetStreamSettings, jetStreamSettings } from './options.ts';
import type { Place } from './place/place.ts';
import type { Stream } from './stream/stream.ts';

/** What is said, once, of streams that want to lie on disk. */
const IN_MEMORY_TEXT = 'file storage is not there yet: messages are kept in memory';
/** Pulls that may wait in one account: 512 for each of some 2,000 consumers. */
const PULLS_MAX = 1_048_576;

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
   * Ends all streams and consumers; pulls that wait are told `409 Server Shutdown`. Messages are lost. Resolves when
   * nothing of it is left.
   */
  close(): Promise<void>;
}

/** Where warnings go; the process's own by default. */
export type Warn = (text: string) => void;

/**
 * Enables streams and consumers in the account of a bus: whoever publishes there on a subject of a stream, by this
 * process or by a client, is answered by it. Each account has bounds of its own. Rejects with InvalidArgumentError for an
 * option, InvalidOperationError when it is enabled already or what is given is no bus, and ClosedConnectionError.
 */
export async function enableJetStream(
  bus: object,
  options: JetStreamOptions = {},
): Promise<JetStream> {
  return startJetStream(internalsOf(bus), options, emitWarning);
}

/** The same, with the log that warnings go to, and where streams are kept. */
export function startJetStream(
  internals: BusInternals,
  options: JetStreamOptions,
  warn: Warn,
  place?: Place,
): JetStream {
  if (enabled.get(internals.engine)?.byAccount.has(internals.home.account.name)) {
    throw new InvalidOperationError('JetStream is enabled on this bus already');
  }
  return new RunningJetStream(internals, jetStreamSettings(options), warn, place);
}

class RunningJetStream implements JetStream {
  readonly #engine: BusInternals['engine'];
  readonly #settings: JetStreamSettings;
  readonly #pools: Pools;
  readonly #accounts = new Map<string, JetStreamAccount>();
  readonly #name: string;
  readonly #warn: Warn;
  #isWarned = false;
  #end: Promise<void> | undefined;

  constructor(
    internals: BusInternals,
    settings: JetStreamSettings,
    warn: Warn,
    place: Place | undefined,
  ) {
    const { engine, home } = internals;
    const {
      domain,
      isStrict,
      limits,
      clock = engine.clock,
      maxMemory,
      maxFile,
      heldMax,
    } = settings;
    this.#engine = engine;
    this.#settings = settings;
    this.#warn = warn;
    this.#pools = new Pools(maxMemory, maxFile, heldMax);
    const { name } = home.account;
    this.#name = name;
    const account = new JetStreamAccount(internals.account(name), {
      clock,
      serverName: engine.server.server_name,
      domain,
      isStrict,
      limits,
      pools: this.#pools,
      pullsMax: PULLS_MAX,
      consumersMax: settings.consumersMax,
      warn: (text) => this.#warn(text),
      place,
      onFileStorage: () => this.#warnOfFiles(),
      onBusClosed: () => void this.close(),
    });
    this.#accounts.set(name, account);
    this.#introduce();
    if (settings.storeDir !== undefined && place === undefined) this.#warnOfFiles();
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

  #warnOfFiles(): void {
    if (this.#isWarned) return;
    this.#isWarned = true;
    this.#warn(IN_MEMORY_TEXT);
  }

  snapshot(): JetStreamSnapshot {
    const { memory, file } = this.#pools;
    return {
      settings: this.#settings,
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

  close(): Promise<void> {
    this.#end ??= this.#close();
    return this.#end;
  }

  async #close(): Promise<void> {
    for (const account of this.#accounts.values()) await account.close('Server Shutdown');
    this.#accounts.clear();
    this.#leave();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
