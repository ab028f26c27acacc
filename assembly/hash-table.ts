// A hash table with open addressing, for every index of the core: literal subjects of an account, edges of
// a trie node, sids of a session, names of queue groups. It knows hashes and scopes, not keys: the caller
// compares the key itself at each slot that `slotMatches`.
//
//   slot, 16 bytes:  hash u64 · value u32 (0 = empty) · scope u32
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
const FIRST_SLOTS: u32 = 256;
const SCOPE_FACTOR: u32 = 0x9e3779b1;

/** A new, empty table, or 0. */
export function tableCreate(): Table {
  const ptr = allocate(16, OWNER_TABLE);
  const slots = allocate(FIRST_SLOTS * SLOT_BYTES, OWNER_SLOTS);
  if (ptr == 0 || slots == 0) return changetype<Table>(0);
  Owned.clear(slots, FIRST_SLOTS * SLOT_BYTES, OWNER_SLOTS);
  const table = changetype<Table>(ptr);
  table.slots = slots;
  table.mask = FIRST_SLOTS - 1;
  table.count = 0;
  return table;
}

function homeIndex(table: Table, hash: u64, scope: u32): u32 {
  return (<u32>hash ^ (scope * SCOPE_FACTOR)) & table.mask;
}

/** The slot where a search for (hash, scope) begins. */
export function tableHome(table: Table, hash: u64, scope: u32): usize {
  return table.slots + ((<usize>homeIndex(table, hash, scope)) << 4);
}

/** The slot to look at next. */
export function tableNext(table: Table, slot: usize): usize {
  if (!ASC_NO_ASSERT) assert(slot - table.slots <= (<usize>table.mask) << 4); // One of this table's.
  return table.slots + ((slot - table.slots + SLOT_BYTES) & (((<usize>table.mask) << 4) | 15));
}

/** The value in a slot; 0 ends the search. */
export function slotValue(slot: usize): u32 {
  return Owned.read<u32>(slot + 8, OWNER_SLOTS);
}

function slotHash(slot: usize): u64 {
  return Owned.read<u64>(slot, OWNER_SLOTS);
}

function slotScope(slot: usize): u32 {
  return Owned.read<u32>(slot + 12, OWNER_SLOTS);
}

/** Whether the slot may hold the key: its hash and scope are equal. */
export function slotMatches(slot: usize, hash: u64, scope: u32): bool {
  return slotHash(slot) == hash && slotScope(slot) == scope;
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
  Owned.write<u64>(slot, hash, OWNER_SLOTS);
  Owned.write<u32>(slot + 8, value, OWNER_SLOTS);
  Owned.write<u32>(slot + 12, scope, OWNER_SLOTS);
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
  for (let slot = old; slot < old + bytes; slot += SLOT_BYTES) {
    const value = slotValue(slot);
    if (value != 0) place(table, slotHash(slot), slotScope(slot), value);
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
      Owned.assertSpan(hole, SLOT_BYTES, OWNER_SLOTS);
      v128.store(hole, v128.load(slot));
      hole = slot;
    }
    slot = tableNext(table, slot);
  }
  Owned.assertSpan(hole, SLOT_BYTES, OWNER_SLOTS);
  v128.store(hole, v128.splat<u32>(0));
  table.count--;
}

/** Longest run of full slots, also over the end: what the worst search costs. For tests. */
export function tableLongestRun(table: Table): u32 {
  const count = table.mask + 1;
  let longest: u32 = 0;
  let run: u32 = 0;
  for (let index: u32 = 0; index < count << 1; index++) {
    const slot = table.slots + ((<usize>(index & table.mask)) << 4);
    run = slotValue(slot) == 0 ? 0 : run + 1;
    longest = max<u32>(longest, run);
  }
  return min<u32>(longest, count);
}
