// Which consumers of a stream a message concerns. Those without filters are told of all; the filters of the others lie
// in a trie, and what it answers for a subject is kept beside the subject's id. So a publish costs the consumers that it
// wakes, however many others there are: with 10,000 disjoint ones as much as with one.
//
//   stored ──► consumers that match: counted, and noted once for the run
//   wake   ──► those noted: the run's messages may be shown now
import { textOf } from '../../shared/byte-text.ts';
import type { PurgeRequest } from '../api/account-door.ts';
import type { Store } from '../store/store.ts';
import { isSubset, subjectsCollide } from '../subjects.ts';
import type { Work } from '../work.ts';
import type { Ahead } from './ahead.ts';
import { FilterTrie } from './filter-trie.ts';
import type { StreamFollower } from './host.ts';

/** A consumer, and where its numbers stand. */
interface Follower {
  readonly consumer: StreamFollower;
  readonly filters: readonly string[];
  readonly slot: number;
}

/** What a purge has taken out: the first message, whom it concerns, and how many there are. */
interface Purged {
  seq: number;
  subjectId: number;
  concerned: readonly Follower[];
  count: number;
  /** Whom it concerns has been told of each that it counts no more: as long as they are few. */
  isUncounted: boolean;
  readonly uncountedMost: number;
}

/**
 * Of so many messages of a purge each is uncounted, and of one in so many of the stream's: to count anew takes longer. Of
 * all when they are of one subject, which concerns few.
 */
const UNCOUNTED_MOST = 256;
const UNCOUNTED_SHARE = 64;
const FEW_FOLLOWERS = 16;
/** Consumers that are told of a purge between two yields: some tenths of a millisecond. */
const FOLLOWERS_A_PIECE = 128;

/** Places for subjects whose consumers are remembered, at first and at most: as many as there are subjects, and more. */
const PLACES_LEAST = 256;
const PLACES_MOST = 65_536;
/** Consumers that are remembered, of all those subjects together: some 8 MiB. */
const KEPT_MOST = 1 << 20;
const NOBODY: readonly Follower[] = [];

export class ConsumerIndex {
  readonly #store: Store;
  readonly #ahead: Ahead;
  readonly #byName = new Map<string, Follower>();
  readonly #unfiltered: Follower[] = [];
  readonly #trie = new FilterTrie<Follower>();
  /** By their slots, and the slots of those that are to be woken. */
  readonly #bySlot: (Follower | undefined)[] = [];
  #stirred: number[] = [];
  /** While a piece of a purge is under way. */
  #purging: Purged | undefined;
  // What the trie has answered, by the last bits of the subject's id. Nothing is kept before there are filters.
  #ids = new Int32Array(0);
  #generations = new Float64Array(0);
  #kept: (readonly Follower[])[] = [];
  /** Where it is one consumer: its slot + 1. */
  #only = new Int32Array(0);
  #keptCount = 0;

  constructor(store: Store, ahead: Ahead) {
    this.#store = store;
    this.#ahead = ahead;
  }

  get size(): number {
    return this.#byName.size;
  }

  /** Consumers that are remembered beside subjects, each as often as it is. */
  get keptCount(): number {
    return this.#keptCount;
  }

  add(name: string, consumer: StreamFollower): void {
    const { filters, slot } = consumer;
    const follower = { consumer, filters, slot };
    this.#byName.set(name, follower);
    this.#bySlot[slot] = follower;
    if (follower.filters.length === 0) this.#unfiltered.push(follower);
    for (const filter of follower.filters) this.#trie.add(filter, follower);
    if (follower.filters.length > 0) this.#forget();
  }

  remove(name: string): void {
    const follower = this.#byName.get(name);
    if (follower === undefined) return;
    this.#byName.delete(name);
    const at = this.#unfiltered.indexOf(follower);
    if (at >= 0) this.#unfiltered.splice(at, 1);
    for (const filter of follower.filters) this.#trie.delete(filter, follower);
    this.#bySlot[follower.slot] = undefined;
    this.#stirred = this.#stirred.filter((slot) => slot !== follower.slot);
    this.#ahead.stirred[follower.slot] = 0;
    if (follower.filters.length > 0) this.#forget();
  }

  /** Its filters are others now. */
  update(name: string): void {
    const follower = this.#byName.get(name);
    if (follower === undefined) return;
    this.remove(name);
    this.add(name, follower.consumer);
  }

  /** A message was stored: counts it at the consumers that it concerns. */
  stored(seq: number, subjectId: number): void {
    for (const { slot } of this.#unfiltered) this.#stir(slot, seq);
    if (this.#trie.count === 0) return;
    const only = this.#onlyOf(subjectId);
    if (only > 0) this.#stir(only - 1, seq);
    else for (const { slot } of this.#matching(subjectId)) this.#stir(slot, seq);
  }

  /** What was stored may be shown up to and with `seq`. */
  wake(seq: number): void {
    if (this.#stirred.length === 0) return;
    const slots = this.#stirred;
    this.#stirred = [];
    const { stirred, waits } = this.#ahead;
    for (const slot of slots) {
      if ((stirred[slot] as number) > seq) this.#stirred.push(slot);
      else stirred[slot] = 0;
      if (waits[slot] === 1) this.#bySlot[slot]?.consumer.wake();
    }
  }

  /** A message leaves the stream, and its subject's id still stands for its subject. */
  removed(seq: number, subjectId: number, mayReturn = false): void {
    const purging = this.#purging;
    if (purging === undefined) {
      for (const { consumer } of this.#concerned(subjectId)) {
        consumer.uncount(seq);
        consumer.removed(seq, subjectId, mayReturn);
      }
      return;
    }
    if (purging.count++ === 0) {
      Object.assign(purging, { seq, subjectId, concerned: [...this.#concerned(subjectId)] });
    }
    if (!purging.isUncounted) return;
    if (subjectId === purging.subjectId && purging.concerned.length <= FEW_FOLLOWERS) {
      for (const { consumer } of purging.concerned) consumer.uncount(seq);
    } else if (purging.count <= purging.uncountedMost) {
      for (const { consumer } of this.#concerned(subjectId)) consumer.uncount(seq);
    } else {
      purging.isUncounted = false;
    }
  }

  /** One is there again. */
  restored(seq: number, subjectId: number): void {
    for (const { consumer } of this.#concerned(subjectId)) consumer.restored(seq);
  }

  /**
   * Purges: `work` answers how many messages it has taken out. Consumers are told of the whole, and not of each but that it
   * counts no more; with it of the only one, and whom the whole does not concern of that as of any other. What leaves
   * between its pieces, for other reasons, is told as ever.
   * Source: nats-server 2.15.3, server/stream.go, purgeLocked; server/memstore.go, PurgeEx.
   */
  *purge({ filter = '', seq = 0, keep = 0 }: PurgeRequest, work: Work<number>): Work<number> {
    const uncountedMost = Math.max(UNCOUNTED_MOST, this.#store.state.messages / UNCOUNTED_SHARE);
    const none = { seq: 0, subjectId: -1, concerned: [], count: 0 };
    const purged: Purged = { ...none, isUncounted: true, uncountedMost };
    const uncounted: StreamFollower[] = [];
    let count = 0;
    try {
      for (;;) {
        const step = this.#pieceOf(work, purged);
        if (step.done) {
          count = step.value;
          break;
        }
        yield;
      }
    } finally {
      const isWhole = filter === '' || filter === '>';
      const isOne = count === 1 && (!isWhole || (keep > 0 && seq === 0));
      // A store that is cleared tells of none.
      const isCounted = purged.count === count && purged.isUncounted;
      const { state } = this.#store;
      this.#store.write();
      // In a store that has been emptied it is the same for all.
      const search = isWhole ? undefined : this.#store.findNext([filter], state.firstSeq);
      const next = search === undefined ? 0 : yield* this.#surely(search);
      // As of this moment: what is stored while they are told stays.
      const left = { first: state.firstSeq, next: next === 0 ? state.lastSeq + 1 : next };
      let told = 0;
      for (const [name, { consumer: before }] of [...this.#byName]) {
        if (++told % FOLLOWERS_A_PIECE === 0) yield;
        const follower = this.#byName.get(name);
        // It may have gone, or another have come by its name.
        if (follower?.consumer !== before) continue;
        const { consumer, filters } = follower;
        const only = isOne && purged.concerned.includes(follower) ? purged.seq : 0;
        const isTold = yield* this.#surely(tellPurged(consumer, filter, left, only));
        if (only > 0 && !isTold) consumer.removed(only, purged.subjectId);
        const isMet = isTold || filters.some((wanted) => subjectsCollide(wanted, filter));
        if (isMet && !isCounted) uncounted.push(consumer);
      }
    }
    for (const consumer of uncounted) yield* consumer.recount();
    return count;
  }

  /** What has gone is gone for good at the beginning of each piece: what may come back is written, or there again. */
  *#surely<T>(work: Work<T>): Work<T> {
    for (;;) {
      this.#store.write();
      const step = work.next();
      if (step.done) return step.value;
      yield;
    }
  }

  #pieceOf(work: Work<number>, purged: Purged): IteratorResult<void, number> {
    this.#purging = purged;
    try {
      return work.next();
    } finally {
      this.#purging = undefined;
    }
  }

  /** One of them wants messages on that subject. */
  hasInterest(subject: Uint8Array): boolean {
    if (this.#unfiltered.length > 0) return true;
    if (this.#trie.count === 0) return false;
    let isFound = false;
    this.#trie.match(textOf(subject), () => {
      isFound = true;
    });
    return isFound;
  }

  /** One of them wants messages on the subject of that id. */
  isWanted(subjectId: number): boolean {
    for (const _ of this.#concerned(subjectId)) return true;
    return false;
  }

  /** One of them has still to deliver a message on that subject, or waits for its ack. */
  needs(seq: number, subjectId: number): boolean {
    for (const { consumer } of this.#concerned(subjectId)) if (consumer.needs(seq)) return true;
    return false;
  }

  *#concerned(subjectId: number): Iterable<Follower> {
    yield* this.#unfiltered;
    if (this.#trie.count > 0) yield* this.#matching(subjectId);
  }

  #stir(slot: number, seq: number): void {
    const ahead = this.#ahead;
    if (ahead.stirred[slot] === 0) this.#stirred.push(slot);
    ahead.stirred[slot] = seq;
    ahead.stored(slot, seq);
  }

  /** The slot + 1 of the only consumer that matches, if it is known to be one. */
  #onlyOf(subjectId: number): number {
    const at = subjectId & (this.#ids.length - 1);
    const only = this.#only[at];
    if (only === undefined || only === 0 || this.#ids[at] !== subjectId) return 0;
    return this.#generations[at] === this.#store.subjectGeneration(subjectId) ? only : 0;
  }

  #matching(subjectId: number): readonly Follower[] {
    const store = this.#store;
    const at = subjectId & (this.#ids.length - 1);
    const generation = store.subjectGeneration(subjectId);
    const kept = this.#kept[at];
    if (kept !== undefined && this.#ids[at] === subjectId && this.#generations[at] === generation) {
      return kept;
    }
    return this.#match(subjectId, generation);
  }

  #match(subjectId: number, generation: number): readonly Follower[] {
    const store = this.#store;
    if (this.#ids.length < PLACES_MOST && this.#ids.length < store.state.subjects) this.#widen();
    else if (this.#ids.length === 0) this.#widen();
    const at = subjectId & (this.#ids.length - 1);
    const kept = this.#kept[at];
    const found = new Set<Follower>();
    this.#trie.match(store.subjectText(subjectId), (follower) => found.add(follower));
    const followers = found.size === 0 ? NOBODY : [...found];
    this.#keptCount += followers.length - (kept?.length ?? 0);
    if (this.#keptCount > KEPT_MOST) {
      this.#forget();
      this.#keptCount = followers.length;
    }
    this.#ids[at] = subjectId;
    this.#generations[at] = generation;
    this.#kept[at] = followers;
    this.#only[at] = followers.length === 1 ? (followers[0] as Follower).slot + 1 : 0;
    return followers;
  }

  #widen(): void {
    const places = Math.max(PLACES_LEAST, this.#ids.length * 4);
    this.#ids = new Int32Array(places).fill(-1);
    this.#generations = new Float64Array(places);
    this.#only = new Int32Array(places);
    this.#forget();
  }

  #forget(): void {
    this.#kept = [];
    this.#only.fill(0);
    this.#keptCount = 0;
  }
}

/** @param left the first message that there is, and the first on the subjects of the filter, or where it would be */
function* tellPurged(
  consumer: StreamFollower,
  filter: string,
  left: { readonly first: number; readonly next: number },
  only: number,
): Work<boolean> {
  const { filters } = consumer;
  const within = filters.filter((wanted) => isSubset(wanted, filter)).length;
  if (filter === '' || filter === '>') {
    yield* consumer.purged(left.first, false, only);
  } else if (within > 0 && within === filters.length) {
    yield* consumer.purged(left.next, false, only);
  } else if (within > 0 || filters.length === 0 || filters.some((f) => isSubset(filter, f))) {
    yield* consumer.purged(left.first, true, only);
  } else {
    return false;
  }
  return true;
}
