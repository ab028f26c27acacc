// What there is to say of an account's sublist, and of the match cache in front of it.
import {
  ACCOUNT_INSERTS,
  ACCOUNT_MATCHES,
  ACCOUNT_REMOVES,
  ACCOUNT_SUBSCRIPTIONS,
  CACHE_ENTRIES,
  CACHE_FANOUT_MAX,
  CACHE_FANOUT_TOTAL,
  CACHE_HITS,
} from '../../assembly/abi.ts';
import type { AccountHandle } from './accounts.ts';
import type { WasmExports } from './instance.ts';
import type { Views } from './views.ts';

export interface SublistCounts {
  readonly subscriptions: number;
  /** Over all time: subscriptions that have come and gone, and how often it was asked. */
  readonly inserts: number;
  readonly removes: number;
  readonly matches: number;
  /** Routes that the cache holds now, and how often they were found there. */
  readonly cached: number;
  readonly cacheHits: number;
  /** Recipients of the cached routes, a queue group being one: of the widest, and of all. */
  readonly fanoutMax: number;
  readonly fanoutTotal: number;
}

/** Those of an account that is open. */
export function readSublistCounts(
  exports: WasmExports,
  { f64, u32 }: Views,
  account: AccountHandle,
): SublistCounts {
  const ptr = exports.accountPtr(account) >>> 0;
  const sum = (offset: number): number => f64[(ptr + offset) >>> 3] as number;
  const stat = (which: number): number => exports.cacheStat(account, which) >>> 0;
  return {
    subscriptions: u32[(ptr + ACCOUNT_SUBSCRIPTIONS) >>> 2] as number,
    inserts: sum(ACCOUNT_INSERTS),
    removes: sum(ACCOUNT_REMOVES),
    matches: sum(ACCOUNT_MATCHES),
    cached: stat(CACHE_ENTRIES),
    cacheHits: stat(CACHE_HITS),
    fanoutMax: stat(CACHE_FANOUT_MAX),
    fanoutTotal: stat(CACHE_FANOUT_TOTAL),
  };
}
