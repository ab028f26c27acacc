// `/varz`: the server's facts and counters under nats-server's keys. The one place where our names become
// those. Keys of features that are not in use are there with the value nats-server has for them then.
// Source: nats-server 1787eee, server/monitor.go, Varz; keys and types probed on 2.15.3.
import { AUTH_TIMEOUT_MS, type Limits } from '../shared/limits.ts';
import { NANOS_PER_MS, rfc3339Nano, uptimeText } from '../shared/time.ts';
import { ANNOUNCED_VERSION, PROTO } from '../shared/version.ts';

/** What does not change while the server runs. */
export interface ServerFacts {
  readonly serverId: string;
  readonly serverName: string;
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
  /** Wall clock of the start, milliseconds since 1970. */
  readonly startMs: number;
  /** When it was last told what to be like. */
  readonly configuredMs: number;
  readonly cores: number;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Of the configuration file; empty without one. */
  readonly configDigest: string;
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

export interface VarzSource {
  readonly facts: ServerFacts;
  counters(): ServerCounters;
  usage(): ProcessUsage;
}

/** The document of `/varz`. */
export function varz(
  source: VarzSource,
  nowMs: number,
  requestCounts: ReadonlyMap<string, number>,
): Record<string, unknown> {
  const { facts } = source;
  const counts = source.counters();
  return {
    ...identity(facts),
    ...limits(facts),
    start: rfc3339Nano(facts.startMs),
    now: rfc3339Nano(nowMs),
    uptime: uptimeText(nowMs - facts.startMs),
    ...machine(facts, source.usage()),
    ...counters(counts),
    http_req_stats: Object.fromEntries([...requestCounts].sort()),
    config_load_time: rfc3339Nano(facts.configuredMs),
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
    version: ANNOUNCED_VERSION,
    proto: PROTO,
    go: facts.runtime,
    host: facts.host,
    port: facts.port,
    ...(facts.isAuthRequired ? { auth_required: true } : {}),
  };
}

function limits({
  limits,
  httpHost,
  httpPort,
  authTimeoutMs,
}: ServerFacts): Record<string, unknown> {
  return {
    max_connections: limits.maxConnections,
    ...(limits.maxSubscriptions > 0 ? { max_subscriptions: limits.maxSubscriptions } : {}),
    ping_interval: limits.pingIntervalMs * NANOS_PER_MS,
    ping_max: limits.pingMax,
    http_host: httpHost,
    http_port: httpPort,
    http_base_path: '',
    https_port: 0,
    auth_timeout: authTimeoutMs / 1000,
    max_control_line: limits.maxControlLine,
    max_payload: limits.maxPayload,
    max_pending: limits.maxPending,
    cluster: {},
    gateway: {},
    leaf: {},
    mqtt: {},
    websocket: {},
    jetstream: {},
    tls_timeout: AUTH_TIMEOUT_MS / 1000,
    write_deadline: limits.writeDeadlineMs * NANOS_PER_MS,
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
