// Exports: sessions, what they say, and what they are sent: nothing that a bus without peers calls. No logic lives here.

import { STATUS_STALE } from './abi';
import { accountFind } from './account';
import { Budget } from './budget';
import { ingestSession } from './ingest';
import { matchCacheStat } from './match-cache';
import {
  sessionClose as closeSession,
  outboundCopied,
  outboundSend,
  outboundTake,
  outboundRelease as releaseFlight,
  outboundSettle as settle,
  outboundTakeCopy as takeCopy,
  outboundTakeNext as takeNext,
} from './outbound';
import { quotaHasRoom, quotaSet } from './quota';
import {
  sessionMove as move,
  Session,
  sessionCreate,
  sessionFind,
  sessionUnsubscribeAll,
  sessionSetFlags as setFlags,
  sessionSetLimits as setLimits,
  sessionSubscribe as subscribe,
} from './session';

/** A new session's handle, or 0. May grow memory. */
export function sessionOpen(account: u32): u32 {
  const owner = accountFind(account);
  const ptr = owner == 0 ? <usize>0 : sessionCreate(owner);
  return ptr == 0 ? 0 : Session.at(ptr).handle;
}

/** The record of a session (SESSION_*), or 0. */
export function sessionPtr(handle: u32): u32 {
  return <u32>sessionFind(handle);
}

/** Sets the flags that SESSION_FLAGS_SETTABLE allows, and clears those of them that are not given. */
export function sessionSetFlags(handle: u32, flags: u32): void {
  const session = sessionFind(handle);
  if (session != 0) setFlags(session, flags);
}

/** Sets the limits, in bytes. */
export function sessionSetLimits(
  handle: u32,
  payloadMax: u32,
  controlLineMax: u32,
  pendingMax: u32,
): void {
  const session = sessionFind(handle);
  if (session != 0) setLimits(session, payloadMax, controlLineMax, pendingMax);
}

/** Removes the session's subscriptions, the newest first, up to so much work (0 = all); what is left hears nothing. */
export function sessionShed(handle: u32, most: u32): void {
  const session = sessionFind(handle);
  if (session != 0) sessionUnsubscribeAll(session, most);
}

/** Moves it to an account. 1, or 0: it has subscriptions, or one of the two is not there. */
export function sessionMove(handle: u32, account: u32): u32 {
  const session = sessionFind(handle);
  const owner = accountFind(account);
  return session != 0 && owner != 0 && move(session, owner) ? 1 : 0;
}

/** Inserts a subscription. STATUS_*. May grow memory. */
export function sessionSubscribe(
  handle: u32,
  filterPtr: u32,
  filterLen: u32,
  queuePtr: u32,
  queueLen: u32,
  sidPtr: u32,
  sidLen: u32,
): i32 {
  const session = sessionFind(handle);
  if (session == 0) return STATUS_STALE;
  return subscribe(session, filterPtr, filterLen, queuePtr, queueLen, sidPtr, sidLen);
}

/** Bounds the bytes of all subscriptions of peers; those of one may take half of it. */
export function subscriptionsBound(bytes: u32): void {
  quotaSet(bytes);
}

/** 1: a peer that has nothing would be given a subscription. May grow memory. */
export function subscriptionsHaveRoom(): u32 {
  return quotaHasRoom() ? 1 : 0;
}

/** Closes a session; its record lives until no write is under way. */
export function sessionClose(handle: u32): void {
  const session = sessionFind(handle);
  if (session != 0) closeSession(session);
}

/**
 * Feeds bytes of a session. STATUS_OK: OP_CONSUMED of them are done with, and a frame may lack OP_NEED
 * more. STATUS_OP: the op record wants a decision. STATUS_AGAIN_*: drain (and flush), then call again for
 * the rest. STATUS_SPENT: the rest is for later, with a new budget. May grow memory.
 *
 * @param units the budget of the read (budget.ts); 0 = what the last call has left of it. There is none until one is set
 */
export function ingest(handle: u32, ptr: u32, length: u32, units: u32): i32 {
  const session = sessionFind(handle);
  return session == 0 ? STATUS_STALE : ingestSession(session, ptr, length, units);
}

/** Work that has been done outside for the read at hand. */
export function budgetCharge(units: u32): void {
  Budget.charge(units);
}

// ── Outbound ──────────────────────────────────────────────────────────────────────────────────────

/** Appends protocol bytes behind what is queued. 1, or 0 when there is no room. May grow memory. */
export function sessionSend(handle: u32, ptr: u32, length: u32): u32 {
  const session = sessionFind(handle);
  return session != 0 && outboundSend(session, ptr, length) ? 1 : 0;
}

/** Takes what the next session has to send (TAKE_*). 0: nobody has. */
export function outboundTakeNext(): u32 {
  return takeNext() ? 1 : 0;
}

/** Takes what one session has to send. 0: nothing, or a write is under way. */
export function outboundTakeFrom(handle: u32): u32 {
  const session = sessionFind(handle);
  return session != 0 && outboundTake(session) ? 1 : 0;
}

/** The same also while a write is under way; copy the bytes and call `outboundCopyDone` at once. */
export function outboundTakeCopy(handle: u32): u32 {
  const session = sessionFind(handle);
  return session != 0 && takeCopy(session) ? 1 : 0;
}

/** What `outboundTakeCopy` described has been copied. */
export function outboundCopyDone(): void {
  outboundCopied();
}

/** The chunks of the last take go back to the pool. */
export function outboundRelease(handle: u32): void {
  const session = sessionFind(handle);
  if (session != 0) releaseFlight(session);
}

/** Bytes of a session have left, or are lost: its pending goes down. */
export function outboundSettle(handle: u32, bytes: u32): void {
  const session = sessionFind(handle);
  if (session != 0) settle(session, bytes);
}

/** CACHE_* of an account, for whoever watches a server. */
export function cacheStat(account: u32, which: u32): u32 {
  const owner = accountFind(account);
  return owner == 0 ? 0 : matchCacheStat(owner, which);
}
