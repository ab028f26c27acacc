// Live counts of the core, by name.
import {
  LIVE_ACCOUNTS,
  LIVE_CHUNK_BYTES,
  LIVE_GROUPS,
  LIVE_HEAP_BYTES,
  LIVE_NODES,
  LIVE_QUARANTINE,
  LIVE_SEGMENTS,
  LIVE_SESSIONS,
  LIVE_SUBSCRIPTIONS,
} from '../../assembly/abi.ts';
import type { ProgramExports } from './instance.ts';

/** What is alive in a core: records of each kind, bytes of chunks lent, bytes of the heap in use. */
export type LiveCounts = {
  readonly accounts: number;
  readonly subscriptions: number;
  readonly sessions: number;
  readonly nodes: number;
  readonly groups: number;
  readonly segments: number;
  readonly chunkBytes: number;
  readonly heapBytes: number;
  readonly quarantine: number;
};

/** Reads them all. */
export function readLiveCounts(exports: ProgramExports): LiveCounts {
  const count = (which: number): number => exports.liveCount(which) >>> 0;
  return {
    accounts: count(LIVE_ACCOUNTS),
    subscriptions: count(LIVE_SUBSCRIPTIONS),
    sessions: count(LIVE_SESSIONS),
    nodes: count(LIVE_NODES),
    groups: count(LIVE_GROUPS),
    segments: count(LIVE_SEGMENTS),
    chunkBytes: count(LIVE_CHUNK_BYTES),
    heapBytes: count(LIVE_HEAP_BYTES),
    quarantine: count(LIVE_QUARANTINE),
  };
}
