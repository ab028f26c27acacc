// Things that all have the same time to live. The order of insertion is the order of expiry, so one timer
// and a Map are enough, however many there are.
import type { Clock, Timer } from './clock.ts';

export class DeadlineQueue<T> {
  readonly #clock: Clock;
  #delayMs: number;
  readonly #onExpired: (item: T) => void;
  readonly #deadlines = new Map<T, number>();
  #timer: Timer | undefined;

  /** @param onExpired called for each item whose time is over; it is in the queue no more */
  constructor(clock: Clock, delayMs: number, onExpired: (item: T) => void) {
    this.#clock = clock;
    this.#delayMs = delayMs;
    this.#onExpired = onExpired;
  }

  get size(): number {
    return this.#deadlines.size;
  }

  has(item: T): boolean {
    return this.#deadlines.has(item);
  }

  items(): Iterable<T> {
    return this.#deadlines.keys();
  }

  /** The time to live from now on, of those that are there as well: it begins anew for them. */
  set delayMs(delayMs: number) {
    if (delayMs === this.#delayMs) return;
    this.#delayMs = delayMs;
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const item of [...this.#deadlines.keys()]) this.add(item);
  }

  /** Starts the time of `item`, anew when it is there already. */
  add(item: T): void {
    this.#deadlines.delete(item);
    this.#deadlines.set(item, this.#clock.monotonic() + this.#delayMs);
    this.#arm(this.#delayMs);
  }

  delete(item: T): boolean {
    return this.#deadlines.delete(item);
  }

  /** Forgets everything. */
  clear(): void {
    this.#deadlines.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(delayMs: number): void {
    this.#timer ??= this.#clock.setTimeout(() => this.#expire(), delayMs, { unref: true });
  }

  /** An error goes to the platform, as that of any timer; whoever is due behind it follows by the next one. */
  #expire(): void {
    const now = this.#clock.monotonic();
    try {
      for (const [item, deadline] of this.#deadlines) {
        if (deadline > now) break;
        this.#deadlines.delete(item);
        this.#onExpired(item);
      }
    } finally {
      this.#timer?.cancel();
      this.#timer = undefined;
      const [first] = this.#deadlines.values();
      if (first !== undefined) this.#arm(Math.max(0, first - now));
    }
  }
}
