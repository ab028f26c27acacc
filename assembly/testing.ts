// The entry of the test build: everything that ships, and beside it the inner functions that tests call.

import { RECORD_BYTES } from './abi';
import { copyExact } from './bytes';
import { cursorCount } from './cursors';
import { tableFirst, tableLongestRun, tableNext } from './hash-table';
import { growthsRefused, resultPtr } from './memory';
import { nodeMembers } from './node';
import { outboundReserve } from './outbound';
import { Frame, Owned } from './ownership';
import { opNext, parse as parseOne } from './parser';
import { recordSetBody } from './records';
import { Session, sessionFind } from './session';
import { tokenPtr } from './subject';
import { edges, groupNames, literals } from './sublist';
import { memberAt, queueNames, Sub, sids } from './subscription';

export { hash } from './bytes';
export { expressEnable, expressMsgs } from './express';
export * from './index';
export { lookupLimit } from './match-cache';
export {
  opArgsLen,
  opArgsPtr,
  opBodyLen,
  opBodyPtr,
  opCanonical,
  opError,
  opHeaderLen,
  opLineLen,
  opLinePtr,
  opMax,
  opNeed,
  opNext,
  opReplyLen,
  opReplyPtr,
  opSidLen,
  opSidPtr,
  opSizesLen,
  opSizesPtr,
  opState,
  opSubjectLen,
  opSubjectPtr,
  opVerb,
} from './parser';
export { walkLimit } from './walk-route';

/** Longest run of full slots in the tables of names that peers choose: what the worst search for one costs. */
export function longestRun(): u32 {
  const inSublist = max(tableLongestRun(literals), tableLongestRun(edges));
  const inGroups = max(tableLongestRun(groupNames), tableLongestRun(queueNames));
  return max(max(inSublist, inGroups), tableLongestRun(sids));
}

/** Cursors that stand somewhere. */
export function cursorsStanding(): u32 {
  return cursorCount;
}

/** How often growth was refused since `memoryForceGrowth` blocked it. */
export function growthRefusals(): u32 {
  return growthsRefused;
}

/** `parse` of parser.ts with all of its parameters. */
export function parse(
  state: u32,
  ptr: usize,
  end: usize,
  controlLineMax: u32,
  payloadMax: u32,
  takesHeaders: bool,
): i32 {
  return parseOne(state, ptr, end, controlLineMax, payloadMax, takesHeaders);
}

/** A word of an owner (OWNER_*). A trap unless all of it is his. */
export function ownedRead(ptr: usize, owner: u32): u32 {
  return Owned.read<u32>(ptr, owner);
}

/** A byte into the frame that is open. A trap unless one is, and the byte lies in it. */
export function frameWriteByte(ptr: usize): void {
  Frame.write<u8>(ptr, 0);
}

/** Room for a frame behind a session's cursor; answers where it begins, 0 = none. */
export function frameReserve(session: u32, bytes: u32): u32 {
  const ptr = sessionFind(session);
  return outboundReserve(ptr, bytes, false) ? <u32>Session.at(ptr).outCursor : 0;
}

/** The node of a subscription. A trap unless it has a living record there. */
export function subNode(sub: usize): u32 {
  return <u32>Sub.at(sub).node;
}

/** The member of a node at an index. A trap beyond the last one. */
export function nodeMember(node: usize, index: u32): u32 {
  return <u32>memberAt(nodeMembers(node), index);
}

/** The slot behind one of the first part of the table of literals. A trap unless that is one of its slots. */
export function literalsNext(slot: usize): u32 {
  return <u32>tableNext(tableFirst(literals), slot);
}

/** Where the slots of the first part of the table of literals begin. */
export function literalsSlots(): u32 {
  return <u32>tableFirst(literals).slots;
}

/** Copies a span as the core does. A trap unless each lies in one thing. */
export function spanCopy(target: usize, source: usize, length: u32): void {
  copyExact(target, source, length);
}

/** A token of the last split. A trap where there can be none. */
export function tokenStart(index: u32): u32 {
  return <u32>tokenPtr(index);
}

/** A record's field in the result region. A trap unless the record has been appended. */
export function recordTouch(index: u32): void {
  recordSetBody(resultPtr + <usize>index * RECORD_BYTES, 0, 0);
}

/** Parses all whole ops between two addresses and answers how many: what the benches measure of the parser alone. */
export function parseAll(ptr: usize, end: usize): u32 {
  let count: u32 = 0;
  while (ptr < end && parseOne(0, ptr, end, 4096, 1048576) != 0) {
    ptr = opNext;
    count++;
  }
  return count;
}
