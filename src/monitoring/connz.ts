// `/connz`: connections that are open, or have ended, as many of them as a page has. It is made in steps that are short
// whatever there is, so what it tells may be of different moments.
// Source: nats-server 2.15.3, server/monitor.go, Connz; monitor_sort_opts.go.
import type { EndedConnection } from '../bridge/options.ts';
import { rfc3339Nano } from '../shared/time.ts';
import { connectionInfo } from './connection-info.ts';
import { JsonList, jsonPieces } from './json.ts';
import { boolean, integer, QueryError, state, subscriptionLists, text, unsigned } from './query.ts';
import { sortInSlices } from './sorted.ts';
import {
  GLOBAL_ACCOUNT,
  LOOK_EVERY,
  type MonitoringSource,
  type OpenConnection,
} from './source.ts';
import { collide } from './subjects.ts';

/** `none` has no connections. */
export type ConnectionState = 'open' | 'closed' | 'all' | 'none';

export interface ConnzOptions {
  /** Empty: by cid. */
  readonly sort: string;
  /** Who the peers are is told. */
  readonly auth: boolean;
  readonly subscriptions: 'none' | 'subjects' | 'details';
  /** Connections that are passed over, and shown; nothing is 1,024. */
  readonly offset: number;
  readonly limit: number;
  /** 0: of any. */
  readonly cid: number;
  readonly state: ConnectionState;
  /** Empty: of any. */
  readonly mqttClient: string;
  readonly user: string;
  readonly account: string;
  /** Of an account: those that are subscribed to something that has subjects in common with it. */
  readonly filterSubject: string;
}

export const CONNECTIONS_SHOWN = 1024;

type Snapshot = ReturnType<OpenConnection['snapshot']>;
type Key = (connection: Snapshot) => number | string;

const uptime: Key = ({ uptimeMs }) => uptimeMs;
/** What is sorted by, and whether the greatest comes first; connections of one cid stand in the same order. */
const SORTS: Readonly<Record<string, readonly [Key | undefined, 'rising' | 'falling']>> = {
  cid: [undefined, 'rising'],
  start: [undefined, 'rising'],
  subs: [({ subscriptions }) => subscriptions, 'falling'],
  pending: [({ pendingBytes }) => pendingBytes, 'falling'],
  msgs_to: [({ outMsgs }) => outMsgs, 'falling'],
  msgs_from: [({ inMsgs }) => inMsgs, 'falling'],
  bytes_to: [({ outBytes }) => outBytes, 'falling'],
  bytes_from: [({ inBytes }) => inBytes, 'falling'],
  last: [({ lastActivity }) => lastActivity, 'falling'],
  idle: [({ lastActivity }) => -lastActivity, 'falling'],
  uptime: [uptime, 'rising'],
  stop: [({ stop = 0 }) => stop, 'falling'],
  reason: [({ reason = '' }) => reason, 'rising'],
  rtt: [({ rttMs = 0 }) => rttMs, 'falling'],
};

/** The options as a query has them. Throws QueryError. */
export function connzOptions(query: URLSearchParams): ConnzOptions {
  return {
    sort: text(query, 'sort'),
    auth: boolean(query, 'auth'),
    subscriptions: subscriptionLists(query),
    offset: integer(query, 'offset'),
    limit: integer(query, 'limit'),
    cid: unsigned(query, 'cid'),
    state: state(query),
    user: text(query, 'user'),
    account: text(query, 'acc'),
    mqttClient: text(query, 'mqtt_client'),
    // Asked for over HTTP it is ignored.
    filterSubject: '',
  };
}

/** One connection that fits, with what it is sorted by. */
interface Row {
  readonly cid: number;
  readonly key: number | string;
  readonly connection: OpenConnection | EndedConnection;
}

/**
 * The document in pieces, some of them empty; nothing has been asked yet when this returns. Throws QueryError.
 *
 * @param indent blanks per level, 0 for a compact one
 */
export function connz(
  source: MonitoringSource,
  options: ConnzOptions,
  nowMs: number,
  indent: number,
): Iterable<string> {
  const { sort, state, filterSubject, account } = options;
  if (sort !== '' && !Object.hasOwn(SORTS, sort)) {
    throw new QueryError(`invalid sorting option: ${sort}`);
  }
  if ((sort === 'stop' || sort === 'reason') && state !== 'closed') {
    throw new QueryError(`sort by ${sort} only valid on closed connections`);
  }
  if (filterSubject !== '' && filterSubject !== '>' && account === '') {
    throw new QueryError('filter by subject only valid with account filtering');
  }
  return pieces(source, options, nowMs, indent);
}

function* pieces(
  source: MonitoringSource,
  options: ConnzOptions,
  nowMs: number,
  indent: number,
): Generator<string, void> {
  const limit = options.cid > 0 ? 1 : options.limit > 0 ? options.limit : CONNECTIONS_SHOWN;
  const offset = Math.max(0, options.offset);
  const page = { now: rfc3339Nano(nowMs), num_connections: 0, total: 0, offset, limit };
  const { account } = options;
  if (account !== '' && source.accounts().every(({ name }) => name !== account)) {
    yield* jsonPieces({ server_id: '', ...page, connections: null }, indent);
    return;
  }
  const rows = yield* pausing(select(source, options, nowMs));
  const [, order] = SORTS[options.sort || 'cid'] as (typeof SORTS)[string];
  const compare = order === 'rising' ? rising : (a: Row, b: Row): number => rising(b, a);
  const sorted = yield* pausing(sortInSlices(rows, compare));
  const shown = sorted.slice(offset, offset + limit);
  const total = sorted.length;
  const document = {
    server_id: source.facts.serverId,
    ...page,
    num_connections: shown.length,
    total,
    connections: new JsonList(infos(shown, options, nowMs)),
  };
  yield* jsonPieces(document, indent);
}

function* infos(rows: readonly Row[], options: ConnzOptions, nowMs: number): Generator<unknown> {
  for (const { connection } of rows) yield connectionInfo(connection, options, nowMs);
}

/** What works in steps, as one that has nothing to say yet. */
function* pausing<T>(steps: Generator<undefined, T>): Generator<string, T> {
  while (true) {
    const step = steps.next();
    if (step.done === true) return step.value;
    yield '';
  }
}

function* select(
  source: MonitoringSource,
  options: ConnzOptions,
  nowMs: number,
): Generator<undefined, Row[]> {
  const rows: Row[] = [];
  if (options.state === 'none') return rows;
  const [key] = SORTS[options.sort || 'cid'] as (typeof SORTS)[string];
  let looked = 0;
  if (options.state !== 'closed') {
    for (const connection of source.connections()) {
      if (++looked % LOOK_EVERY === 0) yield;
      const { cid, account, shownUser } = connection;
      if (!fits(options, cid, account.name, shownUser)) continue;
      if (!(yield* hasSubject(connection, options.filterSubject))) continue;
      rows.push({ cid, key: key?.(connection.snapshot(nowMs)) ?? 0, connection });
    }
  }
  if (options.state === 'open' || (options.cid > 0 && rows.length > 0)) return rows;
  for (const connection of [...source.endedConnections()]) {
    if (++looked % LOOK_EVERY === 0) yield;
    const { cid, account, user = '' } = connection;
    // The original keeps no name of the global account with those that have ended, and so finds none of them by it.
    if (!fits(options, cid, account === GLOBAL_ACCOUNT ? '' : account, user)) continue;
    rows.push({ cid, key: key?.(connection) ?? 0, connection });
  }
  return rows;
}

function fits(options: ConnzOptions, cid: number, account: string, user: string): boolean {
  if (options.cid > 0 && options.cid !== cid) return false;
  if (options.account !== '' && options.account !== account) return false;
  if (options.user !== '' && options.user !== user) return false;
  // Nobody has come by MQTT.
  return options.mqttClient === '';
}

function* hasSubject(connection: OpenConnection, filter: string): Generator<undefined, boolean> {
  if (filter === '' || filter === '>') return true;
  let looked = 0;
  for (const { subject } of connection.subscriptions()) {
    if (collide(filter, subject)) return true;
    if (++looked % LOOK_EVERY === 0) yield;
  }
  return false;
}

function rising(a: Row, b: Row): number {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1;
  return a.cid - b.cid;
}
