// Subscriptions: the record, the lists of them that nodes and queue groups keep, and the names of queue
// groups. Who may match what is the sublist's affair.
//
// A member list is three words inside a node or group: PTR, COUNT, CAPACITY. One member costs no block:
//
//   0 members   PTR 0           COUNT 0  CAPACITY 0
//   1 member    PTR = the sub   COUNT 1  CAPACITY 0
//   3 members   PTR → [a, b, c, –]  COUNT 3  CAPACITY 4
//
// Each subscription knows its index, so removal swaps the last one into its place.

import {
  SUB_BYTES,
  SUB_DELIVERED,
  SUB_FLAGS,
  SUB_GROUP,
  SUB_HANDLE,
  SUB_HELD_OR_NEXT,
  SUB_INDEX,
  SUB_MAX,
  SUB_NODE,
  SUB_PLAIN,
  SUB_RAW,
  SUB_SESSION,
  SUB_SESSION_NEXT,
  SUB_SESSION_PREV,
  SUB_SID,
  SUB_SID_LEN,
} from './abi';
import { Arena, arenaCreate, arenaFind, arenaInsert, arenaRemove } from './arena';
import { copyExact, equal, hash } from './bytes';
import { cursorCount, cursorsBoundary } from './cursors';
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
import { allocate, release } from './memory';
import { OWNER_MEMBERS, OWNER_QUEUE_NAME, OWNER_SUB, OWNER_TEXT, Owned } from './ownership';
import { Quota } from './quota';

@unmanaged
export class Sub {
  /** Owner; 0 = the program. */
  session: usize;
  handle: u32;
  node: usize;
  index: u32;
  /** Its queue group in the node, 0 = plain. */
  group: usize;
  flags: u32;
  max: u32;
  delivered: u32;
  sessionNext: usize;
  sessionPrev: usize;
  /** Bytes with which it counts for its session (quota.ts); in quarantine the next one there. */
  heldOrNext: u32;
  sidLen: u32;
  sidInline: v128;

  /** The living record at an address. */
  @inline
  static at(ptr: usize): Sub {
    Owned.assertRecord(ptr, OWNER_SUB);
    return changetype<Sub>(ptr);
  }
}
if (offsetof<Sub>('session') != SUB_SESSION) ERROR('Sub.session is not where abi.ts says');
if (offsetof<Sub>('handle') != SUB_HANDLE) ERROR('Sub.handle is not where abi.ts says');
if (offsetof<Sub>('node') != SUB_NODE) ERROR('Sub.node is not where abi.ts says');
if (offsetof<Sub>('index') != SUB_INDEX) ERROR('Sub.index is not where abi.ts says');
if (offsetof<Sub>('group') != SUB_GROUP) ERROR('Sub.group is not where abi.ts says');
if (offsetof<Sub>('flags') != SUB_FLAGS) ERROR('Sub.flags is not where abi.ts says');
if (offsetof<Sub>('max') != SUB_MAX) ERROR('Sub.max is not where abi.ts says');
if (offsetof<Sub>('delivered') != SUB_DELIVERED) ERROR('Sub.delivered is not where abi.ts says');
if (offsetof<Sub>('sessionNext') != SUB_SESSION_NEXT) ERROR('Sub.sessionNext is off');
if (offsetof<Sub>('sessionPrev') != SUB_SESSION_PREV) ERROR('Sub.sessionPrev is off');
if (offsetof<Sub>('heldOrNext') != SUB_HELD_OR_NEXT) ERROR('Sub.heldOrNext is off');
if (offsetof<Sub>('sidLen') != SUB_SID_LEN) ERROR('Sub.sidLen is not where abi.ts says');
if (offsetof<Sub>('sidInline') != SUB_SID) ERROR('Sub.sidInline is not where abi.ts says');
if (offsetof<Sub>() != SUB_BYTES) ERROR('Sub is not the size abi.ts says');

export const SID_INLINE_MAX: u32 = 16;
/** Of a member in a list that is half full. */
const MEMBER_BYTES: u32 = 8;
const CAPACITY_LEAST: u32 = 4;
/** The count stays there: whoever sets a max later has had as many. */
export const DELIVERED_MAX: u32 = 0xffffffff;

@unmanaged
export class Members {
  ptr: usize;
  count: u32;
  capacity: u32;
}

/** The name of queue groups, shared by all groups of that name: equal names are one pointer. */
@unmanaged
export class QueueName {
  references: u32;
  length: u32;
  hash: u64;
  // Scratch of the match that is being laid out (match-cache.ts).
  matchSerial: u64;
  matchCount: u32;
  matchGroups: u32;
  matchCursor: usize;
  nextName: usize;
  // The text follows.

  /** The living record at an address. */
  @inline
  static at(ptr: usize): QueueName {
    Owned.assertRecord(ptr, OWNER_QUEUE_NAME);
    return changetype<QueueName>(ptr);
  }
}
const QUEUE_NAME_HEAD: u32 = offsetof<QueueName>();

export let subs: Arena = changetype<Arena>(0);
export let queueNames: Table = changetype<Table>(0);
export let sids: Table = changetype<Table>(0);

/** Makes the arena and tables. False: no memory. */
export function subscriptionsInit(): bool {
  subs = arenaCreate(SUB_BYTES, 10, SUB_HANDLE);
  queueNames = tableCreate();
  sids = tableCreate();
  const made = changetype<usize>(queueNames) != 0 && changetype<usize>(sids) != 0;
  return changetype<usize>(subs) != 0 && made;
}

/** The subscription of a handle, or 0. */
export function subFind(handle: u32): usize {
  return arenaFind(subs, handle);
}

/** A new record that belongs to no node yet; its sid is copied. 0 = no memory. */
export function subCreate(session: usize, sidPtr: usize, sidLen: u32): usize {
  const ptr = arenaInsert(subs, OWNER_SUB);
  if (ptr == 0) return 0;
  const sub = Sub.at(ptr);
  sub.session = session;
  sub.sidLen = sidLen;
  subJudge(ptr);
  if (session == 0) return ptr;
  Quota.countRecord(SUB_BYTES + MEMBER_BYTES);
  let text = ptr + SUB_SID;
  if (sidLen > SID_INLINE_MAX) {
    text = allocate(sidLen + 16, OWNER_TEXT);
    if (text == 0) {
      arenaRemove(subs, ptr);
      return 0;
    }
    Owned.write<u32>(ptr + SUB_SID, <u32>text, OWNER_SUB);
    Quota.countBlock(sidLen + 16);
  }
  copyExact(text, sidPtr, sidLen);
  if (!tableInsert(sids, hash(text, sidLen), <u32>session, <u32>ptr)) {
    if (sidLen > SID_INLINE_MAX) release(text, sidLen + 16);
    arenaRemove(subs, ptr);
    return 0;
  }
  return ptr;
}

// The one place that says so: open, without a max to count to, and with a sid that lies in the record.
function isPlain(sub: Sub): bool {
  if ((sub.flags & ~(SUB_PLAIN | SUB_RAW)) != 0 || sub.max != 0) return false;
  return sub.sidLen <= SID_INLINE_MAX;
}

/** Sets SUB_PLAIN anew; for whoever has changed what it goes by. */
export function subJudge(ptr: usize): void {
  const sub = Sub.at(ptr);
  if (isPlain(sub)) sub.flags |= SUB_PLAIN;
  else sub.flags &= ~SUB_PLAIN;
}

/** Debug builds: SUB_PLAIN is what it should be. */
export function assertSubJudged(ptr: usize): void {
  if (!ASC_NO_ASSERT) assert(((Sub.at(ptr).flags & SUB_PLAIN) != 0) == isPlain(Sub.at(ptr)));
}

/** Deliveries after which it is to be removed, 0 = no limit. */
export function subSetMax(ptr: usize, max: u32): void {
  Sub.at(ptr).max = max;
  subJudge(ptr);
}

/** It is handed records from now on. */
export function subSetRaw(ptr: usize): void {
  Sub.at(ptr).flags |= SUB_RAW;
  subJudge(ptr);
}

/** Where the sid's text lies. */
export function subSidPtr(ptr: usize): usize {
  if (Sub.at(ptr).sidLen <= SID_INLINE_MAX) return ptr + SUB_SID;
  return Owned.read<u32>(ptr + SUB_SID, OWNER_SUB);
}

/** The subscription of a session with this sid, or 0. */
export function subBySid(session: usize, sidPtr: usize, sidLen: u32): usize {
  const key = hash(sidPtr, sidLen);
  const part = tablePart(sids, key, <u32>session);
  let slot = tableHome(part, key, <u32>session);
  for (let value = slotValue(slot); value != 0; value = slotValue(slot)) {
    if (slotMatches(slot, key, <u32>session)) {
      const sub = Sub.at(value);
      if (sub.sidLen == sidLen && equal(subSidPtr(value), sidPtr, sidLen)) return value;
    }
    slot = tableNext(part, slot);
  }
  return 0;
}

/** Takes a subscription out of the index of sids: its sid is free again. */
export function subForgetSid(ptr: usize): void {
  const sub = Sub.at(ptr);
  if (sub.session == 0) return;
  tableRemove(sids, hash(subSidPtr(ptr), sub.sidLen), <u32>sub.session, <u32>ptr);
}

/** Frees the record, when nothing refers to it any more. */
export function subFree(ptr: usize): void {
  const sub = Sub.at(ptr);
  if (sub.session != 0 && sub.sidLen > SID_INLINE_MAX) {
    release(subSidPtr(ptr), sub.sidLen + 16);
  }
  arenaRemove(subs, ptr);
}

function placeOf(list: Members, index: u32): usize {
  if (!ASC_NO_ASSERT) assert(index < list.capacity);
  return list.ptr + ((<usize>index) << 2);
}

/** The member at `index`. */
export function memberAt(list: Members, index: u32): usize {
  if (!ASC_NO_ASSERT) assert(index < list.count);
  if (list.capacity == 0) return list.ptr;
  return Owned.read<u32>(placeOf(list, index), OWNER_MEMBERS);
}

/** Appends a subscription. False: no memory, nothing was done. */
export function memberAdd(list: Members, ptr: usize): bool {
  const sub = Sub.at(ptr);
  if (list.count == 0 && list.capacity == 0) {
    list.ptr = ptr;
    list.count = 1;
    sub.index = 0;
    return true;
  }
  if (list.capacity == 0 || list.count == list.capacity) {
    const capacity: u32 = list.capacity == 0 ? CAPACITY_LEAST : list.capacity << 1;
    if (!resize(list, capacity)) return false;
  }
  Owned.write<u32>(placeOf(list, list.count), <u32>ptr, OWNER_MEMBERS);
  sub.index = list.count++;
  return true;
}

function move(list: Members, from: u32, to: u32): void {
  const member = Owned.read<u32>(placeOf(list, from), OWNER_MEMBERS);
  Owned.write<u32>(placeOf(list, to), member, OWNER_MEMBERS);
  Sub.at(<usize>member).index = to;
}

// Closes a hole as far as cursors stand in these members, and answers where it is then.
function closeAtCursors(list: Members, index: u32): u32 {
  let hole = index;
  let boundary = cursorsBoundary(changetype<usize>(list), hole);
  for (; boundary != 0; boundary = cursorsBoundary(changetype<usize>(list), hole)) {
    if (boundary - 1 != hole) move(list, boundary - 1, hole);
    hole = boundary - 1;
  }
  return hole;
}

// Moves the members into a block of that many places. False: no memory, nothing was done.
function resize(list: Members, capacity: u32): bool {
  const block = allocate(capacity << 2, OWNER_MEMBERS);
  if (block == 0) return false;
  if (list.capacity == 0) Owned.write<u32>(block, <u32>list.ptr, OWNER_MEMBERS);
  else {
    copyExact(block, list.ptr, (<usize>list.count) << 2);
    release(list.ptr, list.capacity << 2);
  }
  list.ptr = block;
  list.capacity = capacity;
  return true;
}

/** Removes a subscription; the last member takes its place. A list that was long gives its memory back. */
export function memberRemove(list: Members, ptr: usize): void {
  const index = Sub.at(ptr).index;
  assert(memberAt(list, index) == ptr);
  list.count--;
  if (list.capacity == 0) {
    list.ptr = 0;
    return;
  }
  const hole = cursorCount == 0 ? index : closeAtCursors(list, index);
  if (hole != list.count) move(list, list.count, hole);
  if (list.count == 0) {
    release(list.ptr, list.capacity << 2);
    list.ptr = 0;
    list.capacity = 0;
  } else if (list.count <= list.capacity >> 2 && list.capacity > CAPACITY_LEAST) {
    resize(list, list.capacity >> 1);
  }
}

/** The record of a queue name, or 0 when no group has it. */
export function queueNameFind(ptr: usize, length: u32): usize {
  const key = hash(ptr, length);
  const part = tablePart(queueNames, key, 0);
  let slot = tableHome(part, key, 0);
  for (let value = slotValue(slot); value != 0; value = slotValue(slot)) {
    const name = QueueName.at(value);
    if (slotMatches(slot, key, 0) && name.length == length) {
      if (equal(queueNamePtr(value), ptr, length)) return value;
    }
    slot = tableNext(part, slot);
  }
  return 0;
}

/** The one record of a queue name, with one reference more; 0 = no memory. */
export function queueNameTake(ptr: usize, length: u32): usize {
  const found = queueNameFind(ptr, length);
  if (found == 0) return createQueueName(ptr, length, hash(ptr, length));
  QueueName.at(found).references++;
  return found;
}

function createQueueName(ptr: usize, length: u32, key: u64): usize {
  const made = allocate(QUEUE_NAME_HEAD + length + 16, OWNER_QUEUE_NAME);
  if (made == 0) return 0;
  Quota.countRecord(0);
  Quota.countBlock(QUEUE_NAME_HEAD + length + 16);
  const name = QueueName.at(made);
  name.references = 1;
  name.length = length;
  name.hash = key;
  name.matchSerial = 0;
  copyExact(queueNamePtr(made), ptr, length);
  if (tableInsert(queueNames, key, 0, <u32>made)) return made;
  release(made, QUEUE_NAME_HEAD + length + 16);
  return 0;
}

/** Where the text of a queue name begins. */
export function queueNamePtr(name: usize): usize {
  return name + QUEUE_NAME_HEAD;
}

/** One reference more to a living name. */
export function queueNameHold(ptr: usize): void {
  QueueName.at(ptr).references++;
}

/** Gives one reference back; the last one frees the name. */
export function queueNameDrop(ptr: usize): void {
  const name = QueueName.at(ptr);
  if (--name.references != 0) return;
  tableRemove(queueNames, name.hash, 0, <u32>ptr);
  release(ptr, QUEUE_NAME_HEAD + name.length + 16);
}
