// The express lane: PUBs and HPUBs to plain recipients, one after the other in one loop.
//
//   PUB subject [reply] size␍␊ payload ␍␊   ─►   MSG subject sid [reply] size␍␊ payload ␍␊
//   HPUB subject [reply] sizes␍␊ body ␍␊    ─►   HMSG subject sid [reply] sizes␍␊ body ␍␊
//
// It decides nothing. What it knows is when nothing has to be decided: a line as clients write it, a payload
// below SHARED_MIN, recipients with room in their open chunk. At the first thing out of the ordinary it gives
// up, in front of that message or of that recipient, and the long way (parser.ts, router.ts) goes on there.
// Spans and counts stay in locals: handed from step to step in globals, as on the long way, they cost three
// times as much; and conditions stand one by one, for the reason that publish-line.ts gives.

import {
  PARSE_LINE,
  ROUTE_GROUP_COUNT,
  ROUTE_MEMBERS,
  ROUTE_PLAIN_COUNT,
  SESSION_CLOSED,
  SESSION_ECHO,
  SESSION_HEADERS,
  SESSION_PEDANTIC,
  SESSION_SLOW,
  SESSION_TRACE,
  SESSION_VERBOSE,
  SHARED_MIN,
  SUB_CLOSED,
} from './abi';
import { longAt, pairAt, peekAt, readDecimal, watchChunk } from './control-line';
import { Encoder } from './encoder';
import { lookup, Route } from './match-cache';
import { OpenChunk } from './outbound';
import { HPUB_ARGS, PUB_ARGS, PublishLine, readSizes } from './publish-line';
import { NO_PICK, queuePick } from './queue-group';
import { Session } from './session';
import { DELIVERED_MAX, SID_INLINE_MAX, Sub } from './subscription';

/** A publisher whose messages leave more behind than frames. */
const UNFIT: u32 =
  SESSION_CLOSED | SESSION_SLOW | SESSION_TRACE | SESSION_PEDANTIC | SESSION_VERBOSE;
/** A recipient that gets nothing, or whose frames leave records. */
const UNREADY: u32 = SESSION_CLOSED | SESSION_SLOW | SESSION_TRACE;
const CRLF: u32 = 0x0a0d;
const DOLLAR: u32 = 36;
const UNDERSCORE: u32 = 95;
const LETTER_G: u32 = 71;
const LETTER_R: u32 = 82;

let enabled: bool = true;
/** Whole messages in, and frames out, of the last run. */
export let expressMsgs: u32 = 0;
export let expressBytes: f64 = 0;
export let expressOutMsgs: u32 = 0;
export let expressOutBytes: f64 = 0;
/** Of the message that it left half done: plain recipients and queue groups that have been served. */
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
  servedPlain = 0;
  servedGroups = 0;
  servedPick = NO_PICK;
  watchChunk(at, end);
  const takesHeaders = (session.flags & SESSION_HEADERS) != 0;
  const isFit = enabled && (session.flags & UNFIT) == 0 && session.parseState == PARSE_LINE;
  const last = isFit ? end - 8 : 0;
  while (at <= last) {
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
    const hasReply = PublishLine.sizesAt(shape) != subjectLen + 1;
    if (isReserved(subject)) break;
    if (hasReply && isReserved(subject + subjectLen + 1)) break;
    const sizes = subject + PublishLine.sizesAt(shape);
    const lineEnd = subject + PublishLine.argsLen(shape);
    const size = headed == 0 ? readDecimal(sizes, lineEnd - sizes) : readSizes(sizes, lineEnd);
    const next = lineEnd + size + 4;
    if (size > payloadMax) break;
    if (next > end) break;
    if (pairAt(next - 2) != CRLF) break;
    const block = lookup(account, subject, subjectLen);
    if (block == 0) break;
    const reached =
      headed == 0
        ? Lane.serve(block, ptr, subject, subjectLen, next, size, 0)
        : serveHeaded(block, ptr, subject, subjectLen, next, size);
    outMsgs += reached;
    outBytes += <f64>size * <f64>reached;
    const targets = Route.get(block, ROUTE_PLAIN_COUNT) + Route.get(block, ROUTE_GROUP_COUNT);
    // A request that nobody has heard: the long way tells whoever asked.
    if (reached != targets) break;
    if (targets == 0 && hasReply) break;
    servedPlain = 0;
    servedGroups = 0;
    msgs++;
    bytes += size;
    at = next;
  }
  session.inMsgs += msgs;
  session.inBytes += bytes;
  expressMsgs = msgs;
  expressBytes = bytes;
  expressOutMsgs = outMsgs;
  expressOutBytes = outBytes;
  return at;
}

// Whether it may be a subject that clients must not use; ingest.ts knows. "$…", "_G…" and "_R…".
function isReserved(ptr: usize): bool {
  const first = peekAt(ptr);
  if (first != DOLLAR && first != UNDERSCORE) return false;
  const second = peekAt(ptr + 1);
  return first == DOLLAR || second == LETTER_G || second == LETTER_R;
}

// ── The recipients ────────────────────────────────────────────────────────────────────────────────

class Lane {
  // Answers how many were reached: one for each plain member and each group, or fewer.
  @inline
  static serve(
    block: usize,
    from: usize,
    subject: usize,
    subjectLen: u32,
    next: usize,
    size: u32,
    headed: u32,
  ): u32 {
    const plainCount = Route.get(block, ROUTE_PLAIN_COUNT);
    let at = block + ROUTE_MEMBERS;
    const groups = at + ((<usize>plainCount) << 2);
    while (at < groups) {
      if (!Lane.deliver(Route.get(at, 0), from, subject, subjectLen, next, size, headed)) {
        servedPlain = <u32>(at - block - ROUTE_MEMBERS) >> 2;
        return servedPlain;
      }
      at += 4;
    }
    const groupCount = Route.get(block, ROUTE_GROUP_COUNT);
    if (groupCount == 0) return plainCount;
    servedPlain = plainCount;
    return (
      plainCount + serveGroups(groups, groupCount, from, subject, subjectLen, next, size, headed)
    );
  }

  // Whether the recipient has got it; false: nothing was done.
  @inline
  static deliver(
    ptr: usize,
    from: usize,
    subject: usize,
    subjectLen: u32,
    next: usize,
    size: u32,
    headed: u32,
  ): bool {
    const sub = Sub.at(ptr);
    const to = sub.session;
    const sidLen = sub.sidLen;
    if (to == 0) return false;
    if (((sub.flags & SUB_CLOSED) | sub.max) != 0) return false;
    if (sidLen > SID_INLINE_MAX) return false;
    const session = Session.at(to);
    const flags = session.flags;
    if ((flags & UNREADY) != 0) return false;
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

// A copy of its own, so that a PUB is not asked for a header block at each recipient.
function serveHeaded(
  block: usize,
  from: usize,
  subject: usize,
  subjectLen: u32,
  next: usize,
  size: u32,
): u32 {
  return Lane.serve(block, from, subject, subjectLen, next, size, 1);
}

function serveGroups(
  at: usize,
  count: u32,
  from: usize,
  subject: usize,
  subjectLen: u32,
  next: usize,
  size: u32,
  headed: u32,
): u32 {
  while (servedGroups < count) {
    const members = Route.get(at, 0);
    servedPick = queuePick(members);
    const member = Route.get(at, 4 + ((<usize>servedPick) << 2));
    if (!Lane.deliver(member, from, subject, subjectLen, next, size, headed)) break;
    servedPick = NO_PICK;
    at += 4 + ((<usize>members) << 2);
    servedGroups++;
  }
  return servedGroups;
}
