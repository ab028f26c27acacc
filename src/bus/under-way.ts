// Subscriptions of a side that take no more messages while something of them is still at work: a handler's promise, or
// a loop in its body or with messages to take. A drain waits for them. They are held weakly: when nobody holds the
// promise or the loop any more, as after one `next()` that was taken by hand, there is nobody to wait for.

import type { BusSubscription } from './subscription.ts';

/** With so many those that are gone are looked for first. */
const SWEEP_MIN = 64;

export class UnderWay {
  readonly #refs = new Map<number, WeakRef<BusSubscription>>();
  #sweepAt = SWEEP_MIN;
  #waiting: (() => void)[] = [];

  add(subscription: BusSubscription): void {
    if (this.#refs.has(subscription.sid)) return;
    this.#refs.set(subscription.sid, new WeakRef(subscription));
    if (this.#refs.size < this.#sweepAt) return;
    this.all();
    this.#sweepAt = Math.max(SWEEP_MIN, 2 * this.#refs.size);
  }

  delete(subscription: BusSubscription): void {
    if (!this.#refs.delete(subscription.sid) || this.#waiting.length === 0) return;
    // Of few it costs nothing to ask whether they are still there.
    if (this.#refs.size >= SWEEP_MIN || this.all().length > 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const tell of waiting) tell();
  }

  /** Those that are still there. */
  all(): BusSubscription[] {
    const found: BusSubscription[] = [];
    for (const [sid, ref] of this.#refs) {
      const subscription = ref.deref();
      if (subscription === undefined) this.#refs.delete(sid);
      else found.push(subscription);
    }
    return found;
  }

  /** Resolves when there are none. */
  whenEmpty(): Promise<void> {
    if (this.all().length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
