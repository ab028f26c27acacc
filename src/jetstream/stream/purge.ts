// What a purge takes out of a stream, in pieces: what is stored meanwhile stays.
// Source: nats-server 2.15.3, server/memstore.go, PurgeEx, compact.
import type { PurgeRequest } from '../api/account-door.ts';
import type { Store } from '../store/store.ts';
import type { Work } from '../work.ts';

/** Messages that go, and subjects that are asked, between two yields: some tenths of a millisecond. */
const A_PIECE = 256;
const SUBJECTS_A_PIECE = 4096;
/** The same where each is searched for: among many subjects that takes 0.1 ms. */
const SEARCHED_A_PIECE = 8;

/** @returns how many messages are gone */
export function* purgeStore(
  store: Store,
  { filter = '', seq = 0, keep = 0 }: PurgeRequest,
): Work<number> {
  // Nothing is below the first sequence there can be.
  if (seq === 1) return 0;
  const { messages, lastSeq } = store.state;
  if (filter === '' || filter === '>') {
    if (seq > 1 && seq <= lastSeq) return yield* removeFirst(store, seq, messages);
    if (keep > 0) return yield* removeFirst(store, store.seqFromEnd(keep), messages - keep);
    store.clear();
    // Beyond the end it moves the end along, so that the next message has that sequence.
    if (seq > 1) store.skipTo(seq - 1);
    return messages;
  }
  const end = seq > 1 ? Math.min(seq, lastSeq + 1) : lastSeq + 1;
  if (keep === 0) return yield* removeSubjects(store, filter, end);
  return yield* removeOldest(store, filter, end, keep);
}

/** Subject by subject; one that comes meanwhile, also by an id that has been another's, has nothing below `end`. */
function* removeSubjects(store: Store, filter: string, end: number): Work<number> {
  let count = 0;
  let looked = 0;
  for (const id of yield* store.findSubjects(filter)) {
    if (++looked % SUBJECTS_A_PIECE === 0) yield;
    for (let first = store.firstOf(id); first !== 0 && first < end; first = store.firstOf(id)) {
      store.remove(first);
      if (++count % A_PIECE === 0) yield;
    }
  }
  return count;
}

/** Sequence by sequence, all but the last `keep`. */
function* removeOldest(store: Store, filter: string, end: number, keep: number): Work<number> {
  let most = -keep;
  let looked = 0;
  for (const id of yield* store.findSubjects(filter)) {
    most += store.countOf(id);
    if (++looked % SUBJECTS_A_PIECE === 0) yield;
  }
  const filters = [filter];
  let count = 0;
  for (let at = yield* store.findNext(filters, 1); at !== 0 && at < end && count < most; ) {
    store.remove(at);
    if (++count % SEARCHED_A_PIECE === 0) yield;
    at = yield* store.findNext(filters, at + 1);
  }
  return count;
}

/** Removes what is below `end`, `most` at most. Of what leaves meanwhile for other reasons nothing is made good. */
function* removeFirst(store: Store, end: number, most: number): Work<number> {
  let count = 0;
  while (count < most) {
    const removed = store.removeBelow(end, Math.min(A_PIECE, most - count));
    if (removed === 0) break;
    count += removed;
    if (count < most) yield;
  }
  return count;
}
