// What a purge takes out of a stream.
// Source: nats-server 2.15.3, server/memstore.go, PurgeEx, compact.
import type { PurgeRequest } from '../api/account-door.ts';
import type { Store } from '../store/store.ts';

/** @returns how many messages are gone */
export function purgeStore(store: Store, { filter = '', seq = 0, keep = 0 }: PurgeRequest): number {
  // Nothing is below the first sequence there can be.
  if (seq === 1) return 0;
  if (filter === '' || filter === '>') {
    const { messages, lastSeq } = store.state;
    if (seq > 1 && seq <= lastSeq) return store.removeBelow(seq);
    if (keep > 0) return removeFirst(store, messages - keep);
    store.clear();
    // Beyond the end it moves the end along, so that the next message has that sequence.
    if (seq > 1) store.skipTo(seq - 1);
    return messages;
  }
  const filters = [filter];
  const most = keep === 0 ? Number.POSITIVE_INFINITY : store.countMatching(filters, 1) - keep;
  const end = seq > 1 ? seq : Number.POSITIVE_INFINITY;
  let count = 0;
  for (let at = store.nextMatching(filters, 1); at !== 0 && at < end && count < most; ) {
    store.remove(at);
    count++;
    at = store.nextMatching(filters, at + 1);
  }
  return count;
}

function removeFirst(store: Store, count: number): number {
  for (let i = 0; i < count; i++) store.remove(store.state.firstSeq);
  return Math.max(0, count);
}
