// From what a configuration file says, with the flags of a command over it, to the options of `serve`. There 0 is a
// free port, here it is the default one, or none. It needs nothing of the code that reads files.
// Source: nats-server 2.15.3, server/opts.go, setBaselineOptions.
import type { ServerValues } from '../config/keys-server.ts';
import { DEFAULT_PORT } from '../shared/limits.ts';
import { authorizationOf, websocketAuthorizationOf } from './file-authorization.ts';
import { jetStreamOptionsOf } from './file-jetstream.ts';
import { ENDED_MOST, type ServeOptions } from './options.ts';
import type { WebSocketListenOptions } from './websocket.ts';

/** Where a server listens whose file or flags do not say, as nats-server. */
const ALL_INTERFACES = '0.0.0.0';
/** What is queued for one client is counted in 31 bits. */
const PENDING_MAX = 0x7fffffff;

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** Options that mean the same. What the log is to be like is not among them. */
export function serveOptionsOf(values: ServerValues): ServeOptions {
  const host = (values.host ?? values.listen?.host) || ALL_INTERFACES;
  const options: Mutable<ServeOptions> = {
    host,
    port: (values.port ?? values.listen?.port) || DEFAULT_PORT,
  };
  const authorization = authorizationOf(values);
  if (authorization !== undefined) options.authorization = authorization;
  const authTimeoutMs = values.authorization?.timeoutMs;
  if (authTimeoutMs) options.authTimeoutMs = wholeMs(authTimeoutMs);
  const httpPort = values.httpPort ?? values.http?.port ?? 0;
  if (httpPort !== 0) {
    const basePath = values.httpBasePath ? { basePath: values.httpBasePath } : {};
    options.monitoring = { host: values.http?.host || host, port: httpPort, ...basePath };
  }
  if (values.maxClosedClients && values.maxClosedClients > 0) {
    options.maxClosedClients = Math.min(values.maxClosedClients, ENDED_MOST);
  }
  const leafPort = values.leafnodes?.port ?? values.leafnodes?.listen?.port ?? 0;
  if (leafPort !== 0) {
    const leafHost = values.leafnodes?.host ?? values.leafnodes?.listen?.host;
    options.leafnodes = { host: leafHost || ALL_INTERFACES, port: leafPort };
  }
  const webSocket = webSocketOptions(values);
  if (webSocket !== undefined) options.websocket = webSocket;
  const jetstream = jetStreamOptionsOf(values);
  if (jetstream !== undefined) options.jetstream = jetstream;
  if (values.clientAdvertise) options.clientAdvertise = values.clientAdvertise;
  if (values.serverName) options.serverName = values.serverName;
  if (values.pidFile) options.pidFile = values.pidFile;
  if (values.portsFileDir) options.portsFileDir = values.portsFileDir;
  if (values.noHeaderSupport) options.noHeaderSupport = true;
  if (values.maxSubTokens) options.maxSubTokens = values.maxSubTokens;
  if (values.serverTags?.length) options.serverTags = values.serverTags;
  if (values.serverMetadata?.size) {
    options.serverMetadata = Object.fromEntries(values.serverMetadata);
  }
  addLimits(values, options);
  return options;
}

/** Nothing without a port. */
function webSocketOptions(values: ServerValues): WebSocketListenOptions | undefined {
  const { websocket = {} } = values;
  const port = websocket.port ?? websocket.listen?.port ?? 0;
  if (port === 0) return undefined;
  const { compression, sameOrigin, allowedOrigins, handshakeTimeoutMs, headers } = websocket;
  const { jwtCookie, userCookie, passwordCookie, tokenCookie } = websocket;
  const options: Mutable<WebSocketListenOptions> = {
    port,
    host: (websocket.host ?? websocket.listen?.host) || ALL_INTERFACES,
  };
  if (compression) options.compression = true;
  if (sameOrigin) options.sameOrigin = true;
  if (allowedOrigins?.length) options.allowedOrigins = allowedOrigins;
  if (handshakeTimeoutMs) options.handshakeTimeoutMs = wholeMs(handshakeTimeoutMs);
  if (websocket.advertise) options.advertise = websocket.advertise;
  if (websocket.pingIntervalMs && websocket.pingIntervalMs > 0) {
    options.pingIntervalMs = wholeMs(websocket.pingIntervalMs);
  }
  if (headers?.size) options.headers = Object.fromEntries(headers);
  const authorization = websocketAuthorizationOf(values);
  if (authorization !== undefined) options.authorization = authorization;
  const timeoutMs = websocket.authorization?.timeoutMs;
  if (timeoutMs) options.authTimeoutMs = wholeMs(timeoutMs);
  if (websocket.noAuthUser) options.noAuthUser = websocket.noAuthUser;
  options.cookies = {
    ...(jwtCookie ? { jwt: jwtCookie } : {}),
    ...(userCookie ? { user: userCookie } : {}),
    ...(passwordCookie ? { pass: passwordCookie } : {}),
    ...(tokenCookie ? { token: tokenCookie } : {}),
  };
  return options;
}

/** Nothing and 0 are the default; of counts of clients and subscriptions, 0 and less are no limit. */
function addLimits(values: ServerValues, options: Mutable<ServeOptions>): void {
  if (values.maxPayload) options.maxPayload = values.maxPayload;
  if (values.maxControlLine) options.maxControlLine = values.maxControlLine;
  if (values.maxPending) options.maxPending = Math.min(values.maxPending, PENDING_MAX);
  if (values.maxConnections !== undefined) {
    options.maxConnections = Math.max(0, values.maxConnections);
  }
  if (values.maxSubscriptions !== undefined) {
    options.maxSubscriptions = Math.max(0, values.maxSubscriptions);
  }
  if (values.pingIntervalMs) options.pingIntervalMs = wholeMs(values.pingIntervalMs);
  if (values.pingMax) options.pingMax = values.pingMax;
  if (values.writeDeadlineMs) options.writeDeadlineMs = wholeMs(values.writeDeadlineMs);
  if (values.lameDuckDurationMs) {
    options.lameDuckDurationMs = wholeMs(values.lameDuckDurationMs);
  }
  if (values.lameDuckGraceMs) options.lameDuckGraceMs = wholeMs(values.lameDuckGraceMs);
}

/** Timers here are of milliseconds. */
function wholeMs(ms: number): number {
  return ms > 0 ? Math.max(1, Math.round(ms)) : Math.round(ms);
}
