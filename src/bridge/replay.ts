// What is left of a read when its session has to wait in the middle of it. It becomes the session's tail, whole
// ops and all, and the transport is paused; when nothing keeps the session any more, the tail is replayed as if it
// had just been read, after the reads of the others in that turn of the loop. So the order is kept without new
// bytes, and whoever lets the session go on may do so in the middle of anybody's read.
//
//   read:  │ done │ op that waits │ rest │            the rest is the tail: counted in the bound of unfinished
//                                   └──► tail          reads, and not given up, as it waits for us
//   … paused …
//   loop:  │ reads that are due │ replay: tail │ ──► go on reading, unless it has to wait again

export class Replay {
  readonly #defer: (fn: () => void) => void;
  readonly #run: () => void;
  #isWaiting = false;
  #isScheduled = false;
  readonly #onDeferred = (): void => {
    this.#isScheduled = false;
    if (this.#isWaiting) this.#run();
  };

  /**
   * @param defer runs a function once this turn of the event loop has no more reads
   * @param run replays the tail, if the session may be read: then it calls `begin`
   */
  constructor(defer: (fn: () => void) => void, run: () => void) {
    this.#defer = defer;
    this.#run = run;
  }

  /** The tail holds what has not been looked at. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** A read is left in the middle: from now on what comes belongs behind the tail. */
  wait(): void {
    this.#isWaiting = true;
  }

  /** Nothing keeps the session any more. */
  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#defer(this.#onDeferred);
  }

  /** The tail is being replayed, or dropped because the session has ended. */
  begin(): void {
    this.#isWaiting = false;
  }
}
