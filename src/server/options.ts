// The options of `serve`, checked once at the door: what comes out of here is trusted inside.
import { ENDED_MAX } from '../bridge/options.ts';
import { leastInboundMax } from '../bridge/pacing/inbound-budget.ts';
import type { BusOptions } from '../bus/types.ts';
import { wholeWasm } from '../core/index.ts';
import type { JetStreamOptions } from '../jetstream/options.ts';
import { type Clock, systemClock } from '../shared/clock.ts';
import { InvalidArgumentError } from '../shared/errors.ts';
import {
  AUTH_TIMEOUT_MS,
  DEFAULT_HOST,
  DEFAULT_LIMITS,
  DEFAULT_PORT,
  type Limits,
} from '../shared/limits.ts';
import { type Logger, silentLogger } from '../shared/logger.ts';
import { type Advertised, advertised } from './advertised.ts';
import {
  type Authenticate,
  type AuthorizationOptions,
  type AuthorizationSettings,
  authorizationSettings,
} from './authorization.ts';
import { boolean, integer, port, text } from './checks.ts';
import { type JetStreamChoice, jetStreamChoice } from './jetstream.ts';
import { defaultInboundMax, defaultOutboundMax } from './memory-shares.ts';
import { Secrets } from './secrets.ts';
import {
  type WebSocketListenOptions,
  type WebSocketSettings,
  websocketSettings,
} from './websocket.ts';

export interface MonitoringListenOptions {
  /** Default: the client listener's host. */
  readonly host?: string;
  /** 0 and -1 are a free port (default 0). */
  readonly port?: number;
  /** What stands before all paths: `/nats` (default: nothing). */
  readonly basePath?: string;
  /**
   * Names by which it may be asked, beside addresses and `localhost`: what a page of the web makes a browser ask under
   * another name is refused. `*` is any.
   */
  readonly hosts?: readonly string[];
}

/** Where leaf nodes dial: the port is open, and refuses them. */
export interface LeafnodesListenOptions {
  /** Default: the client listener's host. */
  readonly host?: string;
  /** 0 and -1 are a free port (default 0). */
  readonly port?: number;
}

/** The file that options were read from, as the log names it. */
export interface ConfigurationSource {
  readonly file: string;
  /** `sha256:…` of its values. */
  readonly digest: string;
  /** Lines for the log. */
  readonly warnings: readonly string[];
  /** What else it says, by nats-server's names: of use to a reload, which refuses what cannot change. No secrets. */
  readonly others?: Readonly<Record<string, string>>;
}

/** Where and how to serve. Bytes, counts, milliseconds; what is left out has nats-server's default. */
export interface ServeOptions extends Partial<Limits> {
  /** Interface to listen on (default 127.0.0.1); `0.0.0.0` or empty is every interface of both families. */
  readonly host?: string;
  /** Port for clients (default 4222); 0 and -1 are a free port. */
  readonly port?: number;
  /** Clients do not come by TCP, and nothing listens at `port` (default false). */
  readonly dontListen?: boolean;
  /**
   * `host:port` that INFO and monitoring tell instead of where it listens, as seen from behind a proxy; without a port,
   * or with 0 or -1, that which it listens on. WebSocket has its own.
   */
  readonly clientAdvertise?: string;
  /** Shown to clients (default: the server's id); no blanks. */
  readonly serverName?: string;
  /** Peers may not use headers (default false). */
  readonly noHeaderSupport?: boolean;
  /** Most tokens in the filter of a peer's subscription (default 0: no limit). */
  readonly maxSubTokens?: number;
  /**
   * Bytes queued for all peers of all servers of the bus together (default: a quarter of the memory this process may
   * use, or what a server has that is there already).
   */
  readonly outboundMax?: number;
  /** Who may come in (default: whoever reaches the port). Secrets may be bcrypt hashes; empty ones are errors. */
  readonly authorization?: AuthorizationOptions;
  /** Who may come in, decided by the program; instead of `authorization`. */
  readonly authenticate?: Authenticate;
  /** Time for CONNECT to come, and for a verdict about it (default 2,000). */
  readonly authTimeoutMs?: number;
  /** Serve nats-server's monitoring pages over HTTP. */
  readonly monitoring?: MonitoringListenOptions;
  /** Connections that have ended and that monitoring remembers (default 10,000). */
  readonly maxClosedClients?: number;
  /** Open the port for leaf nodes; who dials is told that they are not supported. */
  readonly leafnodes?: LeafnodesListenOptions;
  /** Words about the server, in `/varz`. */
  readonly serverTags?: readonly string[];
  /** Facts about the server, in `/varz`. */
  readonly serverMetadata?: Readonly<Record<string, string>>;
  /** Where the options come from; `loadConfig` gives it. */
  readonly configuration?: ConfigurationSource;
  /** Serve clients by WebSocket as well. */
  readonly websocket?: WebSocketListenOptions;
  /** Streams and consumers: true for all defaults, which is without a bound but memory. */
  readonly jetstream?: JetStreamChoice;
  /**
   * Write `<executableName>_<pid>.ports` into this directory, and remove it at the end. Several servers of a process need
   * a directory or a name each: one that would write the file of another is refused.
   */
  readonly portsFileDir?: string;
  /** Default `ganglion`. */
  readonly executableName?: string;
  /** Write the process number into this file. */
  readonly pidFile?: string;
  /** Default: nothing is logged. */
  readonly logger?: Logger;
  readonly clock?: Clock;
}

/** The options with every default filled in. Port 0 is random. */
export interface ServerSettings {
  readonly host: string;
  readonly port: number;
  /** Clients come by TCP. */
  readonly listens: boolean;
  readonly advertised: Advertised | undefined;
  readonly serverName: string | undefined;
  readonly limits: Limits;
  readonly outboundMax: number;
  readonly hasHeaders: boolean;
  readonly maxSubTokens: number;
  /** Undefined: whoever comes may come in. */
  readonly authorization: AuthorizationSettings | undefined;
  readonly authTimeoutMs: number;
  /** `configuredPort` is what was asked for, with -1 for random, as `/varz` shows it. */
  readonly monitoring:
    | {
        readonly host: string;
        readonly port: number;
        readonly configuredPort: number;
        readonly basePath: string;
        /** Undefined: it may be asked by any name. */
        readonly hosts: readonly string[] | undefined;
      }
    | undefined;
  /** Connections that have ended and are remembered. */
  readonly endedMax: number;
  readonly leafnodes: { readonly host: string; readonly port: number } | undefined;
  readonly serverTags: readonly string[];
  readonly serverMetadata: Readonly<Record<string, string>>;
  readonly configuration: ConfigurationSource | undefined;
  readonly websocket: WebSocketSettings | undefined;
  readonly jetstream: JetStreamOptions | undefined;
  readonly portsFileDir: string | undefined;
  readonly executableName: string;
  readonly pidFile: string | undefined;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Some 500 MB of memory. */
export const ENDED_MOST = 1_000_000;

/** Least and greatest value of each limit. A timer may be longer than the platform's own. */
const RANGES: Readonly<Record<keyof Limits, readonly [number, number]>> = {
  // A message lies in linear memory whole, with its head, in one region of the pool or of the inbox.
  maxPayload: [1, 64 * 1024 * 1024],
  maxControlLine: [1, 65_536 - 64],
  maxPending: [1, 0x7fffffff],
  maxConnections: [0, 0x7fffffff],
  maxSubscriptions: [0, 0x7fffffff],
  pingIntervalMs: [1, Number.MAX_SAFE_INTEGER],
  pingMax: [0, 0x7fffffff],
  writeDeadlineMs: [1, Number.MAX_SAFE_INTEGER],
  inboundMax: [1, Number.MAX_SAFE_INTEGER],
  lameDuckDurationMs: [0, Number.MAX_SAFE_INTEGER],
  lameDuckGraceMs: [0, Number.MAX_SAFE_INTEGER],
};

/** Checks and completes; throws InvalidArgumentError with the field's name. @param secrets what keeps the passwords */
export function resolveOptions(
  options: ServeOptions,
  secrets: Secrets = new Secrets(),
): ServerSettings {
  checkNames(options);
  const host = text('host', options.host) ?? DEFAULT_HOST;
  const settings: ServerSettings = {
    host: host === '' ? '0.0.0.0' : host,
    port: port('port', options.port ?? DEFAULT_PORT),
    listens: !boolean('dontListen', options.dontListen ?? false),
    advertised: advertised(options.clientAdvertise),
    serverName: serverName(options.serverName),
    limits: limits(options),
    outboundMax: integer('outboundMax', options.outboundMax ?? defaultOutboundMax(), [
      1,
      Number.MAX_SAFE_INTEGER,
    ]),
    hasHeaders: !boolean('noHeaderSupport', options.noHeaderSupport ?? false),
    maxSubTokens: integer('maxSubTokens', options.maxSubTokens ?? 0, [0, 0x7fffffff]),
    authorization: authorizationSettings(options, secrets),
    authTimeoutMs: integer('authTimeoutMs', options.authTimeoutMs ?? AUTH_TIMEOUT_MS, [
      1,
      Number.MAX_SAFE_INTEGER,
    ]),
    monitoring: monitoring(options, host),
    endedMax: integer('maxClosedClients', options.maxClosedClients ?? ENDED_MAX, [0, ENDED_MOST]),
    leafnodes: leafnodes(options, host),
    serverTags: tags(options.serverTags ?? []),
    serverMetadata: metadata(options.serverMetadata ?? {}),
    configuration: options.configuration,
    websocket: websocketSettings(options.websocket, host),
    jetstream: jetStreamChoice(options.jetstream),
    portsFileDir: text('portsFileDir', options.portsFileDir),
    executableName: text('executableName', options.executableName) ?? 'ganglion',
    pidFile: text('pidFile', options.pidFile),
    logger: options.logger ?? silentLogger,
    clock: options.clock ?? systemClock,
  };
  const { inboundMax, lameDuckGraceMs, lameDuckDurationMs } = settings.limits;
  const inboundLeast = leastInboundMax(settings.limits);
  if (inboundMax < inboundLeast) {
    const { maxConnections, maxPayload } = settings.limits;
    throw InvalidArgumentError.format(
      'inboundMax',
      `of ${inboundMax} must be at least ${inboundLeast} ` +
        `with maxConnections of ${maxConnections} and maxPayload of ${maxPayload}`,
    );
  }
  if (lameDuckGraceMs >= lameDuckDurationMs) {
    throw InvalidArgumentError.format(
      'lameDuckGraceMs',
      `of ${lameDuckGraceMs} must be less than lameDuckDurationMs of ${lameDuckDurationMs}`,
    );
  }
  return settings;
}

/** With what a bus is made that is going to be served so: the bound of its peers, and the whole core. */
export function busOptionsFor(
  { clock, maxPayload }: ServeOptions,
  wasm: Uint8Array = wholeWasm(),
): BusOptions {
  return {
    wasm,
    ...(clock !== undefined && { clock }),
    ...(maxPayload !== undefined && { maxPayload }),
  };
}

/** Whoever misspells an option should not get a server without it. */
const NAMES: Readonly<Record<Exclude<keyof ServeOptions, keyof Limits>, true>> = {
  host: true,
  port: true,
  dontListen: true,
  clientAdvertise: true,
  serverName: true,
  noHeaderSupport: true,
  maxSubTokens: true,
  maxClosedClients: true,
  outboundMax: true,
  authorization: true,
  authenticate: true,
  authTimeoutMs: true,
  monitoring: true,
  leafnodes: true,
  serverTags: true,
  serverMetadata: true,
  configuration: true,
  websocket: true,
  jetstream: true,
  portsFileDir: true,
  executableName: true,
  pidFile: true,
  logger: true,
  clock: true,
};

function checkNames(options: ServeOptions): void {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(NAMES, name) || Object.hasOwn(RANGES, name)) continue;
    throw InvalidArgumentError.format(name, 'is not an option');
  }
}

function limits(options: ServeOptions): Limits {
  const result: Record<string, number> = {};
  for (const name of Object.keys(DEFAULT_LIMITS) as (keyof typeof DEFAULT_LIMITS)[]) {
    result[name] = integer(name, options[name] ?? DEFAULT_LIMITS[name], RANGES[name]);
  }
  const others = result as unknown as typeof DEFAULT_LIMITS;
  const inboundMax = options.inboundMax ?? defaultInboundMax(others);
  return { ...others, inboundMax: integer('inboundMax', inboundMax, RANGES.inboundMax) };
}

function monitoring(options: ServeOptions, clientHost: string): ServerSettings['monitoring'] {
  if (options.monitoring === undefined) return undefined;
  const host = text('monitoring.host', options.monitoring.host) ?? clientHost;
  const listenPort = port('monitoring.port', options.monitoring.port ?? 0);
  const hosts = (options.monitoring.hosts ?? []).map(
    (name) => text('monitoring.hosts', name) ?? '',
  );
  const basePath = text('monitoring.basePath', options.monitoring.basePath) ?? '';
  return {
    host: host === '' ? '0.0.0.0' : host,
    port: listenPort,
    configuredPort: listenPort === 0 ? -1 : listenPort,
    basePath: basePath
      .split('/')
      .reduce((path, part) => (part === '' ? path : `${path}/${part}`), ''),
    hosts: hosts.includes('*') ? undefined : hosts,
  };
}

function leafnodes(options: ServeOptions, clientHost: string): ServerSettings['leafnodes'] {
  if (options.leafnodes === undefined) return undefined;
  const host = text('leafnodes.host', options.leafnodes.host) ?? clientHost;
  return {
    host: host === '' ? '0.0.0.0' : host,
    port: port('leafnodes.port', options.leafnodes.port ?? 0),
  };
}

/** As nats-server keeps them: without what stands around them, in lower case, each once. */
function tags(given: readonly unknown[]): readonly string[] {
  const kept = given.map((tag) => (text('serverTags', tag) ?? '').trim().toLowerCase());
  return [...new Set(kept)].filter((tag) => tag !== '');
}

function metadata(given: Readonly<Record<string, unknown>>): Record<string, string> {
  const entries = Object.entries(given);
  return Object.fromEntries(
    entries.map(([key, value]) => [key, text('serverMetadata', value) ?? '']),
  );
}

function serverName(value: unknown): string | undefined {
  const name = text('serverName', value);
  if (name === undefined || name === '') return undefined;
  if (/\s/.test(name)) {
    throw InvalidArgumentError.format('serverName', 'cannot contain blanks');
  }
  return name;
}
