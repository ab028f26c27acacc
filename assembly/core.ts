// The core as a whole: how it is laid out, and what is counted over all of it.

import {
  LIVE_ACCOUNTS,
  LIVE_CACHE_BYTES,
  LIVE_CHUNK_BYTES,
  LIVE_GROUPS,
  LIVE_HEAP_BYTES,
  LIVE_NODES,
  LIVE_QUARANTINE,
  LIVE_SEGMENTS,
  LIVE_SESSIONS,
  LIVE_SUBSCRIPTIONS,
  REGION_INBOX,
  REGION_OP,
  REGION_PUBLISH,
  REGION_RESULT,
  REGION_SCRATCH,
} from './abi';
import { accounts, accountsInit } from './account';
import { cursorsInit } from './cursors';
import { matchCacheBytes, matchCacheInit } from './match-cache';
import {
  heapBytesLive,
  inboxPtr,
  memoryInit,
  opPtr,
  publishPtr,
  resultPtr,
  scratchPtr,
  takePtr,
} from './memory';
import { nodes } from './node';
import { outboundInit, segments } from './outbound';
import { poolInit, poolUsed } from './pool';
import { queueSeed } from './queue-group';
import { quarantineCount, sessions, sessionsInit } from './session';
import { groups, sublistInit } from './sublist';
import { subs, subscriptionsInit } from './subscription';
import { sharesInit } from './walk-shares';

/** Lays everything out. False: no memory. */
export function layOut(seedLow: u32, seedHigh: u32, poolMax: u32): bool {
  if (!memoryInit(((<u64>seedHigh) << 32) | seedLow)) return false;
  queueSeed(seedLow ^ seedHigh);
  const made = subscriptionsInit() && sublistInit() && matchCacheInit() && sessionsInit();
  if (!cursorsInit() || !sharesInit()) return false;
  return made && accountsInit() && outboundInit() && poolInit(poolMax);
}

/** Where a region begins (REGION_*). */
export function regionOf(region: u32): usize {
  if (region == REGION_INBOX) return inboxPtr;
  if (region == REGION_RESULT) return resultPtr;
  if (region == REGION_SCRATCH) return scratchPtr;
  if (region == REGION_PUBLISH) return publishPtr;
  return region == REGION_OP ? opPtr : takePtr;
}

/** LIVE_*. */
export function liveCountOf(which: u32): u32 {
  if (which == LIVE_SUBSCRIPTIONS) return subs.live;
  if (which == LIVE_SESSIONS) return sessions.live;
  if (which == LIVE_NODES) return nodes.live;
  if (which == LIVE_GROUPS) return groups.live;
  if (which == LIVE_SEGMENTS) return segments.live;
  if (which == LIVE_CHUNK_BYTES) return poolUsed;
  if (which == LIVE_HEAP_BYTES) return heapBytesLive;
  if (which == LIVE_ACCOUNTS) return accounts.live;
  if (which == LIVE_CACHE_BYTES) return matchCacheBytes();
  return which == LIVE_QUARANTINE ? quarantineCount : 0;
}
