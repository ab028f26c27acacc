// What a message makes a stream do that may take long (a roll-up of very many): done within the publish as far as a few
// milliseconds lead, and the rest in slices. Whoever waits for it, as every commit does, has its turn when it is whole.
import type { BusInternals } from '../../bus/internals.ts';
import type { Clock } from '../../shared/clock.ts';
import type { Work } from '../work.ts';

const SLICE_MS = 2;
/** Pieces that are done at once, and of a slice where the clock does not move. */
const PIECES_MOST = 16;

export class Settling {
  readonly #door: BusInternals;
  readonly #clock: Clock;
  #works: Work<unknown>[] = [];
  #waiting: (() => void)[] = [];

  constructor(door: BusInternals, clock: Clock) {
    this.#door = door;
    this.#clock = clock;
  }

  get isBusy(): boolean {
    return this.#works.length > 0;
  }

  push(work: Work<unknown>): void {
    this.#works.push(work);
    if (this.#works.length > 1) return;
    this.#goOn();
    if (this.isBusy) this.#goOnLater();
  }

  /** Calls `done` when all that has been begun is done, in the order of the calls; at once if it is. */
  behind(done: () => void): void {
    if (this.isBusy) this.#waiting.push(done);
    else done();
  }

  /** Nothing is gone on with. */
  close(): void {
    this.#works = [];
    this.#release();
  }

  #goOnLater(): void {
    this.#door.atLoopEnd(() => {
      if (!this.isBusy) return;
      try {
        this.#goOn();
      } finally {
        if (this.isBusy) this.#goOnLater();
        else this.#release();
      }
    });
  }

  #goOn(): void {
    const endMs = this.#clock.monotonic() + SLICE_MS;
    for (let pieces = 0; pieces < PIECES_MOST && this.#clock.monotonic() <= endMs; pieces++) {
      const [first] = this.#works;
      if (first === undefined) return;
      let isDone = true;
      try {
        isDone = first.next().done === true;
      } finally {
        // What has failed is told to the bus, and does not come again.
        if (isDone) this.#works.shift();
      }
    }
  }

  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const done of waiting) done();
  }
}
