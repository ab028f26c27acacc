// The twin's hash table: open addressing, 16 bytes a slot, as assembly/hash-table.ts.
//
//   table, 3 words:  first word of the slots · mask · count
//   slot, 4 words:   hash · value (0 = empty) · scope · unused

import { allocate, release, i32 as words } from './heap.ts';

const i32 = words;

const SLOTS = 0;
const MASK = 1;
const COUNT = 2;
const SLOT_BYTES = 16;
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
  i32.fill(0, slots, slots + (count << 2));
  return slots;
}

/** The slot where a search for (hash, scope) begins. */
export function tableHome(table: number, hash: number, scope: number): number {
  const index = (hash ^ Math.imul(scope, SCOPE_FACTOR)) & i32[table + MASK]!;
  return i32[table + SLOTS]! + (index << 2);
}

/** The slot to look at next. */
export function tableNext(table: number, slot: number): number {
  const slots = i32[table + SLOTS]!;
  return slots + ((slot - slots + 4) & ((i32[table + MASK]! << 2) | 3));
}

/** The value in a slot; 0 ends the search. */
export function slotValue(slot: number): number {
  return i32[slot + 1]!;
}

/** Whether the slot may hold the key. */
export function slotMatches(slot: number, hash: number, scope: number): boolean {
  return i32[slot] === hash && i32[slot + 2] === scope;
}

/** Adds an entry. */
export function tableInsert(table: number, hash: number, scope: number, value: number): void {
  if (i32[table + COUNT]! << 1 > i32[table + MASK]!) grow(table);
  place(table, hash, scope, value);
  i32[table + COUNT] = i32[table + COUNT]! + 1;
}

function place(table: number, hash: number, scope: number, value: number): void {
  let slot = tableHome(table, hash, scope);
  while (slotValue(slot) !== 0) slot = tableNext(table, slot);
  i32[slot] = hash;
  i32[slot + 1] = value;
  i32[slot + 2] = scope;
}

function grow(table: number): void {
  const count = i32[table + MASK]! + 1;
  const old = i32[table + SLOTS]!;
  i32[table + SLOTS] = emptySlots(count << 1);
  i32[table + MASK] = (count << 1) - 1;
  for (let slot = old; slot < old + (count << 2); slot += 4) {
    const value = slotValue(slot);
    if (value !== 0) place(table, i32[slot]!, i32[slot + 2]!, value);
  }
  release(old << 2, count * SLOT_BYTES);
}

/** Removes the entry with this value. It must be there. */
export function tableRemove(table: number, hash: number, scope: number, value: number): void {
  let hole = tableHome(table, hash, scope);
  while (slotValue(hole) !== value) {
    if (slotValue(hole) === 0) throw new Error('no such entry in the table');
    hole = tableNext(table, hole);
  }
  const wrap = (i32[table + MASK]! << 2) | 3;
  for (let slot = tableNext(table, hole); slotValue(slot) !== 0; slot = tableNext(table, slot)) {
    const home = tableHome(table, i32[slot]!, i32[slot + 2]!);
    // The entry may move into the hole unless its home lies behind the hole.
    if (((slot - home) & wrap) < ((slot - hole) & wrap)) continue;
    i32.copyWithin(hole, slot, slot + 4);
    hole = slot;
  }
  i32.fill(0, hole, hole + 4);
  i32[table + COUNT] = i32[table + COUNT]! - 1;
}
