// What a stream may hold: who asks for more is refused, or what is oldest goes. Per subject first, then messages, then
// bytes, when a message has been stored; age by a timer, one for the stream, which waits for its first message.
// Source: nats-server 2.15.3, server/memstore.go, storeRawMsg, enforceMsgLimit, expireMsgs.
import type { Clock, Timer } from '../../shared/clock.ts';
import type { Store } from '../store/store.ts';
import type { StreamRules } from './rules.ts';

/** Why a message is not stored, in the original's words. */
export const MAX_MSGS = 'maximum messages exceeded';
export const MAX_BYTES = 'maximum bytes exceeded';
export const MAX_MSGS_PER_SUBJECT = 'maximum messages per subject exceeded';

/** Messages that leave because of their age in one go: some milliseconds of work. */
const EXPIRED_MOST = 8192;

export class Eviction {
  readonly #store: Store;
  readonly #clock: Clock;
  #rules: StreamRules;
  #timer: Timer | undefined;

  constructor(store: Store, clock: Clock, rules: StreamRules) {
    this.#store = store;
    this.#clock = clock;
    this.#rules = rules;
  }

  /**
   * Why a message on that subject cannot be stored; undefined = it can.
   *
   * @param subjectId -1 = nothing is stored on its subject
   * @param bytes by the storage's formula
   */
  refusal(subjectId: number, bytes: number, isRollup: boolean): string | undefined {
    const store = this.#store;
    const { maxMsgs, maxBytes, maxMsgsPerSubject, discardsNewPerSubject } = this.#rules;
    const isFull = subjectId >= 0 && store.countOf(subjectId) >= maxMsgsPerSubject;
    if (isFull && discardsNewPerSubject && !isRollup) return MAX_MSGS_PER_SUBJECT;
    const { state } = store;
    // Where the subject is full, another of it makes room.
    if (state.messages >= maxMsgs && !isFull) return MAX_MSGS;
    if (state.bytes + bytes <= maxBytes) return undefined;
    const isRoom = isFull && store.bytesOf(store.firstOf(subjectId)) >= bytes;
    return isRoom ? undefined : MAX_BYTES;
  }

  /** A message has been stored: makes what is too much go. */
  stored(seq: number): void {
    const store = this.#store;
    const { maxMsgs, maxBytes, maxMsgsPerSubject, discardsNew, maxAgeMs } = this.#rules;
    if (maxMsgsPerSubject !== Number.POSITIVE_INFINITY) this.#trim(store.subjectIdOf(seq));
    if (!discardsNew) {
      const { state } = store;
      if (state.messages > maxMsgs || state.bytes > maxBytes) this.#trimAll();
    }
    if (maxAgeMs !== Number.POSITIVE_INFINITY && this.#timer === undefined) this.#arm();
  }

  /** The configuration has changed: what is too much now goes. */
  update(rules: StreamRules): void {
    const isNarrower = rules.maxMsgsPerSubject < this.#rules.maxMsgsPerSubject;
    this.#rules = rules;
    if (isNarrower) {
      const ids = [...this.#store.subjectsMatching('>')].map(({ id }) => id);
      for (const id of ids) this.#trim(id);
    }
    if (!rules.discardsNew) this.#trimAll();
    this.close();
    if (rules.maxAgeMs !== Number.POSITIVE_INFINITY) this.#expire();
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #trim(subjectId: number): void {
    const store = this.#store;
    const { maxMsgsPerSubject } = this.#rules;
    while (store.countOf(subjectId) > maxMsgsPerSubject) store.remove(store.firstOf(subjectId));
  }

  #trimAll(): void {
    const store = this.#store;
    const { maxMsgs, maxBytes } = this.#rules;
    for (let { state } = store; state.messages > 0; { state } = store) {
      if (state.messages <= maxMsgs && state.bytes <= maxBytes) return;
      store.remove(state.firstSeq);
    }
  }

  /** Removes what is too old, in parts. */
  #expire(): void {
    const store = this.#store;
    const dueMs = this.#clock.now() - this.#rules.maxAgeMs;
    for (let count = 0; count < EXPIRED_MOST; count++) {
      const { state } = store;
      if (state.messages === 0 || state.firstTimeMs > dueMs) break;
      store.remove(state.firstSeq);
    }
    this.#arm();
  }

  /** The clock may jump: whoever is early looks again. */
  #arm(): void {
    const { state } = this.#store;
    if (state.messages === 0) return;
    const delayMs = state.firstTimeMs + this.#rules.maxAgeMs - this.#clock.now();
    this.#timer = this.#clock.setTimeout(
      () => {
        this.#timer = undefined;
        this.#expire();
      },
      delayMs,
      { unref: true },
    );
  }
}
