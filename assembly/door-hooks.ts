// Exports: what tests turn. No logic lives here.

import { matchCacheEnable } from './match-cache';
import { canariesIntact, memorySetGrowth } from './memory';
import { recordsLimit } from './records';

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
