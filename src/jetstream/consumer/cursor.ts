// Where a consumer stands in its stream: the next message that it has not delivered yet, and how many there are. The
// count is kept, not counted: a stored message adds one, a delivered or removed one takes one.
//
//   removed   delivered │ next            stored
//   ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ┼ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─►       pending = those of the right side that the filters match
//
// For the last message of each subject the right side begins with a list of sequences; behind the last message that the
// stream had when the consumer was made, it goes on as any other.
import type { Store } from '../store/store.ts';
import { type Work, wholly } from '../work.ts';
import { Ahead } from './ahead.ts';
import { countAhead, type Start } from './start.ts';

/** What matches next is farther away than a slice of time leads: it is asked again. */
export const FAR_AHEAD = -1;

export class Cursor {
  readonly #store: Store;
  #ahead: Ahead;
  /** Where its numbers stand among those of all consumers of the stream. */
  slot: number;
  #filters: readonly string[];
  /** Sequences to be delivered before everything above `#resume`; empty = it is past them. */
  #lasts: Float64Array<ArrayBuffer>;
  #lastsAt = 0;
  #resume: number;

  /** @param ahead where its numbers stand */
  constructor(store: Store, ahead: Ahead, filters: readonly string[], start: Start) {
    this.#store = store;
    this.#ahead = ahead;
    this.slot = ahead.take();
    this.#filters = filters;
    this.next = start.next;
    this.#setPending(start.pending);
    this.#lasts = start.lasts;
    this.#resume = start.resume;
  }

  /** Up to there only the last message of each subject is delivered; 0 = it is past them. */
  get lastsUpTo(): number {
    return this.#lastsAt < this.#lasts.length ? this.#resume : 0;
  }

  /** The first sequence that it has not passed. */
  get next(): number {
    return this.#ahead.nexts[this.slot] as number;
  }

  set next(seq: number) {
    this.#ahead.nexts[this.slot] = seq;
  }

  /** Messages that match and lie ahead. */
  get pending(): number {
    return this.#ahead.pendings[this.slot] as number;
  }

  #setPending(count: number): void {
    this.#ahead.pendings[this.slot] = count;
  }

  /** Others may have its slot; it keeps its numbers. */
  close(): void {
    const { next, pending } = this;
    this.#ahead.give(this.slot);
    this.#ahead = new Ahead();
    this.slot = this.#ahead.take();
    this.next = next;
    this.#setPending(pending);
  }

  /**
   * The next message that may be shown; 0 = none, FAR_AHEAD. What does not match is passed.
   *
   * @param visibleSeq the last one that may be
   */
  peek(visibleSeq: number): number {
    if (this.#lastsAt < this.#lasts.length) {
      const seq = this.#peekLast();
      if (seq > 0) return seq <= visibleSeq ? seq : 0;
    }
    if (this.next > visibleSeq) return 0;
    const store = this.#store;
    const filters = this.#filters;
    const seq = filters.length === 0 ? store.next(this.next) : store.nextWithin(filters, this.next);
    if (seq < 0 && -seq <= visibleSeq) {
      this.next = -seq;
      return FAR_AHEAD;
    }
    if (seq > 0 && seq <= visibleSeq) {
      this.next = seq;
      return seq;
    }
    this.next = visibleSeq + 1;
    // Whatever it was told: behind the end there is nothing.
    if (visibleSeq >= store.state.lastSeq) this.#setPending(0);
    return 0;
  }

  /** Goes on behind the message that `peek` has answered. */
  pass(seq: number): void {
    const { pending } = this;
    if (pending > 0) this.#setPending(pending - 1);
    if (this.#lastsAt >= this.#lasts.length) {
      this.next = seq + 1;
      return;
    }
    this.#lastsAt++;
    this.next = this.#lasts[this.#lastsAt] ?? this.#resume + 1;
    this.#leaveLasts();
  }

  removed(seq: number): void {
    const { pending } = this;
    if (seq >= this.next && pending > 0 && this.#isWanted(seq)) this.#setPending(pending - 1);
  }

  /** It is there again. */
  restored(seq: number): void {
    if (seq >= this.next && this.#isWanted(seq)) this.#setPending(this.pending + 1);
  }

  #isWanted(seq: number): boolean {
    return this.#lasts.length === 0 || seq > this.#resume || this.#isLast(seq);
  }

  /** A purge has taken messages out, all below `seq` among them. */
  purged(seq: number): void {
    const lasts = this.#lasts;
    while (this.#lastsAt < lasts.length && (lasts[this.#lastsAt] as number) < seq) this.#lastsAt++;
    this.next = Math.max(this.next, this.#lasts[this.#lastsAt] ?? 0, seq);
    this.#leaveLasts();
  }

  /** Very many have been removed, and it was not told of each: counts anew, in pieces. */
  *recount(): Work<void> {
    const filters = this.#filters;
    const pending = yield* this.counting(filters);
    // Those that it has got meanwhile have been counted.
    if (this.#filters === filters) this.#setPending(pending);
  }

  /** @param pending messages that match them and lie ahead, as `counting` has told just now */
  setFilters(filters: readonly string[], pending: number): void {
    this.#filters = filters;
    this.#setPending(pending);
  }

  /** Messages that these filters match and that lie ahead when it is at its end. */
  *counting(filters: readonly string[]): Work<number> {
    const store = this.#store;
    const start = this.#openFrom();
    let count = yield* countAhead(store, filters, start);
    // What was delivered meanwhile is few.
    const { next } = this;
    const now = this.#openFrom();
    if (now > start) count -= wholly(countAhead(store, filters, start, now));
    const lasts = this.#lasts.subarray(this.#lastsAt);
    for (const seq of lasts) if (seq >= next && store.has(seq)) count++;
    return count;
  }

  /** From there on all that matches lies ahead. */
  #openFrom(): number {
    return this.#lasts.length > 0 ? this.#resume + 1 : this.next;
  }

  /** Passes what has gone. 0 = the list is at its end. */
  #peekLast(): number {
    for (; this.#lastsAt < this.#lasts.length; this.#lastsAt++) {
      const seq = this.#lasts[this.#lastsAt] as number;
      if (!this.#store.has(seq)) continue;
      this.next = seq;
      return seq;
    }
    this.next = Math.max(this.next, this.#resume + 1);
    this.#leaveLasts();
    return 0;
  }

  #leaveLasts(): void {
    if (this.#lastsAt < this.#lasts.length) return;
    this.#lasts = new Float64Array(0);
    this.#lastsAt = 0;
  }

  #isLast(seq: number): boolean {
    const lasts = this.#lasts;
    let low = this.#lastsAt;
    let high = lasts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((lasts[middle] as number) < seq) low = middle + 1;
      else high = middle;
    }
    return lasts[low] === seq;
  }
}
