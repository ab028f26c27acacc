// The options of `serve`, checked once at the door: what comes out of here is trusted inside.
import { leastInboundMax } from '../bridge/pacing/inbound-budget.ts';
import { type Clock, systemClock } from '../shared/clock.ts';
import { InvalidArgumentError } from '../shared/errors.ts';
import { DEFAULT_HOST, DEFAULT_LIMITS, DEFAULT_PORT, type Limits } from '../shared/limits.ts';
import { type Logger, silentLogger } from '../shared/logger.ts';
import { defaultInboundMax, defaultOutboundMax } from './memory-shares.ts';

export interface MonitoringListenOptions {
  /** Default: the client listener's host. */
  readonly host?: string;
  /** 0 and -1 are a free port (default 0). */
  readonly port?: number;
}

/** Where and how to serve. Bytes, counts, milliseconds; what is left out has nats-server's default. */
export interface ServeOptions extends Partial<Limits> {
  /** Interface to listen on (default 127.0.0.1); `0.0.0.0` or empty is every interface of both families. */
  readonly host?: string;
  /** Port for clients (default 4222); 0 and -1 are a free port. */
  readonly port?: number;
  /** Shown to clients (default: the server's id); no blanks. */
  readonly serverName?: string;
  /** Peers may not use headers (default false). */
  readonly noHeaderSupport?: boolean;
  /** Most tokens in the filter of a peer's subscription (default 0: no limit). */
  readonly maxSubTokens?: number;
  /** Bytes queued for all peers together (default: a quarter of the memory this process may use). */
  readonly outboundMax?: number;
  /** Serve `/varz` and `/healthz` over HTTP. */
  readonly monitoring?: MonitoringListenOptions;
  /** Write `<executableName>_<pid>.ports` into this directory, and remove it at the end. */
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
  readonly serverName: string | undefined;
  readonly limits: Limits;
  readonly outboundMax: number;
  readonly hasHeaders: boolean;
  readonly maxSubTokens: number;
  /** `configuredPort` is what was asked for, with -1 for random, as `/varz` shows it. */
  readonly monitoring:
    | { readonly host: string; readonly port: number; readonly configuredPort: number }
    | undefined;
  readonly portsFileDir: string | undefined;
  readonly executableName: string;
  readonly pidFile: string | undefined;
  readonly logger: Logger;
  readonly clock: Clock;
}

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

/** Checks and completes; throws InvalidArgumentError with the field's name. */
export function resolveOptions(options: ServeOptions): ServerSettings {
  const host = text('host', options.host) ?? DEFAULT_HOST;
  const settings: ServerSettings = {
    host: host === '' ? '0.0.0.0' : host,
    port: port('port', options.port ?? DEFAULT_PORT),
    serverName: serverName(options.serverName),
    limits: limits(options),
    outboundMax: integer('outboundMax', options.outboundMax ?? defaultOutboundMax(), [
      1,
      Number.MAX_SAFE_INTEGER,
    ]),
    hasHeaders: !boolean('noHeaderSupport', options.noHeaderSupport ?? false),
    maxSubTokens: integer('maxSubTokens', options.maxSubTokens ?? 0, [0, 0x7fffffff]),
    monitoring: monitoring(options, host),
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

function limits(options: ServeOptions): Limits {
  const result: Record<string, number> = {};
  for (const name of Object.keys(RANGES) as (keyof Limits)[]) {
    result[name] = integer(name, options[name] ?? DEFAULT_LIMITS[name], RANGES[name]);
  }
  const limits = result as unknown as Limits;
  return { ...limits, inboundMax: options.inboundMax ?? defaultInboundMax(limits) };
}

function monitoring(options: ServeOptions, clientHost: string): ServerSettings['monitoring'] {
  if (options.monitoring === undefined) return undefined;
  const host = text('monitoring.host', options.monitoring.host) ?? clientHost;
  const listenPort = port('monitoring.port', options.monitoring.port ?? 0);
  return {
    host: host === '' ? '0.0.0.0' : host,
    port: listenPort,
    configuredPort: listenPort === 0 ? -1 : listenPort,
  };
}

function serverName(value: unknown): string | undefined {
  const name = text('serverName', value);
  if (name === undefined || name === '') return undefined;
  if (/\s/.test(name)) {
    throw InvalidArgumentError.format('serverName', 'cannot contain blanks');
  }
  return name;
}

function port(name: string, value: unknown): number {
  return Math.max(0, integer(name, value, [-1, 65_535]));
}

function integer(name: string, value: unknown, [min, max]: readonly [number, number]): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) {
    return value;
  }
  const wanted = `must be a whole number from ${min} to ${max}`;
  throw InvalidArgumentError.format(name, `${wanted}, not ${shown(value)}`);
}

function boolean(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw InvalidArgumentError.format(name, `must be true or false, not ${shown(value)}`);
}

function text(name: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw InvalidArgumentError.format(name, `must be a string, not ${shown(value)}`);
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
