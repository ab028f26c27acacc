// The map of linear memory, and its growth.
//
//   0            static data of the compiler
//   __heap_base  hash keys
//                HEADROOM  the unfinished tail of the read before
//                INBOX     one read of any socket            } never move
//                RESULT    records of the last call
//                SCRATCH   text handed over by JS
//                TAKE, OP  small fixed records
//   heap         blocks of powers of two on free lists; slabs, tables and arenas are blocks, too
//
// The heap grows at the end, in steps of a quarter; a block that is given back is used again for its own
// class only. Nothing here traps when memory ends: `allocate` answers 0.

import {
  HEADROOM_BYTES,
  INBOX_BYTES,
  OP_BYTES,
  PAGES_MAX,
  RESULT_BYTES,
  SCRATCH_BYTES,
  SEGMENT_TAKE_BYTES,
  SLACK_BYTES,
  TAKE_SEGMENTS,
  TAKE_SEGMENTS_MAX,
} from './abi';
import { HASH_KEYS_BYTES, hashSeed } from './bytes';

const CLASSES: u32 = 32;
const freeLists: usize = memory.data(128, 16);
/** Canary between the fixed regions; tests check that it stays. */
export const CANARY: u64 = 0x9d5c_a1b2_73e4_f608;

export let inboxPtr: usize = 0;
export let resultPtr: usize = 0;
export let scratchPtr: usize = 0;
export let opPtr: usize = 0;
export let takePtr: usize = 0;
export let heapBytesLive: u32 = 0;

let keysPtr: usize = 0;
let heapNext: usize = 0;
let memoryEnd: usize = 0;
let growBlocked: bool = false;
let growAlways: bool = false;

/** Lays the regions out. False: there is no room even for them. */
export function memoryInit(seed: u64): bool {
  heapNext = (__heap_base + 63) & ~63;
  memoryEnd = (<usize>memory.size()) << 16;
  keysPtr = fixed(HASH_KEYS_BYTES);
  const headroomPtr = fixed(HEADROOM_BYTES + INBOX_BYTES);
  resultPtr = fixed(RESULT_BYTES);
  scratchPtr = fixed(SCRATCH_BYTES);
  opPtr = fixed(OP_BYTES);
  takePtr = fixed(TAKE_SEGMENTS + TAKE_SEGMENTS_MAX * SEGMENT_TAKE_BYTES);
  if (keysPtr == 0 || headroomPtr == 0 || resultPtr == 0) return false;
  if (scratchPtr == 0 || opPtr == 0 || takePtr == 0) return false;
  inboxPtr = headroomPtr + HEADROOM_BYTES;
  hashSeed(keysPtr, seed);
  return true;
}

function fixed(bytes: u32): usize {
  const ptr = bump((bytes + SLACK_BYTES + 8 + 63) & ~63);
  if (ptr != 0) store<u64>(ptr + bytes + SLACK_BYTES, CANARY);
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
    canaryAt(takePtr + TAKE_SEGMENTS + TAKE_SEGMENTS_MAX * SEGMENT_TAKE_BYTES)
  );
}

function canaryAt(end: usize): bool {
  return load<u64>(end + SLACK_BYTES) == CANARY;
}

function bump(bytes: usize): usize {
  const ptr = heapNext;
  const next = ptr + bytes;
  if (next < ptr || next + SLACK_BYTES < ptr) return 0;
  if ((growAlways || next + SLACK_BYTES > memoryEnd) && !grow(next + SLACK_BYTES)) return 0;
  heapNext = next;
  return ptr;
}

// One `memory.grow` takes about 0.1 ms whatever its size, so growth goes in steps of a quarter.
function grow(end: usize): bool {
  if (growBlocked) return end <= memoryEnd;
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

/** A block of at least `bytes` (its content is undefined), or 0 when memory ends. 16-byte aligned. */
export function allocate(bytes: u32): usize {
  if (bytes > 0x40000000) return 0;
  const size = blockBytes(bytes);
  const list = freeLists + ((<usize>classOf(bytes)) << 2);
  let ptr: usize = load<u32>(list);
  if (ptr != 0) store<u32>(list, load<u32>(ptr));
  else ptr = bump(size);
  if (ptr != 0) heapBytesLive += size;
  return ptr;
}

/** Gives a block back; `bytes` as it was asked for. */
export function release(ptr: usize, bytes: u32): void {
  assert(classOf(bytes) < CLASSES);
  heapBytesLive -= blockBytes(bytes);
  const list = freeLists + ((<usize>classOf(bytes)) << 2);
  store<u32>(ptr, load<u32>(list));
  store<u32>(list, <u32>ptr);
}
