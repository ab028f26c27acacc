// The one owner of time and timers. Whoever needs either is given a Clock, so that tests can turn it.
// A timer of the platform cannot wait longer than 2^31-1 ms (it would fire at once), so a later deadline is
// reached by a chain of timers.

/** A timer that has been set. */
export interface Timer {
  /** After this the function is not called; harmless when it has been, or when repeated. */
  cancel(): void;
}

export interface TimerOptions {
  /** Do not keep the process alive for it: for housekeeping that nobody awaits. */
  readonly unref?: boolean;
}

export interface Clock {
  /** Wall clock: milliseconds since 1970, with a fraction where the platform has one. It may jump. */
  now(): number;
  /** Milliseconds since some moment; never falls and never jumps. */
  monotonic(): number;
  /** Calls `fn` once after `delayMs`, however long; below 0 is 0, Infinity is never. */
  setTimeout(fn: () => void, delayMs: number, options?: TimerOptions): Timer;
}

/** The longest wait a timer of the platform can do, in milliseconds. */
export const TIMER_MAX_MS = 0x7fffffff;

class SystemTimer implements Timer {
  readonly #fn: () => void;
  readonly #unref: boolean;
  readonly #deadline: number;
  #handle: ReturnType<typeof setTimeout> | undefined;

  constructor(fn: () => void, delayMs: number, unref: boolean) {
    this.#fn = fn;
    this.#unref = unref;
    this.#deadline = performance.now() + delayMs;
    this.#arm(delayMs);
  }

  cancel(): void {
    clearTimeout(this.#handle);
    this.#handle = undefined;
  }

  #arm(delayMs: number): void {
    const isLast = delayMs <= TIMER_MAX_MS;
    const next = isLast ? this.#fn : (): void => this.#arm(this.#deadline - performance.now());
    this.#handle = setTimeout(next, isLast ? Math.max(0, delayMs) : TIMER_MAX_MS);
    // In a browser the handle is a number.
    if (this.#unref && typeof this.#handle === 'object') this.#handle.unref();
  }
}

// What to add to the monotonic time for the wall clock's; taken anew when the wall clock was set. So `now`
// has microseconds, and is still right after a jump. Node loads `performance` when it is first asked for: 2 ms.
let wallOffset: number | undefined;
const WALL_SKEW_MAX_MS = 5;

function wallClock(): number {
  const wall = Date.now();
  const monotonic = performance.now();
  wallOffset ??= performance.timeOrigin;
  if (Math.abs(wallOffset + monotonic - wall) > WALL_SKEW_MAX_MS) wallOffset = wall - monotonic;
  return wallOffset + monotonic;
}

/** The time of this machine. */
export const systemClock: Clock = {
  now: wallClock,
  monotonic: () => performance.now(),
  setTimeout: (fn, delayMs, options) => new SystemTimer(fn, delayMs, options?.unref === true),
};
