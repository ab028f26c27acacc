// What has changed in watched accounts: the filter of each subscription that came or went, in a log that JS reads at
// the end of a turn. It says what to look at again, not what is so now: whoever reads it asks.
//
//   entry:  account (handle) · length · text, padded to a word
//
// When the log is full, as when a connection with 100,000 subscriptions ends, it is lost until it has been read:
// asking about everything that is watched is cheaper then.

import { STATUS_AGAIN_RESULT, STATUS_NO_MEMORY, STATUS_OK, STATUS_STALE } from './abi';
import { Account, accountFind } from './account';
import { copyExact } from './bytes';
import { allocate } from './memory';
import { nodeFilterBytes, nodeFilterInto } from './node';
import { OWNER_CHANGES, Owned } from './ownership';

const LOG_BYTES: u32 = 65536;
const HEAD_BYTES: u32 = 8;

let log: usize = 0;
// Bytes of entries.
let logBytes: u32 = 0;
// More has changed than the log says.
let isLost: bool = false;

/** Begins to log the changes of an account, or ends it. STATUS_OK, STATUS_STALE or STATUS_NO_MEMORY. May grow memory. */
export function accountWatch(account: u32, isWatched: u32): i32 {
  const ptr = accountFind(account);
  if (ptr == 0) return STATUS_STALE;
  if (isWatched != 0 && log == 0) {
    log = allocate(LOG_BYTES, OWNER_CHANGES);
    if (log == 0) return STATUS_NO_MEMORY;
  }
  Account.at(ptr).isWatched = isWatched;
  return STATUS_OK;
}

/** Bytes of the log since the last call, or STATUS_AGAIN_RESULT when it is not whole. */
export function changesTake(): i32 {
  const bytes = isLost ? STATUS_AGAIN_RESULT : <i32>logBytes;
  logBytes = 0;
  isLost = false;
  return bytes;
}

/** Where its entries lie. They stay until something changes. */
export function changesLogPtr(): u32 {
  return <u32>log;
}

/** Notes a filter of a watched account. */
export function changesNote(account: usize, filterPtr: usize, filterLen: u32): void {
  const text = append(account, filterLen);
  if (text != 0) copyExact(text, filterPtr, filterLen);
}

/** Notes the filter that leads to a node. */
export function changesNoteNode(account: usize, node: usize): void {
  const text = append(account, nodeFilterBytes(node));
  if (text != 0) nodeFilterInto(node, text, OWNER_CHANGES);
}

// Answers where the text belongs, or 0: there is no room.
function append(account: usize, length: u32): usize {
  const bytes = HEAD_BYTES + ((length + 3) & ~3);
  if (isLost || logBytes + bytes > LOG_BYTES) {
    isLost = true;
    return 0;
  }
  const at = log + <usize>logBytes;
  Owned.write<u32>(at, Account.at(account).handle, OWNER_CHANGES);
  Owned.write<u32>(at + 4, length, OWNER_CHANGES);
  logBytes += bytes;
  return at + HEAD_BYTES;
}
