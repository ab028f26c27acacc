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
//   find:   slot = tableHome(t, h, scope); while slotValue(slot): matches? done; slot = tableNext(t, slot)
//   remove: the hole is closed by shifting back the entries behind it that belong before (no tombstones)

import { allocate, release } from './memory';
import { OWNER_SLOTS, OWNER_TABLE, Owned } from './ownership';

@unmanaged
export class Table {
  slots: usize;
  mask: u32;
  count: u32;
}

const SLOT_BYTES: u32 = 16;
const LINE_BYTES: u32 = 64;
// Within a line, from a slot's scope on.
const VALUE: usize = 16;
const HASH_LOW: usize = 32;
const HASH_HIGH: usize = 48;
const FIRST_SLOTS: u32 = 256;
const SCOPE_FACTOR: u32 = 0x9e3779b1;

/** A new, empty table, or 0. */
export function tableCreate(): Table {
  const ptr = allocate(16, OWNER_TABLE);
  const slots = allocate(FIRST_SLOTS * SLOT_BYTES, OWNER_SLOTS);
  if (ptr == 0 || slots == 0) return changetype<Table>(0);
  Owned.clear(slots, FIRST_SLOTS * SLOT_BYTES, OWNER_SLOTS);
  assert((slots & (LINE_BYTES - 1)) == 0);
  const table = changetype<Table>(ptr);
  table.slots = slots;
  table.mask = FIRST_SLOTS - 1;
  table.count = 0;
  return table;
}

/** The slot where a search for (hash, scope) begins: the first of a line. Scopes that are nodes are multiples of 64. */
export function tableHome(table: Table, hash: u64, scope: u32): usize {
  const index = (<u32>hash ^ ((scope >> 6) * SCOPE_FACTOR)) & table.mask & ~3;
  return table.slots + ((<usize>index) << 4);
}

/** The slot to look at next. */
export function tableNext(table: Table, slot: usize): usize {
  if (!ASC_NO_ASSERT) assertSlot(table, slot);
  return (slot & 12) != 12 ? slot + 4 : lineAfter(table, slot - 12);
}

function assertSlot(table: Table, slot: usize): void {
  const offset = slot - table.slots;
  assert(offset <= (<usize>table.mask) << 4 && (offset & (LINE_BYTES - 1)) < SLOT_BYTES);
}

function lineAfter(table: Table, line: usize): usize {
  return table.slots + ((line - table.slots + LINE_BYTES) & ((<usize>table.mask) << 4));
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
  let line = tableHome(table, hash, scope);
  while (true) {
    Owned.assertSpan(line, LINE_BYTES, OWNER_SLOTS);
    const isLow = i32x4.eq(v128.load(line, HASH_LOW), low);
    const isHigh = i32x4.eq(v128.load(line, HASH_HIGH), high);
    const isScope = i32x4.eq(v128.load(line), scopes);
    const equal = i32x4.bitmask(v128.and(isScope, v128.and(isLow, isHigh)));
    if (equal != 0) return slotValue(line + ((<usize>ctz(equal)) << 2));
    if (slotValue(line + 12) == 0) return 0;
    line = lineAfter(table, line);
  }
}

/**
 * Has the line fetched where a search for (hash, scope) begins: several that are on their way from memory at once cost
 * as much as one.
 */
export function tableTouch(table: Table, hash: u64, scope: u32): void {
  load<u32>(tableHome(table, hash, scope));
}

/** Adds an entry. False: memory ends, nothing was done. */
export function tableInsert(table: Table, hash: u64, scope: u32, value: u32): bool {
  if (table.count << 1 > table.mask && !grow(table)) return false;
  place(table, hash, scope, value);
  table.count++;
  return true;
}

function place(table: Table, hash: u64, scope: u32, value: u32): void {
  let slot = tableHome(table, hash, scope);
  while (slotValue(slot) != 0) slot = tableNext(table, slot);
  setSlot(slot, hash, scope, value);
}

// At half full. When memory ends a table may go on until three quarters are full.
function grow(table: Table): bool {
  const count = table.mask + 1;
  const bytes = count * SLOT_BYTES;
  const old = table.slots;
  const slots = bytes > 0x10000000 ? <usize>0 : allocate(bytes << 1, OWNER_SLOTS);
  if (slots == 0) return table.count < count - (count >> 2);
  Owned.clear(slots, bytes << 1, OWNER_SLOTS);
  table.slots = slots;
  table.mask = (count << 1) - 1;
  assert((slots & (LINE_BYTES - 1)) == 0);
  for (let line = old; line < old + bytes; line += LINE_BYTES) {
    for (let slot = line; slot < line + 16; slot += 4) {
      const value = slotValue(slot);
      if (value != 0) place(table, slotHash(slot), slotScope(slot), value);
    }
  }
  release(old, bytes);
  return true;
}

/** Removes the entry with this value. It must be there. */
export function tableRemove(table: Table, hash: u64, scope: u32, value: u32): void {
  let hole = tableHome(table, hash, scope);
  while (slotValue(hole) != value) {
    assert(slotValue(hole) != 0);
    hole = tableNext(table, hole);
  }
  const bytes = ((<usize>table.mask) << 4) | 15;
  let slot = tableNext(table, hole);
  while (slotValue(slot) != 0) {
    const home = tableHome(table, slotHash(slot), slotScope(slot));
    // The entry may move into the hole unless its home lies behind the hole.
    if (((slot - home) & bytes) >= ((slot - hole) & bytes)) {
      setSlot(hole, slotHash(slot), slotScope(slot), slotValue(slot));
      hole = slot;
    }
    slot = tableNext(table, slot);
  }
  setSlot(hole, 0, 0, 0);
  table.count--;
}

/** Longest run of full slots, also over the end: what the worst search costs. For tests. */
export function tableLongestRun(table: Table): u32 {
  const count = table.mask + 1;
  let longest: u32 = 0;
  let run: u32 = 0;
  for (let index: u32 = 0; index < count << 1; index++) {
    const at = index & table.mask;
    const slot = table.slots + ((<usize>(at >> 2)) << 6) + ((at & 3) << 2);
    run = slotValue(slot) == 0 ? 0 : run + 1;
    longest = max<u32>(longest, run);
  }
  return min<u32>(longest, count);
}
