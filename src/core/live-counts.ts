// Live counts of the core, by name.
import {
  LIVE_CHUNK_BYTES,
  LIVE_GROUPS,
  LIVE_HEAP_BYTES,
  LIVE_NODES,
  LIVE_QUARANTINE,
  LIVE_SEGMENTS,
  LIVE_SESSIONS,
  LIVE_SUBSCRIPTIONS,
} from '../../assembly/abi.ts';
import type { WasmExports } from './instance.ts';

const NAMES = {
  subscriptions: LIVE_SUBSCRIPTIONS,
  sessions: LIVE_SESSIONS,
  nodes: LIVE_NODES,
  groups: LIVE_GROUPS,
  segments: LIVE_SEGMENTS,
  chunkBytes: LIVE_CHUNK_BYTES,
  heapBytes: LIVE_HEAP_BYTES,
  quarantine: LIVE_QUARANTINE,
} as const;

/** Records alive of each kind, bytes of chunks lent, and bytes of the heap in use. */
export function readLiveCounts(exports: WasmExports): Record<keyof typeof NAMES, number> {
  const counts: Partial<Record<keyof typeof NAMES, number>> = {};
  for (const name of Object.keys(NAMES) as (keyof typeof NAMES)[]) {
    counts[name] = exports.liveCount(NAMES[name]) >>> 0;
  }
  return counts as Record<keyof typeof NAMES, number>;
}
