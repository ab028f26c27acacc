// The twin's hash table: open addressing, after assembly/hash-table.ts. A line of the processor's cache holds eight
// slots, twice as many as there, because hash and scope are one word: whoever finds a value compares its key and its
// scope, which lie in the line of the record. A search begins with any slot, for no one step compares a whole line.
//
//   table, 3 words:  first word of the slots · mask · count
//   slot, 2 words:   mix of hash and scope (`tableKey`) · value (0 = empty)

import { allocate, release, i32 as words } from './heap.ts';

const i32 = words;

const SLOTS = 0;
const MASK = 1;
const COUNT = 2;
const SLOT_BYTES = 8;
const FIRST_SLOTS = 256;
const SCOPE_FACTOR = 0x9e3779b1 | 0;

/** Makes an empty table of the three words at `table`. */
export function tableCreate(table: number): void {
  i32[table + SLOTS] = emptySlots(FIRST_SLOTS);
  i32[table + MASK] = FIRST_SLOTS - 1;
  i32[table + COUNT] = 0;
}

function emptySlots(count: number): number {
  const slots = allocate(count * SLOT_BYTES) >> 2;
  i32.fill(0, slots, slots + (count << 1));
  return slots;
}

/** Hash and scope in one word. A scope is a record: its lower bits, which are all the same, get those of the middle. */
export function tableKey(hash: number, scope: number): number {
  const spread = Math.imul(scope, SCOPE_FACTOR);
  return hash ^ spread ^ (spread >>> 15);
}

/** The slot where a search for a key begins. */
export function tableHome(table: number, key: number): number {
  return i32[table + SLOTS]! + ((key & i32[table + MASK]!) << 1);
}

/** The slot to look at next. */
export function tableNext(table: number, slot: number): number {
  const slots = i32[table + SLOTS]!;
  return slots + ((slot - slots + 2) & (i32[table + MASK]! << 1));
}

/** The value in a slot; 0 ends the search. */
export function slotValue(slot: number): number {
  return i32[slot + 1]!;
}

/** Whether the slot may hold what is searched for. */
export function slotMatches(slot: number, key: number): boolean {
  return i32[slot] === key;
}

/** Adds an entry. */
export function tableInsert(table: number, key: number, value: number): void {
  if (i32[table + COUNT]! << 1 > i32[table + MASK]!) grow(table);
  place(table, key, value);
  i32[table + COUNT] = i32[table + COUNT]! + 1;
}

function place(table: number, key: number, value: number): void {
  let slot = tableHome(table, key);
  while (slotValue(slot) !== 0) slot = tableNext(table, slot);
  i32[slot] = key;
  i32[slot + 1] = value;
}

function grow(table: number): void {
  const count = i32[table + MASK]! + 1;
  const old = i32[table + SLOTS]!;
  i32[table + SLOTS] = emptySlots(count << 1);
  i32[table + MASK] = (count << 1) - 1;
  for (let slot = old; slot < old + (count << 1); slot += 2) {
    const value = slotValue(slot);
    if (value !== 0) place(table, i32[slot]!, value);
  }
  release(old << 2, count * SLOT_BYTES);
}

/** Removes the entry with this value. It must be there. */
export function tableRemove(table: number, key: number, value: number): void {
  let hole = tableHome(table, key);
  while (slotValue(hole) !== value) {
    if (slotValue(hole) === 0) throw new Error('no such entry in the table');
    hole = tableNext(table, hole);
  }
  const wrap = i32[table + MASK]! << 1;
  for (let slot = tableNext(table, hole); slotValue(slot) !== 0; slot = tableNext(table, slot)) {
    const home = tableHome(table, i32[slot]!);
    // The entry may move into the hole unless its home lies behind the hole.
    if (((slot - home) & wrap) < ((slot - hole) & wrap)) continue;
    i32[hole] = i32[slot]!;
    i32[hole + 1] = i32[slot + 1]!;
    hole = slot;
  }
  i32[hole] = 0;
  i32[hole + 1] = 0;
  i32[table + COUNT] = i32[table + COUNT]! - 1;
}
