// The budget of a read: how much work may still be done for it before others have their turn. It is counted in units of
// about 20 ns, by what loops count anyway: ops, nodes, members, bytes. Whoever does the work charges it; ingest.ts alone
// asks, between two ops. What the program does is charged as well, and asked by nobody.
//
//   ingest(…, units) ─► op, charge ─► op, charge ─► … ─► spent: STATUS_SPENT, the rest of the read waits

/** An op: its line read and judged. What is settled at once costs no more. */
export const OP_UNITS: u32 = 2;
/** An op that JS decides about, beside the bytes of its arguments. */
export const DECISION_UNITS: u32 = 64;
/** CONNECT and INFO, beside their bytes: what follows from them. */
export const JSON_UNITS: u32 = 512;
/** A byte of JSON: brackets within brackets, or keys that all differ, take 50 ns each, and leave as much to be collected. */
export const JSON_BYTE_UNITS: u32 = 4;
/** UNSUB: records of four kinds change, and none of them is near. */
export const UNSUBSCRIBE_UNITS: u32 = 32;
/** A node that is visited or removed: a line from memory, and a slot of a table. One that is made costs twice that. */
export const NODE_UNITS: u32 = 6;
/** The same on a walk (walk.ts), where one waits for the other. */
export const WALK_NODE_UNITS: u32 = 15;
/** A member that is looked at. */
export const MEMBER_UNITS: u32 = 1;
/** A frame on the long way, beside its bytes: as likely as not the recipient is met for the first time in this turn. */
export const FRAME_UNITS: u32 = 6;
/** The 503 of a request that nobody serves. */
export const NO_RESPONDERS_UNITS: u32 = 20;
/** Bytes of a chunk for one unit, as a power of two: its memory may be new, and a session has to be written to. */
export const CHUNK_BYTES_LOG2: u32 = 6;
/** A record: most of it is spent in JS. */
export const RECORD_UNITS: u32 = 10;
/** Bytes that are copied for one unit, as a power of two. */
export const UNIT_BYTES_LOG2: u32 = 8;

export class Budget {
  /** Units that are left: below 1 it is spent. Without a budget there are more than are ever spent. */
  static left: i64 = i64.MAX_VALUE;

  @inline
  static charge(units: u32): void {
    Budget.left -= units;
  }

  @inline
  static get isSpent(): bool {
    return Budget.left <= 0;
  }
}
