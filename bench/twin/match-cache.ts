// The twin's match cache, after assembly/match-cache.ts: two-way set-associative, 16,384 entries, a set one line of
// the processor's cache. An entry is good for one generation of the sublist and while it is asked for now and then. A
// stranger, a subject that is met for the first time, does not drive a good one out: its set only notes it.
//
//   block, in words:  plain count · group count · hits · plain members … · { count · members … } …

import { copyExact, equal, hash } from './bytes.ts';
import {
  allocate,
  allocateRecord,
  blockBytes,
  i32 as heapWords,
  MATCHED,
  release,
  STATE,
} from './heap.ts';
import {
  GROUP_MEMBERS,
  GROUP_NAME,
  GROUP_NEXT,
  MEMBERS_CAPACITY,
  MEMBERS_COUNT,
  MEMBERS_PTR,
  NAME_COUNT,
  NAME_CURSOR,
  NAME_NEXT,
  NAME_SERIAL,
  NODE_GROUPS,
  NODE_MEMBERS,
} from './records.ts';
import { GENERATION, sublistMatch } from './sublist.ts';

const i32 = heapWords;

export const BLOCK_PLAIN = 0;
export const BLOCK_GROUPS = 1;
const BLOCK_HITS = 2;
export const BLOCK_MEMBERS = 3;

const ENTRY_HASH = 0;
const ENTRY_GENERATION = 1;
const ENTRY_TEXT = 2;
const ENTRY_LENGTH = 3;
const ENTRY_BLOCK = 4;
/** Bytes of text and block, as powers of two: 0 = there is none, the block's a byte further up. */
const ENTRY_ROOMS = 5;
/** When it was asked for (`NOW`). */
const ENTRY_ASKED = 6;
/** Of the first entry of a set: hash of a subject that was met. */
const ENTRY_MET = 7;
const ENTRY_WORDS = 8;
const SET_COUNT = 8192;
const SUBJECT_CACHED_MAX = 256;
const BLOCK_MAX_BYTES = 4096;
// The clock goes by strangers, 2,048 to a step. A subject asked for longer than AGAIN_STEPS ago does not count as one
// that comes again; one that was not asked for in STALE_STEPS may go.
const STEP_LOG2 = 11;
const AGAIN_STEPS = 8;
const STALE_STEPS = 64;
/** All blocks and subjects of the cache together. */
const CACHE_BYTES_MAX = 33_554_432;

const ENTRIES = STATE + 20;
const WIDE = STATE + 21;
const WIDE_ROOM = STATE + 22;
const SERIAL = STATE + 23;
const FIRST_NAME = STATE + 24;
/** Subjects that were met for the first time and turned away. */
const STRANGERS = STATE + 25;
const CACHE_BYTES = STATE + 26;
/** The clock: steps of strangers. */
const NOW = STATE + 27;

/** Reserves the entries. */
export function matchCacheInit(): void {
  i32[ENTRIES] = allocateRecord(SET_COUNT * 2 * ENTRY_WORDS);
}

/**
 * The block for a subject. Valid until the next lookup. The core looks at the entry of its last hit first; here that
 * costs the subjects that change more than it saves the others.
 */
export function lookup(ptr: number, length: number): number {
  const key = hash(ptr, length);
  const first = i32[ENTRIES]! + (key & (SET_COUNT - 1)) * (ENTRY_WORDS * 2);
  if (holds(first, ptr, length, key)) return hit(first);
  const second = first + ENTRY_WORDS;
  if (holds(second, ptr, length, key)) return hit(second);
  return miss(first, second, ptr, length, key);
}

function holds(entry: number, ptr: number, length: number, key: number): boolean {
  if (i32[entry + ENTRY_HASH] !== key || i32[entry + ENTRY_LENGTH] !== length) return false;
  if (i32[entry + ENTRY_GENERATION] !== i32[GENERATION]) return false;
  return equal(i32[entry + ENTRY_TEXT]!, ptr, length);
}

function hit(entry: number): number {
  const block = i32[entry + ENTRY_BLOCK]!;
  if (i32[entry + ENTRY_ASKED] === i32[NOW]) i32[block + BLOCK_HITS] = i32[block + BLOCK_HITS]! + 1;
  else hitLater(entry, block);
  return block;
}

function hitLater(entry: number, block: number): void {
  const isAgain = ageOf(entry) <= AGAIN_STEPS;
  i32[block + BLOCK_HITS] = isAgain ? i32[block + BLOCK_HITS]! + 1 : 0;
  i32[entry + ENTRY_ASKED] = i32[NOW]!;
}

function miss(first: number, second: number, ptr: number, length: number, key: number): number {
  if (length > SUBJECT_CACHED_MAX) return fillWide(measure(sublistMatch(ptr, length, key)));
  if (!isGood(first) || !isGood(second)) return admit(first, ptr, length, key);
  if (i32[first + ENTRY_MET] !== key) {
    i32[first + ENTRY_MET] = key;
    const strangers = i32[STRANGERS]! + 1;
    i32[STRANGERS] = strangers;
    i32[NOW] = strangers >>> STEP_LOG2;
    return fillWide(measure(sublistMatch(ptr, length, key)));
  }
  const block = admit(first, ptr, length, key);
  i32[block + BLOCK_HITS] = 1;
  return block;
}

// One that was never used has the generation 0, which no sublist has.
function isGood(entry: number): boolean {
  return i32[entry + ENTRY_GENERATION] === i32[GENERATION] && ageOf(entry) <= STALE_STEPS;
}

function ageOf(entry: number): number {
  return i32[NOW]! - i32[entry + ENTRY_ASKED]!;
}

// The newer entry of a set stands first; the older one is given up.
function admit(entry: number, ptr: number, length: number, key: number): number {
  const bytes = measure(sublistMatch(ptr, length, key));
  if (bytes > BLOCK_MAX_BYTES) return fillWide(bytes);
  for (let word = entry; word < entry + ENTRY_WORDS; word += 1) {
    const held = i32[word]!;
    i32[word] = i32[word + ENTRY_WORDS]!;
    i32[word + ENTRY_WORDS] = held;
  }
  i32[entry + ENTRY_GENERATION] = 0; // Until it is whole.
  if (!makeRoom(entry, length + 8, bytes)) return fillWide(bytes);
  copyExact(i32[entry + ENTRY_TEXT]!, ptr, length);
  i32[entry + ENTRY_LENGTH] = length;
  i32[entry + ENTRY_HASH] = key;
  i32[entry + ENTRY_GENERATION] = i32[GENERATION]!;
  i32[entry + ENTRY_ASKED] = i32[NOW]!;
  fill(i32[entry + ENTRY_BLOCK]!);
  return i32[entry + ENTRY_BLOCK]!;
}

// False: the cache holds as many bytes as it may.
function makeRoom(entry: number, length: number, bytes: number): boolean {
  const text = takeRoom(i32[entry + ENTRY_TEXT]!, i32[entry + ENTRY_ROOMS]! & 255, length);
  if (text !== 0) {
    i32[entry + ENTRY_TEXT] = text;
    i32[entry + ENTRY_ROOMS] = (i32[entry + ENTRY_ROOMS]! & ~255) | taken;
  }
  const block = takeRoom(i32[entry + ENTRY_BLOCK]! << 2, i32[entry + ENTRY_ROOMS]! >> 8, bytes);
  if (block !== 0) {
    i32[entry + ENTRY_BLOCK] = block >> 2;
    i32[entry + ENTRY_ROOMS] = (i32[entry + ENTRY_ROOMS]! & 255) | (taken << 8);
  }
  return text !== 0 && block !== 0;
}

/** What `takeRoom` answered has so many bytes, as a power of two. */
let taken = 0;

// Room for so many bytes: the old one if it is large enough. 0: the cache holds as many as it may.
function takeRoom(old: number, log2: number, bytes: number): number {
  taken = log2;
  const room = log2 === 0 ? 0 : 1 << log2;
  if (room >= bytes) return old;
  const wanted = blockBytes(bytes);
  if (i32[CACHE_BYTES]! + wanted - room > CACHE_BYTES_MAX) return 0;
  if (room !== 0) release(old, room);
  i32[CACHE_BYTES] = i32[CACHE_BYTES]! + wanted - room;
  taken = 31 - Math.clz32(wanted);
  return allocate(wanted);
}

function fillWide(bytes: number): number {
  if (i32[WIDE_ROOM]! < bytes) {
    if (i32[WIDE_ROOM] !== 0) release(i32[WIDE]! << 2, i32[WIDE_ROOM]!);
    i32[WIDE] = allocate(bytes) >> 2;
    i32[WIDE_ROOM] = blockBytes(bytes);
  }
  fill(i32[WIDE]!);
  return i32[WIDE]!;
}

let matchedEnd = MATCHED;

// Counts the members of each queue name over all matched nodes and answers the bytes of the block.
function measure(matchedCount: number): number {
  matchedEnd = MATCHED + matchedCount;
  const serial = i32[SERIAL]! + 1;
  i32[SERIAL] = serial;
  i32[FIRST_NAME] = 0;
  let size = 0;
  for (let at = MATCHED; at < matchedEnd; at += 1) {
    const node = i32[at]!;
    size += i32[node + NODE_MEMBERS + MEMBERS_COUNT]!;
    for (let group = i32[node + NODE_GROUPS]!; group !== 0; group = i32[group + GROUP_NEXT]!) {
      const name = i32[group + GROUP_NAME]!;
      const count = i32[group + GROUP_MEMBERS + MEMBERS_COUNT]!;
      if (i32[name + NAME_SERIAL] !== serial) {
        i32[name + NAME_SERIAL] = serial;
        i32[name + NAME_COUNT] = 0;
        i32[name + NAME_NEXT] = i32[FIRST_NAME]!;
        i32[FIRST_NAME] = name;
        size += 1;
      }
      i32[name + NAME_COUNT] = i32[name + NAME_COUNT]! + count;
      size += count;
    }
  }
  return (BLOCK_MEMBERS + size) << 2;
}

function fill(block: number): void {
  let at = block + BLOCK_MEMBERS;
  for (let matched = MATCHED; matched < matchedEnd; matched += 1) {
    at = copyMembers(at, i32[matched]! + NODE_MEMBERS);
  }
  i32[block + BLOCK_PLAIN] = at - block - BLOCK_MEMBERS;
  let groupCount = 0;
  for (let name = i32[FIRST_NAME]!; name !== 0; name = i32[name + NAME_NEXT]!) {
    i32[at] = i32[name + NAME_COUNT]!;
    i32[name + NAME_CURSOR] = at + 1;
    at += 1 + i32[name + NAME_COUNT]!;
    groupCount += 1;
  }
  i32[block + BLOCK_GROUPS] = groupCount;
  i32[block + BLOCK_HITS] = 0;
  if (groupCount === 0) return;
  for (let matched = MATCHED; matched < matchedEnd; matched += 1) {
    let group = i32[i32[matched]! + NODE_GROUPS]!;
    for (; group !== 0; group = i32[group + GROUP_NEXT]!) {
      const name = i32[group + GROUP_NAME]!;
      i32[name + NAME_CURSOR] = copyMembers(i32[name + NAME_CURSOR]!, group + GROUP_MEMBERS);
    }
  }
}

function copyMembers(at: number, list: number): number {
  const count = i32[list + MEMBERS_COUNT]!;
  const ptr = i32[list + MEMBERS_PTR]!;
  if (i32[list + MEMBERS_CAPACITY] === 0) {
    if (count === 1) i32[at] = ptr;
    return at + count;
  }
  for (let index = 0; index < count; index += 1) i32[at + index] = i32[ptr + index]!;
  return at + count;
}
