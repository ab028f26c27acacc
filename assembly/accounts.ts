// Accounts: handles for sublist roots. One instance of the core holds them all.

import { Arena, arenaCreate, arenaFind, arenaInsert, arenaRemove } from './arena';
import { OWNER_ACCOUNT } from './ownership';
import { Account, accountPlant } from './sublist';

let accounts: Arena = changetype<Arena>(0);

/** Makes the arena. False: no memory. */
export function accountsInit(): bool {
  accounts = arenaCreate(offsetof<Account>(), 6, 0);
  return changetype<usize>(accounts) != 0;
}

/** A new account's handle, or 0. */
export function accountCreate(): u32 {
  const ptr = arenaInsert(accounts, OWNER_ACCOUNT);
  if (ptr == 0) return 0;
  if (accountPlant(ptr)) return Account.at(ptr).handle;
  arenaRemove(accounts, ptr);
  return 0;
}

/** The account of a handle, or 0. */
export function accountFind(handle: u32): usize {
  return arenaFind(accounts, handle);
}
