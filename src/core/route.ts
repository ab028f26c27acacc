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
  TAKE_SEGMENTS,
  TAKE_SESSION,
  TAKE_TOTAL_BYTES,
} from '../../assembly/abi.ts';
import type { Views } from './views.ts';

/** A subscription of the process: number and generation of its record. Never 0. */
export type SubHandle = number;

/** Who is interested in a subject: a block of linear memory, to be read before the next call into the core. */
export class RouteView {
  readonly #views: Views;
  // Word index.
  #at = 0;

  constructor(views: Views) {
    this.#views = views;
  }

  /** The route at `ptr`; the object is used again. */
  at(ptr: number): this {
    this.#at = ptr >>> 2;
    return this;
  }

  /** A peer is among those interested: only the core can route. */
  get hasRemote(): boolean {
    return (this.#word(ROUTE_FLAGS) & ROUTE_HAS_REMOTE) !== 0;
  }

  /** A member has a max: only the core counts. */
  get hasMax(): boolean {
    return (this.#word(ROUTE_FLAGS) & ROUTE_HAS_MAX) !== 0;
  }

  /** Lookups of this subject since its result is cached. */
  get hits(): number {
    return this.#word(ROUTE_HITS);
  }

  get isEmpty(): boolean {
    return this.#word(ROUTE_PLAIN_COUNT) === 0 && this.#word(ROUTE_GROUP_COUNT) === 0;
  }

  /** The process's own subscription when it is the only member, without a queue; else 0. */
  get only(): SubHandle {
    if (this.#word(ROUTE_PLAIN_COUNT) !== 1 || this.#word(ROUTE_GROUP_COUNT) !== 0) return 0;
    return handleAt(this.#views.u32, this.#at + (ROUTE_MEMBERS >>> 2));
  }

  /** The process's own subscriptions without a queue. */
  plain(): SubHandle[] {
    const first = this.#at + (ROUTE_MEMBERS >>> 2);
    return readMembers(this.#views.u32, first, this.#word(ROUTE_PLAIN_COUNT));
  }

  /** The same into an array of the caller's. Answers how many they are, also when it holds fewer. */
  plainInto(target: Uint32Array): number {
    const { u32 } = this.#views;
    const first = this.#at + (ROUTE_MEMBERS >>> 2);
    const count = this.#word(ROUTE_PLAIN_COUNT);
    let found = 0;
    for (let i = 0; i < count; i++) {
      const handle = handleAt(u32, first + i);
      if (handle === 0) continue;
      if (found < target.length) target[found] = handle;
      found++;
    }
    return found;
  }

  /** The process's own members of each queue group. */
  groups(): SubHandle[][] {
    const { u32 } = this.#views;
    const groups: SubHandle[][] = [];
    let at = this.#at + (ROUTE_MEMBERS >>> 2) + this.#word(ROUTE_PLAIN_COUNT);
    for (let left = this.#word(ROUTE_GROUP_COUNT); left > 0; left--) {
      const count = u32[at] as number;
      groups.push(readMembers(u32, at + 1, count));
      at += 1 + count;
    }
    return groups;
  }

  #word(offset: number): number {
    return this.#views.u32[this.#at + (offset >>> 2)] as number;
  }
}

function readMembers(u32: Uint32Array, first: number, count: number): SubHandle[] {
  const handles: SubHandle[] = [];
  for (let i = 0; i < count; i++) {
    const handle = handleAt(u32, first + i);
    if (handle !== 0) handles.push(handle);
  }
  return handles;
}

/** The handle of the member at a word, or 0 when it is a peer's. */
function handleAt(u32: Uint32Array, at: number): SubHandle {
  const sub = (u32[at] as number) >>> 2;
  return u32[sub + (SUB_SESSION >>> 2)] === 0 ? (u32[sub + (SUB_HANDLE >>> 2)] as number) : 0;
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
  };
}
