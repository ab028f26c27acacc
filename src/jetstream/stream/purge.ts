// What a purge takes out of a stream.
// Source: nats-server 2.15.3, server/memstore.go, PurgeEx, compact.
import type { PurgeRequest } from '../api/account-door.ts';
import type { Store } from '../store/store.ts';

/** @returns how many messages are gone */
export function purgeStore(store: Store, { filter = '', seq = 0, keep = 0 }: PurgeRequest): number {
  // Nothing is below the first sequence there can be.
  if (seq === 1) return 0;
  if (filter === '' || filter === '>') {
    if (seq > 1) return purgeBelow(store, seq);
    return keep === 0 ? store.clear() : removeFirst(store, store.state.messages - keep);
  }
  const matching = keep === 0 ? 0 : store.countMatching([filter], 1);
  const most = keep === 0 ? Number.POSITIVE_INFINITY : matching - keep;
  const end = seq > 1 ? seq : Number.POSITIVE_INFINITY;
  let count = 0;
  for (let at = store.nextMatching([filter], 1); at !== 0 && at < end && count < most; ) {
    store.remove(at);
    count++;
    at = store.nextMatching([filter], at + 1);
  }
  return count;
}

/** Beyond the end it moves the end along, so that the next message has `seq`. */
function purgeBelow(store: Store, seq: number): number {
  const { messages, lastSeq } = store.state;
  if (seq <= lastSeq) return store.removeBelow(seq);
  store.clear();
  store.skipTo(seq - 1);
  return messages;
}

function removeFirst(store: Store, count: number): number {
  for (let i = 0; i < count; i++) store.remove(store.state.firstSeq);
  return Math.max(0, count);
}
