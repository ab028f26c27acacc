// The documents about what this server has none of: leaf nodes, routes, gateways, streams. As nats-server shows them
// when they are not in use.
// Source: nats-server 2.15.3, server/monitor.go, Leafz, Routez, Gatewayz, Jsz; played against it.
import { rfc3339Nano } from '../shared/time.ts';
import { boolean, integer, subscriptionLists } from './query.ts';
import type { MonitoringSource } from './source.ts';

type Document = Record<string, unknown>;

/** `/leafz`. Throws QueryError. */
export function leafz(source: MonitoringSource, query: URLSearchParams, nowMs: number): Document {
  boolean(query, 'subs');
  return { ...head(source, nowMs), leafnodes: 0, leafs: [] };
}

/** `/routez`. Throws QueryError. */
export function routez(source: MonitoringSource, query: URLSearchParams, nowMs: number): Document {
  subscriptionLists(query);
  const { serverId, serverName } = source.facts;
  const now = rfc3339Nano(nowMs);
  return { server_id: serverId, server_name: serverName, now, num_routes: 0, routes: [] };
}

/** `/gatewayz`. Throws QueryError. */
export function gatewayz(
  source: MonitoringSource,
  query: URLSearchParams,
  nowMs: number,
): Document {
  subscriptionLists(query);
  boolean(query, 'accs');
  return { ...head(source, nowMs), outbound_gateways: {}, inbound_gateways: {} };
}

/** In the order in which they are looked at. */
const JSZ_OPTIONS = [
  [boolean, ['accounts', 'streams', 'consumers', 'direct-consumers', 'config']],
  [integer, ['offset', 'limit']],
  [boolean, ['leader-only', 'raft', 'stream-leader-only']],
] as const;

/** `/jsz`. Throws QueryError. */
export function jsz(source: MonitoringSource, query: URLSearchParams, nowMs: number): Document {
  for (const [read, names] of JSZ_OPTIONS) for (const name of names) read(query, name);
  return {
    memory: 0,
    storage: 0,
    reserved_memory: 0,
    reserved_storage: 0,
    accounts: 0,
    ha_assets: 0,
    api: { level: 0, total: 0, errors: 0 },
    ...head(source, nowMs),
    disabled: true,
    config: { max_memory: 0, max_storage: 0 },
    streams: 0,
    consumers: 0,
    messages: 0,
    bytes: 0,
    total: 0,
  };
}

function head({ facts }: MonitoringSource, nowMs: number): Document {
  return { server_id: facts.serverId, now: rfc3339Nano(nowMs) };
}
