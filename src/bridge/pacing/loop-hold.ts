// Whoever has held up the loop is not read again before it has turned, so that others get their turn.
import { PAUSE_LOOP, type Paced } from './pauses.ts';

/** After reads that took longer, as the loop's timers see it, none of the same session in that turn of the loop. */
const LONG_MS = 2;
/** A socket is read no more often in a turn of the loop, so reads that take less than their share are not counted. */
const TURN_READS = 32;

export class LoopHold {
  readonly #paced: Paced;
  readonly #defer: (fn: () => void) => void;
  /** How long it has held up the loop in this turn of it. */
  #heldMs = 0;

  /** @param defer runs a function once this turn of the loop has no more reads */
  constructor(paced: Paced, defer: (fn: () => void) => void) {
    this.#paced = paced;
    this.#defer = defer;
  }

  /** Work for it has taken that long. */
  held(milliseconds: number): void {
    if (milliseconds <= LONG_MS / TURN_READS) return;
    if (this.#heldMs === 0) this.#defer(() => this.#turned());
    this.#heldMs += milliseconds;
    if (this.#heldMs > LONG_MS) this.#paced.pause(PAUSE_LOOP);
  }

  #turned(): void {
    this.#heldMs = 0;
    this.#paced.resume(PAUSE_LOOP);
  }
}
