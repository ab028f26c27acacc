// A hash table with open addressing, for every index of the core: literal subjects of an account, edges of
// a trie node, sids of a session, names of queue groups. It knows hashes and scopes, not keys: the caller
// compares the key itself at each slot that `slotMatches`.
//
//   line, 64 bytes:  scope of 4 slots · value (0 = empty) of 4 · hash, lower half of 4 · hash, upper half of 4
//
// A search begins with the first slot of a line. So most end in one line of the processor's cache, and one step
// compares all four slots of it, without a branch for each that cannot be foreseen. A slot is the address of its
// scope.
//
// A table has 64 parts, chosen by the uppermost bits, and each doubles by itself when it is between half and five eighths
// full, and halves at a quarter of that. So no insert or remove lays out more than a 64th anew, which takes some
// milliseconds with millions of entries, and what a table has taken for a while is given back. They are equally full, so
// each has its own bound: with one for all, a filter of 2,000 tokens met a dozen that were due.
//
//   find:   part = tablePart(t, h, scope); slot = tableHome(part, h, scope)
//           while slotValue(slot): matches? done; slot = tableNext(part, slot)
//   remove: the hole is closed by shifting back the entries behind it that belong before (no tombstones)

import { Budget, NODE_UNITS } from './budget';
import { allocate, release } from './memory';
import { OWNER_SLOTS, OWNER_TABLE, Owned } from './ownership';

/** It begins with the first of its parts. */
@unmanaged
export class Table {
  parts: usize;
}

@unmanaged
export class Part {
  slots: usize;
  mask: u32;
  count: u32;
  /** It grows when there is one more, and shrinks at a quarter of it. */
  most: u32;
}

const SLOT_BYTES: u32 = 16;
const LINE_BYTES: u32 = 64;
// Within a line, from a slot's scope on.
const VALUE: usize = 16;
const HASH_LOW: usize = 32;
const HASH_HIGH: usize = 48;
const PARTS: u32 = 64;
const PART_BYTES: u32 = offsetof<Part>();
if (PART_BYTES != 16) ERROR('The parts of a table are not 16 bytes each');
const PART_SHIFT: u32 = 26;
const FIRST_SLOTS: u32 = 4;
/** A part does not shrink below that: some thousand entries come and go without one being laid out anew. */
const KEPT_SLOTS: u32 = 64;
const SCOPE_FACTOR: u32 = 0x9e3779b1;

/** Entries of all tables that have been laid out anew so far, modulo 2^32: whoever removes in parts counts them as work. */
export let entriesMoved: u32 = 0;

/** A new, empty table, or 0. */
export function tableCreate(): Table {
  const ptr = allocate(PARTS * PART_BYTES, OWNER_TABLE);
  if (ptr == 0) return changetype<Table>(0);
  for (let index: u32 = 0; index < PARTS; index++) {
    const slots = allocate(FIRST_SLOTS * SLOT_BYTES, OWNER_SLOTS);
    if (slots == 0) return changetype<Table>(0);
    lay(partAt(changetype<Table>(ptr), index), slots, FIRST_SLOTS);
    partAt(changetype<Table>(ptr), index).count = 0;
  }
  return changetype<Table>(ptr);
}

function partAt(table: Table, index: u32): Part {
  return changetype<Part>(changetype<usize>(table) + ((<usize>index) << 4));
}

// New slots for a part, all of them empty.
function lay(part: Part, slots: usize, count: u32): void {
  assert((slots & (LINE_BYTES - 1)) == 0);
  Owned.clear(slots, count * SLOT_BYTES, OWNER_SLOTS);
  part.slots = slots;
  part.mask = count - 1;
  // A part lies at a multiple of its size, and a table of them too.
  const index = <u32>(changetype<usize>(part) >> 4) & (PARTS - 1);
  part.most = max<u32>(2, (count * (4 * PARTS + index)) >> 9);
}

function mix(hash: u64, scope: u32): u32 {
  return <u32>hash ^ ((scope >> 6) * SCOPE_FACTOR);
}

/** The first part of a table. For tests. */
export function tableFirst(table: Table): Part {
  return partAt(table, 0);
}

/** The part of a table where (hash, scope) belongs. Scopes that are nodes are multiples of 64. */
export function tablePart(table: Table, hash: u64, scope: u32): Part {
  return partAt(table, mix(hash, scope) >> PART_SHIFT);
}

/** The slot where a search in that part begins: the first of a line. */
export function tableHome(part: Part, hash: u64, scope: u32): usize {
  const index = mix(hash, scope) & part.mask & ~3;
  return part.slots + ((<usize>index) << 4);
}

/** The slot to look at next. */
export function tableNext(part: Part, slot: usize): usize {
  if (!ASC_NO_ASSERT) assertSlot(part, slot);
  return (slot & 12) != 12 ? slot + 4 : lineAfter(part, slot - 12);
}

function assertSlot(part: Part, slot: usize): void {
  const offset = slot - part.slots;
  assert(offset <= (<usize>part.mask) << 4 && (offset & (LINE_BYTES - 1)) < SLOT_BYTES);
}

function lineAfter(part: Part, line: usize): usize {
  return part.slots + ((line - part.slots + LINE_BYTES) & ((<usize>part.mask) << 4));
}

/** The value in a slot; 0 ends the search. */
export function slotValue(slot: usize): u32 {
  return Owned.read<u32>(slot + VALUE, OWNER_SLOTS);
}

function slotHash(slot: usize): u64 {
  const low = Owned.read<u32>(slot + HASH_LOW, OWNER_SLOTS);
  return ((<u64>Owned.read<u32>(slot + HASH_HIGH, OWNER_SLOTS)) << 32) | low;
}

function slotScope(slot: usize): u32 {
  return Owned.read<u32>(slot, OWNER_SLOTS);
}

function setSlot(slot: usize, hash: u64, scope: u32, value: u32): void {
  Owned.write<u32>(slot, scope, OWNER_SLOTS);
  Owned.write<u32>(slot + VALUE, value, OWNER_SLOTS);
  Owned.write<u32>(slot + HASH_LOW, <u32>hash, OWNER_SLOTS);
  Owned.write<u32>(slot + HASH_HIGH, <u32>(hash >> 32), OWNER_SLOTS);
}

/** Whether the slot may hold the key: its hash and scope are equal. */
export function slotMatches(slot: usize, hash: u64, scope: u32): bool {
  return slotScope(slot) == scope && slotHash(slot) == hash;
}

/**
 * The first value whose hash and scope are equal, or 0. Its key is most likely the one that is searched for, too; when
 * it is not, the search goes on slot by slot.
 */
export function tableLikely(table: Table, hash: u64, scope: u32): u32 {
  const scopes = i32x4.splat(scope);
  const low = i32x4.splat(<u32>hash);
  const high = i32x4.splat(<u32>(hash >> 32));
  const part = tablePart(table, hash, scope);
  let line = tableHome(part, hash, scope);
  while (true) {
    Owned.assertSpan(line, LINE_BYTES, OWNER_SLOTS);
    const isLow = i32x4.eq(v128.load(line, HASH_LOW), low);
    const isHigh = i32x4.eq(v128.load(line, HASH_HIGH), high);
    const isScope = i32x4.eq(v128.load(line), scopes);
    const equal = i32x4.bitmask(v128.and(isScope, v128.and(isLow, isHigh)));
    if (equal != 0) return slotValue(line + ((<usize>ctz(equal)) << 2));
    if (slotValue(line + 12) == 0) return 0;
    line = lineAfter(part, line);
  }
}

/**
 * Has the line fetched where a search for (hash, scope) begins: several that are on their way from memory at once cost
 * as much as one.
 */
export function tableTouch(table: Table, hash: u64, scope: u32): void {
  load<u32>(tableHome(tablePart(table, hash, scope), hash, scope));
}

/** Adds an entry. False: memory ends, nothing was done. */
export function tableInsert(table: Table, hash: u64, scope: u32, value: u32): bool {
  const part = tablePart(table, hash, scope);
  if (part.count >= part.most && !grow(part)) return false;
  place(part, hash, scope, value);
  part.count++;
  return true;
}

function place(part: Part, hash: u64, scope: u32, value: u32): void {
  let slot = tableHome(part, hash, scope);
  while (slotValue(slot) != 0) slot = tableNext(part, slot);
  setSlot(slot, hash, scope, value);
}

// When memory ends a part may go on until three quarters are full.
function grow(part: Part): bool {
  const count = part.mask + 1;
  return resize(part, count << 1) || part.count < count - (count >> 2);
}

// Lays a part out anew in that many slots. False: memory ends, nothing was done.
function resize(part: Part, count: u32): bool {
  const old = part.slots;
  const bytes = (part.mask + 1) * SLOT_BYTES;
  const slots = allocate(count * SLOT_BYTES, OWNER_SLOTS);
  if (slots == 0) return false;
  lay(part, slots, count);
  for (let line = old; line < old + bytes; line += LINE_BYTES) {
    for (let slot = line; slot < line + 16; slot += 4) {
      const value = slotValue(slot);
      if (value != 0) place(part, slotHash(slot), slotScope(slot), value);
    }
  }
  release(old, bytes);
  entriesMoved += part.count;
  Budget.charge(part.count * NODE_UNITS);
  return true;
}

/** Removes the entry with this value. It must be there. */
export function tableRemove(table: Table, hash: u64, scope: u32, value: u32): void {
  const part = tablePart(table, hash, scope);
  let hole = tableHome(part, hash, scope);
  while (slotValue(hole) != value) {
    assert(slotValue(hole) != 0);
    hole = tableNext(part, hole);
  }
  const bytes = ((<usize>part.mask) << 4) | 15;
  let slot = tableNext(part, hole);
  while (slotValue(slot) != 0) {
    const home = tableHome(part, slotHash(slot), slotScope(slot));
    // The entry may move into the hole unless its home lies behind the hole.
    if (((slot - home) & bytes) >= ((slot - hole) & bytes)) {
      setSlot(hole, slotHash(slot), slotScope(slot), slotValue(slot));
      hole = slot;
    }
    slot = tableNext(part, slot);
  }
  setSlot(hole, 0, 0, 0);
  part.count--;
  const count = part.mask + 1;
  if (part.count < part.most >> 2 && count > KEPT_SLOTS) resize(part, count >> 1);
}

/** Longest run of full slots, also over the end: what the worst search costs. For tests. */
export function tableLongestRun(table: Table): u32 {
  let longest: u32 = 0;
  for (let index: u32 = 0; index < PARTS; index++) {
    longest = max<u32>(longest, longestRun(partAt(table, index)));
  }
  return longest;
}

function longestRun(part: Part): u32 {
  const count = part.mask + 1;
  let longest: u32 = 0;
  let run: u32 = 0;
  for (let index: u32 = 0; index < count << 1; index++) {
    const at = index & part.mask;
    const slot = part.slots + ((<usize>(at >> 2)) << 6) + ((at & 3) << 2);
    run = slotValue(slot) == 0 ? 0 : run + 1;
    longest = max<u32>(longest, run);
  }
  return min<u32>(longest, count);
}
