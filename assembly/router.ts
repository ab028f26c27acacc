// The route of one message: match, pick, encode, all in one pass that can stop and go on.
//
//   routeBegin ─► plain members ─► one of each group ─► shared ends, 503 ─► done
//                     │ AGAIN         │ AGAIN
//                     └── routeGo ◄───┘   goes on at the cursor: nobody is served twice or forgotten
//
// A step stops before it has changed anything: when the result region has no room for its records
// (STATUS_AGAIN_RESULT) or the pool none for its frame (STATUS_AGAIN_POOL). While a route is stopped no other
// may begin, so its block stays; subscriptions that close meanwhile are marked, and passed over.

import {
  PRESSED_MAX,
  RECORD_LAST,
  RECORD_SHARED,
  RECORD_SHARED_END,
  RECORD_SLOW,
  RECORD_TRACE_END,
  RECORD_TRACE_OUT,
  ROUTE_GROUP_COUNT,
  ROUTE_MEMBERS,
  ROUTE_PLAIN_COUNT,
  SESSION_CLOSED,
  SESSION_ECHO,
  SESSION_HEADERS,
  SESSION_NO_RESPONDERS,
  SESSION_SHEDDING,
  SESSION_SLOW,
  SESSION_TRACE,
  SHARED_MIN,
  STATUS_AGAIN_POOL,
  STATUS_AGAIN_RESULT,
  STATUS_OK,
  SUB_CLOSED,
  SUB_RAW,
  SUB_SID,
} from './abi';
import { accountCountOut } from './account';
import { Budget, FRAME_UNITS, MEMBER_UNITS, NO_RESPONDERS_UNITS, UNIT_BYTES_LOG2 } from './budget';
import { sendNoResponders } from './control-frames';
import {
  bodyLen,
  bodyPtr,
  Encoder,
  encoderStrip,
  frameBodyBytes,
  frameBodyPtr,
  frameHeadBytes,
  headerLen,
  replyLen,
  replyPtr,
  subjectLen,
  subjectPtr,
} from './encoder';
import { subscriptionForReply } from './interest';
import { layOutGroups } from './match-cache';
import { outboundCommit, outboundIsSlow, outboundReserve, outboundShare } from './outbound';
import { OWNER_SUB, Owned } from './ownership';
import { poolUsed } from './pool';
import { NO_PICK, queuePick } from './queue-group';
import {
  recordAppend,
  recordBody,
  recordDelivery,
  recordLine,
  recordSetBody,
  recordSetFlags,
  recordsHaveRoom,
} from './records';
import { Route, RouteGroup } from './route-block';
import { Session, sessionMark, subscriptionClose } from './session';
import { DELIVERED_MAX, Sub, subSidPtr } from './subscription';
import { walkHeard } from './walk-shares';

/** A body of this size is shared even for one recipient: it would not fit into a chunk. */
const SHARED_ALWAYS: u32 = 524288;
const EVERYBODY: u32 = 0xffffffff;

/** A route has stopped and waits for `routeGo`. */
export let isStopped: bool = false;
/** Recipients that the route has reached. */
export let reached: u32 = 0;
/** The session of a recipient that is above half of its pending limit, or PRESSED_MAX (abi.ts); 0 = none is. */
export let pressed: u32 = 0;
// Of the message at hand; added up when it is done.
let remoteCount: u32 = 0;
let remoteBytes: f64 = 0;

// Flushing has brought no chunk back.
let isStarved: bool = false;
let origin: usize = 0;
let account: usize = 0;
let block: usize = 0;
let localOnly: bool = false;
let mayShare: bool = false;
/** It is a part of a longer one: who asks hears nothing from it. */
let isPart: bool = false;
// Of a message that has waited: whoever of the program has a higher SID came too late.
let lastSid: u32 = EVERYBODY;
// In a group without anybody else one of those stands in; it is their turn now.
let standsIn: bool = false;
let isLate: bool = false;
// The cursor.
let plainIndex: u32 = 0;
let groupIndex: u32 = 0;
let groupPtr: usize = 0;
// Member that the group at the cursor has chosen already.
let picked: u32 = NO_PICK;
// Shared payloads of this message: whole and stripped. Id 0 = not made.
let sharedSerial: u32 = 0;
let sharedWhole: u32 = 0;
let sharedWholeCount: u32 = 0;
let sharedPlain: u32 = 0;
let sharedPlainCount: u32 = 0;

/** Goes on after a stop. `starved`: flushing has brought no chunk back, so nobody is waited for. */
export function routeResume(starved: bool): i32 {
  isStarved = starved;
  const status = routeGo();
  isStarved = false;
  return status;
}

/** Gives up a route that has stopped: whoever has not been reached does not get the message. */
export function routeAbandon(): void {
  isStopped = false;
}

/** Forgets the pressure of the call before. */
export function pressureReset(): void {
  pressed = 0;
}

/**
 * Takes up who gets the message that the encoder has taken up; routeGo must follow before the next lookup.
 *
 * @param from the session that published, 0 = the program
 * @param found their block, as `lookup` gave it
 * @param onlyLocal deliver to the program's subscriptions alone
 */
export function routeBegin(owner: usize, from: usize, found: usize, onlyLocal: bool): void {
  assert(!isStopped);
  block = found;
  account = owner;
  origin = from;
  localOnly = onlyLocal;
  lastSid = EVERYBODY;
  standsIn = false;
  isLate = false;
  reached = 0;
  remoteCount = 0;
  remoteBytes = 0;
  plainIndex = 0;
  groupIndex = 0;
  picked = NO_PICK;
  sharedWhole = 0;
  sharedPlain = 0;
  const plainCount = Route.get(block, ROUTE_PLAIN_COUNT);
  groupPtr = block + ROUTE_MEMBERS + ((<usize>plainCount) << 2);
  const targets = plainCount + Route.get(block, ROUTE_GROUP_COUNT);
  isPart = false;
  mayShare = bodyLen >= <u32>SHARED_MIN && (targets > 1 || bodyLen >= SHARED_ALWAYS);
}

/**
 * Behind routeBegin: the message has waited, and is not for whoever of the program has come since.
 *
 * @param last the highest SID of those who had come
 * @param mayStandIn one of the others gets it in a group that has nobody else
 */
export function routeNarrow(last: u32, mayStandIn: bool): void {
  lastSid = last;
  standsIn = mayStandIn;
}

/**
 * Behind routeBegin: passes over whom the express lane has served, the first ones of each kind.
 *
 * @param pick the member that the next group has chosen, NO_PICK = none yet
 */
export function routeSkip(plain: u32, groups: u32, pick: u32): void {
  picked = pick;
  plainIndex = plain;
  reached = plain + groups;
  while (groupIndex < groups) nextGroup();
}

/**
 * Behind routeBegin: the route is a part of a walk of the session that has published.
 *
 * @param pick the member that its one group has chosen, NO_PICK = none
 */
export function routePart(pick: u32): void {
  isPart = true;
  picked = pick;
}

function nextGroup(): void {
  groupPtr += RouteGroup.bytes(groupPtr);
  groupIndex++;
}

// Members come and go while a route is stopped: what lies elsewhere is brought in. Without memory for that whoever is
// in a group does not get the message.
function stop(status: i32): i32 {
  const found = layOutGroups(block, groupIndex);
  if (found == block) return status;
  if (found == 0) groupIndex = Route.get(block, ROUTE_GROUP_COUNT);
  else block = found;
  const plainCount = Route.get(block, ROUTE_PLAIN_COUNT);
  groupPtr = block + ROUTE_MEMBERS + ((<usize>plainCount) << 2) + ((<usize>groupIndex) << 2);
  return status;
}

/** Routes, or goes on. STATUS_OK: done, `reached` tells how many got it; STATUS_AGAIN_*: call again. */
export function routeGo(): i32 {
  isStopped = true;
  const plainCount = Route.get(block, ROUTE_PLAIN_COUNT);
  while (plainIndex < plainCount) {
    const member: usize = Route.get(block + ROUTE_MEMBERS, (<usize>plainIndex) << 2);
    const outcome = deliver(member);
    if (outcome < 0) return stop(outcome);
    plainIndex++;
  }
  const groupCount = Route.get(block, ROUTE_GROUP_COUNT);
  while (groupIndex < groupCount) {
    const size = RouteGroup.size(groupPtr);
    let outcome = deliverToOne(size);
    if (outcome == 0 && standsIn && !isLate) {
      isLate = true;
      outcome = deliverToOne(size);
    }
    if (outcome < 0) return stop(outcome);
    isLate = false;
    nextGroup();
  }
  if (!recordsHaveRoom()) return STATUS_AGAIN_RESULT;
  finish();
  isStopped = false;
  return STATUS_OK;
}

function finish(): void {
  if (remoteCount != 0) accountCountOut(account, remoteCount, remoteBytes);
  if (sharedWhole != 0) endShared(sharedWhole, sharedWholeCount);
  if (sharedPlain != 0) endShared(sharedPlain, sharedPlainCount);
  if (isPart) {
    const walk = Session.at(origin).walk;
    if (walk != 0 && reached != 0) walkHeard(walk);
    return;
  }
  if (reached == 0 && origin != 0) routeUnheard(account, origin);
}

/** Nobody has got the message of a session that the encoder has taken up: whoever has asked for a reply is told. */
export function routeUnheard(account: usize, origin: usize): void {
  if (replyLen == 0) return;
  const session = Session.at(origin);
  if ((session.flags & SESSION_NO_RESPONDERS) == 0) return;
  Budget.charge(NO_RESPONDERS_UNITS);
  const sub = subscriptionForReply(account, origin, replyPtr, replyLen);
  if (sub != 0) sendNoResponders(origin, sub, replyPtr, replyLen, subjectPtr, subjectLen);
}

function endShared(id: u32, references: u32): void {
  recordSetFlags(recordAppend(RECORD_SHARED_END, id), references);
}

// A random start, then one after the other until one takes it. A stop keeps to the one it came to.
function deliverToOne(count: u32): i32 {
  let index = picked == NO_PICK ? queuePick(count) : picked;
  picked = NO_PICK;
  for (let tries: u32 = 0; tries < count; tries++) {
    const outcome = deliver(RouteGroup.member(groupPtr, index));
    if (outcome < 0) picked = index;
    if (outcome != 0) return outcome;
    if (++index == count) index = 0;
  }
  return 0;
}

// 1 = delivered, 0 = it cannot take it, negative = stopped before anything was changed.
function deliver(ptr: usize): i32 {
  Budget.charge(MEMBER_UNITS);
  const sub = Sub.at(ptr);
  if ((sub.flags & SUB_CLOSED) != 0) return 0;
  if (!recordsHaveRoom()) return STATUS_AGAIN_RESULT;
  if (sub.session == 0) {
    // What has no bytes is for nobody who takes bytes.
    if (localOnly && (sub.flags & SUB_RAW) != 0) return 0;
    if (Owned.read<u32>(ptr + SUB_SID, OWNER_SUB) > lastSid && !isLate) return 0;
    deliverLocal(ptr);
    return 1;
  }
  if (localOnly) return 0;
  const outcome = deliverRemote(ptr, sub.session);
  if (outcome > 0 && countDelivery(ptr)) traceEnd(ptr);
  return outcome;
}

function traceEnd(ptr: usize): void {
  const sub = Sub.at(ptr);
  const session = Session.at(sub.session);
  if ((session.flags & SESSION_TRACE) == 0) return;
  recordLine(RECORD_TRACE_END, session.handle, subSidPtr(ptr), sub.sidLen);
}

// Answers whether it was the last one that its max allows.
function countDelivery(ptr: usize): bool {
  const sub = Sub.at(ptr);
  reached++;
  if (sub.delivered != DELIVERED_MAX) sub.delivered++;
  if (sub.max == 0 || sub.delivered < sub.max) return false;
  subscriptionClose(ptr);
  return true;
}

function deliverLocal(ptr: usize): void {
  recordDelivery(
    Sub.at(ptr).handle,
    origin == 0 ? 0 : Session.at(origin).handle,
    (Sub.at(ptr).flags & SUB_RAW) | (countDelivery(ptr) ? RECORD_LAST : 0),
    subjectPtr,
    subjectLen,
    replyPtr,
    replyLen,
    bodyPtr,
    bodyLen,
    headerLen,
  );
}

function deliverRemote(sub: usize, ptr: usize): i32 {
  const session = Session.at(ptr);
  const flags = session.flags;
  if ((flags & (SESSION_CLOSED | SESSION_SLOW | SESSION_SHEDDING)) != 0) return 0;
  if (ptr == origin && (flags & SESSION_ECHO) == 0) return 0;
  const stripped = headerLen != 0 && (flags & SESSION_HEADERS) == 0;
  if (stripped && !encoderStrip()) return 0; // No memory for another head: at most once.
  const headBytes = frameHeadBytes(sub, stripped);
  const bodyBytes = frameBodyBytes(stripped);
  const bytes = mayShare ? headBytes : headBytes + bodyBytes;
  Budget.charge(FRAME_UNITS + (bytes >> UNIT_BYTES_LOG2));
  if (!outboundReserve(ptr, bytes, false)) return starve(ptr);
  const at = session.outCursor;
  assert(at + bytes <= session.outEnd);
  Encoder.frameWrite(at, sub, stripped, !mayShare);
  outboundCommit(ptr, bytes);
  if (mayShare) share(ptr, stripped, bodyBytes);
  session.outMsgs += 1;
  session.outBytes += bodyBytes - 2;
  remoteCount++;
  remoteBytes += bodyBytes - 2;
  if (session.pending > pressedAbove(session)) {
    pressed = session.handle;
    if (outboundIsSlow(ptr)) recordAppend(RECORD_SLOW, session.handle);
  }
  if ((flags & SESSION_TRACE) != 0) {
    const record = recordLine(RECORD_TRACE_OUT, session.handle, at, headBytes - 2);
    recordSetBody(record, frameBodyPtr(stripped), bodyBytes - 2);
    const to = Sub.at(sub);
    if (to.max != 0 && to.delivered + 1 >= to.max) recordSetFlags(record, to.max);
  }
  return 1;
}

// With more pending a session is pressed. Of this process it wants but so much that it is not idle.
function pressedAbove(session: Session): u32 {
  const half = session.pendingMax >> 1;
  return origin == 0 ? min<u32>(half, PRESSED_MAX) : half;
}

// No chunk for the frame. Flushing may help, unless nothing is lent that could come back: then memory itself
// has ended, and the session is given up so that the route can go on.
function starve(ptr: usize): i32 {
  if (poolUsed != 0 && !isStarved) return STATUS_AGAIN_POOL;
  isStarved = false; // One is given up at a time: what it held may do for the others.
  sessionMark(ptr, SESSION_SLOW);
  recordAppend(RECORD_SLOW, Session.at(ptr).handle);
  return 0;
}

function share(ptr: usize, stripped: bool, bytes: u32): void {
  let id = stripped ? sharedPlain : sharedWhole;
  if (id == 0) {
    if (++sharedSerial == 0) sharedSerial = 1;
    id = sharedSerial;
    recordBody(RECORD_SHARED, id, frameBodyPtr(stripped), bytes);
    if (stripped) {
      sharedPlain = id;
      sharedPlainCount = 0;
    } else {
      sharedWhole = id;
      sharedWholeCount = 0;
    }
  }
  // Without memory for the reference the frame would be torn: such a session ends as a slow consumer.
  if (!outboundShare(ptr, id, bytes)) {
    sessionMark(ptr, SESSION_SLOW);
    recordAppend(RECORD_SLOW, Session.at(ptr).handle);
    return;
  }
  if (stripped) sharedPlainCount++;
  else sharedWholeCount++;
}
