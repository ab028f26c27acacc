// What monitoring may ask a server for: snapshots and counters. It reads and changes nothing.
import type { EndedConnection } from '../bridge/options.ts';
import type { Session } from '../bridge/session.ts';
import type { AccountCounts, SessionSubscription, SublistCounts } from '../core/index.ts';
import type { ProcessUsage, ServerCounters, ServerFacts } from './varz.ts';

/** An open connection, as much of it as is told. */
export type OpenConnection = Pick<
  Session,
  'cid' | 'shownUser' | 'subscriptionCount' | 'subscriptions' | 'snapshot'
> & { readonly account: { readonly name: string } };

/** Who has subscriptions: a connection, or this process in one account, whose cid is 0. */
export interface Subscriber {
  readonly cid: number;
  readonly account: { readonly name: string };
  readonly subscriptionCount: number;
  /** May be read bit by bit while they change. */
  subscriptions(): Iterable<SessionSubscription>;
}

/** An account, as much of it as is told. */
export interface MonitoredAccount {
  readonly name: string;
  counts(): AccountCounts;
  sublist(): SublistCounts;
}

export interface MonitoringSource {
  readonly facts: ServerFacts;
  counters(): ServerCounters;
  usage(): ProcessUsage;
  /** Why the server cannot serve now; undefined when it can. */
  problem(): string | undefined;
  accounts(): readonly MonitoredAccount[];
  /** In the order of their cids. May be read bit by bit. */
  connections(): Iterable<OpenConnection>;
  /** The last ones, oldest first. */
  endedConnections(): readonly EndedConnection[];
  /** In the order of their cids, this process first. May be read bit by bit. */
  subscribers(): Iterable<Subscriber>;
}

/** Subscriptions that are looked at between two moments in which others may have theirs. */
export const LOOK_EVERY = 64;
export const GLOBAL_ACCOUNT = '$G';
export const SYSTEM_ACCOUNT = '$SYS';
