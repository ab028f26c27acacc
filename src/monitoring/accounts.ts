// `/accountz` and `/accstatz`: which accounts there are, and what has gone through each.
// Source: nats-server 2.15.3, server/monitor.go, accountInfo, AccountStatz; server/accounts.go, statz.
import { rfc3339Nano } from '../shared/time.ts';
import { boolean, QueryError, text } from './query.ts';
import {
  GLOBAL_ACCOUNT,
  type MonitoredAccount,
  type MonitoringSource,
  SYSTEM_ACCOUNT,
} from './source.ts';
import { sublistStats } from './subsz.ts';
import type { ServiceImport } from './varz.ts';

/** The document of `/accountz`. Throws QueryError. */
export function accountz(
  source: MonitoringSource,
  query: URLSearchParams,
  nowMs: number,
): Record<string, unknown> {
  const accounts = source.accounts();
  const asked = text(query, 'acc');
  const account = accounts.find(({ name }) => name === asked);
  if (asked !== '' && account === undefined) {
    throw new QueryError(`Account ${asked} does not exist`);
  }
  return {
    server_id: source.facts.serverId,
    now: rfc3339Nano(nowMs),
    system_account: SYSTEM_ACCOUNT,
    ...(account === undefined
      ? { accounts: accounts.map(({ name }) => name) }
      : { account_detail: accountDetail(account, source) }),
  };
}

function accountDetail(
  account: MonitoredAccount,
  { facts }: MonitoringSource,
): Record<string, unknown> {
  const { name } = account;
  const { connections, subscriptions } = account.counts();
  const imports =
    name === GLOBAL_ACCOUNT ? facts.serviceImports.map((each) => serviceImport(each, name)) : [];
  return {
    account_name: name,
    update_time: rfc3339Nano(facts.startMs),
    ...(name === SYSTEM_ACCOUNT ? { is_system: true } : {}),
    expired: false,
    complete: true,
    jetstream_enabled: facts.hasJetStream && name === GLOBAL_ACCOUNT,
    leafnode_connections: 0,
    client_connections: connections,
    subscriptions,
    ...(imports.length > 0 ? { imports } : {}),
    name_tag: name,
    sublist_stats: sublistStats([account]),
  };
}

/** Of those that every account has. `to` is a deprecated name of `local_subject`. */
function serviceImport(
  { subject, to, share }: ServiceImport,
  account: string,
): Record<string, unknown> {
  return {
    subject: to.replace('*', account),
    account: SYSTEM_ACCOUNT,
    to: subject,
    local_subject: subject,
    type: 'service',
    invalid: false,
    share,
    tracking: false,
  };
}

/** The document of `/accstatz`. Throws QueryError. */
export function accstatz(
  source: MonitoringSource,
  query: URLSearchParams,
  nowMs: number,
): Record<string, unknown> {
  const withUnused = boolean(query, 'unused');
  return accountStats(source, nowMs, ({ connections }) => withUnused || connections > 0);
}

/** The same of those accounts that are chosen by their name and count of connections. */
export function accountStats(
  source: MonitoringSource,
  nowMs: number,
  isShown: (account: { readonly name: string; readonly connections: number }) => boolean,
): Record<string, unknown> {
  const shown = source
    .accounts()
    .filter((account) =>
      isShown({ name: account.name, connections: account.counts().connections }),
    );
  return {
    server_id: source.facts.serverId,
    now: rfc3339Nano(nowMs),
    account_statz: shown.map(accountStat),
  };
}

function accountStat(account: MonitoredAccount): Record<string, unknown> {
  const { name } = account;
  const counts = account.counts();
  const { connections, subscriptions, slowConsumers } = counts;
  return {
    acc: name,
    name,
    conns: connections,
    leafnodes: 0,
    total_conns: connections,
    num_subscriptions: subscriptions,
    sent: traffic(counts.outMsgs, counts.outBytes),
    received: traffic(counts.inMsgs, counts.inBytes),
    slow_consumers: slowConsumers,
  };
}

function traffic(msgs: number, bytes: number): Record<string, unknown> {
  const nothing = { msgs: 0, bytes: 0 };
  return { msgs, bytes, gateways: nothing, routes: nothing, leafs: nothing };
}
