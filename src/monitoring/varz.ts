// `/varz`: the server's facts and counters under nats-server's keys. The one place where our names become
// those. Keys of features that are not in use are there with the value nats-server has for them then.
// Source: nats-server 1787eee, server/monitor.go, Varz; keys and types probed on 2.15.3.
import type { JetStreamSnapshot } from '../jetstream/jetstream.ts';
import type { Origin } from '../net/origins.ts';
import { AUTH_TIMEOUT_MS, HANDSHAKE_TIMEOUT_MS, type Limits } from '../shared/limits.ts';
import { NANOS_PER_MS, rfc3339Nano, uptimeText } from '../shared/time.ts';
import { PROTO } from '../shared/version.ts';
import { varzJetStream } from './jsz.ts';
import type { MonitoringSource } from './source.ts';

/** A request that is served for those who are in an account. */
export interface ServiceImport {
  /** On which it is asked for. */
  readonly subject: string;
  /** The service's own subject; `*` is the account. */
  readonly to: string;
  /** The service is told who asks. */
  readonly share: boolean;
}

/** How clients come by WebSocket. */
interface WebSocketFacts {
  readonly host: string;
  readonly port: number;
  readonly handshakeTimeoutMs: number;
  readonly sameOrigin: boolean;
  readonly allowedOrigins: readonly Origin[];
  readonly compression: boolean;
  readonly advertise: string | undefined;
  readonly noAuthUser: string | undefined;
  readonly authTimeoutMs: number | undefined;
  readonly cookies: { readonly jwt?: string };
}

/** What does not change while the server runs. */
export interface ServerFacts {
  readonly serverId: string;
  readonly serverName: string;
  /** That which clients read in INFO. */
  readonly version: string;
  /** The runtime, shown as `go`: clients require the key. */
  readonly runtime: string;
  readonly host: string;
  readonly port: number;
  readonly limits: Limits;
  /** Clients have to say who they are. */
  readonly isAuthRequired: boolean;
  readonly authTimeoutMs: number;
  /** Monitoring's own address; the port is the configured one (-1: random). */
  readonly httpHost: string;
  readonly httpPort: number;
  /** What stands before the paths; empty, or begins with a slash. */
  readonly httpBasePath: string;
  /** Wall clock of the start, milliseconds since 1970. */
  readonly startMs: number;
  /** The same of the moment in which the configuration in force was read. */
  readonly loadedMs: number;
  readonly cores: number;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Of the configuration file; empty without one. */
  readonly configDigest: string;
  /** What becomes of who reads too slowly, as the file says it; empty if it does not. */
  readonly writeTimeout: string;
  /** Clients come by it, too; its port is the one that it listens on. */
  readonly websocket: WebSocketFacts | undefined;
  /** Where leaf nodes are refused. */
  readonly leafnodes: { readonly host: string; readonly port: number } | undefined;
  /** What the system serves in the accounts of clients. */
  readonly serviceImports: readonly ServiceImport[];
}

/** What is counted while it runs. Bytes and counts. */
export interface ServerCounters {
  readonly inMsgs: number;
  readonly inBytes: number;
  readonly outMsgs: number;
  readonly outBytes: number;
  readonly connections: number;
  readonly connectionsTotal: number;
  readonly subscriptions: number;
  readonly slowConsumers: number;
  readonly staleConnections: number;
  /** Publishers that were made to wait for a slow reader. */
  readonly stalledClients: number;
}

/** What this process takes of the machine. */
export interface ProcessUsage {
  readonly memoryBytes: number;
  /** Share of one core, percent. */
  readonly cpuPercent: number;
}

/** The document of `/varz`. */
export function varz(
  source: MonitoringSource,
  nowMs: number,
  requestCounts: ReadonlyMap<string, number>,
): Record<string, unknown> {
  const { facts } = source;
  const counts = source.counters();
  return {
    ...identity(facts),
    ...limits(facts, source.jetstream()),
    start: rfc3339Nano(facts.startMs),
    now: rfc3339Nano(nowMs),
    uptime: uptimeText(nowMs - facts.startMs),
    ...machine(facts, source.usage()),
    ...counters(counts),
    http_req_stats: Object.fromEntries([...requestCounts].sort()),
    config_load_time: rfc3339Nano(facts.loadedMs),
    config_digest: facts.configDigest,
    ...(facts.tags.length > 0 ? { tags: facts.tags } : {}),
    ...(Object.keys(facts.metadata).length > 0 ? { metadata: facts.metadata } : {}),
    feature_flags: {},
    system_account: '$SYS',
    ...byKind(counts),
    disk_io_wait_stats: { waiters: 0, waits: 0, wait_time: 0, max_wait_time: 0 },
  };
}

function identity(facts: ServerFacts): Record<string, unknown> {
  return {
    server_id: facts.serverId,
    server_name: facts.serverName,
    version: facts.version,
    proto: PROTO,
    go: facts.runtime,
    host: facts.host,
    port: facts.port,
    ...(facts.isAuthRequired ? { auth_required: true } : {}),
  };
}

function limits(
  { limits, httpHost, httpPort, httpBasePath, authTimeoutMs, ...facts }: ServerFacts,
  jetstream: JetStreamSnapshot | undefined,
): Record<string, unknown> {
  return {
    max_connections: limits.maxConnections,
    ...(limits.maxSubscriptions > 0 ? { max_subscriptions: limits.maxSubscriptions } : {}),
    ping_interval: limits.pingIntervalMs * NANOS_PER_MS,
    ping_max: limits.pingMax,
    http_host: httpHost,
    http_port: httpPort,
    http_base_path: httpBasePath,
    https_port: 0,
    auth_timeout: authTimeoutMs / 1000,
    max_control_line: limits.maxControlLine,
    max_payload: limits.maxPayload,
    max_pending: limits.maxPending,
    cluster: {},
    gateway: {},
    leaf: leaf(facts.leafnodes),
    mqtt: {},
    websocket: websocket(facts.websocket),
    jetstream: varzJetStream(jetstream),
    tls_timeout: AUTH_TIMEOUT_MS / 1000,
    write_deadline: limits.writeDeadlineMs * NANOS_PER_MS,
    ...(facts.writeTimeout === '' ? {} : { write_timeout: facts.writeTimeout }),
  };
}

const PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };

/** Nobody authenticates there, but these are the original's. */
function leaf(listener: ServerFacts['leafnodes']): Record<string, unknown> {
  if (listener === undefined) return {};
  const { host, port } = listener;
  return { host, port, auth_timeout: AUTH_TIMEOUT_MS / 1000, tls_timeout: AUTH_TIMEOUT_MS / 1000 };
}

function websocket(listener: ServerFacts['websocket']): Record<string, unknown> {
  if (listener === undefined) return {};
  const { host, port, handshakeTimeoutMs, sameOrigin, allowedOrigins, compression } = listener;
  const origins = allowedOrigins.map(
    ({ scheme, host, port }) => `${scheme}://${host}${port === PORTS[scheme] ? '' : `:${port}`}`,
  );
  return {
    host,
    port,
    ...(listener.advertise === undefined ? {} : { advertise: listener.advertise }),
    ...(listener.noAuthUser === undefined ? {} : { no_auth_user: listener.noAuthUser }),
    ...(listener.cookies.jwt === undefined ? {} : { jwt_cookie: listener.cookies.jwt }),
    // The original shows what was asked for.
    ...(handshakeTimeoutMs === HANDSHAKE_TIMEOUT_MS
      ? {}
      : { handshake_timeout: handshakeTimeoutMs * NANOS_PER_MS }),
    ...(listener.authTimeoutMs === undefined
      ? {}
      : { auth_timeout: listener.authTimeoutMs / 1000 }),
    no_tls: true,
    ...(sameOrigin ? { same_origin: true } : {}),
    ...(origins.length > 0 ? { allowed_origins: origins } : {}),
    ...(compression ? { compression: true } : {}),
  };
}

function machine(facts: ServerFacts, usage: ProcessUsage): Record<string, unknown> {
  return {
    mem: usage.memoryBytes,
    cores: facts.cores,
    // One thread runs the server's code.
    gomaxprocs: 1,
    cpu: usage.cpuPercent,
  };
}

function counters(counters: ServerCounters): Record<string, unknown> {
  return {
    connections: counters.connections,
    total_connections: counters.connectionsTotal,
    routes: 0,
    remotes: 0,
    leafnodes: 0,
    in_msgs: counters.inMsgs,
    in_bytes: counters.inBytes,
    in_client_msgs: counters.inMsgs,
    in_client_bytes: counters.inBytes,
    out_msgs: counters.outMsgs,
    out_bytes: counters.outBytes,
    out_client_msgs: counters.outMsgs,
    out_client_bytes: counters.outBytes,
    slow_consumers: counters.slowConsumers,
    stale_connections: counters.staleConnections,
    stalled_clients: counters.stalledClients,
    subscriptions: counters.subscriptions,
  };
}

function byKind(counters: ServerCounters): Record<string, unknown> {
  const others = { routes: 0, gateways: 0, leafs: 0 };
  return {
    slow_consumer_stats: { clients: counters.slowConsumers, ...others },
    stale_connection_stats: { clients: counters.staleConnections, ...others },
  };
}
