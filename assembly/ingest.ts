// One read of a session: parse op after op. What needs no policy is done here, in one call for the whole
// read: publishes are routed, PING is answered, UNSUB removes. What needs a decision ends the call with an
// op record; JS decides and calls again for the rest, so the order within a read is kept.

import {
  OP_ARGS_LEN,
  OP_ARGS_PTR,
  OP_BACKLOG,
  OP_BYTES,
  OP_CONNECT,
  OP_CONSUMED,
  OP_ERROR_CODE,
  OP_HPUB,
  OP_INFO,
  OP_NEED,
  OP_NONE,
  OP_PING,
  OP_PLUS_OK,
  OP_PONG,
  OP_PRESSURE,
  OP_PUB,
  OP_REPLY_LEN,
  OP_REPLY_PTR,
  OP_SID_LEN,
  OP_SID_PTR,
  OP_SUBJECT_LEN,
  OP_SUBJECT_PTR,
  OP_UNAUTHENTICATED,
  OP_UNSUB,
  OP_VERB,
  PARSE_LINE,
  RECORD_TRACE_END,
  RECORD_TRACE_IN,
  SESSION_AUTHENTICATED,
  SESSION_CLOSED,
  SESSION_HEADERS,
  SESSION_PEDANTIC,
  SESSION_SLOW,
  SESSION_TRACE,
  SESSION_VERBOSE,
  SESSION_WANTS_PING,
  SESSION_WANTS_PONG,
  STATUS_AGAIN_RESULT,
  STATUS_OK,
  STATUS_OP,
  STATUS_SPENT,
} from './abi';
import { accountCountIn, accountCountOut } from './account';
import {
  Budget,
  DECISION_UNITS,
  JSON_BYTE_UNITS,
  JSON_UNITS,
  OP_UNITS,
  UNSUBSCRIBE_UNITS,
} from './budget';
import { sendInvalidSubject, sendOk, sendPong } from './control-frames';
import { byteAt, watchChunk } from './control-line';
import { encoderBegin, encoderHeadFromSizes, encoderHeadVerbatim } from './encoder';
import {
  express,
  expressBytes,
  expressMsgs,
  expressOutBytes,
  expressOutMsgs,
  handBlock,
  handHeader,
  handNext,
  handShape,
  handSize,
  handSubject,
  servedGroups,
  servedPick,
  servedPlain,
} from './express';
import { lookupIsLong, lookupShort } from './match-cache';
import { Op, opPtr } from './memory';
import { backlog, backlogReset } from './outbound';
import { OWNER_OP, Owned } from './ownership';
import {
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
  parse,
} from './parser';
import { PublishLine } from './publish-line';
import { recordLine, recordSetBody, recordsHaveRoom, recordsReset } from './records';
import { refusal } from './reserved';
import { isStopped, pressed, pressureReset, routeBegin, routeGo, routeSkip } from './router';
import { Session, sessionSetParseState, sessionUnsubscribe } from './session';
import { isLiteralSubject } from './subject';
import { walkBegin, walkGo, walkIsFor } from './walk-route';
import { walkDrop } from './walk-shares';

const LETTER_C: u32 = 99;

/** Bits that decide whether anything of a session is read; only the first should be set. */
const STANDING: u32 = SESSION_AUTHENTICATED | SESSION_CLOSED | SESSION_SLOW;

/** Reads from `start` on, with a new budget unless `units` is 0; see door-sessions.ts for what it answers. */
export function ingestSession(ptr: usize, start: usize, length: u32, units: u32): i32 {
  const session = Session.at(ptr);
  if (units != 0) Budget.left = units;
  Owned.clear(opPtr, OP_BYTES, OWNER_OP);
  recordsReset();
  pressureReset();
  backlogReset();
  const status = run(session, ptr, start, start + length);
  Op.set(OP_PRESSURE, pressed);
  Op.set(OP_BACKLOG, backlog);
  return status;
}

function run(session: Session, ptr: usize, start: usize, end: usize): i32 {
  if (isStopped) {
    const status = routeGo();
    if (status < 0) return status;
  }
  let at = start;
  while (at < end) {
    const standing = session.flags & STANDING;
    if (standing != SESSION_AUTHENTICATED) {
      if ((standing & ~SESSION_AUTHENTICATED) != 0) {
        at = end; // Nothing of a lost peer counts any more.
        break;
      }
      if (!isIntroduction(session, at, end)) {
        Op.set(OP_VERB, OP_UNAUTHENTICATED);
        Op.set(OP_CONSUMED, <u32>(at - start));
        return STATUS_OP;
      }
    }
    if (Budget.isSpent) return stopAt(at, start, STATUS_SPENT);
    const before = at;
    const isOnLane = session.walk == 0; // Else what is in its hand is another's.
    if (isOnLane) at = expressRun(ptr, at, end);
    if (at == end) break;
    if (isOnLane && handBlock != 0) {
      at = handNext;
      const status = publishInHand(session, ptr);
      if (status == STATUS_OK) continue;
      return stopAt(at, start, status);
    }
    if (at != before && Budget.isSpent) continue; // At least one op is done.
    Budget.charge(OP_UNITS);
    const isWhole = parse(
      session.parseState,
      at,
      end,
      session.controlLineMax,
      session.payloadMax,
      (session.flags & SESSION_HEADERS) != 0,
    );
    if (isWhole == 0) {
      sessionSetParseState(ptr, opState);
      Op.set(OP_NEED, opNeed);
      at = opNext;
      break;
    }
    if ((session.flags & SESSION_TRACE) != 0 && session.walk == 0) {
      if (!recordsHaveRoom()) return stopAt(at, start, STATUS_AGAIN_RESULT);
      trace(session);
    }
    sessionSetParseState(ptr, PARSE_LINE);
    const isPublish = opVerb == OP_PUB || opVerb == OP_HPUB;
    if (!isPublish) walkDrop(ptr);
    const status = isPublish ? publish(session, ptr) : control(session, ptr);
    // What is under way in parts is not consumed: it is read again.
    if (session.walk == 0) at = opNext;
    if (status < 0) return stopAt(at, start, status);
  }
  return stopAt(at, start, STATUS_OK);
}

function stopAt(at: usize, start: usize, status: i32): i32 {
  Op.set(OP_CONSUMED, <u32>(at - start));
  return status;
}

// Before it is authenticated a peer may say CONNECT alone. It is judged by the first byte of an op, whatever that
// goes on with (nats-server 2.15.3, server/parser.go, OP_START).
function isIntroduction(session: Session, at: usize, end: usize): bool {
  watchChunk(at, end);
  return session.parseState == PARSE_LINE && (byteAt(at) | 32) == LETTER_C;
}

// Takes the express lane as far as it goes.
function expressRun(ptr: usize, at: usize, end: usize): usize {
  const next = express(ptr, at, end);
  const account = Session.at(ptr).account;
  accountCountIn(account, expressMsgs, expressBytes);
  if (expressOutMsgs != 0) accountCountOut(account, expressOutMsgs, expressOutBytes);
  return next;
}

function trace(session: Session): void {
  const record = recordLine(RECORD_TRACE_IN, session.handle, opLinePtr, opLineLen);
  if (opVerb != OP_PUB && opVerb != OP_HPUB) return;
  recordSetBody(record, opBodyPtr, opBodyLen);
}

// PING, PONG, UNSUB and +OK are settled here unless somebody wants to see them.
function control(session: Session, ptr: usize): i32 {
  if (opVerb == OP_PING && (session.flags & SESSION_WANTS_PING) == 0) {
    sendPong(ptr);
    return STATUS_OK;
  }
  if (opVerb == OP_PONG && (session.flags & SESSION_WANTS_PONG) == 0) return STATUS_OK;
  if (opVerb == OP_PLUS_OK) return STATUS_OK;
  if (opVerb == OP_UNSUB) {
    Budget.charge(UNSUBSCRIBE_UNITS);
    const isRemoved = sessionUnsubscribe(ptr, opSidPtr, opSidLen, opMax);
    // Its op has left a record and there is room for some more behind it.
    if (isRemoved && (session.flags & SESSION_TRACE) != 0) {
      recordLine(RECORD_TRACE_END, session.handle, opSidPtr, opSidLen);
    }
    if ((session.flags & SESSION_VERBOSE) != 0) sendOk(ptr);
    return STATUS_OK;
  }
  return handOver(opVerb);
}

function handOver(verb: u32): i32 {
  const bytes = opArgsLen + opSubjectLen + opReplyLen + opSidLen;
  const isJson = verb == OP_CONNECT || verb == OP_INFO;
  Budget.charge(isJson ? JSON_UNITS + bytes * JSON_BYTE_UNITS : DECISION_UNITS + (bytes >> 2));
  Op.set(OP_VERB, verb);
  Op.set(OP_ERROR_CODE, opError);
  Op.set(OP_ARGS_PTR, <u32>opArgsPtr);
  Op.set(OP_ARGS_LEN, opArgsLen);
  Op.set(OP_SUBJECT_PTR, <u32>opSubjectPtr);
  Op.set(OP_SUBJECT_LEN, opSubjectLen);
  Op.set(OP_REPLY_PTR, <u32>opReplyPtr);
  Op.set(OP_REPLY_LEN, opReplyLen);
  Op.set(OP_SID_PTR, <u32>opSidPtr);
  Op.set(OP_SID_LEN, opSidLen);
  return STATUS_OP;
}

// What every message of a peer is counted by.
function count(session: Session, bytes: u32): void {
  session.inMsgs += 1;
  session.inBytes += bytes;
  accountCountIn(session.account, 1, bytes);
}

function publish(session: Session, ptr: usize): i32 {
  if (session.walk != 0) {
    if (!takeUp()) {
      walkDrop(ptr);
      return STATUS_OK;
    }
    if (walkIsFor(ptr)) return walkGo(ptr);
  }
  const flags = session.flags;
  count(session, opBodyLen);
  if ((flags & SESSION_PEDANTIC) != 0 && !isLiteralSubject(opSubjectPtr, opSubjectLen)) {
    sendInvalidSubject(ptr);
  }
  const refused = refusal(opSubjectPtr, opSubjectLen, opReplyPtr, opReplyLen);
  if (refused != OP_NONE) return handOver(refused);
  if ((flags & SESSION_VERBOSE) != 0) sendOk(ptr);
  if (!takeUp()) return STATUS_OK;
  // The lane may have found it too long already.
  const block = lookupIsLong ? <usize>0 : lookupShort(session.account, opSubjectPtr, opSubjectLen);
  if (block != 0) {
    routeBegin(session.account, ptr, block, false);
    return routeGo();
  }
  // No memory for the result: at most once, so it is dropped.
  return lookupIsLong && walkBegin(ptr) ? walkGo(ptr) : STATUS_OK;
}

// Has the encoder take up the message of the op. False: no memory.
function takeUp(): bool {
  encoderBegin(
    opSubjectPtr,
    opSubjectLen,
    opReplyPtr,
    opReplyLen,
    opBodyPtr,
    opBodyLen,
    opHeaderLen,
  );
  if (!opCanonical) return encoderHeadFromSizes(opSizesPtr, opSizesLen);
  encoderHeadVerbatim();
  return true;
}

// The message that the express lane has left in hand: it is read and looked up, and whoever stands before the
// recipient that the lane stopped at has got it.
function publishInHand(session: Session, ptr: usize): i32 {
  count(session, handSize);
  const subjectLen = PublishLine.subjectLen(handShape);
  encoderBegin(
    handSubject,
    subjectLen,
    handSubject + subjectLen + 1,
    PublishLine.replyLen(handShape),
    handNext - handSize - 2,
    handSize,
    handHeader,
  );
  encoderHeadVerbatim();
  routeBegin(session.account, ptr, handBlock, false);
  routeSkip(servedPlain, servedGroups, servedPick);
  return routeGo();
}
