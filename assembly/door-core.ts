// Exports: the core as a whole, and its memory. No logic lives here.

import { STATUS_NO_MEMORY, STATUS_OK } from './abi';
import { accountsTotal } from './account';
import { layOut, liveCountOf, regionOf } from './core';
import { allocate, memoryIsRefused, memoryRetry, release } from './memory';
import { OWNER_PROGRAM } from './ownership';
import { poolUsed } from './pool';
import { recordCount as records } from './records';
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

/** LIVE_*: all zero when everything is closed (but for what the heap keeps for use again). */
export function liveCount(which: u32): u32 {
  return liveCountOf(which);
}

/** What all accounts have counted over all time (ACCOUNT_IN_MSGS …). */
export function counter(offset: u32): f64 {
  return accountsTotal(offset);
}

/** Bytes that the pool has lent. */
export function poolBytes(): u32 {
  return poolUsed;
}
