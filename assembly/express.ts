// The express lane: PUBs and HPUBs to plain recipients, one after the other in one loop.
//
//   PUB subject [reply] size␍␊ payload ␍␊   ─►   MSG subject sid [reply] size␍␊ payload ␍␊
//   HPUB subject [reply] sizes␍␊ body ␍␊    ─►   HMSG subject sid [reply] sizes␍␊ body ␍␊
//                                           ─►   a delivery record for each subscription of the program
//
// It decides nothing. Who is plain is said elsewhere (session.ts, subscription.ts); beyond that it knows when
// nothing has to be decided: a line as clients write it, no reserved subject, a payload below SHARED_MIN,
// recipients with room in their open chunk, room for a record. At the first thing out of the ordinary it gives
// up, in front of that message or of that recipient, and the long way (parser.ts, router.ts) goes on there; a
// message that it has begun it leaves in hand, so that nothing of it is read or looked up again.
// Spans and counts stay in locals: handed from step to step in globals, as on the long way, they cost three
// times as much; and conditions stand one by one, for the reason that publish-line.ts gives.

import {
  OP_NONE,
  ROUTE_GROUP_COUNT,
  ROUTE_MEMBERS,
  ROUTE_PLAIN_COUNT,
  SESSION_ECHO,
  SESSION_HEADERS,
  SESSION_PLAIN_IN,
  SESSION_PLAIN_OUT,
  SHARED_MIN,
  SUB_PLAIN,
  SUB_RAW,
} from './abi';
import { Budget, OP_UNITS, UNIT_BYTES_LOG2 } from './budget';
import { longAt, pairAt, peekAt, readDecimal, watchChunk } from './control-line';
import { Encoder } from './encoder';
import { lookupForgetLong, lookupShort } from './match-cache';
import { OpenChunk } from './outbound';
import { HPUB_ARGS, headerSize, PUB_ARGS, PublishLine, readSizes } from './publish-line';
import { NO_PICK, queuePick } from './queue-group';
import { recordDelivery, recordsHaveRoom } from './records';
import { DOLLAR, Reserved, refusal, UNDERSCORE } from './reserved';
import { Route, RouteGroup } from './route-block';
import { assertSessionJudged, Session } from './session';
import { assertSubJudged, DELIVERED_MAX, Sub } from './subscription';

const CRLF: u32 = 0x0a0d;
/** A message, and the first frame of it. */
const LANE_UNITS: u32 = OP_UNITS + 1;
/** Bytes for each unit: the shortest message has eleven. */
const UNIT_REACH: u64 = 4;

let enabled: bool = true;
/** Whole messages in, and frames out, of the last run. */
export let expressMsgs: u32 = 0;
export let expressBytes: f64 = 0;
export let expressOutMsgs: u32 = 0;
export let expressOutBytes: f64 = 0;
// Of what was reached in the last run, what was no frame.
let recordMsgs: u32 = 0;
let recordBytes: f64 = 0;

/** Who gets the message that it has left in hand, 0 = there is none. Valid until the next lookup. */
export let handBlock: usize = 0;
/** The message: from its subject on to what follows it. */
export let handSubject: usize = 0;
export let handShape: u32 = 0;
export let handNext: usize = 0;
/** Header block, and header block with payload. */
export let handHeader: u32 = 0;
export let handSize: u32 = 0;
/** Of the message in hand: plain recipients and queue groups that have been served. */
export let servedPlain: u32 = 0;
export let servedGroups: u32 = 0;
/** Whom the group at which it stopped has chosen. */
export let servedPick: u32 = NO_PICK;

/** Test hook: without the lane every message takes the long way. */
export function expressEnable(on: bool): void {
  enabled = on;
}

/**
 * Routes the messages of a session from `at` on.
 *
 * @returns the first byte that is left to the long way
 */
export function express(ptr: usize, at: usize, end: usize): usize {
  const session = Session.at(ptr);
  const account = session.account;
  const lineMax = session.controlLineMax;
  const payloadMax = min<u32>(session.payloadMax, SHARED_MIN - 1);
  let msgs: u32 = 0;
  let bytes: f64 = 0;
  let outMsgs: u32 = 0;
  let outBytes: f64 = 0;
  watchChunk(at, end);
  const takesHeaders = (session.flags & SESSION_HEADERS) != 0;
  const last = begin(ptr) ? min<usize>(end - 8, at + reach(<u64>(end - at))) : 0;
  while (at <= last && !Budget.isSpent) {
    const word = longAt(at);
    let headed: u32 = 0;
    let subject = at + PUB_ARGS;
    let shape: u32 = 0;
    if (PublishLine.isPub(word)) shape = PublishLine.readPub(subject, end, lineMax);
    else if (takesHeaders && PublishLine.isHpub(word)) {
      headed = 1;
      subject = at + HPUB_ARGS;
      shape = PublishLine.readHpub(subject, end, lineMax);
    }
    if (shape == 0) break;
    const subjectLen = PublishLine.subjectLen(shape);
    const hasReply = PublishLine.hasReply(shape);
    const first = peekAt(subject);
    if (first == DOLLAR || first == UNDERSCORE) {
      if (isRefused(subject, shape)) break;
    }
    if (hasReply) {
      if (Reserved.mayBeReply(subject + subjectLen + 1) && isRefused(subject, shape)) break;
    }
    const sizes = subject + PublishLine.sizesAt(shape);
    const lineEnd = subject + PublishLine.argsLen(shape);
    const size = headed == 0 ? readDecimal(sizes, lineEnd - sizes) : readSizes(sizes, lineEnd);
    const next = lineEnd + size + 4;
    if (size > payloadMax) break;
    if (next > end) break;
    if (pairAt(next - 2) != CRLF) break;
    const block = lookupShort(account, subject, subjectLen);
    if (block == 0) break;
    const reached =
      headed == 0
        ? Lane.serve(block, ptr, subject, shape, next, size, 0)
        : serveHeaded(block, ptr, subject, shape, next, size);
    if (reached > 1) Budget.charge(reached * (1 + (<u32>(next - at) >> UNIT_BYTES_LOG2)));
    outMsgs += reached;
    outBytes += <f64>size * <f64>reached;
    const targets = Route.get(block, ROUTE_PLAIN_COUNT) + Route.get(block, ROUTE_GROUP_COUNT);
    if (reached != targets) {
      leaveInHand(block, subject, shape, next, size, headed);
      break;
    }
    // Of a request that nobody has heard the long way tells whoever asked.
    if (targets == 0 && hasReply) {
      leaveInHand(block, subject, shape, next, size, headed);
      break;
    }
    servedPlain = 0;
    servedGroups = 0;
    msgs++;
    bytes += size;
    at = next;
  }
  session.inMsgs += msgs;
  session.inBytes += bytes;
  tally(msgs, bytes, outMsgs, outBytes);
  return at;
}

// How far the lane may go on what is left of the budget, if nobody or one gets each message. The op and its first frame
// are charged at the end: counted in the loop they would cost a nanosecond of fifteen. Beyond that each frame is charged
// a unit, and what its bytes are.
function reach(bytes: u64): usize {
  if (Budget.isSpent) return 0;
  return Budget.left >= <i64>bytes
    ? <usize>bytes
    : <usize>min<u64>(<u64>Budget.left * UNIT_REACH, bytes);
}

// What was reached and was no frame was a record.
function tally(msgs: u32, bytes: f64, outMsgs: u32, outBytes: f64): void {
  Budget.charge(msgs * LANE_UNITS + (<u32>bytes >> UNIT_BYTES_LOG2));
  expressMsgs = msgs;
  expressBytes = bytes;
  expressOutMsgs = outMsgs - recordMsgs;
  expressOutBytes = outBytes - recordBytes;
}

// Whether the publisher is plain; nothing is in hand yet.
function begin(ptr: usize): bool {
  recordMsgs = 0;
  recordBytes = 0;
  handBlock = 0;
  lookupForgetLong();
  servedPlain = 0;
  servedGroups = 0;
  servedPick = NO_PICK;
  assertSessionJudged(ptr);
  return enabled && (Session.at(ptr).flags & SESSION_PLAIN_IN) != 0;
}

function isRefused(subject: usize, shape: u32): bool {
  const subjectLen = PublishLine.subjectLen(shape);
  const replyLen = PublishLine.replyLen(shape);
  return refusal(subject, subjectLen, subject + subjectLen + 1, replyLen) != OP_NONE;
}

function leaveInHand(
  block: usize,
  subject: usize,
  shape: u32,
  next: usize,
  size: u32,
  headed: u32,
): void {
  handBlock = block;
  handSubject = subject;
  handShape = shape;
  handNext = next;
  handHeader = headed == 0 ? 0 : headerSize;
  handSize = size;
}

// ── The recipients ────────────────────────────────────────────────────────────────────────────────

class Lane {
  // Answers how many were reached: one for each plain member and each group, or fewer.
  @inline
  static serve(
    block: usize,
    from: usize,
    subject: usize,
    shape: u32,
    next: usize,
    size: u32,
    headed: u32,
  ): u32 {
    const plainCount = Route.get(block, ROUTE_PLAIN_COUNT);
    let at = block + ROUTE_MEMBERS;
    const groups = at + ((<usize>plainCount) << 2);
    while (at < groups) {
      const member: usize = Route.get(at, 0);
      if (Sub.at(member).session == 0) break;
      if (!Lane.send(member, from, subject, shape, next, size, headed)) break;
      at += 4;
    }
    if (at != groups) {
      at = serveMixed(at, groups, from, subject, shape, next, size, headed);
      if (at != groups) {
        servedPlain = <u32>(at - block - ROUTE_MEMBERS) >> 2;
        return servedPlain;
      }
    }
    const groupCount = Route.get(block, ROUTE_GROUP_COUNT);
    if (groupCount == 0) return plainCount;
    servedPlain = plainCount;
    return plainCount + serveGroups(groups, groupCount, from, subject, shape, next, size, headed);
  }

  // Whether the recipient has got it; false: nothing was done.
  @inline
  static deliver(
    ptr: usize,
    from: usize,
    subject: usize,
    shape: u32,
    next: usize,
    size: u32,
    headed: u32,
  ): bool {
    if (Sub.at(ptr).session == 0) return tell(ptr, from, subject, shape, next, size, headed);
    return Lane.send(ptr, from, subject, shape, next, size, headed);
  }

  // The same of a peer's.
  @inline
  static send(
    ptr: usize,
    from: usize,
    subject: usize,
    shape: u32,
    next: usize,
    size: u32,
    headed: u32,
  ): bool {
    const sub = Sub.at(ptr);
    const to = sub.session;
    const sidLen = sub.sidLen;
    const subjectLen = PublishLine.subjectLen(shape);
    assertSubJudged(ptr);
    if ((sub.flags & SUB_PLAIN) == 0) return false;
    assertSessionJudged(to);
    const session = Session.at(to);
    const flags = session.flags;
    if ((flags & SESSION_PLAIN_OUT) == 0) return false;
    if (headed != 0 && (flags & SESSION_HEADERS) == 0) return false;
    if (to == from && (flags & SESSION_ECHO) == 0) return false;
    // "MSG " or "HMSG " and the sid with its blank come to what was written from the subject on.
    const frame = OpenChunk.reserve(session, 5 + headed + sidLen + <u32>(next - subject));
    if (frame == 0) return false;
    OpenChunk.commit(session, Encoder.frameVerbatim(frame, headed, ptr, subject, subjectLen, next));
    session.outMsgs += 1;
    session.outBytes += size;
    if (sub.delivered != DELIVERED_MAX) sub.delivered++;
    return true;
  }
}

// The program's: a record, if there is room for it.
function tell(
  ptr: usize,
  from: usize,
  subject: usize,
  shape: u32,
  next: usize,
  size: u32,
  headed: u32,
): bool {
  const sub = Sub.at(ptr);
  if ((sub.flags & SUB_PLAIN) == 0 || !recordsHaveRoom()) return false;
  const subjectLen = PublishLine.subjectLen(shape);
  recordDelivery(
    sub.handle,
    Session.at(from).handle,
    sub.flags & SUB_RAW,
    subject,
    subjectLen,
    subject + subjectLen + 1,
    PublishLine.replyLen(shape),
    next - size - 2,
    size,
    headed == 0 ? 0 : headerSize,
  );
  recordMsgs++;
  recordBytes += size;
  if (sub.delivered != DELIVERED_MAX) sub.delivered++;
  return true;
}

// A copy of its own, so that a PUB is not asked for a header block at each recipient.
function serveHeaded(
  block: usize,
  from: usize,
  subject: usize,
  shape: u32,
  next: usize,
  size: u32,
): u32 {
  return Lane.serve(block, from, subject, shape, next, size, 1);
}

// Peers' and the program's; answers where it stopped. It goes on where the loop above it has met somebody who is
// no peer: with a call in it that loop would be a twentieth slower.
function serveMixed(
  at: usize,
  end: usize,
  from: usize,
  subject: usize,
  shape: u32,
  next: usize,
  size: u32,
  headed: u32,
): usize {
  while (at < end) {
    if (!Lane.deliver(Route.get(at, 0), from, subject, shape, next, size, headed)) break;
    at += 4;
  }
  return at;
}

function serveGroups(
  at: usize,
  count: u32,
  from: usize,
  subject: usize,
  shape: u32,
  next: usize,
  size: u32,
  headed: u32,
): u32 {
  while (servedGroups < count) {
    servedPick = queuePick(RouteGroup.size(at));
    const member = RouteGroup.member(at, servedPick);
    if (!Lane.deliver(member, from, subject, shape, next, size, headed)) break;
    servedPick = NO_PICK;
    at += RouteGroup.bytes(at);
    servedGroups++;
  }
  return servedGroups;
}
