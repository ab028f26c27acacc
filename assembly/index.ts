// Every export of the module. Handles come in, STATUS_* or numbers go out; no logic lives here beyond
// turning a handle into its record.

import {
  LIVE_ACCOUNTS,
  LIVE_CHUNK_BYTES,
  LIVE_GROUPS,
  LIVE_HEAP_BYTES,
  LIVE_NODES,
  LIVE_QUARANTINE,
  LIVE_SEGMENTS,
  LIVE_SESSIONS,
  LIVE_SUBSCRIPTIONS,
  OP_PRESSURE,
  REGION_INBOX,
  REGION_OP,
  REGION_RESULT,
  REGION_SCRATCH,
  SCRATCH_BYTES,
  SESSION_CLOSED,
  STATUS_NO_MEMORY,
  STATUS_OK,
  STATUS_STALE,
  SUB_CLOSED,
} from './abi';
import {
  Account,
  accountClose,
  accountCreate,
  accountFind,
  accounts,
  accountsInit,
  accountsTotal,
  accountTouch,
} from './account';
import { encoderBegin, encoderHeadFromNumbers } from './encoder';
import { ingestSession } from './ingest';
import { lookup, matchCacheBytes, matchCacheEnable, matchCacheInit } from './match-cache';
import {
  allocate,
  canariesIntact,
  heapBytesLive,
  inboxPtr,
  memoryInit,
  memorySetGrowth,
  Op,
  opPtr,
  release,
  resultPtr,
  scratchPtr,
  takePtr,
} from './memory';
import { Node, nodeFilterBytes, nodeFilterInto, nodes } from './node';
import {
  sessionClose as closeSession,
  outboundCopied,
  outboundInit,
  outboundSend,
  outboundTake,
  outboundRelease as releaseFlight,
  segments,
  outboundTakeCopy as takeCopy,
  outboundTakeNext as takeNext,
} from './outbound';
import { OWNER_PROGRAM, OWNER_SCRATCH, Owned } from './ownership';
import { poolInit, poolUsed } from './pool';
import { queueSeed } from './queue-group';
import { recordCount as records, recordsLimit, recordsReset } from './records';
import { resolve } from './resolve';
import {
  isStopped,
  pressure,
  pressureReset,
  reached,
  routeAbandon,
  routeBegin,
  routeGo,
  routeHasInterest,
  routeRepick,
  routeResume,
} from './router';
import {
  quarantineCount,
  quarantineRelease,
  Session,
  sessionCreate,
  sessionFind,
  sessionMove,
  sessions,
  sessionsInit,
  sessionUnsubscribeAll,
  sessionSetFlags as setFlags,
  sessionSubscribe as subscribeSession,
  subscriptionClose,
} from './session';
import { Group, groups, sublistInit, sublistInsert } from './sublist';
import {
  QueueName,
  queueNameFind,
  queueNamePtr,
  Sub,
  subCreate,
  subFind,
  subFree,
  subSetMax,
  subs,
  subscriptionsInit,
} from './subscription';

// Where JS puts what it asks while a publish is stopped, whose body lies in front of it.
const FILTER_END: usize = SCRATCH_BYTES;

// ── Life ──────────────────────────────────────────────────────────────────────────────────────────

/** Lays everything out. STATUS_OK or STATUS_NO_MEMORY; call once. `poolMax` in bytes. */
export function coreInit(seedLow: u32, seedHigh: u32, poolMax: u32): i32 {
  if (!memoryInit(((<u64>seedHigh) << 32) | seedLow)) return STATUS_NO_MEMORY;
  queueSeed(seedLow ^ seedHigh);
  const made = subscriptionsInit() && sublistInit() && matchCacheInit() && sessionsInit();
  return made && accountsInit() && outboundInit() && poolInit(poolMax)
    ? STATUS_OK
    : STATUS_NO_MEMORY;
}

/** Where a region begins (REGION_*). */
export function regionPtr(region: u32): u32 {
  if (region == REGION_INBOX) return <u32>inboxPtr;
  if (region == REGION_RESULT) return <u32>resultPtr;
  if (region == REGION_SCRATCH) return <u32>scratchPtr;
  return <u32>(region == REGION_OP ? opPtr : takePtr);
}

/** A block of the heap for a frame that does not fit the inbox, or 0. May grow memory. */
export function blockAllocate(bytes: u32): u32 {
  return <u32>allocate(bytes, OWNER_PROGRAM);
}

/** Gives it back; `bytes` as asked for. */
export function blockRelease(ptr: u32, bytes: u32): void {
  release(ptr, bytes);
}

/** Frees what is in quarantine. Only while nothing is being delivered. */
export function turnEnd(): void {
  if (!isStopped) quarantineRelease();
}

/** LIVE_*: all zero when everything is closed (but for what the heap keeps for use again). */
export function liveCount(which: u32): u32 {
  if (which == LIVE_SUBSCRIPTIONS) return subs.live;
  if (which == LIVE_SESSIONS) return sessions.live;
  if (which == LIVE_NODES) return nodes.live;
  if (which == LIVE_GROUPS) return groups.live;
  if (which == LIVE_SEGMENTS) return segments.live;
  if (which == LIVE_CHUNK_BYTES) return poolUsed;
  if (which == LIVE_HEAP_BYTES) return heapBytesLive;
  if (which == LIVE_ACCOUNTS) return accounts.live;
  return which == LIVE_QUARANTINE ? quarantineCount : matchCacheBytes();
}

/** ACCOUNT_IN_MSGS … of all accounts, over all time. */
export function counter(which: u32): f64 {
  return accountsTotal(which);
}

// ── Accounts ──────────────────────────────────────────────────────────────────────────────────────

/** A new account's handle, or 0. May grow memory. */
export function accountOpen(): u32 {
  const ptr = accountCreate();
  return ptr == 0 ? 0 : Account.at(ptr).handle;
}

/** The record of an account (ACCOUNT_*), or 0. */
export function accountPtr(account: u32): u32 {
  return <u32>accountFind(account);
}

/** Gives an account's memory back. 0: nothing was done, for somebody is in it, or a message is on its way. */
export function accountShut(account: u32): u32 {
  const ptr = accountFind(account);
  return ptr != 0 && !isStopped && accountClose(ptr) ? 1 : 0;
}

export { accountWatch, changesLogPtr, changesTake } from './changes';

// ── Subscriptions of the program ──────────────────────────────────────────────────────────────────

/** Inserts one; its handle or a STATUS. May grow memory. */
export function subscriptionOpen(
  account: u32,
  filterPtr: u32,
  filterLen: u32,
  queuePtr: u32,
  queueLen: u32,
): i32 {
  const owner = accountFind(account);
  if (owner == 0) return STATUS_STALE;
  const sub = subCreate(0, 0, 0);
  if (sub == 0) return STATUS_NO_MEMORY;
  const status = sublistInsert(owner, sub, filterPtr, filterLen, queuePtr, queueLen);
  if (status == STATUS_OK) return Sub.at(sub).handle;
  subFree(sub);
  return status;
}

/** Closes one. 1, or 0 when it was closed. */
export function subscriptionShut(handle: u32): u32 {
  const sub = subFind(handle);
  if (sub == 0 || (Sub.at(sub).flags & SUB_CLOSED) != 0) return 0;
  subscriptionClose(sub);
  return 1;
}

/** Closes it after `max` deliveries in all. 1: that many have been made, it is closed now. */
export function subscriptionSetMax(handle: u32, max: u32): u32 {
  const ptr = subFind(handle);
  if (ptr == 0) return 1;
  const sub = Sub.at(ptr);
  if ((sub.flags & SUB_CLOSED) != 0) return 1;
  subSetMax(ptr, max);
  if (max != 0 && sub.delivered >= max) {
    subscriptionClose(ptr);
    return 1;
  }
  // Routes that were resolved before do not know of the max.
  accountTouch(Node.at(sub.node).account);
  return 0;
}

/** The record of a living or quarantined subscription (SUB_*), or 0. */
export function subscriptionPtr(handle: u32): u32 {
  return <u32>subFind(handle);
}

/** Writes the filter of a subscription record to the end of the scratch region and answers its length. */
export function subscriptionFilter(sub: u32): u32 {
  const node = Sub.at(<usize>sub).node;
  const bytes = nodeFilterBytes(node);
  nodeFilterInto(node, scratchPtr + FILTER_END - bytes, OWNER_SCRATCH);
  return bytes;
}

/** Where `subscriptionFilter` ends its text. */
export function subscriptionFilterEnd(): u32 {
  return <u32>(scratchPtr + FILTER_END);
}

/** The text of a subscription record's queue name. */
export function subscriptionQueuePtr(sub: u32): u32 {
  const group = Sub.at(<usize>sub).group;
  return group == 0 ? 0 : <u32>queueNamePtr(Group.at(group).name);
}

/** Its length; 0 = no queue group. */
export function subscriptionQueueLen(sub: u32): u32 {
  const group = Sub.at(<usize>sub).group;
  return group == 0 ? 0 : QueueName.at(Group.at(group).name).length;
}

// ── Routes ────────────────────────────────────────────────────────────────────────────────────────

/** The route of a subject (ROUTE_*) or 0. Valid until the next call that routes. May grow memory. */
export function routeResolve(account: u32, subjectPtr: u32, subjectLen: u32): u32 {
  const owner = accountFind(account);
  return owner == 0 || isStopped ? 0 : <u32>resolve(owner, subjectPtr, subjectLen);
}

/**
 * Routes a message of the program to whoever is interested in `to`, showing `shown` as its subject. Two
 * bytes behind the body are overwritten. STATUS_OK or STATUS_AGAIN_* (then `publishResume`). May grow
 * memory.
 */
export function publish(
  account: u32,
  toPtr: u32,
  toLen: u32,
  shownPtr: u32,
  shownLen: u32,
  replyPtr: u32,
  replyLen: u32,
  bodyPtr: u32,
  bodyLen: u32,
  headerLen: u32,
  onlyLocal: u32,
): i32 {
  const owner = accountFind(account);
  if (owner == 0) return STATUS_STALE;
  recordsReset();
  pressureReset();
  Owned.assertWritable(bodyPtr, bodyLen + 2);
  store<u16>(bodyPtr + bodyLen, 0x0a0d);
  encoderBegin(shownPtr, shownLen, replyPtr, replyLen, bodyPtr, bodyLen, headerLen);
  if (!encoderHeadFromNumbers()) return STATUS_NO_MEMORY;
  const block = lookup(owner, toPtr, toLen);
  if (block == 0) return STATUS_NO_MEMORY;
  routeBegin(owner, 0, block, onlyLocal != 0);
  return notePressure(routeGo());
}

// Notes in the op record whether a recipient is pressed.
function notePressure(status: i32): i32 {
  Op.set(OP_PRESSURE, pressure ? 1 : 0);
  return status;
}

/**
 * Goes on with the message, whoever's, that answered STATUS_AGAIN_*.
 *
 * @param starved 1: it was STATUS_AGAIN_POOL, and flushing has brought no chunk back; sessions without room
 *   are given up as slow
 */
export function publishResume(starved: u32): i32 {
  recordsReset();
  return isStopped ? notePressure(routeResume(starved != 0)) : STATUS_OK;
}

/** Gives up a message that has stopped with STATUS_AGAIN_*. */
export function publishAbandon(): void {
  routeAbandon();
}

/** Recipients that the last message reached. */
export function routeReached(): u32 {
  return reached;
}

/** 1: somebody is interested in the subject; with a queue name, in that group. */
export function routeInterest(
  account: u32,
  subjectPtr: u32,
  subjectLen: u32,
  queuePtr: u32,
  queueLen: u32,
): u32 {
  const owner = accountFind(account);
  if (owner == 0) return 0;
  const name = queueLen == 0 ? <usize>0 : queueNameFind(queuePtr, queueLen);
  if (queueLen != 0 && name == 0) return 0;
  return routeHasInterest(owner, subjectPtr, subjectLen, name) ? 1 : 0;
}

/** Another of the program's living members of a queue group, for a pick that has closed; 0 = none. */
export function routePick(
  account: u32,
  subjectPtr: u32,
  subjectLen: u32,
  queuePtr: u32,
  queueLen: u32,
): u32 {
  const owner = accountFind(account);
  const name = queueNameFind(queuePtr, queueLen);
  if (owner == 0 || name == 0) return 0;
  const sub = routeRepick(owner, name, subjectPtr, subjectLen);
  return sub == 0 ? 0 : Sub.at(sub).handle;
}

/** Records of the last call. */
export function recordCount(): u32 {
  return records;
}

// ── Sessions ──────────────────────────────────────────────────────────────────────────────────────

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
  const ptr = sessionFind(handle);
  if (ptr == 0) return;
  setFlags(ptr, flags);
}

/** Sets the limits, in bytes. */
export function sessionSetLimits(
  handle: u32,
  payloadMax: u32,
  controlLineMax: u32,
  pendingMax: u32,
): void {
  const ptr = sessionFind(handle);
  if (ptr == 0) return;
  const session = Session.at(ptr);
  session.payloadMax = payloadMax;
  session.controlLineMax = controlLineMax;
  session.pendingMax = pendingMax;
}

/** Removes the session's subscriptions, at most so many (0 = all); without any it moves to the account. */
export function sessionSetAccount(handle: u32, account: u32, most: u32): void {
  const ptr = sessionFind(handle);
  const owner = accountFind(account);
  if (ptr == 0 || owner == 0 || (Session.at(ptr).flags & SESSION_CLOSED) != 0) return;
  sessionUnsubscribeAll(ptr, most);
  if (Session.at(ptr).subsCount == 0) sessionMove(ptr, owner);
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
  const ptr = sessionFind(handle);
  if (ptr == 0) return STATUS_STALE;
  return subscribeSession(ptr, filterPtr, filterLen, queuePtr, queueLen, sidPtr, sidLen);
}

/** Closes a session; its record lives until no write is under way. */
export function sessionClose(handle: u32): void {
  const ptr = sessionFind(handle);
  if (ptr != 0) closeSession(ptr);
}

/**
 * Feeds bytes of a session. STATUS_OK: OP_CONSUMED of them are done with, and a frame may lack OP_NEED
 * more. STATUS_OP: the op record wants a decision. STATUS_AGAIN_*: drain (and flush), then call again for
 * the rest. May grow memory.
 */
export function ingest(handle: u32, ptr: u32, length: u32): i32 {
  const session = sessionFind(handle);
  return session == 0 ? STATUS_STALE : ingestSession(session, ptr, length);
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
  const ptr = sessionFind(handle);
  if (ptr == 0) return;
  const session = Session.at(ptr);
  session.pending -= min<u32>(bytes, session.pending);
}

/** Bytes that the pool has lent. */
export function poolBytes(): u32 {
  return poolUsed;
}

// ── Hooks of tests ────────────────────────────────────────────────────────────────────────────────

/** 1: the canaries between the fixed regions are intact. */
export function memoryIntact(): u32 {
  return canariesIntact() ? 1 : 0;
}

/** Growth refused from now on, or forced at every new block. */
export function memoryForceGrowth(blocked: u32, always: u32): void {
  memorySetGrowth(blocked != 0, always != 0);
}

/** The match cache on or off. */
export function cacheEnable(on: u32): void {
  matchCacheEnable(on != 0);
}

/** As if the result region held that many records. */
export function recordsSetLimit(count: u32): void {
  recordsLimit(count);
}
