// The last message of a stream on the subjects that a filter matches. Of all subjects it is the very last one, or none when
// that has gone, as the original has it.
// Source: nats-server 2.15.3, server/memstore.go, loadLastLocked.
import type { Store } from '../store/store.ts';
import type { Work } from '../work.ts';

/** 0 = none, -1 = it is not found within some milliseconds. */
export function lastWithin(store: Store, filter: string): number {
  return filter === '>' ? lastOfAll(store) : store.lastWithin([filter]);
}

/** The same in pieces. */
export function* findLast(store: Store, filter: string): Work<number> {
  return filter === '>' ? lastOfAll(store) : yield* store.findLast([filter]);
}

function lastOfAll(store: Store): number {
  const { lastSeq } = store.state;
  return store.has(lastSeq) ? lastSeq : 0;
}
