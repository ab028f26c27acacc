// For what is told again and again to who looks after a server: once in so long.
import type { Clock } from './clock.ts';

const PAUSE_MS = 10_000;

export class Seldom {
  readonly #clock: Clock;
  #lastMs: number = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether it is time to tell; then it is not again for a while. */
  isTime(): boolean {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#lastMs < PAUSE_MS) return false;
    this.#lastMs = nowMs;
    return true;
  }
}
