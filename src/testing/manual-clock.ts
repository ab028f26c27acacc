// A clock that stands still until a test turns it. Timers fire in order of their time, those of one moment in
// the order they were set, each at its own time.
import type { Clock, Timer } from '../shared/clock.ts';

interface ManualTimer extends Timer {
  readonly fn: () => void;
  readonly at: number;
  readonly order: number;
  readonly isUnref: boolean;
}

/**
 * A clock for `createBus`, `startServer` and `enableJetStream`: an hour goes by when the test says so.
 *
 * @param startMs the wall clock's first answer, milliseconds since 1970 (default: in January 2026)
 */
export function manualClock(startMs?: number): ManualClock {
  return new ManualClock(startMs);
}

export class ManualClock implements Clock {
  #now: number;
  readonly #start: number;
  #order = 0;
  readonly #timers = new Set<ManualTimer>();

  /** @param startMs the wall clock's first answer, milliseconds since 1970 */
  constructor(startMs: number = Date.UTC(2026, 0, 2, 3, 4, 5)) {
    this.#now = startMs;
    this.#start = startMs;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now - this.#start;
  }

  setTimeout(fn: () => void, delayMs: number, options?: { readonly unref?: boolean }): Timer {
    const timer: ManualTimer = {
      fn,
      at: this.#now + Math.max(0, delayMs),
      order: this.#order++,
      isUnref: options?.unref === true,
      cancel: () => void this.#timers.delete(timer),
    };
    this.#timers.add(timer);
    return timer;
  }

  /** How many timers are set. */
  get timerCount(): number {
    return this.#timers.size;
  }

  /** How many of them would keep a process alive. */
  get refCount(): number {
    return [...this.#timers].filter((timer) => !timer.isUnref).length;
  }

  /** Milliseconds until the next timer, undefined when none is set. */
  get nextMs(): number | undefined {
    const next = this.#next(Number.POSITIVE_INFINITY);
    return next === undefined ? undefined : next.at - this.#now;
  }

  /** Turns the clock by `ms` and fires what falls due on the way, also what is set meanwhile. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let timer = this.#next(end); timer !== undefined; timer = this.#next(end)) {
      this.#timers.delete(timer);
      this.#now = timer.at;
      timer.fn();
    }
    this.#now = end;
  }

  #next(end: number): ManualTimer | undefined {
    let first: ManualTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.at > end) continue;
      const isEarlier =
        first === undefined ||
        timer.at < first.at ||
        (timer.at === first.at && timer.order < first.order);
      if (isEarlier) first = timer;
    }
    return first;
  }
}
