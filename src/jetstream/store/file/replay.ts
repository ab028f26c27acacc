// Does to a store what a log says of messages that are gone.
import type { Adoption } from '../adopted-rows.ts';
import type { IndexedStore } from '../indexed-store.ts';
import type { Segment } from './segments.ts';

/** A record may say that very many messages are gone. */
const REMOVED_A_STEP = 1024;

export class Replay {
  readonly #store: IndexedStore;
  readonly adoption: Adoption;

  constructor(store: IndexedStore) {
    this.#store = store;
    this.adoption = store.adopting();
  }

  /** These are gone, or some of them. @returns whether that is all */
  bury(first: number, last: number, segment: Segment): boolean {
    segment.deadFrom = Math.min(segment.deadFrom, first);
    this.adoption.settle();
    return this.#removeAll(first, last);
  }

  /** What is below goes, or some of it. @returns whether that is all */
  raiseFloor(seq: number): boolean {
    const store = this.#store;
    this.adoption.settle();
    if (seq > store.state.lastSeq) {
      store.clear();
      return true;
    }
    return store.removeBelow(seq, REMOVED_A_STEP) < REMOVED_A_STEP;
  }

  #removeAll(first: number, last: number): boolean {
    const store = this.#store;
    let seq = store.next(first);
    for (let count = 0; seq > 0 && seq <= last; count++, seq = store.next(seq + 1)) {
      if (count === REMOVED_A_STEP) return false;
      store.remove(seq);
    }
    return true;
  }
}
