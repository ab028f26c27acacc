// The map of linear memory, and its growth.
//
//   0            static data of the compiler
//   __heap_base  hash keys
//                HEADROOM  the unfinished tail of the read before
//                INBOX     one read of any socket            } never move
//                RESULT    records of the last call
//                SCRATCH   text handed over by JS
//                TAKE, OP, PUBLISH  small fixed records
//   heap         blocks of powers of two (blocks.ts); slabs, tables and arenas are blocks, too
//
// The heap grows at the end, in steps of a quarter. What is given back is there again for whoever asks, whatever it
// was. Nothing here traps when memory ends: `allocate` answers 0.

import {
  HEADROOM_BYTES,
  INBOX_BYTES,
  OP_BYTES,
  PAGES_MAX,
  PUBLISH_BYTES,
  RESULT_BYTES,
  SCRATCH_BYTES,
  SEGMENT_TAKE_BYTES,
  SLACK_BYTES,
  TAKE_SEGMENTS,
  TAKE_SEGMENTS_MAX,
} from './abi';
import {
  blockClassOf,
  blockGive,
  blockGiveRange,
  blockMapSpan,
  blockSpansMissing,
  blockTake,
  SPAN_MAP_BYTES,
} from './blocks';
import { HASH_KEYS_BYTES, hashSeed } from './bytes';
import {
  GAP_BYTES,
  mapBytes,
  mapExtend,
  OWNER_INBOX,
  OWNER_KEYS,
  OWNER_NONE,
  OWNER_OP,
  OWNER_PUBLISH,
  OWNER_RESULT,
  OWNER_SCRATCH,
  OWNER_STATIC,
  OWNER_TAKE,
  Owned,
} from './ownership';

/** Where the compiler's data begins, at the earliest. */
const STATIC_BEGIN: usize = 8;
/** `memoryBound`: none. */
export const NO_BOUND: u32 = 0xffffffff;
/** Canary between the fixed regions; tests check that it stays. */
export const CANARY: u64 = 0x9d5c_a1b2_73e4_f608;

export let inboxPtr: usize = 0;
export let resultPtr: usize = 0;
export let scratchPtr: usize = 0;
export let opPtr: usize = 0;
export let takePtr: usize = 0;
export let publishPtr: usize = 0;
export let heapBytesLive: u32 = 0;

let keysPtr: usize = 0;
let heapNext: usize = 0;
let memoryEnd: usize = 0;
/** Of the heap, what does not count in its bound. */
let bytesAside: u32 = 0;
let bound: u32 = NO_BOUND;
/** Growth has been refused; it is not asked for again until `memoryRetry`. */
let isRefused: bool = false;
let growBlocked: bool = false;
let growAlways: bool = false;
/** How often growth was refused because a test wants it so. */
export let growthsRefused: u32 = 0;

/** Lays the regions out. False: there is no room even for them. */
export function memoryInit(seed: u64): bool {
  heapNext = (__heap_base + 63) & ~63;
  memoryEnd = (<usize>memory.size()) << 16;
  keysPtr = fixed(HASH_KEYS_BYTES, OWNER_KEYS);
  const headroomPtr = fixed(HEADROOM_BYTES + INBOX_BYTES, OWNER_INBOX);
  resultPtr = fixed(RESULT_BYTES, OWNER_RESULT);
  scratchPtr = fixed(SCRATCH_BYTES, OWNER_SCRATCH);
  opPtr = fixed(OP_BYTES, OWNER_OP);
  takePtr = fixed(TAKE_SEGMENTS + TAKE_SEGMENTS_MAX * SEGMENT_TAKE_BYTES, OWNER_TAKE);
  publishPtr = fixed(PUBLISH_BYTES, OWNER_PUBLISH);
  if (keysPtr == 0 || headroomPtr == 0 || resultPtr == 0) return false;
  if (scratchPtr == 0 || opPtr == 0 || takePtr == 0 || publishPtr == 0) return false;
  inboxPtr = headroomPtr + HEADROOM_BYTES;
  Owned.claim(STATIC_BEGIN, __heap_base - STATIC_BEGIN, OWNER_STATIC);
  hashSeed(keysPtr, seed);
  return true;
}

function fixed(bytes: u32, owner: u32): usize {
  const ptr = heapNext;
  const end = ptr + ((bytes + SLACK_BYTES + 8 + 63) & ~63);
  if (!advance(end)) return 0;
  Owned.claim(ptr, bytes, owner);
  store<u64>(ptr + bytes + SLACK_BYTES, CANARY);
  return ptr;
}

/** Whether the canary behind each fixed region is as it was laid. */
export function canariesIntact(): bool {
  return (
    canaryAt(keysPtr + HASH_KEYS_BYTES) &&
    canaryAt(inboxPtr + INBOX_BYTES) &&
    canaryAt(resultPtr + RESULT_BYTES) &&
    canaryAt(scratchPtr + SCRATCH_BYTES) &&
    canaryAt(opPtr + OP_BYTES) &&
    canaryAt(takePtr + TAKE_SEGMENTS + TAKE_SEGMENTS_MAX * SEGMENT_TAKE_BYTES) &&
    canaryAt(publishPtr + PUBLISH_BYTES)
  );
}

function canaryAt(end: usize): bool {
  return load<u64>(end + SLACK_BYTES) == CANARY;
}

export class Op {
  /** Sets a field (OP_*) of the op record. */
  @inline
  static set(field: u32, value: u32): void {
    Owned.write<u32>(opPtr + field, value, OWNER_OP);
  }
}

// Everything up to `end`, and the map of owners behind it, is given out or free from now on. False: memory ends.
function advance(end: usize): bool {
  const next = end + mapBytes(end);
  if (next < heapNext || next + SLACK_BYTES < next) return false;
  if (next + SLACK_BYTES > memoryEnd && !grow(next + SLACK_BYTES)) return false;
  heapNext = next;
  mapExtend(end, end);
  return true;
}

// A new block behind all others. What lies in front of it, up to its address, is free; so are the maps' places taken.
function bump(blockClass: u32): usize {
  const size = (<usize>1) << blockClass;
  const first = heapNext;
  let missing: usize = 0;
  let ptr: usize = 0;
  while (true) {
    ptr = (first + missing * SPAN_MAP_BYTES + size - 1) & ~(size - 1);
    if (ptr < first || ptr + size < ptr) return 0;
    const wanted = blockSpansMissing(ptr + size);
    if (wanted == missing) break;
    missing = wanted;
  }
  if (!advance(ptr + size)) return 0;
  let free = first;
  for (; missing > 0; missing--) {
    blockMapSpan(free);
    free += SPAN_MAP_BYTES;
  }
  blockGiveRange(free, ptr);
  return ptr;
}

// One `memory.grow` takes about 0.1 ms whatever its size, so growth goes in steps of a quarter. One that the system
// refuses takes a hundred times as long, for it is refused only when everything has been collected.
function grow(end: usize): bool {
  if (growBlocked) {
    growthsRefused++;
    return end <= memoryEnd;
  }
  const pages = <u32>memory.size();
  const missing: u32 = end > memoryEnd ? <u32>((end - memoryEnd + 0xffff) >> 16) : 1;
  const room: u32 = PAGES_MAX - pages;
  if (isRefused || missing > room) return end <= memoryEnd;
  const generous = growAlways ? missing : min<u32>(room, max<u32>(missing, pages >> 2));
  if (memory.grow(generous) < 0 && memory.grow(missing) < 0) {
    isRefused = true;
    return end <= memoryEnd;
  }
  memoryEnd = (<usize>memory.size()) << 16;
  return true;
}

/** Whether growth was refused, and is not asked for any more. */
export function memoryIsRefused(): bool {
  return isRefused;
}

/** Growth may be asked for again. */
export function memoryRetry(): void {
  isRefused = false;
}

/** Test hooks: growth refused from now on; growth by a page or more at every new block. */
export function memorySetGrowth(blocked: bool, always: bool): void {
  growBlocked = blocked;
  growAlways = always;
}

/** The bytes that a block for `bytes` really has. */
export function blockBytes(bytes: u32): u32 {
  return (<u32>1) << blockClassOf(bytes + GAP_BYTES);
}

/**
 * Bounds the heap, but for what is set aside: whatever would go beyond is refused, as when memory ends.
 *
 * @param bytes NO_BOUND = memory alone is the bound
 */
export function memoryBound(bytes: u32): void {
  bound = bytes;
}

/** So many bytes more of the heap do not count in its bound. */
export function memorySetAside(bytes: i32): void {
  bytesAside += bytes;
}

function isBeyondBound(size: u32): bool {
  if (bound == NO_BOUND) return false;
  const counted = heapBytesLive - bytesAside;
  return counted > bound || size > bound - counted;
}

/**
 * A block of at least `bytes` (its content is undefined), or 0 when memory ends. It lies at a multiple of its size.
 *
 * @param owner OWNER_*: in debug builds who may touch those bytes, and no more of the block than them
 */
export function allocate(bytes: u32, owner: u32): usize {
  if (bytes > 0x20000000) return 0;
  const blockClass = blockClassOf(bytes + GAP_BYTES);
  const size = (<u32>1) << blockClass;
  if (isBeyondBound(size)) return 0;
  if (growAlways) grow(memoryEnd + 1);
  let ptr = blockTake(blockClass);
  if (ptr == 0) ptr = bump(blockClass);
  if (ptr != 0) {
    heapBytesLive += size;
    Owned.claim(ptr, bytes, owner);
  }
  return ptr;
}

/** Gives a block back; `bytes` as it was asked for. */
export function release(ptr: usize, bytes: u32): void {
  Owned.disclaim(ptr, bytes, OWNER_NONE);
  heapBytesLive -= blockBytes(bytes);
  blockGive(ptr, blockClassOf(bytes + GAP_BYTES));
}
