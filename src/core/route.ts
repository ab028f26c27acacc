// Readers of a resolved route and of a take.
import {
  ROUTE_FLAGS,
  ROUTE_GROUP_COUNT,
  ROUTE_HAS_MAX,
  ROUTE_HAS_REMOTE,
  ROUTE_HITS,
  ROUTE_MEMBERS,
  ROUTE_PLAIN_COUNT,
  SEGMENT_TAKE_BYTES,
  SEGMENT_TAKE_LEN,
  SEGMENT_TAKE_PTR,
  SEGMENT_TAKE_SHARED,
  SUB_HANDLE,
  SUB_SESSION,
  TAKE_COUNT,
  TAKE_MORE,
  TAKE_SEGMENTS,
  TAKE_SESSION,
  TAKE_TOTAL_BYTES,
} from '../../assembly/abi.ts';
import type { Views } from './views.ts';

/** A subscription of the process: number and generation of its record. Never 0. */
export type SubHandle = number;

/** Who is interested in a subject. */
export interface Route {
  /** The process's own subscriptions without a queue. */
  readonly plain: SubHandle[];
  /** The process's own members of each queue group. */
  readonly groups: SubHandle[][];
  /** A peer is among those interested: only the core can route. */
  readonly hasRemote: boolean;
  /** A member has a max: only the core counts. */
  readonly hasMax: boolean;
  /** Lookups of this subject since its result is cached. */
  readonly hits: number;
}

/** Reads the block at `ptr`. */
export function readRoute(views: Views, ptr: number): Route {
  const flags = views.word(ptr + ROUTE_FLAGS);
  const groups: SubHandle[][] = [];
  const plainCount = views.word(ptr + ROUTE_PLAIN_COUNT);
  const plain = readMembers(views, ptr + ROUTE_MEMBERS, plainCount);
  let at = ptr + ROUTE_MEMBERS + plainCount * 4;
  for (let left = views.word(ptr + ROUTE_GROUP_COUNT); left > 0; left--) {
    const count = views.word(at);
    groups.push(readMembers(views, at + 4, count));
    at += 4 + count * 4;
  }
  return {
    plain,
    groups,
    hasRemote: (flags & ROUTE_HAS_REMOTE) !== 0,
    hasMax: (flags & ROUTE_HAS_MAX) !== 0,
    hits: views.word(ptr + ROUTE_HITS),
  };
}

function readMembers(views: Views, ptr: number, count: number): SubHandle[] {
  const handles: SubHandle[] = [];
  for (let i = 0; i < count; i++) {
    const sub = views.word(ptr + i * 4);
    if (views.word(sub + SUB_SESSION) === 0) handles.push(views.word(sub + SUB_HANDLE));
  }
  return handles;
}

/** Some bytes to write: in linear memory, or (`shared` other than 0) a shared payload. */
export interface Segment {
  readonly ptr: number;
  readonly length: number;
  readonly shared: number;
}

/** What one session has to send now. */
export interface Take {
  readonly session: number;
  readonly segments: Segment[];
  readonly bytes: number;
  /** More waits; take again after this. */
  readonly more: boolean;
}

/** Reads the take record at `ptr`. */
export function readTake(views: Views, ptr: number): Take {
  const segments: Segment[] = [];
  const count = views.word(ptr + TAKE_COUNT);
  for (let i = 0; i < count; i++) {
    const at = ptr + TAKE_SEGMENTS + i * SEGMENT_TAKE_BYTES;
    segments.push({
      ptr: views.word(at + SEGMENT_TAKE_PTR),
      length: views.word(at + SEGMENT_TAKE_LEN),
      shared: views.word(at + SEGMENT_TAKE_SHARED),
    });
  }
  return {
    session: views.word(ptr + TAKE_SESSION),
    segments,
    bytes: views.word(ptr + TAKE_TOTAL_BYTES),
    more: views.word(ptr + TAKE_MORE) !== 0,
  };
}
