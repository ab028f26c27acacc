// Blocks: a match laid out for its route.
//
//   PLAIN_COUNT · GROUP_COUNT · FLAGS · HITS · plain members … · { count · members … } …
//   of a large group instead:                                    { count + BY_REFERENCE · nodes · their groups … }
//
// Queue groups of one name are one group, whatever filters brought their members in. A message goes to one of them, so
// a large one is not copied: where a block would be longer than BLOCK_MAX_BYTES, it says where the members are. That is
// good as long as the generation; a route that stops has them brought in (`copyRoute`), for whatever changes meanwhile.

import {
  ROUTE_FLAGS,
  ROUTE_GROUP_COUNT,
  ROUTE_HITS,
  ROUTE_MEMBERS,
  ROUTE_PLAIN_COUNT,
} from './abi';
import { Budget, MEMBER_UNITS, NODE_UNITS } from './budget';
import { copyExact } from './bytes';
import { matchedCount, matchedNode } from './match';
import { Node, nodeMembers } from './node';
import { OWNER_ROUTE, Owned } from './ownership';
import { Group, groupMembers } from './sublist';
import { Members, memberAt, QueueName } from './subscription';

/** Longer ones are not kept for their subject. */
export const BLOCK_MAX_BYTES: u32 = 4096;
/** Members that are laid out for one unit, as a power of two. */
const WORDS_A_UNIT_LOG2: u32 = 5;
/** In the count of a group: its members stay where they are. */
const BY_REFERENCE: u32 = 0x80000000;
/** So many more members than references, and a group may be laid out by reference. */
const REFERRED_MIN: u32 = 8;

/** Of the match at hand. 64 bits never come round: a name would be taken for one that has been met. */
let serial: u64 = 0;
let firstName: usize = 0;
/** Of it, large groups are laid out by reference. */
let refersToGroups: bool = false;

/** Words of a block, `offset` bytes behind its beginning or that of something in it. */
export class Route {
  @inline
  static get(ptr: usize, offset: usize): u32 {
    return Owned.read<u32>(ptr + offset, OWNER_ROUTE);
  }

  @inline
  static set(ptr: usize, offset: usize, value: u32): void {
    Owned.write<u32>(ptr + offset, value, OWNER_ROUTE);
  }
}

/** A group of a block, at its count. */
export class RouteGroup {
  @inline
  static isReference(at: usize): bool {
    return (Route.get(at, 0) & BY_REFERENCE) != 0;
  }

  @inline
  static size(at: usize): u32 {
    return Route.get(at, 0) & ~BY_REFERENCE;
  }

  /** Bytes from its count on to the next group. */
  @inline
  static bytes(at: usize): usize {
    const head = Route.get(at, 0);
    if ((head & BY_REFERENCE) != 0) return 8 + ((<usize>Route.get(at, 4)) << 2);
    return 4 + ((<usize>head) << 2);
  }

  /** The members of one node's group. */
  static refer(at: usize, group: usize): void {
    Route.set(at, 0, groupMembers(group).count | BY_REFERENCE);
    Route.set(at, 4, 1);
    Route.set(at, 8, <u32>group);
  }

  @inline
  static member(at: usize, index: u32): usize {
    if (RouteGroup.isReference(at)) return referredMember(at, index);
    return Route.get(at, 4 + ((<usize>index) << 2));
  }
}

function referredMember(at: usize, index: u32): usize {
  let left = index;
  let reference = at + 8;
  let members = groupMembers(Route.get(reference, 0));
  while (left >= members.count) {
    left -= members.count;
    reference += 4;
    members = groupMembers(Route.get(reference, 0));
  }
  return memberAt(members, left);
}

/**
 * Counts the members of each queue name over all nodes of the last match, and answers the bytes of its block; 0: there
 * are more plain members, or groups, than `most`.
 */
export function measure(most: u32): u32 {
  serial++;
  firstName = 0;
  let words: u32 = 0;
  let left = most;
  for (let index: u32 = 0; index < matchedCount; index++) {
    const node = matchedNode(index);
    const count = Node.at(node).membersCount;
    if (count > left) return 0;
    left -= count;
    words += count;
    for (let group = Node.at(node).groups; group != 0; ) {
      if (left == 0) return 0;
      left--;
      Budget.charge(NODE_UNITS);
      const record = Group.at(group);
      const name = QueueName.at(record.name);
      if (name.matchSerial != serial) {
        name.matchSerial = serial;
        name.matchCount = 0;
        name.matchGroups = 0;
        name.nextName = firstName;
        firstName = record.name;
        words++;
      }
      name.matchCount += record.membersCount;
      name.matchGroups++;
      words += record.membersCount;
      group = record.next;
    }
  }
  refersToGroups = <u32>ROUTE_MEMBERS + (words << 2) > BLOCK_MAX_BYTES;
  if (refersToGroups) {
    for (let name = firstName; name != 0; name = QueueName.at(name).nextName) {
      const record = QueueName.at(name);
      if (isReferredTo(record)) words -= record.matchCount - record.matchGroups - 1;
    }
  }
  Budget.charge(matchedCount * MEMBER_UNITS + (words >> WORDS_A_UNIT_LOG2));
  return ROUTE_MEMBERS + (words << 2);
}

function isReferredTo(name: QueueName): bool {
  return refersToGroups && name.matchCount > name.matchGroups + REFERRED_MIN;
}

/** Lays out the last match, as it was measured, in a block of so many bytes. */
export function fill(block: usize): void {
  let at = block + ROUTE_MEMBERS;
  for (let index: u32 = 0; index < matchedCount; index++) {
    at = copyMembers(at, nodeMembers(matchedNode(index)));
  }
  Route.set(block, ROUTE_PLAIN_COUNT, <u32>((at - block - ROUTE_MEMBERS) >> 2));
  let groupCount: u32 = 0;
  for (let name = firstName; name != 0; ) {
    const record = QueueName.at(name);
    if (isReferredTo(record)) {
      Route.set(at, 0, record.matchCount | BY_REFERENCE);
      Route.set(at, 4, record.matchGroups);
      record.matchCursor = at + 8;
    } else {
      Route.set(at, 0, record.matchCount);
      record.matchCursor = at + 4;
    }
    at += RouteGroup.bytes(at);
    groupCount++;
    name = record.nextName;
  }
  Route.set(block, ROUTE_GROUP_COUNT, groupCount);
  Route.set(block, ROUTE_FLAGS, 0);
  Route.set(block, ROUTE_HITS, 0);
  if (groupCount == 0) return;
  for (let index: u32 = 0; index < matchedCount; index++) {
    for (let group = Node.at(matchedNode(index)).groups; group != 0; ) {
      const record = Group.at(group);
      const name = QueueName.at(record.name);
      if (isReferredTo(name)) {
        Route.set(name.matchCursor, 0, <u32>group);
        name.matchCursor += 4;
      } else name.matchCursor = copyMembers(name.matchCursor, groupMembers(group));
      group = record.next;
    }
  }
}

/** Bytes of the same block with all members in it, 0 when that is what it is; see `copyRoute`. */
export function laidOutBytes(block: usize, from: u32): u32 {
  const plainBytes = (<usize>Route.get(block, ROUTE_PLAIN_COUNT)) << 2;
  const groupCount = Route.get(block, ROUTE_GROUP_COUNT);
  let at = block + ROUTE_MEMBERS + plainBytes;
  let bytes = <usize>ROUTE_MEMBERS + plainBytes + ((<usize>groupCount) << 2);
  let isReferring = false;
  for (let index: u32 = 0; index < groupCount; index++) {
    if (index >= from) {
      bytes += (<usize>RouteGroup.size(at)) << 2;
      if (RouteGroup.isReference(at)) isReferring = true;
    }
    at += RouteGroup.bytes(at);
  }
  if (!isReferring) return 0;
  Budget.charge(<u32>(bytes >> 2) >> WORDS_A_UNIT_LOG2);
  return <u32>bytes;
}

/**
 * Copies a block, with all members in it.
 *
 * @param from the first group that is still asked for; those before it have no members then
 */
export function copyRoute(target: usize, block: usize, from: u32): void {
  const head = <usize>ROUTE_MEMBERS + ((<usize>Route.get(block, ROUTE_PLAIN_COUNT)) << 2);
  Owned.assertSpan(target, head, OWNER_ROUTE);
  copyExact(target, block, head);
  Route.set(target, ROUTE_HITS, 0);
  const groupCount = Route.get(block, ROUTE_GROUP_COUNT);
  let at = block + head;
  let to = target + head;
  for (let index: u32 = 0; index < groupCount; index++) {
    Route.set(to, 0, index < from ? 0 : RouteGroup.size(at));
    if (index >= from) copyGroup(to + 4, at);
    to += RouteGroup.bytes(to);
    at += RouteGroup.bytes(at);
  }
}

function copyGroup(to: usize, at: usize): void {
  if (!RouteGroup.isReference(at)) {
    copyExact(to, at + 4, RouteGroup.bytes(at) - 4);
    return;
  }
  const end = at + RouteGroup.bytes(at);
  for (let reference = at + 8; reference < end; reference += 4) {
    to = copyMembers(to, groupMembers(Route.get(reference, 0)));
  }
}

function copyMembers(at: usize, list: Members): usize {
  const count = list.count;
  if (count == 1) {
    Route.set(at, 0, <u32>memberAt(list, 0));
    return at + 4;
  }
  Owned.assertSpan(at, (<usize>count) << 2, OWNER_ROUTE);
  if (count != 0) copyExact(at, list.ptr, (<usize>count) << 2);
  return at + ((<usize>count) << 2);
}
