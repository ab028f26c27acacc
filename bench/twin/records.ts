// The twin's records, as word indexes of their fields, and the lists of members that nodes and groups keep:
//
//   0 members   PTR 0                 COUNT 0  CAPACITY 0
//   1 member    PTR = the sub         COUNT 1  CAPACITY 0
//   3 members   PTR → [a, b, c, –]    COUNT 3  CAPACITY 4

import { allocate, release, i32 as words } from './heap.ts';

const i32 = words;

export const SESSION_FLAGS = 0;
export const SESSION_SUBS_HEAD = 1;
export const SESSION_PAYLOAD_MAX = 2;
export const SESSION_LINE_MAX = 3;
export const SESSION_PENDING_MAX = 4;
export const SESSION_PENDING = 5;
export const SESSION_OUT_HEAD = 6;
export const SESSION_OUT_TAIL = 7;
/** Address of the next byte to write, and of the end of the open chunk. */
export const SESSION_OUT_CURSOR = 8;
export const SESSION_OUT_END = 9;
export const SESSION_OUT_CLASS = 10;
export const SESSION_FLIGHT = 11;
export const SESSION_DIRTY_NEXT = 12;
export const SESSION_NUMBER = 13;
/** Four doubles: messages and bytes, in and out. */
export const SESSION_COUNTERS = 14;
export const SESSION_WORDS = 22;

export const FLAG_ECHO = 1;
export const FLAG_CLOSED = 256;
export const FLAG_DIRTY = 512;
export const FLAG_SLOW = 1024;

export const SUB_SESSION = 0;
export const SUB_NODE = 1;
export const SUB_INDEX = 2;
export const SUB_GROUP = 3;
export const SUB_CLOSED = 4;
export const SUB_MAX = 5;
export const SUB_DELIVERED = 6;
export const SUB_SESSION_NEXT = 7;
export const SUB_SESSION_PREV = 8;
/** Next in quarantine. */
export const SUB_NEXT = 9;
export const SUB_SID_LEN = 10;
/** Address of the sid; up to SID_INLINE_MAX bytes lie in the record itself. */
export const SUB_SID_PTR = 11;
export const SUB_SID = 12;
export const SUB_WORDS = 16;
export const SID_INLINE_MAX = 16;

/** The first three words of MEMBERS are a member list. */
export const MEMBERS_PTR = 0;
export const MEMBERS_COUNT = 1;
export const MEMBERS_CAPACITY = 2;

export const NODE_MEMBERS = 0;
export const NODE_PARENT = 3;
export const NODE_GROUPS = 4;
export const NODE_PWC = 5;
export const NODE_FWC = 6;
export const NODE_EDGES = 7;
export const NODE_TEXT_LEN = 8;
export const NODE_HASH = 9;
/** The text, or its address when it is longer than that. */
export const NODE_TEXT = 10;
export const NODE_TEXT_ROOM = 24;
/** One line of the processor's cache. */
export const NODE_WORDS = 16;

export const GROUP_MEMBERS = 0;
export const GROUP_NEXT = 3;
export const GROUP_PREVIOUS = 4;
export const GROUP_NODE = 5;
export const GROUP_NAME = 6;
export const GROUP_WORDS = 7;

export const NAME_REFERENCES = 0;
export const NAME_LENGTH = 1;
export const NAME_HASH = 2;
/** Scratch of the match that is being laid out. */
export const NAME_SERIAL = 3;
export const NAME_COUNT = 4;
export const NAME_CURSOR = 5;
export const NAME_NEXT = 6;
export const NAME_TEXT = 8;

/** The member at `index` of a list. */
export function memberAt(list: number, index: number): number {
  const ptr = i32[list + MEMBERS_PTR]!;
  return i32[list + MEMBERS_CAPACITY] === 0 ? ptr : i32[ptr + index]!;
}

/** Appends a subscription. */
export function memberAdd(list: number, sub: number): void {
  const count = i32[list + MEMBERS_COUNT]!;
  const capacity = i32[list + MEMBERS_CAPACITY]!;
  i32[list + MEMBERS_COUNT] = count + 1;
  i32[sub + SUB_INDEX] = count;
  if (count === 0 && capacity === 0) {
    i32[list + MEMBERS_PTR] = sub;
    return;
  }
  if (capacity === 0 || count === capacity) widen(list, count, capacity);
  i32[i32[list + MEMBERS_PTR]! + count] = sub;
}

function widen(list: number, count: number, capacity: number): void {
  const wider = capacity === 0 ? 4 : capacity << 1;
  const block = allocate(wider << 2) >> 2;
  const old = i32[list + MEMBERS_PTR]!;
  if (capacity === 0) i32[block] = old;
  else {
    i32.copyWithin(block, old, old + count);
    release(old << 2, capacity << 2);
  }
  i32[list + MEMBERS_PTR] = block;
  i32[list + MEMBERS_CAPACITY] = wider;
}

/** Removes a subscription; the last member takes its place. */
export function memberRemove(list: number, sub: number): void {
  const index = i32[sub + SUB_INDEX]!;
  const count = i32[list + MEMBERS_COUNT]! - 1;
  const capacity = i32[list + MEMBERS_CAPACITY]!;
  const ptr = i32[list + MEMBERS_PTR]!;
  i32[list + MEMBERS_COUNT] = count;
  if (capacity === 0) {
    i32[list + MEMBERS_PTR] = 0;
    return;
  }
  const last = i32[ptr + count]!;
  i32[ptr + index] = last;
  i32[last + SUB_INDEX] = index;
  if (count !== 0) return;
  release(ptr << 2, capacity << 2);
  i32[list + MEMBERS_PTR] = 0;
  i32[list + MEMBERS_CAPACITY] = 0;
}
