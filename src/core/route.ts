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
  readonly groups: readonly SubHandle[][];
  /** A peer is among those interested: only the core can route. */
  readonly hasRemote: boolean;
  /** A member has a max: only the core counts. */
  readonly hasMax: boolean;
  /** Lookups of this subject since its result is cached. */
  readonly hits: number;
}

const NONE: readonly never[] = [];

/** Reads the block at `ptr`. */
export function readRoute(views: Views, ptr: number): Route {
  const { u32 } = views;
  const at = ptr >>> 2;
  const flags = u32[at + (ROUTE_FLAGS >>> 2)] as number;
  const plainCount = u32[at + (ROUTE_PLAIN_COUNT >>> 2)] as number;
  const groupCount = u32[at + (ROUTE_GROUP_COUNT >>> 2)] as number;
  const plain = readMembers(u32, at + (ROUTE_MEMBERS >>> 2), plainCount);
  const route = {
    plain,
    groups: NONE as readonly SubHandle[][],
    hasRemote: (flags & ROUTE_HAS_REMOTE) !== 0,
    hasMax: (flags & ROUTE_HAS_MAX) !== 0,
    hits: u32[at + (ROUTE_HITS >>> 2)] as number,
  };
  // Most subjects have no group: nothing is made for those that come once.
  if (groupCount > 0) readGroups(u32, at + (ROUTE_MEMBERS >>> 2) + plainCount, groupCount, route);
  return route;
}

function readGroups(
  u32: Uint32Array,
  first: number,
  groupCount: number,
  route: { groups: readonly SubHandle[][] },
): void {
  const groups: SubHandle[][] = [];
  let at = first;
  for (let left = groupCount; left > 0; left--) {
    const count = u32[at] as number;
    groups.push(readMembers(u32, at + 1, count));
    at += 1 + count;
  }
  route.groups = groups;
}

function readMembers(u32: Uint32Array, first: number, count: number): SubHandle[] {
  const handles: SubHandle[] = [];
  for (let i = 0; i < count; i++) {
    const sub = (u32[first + i] as number) >>> 2;
    const isOurs = u32[sub + (SUB_SESSION >>> 2)] === 0;
    if (isOurs) handles.push(u32[sub + (SUB_HANDLE >>> 2)] as number);
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
