// Sessions: the record of a peer, its subscriptions, and the quarantine of what has closed.
//
// A closed subscription leaves the sublist and the index of sids at once. Its record waits in quarantine
// until `quarantineRelease`, since a result that is being delivered may still point to it. A closed session
// waits there too, and as long as one of its writes is under way.
//
// What a session has subscribed to may be removed in parts, each with a bound of work, for there may be millions, and
// each may have made thousands of nodes. Meanwhile the session is SESSION_SHEDDING: nothing is delivered to it.

import {
  PARSE_LINE,
  SESSION_ACCOUNT,
  SESSION_AUTHENTICATED,
  SESSION_BYTES,
  SESSION_CLOSED,
  SESSION_CONTROL_LINE_MAX,
  SESSION_DIRTY,
  SESSION_DIRTY_NEXT,
  SESSION_ECHO,
  SESSION_FLAGS,
  SESSION_FLAGS_SETTABLE,
  SESSION_FLIGHT,
  SESSION_HANDLE,
  SESSION_HEADERS,
  SESSION_IN_BYTES,
  SESSION_IN_MSGS,
  SESSION_NO_RESPONDERS,
  SESSION_OUT_BYTES,
  SESSION_OUT_CLASS,
  SESSION_OUT_CURSOR,
  SESSION_OUT_END,
  SESSION_OUT_HEAD,
  SESSION_OUT_MSGS,
  SESSION_OUT_TAIL,
  SESSION_PARSE_STATE,
  SESSION_PAYLOAD_MAX,
  SESSION_PEDANTIC,
  SESSION_PENDING,
  SESSION_PENDING_MAX,
  SESSION_PLAIN_IN,
  SESSION_PLAIN_OUT,
  SESSION_SHEDDING,
  SESSION_SUBS_BYTES,
  SESSION_SUBS_COUNT,
  SESSION_SUBS_HEAD,
  SESSION_VERBOSE,
  SESSION_WALK,
  SESSION_WANTS_PING,
  SESSION_WANTS_PONG,
  STATUS_DUPLICATE,
  STATUS_NO_MEMORY,
  STATUS_OK,
  SUB_CLOSED,
} from './abi';
import { accountEnter, accountLeave, accountTouch } from './account';
import { Arena, arenaCreate, arenaFind, arenaInsert, arenaRemove } from './arena';
import { entriesMoved } from './hash-table';
import { Node } from './node';
import { OWNER_SESSION, Owned } from './ownership';
import { quotaClose, quotaOpen } from './quota';
import { sublistInsert, sublistRemove } from './sublist';
import {
  Sub,
  subBySid,
  subCreate,
  subForgetSid,
  subFree,
  subJudge,
  subSetMax,
  subSetRaw,
} from './subscription';

@unmanaged
export class Session {
  handle: u32;
  flags: u32;
  account: usize;
  parseState: u32;
  subsHead: usize;
  subsCount: u32;
  payloadMax: u32;
  controlLineMax: u32;
  pendingMax: u32;
  pending: u32;
  outHead: usize;
  outTail: usize;
  outCursor: usize;
  outEnd: usize;
  outClass: u32;
  flight: usize;
  dirtyNext: usize;
  walk: usize;
  inMsgs: f64;
  inBytes: f64;
  outMsgs: f64;
  outBytes: f64;
  /** Bytes of its subscriptions (quota.ts). */
  subsBytes: u32;
  unused: u32;

  /** The living record at an address. */
  @inline
  static at(ptr: usize): Session {
    Owned.assertRecord(ptr, OWNER_SESSION);
    return changetype<Session>(ptr);
  }
}
if (offsetof<Session>('handle') != SESSION_HANDLE) ERROR('Session.handle is off');
if (offsetof<Session>('flags') != SESSION_FLAGS) ERROR('Session.flags is off');
if (offsetof<Session>('account') != SESSION_ACCOUNT) ERROR('Session.account is off');
if (offsetof<Session>('parseState') != SESSION_PARSE_STATE) ERROR('Session.parseState is off');
if (offsetof<Session>('subsHead') != SESSION_SUBS_HEAD) ERROR('Session.subsHead is off');
if (offsetof<Session>('subsCount') != SESSION_SUBS_COUNT) ERROR('Session.subsCount is off');
if (offsetof<Session>('payloadMax') != SESSION_PAYLOAD_MAX) ERROR('Session.payloadMax is off');
if (offsetof<Session>('controlLineMax') != SESSION_CONTROL_LINE_MAX) ERROR('controlLineMax is off');
if (offsetof<Session>('pendingMax') != SESSION_PENDING_MAX) ERROR('Session.pendingMax is off');
if (offsetof<Session>('pending') != SESSION_PENDING) ERROR('Session.pending is off');
if (offsetof<Session>('outHead') != SESSION_OUT_HEAD) ERROR('Session.outHead is off');
if (offsetof<Session>('outTail') != SESSION_OUT_TAIL) ERROR('Session.outTail is off');
if (offsetof<Session>('outCursor') != SESSION_OUT_CURSOR) ERROR('Session.outCursor is off');
if (offsetof<Session>('outEnd') != SESSION_OUT_END) ERROR('Session.outEnd is off');
if (offsetof<Session>('outClass') != SESSION_OUT_CLASS) ERROR('Session.outClass is off');
if (offsetof<Session>('flight') != SESSION_FLIGHT) ERROR('Session.flight is off');
if (offsetof<Session>('dirtyNext') != SESSION_DIRTY_NEXT) ERROR('Session.dirtyNext is off');
if (offsetof<Session>('walk') != SESSION_WALK) ERROR('Session.walk is off');
if (offsetof<Session>('inMsgs') != SESSION_IN_MSGS) ERROR('Session.inMsgs is off');
if (offsetof<Session>('inBytes') != SESSION_IN_BYTES) ERROR('Session.inBytes is off');
if (offsetof<Session>('outMsgs') != SESSION_OUT_MSGS) ERROR('Session.outMsgs is off');
if (offsetof<Session>('outBytes') != SESSION_OUT_BYTES) ERROR('Session.outBytes is off');
if (offsetof<Session>('subsBytes') != SESSION_SUBS_BYTES) ERROR('Session.subsBytes is off');
if (offsetof<Session>() != SESSION_BYTES) ERROR('Session is not the size abi.ts says');

export let sessions: Arena = changetype<Arena>(0);
/** Subscriptions in quarantine, linked by `heldOrNext`; sessions, by `subsHead`. */
let quarantinedSubs: usize = 0;
let quarantinedSessions: usize = 0;
export let quarantineCount: u32 = 0;

/** Makes the arena. False: no memory. */
export function sessionsInit(): bool {
  sessions = arenaCreate(SESSION_BYTES, 8, SESSION_HANDLE);
  return changetype<usize>(sessions) != 0;
}

/** A new session of an account, or 0. */
export function sessionCreate(account: usize): usize {
  const ptr = arenaInsert(sessions, OWNER_SESSION);
  if (ptr == 0) return 0;
  Session.at(ptr).account = account;
  accountEnter(account);
  return ptr;
}

/** The session of a handle, or 0. */
export function sessionFind(handle: u32): usize {
  return arenaFind(sessions, handle);
}

// ── Who may use the express lane ──────────────────────────────────────────────────────────────────
// The one place that says so. Whoever has any other bit than these is not plain.

/** So many entries of a table are laid out anew in the time of a node that is removed, as a power of two. */
const MOVED_A_WORK_LOG2: u32 = 2;
const PLAIN: u32 = SESSION_PLAIN_IN | SESSION_PLAIN_OUT;
/** A publisher with these leaves nothing behind but frames and deliveries. */
const HARMLESS_IN: u32 =
  PLAIN |
  SESSION_AUTHENTICATED |
  SESSION_ECHO |
  SESSION_HEADERS |
  SESSION_NO_RESPONDERS |
  SESSION_WANTS_PING |
  SESSION_WANTS_PONG |
  SESSION_DIRTY;
/** A recipient with these is sent frames as they come, and they leave no records. */
const HARMLESS_OUT: u32 = HARMLESS_IN | SESSION_VERBOSE | SESSION_PEDANTIC;

function plainBits(session: Session): u32 {
  const flags = session.flags;
  if ((flags & SESSION_AUTHENTICATED) == 0) return 0;
  const isIn = (flags & ~HARMLESS_IN) == 0 && session.parseState == PARSE_LINE;
  const isOut = (flags & ~HARMLESS_OUT) == 0;
  return (isIn ? SESSION_PLAIN_IN : 0) | (isOut ? SESSION_PLAIN_OUT : 0);
}

function judge(session: Session): void {
  session.flags = (session.flags & ~PLAIN) | plainBits(session);
}

/** Debug builds: the bits are what they should be. */
export function assertSessionJudged(ptr: usize): void {
  if (!ASC_NO_ASSERT) assert((Session.at(ptr).flags & PLAIN) == plainBits(Session.at(ptr)));
}

/** Sets the flags that SESSION_FLAGS_SETTABLE allows, and clears those of them that are not given. */
export function sessionSetFlags(ptr: usize, flags: u32): void {
  const session = Session.at(ptr);
  session.flags = (session.flags & ~SESSION_FLAGS_SETTABLE) | (flags & SESSION_FLAGS_SETTABLE);
  judge(session);
}

/** Sets the limits, in bytes. */
export function sessionSetLimits(
  ptr: usize,
  payloadMax: u32,
  controlLineMax: u32,
  pendingMax: u32,
): void {
  const session = Session.at(ptr);
  session.payloadMax = payloadMax;
  session.controlLineMax = controlLineMax;
  session.pendingMax = pendingMax;
}

/** Sets bits of the core's own: SESSION_CLOSED, SESSION_SLOW for good. SESSION_DIRTY matters to nobody here. */
export function sessionMark(ptr: usize, bits: u32): void {
  const session = Session.at(ptr);
  session.flags |= bits;
  judge(session);
}

/** Where the next read of the session begins (PARSE_*). */
export function sessionSetParseState(ptr: usize, state: u32): void {
  const session = Session.at(ptr);
  if (session.parseState == state) return;
  session.parseState = state;
  judge(session);
}

// ── Subscriptions ─────────────────────────────────────────────────────────────────────────────────

/**
 * Inserts a subscription of a session.
 *
 * @returns STATUS_OK, STATUS_DUPLICATE (the sid is taken: the old one stays), STATUS_BAD_SUBJECT or
 *   STATUS_NO_MEMORY; unless OK nothing has changed
 */
export function sessionSubscribe(
  ptr: usize,
  filterPtr: usize,
  filterLen: u32,
  queuePtr: usize,
  queueLen: u32,
  sidPtr: usize,
  sidLen: u32,
): i32 {
  const session = Session.at(ptr);
  if (subBySid(ptr, sidPtr, sidLen) != 0) return STATUS_DUPLICATE;
  const mayHave = quotaOpen(session.subsBytes, session.subsCount);
  const sub = mayHave ? subCreate(ptr, sidPtr, sidLen) : <usize>0;
  const status =
    sub == 0
      ? STATUS_NO_MEMORY
      : sublistInsert(session.account, sub, filterPtr, filterLen, queuePtr, queueLen);
  const held = quotaClose();
  if (status == STATUS_OK) own(session, sub, held);
  else if (sub != 0) {
    subForgetSid(sub);
    subFree(sub);
  }
  return status;
}

// It is the newest one of the session.
function own(session: Session, ptr: usize, held: u32): void {
  const sub = Sub.at(ptr);
  const head = session.subsHead;
  sub.sessionNext = head;
  if (head != 0) Sub.at(head).sessionPrev = ptr;
  sub.heldOrNext = held;
  session.subsHead = ptr;
  session.subsCount++;
  session.subsBytes += held;
}

/**
 * Closes a subscription of whatever owner; its record goes to quarantine.
 *
 * @returns the work that it was: 1, and as much more as it has freed of what is not in one place
 */
export function subscriptionClose(ptr: usize): u32 {
  const sub = Sub.at(ptr);
  const movedBefore = entriesMoved;
  const work = 1 + sublistRemove(ptr) + (sub.sidLen >> 8);
  subJudge(ptr);
  if (sub.session != 0) {
    subForgetSid(ptr);
    const session = Session.at(sub.session);
    if (sub.sessionPrev != 0) Sub.at(sub.sessionPrev).sessionNext = sub.sessionNext;
    else session.subsHead = sub.sessionNext;
    if (sub.sessionNext != 0) Sub.at(sub.sessionNext).sessionPrev = sub.sessionPrev;
    session.subsCount--;
    session.subsBytes -= sub.heldOrNext;
  }
  sub.heldOrNext = <u32>quarantinedSubs;
  quarantinedSubs = ptr;
  quarantineCount++;
  return work + ((entriesMoved - movedBefore) >> MOVED_A_WORK_LOG2);
}

/**
 * `UNSUB sid max`: removes at once when `max` deliveries have been made, or when it is 0.
 *
 * @returns whether a subscription was removed
 */
export function sessionUnsubscribe(ptr: usize, sidPtr: usize, sidLen: u32, max: u32): bool {
  const found = subBySid(ptr, sidPtr, sidLen);
  if (found == 0) return false;
  const sub = Sub.at(found);
  if (max > sub.delivered) {
    subSetMax(found, max);
    return false;
  }
  subscriptionClose(found);
  return true;
}

/**
 * Removes the subscriptions of a session, the newest first. As long as some are left it is SESSION_SHEDDING.
 *
 * @param most work (`subscriptionClose`) after which it stops; 0 = all of it
 */
export function sessionUnsubscribeAll(ptr: usize, most: u32 = 0): void {
  const session = Session.at(ptr);
  let work: u32 = 0;
  while (session.subsHead != 0 && (most == 0 || work < most)) {
    work += subscriptionClose(session.subsHead);
  }
  if (session.subsHead != 0) session.flags |= SESSION_SHEDDING;
  else session.flags &= ~SESSION_SHEDDING;
  judge(session);
}

/** Moves a session to an account. False: it has subscriptions in its own, or is closed. */
export function sessionMove(ptr: usize, account: usize): bool {
  const session = Session.at(ptr);
  if (session.subsCount != 0 || (session.flags & SESSION_CLOSED) != 0) return false;
  accountLeave(session.account);
  session.account = account;
  accountEnter(account);
  return true;
}

/** Inserts a subscription of the program; its handle, STATUS_BAD_SUBJECT or STATUS_NO_MEMORY. */
export function programSubscribe(
  account: usize,
  filterPtr: usize,
  filterLen: u32,
  queuePtr: usize,
  queueLen: u32,
  isRaw: bool,
): i32 {
  const sub = subCreate(0, 0, 0);
  if (sub == 0) return STATUS_NO_MEMORY;
  if (isRaw) subSetRaw(sub);
  const status = sublistInsert(account, sub, filterPtr, filterLen, queuePtr, queueLen);
  if (status == STATUS_OK) return Sub.at(sub).handle;
  subFree(sub);
  return status;
}

/** Closes one. False: it was closed. */
export function programUnsubscribe(ptr: usize): bool {
  if ((Sub.at(ptr).flags & SUB_CLOSED) != 0) return false;
  subscriptionClose(ptr);
  return true;
}

/** Sets how many deliveries it is to have in all, 0 = no limit. True: it has had them, it is closed. */
export function subscriptionLimit(ptr: usize, max: u32): bool {
  const sub = Sub.at(ptr);
  if ((sub.flags & SUB_CLOSED) != 0) return true;
  subSetMax(ptr, max);
  if (max != 0 && sub.delivered >= max) {
    subscriptionClose(ptr);
    return true;
  }
  // Routes that were resolved before do not know of the max.
  accountTouch(Node.at(sub.node).account);
  return false;
}

/** Puts a closed session into quarantine. Its region is empty and no write is under way. */
export function sessionRetire(ptr: usize): void {
  const session = Session.at(ptr);
  assert((session.flags & SESSION_CLOSED) != 0 && session.subsHead == 0);
  session.subsHead = quarantinedSessions;
  quarantinedSessions = ptr;
  quarantineCount++;
}

/** Frees what is in quarantine. Only while no result is being delivered. */
export function quarantineRelease(): void {
  while (quarantinedSubs != 0) {
    const ptr = quarantinedSubs;
    quarantinedSubs = Sub.at(ptr).heldOrNext;
    subFree(ptr);
  }
  while (quarantinedSessions != 0) {
    const ptr = quarantinedSessions;
    quarantinedSessions = Session.at(ptr).subsHead;
    arenaRemove(sessions, ptr);
  }
  quarantineCount = 0;
}
