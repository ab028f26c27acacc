// A twin of the router in plain JavaScript: the algorithm of assembly/, on typed arrays, as fast as could be
// made. The micro bench measures the core against it, so that what WebAssembly brings is known and not
// believed. It is no broker: one account, no headers, no permissions, no payloads beyond a chunk, and there is
// one of it a process, because V8 makes its best code for arrays that it knows as constants.

import { hash, hashSeed } from './bytes.ts';
import {
  allocate,
  allocateRecord,
  heapBytes,
  INBOX,
  INBOX_BYTES,
  i32,
  STATE,
  TOKENS,
  u8,
} from './heap.ts';
import { lookup, matchCacheInit } from './match-cache.ts';
import { outboundRelease, outboundTake, type TwinTake } from './outbound.ts';
import { OP_NEXT, parse } from './parser.ts';
import {
  FLAG_ECHO,
  SESSION_FLAGS,
  SESSION_LINE_MAX,
  SESSION_NUMBER,
  SESSION_PAYLOAD_MAX,
  SESSION_PENDING_MAX,
  SESSION_WORDS,
} from './records.ts';
import { ingest, routerInit, turnEnd } from './router.ts';
import { sublistInit, sublistMatch } from './sublist.ts';

export type { TwinSegment, TwinTake } from './outbound.ts';

/** Most bytes of a payload: whatever fits a chunk. */
const PAYLOAD_MAX = 1_000_000;

/** Its memory, and where a read has to lie. */
export const TWIN_BYTES: Uint8Array = u8;
export const TWIN_INBOX: number = INBOX;
export const TWIN_INBOX_BYTES: number = INBOX_BYTES;

let sessionCount = 0;

/** Begins anew, with nothing of before. `seed`: of the hashes; `pick`: of the choice in queue groups. */
export function twinInit(seed: number, pick: number): void {
  i32.fill(0, STATE, TOKENS);
  hashSeed(seed);
  sublistInit();
  matchCacheInit();
  routerInit(pick);
}

/** A new session: its record. */
export function twinOpen(hasEcho: boolean): number {
  const session = allocateRecord(SESSION_WORDS);
  sessionCount += 1;
  i32[session + SESSION_NUMBER] = sessionCount;
  i32[session + SESSION_FLAGS] = hasEcho ? FLAG_ECHO : 0;
  i32[session + SESSION_PAYLOAD_MAX] = PAYLOAD_MAX;
  i32[session + SESSION_LINE_MAX] = 4096;
  i32[session + SESSION_PENDING_MAX] = 64 << 20;
  return session;
}

/** The number that its takes carry. */
export function twinNumber(session: number): number {
  return i32[session + SESSION_NUMBER]!;
}

/** Feeds bytes of a session that lie at `ptr`; answers how many of them are done with. */
export function twinIngest(session: number, ptr: number, length: number): number {
  const consumed = ingest(session, ptr, ptr + length) - ptr;
  turnEnd();
  return consumed;
}

/** What the next session has to send; to be given back with `twinRelease`. */
export function twinTake(): TwinTake | undefined {
  return outboundTake();
}

/** What was taken has been written. */
export function twinRelease(take: TwinTake): void {
  outboundRelease(take);
}

/** Room for bytes of the caller's. */
export function twinAllocate(bytes: number): number {
  return allocate(bytes);
}

/** Parses all whole ops of a span and answers how many. */
export function twinParse(ptr: number, length: number): number {
  const end = ptr + length;
  let count = 0;
  for (let at = ptr; at < end && parse(at, end, 4096, PAYLOAD_MAX); at = i32[OP_NEXT]!) count += 1;
  return count;
}

/** How many filters match a subject, the cache passed by. */
export function twinMatch(ptr: number, length: number): number {
  return sublistMatch(ptr, length, hash(ptr, length));
}

/** Looks a subject up as a publish does, through the cache. */
export function twinLookup(ptr: number, length: number): number {
  return lookup(ptr, length);
}

/** Bytes of the heap in use; what was given back counts. */
export function twinHeapBytes(): number {
  return heapBytes();
}
