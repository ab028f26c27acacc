// Subscriptions of a side that take no more messages while something of them is still at work: a handler's promise, or
// a loop in its body or with messages to take. A drain waits for them. They are held weakly: when nobody holds the
// promise or the loop any more, as after one `next()` that was taken by hand, there is nobody to wait for.

import { isPromise } from './handler-result.ts';
import { MessageView } from './message.ts';
import type { BusSubscription } from './subscription.ts';
import type { Message } from './types.ts';

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

/**
 * Of what the handler of a subscription has returned: when it is a promise it is at work until that settles.
 * False: it is none.
 */
export function watchResult(
  subscription: BusSubscription,
  result: unknown,
  message: Message,
  onSettled?: () => void,
): boolean {
  if (!isPromise(result)) return false;
  if (++subscription.calls === 1) noteWork(subscription);
  const asked = MessageView.madeContentOf(message)?.asked;
  asked?.handlerStarted?.();
  let isOver = false;
  const settle = (): void => {
    if (isOver) return;
    isOver = true;
    if (--subscription.calls === 0) noteWork(subscription);
    onSettled?.();
    asked?.handlerSettled?.();
  };
  const fail = (error: unknown): void => {
    if (!isOver) subscription.report(error, message);
    settle();
  };
  try {
    result.then(settle, fail);
  } catch (error) {
    fail(error);
  }
  return true;
}

/** What it is at work with may be another. While it is open its home knows it anyway. */
export function noteWork(subscription: BusSubscription): void {
  if (subscription.isOpen) return;
  const { account, underWay } = subscription.home;
  const isAtWork = subscription.workCount > 0;
  if (isAtWork) underWay.add(subscription);
  else underWay.delete(subscription);
  // What a loop has not answered by now it will not answer; a handler is through when it has settled.
  if (isAtWork || !subscription.isLoop) return;
  for (const tally of account.tallies.values()) tally.done(subscription.sid);
}
