// The map of linear memory, and its growth.
//
//   0            static data of the compiler
//   __heap_base  hash keys
//                HEADROOM  the unfinished tail of the read before
//                INBOX     one read of any socket            } never move
//                RESULT    records of the last call
//                SCRATCH   text handed over by JS
//                TAKE, OP, PUBLISH  small fixed records
//   heap         blocks of powers of two on free lists; slabs, tables and arenas are blocks, too
//
// The heap grows at the end, in steps of a quarter. A block that is given back is used again for its own class,
// or cut into halves for smaller ones when they have none; halves are not joined again. So what a table leaves
// behind when it doubles becomes records. Nothing here traps when memory ends: `allocate` answers 0.

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
/** Of the processor's cache. */
const LINE_BYTES: usize = 64;
const freeLists: usize = memory.data(128, 16);
/** A bit for each class that has a free block. */
let freeClasses: u32 = 0;
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
  const ptr = bump((bytes + SLACK_BYTES + 8 + 63) & ~63);
  if (ptr != 0) {
    Owned.claim(ptr, bytes, owner);
    store<u64>(ptr + bytes + SLACK_BYTES, CANARY);
  }
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

function bump(bytes: usize): usize {
  const ptr = bytes < LINE_BYTES ? heapNext : (heapNext + LINE_BYTES - 1) & ~(LINE_BYTES - 1);
  const end = ptr + bytes;
  const next = end + mapBytes(end);
  if (next < ptr || next + SLACK_BYTES < ptr) return 0;
  if ((growAlways || next + SLACK_BYTES > memoryEnd) && !grow(next + SLACK_BYTES)) return 0;
  heapNext = next;
  mapExtend(end, end);
  return ptr;
}

// One `memory.grow` takes about 0.1 ms whatever its size, so growth goes in steps of a quarter.
function grow(end: usize): bool {
  if (growBlocked) {
    growthsRefused++;
    return end <= memoryEnd;
  }
  const pages = <u32>memory.size();
  const missing: u32 = end > memoryEnd ? <u32>((end - memoryEnd + 0xffff) >> 16) : 1;
  const room: u32 = PAGES_MAX - pages;
  if (missing > room) return end <= memoryEnd;
  const generous = growAlways ? missing : min<u32>(room, max<u32>(missing, pages >> 2));
  if (memory.grow(generous) < 0 && memory.grow(missing) < 0) return end <= memoryEnd;
  memoryEnd = (<usize>memory.size()) << 16;
  return true;
}

/** Test hooks: growth refused from now on; growth by a page or more at every new block. */
export function memorySetGrowth(blocked: bool, always: bool): void {
  growBlocked = blocked;
  growAlways = always;
}

function classOf(bytes: u32): u32 {
  return bytes <= 16 ? 4 : 32 - clz<u32>(bytes - 1);
}

/** The bytes that a block for `bytes` really has. */
export function blockBytes(bytes: u32): u32 {
  return (<u32>1) << classOf(bytes);
}

function push(ptr: usize, blockClass: u32): void {
  const list = freeLists + ((<usize>blockClass) << 2);
  store<u32>(ptr, load<u32>(list));
  store<u32>(list, <u32>ptr);
  freeClasses |= 1 << blockClass;
}

// A free block of the smallest class that will do; its upper halves stay free. 0: there is none.
function pop(wanted: u32): usize {
  const fitting = freeClasses >> wanted;
  if (fitting == 0) return 0;
  let blockClass = wanted + ctz(fitting);
  const list = freeLists + ((<usize>blockClass) << 2);
  const ptr: usize = load<u32>(list);
  const next = load<u32>(ptr);
  store<u32>(list, next);
  if (next == 0) freeClasses &= ~(1 << blockClass);
  while (blockClass > wanted) push(ptr + ((<usize>1) << --blockClass), blockClass);
  return ptr;
}

/**
 * A block of at least `bytes` (its content is undefined), or 0 when memory ends. 16-byte aligned, from 64
 * bytes on to 64.
 *
 * @param owner OWNER_*: in debug builds who may touch those bytes, and no more of the block than them
 */
export function allocate(bytes: u32, owner: u32): usize {
  if (bytes > 0x40000000) return 0;
  const size = blockBytes(bytes);
  let ptr = pop(classOf(bytes));
  if (ptr == 0) ptr = bump(size + GAP_BYTES);
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
  push(ptr, classOf(bytes));
}
