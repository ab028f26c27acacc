// What a walk has to remember of queue groups: those whose members lie in several nodes, for one member of all gets the
// message. The first time it goes through the trie their members are counted, and one number of each group is drawn; the
// second time the member with that number is served. Who has not been, because members have gone or would not take it,
// is served by any member the third time.

import { Budget, MEMBER_UNITS } from './budget';
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
import { OWNER_WALK, Owned } from './ownership';
import { queuePick } from './queue-group';
import { Session } from './session';
import { QueueName, queueNameDrop, queueNameHold } from './subscription';
import { Walk, walkFree } from './walk';

@unmanaged
class Share {
  next: usize;
  name: usize;
  /** Members, then how many are still in front of the chosen one. */
  count: u32;
  isServed: u32;

  @inline
  static at(ptr: usize): Share {
    Owned.assertReadable(ptr, SHARE_BYTES, 0);
    return changetype<Share>(ptr);
  }
}
const SHARE_BYTES: u32 = offsetof<Share>();
/** The member has been passed. */
const PASSED: u32 = 0xffffffff;
/** Of all walks together, 3 MiB of each million bytes of memory: beyond it, as without memory, a group gets nothing. */
const SHARES_MAX: u32 = 1 << 20;

let shares: Table = changetype<Table>(0);
let shareTotal: u32 = 0;

/** Makes the table. False: no memory. */
export function sharesInit(): bool {
  shares = tableCreate();
  return changetype<usize>(shares) != 0;
}

/** The share of a queue name in a walk that is still to be served, or 0. */
export function shareFind(walk: usize, name: usize): usize {
  if (Walk.at(walk).shareCount == 0) return 0;
  const found = find(walk, name);
  return found == 0 || Share.at(found).isServed != 0 ? 0 : found;
}

function find(walk: usize, name: usize): usize {
  const key = QueueName.at(name).hash;
  const part = tablePart(shares, key, <u32>walk);
  let slot = tableHome(part, key, <u32>walk);
  for (let value = slotValue(slot); value != 0; value = slotValue(slot)) {
    if (slotMatches(slot, key, <u32>walk) && Share.at(value).name == name) return value;
    slot = tableNext(part, slot);
  }
  return 0;
}

/** So many members more are of that name. */
export function shareAdd(walk: usize, name: usize, members: u32): void {
  let ptr = find(walk, name);
  if (ptr == 0) {
    ptr = shareTotal == SHARES_MAX ? <usize>0 : allocate(SHARE_BYTES, OWNER_WALK);
    if (ptr == 0) return;
    if (!tableInsert(shares, QueueName.at(name).hash, <u32>walk, <u32>ptr)) {
      release(ptr, SHARE_BYTES);
      return;
    }
    queueNameHold(name);
    const share = Share.at(ptr);
    share.name = name;
    share.count = 0;
    share.isServed = 0;
    share.next = Walk.at(walk).shares;
    Walk.at(walk).shares = ptr;
    Walk.at(walk).shareCount++;
    shareTotal++;
  }
  Share.at(ptr).count += members;
}

/** Draws a member of each. False: there are none. */
export function sharesDraw(walk: usize): bool {
  for (let ptr = Walk.at(walk).shares; ptr != 0; ptr = Share.at(ptr).next) {
    Budget.charge(MEMBER_UNITS);
    Share.at(ptr).count = queuePick(Share.at(ptr).count);
  }
  return Walk.at(walk).shares != 0;
}

/** Where among the next members of a share the chosen one is, or `members` when he is not among them. */
export function shareIndex(ptr: usize, members: u32): u32 {
  const share = Share.at(ptr);
  if (share.count == PASSED) return members;
  if (share.count >= members) {
    share.count -= members;
    return members;
  }
  const index = share.count;
  share.count = PASSED;
  return index;
}

/** Somebody has got the message: of the share that is being served, if there is one. */
export function walkHeard(ptr: usize): void {
  const walk = Walk.at(ptr);
  walk.isHeard = 1;
  if (walk.share != 0) Share.at(walk.share).isServed = 1;
}

/** Whether one is still to be served. */
export function sharesAreLeft(walk: usize): bool {
  for (let ptr = Walk.at(walk).shares; ptr != 0; ptr = Share.at(ptr).next) {
    Budget.charge(MEMBER_UNITS);
    if (Share.at(ptr).isServed == 0) return true;
  }
  return false;
}

/** The walk of a session, if it has one, is over. */
export function walkDrop(session: usize): void {
  const ptr = Session.at(session).walk;
  if (ptr == 0) return;
  sharesFree(ptr);
  walkFree(ptr);
  Session.at(session).walk = 0;
}

function sharesFree(walk: usize): void {
  for (let ptr = Walk.at(walk).shares; ptr != 0; ) {
    const share = Share.at(ptr);
    const next = share.next;
    tableRemove(shares, QueueName.at(share.name).hash, <u32>walk, <u32>ptr);
    queueNameDrop(share.name);
    release(ptr, SHARE_BYTES);
    shareTotal--;
    ptr = next;
  }
  Walk.at(walk).shares = 0;
  Walk.at(walk).shareCount = 0;
}
