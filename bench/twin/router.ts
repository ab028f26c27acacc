// The twin's router, after assembly/router.ts, encoder.ts and ingest.ts: parse op after op of one read, look
// each subject up, and write a MSG frame into the region of every recipient, one member of each queue group.

import { copyLoose, equal, hash } from './bytes.ts';
import {
  allocate,
  allocateRecord,
  u8 as heapBytes,
  f64 as heapDoubles,
  view as heapView,
  i32 as heapWords,
  release,
  STATE,
} from './heap.ts';
import { BLOCK_GROUPS, BLOCK_MEMBERS, BLOCK_PLAIN, lookup } from './match-cache.ts';
import { BACKLOG, outboundCommit, outboundReserve, outboundSend } from './outbound.ts';
import {
  OP_BODY,
  OP_BODY_LEN,
  OP_CANONICAL,
  OP_MAX,
  OP_NEXT,
  OP_REPLY,
  OP_REPLY_LEN,
  OP_SID,
  OP_SID_LEN,
  OP_SIZE,
  OP_SIZE_LEN,
  OP_SUBJECT,
  OP_SUBJECT_LEN,
  OP_VERB,
  parse,
  VERB_PING,
  VERB_PUB,
  VERB_SUB,
  VERB_UNSUB,
} from './parser.ts';
import {
  FLAG_CLOSED,
  FLAG_ECHO,
  FLAG_SLOW,
  SESSION_COUNTERS,
  SESSION_FLAGS,
  SESSION_LINE_MAX,
  SESSION_OUT_CURSOR,
  SESSION_PAYLOAD_MAX,
  SESSION_PENDING,
  SESSION_PENDING_MAX,
  SESSION_SUBS_HEAD,
  SID_INLINE_MAX,
  SUB_CLOSED,
  SUB_DELIVERED,
  SUB_MAX,
  SUB_NEXT,
  SUB_SESSION,
  SUB_SESSION_NEXT,
  SUB_SESSION_PREV,
  SUB_SID,
  SUB_SID_LEN,
  SUB_SID_PTR,
  SUB_WORDS,
} from './records.ts';
import { sublistInsert, sublistRemove } from './sublist.ts';
import {
  slotMatches,
  slotValue,
  tableCreate,
  tableHome,
  tableInsert,
  tableKey,
  tableNext,
  tableRemove,
} from './table.ts';

const u8 = heapBytes;
const i32 = heapWords;
const f64 = heapDoubles;
const view = heapView;

const MSG = 0x2047534d;
const CRLF = 0x0a0d;
const SPACE = 32;
const LINE_BYTES = 8192;

const SIDS = STATE + 100;
const PICK = STATE + 104;
const QUARANTINE = STATE + 105;
// Of the message at hand: address and length of the text between subject and body, and bytes without the sid.
const HEAD = STATE + 106;
const HEAD_LEN = STATE + 107;
const FRAME_LEN = STATE + 108;
const REACHED = STATE + 109;
// Where a head that is not verbatim is built, and the text of PONG.
const LINE = STATE + 110;
const PONG = STATE + 111;
/** Of all sessions: messages and bytes in, messages and bytes out. */
const COUNTERS: number = (STATE + 112) >> 1;

/** Once, before all else. `seed`: of the choice in queue groups. */
export function routerInit(seed: number): void {
  tableCreate(SIDS);
  i32[PICK] = seed | 1;
  i32[LINE] = allocate(LINE_BYTES);
  i32[PONG] = allocate(16);
  u8.set([80, 79, 78, 71, 13, 10], i32[PONG]!);
}

/** Reads bytes of a session between `ptr` and `end`; answers the first that is not done with. */
export function ingest(session: number, ptr: number, end: number): number {
  i32[BACKLOG] = 0;
  let at = ptr;
  while (at < end && (i32[session + SESSION_FLAGS]! & (FLAG_CLOSED | FLAG_SLOW)) === 0) {
    const lineMax = i32[session + SESSION_LINE_MAX]!;
    if (!parse(at, end, lineMax, i32[session + SESSION_PAYLOAD_MAX]!)) break;
    at = i32[OP_NEXT]!;
    if (i32[OP_VERB] === VERB_PUB) publish(session);
    else control(session, i32[OP_VERB]!);
  }
  return at;
}

function control(session: number, verb: number): void {
  if (verb === VERB_PING) outboundSend(session, i32[PONG]!, 6);
  else if (verb === VERB_SUB) subscribe(session);
  else if (verb === VERB_UNSUB) unsubscribe(session);
}

// ── Publishing ────────────────────────────────────────────────────────────────────────────────────

function publish(session: number): void {
  const bodyLen = i32[OP_BODY_LEN]!;
  const counters = (session + SESSION_COUNTERS) >> 1;
  f64[counters] = f64[counters]! + 1;
  f64[counters + 1] = f64[counters + 1]! + bodyLen;
  f64[COUNTERS] = f64[COUNTERS]! + 1;
  f64[COUNTERS + 1] = f64[COUNTERS + 1]! + bodyLen;
  if (i32[OP_CANONICAL] === 1) {
    const head = i32[OP_SUBJECT]! + i32[OP_SUBJECT_LEN]! + 1;
    i32[HEAD] = head;
    i32[HEAD_LEN] = i32[OP_BODY]! - head;
  } else buildHead();
  i32[FRAME_LEN] = i32[OP_SUBJECT_LEN]! + i32[HEAD_LEN]! + bodyLen + 8;
  i32[REACHED] = 0;
  const block = lookup(i32[OP_SUBJECT]!, i32[OP_SUBJECT_LEN]!);
  let at = block + BLOCK_MEMBERS;
  const plainEnd = at + i32[block + BLOCK_PLAIN]!;
  for (; at < plainEnd; at += 1) deliver(i32[at]!, session);
  for (let left = i32[block + BLOCK_GROUPS]!; left > 0; left -= 1) {
    const count = i32[at]!;
    deliverToOne(at + 1, count, session);
    at += 1 + count;
  }
  const reached = i32[REACHED]!;
  if (reached === 0) return;
  f64[COUNTERS + 2] = f64[COUNTERS + 2]! + reached;
  f64[COUNTERS + 3] = f64[COUNTERS + 3]! + reached * bodyLen;
}

function buildHead(): void {
  const start = i32[LINE]!;
  let at = start;
  const replyLen = i32[OP_REPLY_LEN]!;
  if (replyLen !== 0) {
    copyLoose(at, i32[OP_REPLY]!, replyLen);
    u8[at + replyLen] = SPACE;
    at += replyLen + 1;
  }
  copyLoose(at, i32[OP_SIZE]!, i32[OP_SIZE_LEN]!);
  at += i32[OP_SIZE_LEN]!;
  view.setUint16(at, CRLF, true);
  i32[HEAD] = start;
  i32[HEAD_LEN] = at + 2 - start;
}

// A random start (xorshift32, scaled without division), then one after the other until one takes it.
function deliverToOne(members: number, count: number, origin: number): void {
  let state = i32[PICK]!;
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  i32[PICK] = state;
  let index = Math.floor(((state >>> 0) * count) / 0x1_0000_0000);
  for (let tries = 0; tries < count; tries += 1) {
    if (deliver(i32[members + index]!, origin)) return;
    index += 1;
    if (index === count) index = 0;
  }
}

function deliver(sub: number, origin: number): boolean {
  if (i32[sub + SUB_CLOSED] !== 0) return false;
  const session = i32[sub + SUB_SESSION]!;
  const flags = i32[session + SESSION_FLAGS]!;
  if ((flags & (FLAG_CLOSED | FLAG_SLOW)) !== 0) return false;
  if (session === origin && (flags & FLAG_ECHO) === 0) return false;
  const bytes = i32[FRAME_LEN]! + i32[sub + SUB_SID_LEN]!;
  outboundReserve(session, bytes);
  writeFrame(i32[session + SESSION_OUT_CURSOR]!, sub);
  outboundCommit(session, bytes);
  const counters = (session + SESSION_COUNTERS) >> 1;
  f64[counters + 2] = f64[counters + 2]! + 1;
  f64[counters + 3] = f64[counters + 3]! + i32[OP_BODY_LEN]!;
  const pending = i32[session + SESSION_PENDING]!;
  if (pending > i32[session + SESSION_PENDING_MAX]!)
    i32[session + SESSION_FLAGS] = flags | FLAG_SLOW;
  i32[REACHED] = i32[REACHED]! + 1;
  const delivered = i32[sub + SUB_DELIVERED]! + 1;
  i32[sub + SUB_DELIVERED] = delivered;
  const max = i32[sub + SUB_MAX]!;
  if (max !== 0 && delivered >= max) close(sub);
  return true;
}

function writeFrame(start: number, sub: number): void {
  view.setInt32(start, MSG, true);
  const subjectLen = i32[OP_SUBJECT_LEN]!;
  copyLoose(start + 4, i32[OP_SUBJECT]!, subjectLen);
  let at = start + 4 + subjectLen;
  u8[at] = SPACE;
  const sidLen = i32[sub + SUB_SID_LEN]!;
  copyLoose(at + 1, i32[sub + SUB_SID_PTR]!, sidLen);
  at += 1 + sidLen;
  u8[at] = SPACE;
  const bodyBytes = i32[OP_BODY_LEN]! + 2;
  const headLen = i32[HEAD_LEN]!;
  if (i32[HEAD]! + headLen === i32[OP_BODY]) {
    copyLoose(at + 1, i32[HEAD]!, headLen + bodyBytes);
    return;
  }
  copyLoose(at + 1, i32[HEAD]!, headLen);
  copyLoose(at + 1 + headLen, i32[OP_BODY]!, bodyBytes);
}

// ── Subscriptions ─────────────────────────────────────────────────────────────────────────────────

function findBySid(session: number): number {
  const length = i32[OP_SID_LEN]!;
  const key = tableKey(hash(i32[OP_SID]!, length), session);
  let slot = tableHome(SIDS, key);
  for (let sub = slotValue(slot); sub !== 0; sub = slotValue(slot)) {
    if (slotMatches(slot, key) && i32[sub + SUB_SESSION] === session) {
      const isAsLong = i32[sub + SUB_SID_LEN] === length;
      if (isAsLong && equal(i32[sub + SUB_SID_PTR]!, i32[OP_SID]!, length)) return sub;
    }
    slot = tableNext(SIDS, slot);
  }
  return 0;
}

function subscribe(session: number): void {
  if (findBySid(session) !== 0) return; // The sid is taken: the old one stays.
  const sub = allocateRecord(SUB_WORDS);
  const length = i32[OP_SID_LEN]!;
  const text = length <= SID_INLINE_MAX ? (sub + SUB_SID) << 2 : allocate(length + 16);
  i32[sub + SUB_SESSION] = session;
  i32[sub + SUB_SID_LEN] = length;
  i32[sub + SUB_SID_PTR] = text;
  u8.copyWithin(text, i32[OP_SID]!, i32[OP_SID]! + length);
  const [subject, queue] = [i32[OP_SUBJECT]!, i32[OP_REPLY]!];
  const isGood = sublistInsert(sub, subject, i32[OP_SUBJECT_LEN]!, queue, i32[OP_REPLY_LEN]!);
  if (!isGood) throw new Error('not a valid filter');
  tableInsert(SIDS, tableKey(hash(text, length), session), sub);
  const head = i32[session + SESSION_SUBS_HEAD]!;
  i32[sub + SUB_SESSION_NEXT] = head;
  if (head !== 0) i32[head + SUB_SESSION_PREV] = sub;
  i32[session + SESSION_SUBS_HEAD] = sub;
}

function unsubscribe(session: number): void {
  const sub = findBySid(session);
  if (sub === 0) return;
  const max = i32[OP_MAX]!;
  if (max > i32[sub + SUB_DELIVERED]!) i32[sub + SUB_MAX] = max;
  else close(sub);
}

// Its record waits in quarantine: a result that is being delivered may still name it.
function close(sub: number): void {
  sublistRemove(sub);
  const session = i32[sub + SUB_SESSION]!;
  const [next, previous] = [i32[sub + SUB_SESSION_NEXT]!, i32[sub + SUB_SESSION_PREV]!];
  const sid = hash(i32[sub + SUB_SID_PTR]!, i32[sub + SUB_SID_LEN]!);
  tableRemove(SIDS, tableKey(sid, session), sub);
  if (previous !== 0) i32[previous + SUB_SESSION_NEXT] = next;
  else i32[session + SESSION_SUBS_HEAD] = next;
  if (next !== 0) i32[next + SUB_SESSION_PREV] = previous;
  i32[sub + SUB_NEXT] = i32[QUARANTINE]!;
  i32[QUARANTINE] = sub;
}

/** Frees what is in quarantine. Only between two reads. */
export function turnEnd(): void {
  while (i32[QUARANTINE] !== 0) {
    const sub = i32[QUARANTINE]!;
    i32[QUARANTINE] = i32[sub + SUB_NEXT]!;
    const length = i32[sub + SUB_SID_LEN]!;
    if (length > SID_INLINE_MAX) release(i32[sub + SUB_SID_PTR]!, length + 16);
    release(sub << 2, SUB_WORDS << 2);
  }
}
