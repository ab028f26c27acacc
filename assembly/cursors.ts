// Cursors: positions in lists of members, and among the groups of a node, that hold while members come and go.
//
//   members   [ done … │ to do … │ came later … ]          Removal leaves a hole, which is closed from the right, one
//                    index      end                        step a boundary: the last done one moves into the hole, the
//   hole here:  ↑◄───┘ ↑◄────────┘ ↑◄─────────┘            last to do into its place, and the last of all into that one's.
//
//   groups    a cursor stands at the group that is next, and steps on when that goes; new ones come in front of it
//
// So everybody who was there when a cursor entered and still is is passed once. Cursors are few: those of walks that wait.

import {
  slotMatches,
  slotValue,
  Table,
  tableCreate,
  tableHome,
  tableInsert,
  tableNext,
  tablePart,
  tableRemove,
} from './hash-table';

@unmanaged
export class Cursor {
  /** The node whose members are walked, or the group that is next; 0 = it stands nowhere. */
  place: usize;
  /** Members before it are done. */
  index: u32;
  /** Members from here on have come later. */
  end: u32;
}

/** At one node; more have to wait, for what a removal costs there goes up with the square. */
const CURSORS_MAX: u32 = 16;

let places: Table = changetype<Table>(0);
/** Cursors that stand somewhere: without any, nobody looks for them. */
export let cursorCount: u32 = 0;

/** Makes the table. False: no memory. */
export function cursorsInit(): bool {
  places = tableCreate();
  return changetype<usize>(places) != 0;
}

/** Has a cursor stand at a group. False: there is no memory. */
export function cursorEnterGroup(ptr: usize, group: usize): bool {
  return enter(ptr, group);
}

/** Has a cursor stand in front of all members of a node. False: there is no memory. */
export function cursorEnterMembers(ptr: usize, node: usize, count: u32): bool {
  if (!enter(ptr, node)) return false;
  const cursor = changetype<Cursor>(ptr);
  cursor.index = 0;
  cursor.end = count;
  return true;
}

/** Whether as many stand at a node as may. */
export function cursorsAreMany(node: usize): bool {
  let count: u32 = 0;
  const part = tablePart(places, 0, <u32>node);
  let slot = tableHome(part, 0, <u32>node);
  for (let value = slotValue(slot); value != 0; value = slotValue(slot)) {
    if (slotMatches(slot, 0, <u32>node)) count++;
    slot = tableNext(part, slot);
  }
  return count >= CURSORS_MAX;
}

function enter(ptr: usize, place: usize): bool {
  if (!tableInsert(places, 0, <u32>place, <u32>ptr)) return false;
  changetype<Cursor>(ptr).place = place;
  cursorCount++;
  return true;
}

/** It stands nowhere any more. */
export function cursorLeave(ptr: usize): void {
  const cursor = changetype<Cursor>(ptr);
  if (cursor.place == 0) return;
  tableRemove(places, 0, <u32>cursor.place, <u32>ptr);
  cursor.place = 0;
  cursorCount--;
}

/** A group goes: who stands at it steps on to the next one, if there is one. */
export function cursorsStepOn(group: usize, next: usize): void {
  let found = cursorAt(group);
  for (; found != 0; found = cursorAt(group)) {
    cursorLeave(found);
    if (next == 0 || !tableInsert(places, 0, <u32>next, <u32>found)) continue;
    changetype<Cursor>(found).place = next;
    cursorCount++;
  }
}

function cursorAt(place: usize): usize {
  const part = tablePart(places, 0, <u32>place);
  let slot = tableHome(part, 0, <u32>place);
  for (let value = slotValue(slot); value != 0; value = slotValue(slot)) {
    if (slotMatches(slot, 0, <u32>place)) return value;
    slot = tableNext(part, slot);
  }
  return 0;
}

/**
 * The first boundary in the members of a node behind a hole, which moves one to the left, or 0: then the last member
 * closes the hole.
 */
export function cursorsBoundary(place: usize, hole: u32): u32 {
  let boundary: u32 = 0;
  const part = tablePart(places, 0, <u32>place);
  let slot = tableHome(part, 0, <u32>place);
  for (let value = slotValue(slot); value != 0; value = slotValue(slot)) {
    if (slotMatches(slot, 0, <u32>place)) {
      const cursor = changetype<Cursor>(<usize>value);
      if (cursor.index > hole && (boundary == 0 || cursor.index < boundary))
        boundary = cursor.index;
      if (cursor.end > hole && (boundary == 0 || cursor.end < boundary)) boundary = cursor.end;
    }
    slot = tableNext(part, slot);
  }
  if (boundary == 0) return 0;
  slot = tableHome(part, 0, <u32>place);
  for (let value = slotValue(slot); value != 0; value = slotValue(slot)) {
    if (slotMatches(slot, 0, <u32>place)) {
      const cursor = changetype<Cursor>(<usize>value);
      if (cursor.index == boundary) cursor.index--;
      if (cursor.end == boundary) cursor.end--;
    }
    slot = tableNext(part, slot);
  }
  return boundary;
}
