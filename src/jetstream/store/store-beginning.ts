// What a store is before anything is in it.
import type { StoreState } from './store.ts';

export type MutableState = { -readonly [Key in keyof StoreState]: StoreState[Key] };

/** nats-server 2.15.3, server/memstore.go, newMemStoreWithMode: a stream that begins somewhere is purged up to there. */
export function beginningAt(firstSeq: number): MutableState {
  return {
    messages: 0,
    bytes: 0,
    firstSeq,
    firstTimeMs: 0,
    lastSeq: Math.max(0, firstSeq - 1),
    lastTimeMs: 0,
    subjects: 0,
  };
}
