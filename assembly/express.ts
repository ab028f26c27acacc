// The express lane: plain PUBs to plain recipients, one after the other in one loop.
//
//   PUB subject [reply] size␍␊ payload ␍␊   ─►   MSG subject sid [reply] size␍␊ payload ␍␊
//
// It decides nothing. What it knows is when nothing has to be decided: a line as clients write it, a payload
// below SHARED_MIN, recipients with room in their open chunk. At the first thing out of the ordinary it gives
// up, in front of that message or of that recipient, and the long way (parser.ts, router.ts) goes on there.
// Spans and counts stay in locals: handed from step to step in globals, as on the long way, they cost three
// times as much.

import {
  PARSE_LINE,
  ROUTE_GROUP_COUNT,
  ROUTE_MEMBERS,
  ROUTE_PLAIN_COUNT,
  SESSION_CLOSED,
  SESSION_ECHO,
  SESSION_PEDANTIC,
  SESSION_SLOW,
  SESSION_TRACE,
  SESSION_VERBOSE,
  SHARED_MIN,
  SUB_CLOSED,
} from './abi';
import {
  blankMask,
  byteAt,
  longAt,
  pairAt,
  peekAt,
  readDecimal,
  SPACE,
  watchChunk,
} from './control-line';
import { Encoder } from './encoder';
import { lookup, Route } from './match-cache';
import { OpenChunk } from './outbound';
import { NO_PICK, queuePick } from './queue-group';
import { Session } from './session';
import { DELIVERED_MAX, SID_INLINE_MAX, Sub } from './subscription';

/** A publisher whose messages leave more behind than frames. */
const UNFIT: u32 =
  SESSION_CLOSED | SESSION_SLOW | SESSION_TRACE | SESSION_PEDANTIC | SESSION_VERBOSE;
/** A recipient that gets nothing, or whose frames leave records. */
const UNREADY: u32 = SESSION_CLOSED | SESSION_SLOW | SESSION_TRACE;
const PUB: u32 = 0x20627570; // "pub "
const LOWER_CASE: u32 = 0x00202020;
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
  const isFit = enabled && (session.flags & UNFIT) == 0 && session.parseState == PARSE_LINE;
  while (isFit && at + 8 <= end) {
    const line = Line.read(at, end, lineMax);
    const size = <u32>line;
    const subject = at + 4;
    const subjectLen = <u32>(line >> SUBJECT_LEN_AT) & 0xff;
    const next = subject + (<usize>(line >> LINE_LEN_AT) & 0xff) + size + 4;
    if (line == 0 || size > payloadMax || next > end || pairAt(next - 2) != CRLF) break;
    const block = lookup(account, subject, subjectLen);
    if (block == 0) break;
    const reached = Lane.serve(block, ptr, subject, subjectLen, next, size);
    outMsgs += reached;
    outBytes += <f64>size * <f64>reached;
    const targets = Route.get(block, ROUTE_PLAIN_COUNT) + Route.get(block, ROUTE_GROUP_COUNT);
    // A request that nobody has heard: the long way tells whoever asked.
    if (reached != targets || (targets == 0 && (line & HAS_REPLY) != 0)) break;
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

// ── The line ──────────────────────────────────────────────────────────────────────────────────────
//
// Its shape is one word: size, length of the subject, length of the line behind the verb, and whether there
// is a reply. 0 is a line for the long way.

const SUBJECT_LEN_AT: u64 = 32;
const LINE_LEN_AT: u64 = 40;
const HAS_REPLY: u64 = 1 << 48;

class Line {
  // The mask has a bit for each blank and control byte, so taken off one by one they are the ends of the
  // arguments. What it tells of bytes beyond the end leads to the end of a line that lies there, too.
  @inline
  static read(line: usize, end: usize, lineMax: u32): u64 {
    if ((<u32>longAt(line) | LOWER_CASE) != PUB) return 0;
    const args = line + 4;
    const mask = blankMask(args);
    let rest = mask & (mask - 1);
    const subjectLen = <u32>ctz(mask);
    let length = <u32>ctz(rest);
    let sizeAt = subjectLen + 1;
    let reply: u64 = 0;
    rest &= rest - 1;
    if (rest != 0 && peekAt(args + length) == SPACE) {
      if (length == sizeAt || isReserved(args + sizeAt)) return 0;
      sizeAt = length + 1;
      length = <u32>ctz(rest);
      rest &= rest - 1;
      reply = HAS_REPLY;
    }
    if (rest == 0 || args + length + 2 > end || length > lineMax) return 0;
    if (pairAt(args + length) != CRLF || byteAt(args + subjectLen) != SPACE) return 0;
    if (subjectLen == 0 || isReserved(args)) return 0;
    const size = readDecimal(args + sizeAt, length - sizeAt);
    return ((<u64>subjectLen) << SUBJECT_LEN_AT) | ((<u64>length) << LINE_LEN_AT) | reply | size;
  }
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
  ): u32 {
    const plainCount = Route.get(block, ROUTE_PLAIN_COUNT);
    let at = block + ROUTE_MEMBERS;
    const groups = at + ((<usize>plainCount) << 2);
    while (at < groups) {
      if (!Lane.deliver(Route.get(at, 0), from, subject, subjectLen, next, size)) {
        servedPlain = <u32>(at - block - ROUTE_MEMBERS) >> 2;
        return servedPlain;
      }
      at += 4;
    }
    const groupCount = Route.get(block, ROUTE_GROUP_COUNT);
    if (groupCount == 0) return plainCount;
    servedPlain = plainCount;
    return plainCount + serveGroups(groups, groupCount, from, subject, subjectLen, next, size);
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
  ): bool {
    const sub = Sub.at(ptr);
    const to = sub.session;
    const sidLen = sub.sidLen;
    if (to == 0 || ((sub.flags & SUB_CLOSED) | sub.max) != 0 || sidLen > SID_INLINE_MAX)
      return false;
    const session = Session.at(to);
    const flags = session.flags;
    if ((flags & UNREADY) != 0) return false;
    if (to == from && (flags & SESSION_ECHO) == 0) return false;
    // "MSG " and the sid with its blank come to what was written from the subject on.
    const frame = OpenChunk.reserve(session, 5 + sidLen + <u32>(next - subject));
    if (frame == 0) return false;
    OpenChunk.commit(session, Encoder.frameVerbatim(frame, ptr, subject, subjectLen, next));
    session.outMsgs += 1;
    session.outBytes += size;
    if (sub.delivered != DELIVERED_MAX) sub.delivered++;
    return true;
  }
}

function serveGroups(
  at: usize,
  count: u32,
  from: usize,
  subject: usize,
  subjectLen: u32,
  next: usize,
  size: u32,
): u32 {
  while (servedGroups < count) {
    const members = Route.get(at, 0);
    servedPick = queuePick(members);
    const member = Route.get(at, 4 + ((<usize>servedPick) << 2));
    if (!Lane.deliver(member, from, subject, subjectLen, next, size)) break;
    servedPick = NO_PICK;
    at += 4 + ((<usize>members) << 2);
    servedGroups++;
  }
  return servedGroups;
}
