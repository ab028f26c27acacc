// What the subscriptions of peers may take. All together they are bounded by what the heap holds, tables and all, and
// those of one session by what each was counted with when it came: its record, and of the rest what was made for it.
//
//   SUB a.*.c  of a session that has a.*:  record, sid, entry of the sid · node of c with its entry
//
// Somebody who comes to a node that is there pays for his own part only; somebody whose node stays because others came
// to it has paid, and is through when he goes. The program's own are never refused, but count in the heap.

import { SUBSCRIPTION_BYTES_MAX, SUBSCRIPTION_COUNT_MAX } from './abi';
import { allocate, blockBytes, memoryBound, NO_BOUND, release } from './memory';
import { OWNER_PROGRAM } from './ownership';

/** An entry of a table that is little more than a quarter full; most are fuller. */
const ENTRY_BYTES: u32 = 48;
/** What tells whether there is room: a block of records. */
const PROBE_BYTES: u32 = 65536;

let most: u32 = SUBSCRIPTION_BYTES_MAX;
/** Of the subscription that is being made. */
let counted: u32 = 0;

/** Bounds all subscriptions of peers; those of one session may take half of it. */
export function quotaSet(bytes: u32): void {
  most = bytes;
}

export class Quota {
  /** A record that belongs to a subscription has been made, with its entry in a table. */
  @inline
  static countRecord(bytes: u32): void {
    counted += bytes + ENTRY_BYTES;
  }

  /** A block as well. */
  @inline
  static countBlock(bytes: u32): void {
    counted += blockBytes(bytes);
  }
}

/** Begins a subscription of a session that has so many. False: it may not have another. `quotaClose` must follow. */
export function quotaOpen(bytes: u32, count: u32): bool {
  counted = 0;
  memoryBound(most);
  return bytes < most >> 1 && count < <u32>SUBSCRIPTION_COUNT_MAX;
}

/** The subscription is there, or was refused; answers what it is counted with. */
export function quotaClose(): u32 {
  memoryBound(NO_BOUND);
  return counted;
}

/** Whether a peer that has nothing would be given anything. */
export function quotaHasRoom(): bool {
  memoryBound(most);
  const ptr = allocate(PROBE_BYTES, OWNER_PROGRAM);
  memoryBound(NO_BOUND);
  if (ptr != 0) release(ptr, PROBE_BYTES);
  return ptr != 0;
}
