// Where a consumer stands in its stream: the next message that it has not delivered yet, and how many there are. The
// count is kept, not counted: a stored message adds one, a delivered or removed one takes one.
//
//   removed   delivered │ next            stored
//   ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ┼ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─►       pending = those of the right side that the filters match
//
// For the last message of each subject the right side begins with a list of sequences; behind the last message that the
// stream had when the consumer was made, it goes on as any other.
import type { Store } from '../store/store.ts';
import { timeMs } from '../wire-time.ts';
import { wholly } from '../work.ts';
import { Ahead } from './ahead.ts';
import type { ConsumerConfig } from './config.ts';
import type { SavedState } from './saved-state.ts';

const ALL: readonly string[] = ['>'];

export class Cursor {
  readonly #store: Store;
  #ahead: Ahead;
  /** Where its numbers stand among those of all consumers of the stream. */
  slot: number;
  #filters: readonly string[];
  /** Sequences to be delivered before everything above `#resume`; empty = it is past them. */
  #lasts = new Float64Array(0);
  #lastsAt = 0;
  #resume = 0;

  /**
   * @param ahead where its numbers stand
   * @param perSubject messages that the stream keeps of a subject
   * @param saved where it was
   */
  constructor(
    store: Store,
    ahead: Ahead,
    config: ConsumerConfig,
    filters: readonly string[],
    perSubject: number,
    saved?: Pick<SavedState, 'next' | 'lastsUpTo'>,
  ) {
    this.#store = store;
    this.#ahead = ahead;
    this.slot = ahead.take();
    this.#filters = filters;
    if (saved !== undefined) {
      this.next = saved.next;
      this.#goOn(saved.lastsUpTo);
      this.#pending = this.#count();
      return;
    }
    const isLasts = config.deliver_policy === 'last_per_subject' && perSubject !== 1;
    if (isLasts) {
      this.#lasts = lastPerSubject(store, filters);
      this.#resume = store.state.lastSeq;
    }
    const wanted = isLasts
      ? (this.#lasts[0] ?? store.state.lastSeq)
      : wantedStart(store, config, filters);
    this.next = clamp(store, wanted, config.opt_start_seq !== undefined);
    this.#pending = this.#count();
  }

  /** Of each subject what is still the last one of those up to there. */
  #goOn(lastsUpTo: number): void {
    if (lastsUpTo < this.next) return;
    const isAhead = (seq: number): boolean => seq >= this.next && seq <= lastsUpTo;
    this.#lasts = lastPerSubject(this.#store, this.#filters).filter(isAhead);
    this.#resume = lastsUpTo;
    this.next = this.#lasts[0] ?? lastsUpTo + 1;
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
    return this.#pending;
  }

  get #pending(): number {
    return this.#ahead.pendings[this.slot] as number;
  }

  set #pending(count: number) {
    this.#ahead.pendings[this.slot] = count;
  }

  /** Others may have its slot; it keeps its numbers. */
  close(): void {
    const { next, pending } = this;
    this.#ahead.give(this.slot);
    this.#ahead = new Ahead();
    this.slot = this.#ahead.take();
    this.next = next;
    this.#pending = pending;
  }

  /**
   * The next message that may be shown; 0 = none. What does not match is passed.
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
    const seq =
      filters.length === 0 ? store.next(this.next) : store.nextMatching(filters, this.next);
    if (seq > 0 && seq <= visibleSeq) {
      this.next = seq;
      return seq;
    }
    this.next = visibleSeq + 1;
    // Whatever it was told: behind the end there is nothing.
    if (visibleSeq >= store.state.lastSeq) this.#pending = 0;
    return 0;
  }

  /** Goes on behind the message that `peek` has answered. */
  pass(seq: number): void {
    if (this.#pending > 0) this.#pending--;
    if (this.#lastsAt >= this.#lasts.length) {
      this.next = seq + 1;
      return;
    }
    this.#lastsAt++;
    this.next = this.#lasts[this.#lastsAt] ?? this.#resume + 1;
    this.#leaveLasts();
  }

  removed(seq: number): void {
    if (seq >= this.next && this.#pending > 0 && this.#isWanted(seq)) this.#pending--;
  }

  /** It is there again. */
  restored(seq: number): void {
    if (seq >= this.next && this.#isWanted(seq)) this.#pending++;
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

  /** Very many have been removed, and it was not told of each. */
  recount(): void {
    this.#pending = this.#count();
  }

  setFilters(filters: readonly string[]): void {
    this.#filters = filters;
    this.recount();
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

  #count(): number {
    const { state } = this.#store;
    const filters = this.#filters;
    if (this.#lasts.length > 0) {
      const lasts = this.#lasts.subarray(this.#lastsAt);
      const alive = lasts.reduce((sum, seq) => sum + Number(this.#store.has(seq)), 0);
      return alive + countFrom(this.#store, filters, this.#resume + 1);
    }
    if (this.next > state.lastSeq || state.messages === 0) return 0;
    return countFrom(this.#store, filters, this.next);
  }
}

function countFrom(store: Store, filters: readonly string[], seq: number): number {
  const { state, deletedCount } = store;
  if (seq > state.lastSeq) return 0;
  if (filters.length > 0) return store.countMatching(filters, seq);
  if (seq <= state.firstSeq) return state.messages;
  return deletedCount === 0 ? state.lastSeq - seq + 1 : store.countMatching(ALL, seq);
}

/** Source: nats-server 2.15.3, server/consumer.go, selectStartingSeqNo. */
function wantedStart(store: Store, config: ConsumerConfig, filters: readonly string[]): number {
  const { state } = store;
  if (config.opt_start_seq !== undefined) return Number(config.opt_start_seq);
  if (config.opt_start_time !== undefined) {
    return startAtTime(store, timeMs(config.opt_start_time), filters);
  }
  switch (config.deliver_policy) {
    case 'last':
      return filters.length === 0 ? state.lastSeq : store.lastMatching(filters);
    case 'new':
      return state.lastSeq + 1;
    default:
      return state.firstSeq;
  }
}

/** A start beyond the end is kept only when its number was asked for. */
function clamp(store: Store, seq: number, isAskedFor: boolean): number {
  const { state } = store;
  if (state.firstSeq === 0 && !isAskedFor) return 1;
  if (seq > state.lastSeq && !isAskedFor) return state.lastSeq + 1;
  return Math.max(seq, state.firstSeq, 1);
}

function startAtTime(store: Store, atMs: number, filters: readonly string[]): number {
  const { state } = store;
  const seq = store.seqAtTime(atMs) || state.lastSeq + 1;
  // With filters it goes on to their first message, as the original does, and it shows.
  let first = state.lastSeq;
  for (const filter of filters) {
    const found = store.nextMatching([filter], state.firstSeq);
    if (found >= seq && found < first) first = found;
  }
  return filters.length > 0 && first > seq && first < state.lastSeq ? first : seq;
}

function lastPerSubject(store: Store, filters: readonly string[]): Float64Array<ArrayBuffer> {
  const lasts: number[] = [];
  for (const filter of filters.length === 0 ? ALL : filters) {
    for (const id of wholly(store.findSubjects(filter))) lasts.push(store.lastOf(id));
  }
  return Float64Array.from(lasts).sort();
}
