// The WebSocket listener of a server: its options, checked, and its start. What it listens with is loaded only when
// the options name it.
import type { Bridge } from '../bridge/bridge.ts';
import { type Origin, readOrigin } from '../net/origins.ts';
import type { Cookies, CookieUse } from '../net/transport.ts';
import { InvalidArgumentError } from '../shared/errors.ts';
import { HANDSHAKE_TIMEOUT_MS, type Limits } from '../shared/limits.ts';
import type { Logger } from '../shared/logger.ts';
import { partsOf } from './advertised.ts';
import type { SimpleAuthorization } from './authorization.ts';
import { boolean, integer, port, shown, text } from './checks.ts';
import { descriptorMax } from './process-usage.ts';

/** Where and how clients come by WebSocket. */
export interface WebSocketListenOptions {
  /** Default: the client listener's host. */
  readonly host?: string;
  /** 0 and -1 are a free port (default 0). */
  readonly port?: number;
  /** Compress messages for peers that can (default false). */
  readonly compression?: boolean;
  /** Let in only pages of the host and port that they ask for (default false). */
  readonly sameOrigin?: boolean;
  /** Let in only pages of these origins: `https://example.com` (default: of any). */
  readonly allowedOrigins?: readonly string[];
  /** Time for a handshake (default 60,000). */
  readonly handshakeTimeoutMs?: number;
  /** `host:port` that monitoring tells as where to connect. */
  readonly advertise?: string;
  /** Between PINGs (default: that of the server). */
  readonly pingIntervalMs?: number;
  /** More headers of the answer to a handshake. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Who may come in this way, in place of the server's user or token; not beside `authorization.users`. */
  readonly authorization?: SimpleAuthorization;
  /** One of `authorization.users`, whom those who come this way are taken for who say nothing of themselves. */
  readonly noAuthUser?: string;
  /** Time for CONNECT to come, and for a verdict about it (default: that of the server). */
  readonly authTimeoutMs?: number;
  /** Names of cookies that say who somebody is, where CONNECT does not; that of a JWT is not looked at. */
  readonly cookies?: {
    readonly jwt?: string;
    readonly user?: string;
    readonly pass?: string;
    readonly token?: string;
  };
}

/** The same when nothing is left open. */
export interface WebSocketSettings {
  readonly host: string;
  readonly port: number;
  readonly compression: boolean;
  readonly sameOrigin: boolean;
  readonly allowedOrigins: readonly Origin[];
  readonly handshakeTimeoutMs: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly authTimeoutMs: number | undefined;
  readonly advertise: string | undefined;
  readonly pingIntervalMs: number | undefined;
  /** As monitoring tells it. */
  readonly noAuthUser: string | undefined;
  readonly cookies: Cookies;
}

export interface WebSocketHandle {
  readonly host: string;
  readonly port: number;
}

/** Node's timers go no further. */
const TIMEOUT_MAX = 0x7fffffff;
/** Beyond `maxPayload`: several messages of NATS may be in one of WebSocket. */
const MESSAGE_EXTRA = 8 * 1024 * 1024;

/** Checks and completes; throws InvalidArgumentError with the field's name. */
export function websocketSettings(
  options: WebSocketListenOptions | undefined,
  clientHost: string,
): WebSocketSettings | undefined {
  if (options === undefined) return undefined;
  const name = (key: string): string => `websocket.${key}`;
  const host = text(name('host'), options.host) ?? clientHost;
  return {
    host: host === '' ? '0.0.0.0' : host,
    port: port(name('port'), options.port ?? 0),
    compression: boolean(name('compression'), options.compression ?? false),
    sameOrigin: boolean(name('sameOrigin'), options.sameOrigin ?? false),
    allowedOrigins: (options.allowedOrigins ?? []).map((origin) => allowedOrigin(origin)),
    handshakeTimeoutMs: integer(
      name('handshakeTimeoutMs'),
      options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS,
      [1, TIMEOUT_MAX],
    ),
    headers: headersOf(options.headers ?? {}),
    authTimeoutMs: time(name('authTimeoutMs'), options.authTimeoutMs),
    advertise: address(options.advertise),
    pingIntervalMs: time(name('pingIntervalMs'), options.pingIntervalMs),
    noAuthUser: options.noAuthUser,
    cookies: cookiesOf(options.cookies ?? {}),
  };
}

function time(name: string, value: unknown): number | undefined {
  return value === undefined ? undefined : integer(name, value, [1, Number.MAX_SAFE_INTEGER]);
}

function address(value: unknown): string | undefined {
  const field = 'websocket.advertise';
  const given = text(field, value);
  const problem = partsOf(given ?? '');
  if (typeof problem !== 'string') return given === '' ? undefined : given;
  throw InvalidArgumentError.format(field, `cannot be ${shown(given)}: ${problem}`);
}

const COOKIE_USES: readonly CookieUse[] = ['jwt', 'user', 'pass', 'token'];

function cookiesOf(given: Readonly<Record<string, unknown>>): Cookies {
  const field = 'websocket.cookies';
  const names = Object.entries(given).map(([use, value]) => {
    if (!COOKIE_USES.includes(use as CookieUse)) {
      throw InvalidArgumentError.format(`${field}.${use}`, 'is not an option');
    }
    return [use, text(field, value)];
  });
  return Object.fromEntries(names.filter(([, value]) => value !== undefined && value !== ''));
}

function allowedOrigin(value: unknown): Origin {
  const field = 'websocket.allowedOrigins';
  const origin = readOrigin(text(field, value) ?? '');
  if (!('problem' in origin)) return origin;
  throw InvalidArgumentError.format(field, `cannot hold ${shown(value)}: ${origin.problem}`);
}

/** Those of the handshake itself. Source: nats-server 2.15.3, server/websocket.go, validateWebsocketOptions. */
const RESERVED = /^(?:host|content-length|connection|upgrade|nats-no-masking|sec-websocket-.*)$/i;
const HEADER_NAME = /^[!#$%&'*+.^_`|~\da-z-]+$/i;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

function headersOf(headers: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> {
  const field = 'websocket.headers';
  for (const [name, value] of Object.entries(headers)) {
    if (!HEADER_NAME.test(name) || RESERVED.test(name)) {
      throw InvalidArgumentError.format(field, `cannot hold a header named ${shown(name)}`);
    }
    if (!HEADER_VALUE.test(text(field, value) ?? '\n')) {
      throw InvalidArgumentError.format(field, `cannot hold ${shown(value)} as a value`);
    }
  }
  return new Map(Object.entries(headers as Record<string, string>));
}

/** With so few left nobody is let in, as on the plain listener. */
const LAST_DESCRIPTORS = 32;
/** Sockets beyond `maxConnections`: they shake hands, or are told that they are too many. */
const SOCKETS_EXTRA = 1024;

interface WebSocketStart {
  readonly bridge: Bridge;
  readonly settings: WebSocketSettings;
  /** As they are now. */
  readonly limits: () => Pick<Limits, 'maxPayload' | 'maxConnections'>;
  readonly logger: Logger;
}

/** Listens for the bridge, which closes the listener with its own; rejects with the system's error. */
export async function startWebSocket(start: WebSocketStart): Promise<WebSocketHandle> {
  const { bridge, settings, limits, logger } = start;
  const { listenWebSocket } = await import('../net/websocket.ts');
  const { allowedOrigins: allowed, sameOrigin, ...others } = settings;
  const socketsMax = (): number => {
    const { maxConnections } = limits();
    return maxConnections === 0 ? 0 : maxConnections + SOCKETS_EXTRA;
  };
  const listener = await listenWebSocket({
    ...others,
    origins: { sameOrigin, allowed },
    messageMax: () => limits().maxPayload + MESSAGE_EXTRA,
    socketsMax,
    descriptorMax: descriptorMax() - LAST_DESCRIPTORS,
    onConnection: (transport) => bridge.attach(transport),
    onRefused: (line) => logger.error(line),
    onError: (error) => logger.error(`websocket: ${error.message}`),
  });
  bridge.alsoListens(listener);
  return { host: settings.host, port: listener.port };
}
