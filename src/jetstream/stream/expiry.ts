// What leaves a stream because of its time: all messages by the stream's age, one by what its own header asks for. One
// timer for the stream, for whoever is first. Where the last message of a subject leaves so, a mark may take its place.
// Source: nats-server 2.15.3, server/memstore.go, expireMsgs, handleRemovalOrSdm; ADR-43.
import type { Clock, Timer } from '../../shared/clock.ts';
import { StorageError } from '../../shared/errors.ts';
import { DueHeap } from '../consumer/due.ts';
import type { Store } from '../store/store.ts';
import { emptyMessage } from '../store/stored-message.ts';
import { headerOf } from './header-block.ts';
import type { StreamRules } from './rules.ts';
import { FOR_EVER, ttlSeconds } from './ttl.ts';

/**
 * What leaves because of its time in one go: for so long, as what takes the place of a message costs more than its removal,
 * and each consumer hears of that; where the clock does not move, so many.
 */
const SLICE_MS = 2;
const EXPIRED_MOST = 8192;
/** What could not leave is tried again after so long. */
const AGAIN_MS = 1000;
/** Entries of messages that have left are taken out when they are more than half, and so many. */
const VOID_LEAST = 1024;

export class Expiry {
  readonly #store: Store;
  readonly #clock: Clock;
  /** Stores a mark in place of the last message on the subject; false: it could not be stored. */
  readonly #mark: (subject: Uint8Array) => boolean;
  readonly #message = emptyMessage();
  /** Of messages that say how long they live. */
  readonly #dues = new DueHeap();
  #rules: StreamRules;
  /** All messages below it stay for ever. */
  #agedFrom = 0;
  /** The last one of which it could not be read whether it stays. */
  #unread = 0;
  #timer: Timer | undefined;
  #timerMs = Number.POSITIVE_INFINITY;

  constructor(
    store: Store,
    clock: Clock,
    rules: StreamRules,
    mark: (subject: Uint8Array) => boolean,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#rules = rules;
    this.#mark = mark;
  }

  /** A message has been stored. `seconds` is how long it lives by itself; 0 = it does not say, or for ever. */
  stored(seq: number, seconds: number): void {
    if (seconds > 0) this.#dues.push(this.#store.timeOf(seq) + seconds * 1000, seq);
    else if (this.#timer !== undefined || this.#rules.maxAgeMs === Number.POSITIVE_INFINITY) return;
    if (this.#dues.size > VOID_LEAST + 2 * this.#store.state.messages) this.#forgetGone();
    this.#arm();
  }

  /** A message is there again. */
  restored(seq: number): void {
    this.#agedFrom = Math.min(this.#agedFrom, seq);
    this.stored(seq, Math.max(0, this.#rules.allowsTtl ? this.#secondsOf(seq) : 0));
  }

  #secondsOf(seq: number): number {
    try {
      return ttlSeconds(headerOf(this.#blockOf(seq), 'Nats-TTL')) ?? 0;
    } catch {
      // It has been read a moment ago. The next start looks again.
      return 0;
    }
  }

  /** The configuration has changed. */
  update(rules: StreamRules): void {
    this.#rules = rules;
    this.close();
    this.#expire();
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerMs = Number.POSITIVE_INFINITY;
  }

  /** Removes whose time is over, in parts. */
  #expire(): void {
    const nowMs = this.#clock.now();
    const endMs = this.#clock.monotonic() + SLICE_MS;
    let isStuck = true;
    try {
      for (let count = 0; count < EXPIRED_MOST && this.#clock.monotonic() <= endMs; count++) {
        const seq = this.#takeDue(nowMs);
        if (seq !== 0 && !this.#hasLeft(seq)) return;
        if (seq === 0) break;
      }
      isStuck = false;
    } finally {
      this.#arm(isStuck ? nowMs + AGAIN_MS : 0);
    }
  }

  /** False: it cannot be read, or its mark not be stored, now. */
  #hasLeft(seq: number): boolean {
    try {
      this.#leave(seq);
      return true;
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.#dues.push(this.#clock.now() + AGAIN_MS, seq);
      return false;
    }
  }

  /** A message whose time is over: by age first; 0 = there is none. */
  #takeDue(nowMs: number): number {
    const oldest = this.#oldest();
    if (oldest !== 0 && this.#store.timeOf(oldest) + this.#rules.maxAgeMs <= nowMs) return oldest;
    if (this.#dues.dueMs > nowMs) return 0;
    const { seq } = this.#dues;
    this.#dues.pop();
    return seq;
  }

  /** The first message that does not stay for ever; 0 = none, or age takes none. */
  #oldest(): number {
    if (this.#rules.maxAgeMs === Number.POSITIVE_INFINITY) return 0;
    const store = this.#store;
    let seq = store.next(this.#agedFrom);
    if (!this.#rules.allowsTtl) return seq;
    while (seq !== 0 && this.#staysForEver(seq)) seq = store.next(seq + 1);
    this.#agedFrom = seq === 0 ? store.state.lastSeq + 1 : seq;
    return seq;
  }

  /** What cannot be read now is looked at when its time is over. */
  #staysForEver(seq: number): boolean {
    try {
      return ttlSeconds(headerOf(this.#blockOf(seq), 'Nats-TTL')) === FOR_EVER;
    } catch {
      this.#unread = seq;
      return false;
    }
  }

  #leave(seq: number): void {
    const store = this.#store;
    const subjectId = store.subjectIdOf(seq);
    if (subjectId < 0) return;
    const { allowsTtl, markerSeconds } = this.#rules;
    const isLast = markerSeconds > 0 && store.countOf(subjectId) === 1;
    const isUnread = allowsTtl && seq === this.#unread;
    const block = isLast || isUnread ? this.#blockOf(seq) : undefined;
    if (isUnread) this.#unread = 0;
    if (isUnread && ttlSeconds(headerOf(block, 'Nats-TTL')) === FOR_EVER) return;
    // What a mark takes the place of it rolls up.
    const isMarked = isLast && !isMark(block) && this.#mark(this.#message.subject.slice());
    if (isMarked && !store.has(seq)) return;
    if (isLast && !isMark(block) && store.failure !== undefined) throw store.failure;
    store.remove(seq);
  }

  /** undefined: it has none, or is lost. Throws StorageError: it cannot be read now. */
  #blockOf(seq: number): Uint8Array | undefined {
    const message = this.#message;
    return this.#store.read(seq, message) ? message.headers : undefined;
  }

  #forgetGone(): void {
    const kept: [dueMs: number, seq: number][] = [];
    for (; this.#dues.size > 0; this.#dues.pop()) {
      const { dueMs, seq } = this.#dues;
      if (this.#store.has(seq)) kept.push([dueMs, seq]);
    }
    for (const [dueMs, seq] of kept) this.#dues.push(dueMs, seq);
  }

  /** The clock may jump: whoever is early looks again. */
  #arm(leastMs = 0): void {
    const oldest = this.#oldest();
    const agedMs = oldest === 0 ? Infinity : this.#store.timeOf(oldest) + this.#rules.maxAgeMs;
    const dueMs = Math.max(leastMs, Math.min(agedMs, this.#dues.dueMs));
    if (dueMs >= this.#timerMs) return;
    this.close();
    this.#timerMs = dueMs;
    this.#timer = this.#clock.setTimeout(
      () => {
        this.close();
        this.#expire();
      },
      dueMs - this.#clock.now(),
      { unref: true },
    );
  }
}

/** Source: nats-server 2.15.3, server/sdm.go, isSubjectDeleteMarker. */
function isMark(block: Uint8Array | undefined): boolean {
  return (
    headerOf(block, 'Nats-Marker-Reason') !== '' || headerOf(block, 'KV-Operation') === 'PURGE'
  );
}
