// What may come for thousands at once, such as the ends of their connections, is done in slices: for some
// milliseconds in a turn of the event loop, in the order in which it came. What there is time for is done at once.
import type { Clock } from './clock.ts';

/** Milliseconds of a slice: nothing else waits longer for it. */
export const SLICE_MS = 5;

export class Slices {
  readonly #clock: Clock;
  readonly #defer: (fn: () => void) => void;
  #waiting: (() => void)[] = [];
  /** Of what waits, the first that is not done. */
  #next = 0;
  /** Milliseconds of this turn of the loop that are used up. */
  #usedMs = 0;
  #isRunning = false;
  #isScheduled = false;
  #isClosed = false;

  /** @param defer runs a function once this turn of the loop has no more reads */
  constructor(clock: Clock, defer: (fn: () => void) => void) {
    this.#clock = clock;
    this.#defer = defer;
  }

  /** Does the work behind all other that waits: now, or in one of the next turns of the loop. */
  run(work: () => void): void {
    this.#waiting.push(work);
    if (!this.#isRunning) this.#slice();
  }

  /** The same, but not before this call has returned. */
  later(work: () => void): void {
    this.#waiting.push(work);
    if (this.#isClosed) this.run(() => {});
    else if (!this.#isRunning) this.#schedule();
  }

  /** Does now what has waited longest. False: nothing waits. */
  next(): boolean {
    const work = this.#waiting[this.#next++];
    if (work === undefined) {
      this.#waiting = [];
      this.#next = 0;
      return false;
    }
    const start = this.#clock.monotonic();
    work();
    this.#usedMs += this.#clock.monotonic() - start;
    return true;
  }

  /** Does all that waits; from now on everything is done at once. */
  close(): void {
    this.#isClosed = true;
    this.#slice();
  }

  /** An error goes up; what waits behind it is done in the next turn. */
  #slice(): void {
    this.#isRunning = true;
    try {
      while ((this.#isClosed || this.#usedMs < SLICE_MS) && this.next());
    } finally {
      this.#isRunning = false;
      if (this.#usedMs > 0 || this.#waiting.length > 0) this.#schedule();
    }
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#defer(() => {
      this.#isScheduled = false;
      this.#usedMs = 0;
      // Let go of now: there may never be a turn in which nothing waits.
      this.#waiting.splice(0, this.#next);
      this.#next = 0;
      this.#slice();
    });
  }
}
