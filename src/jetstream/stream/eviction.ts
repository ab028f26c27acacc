// What a stream may hold: who asks for more is refused, or what is oldest goes. Per subject first, then messages, then
// bytes, when a message has been stored.
// Source: nats-server 2.15.3, server/memstore.go, storeRawMsg, enforceMsgLimit.
import type { RawMessage } from '../../bus/raw.ts';
import type { Store } from '../store/store.ts';
import type { Work } from '../work.ts';
import type { StreamRules } from './rules.ts';

/** Why a message is not stored, in the original's words. */
export const MAX_MSGS = 'maximum messages exceeded';
export const MAX_BYTES = 'maximum bytes exceeded';
export const MAX_MSGS_PER_SUBJECT = 'maximum messages per subject exceeded';

/** Messages that go, or subjects that are looked at, between two yields: some tenths of a millisecond. */
const A_PIECE = 256;

export class Eviction {
  readonly #store: Store;
  #rules: StreamRules;
  /** An update makes much go: who publishes meanwhile waits for a piece of it at most. */
  #isNarrowing = false;

  constructor(store: Store, rules: StreamRules) {
    this.#store = store;
    this.#rules = rules;
  }

  /**
   * Why a message cannot be stored; undefined = it can. Its subject is looked for only where that decides.
   *
   * @param bytes by the storage's formula
   */
  refusal(message: RawMessage, bytes: number, isRollup: boolean): string | undefined {
    const store = this.#store;
    const { maxMsgs, maxBytes, maxMsgsPerSubject, discardsNewPerSubject } = this.#rules;
    const { state } = store;
    const isRoomy = state.messages < maxMsgs && state.bytes + bytes <= maxBytes;
    if (isRoomy && !discardsNewPerSubject) return undefined;
    const subjectId = store.findSubject(message.subject);
    const isFull = subjectId >= 0 && store.countOf(subjectId) >= maxMsgsPerSubject;
    if (isFull && discardsNewPerSubject && !isRollup) return MAX_MSGS_PER_SUBJECT;
    // Where the subject is full, another of it makes room.
    if (state.messages >= maxMsgs && !isFull) return MAX_MSGS;
    if (state.bytes + bytes <= maxBytes) return undefined;
    const isRoom = isFull && store.bytesOf(store.firstOf(subjectId)) >= bytes;
    return isRoom ? undefined : MAX_BYTES;
  }

  /** A message is there again that had made room for one that was not kept: another one may be too much now. */
  restored(subjectId: number): void {
    this.#trim(subjectId, Number.POSITIVE_INFINITY, false);
    if (!this.#rules.discardsNew) this.#trimAll(Number.POSITIVE_INFINITY, false);
  }

  /** A message has been stored: makes what is too much go. */
  stored(seq: number): void {
    const store = this.#store;
    const { maxMsgs, maxBytes, maxMsgsPerSubject, discardsNew } = this.#rules;
    const most = this.#isNarrowing ? A_PIECE : Number.POSITIVE_INFINITY;
    if (maxMsgsPerSubject !== Number.POSITIVE_INFINITY)
      this.#trim(store.subjectIdOf(seq), most, true);
    if (!discardsNew) {
      const { state } = store;
      if (state.messages > maxMsgs || state.bytes > maxBytes) this.#trimAll(most, true);
    }
  }

  /** The configuration has changed: what is too much now goes, in pieces. */
  *update(rules: StreamRules): Work<void> {
    const isNarrower = rules.maxMsgsPerSubject < this.#rules.maxMsgsPerSubject;
    this.#rules = rules;
    yield* this.#narrow(isNarrower);
  }

  /**
   * The stream was found on disk: the process may have ended before all had gone that is too much.
   * Source: nats-server 2.15.3, server/filestore.go, newFileStoreWithCreated.
   */
  *recovered(): Work<void> {
    const { messages, subjects } = this.#store.state;
    yield* this.#narrow(messages - subjects >= this.#rules.maxMsgsPerSubject);
  }

  /** @param isBySubject one of them may have too many */
  *#narrow(isBySubject: boolean): Work<void> {
    const store = this.#store;
    this.#isNarrowing = true;
    try {
      for (let id = 0; isBySubject && id < store.subjectIdsEnd; id++) {
        while (!this.#trim(id, A_PIECE, false)) yield;
        if (id % A_PIECE === A_PIECE - 1) yield;
      }
      while (!this.#rules.discardsNew && !this.#trimAll(A_PIECE, false)) yield;
    } finally {
      this.#isNarrowing = false;
    }
  }

  /** Makes `most` messages go at most: for one that was stored, which may turn out not to be kept. False: there are more. */
  #trim(subjectId: number, most: number, isForAnother: boolean): boolean {
    const store = this.#store;
    const { maxMsgsPerSubject } = this.#rules;
    for (let left = most; store.countOf(subjectId) > maxMsgsPerSubject; left--) {
      if (left === 0) return false;
      const first = store.firstOf(subjectId);
      if (isForAnother) store.evict(first);
      else store.remove(first);
    }
    return true;
  }

  #trimAll(most: number, isForAnother: boolean): boolean {
    const store = this.#store;
    const { maxMsgs, maxBytes } = this.#rules;
    for (let left = most; ; left--) {
      const { state } = store;
      if (state.messages === 0 || (state.messages <= maxMsgs && state.bytes <= maxBytes))
        return true;
      if (left === 0) return false;
      // In a store that has been closed nothing goes any more.
      const { firstSeq } = state;
      if (!(isForAnother ? store.evict(firstSeq) : store.remove(firstSeq))) return true;
    }
  }
}
