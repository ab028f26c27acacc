// Why a session is not read for a while. Each reason is a bit; it is read again when none is left.

/** Its unfinished read has no room among all others. */
export const PAUSE_ROOM = 1;
/** A consumer of its messages is above half of its pending limit. */
export const PAUSE_PRESSED = 2;
/** It streams crumbs. */
export const PAUSE_CRUMBS = 4;
/** What it has queued for many is not all written. */
export const PAUSE_UNWRITTEN = 8;
/** A consumer of its messages is far behind it. */
export const PAUSE_AHEAD = 16;
/** It has held up the loop. */
export const PAUSE_LOOP = 32;
/** It waits in the middle of a read. */
export const PAUSE_WAITING = 64;

/** Who can be paused. */
export interface Paced {
  /** @param why one of the bits above */
  pause(why: number): void;
  resume(why: number): void;
}
