// What a stream may hold: who asks for more is refused, or what is oldest goes. Per subject first, then messages, then
// bytes, when a message has been stored.
// Source: nats-server 2.15.3, server/memstore.go, storeRawMsg, enforceMsgLimit.
import type { Store } from '../store/store.ts';
import type { StreamRules } from './rules.ts';

/** Why a message is not stored, in the original's words. */
export const MAX_MSGS = 'maximum messages exceeded';
export const MAX_BYTES = 'maximum bytes exceeded';
export const MAX_MSGS_PER_SUBJECT = 'maximum messages per subject exceeded';

export class Eviction {
  readonly #store: Store;
  #rules: StreamRules;

  constructor(store: Store, rules: StreamRules) {
    this.#store = store;
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
    const { maxMsgs, maxBytes, maxMsgsPerSubject, discardsNew } = this.#rules;
    if (maxMsgsPerSubject !== Number.POSITIVE_INFINITY) this.#trim(store.subjectIdOf(seq));
    if (!discardsNew) {
      const { state } = store;
      if (state.messages > maxMsgs || state.bytes > maxBytes) this.#trimAll();
    }
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
}
