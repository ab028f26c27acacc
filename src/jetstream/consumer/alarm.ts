// The one timer of a consumer: whatever is due first sets it, and whoever is told of the time looks what is.
import type { Clock, Timer } from '../../shared/clock.ts';

export class Alarm {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  #timer: Timer | undefined;
  #atMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** Something is due then, by the monotonic clock; Infinity: nothing is. What is due sooner stays. */
  at(dueMs: number): void {
    if (dueMs >= this.#atMs) return;
    this.#timer?.cancel();
    this.#atMs = dueMs;
    // Whole milliseconds: what is left of one would be lost beside the time of day, and the timer be too early for ever.
    const delayMs = Math.ceil(Math.max(0, dueMs - this.#clock.monotonic()));
    this.#timer = this.#clock.setTimeout(() => this.#fire(), delayMs, { unref: true });
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    // Nothing sets it any more.
    this.#atMs = Number.NEGATIVE_INFINITY;
  }

  #fire(): void {
    this.#timer = undefined;
    this.#atMs = Number.POSITIVE_INFINITY;
    this.#onDue();
  }
}
