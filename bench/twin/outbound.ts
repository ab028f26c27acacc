// The twin's outbound regions, after assembly/outbound.ts and assembly/pool.ts: a session's bytes are a list of
// segments over chunks of 4 KiB to 1 MiB. Who fills a chunk gets a larger one next.

import { copyLoose } from './bytes.ts';
import { allocate, allocateRecord, i32 as heapWords, release, STATE } from './heap.ts';
import {
  FLAG_DIRTY,
  SESSION_DIRTY_NEXT,
  SESSION_FLAGS,
  SESSION_FLIGHT,
  SESSION_NUMBER,
  SESSION_OUT_CLASS,
  SESSION_OUT_CURSOR,
  SESSION_OUT_END,
  SESSION_OUT_HEAD,
  SESSION_OUT_TAIL,
  SESSION_PENDING,
} from './records.ts';

const i32 = heapWords;

const DIRTY_HEAD = STATE + 80;
const DIRTY_TAIL = STATE + 81;
/** Most bytes pending for one session since it was cleared. */
export const BACKLOG: number = STATE + 82;
const POOL_USED = STATE + 83;

const SEGMENT_NEXT = 0;
const SEGMENT_CHUNK = 1;
const SEGMENT_START = 2;
const SEGMENT_LENGTH = 3;
const SEGMENT_CLASS = 4;
const SEGMENT_WORDS = 5;

const CLASSES = 5;
const POOL_MAX = 256 << 20;
const CHUNK_HEAD = 16;
const CHUNK_SPARE = 16;

/** Some bytes of the heap to write. */
export interface TwinSegment {
  readonly ptr: number;
  readonly length: number;
}

/** What one session has to send. It is in flight until `outboundRelease`. */
export interface TwinTake {
  /** Its number. */
  readonly session: number;
  /** Its record. */
  readonly record: number;
  readonly segments: TwinSegment[];
  readonly bytes: number;
}

function chunkBytes(sizeClass: number): number {
  return 1 << (12 + (sizeClass << 1));
}

function chunkRoom(sizeClass: number): number {
  return chunkBytes(sizeClass) - CHUNK_HEAD - CHUNK_SPARE;
}

/** Makes sure that `bytes` (and some to spare) fit behind the session's cursor. */
export function outboundReserve(session: number, bytes: number): void {
  if (bytes > i32[session + SESSION_OUT_END]! - i32[session + SESSION_OUT_CURSOR]!) {
    openChunk(session, bytes);
  }
}

function openChunk(session: number, bytes: number): void {
  let sizeClass = i32[session + SESSION_OUT_CLASS]!;
  if (i32[session + SESSION_OUT_CURSOR] !== 0) {
    closeSegment(session);
    if (sizeClass + 1 < CLASSES) sizeClass += 1;
    i32[session + SESSION_OUT_CLASS] = sizeClass;
  }
  while (sizeClass < CLASSES && chunkRoom(sizeClass) < bytes) sizeClass += 1;
  const size = chunkBytes(sizeClass);
  if (sizeClass === CLASSES || i32[POOL_USED]! + size > POOL_MAX)
    throw new Error('no chunk for it');
  const chunk = allocate(size);
  i32[POOL_USED] = i32[POOL_USED]! + size;
  const segment = allocateRecord(SEGMENT_WORDS);
  i32[segment + SEGMENT_CHUNK] = chunk;
  i32[segment + SEGMENT_START] = chunk + CHUNK_HEAD;
  i32[segment + SEGMENT_CLASS] = sizeClass;
  const tail = i32[session + SESSION_OUT_TAIL]!;
  if (tail !== 0) i32[tail + SEGMENT_NEXT] = segment;
  else i32[session + SESSION_OUT_HEAD] = segment;
  i32[session + SESSION_OUT_TAIL] = segment;
  i32[session + SESSION_OUT_CURSOR] = chunk + CHUNK_HEAD;
  i32[session + SESSION_OUT_END] = chunk + CHUNK_HEAD + chunkRoom(sizeClass);
}

// The segment at the cursor has no length of its own while it is open.
function closeSegment(session: number): void {
  const open = i32[session + SESSION_OUT_TAIL]!;
  i32[open + SEGMENT_LENGTH] = i32[session + SESSION_OUT_CURSOR]! - i32[open + SEGMENT_START]!;
}

/** Counts bytes that were written at the cursor and puts the session on the list of those to write. */
export function outboundCommit(session: number, bytes: number): void {
  i32[session + SESSION_OUT_CURSOR] = i32[session + SESSION_OUT_CURSOR]! + bytes;
  const pending = i32[session + SESSION_PENDING]! + bytes;
  i32[session + SESSION_PENDING] = pending;
  if (pending > i32[BACKLOG]!) i32[BACKLOG] = pending;
  const flags = i32[session + SESSION_FLAGS]!;
  if ((flags & FLAG_DIRTY) === 0 && i32[session + SESSION_FLIGHT] === 0) markDirty(session, flags);
}

function markDirty(session: number, flags: number): void {
  i32[session + SESSION_FLAGS] = flags | FLAG_DIRTY;
  i32[session + SESSION_DIRTY_NEXT] = 0;
  const tail = i32[DIRTY_TAIL]!;
  if (tail !== 0) i32[tail + SESSION_DIRTY_NEXT] = session;
  else i32[DIRTY_HEAD] = session;
  i32[DIRTY_TAIL] = session;
}

/** Appends protocol bytes. */
export function outboundSend(session: number, source: number, bytes: number): void {
  outboundReserve(session, bytes);
  copyLoose(i32[session + SESSION_OUT_CURSOR]!, source, bytes);
  outboundCommit(session, bytes);
}

/** Moves what waits for the next session on the list into flight. */
export function outboundTake(): TwinTake | undefined {
  const session = i32[DIRTY_HEAD]!;
  if (session === 0) return undefined;
  i32[DIRTY_HEAD] = i32[session + SESSION_DIRTY_NEXT]!;
  if (i32[DIRTY_HEAD] === 0) i32[DIRTY_TAIL] = 0;
  i32[session + SESSION_FLAGS] = i32[session + SESSION_FLAGS]! & ~FLAG_DIRTY;
  closeSegment(session);
  const head = i32[session + SESSION_OUT_HEAD]!;
  const segments: TwinSegment[] = [];
  let bytes = 0;
  for (let segment = head; segment !== 0; segment = i32[segment + SEGMENT_NEXT]!) {
    const length = i32[segment + SEGMENT_LENGTH]!;
    segments.push({ ptr: i32[segment + SEGMENT_START]!, length });
    bytes += length;
  }
  i32[session + SESSION_FLIGHT] = head;
  i32[session + SESSION_OUT_HEAD] = 0;
  i32[session + SESSION_OUT_TAIL] = 0;
  i32[session + SESSION_OUT_CURSOR] = 0;
  i32[session + SESSION_OUT_END] = 0;
  const sizeClass = i32[session + SESSION_OUT_CLASS]!;
  if (sizeClass !== 0 && bytes < chunkRoom(sizeClass) >> 2) {
    i32[session + SESSION_OUT_CLASS] = sizeClass - 1;
  }
  return { session: i32[session + SESSION_NUMBER]!, record: session, segments, bytes };
}

/** The write is done: its chunks go back, and its bytes are pending no more. */
export function outboundRelease({ record, bytes }: TwinTake): void {
  let segment = i32[record + SESSION_FLIGHT]!;
  i32[record + SESSION_FLIGHT] = 0;
  i32[record + SESSION_PENDING] = i32[record + SESSION_PENDING]! - bytes;
  while (segment !== 0) {
    const next = i32[segment + SEGMENT_NEXT]!;
    const size = chunkBytes(i32[segment + SEGMENT_CLASS]!);
    release(i32[segment + SEGMENT_CHUNK]!, size);
    i32[POOL_USED] = i32[POOL_USED]! - size;
    release(segment << 2, SEGMENT_WORDS << 2);
    segment = next;
  }
  const hasMore = i32[record + SESSION_OUT_HEAD] !== 0;
  const flags = i32[record + SESSION_FLAGS]!;
  if (hasMore && (flags & FLAG_DIRTY) === 0) markDirty(record, flags);
}
