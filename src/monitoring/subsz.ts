// `/subsz`: what there is to say of all sublists together, and a page of the subscriptions in them. There may be a
// million: they are looked at in steps, one subscriber's at a time, and no more are kept than the page has.
// Source: nats-server 2.15.3, server/monitor.go, Subsz; server/sublist.go, SublistStats.
import type { SublistCounts } from '../core/index.ts';
import { rfc3339Nano } from '../shared/time.ts';
import { subscriptionDetail } from './connection-info.ts';
import { JsonList, jsonPieces } from './json.ts';
import { PackedSubscriptions } from './packed.ts';
import { boolean, integer, QueryError, text } from './query.ts';
import { sortInSlices } from './sorted.ts';
import {
  LOOK_EVERY,
  type MonitoredAccount,
  type MonitoringSource,
  type Subscriber,
} from './source.ts';
import { isLiteral, reaches } from './subjects.ts';

const SUBSCRIPTIONS_SHOWN = 1024;
/** Subscriptions that are kept beyond the page, before the last ones are thrown away. */
const SPARE = 4096;

interface SubszOptions {
  readonly subscriptions: boolean;
  readonly offset: number;
  readonly limit: number;
  /** Only what a message on it would reach; empty: all. */
  readonly test: string;
  /** Only of this account; empty: of all. */
  readonly account: string;
}

/** A page that keeps more subscriptions than that is a heavy one. */
const LIGHT_MAX = 10_000;

/** The document in pieces, some of them empty. Throws QueryError. */
export function subsz(
  source: MonitoringSource,
  query: URLSearchParams,
  nowMs: number,
): { readonly pieces: Iterable<string>; readonly isHeavy: boolean } {
  const options: SubszOptions = {
    subscriptions: boolean(query, 'subs'),
    offset: Math.max(0, integer(query, 'offset')),
    limit: integer(query, 'limit'),
    test: text(query, 'test'),
    account: text(query, 'acc'),
  };
  if (options.test !== '' && !isLiteral(options.test)) {
    throw new QueryError(`invalid test subject, must be valid publish subject: ${options.test}`);
  }
  const limit = options.limit > 0 ? options.limit : SUBSCRIPTIONS_SHOWN;
  const isHeavy = options.subscriptions && options.offset + limit > LIGHT_MAX;
  return { pieces: pieces(source, { ...options, limit }, nowMs), isHeavy };
}

/** What is said of the sublists of these accounts together. */
export function sublistStats(accounts: readonly MonitoredAccount[]): Record<string, number> {
  const all: SublistCounts[] = accounts.map((account) => account.sublist());
  const sum = (of: (counts: SublistCounts) => number): number =>
    all.reduce((total, counts) => total + of(counts), 0);
  const matches = sum((counts) => counts.matches);
  const hits = sum((counts) => counts.cacheHits);
  const cached = sum((counts) => counts.cached);
  return {
    num_subscriptions: sum((counts) => counts.subscriptions),
    num_cache: cached,
    num_inserts: sum((counts) => counts.inserts),
    num_removes: sum((counts) => counts.removes),
    num_matches: matches,
    cache_hit_rate: hits === 0 ? 0 : hits / (hits + matches),
    max_fanout: Math.max(0, ...all.map(({ fanoutMax }) => fanoutMax)),
    avg_fanout: cached === 0 ? 0 : sum((counts) => counts.fanoutTotal) / cached,
  };
}

function* pieces(
  source: MonitoringSource,
  options: SubszOptions,
  nowMs: number,
): Generator<string, void> {
  const { account, offset, limit } = options;
  const isAsked = ({ name }: { readonly name: string }): boolean =>
    account === '' || account === name;
  const stats = sublistStats(source.accounts().filter(isAsked));
  const head = { server_id: source.facts.serverId, now: rfc3339Nano(nowMs), ...stats };
  if (!options.subscriptions) {
    yield* jsonPieces({ ...head, total: 0, offset, limit }, 2);
    return;
  }
  let total = 0;
  for (const subscriber of source.subscribers()) {
    if (!isAsked(subscriber.account)) continue;
    yield '';
    total += yield* count(subscriber, options.test);
  }
  const list = offset < total ? { subscriptions_list: new JsonList(page(source, options)) } : {};
  yield* jsonPieces({ ...head, total, offset, limit, ...list }, 2);
}

function* count(subscriber: Subscriber, test: string): Generator<string, number> {
  if (test === '') return subscriber.subscriptionCount;
  let found = 0;
  let looked = 0;
  for (const { subject } of subscriber.subscriptions()) {
    if (reaches(test, subject)) found += 1;
    if (++looked % LOOK_EVERY === 0) yield '';
  }
  return found;
}

/** By cid; those of this process, which has none, by account. */
function* page(source: MonitoringSource, options: SubszOptions): Generator<unknown, void> {
  let { offset, limit } = options;
  for (const subscriber of source.subscribers()) {
    if (limit <= 0) return;
    const { name } = subscriber.account;
    if (options.account !== '' && options.account !== name) continue;
    yield undefined;
    if (options.test === '' && subscriber.subscriptionCount <= offset) {
      offset -= subscriber.subscriptionCount;
      continue;
    }
    const { found, first, packed } = yield* firstOf(subscriber, options.test, offset + limit);
    for (let at = offset; at < first.length; at++) {
      const detail = subscriptionDetail(packed.read(first[at] as number), subscriber.cid);
      yield { account: name, account_tag: name, ...detail };
    }
    limit -= Math.max(0, first.length - offset);
    offset = Math.max(0, offset - found);
  }
}

/** How many of a subscriber's subscriptions fit, and the first of them in the order of their sids. */
interface First {
  readonly found: number;
  /** Places in `packed`; at most as many as asked for. */
  readonly first: readonly number[];
  readonly packed: PackedSubscriptions;
}

function* firstOf(subscriber: Subscriber, test: string, most: number): Generator<undefined, First> {
  let packed = new PackedSubscriptions();
  let kept: number[] = [];
  let found = 0;
  let looked = 0;
  for (const each of subscriber.subscriptions()) {
    if (++looked % LOOK_EVERY === 0) yield;
    if (test !== '' && !reaches(test, each.subject)) continue;
    found += 1;
    kept.push(packed.add(each));
    if (kept.length < most * 2 + SPARE) continue;
    const sorted = yield* sortInSlices(kept, packed.compare);
    [packed, kept] = yield* firstAgain(packed, sorted, most);
  }
  const sorted = yield* sortInSlices(kept, packed.compare);
  return { found, first: sorted.length > most ? sorted.slice(0, most) : sorted, packed };
}

/** The first of those places by themselves, so that the bytes of the others are let go of. */
function* firstAgain(
  packed: PackedSubscriptions,
  sorted: readonly number[],
  most: number,
): Generator<undefined, [PackedSubscriptions, number[]]> {
  const fewer = new PackedSubscriptions();
  const places: number[] = [];
  for (let at = 0; at < most; at++) {
    places.push(fewer.add(packed.read(sorted[at] as number)));
    if (at % LOOK_EVERY === 0) yield;
  }
  return [fewer, places];
}
