// One connection, as `/connz` shows it.
// Source: nats-server 2.15.3, server/monitor.go, ConnInfo, fill.
import type { EndedConnection } from '../bridge/options.ts';
import type { SessionSubscription } from '../core/index.ts';
import { formatDuration, NANOS_PER_MS, rfc3339Nano, uptimeText } from '../shared/time.ts';
import type { ConnzOptions } from './connz.ts';
import { JsonList } from './json.ts';
import { GLOBAL_ACCOUNT, LOOK_EVERY, type OpenConnection } from './source.ts';

/** The object; its subscriptions, where they are asked for, are a JsonList. */
export function connectionInfo(
  connection: OpenConnection | EndedConnection,
  options: Pick<ConnzOptions, 'auth' | 'subscriptions'>,
  nowMs: number,
): Record<string, unknown> {
  const isOpen = 'snapshot' in connection;
  const known = isOpen ? connection.snapshot(nowMs) : connection;
  const { cid, stop, reason, name, lang, version, stalls, account } = known;
  const isGlobal = account === GLOBAL_ACCOUNT;
  return {
    cid,
    kind: known.kind,
    type: known.type,
    ip: known.ip,
    port: known.port,
    start: rfc3339Nano(known.start),
    last_activity: rfc3339Nano(known.lastActivity),
    ...(stop === undefined ? {} : { stop: rfc3339Nano(stop), reason }),
    rtt: rttText(known.rttMs),
    uptime: uptimeText(known.uptimeMs),
    idle: uptimeText(known.idleMs),
    pending_bytes: known.pendingBytes,
    in_msgs: known.inMsgs,
    out_msgs: known.outMsgs,
    in_bytes: known.inBytes,
    out_bytes: known.outBytes,
    ...(stalls > 0 ? { stalls } : {}),
    subscriptions: known.subscriptions,
    ...(name === undefined ? {} : { name }),
    ...(lang === undefined ? {} : { lang }),
    ...(version === undefined ? {} : { version }),
    ...(options.auth && known.user !== undefined ? { authorized_user: known.user } : {}),
    ...(options.auth && !isGlobal ? { account } : {}),
    ...subscriptionLists(connection, options.subscriptions),
    // Of those that have ended the original keeps it for other accounts alone.
    ...(options.auth && (isOpen || !isGlobal) ? { name_tag: account } : {}),
  };
}

function subscriptionLists(
  connection: OpenConnection | EndedConnection,
  lists: ConnzOptions['subscriptions'],
): Record<string, unknown> {
  if (lists === 'none') return {};
  const isOpen = 'snapshot' in connection;
  const count = isOpen ? connection.subscriptionCount : connection.subscriptionList.length;
  if (count === 0) return {};
  const list = isOpen ? connection.subscriptions() : connection.subscriptionList;
  // The original says it again of those that have ended.
  const place = isOpen ? {} : { account: connection.account, account_tag: connection.account };
  return lists === 'subjects'
    ? { subscriptions_list: new JsonList(shown(list, ({ subject }) => subject)) }
    : {
        subscriptions_list_detail: new JsonList(
          shown(list, (each) => ({ ...place, ...subscriptionDetail(each, connection.cid) })),
        ),
      };
}

function* shown(
  list: Iterable<SessionSubscription>,
  show: (subscription: SessionSubscription) => unknown,
): Generator<unknown, void> {
  let looked = 0;
  for (const each of list) {
    yield show(each);
    if (++looked % LOOK_EVERY === 0) yield undefined;
  }
}

/** One subscription under its connection. Source: the same, newClientSubDetail. */
export function subscriptionDetail(
  { subject, queue, sid, delivered, max }: SessionSubscription,
  cid: number,
): Record<string, unknown> {
  return {
    subject,
    ...(queue === undefined ? {} : { qgroup: queue }),
    sid,
    msgs: delivered,
    ...(max > 0 ? { max } : {}),
    cid,
  };
}

/** Below a millisecond to the microsecond, unless it is below one; `0s` when it is not known. Source: the same, getRTT. */
function rttText(rttMs = 0): string {
  const nanos = Math.round(rttMs * NANOS_PER_MS);
  const isCut = nanos > 1000 && nanos < NANOS_PER_MS;
  return formatDuration(BigInt(isCut ? nanos - (nanos % 1000) : nanos));
}
