// Exports: accounts, and the program's subscriptions in them. No logic lives here.

import { SCRATCH_BYTES, STATUS_STALE } from './abi';
import { Account, accountClose, accountCreate, accountFind } from './account';
import { scratchPtr } from './memory';
import { nodeFilterBytes, nodeFilterInto } from './node';
import { OWNER_SCRATCH } from './ownership';
import { isStopped } from './router';
import { programSubscribe, programUnsubscribe, subscriptionLimit } from './session';
import { Group } from './sublist';
import { QueueName, queueNamePtr, Sub, subFind } from './subscription';

// Where JS puts what it asks while a publish is stopped, whose body lies in front of it.
const FILTER_END: usize = SCRATCH_BYTES;

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

/** Inserts one; its handle or a STATUS. `isRaw`: it is handed records (SUB_RAW). May grow memory. */
export function subscriptionOpen(
  account: u32,
  filterPtr: u32,
  filterLen: u32,
  queuePtr: u32,
  queueLen: u32,
  isRaw: u32,
): i32 {
  const owner = accountFind(account);
  if (owner == 0) return STATUS_STALE;
  return programSubscribe(owner, filterPtr, filterLen, queuePtr, queueLen, isRaw != 0);
}

/** Closes one. 1, or 0 when it was closed. */
export function subscriptionShut(handle: u32): u32 {
  const sub = subFind(handle);
  return sub != 0 && programUnsubscribe(sub) ? 1 : 0;
}

/** Closes it after `max` deliveries in all, 0 = never. 1: that many have been made, it is closed now. */
export function subscriptionSetMax(handle: u32, max: u32): u32 {
  const sub = subFind(handle);
  return sub == 0 || subscriptionLimit(sub, max) ? 1 : 0;
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
