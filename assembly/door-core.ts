// Exports: the core as a whole, its memory, and what tests turn. No logic lives here.

import { STATUS_NO_MEMORY, STATUS_OK } from './abi';
import { accountFind, accountsTotal } from './account';
import { layOut, liveCountOf, regionOf } from './core';
import { matchCacheEnable, matchCacheStat } from './match-cache';
import {
  allocate,
  canariesIntact,
  memoryIsRefused,
  memoryRetry,
  memorySetGrowth,
  release,
} from './memory';
import { OWNER_PROGRAM } from './ownership';
import { poolUsed } from './pool';
import { quotaHasRoom, quotaSet } from './quota';
import { recordCount as records, recordsLimit } from './records';
import { isStopped } from './router';
import { quarantineRelease } from './session';

/** Lays everything out. STATUS_OK or STATUS_NO_MEMORY; call once. `poolMax` in bytes. */
export function coreInit(seedLow: u32, seedHigh: u32, poolMax: u32): i32 {
  return layOut(seedLow, seedHigh, poolMax) ? STATUS_OK : STATUS_NO_MEMORY;
}

/** Where a region begins (REGION_*). */
export function regionPtr(region: u32): u32 {
  return <u32>regionOf(region);
}

/** A block of the heap for a frame that does not fit the inbox, or 0. May grow memory. */
export function blockAllocate(bytes: u32): u32 {
  return <u32>allocate(bytes, OWNER_PROGRAM);
}

/** Gives it back; `bytes` as asked for. */
export function blockRelease(ptr: u32, bytes: u32): void {
  release(ptr, bytes);
}

/** Records of the last call. */
export function recordCount(): u32 {
  return records;
}

/** Frees what is in quarantine. Only while nothing is being delivered. 1: growth is refused until `memoryAsk`. */
export function turnEnd(): u32 {
  if (!isStopped) quarantineRelease();
  return memoryIsRefused() ? 1 : 0;
}

/** Growth that was refused may be asked for again. */
export function memoryAsk(): void {
  memoryRetry();
}

/** Bounds the bytes of all subscriptions of peers; those of one may take half of it. */
export function subscriptionsBound(bytes: u32): void {
  quotaSet(bytes);
}

/** 1: a peer that has nothing would be given a subscription. May grow memory. */
export function subscriptionsHaveRoom(): u32 {
  return quotaHasRoom() ? 1 : 0;
}

/** LIVE_*: all zero when everything is closed (but for what the heap keeps for use again). */
export function liveCount(which: u32): u32 {
  return liveCountOf(which);
}

/** What all accounts have counted over all time (ACCOUNT_IN_MSGS …). */
export function counter(offset: u32): f64 {
  return accountsTotal(offset);
}

/** CACHE_* of an account. */
export function cacheStat(account: u32, which: u32): u32 {
  const owner = accountFind(account);
  return owner == 0 ? 0 : matchCacheStat(owner, which);
}

/** Bytes that the pool has lent. */
export function poolBytes(): u32 {
  return poolUsed;
}

// ── Hooks of tests ────────────────────────────────────────────────────────────────────────────────

/** 1: the canaries between the fixed regions are intact. */
export function memoryIntact(): u32 {
  return canariesIntact() ? 1 : 0;
}

/** Growth refused from now on, or forced at every new block. */
export function memoryForceGrowth(blocked: u32, always: u32): void {
  memorySetGrowth(blocked != 0, always != 0);
}

/** The match cache on or off. */
export function cacheEnable(on: u32): void {
  matchCacheEnable(on != 0);
}

/** As if the result region held that many records. */
export function recordsSetLimit(count: u32): void {
  recordsLimit(count);
}
