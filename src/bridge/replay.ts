// What is left of a read whose session has to wait in the middle of it: for a verdict, or because the read's budget is
// spent and others have their turn. It becomes the session's tail, whole ops and all, and the transport is paused; when
// nothing keeps the session any more, the tail is replayed as if it had just been read, after the reads of the others in
// that turn of the loop. So the order is kept without new bytes, and whoever lets the session go on may do so in the
// middle of anybody's read.
//
//   read:  │ done │ op that waits │ rest │            the rest is the tail: counted in the bound of unfinished
//                                   └──► tail          reads, and not given up, as it waits for us
//   … paused …
//   loop:  │ reads that are due │ replay: tail │ ──► go on reading, unless it has to wait again
//
// A replay is there from the wait to its tail's turn; a wait in that turn makes another. However many have spent their
// budgets, they take a slice of each turn of the loop together.
import type { Clock } from '../shared/clock.ts';
import { Slices } from '../shared/slices.ts';

/** What the sessions share. */
export class Replays {
  readonly #defer: (fn: () => void) => void;
  readonly #slices: Slices;

  /** @param defer runs a function once this turn of the event loop has no more reads */
  constructor(clock: Clock, defer: (fn: () => void) => void) {
    this.#defer = defer;
    this.#slices = new Slices(clock, defer);
  }

  /** Runs it behind the reads of this turn of the loop, or, when there is no time left then, of a later one. */
  run(fn: () => void): void {
    this.#defer(() => this.#slices.run(fn));
  }
}

export class Replay {
  readonly #replays: Replays;
  readonly #run: () => void;
  #isOver = false;

  /** @param run replays the tail, if the session may be read: then it calls `end` */
  constructor(replays: Replays, run: () => void) {
    this.#replays = replays;
    this.#run = run;
  }

  /** Nothing keeps the session any more: maybe not for the first time, as other reasons come and go meanwhile. */
  schedule(): void {
    this.#replays.run(() => {
      if (!this.#isOver) this.#run();
    });
  }

  /** The tail's turn has come, or the session has ended. */
  end(): void {
    this.#isOver = true;
  }
}
