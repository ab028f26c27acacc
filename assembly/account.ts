// Accounts: subject spaces that know nothing of each other. One instance of the core holds them all. An account is the
// root of a trie, what is counted of it, and a generation, which every change of who is interested in what moves on.
//
// Generations of all accounts come from one counter, and none comes twice. So whoever remembers a generation remembers
// with it whose it is: what was found out about an account that has been closed can never be taken for something
// about the one that has got its record. A double counts to 2^53: for centuries.

import {
  ACCOUNT_BYTES,
  ACCOUNT_GENERATION,
  ACCOUNT_HANDLE,
  ACCOUNT_IN_BYTES,
  ACCOUNT_IN_MSGS,
  ACCOUNT_INSERTS,
  ACCOUNT_MATCHES,
  ACCOUNT_OUT_BYTES,
  ACCOUNT_OUT_MSGS,
  ACCOUNT_REMOVES,
  ACCOUNT_SESSIONS,
  ACCOUNT_SLOW_CONSUMERS,
  ACCOUNT_SUBSCRIPTIONS,
} from './abi';
import { Arena, arenaAt, arenaCreate, arenaFind, arenaInsert, arenaRemove } from './arena';
import { nodeCreate, nodeDiscard } from './node';
import { OWNER_ACCOUNT, Owned } from './ownership';

@unmanaged
export class Account {
  handle: u32;
  /** Sessions that are in it. */
  sessionCount: u32;
  generation: f64;
  root: usize;
  subscriptionCount: u32;
  /** Subscriptions whose filter has a wildcard; without any the trie is not walked. */
  wildcardCount: u32;
  /** Counted by the bridge. */
  slowConsumers: u32;
  // Messages and payload bytes of its peers.
  inMsgs: f64;
  inBytes: f64;
  outMsgs: f64;
  outBytes: f64;
  /** 1: changes.ts is told who comes and goes. */
  isWatched: u32;
  unused: u32;
  // Subscriptions that have come and gone, and how often it was asked who there is.
  inserts: f64;
  removes: f64;
  matches: f64;

  @inline
  static at(ptr: usize): Account {
    Owned.assertRecord(ptr, OWNER_ACCOUNT);
    return changetype<Account>(ptr);
  }
}
if (offsetof<Account>('handle') != ACCOUNT_HANDLE) ERROR('Account.handle is off');
if (offsetof<Account>('sessionCount') != ACCOUNT_SESSIONS) ERROR('Account.sessionCount is off');
if (offsetof<Account>('generation') != ACCOUNT_GENERATION) ERROR('Account.generation is off');
if (offsetof<Account>('subscriptionCount') != ACCOUNT_SUBSCRIPTIONS)
  ERROR('Account.subscriptionCount is off');
if (offsetof<Account>('slowConsumers') != ACCOUNT_SLOW_CONSUMERS)
  ERROR('Account.slowConsumers is off');
if (offsetof<Account>('inMsgs') != ACCOUNT_IN_MSGS) ERROR('Account.inMsgs is off');
if (offsetof<Account>('inBytes') != ACCOUNT_IN_BYTES) ERROR('Account.inBytes is off');
if (offsetof<Account>('outMsgs') != ACCOUNT_OUT_MSGS) ERROR('Account.outMsgs is off');
if (offsetof<Account>('outBytes') != ACCOUNT_OUT_BYTES) ERROR('Account.outBytes is off');
if (offsetof<Account>('inserts') != ACCOUNT_INSERTS) ERROR('Account.inserts is off');
if (offsetof<Account>('removes') != ACCOUNT_REMOVES) ERROR('Account.removes is off');
if (offsetof<Account>('matches') != ACCOUNT_MATCHES) ERROR('Account.matches is off');
if (offsetof<Account>() != ACCOUNT_BYTES) ERROR('Account is not the size abi.ts says');

export let accounts: Arena = changetype<Arena>(0);
let generations: f64 = 0;
// What accounts had counted that are closed now.
let endedInMsgs: f64 = 0;
let endedInBytes: f64 = 0;
let endedOutMsgs: f64 = 0;
let endedOutBytes: f64 = 0;

/** Makes the arena. False: no memory. */
export function accountsInit(): bool {
  accounts = arenaCreate(ACCOUNT_BYTES, 6, ACCOUNT_HANDLE);
  return changetype<usize>(accounts) != 0;
}

/** A new account, or 0. */
export function accountCreate(): usize {
  const ptr = arenaInsert(accounts, OWNER_ACCOUNT);
  if (ptr == 0) return 0;
  const root = nodeCreate(ptr, 0, 0, 0);
  if (root == 0) {
    arenaRemove(accounts, ptr);
    return 0;
  }
  Account.at(ptr).root = root;
  accountTouch(ptr);
  return ptr;
}

/** The account of a handle, or 0. */
export function accountFind(handle: u32): usize {
  return arenaFind(accounts, handle);
}

/** Moves the generation on: every match result and route of the account is void. */
export function accountTouch(ptr: usize): void {
  generations += 1;
  Account.at(ptr).generation = generations;
}

/** Gives an account's memory back. False: somebody is in it, a subscription or a session. */
export function accountClose(ptr: usize): bool {
  const account = Account.at(ptr);
  if ((account.subscriptionCount | account.sessionCount) != 0) return false;
  endedInMsgs += account.inMsgs;
  endedInBytes += account.inBytes;
  endedOutMsgs += account.outMsgs;
  endedOutBytes += account.outBytes;
  nodeDiscard(account.root);
  arenaRemove(accounts, ptr);
  return true;
}

/** A session enters an account, or leaves it. */
export function accountEnter(ptr: usize): void {
  Account.at(ptr).sessionCount++;
}

export function accountLeave(ptr: usize): void {
  const account = Account.at(ptr);
  assert(account.sessionCount > 0);
  account.sessionCount--;
}

/** Messages that peers have published, and their payload bytes. */
export function accountCountIn(ptr: usize, msgs: f64, bytes: f64): void {
  const account = Account.at(ptr);
  account.inMsgs += msgs;
  account.inBytes += bytes;
}

/** Messages that have been queued for peers, and their payload bytes. */
export function accountCountOut(ptr: usize, msgs: f64, bytes: f64): void {
  const account = Account.at(ptr);
  account.outMsgs += msgs;
  account.outBytes += bytes;
}

/** What all accounts have counted at ACCOUNT_IN_MSGS …, those that are closed included. */
export function accountsTotal(offset: u32): f64 {
  let total = ended(offset);
  for (let number: u32 = 1; number < accounts.made; number++) {
    const ptr = arenaAt(accounts, number);
    if (ptr != 0) total += Owned.read<f64>(ptr + offset, OWNER_ACCOUNT);
  }
  return total;
}

function ended(offset: u32): f64 {
  if (offset == ACCOUNT_IN_MSGS) return endedInMsgs;
  if (offset == ACCOUNT_IN_BYTES) return endedInBytes;
  return offset == ACCOUNT_OUT_MSGS ? endedOutMsgs : endedOutBytes;
}
