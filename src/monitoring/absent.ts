// The documents about what this server has none of: leaf nodes, routes, gateways. As nats-server shows them
// when they are not in use.
// Source: nats-server 2.15.3, server/monitor.go, Leafz, Routez, Gatewayz; played against it.
import { rfc3339Nano } from '../shared/time.ts';
import { boolean, subscriptionLists } from './query.ts';
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

function head({ facts }: MonitoringSource, nowMs: number): Document {
  return { server_id: facts.serverId, now: rfc3339Nano(nowMs) };
}
