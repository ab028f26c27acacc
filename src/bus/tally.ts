// Who in this process has yet to answer a request for 'all'. A recipient is through when it has answered by
// `respond`, when its handler has returned, thrown or settled its promise, or when its loop has been left.
// Recipients outside of the process cannot be watched: with one of them the tally never completes.

import type { Turn } from './turn.ts';

export class Tally {
  readonly #turn: Turn;
  readonly #onComplete: () => void;
  /** Their sids. */
  readonly #open = new Set<number>();
  #localCount = 0;
  #hasRemote: boolean | undefined;

  /** `onComplete` is called once, after the answers of its turn have been delivered. */
  constructor(turn: Turn, onComplete: () => void) {
    this.#turn = turn;
    this.#onComplete = onComplete;
  }

  /** The subscription `sid` gets the message now. */
  expect(sid: number): void {
    this.#localCount++;
    this.#open.add(sid);
  }

  /** It is through. */
  done(sid: number): void {
    if (this.#open.delete(sid)) this.#check();
  }

  /** The message has reached all, `count` subscriptions, here and elsewhere. */
  routed(count: number): void {
    this.#hasRemote = count > this.#localCount;
    this.#check();
  }

  #check(): void {
    if (this.#hasRemote === false && this.#open.size === 0) this.#turn.atTurnEnd(this.#onComplete);
  }
}
