// Outbound regions: what waits to be written to a session, as a list of segments over chunks of the pool,
// and the list of sessions that have something to write.
//
//   active:  [chunk bytes] → [shared payload 7] → [chunk bytes …│ cursor ── room ── end]
//   flight:  segments that a transport holds until its write is done
//
// A frame never spans chunks: what does not fit into the open one goes into a new one, and payloads too big
// for a chunk are shared, that is, kept once in JS memory and referred to. Whoever fills a chunk gets a
// larger one next.

import {
  POOL_CLASSES,
  SEGMENT_TAKE_BYTES,
  SEGMENT_TAKE_LEN,
  SEGMENT_TAKE_PTR,
  SEGMENT_TAKE_SHARED,
  SESSION_CLOSED,
  SESSION_DIRTY,
  SESSION_SLOW,
  TAKE_COPY_BYTES,
  TAKE_COUNT,
  TAKE_SEGMENTS,
  TAKE_SEGMENTS_MAX,
  TAKE_SESSION,
  TAKE_TOTAL_BYTES,
} from './abi';
import { accountLeave } from './account';
import { Arena, arenaCreate, arenaInsert, arenaRemove, NO_HANDLES } from './arena';
import { copyExact } from './bytes';
import { takePtr } from './memory';
import { Frame, OWNER_SEGMENT, OWNER_TAKE, Owned } from './ownership';
import {
  CHUNK_HEAD,
  chunkClass,
  chunkDrop,
  chunkKeep,
  chunkLend,
  chunkRoom,
  poolIsShort,
} from './pool';
import { Session, sessionMark, sessionRetire, sessionUnsubscribeAll } from './session';
import { walkDrop } from './walk-shares';

@unmanaged
class Segment {
  next: usize;
  /** 0: a shared payload. */
  chunk: usize;
  ptr: usize;
  length: u32;
  shared: u32;

  /** The living record at an address. */
  @inline
  static at(ptr: usize): Segment {
    Owned.assertRecord(ptr, OWNER_SEGMENT);
    return changetype<Segment>(ptr);
  }
}

export let segments: Arena = changetype<Arena>(0);
let dirtyHead: usize = 0;
let dirtyTail: usize = 0;
let copying: usize = 0;
/** Most bytes pending for one session that this call appended to. */
export let backlog: u32 = 0;

/** Makes the arena. False: no memory. */
export function outboundInit(): bool {
  segments = arenaCreate(offsetof<Segment>(), 8, NO_HANDLES);
  return changetype<usize>(segments) != 0;
}

/** Forgets the backlog of the call before. */
export function backlogReset(): void {
  backlog = 0;
}

/**
 * Makes sure that `bytes` (and 16 spare) fit behind the session's cursor. False: the pool is spent.
 * What is written there counts from `outboundCommit` on.
 */
export function outboundReserve(ptr: usize, bytes: u32, mayExceed: bool): bool {
  const session = Session.at(ptr);
  const isOpen = bytes <= <u32>(session.outEnd - session.outCursor);
  if (!isOpen && !openChunk(session, bytes, mayExceed)) return false;
  Frame.open(session.outCursor, bytes);
  return true;
}

function openChunk(session: Session, bytes: u32, mayExceed: bool): bool {
  if (session.outCursor != 0) {
    closeSegment(session);
    if (session.outClass + 1 < <u32>POOL_CLASSES) session.outClass++;
  }
  let sizeClass = chunkClass(bytes, session.outClass);
  if (sizeClass == POOL_CLASSES) return false;
  let chunk = chunkLend(sizeClass, mayExceed);
  while (chunk == 0) {
    // The pool may still have smaller ones.
    if (sizeClass == 0 || chunkRoom(sizeClass - 1) < bytes) return false;
    chunk = chunkLend(--sizeClass, mayExceed);
  }
  if (!appendSegment(session, chunk, chunk + CHUNK_HEAD, 0)) {
    chunkDrop(chunk);
    return false;
  }
  session.outCursor = chunk + CHUNK_HEAD;
  session.outEnd = chunk + CHUNK_HEAD + chunkRoom(sizeClass);
  return true;
}

/**
 * The short way of `outboundReserve` and `outboundCommit`. A chunk that is open holds something, so its session
 * is on the list already, or a write is under way at whose end it gets there.
 */
export class OpenChunk {
  /** Where `bytes` go, or 0: there is no room, or they would press the session. */
  @inline
  static reserve(session: Session, bytes: u32): usize {
    const cursor = session.outCursor;
    if (bytes > <u32>(session.outEnd - cursor)) return 0;
    if (session.pending + bytes > session.pendingMax >> 1) return 0;
    Frame.open(cursor, bytes);
    return cursor;
  }

  @inline
  static commit(session: Session, end: usize): void {
    assert((session.flags & SESSION_DIRTY) != 0 || session.flight != 0);
    const pending = session.pending + <u32>(end - session.outCursor);
    session.outCursor = end;
    session.pending = pending;
    if (pending > backlog) backlog = pending;
    Frame.close();
  }
}

// The segment at the cursor has no length of its own while it is open: it ends where the cursor is.
function closeSegment(session: Session): void {
  const open = Segment.at(session.outTail);
  open.length = <u32>(session.outCursor - open.ptr);
}

function appendSegment(session: Session, chunk: usize, start: usize, shared: u32): bool {
  const ptr = arenaInsert(segments, OWNER_SEGMENT);
  if (ptr == 0) return false;
  const segment = Segment.at(ptr);
  segment.chunk = chunk;
  segment.ptr = start;
  segment.shared = shared;
  if (session.outTail != 0) Segment.at(session.outTail).next = ptr;
  else session.outHead = ptr;
  session.outTail = ptr;
  return true;
}

/** Counts bytes that were written at the cursor, and puts the session on the list of those to write. */
export function outboundCommit(ptr: usize, bytes: u32): void {
  const session = Session.at(ptr);
  Frame.assertOpen(session.outCursor, bytes);
  session.outCursor += bytes;
  Frame.close();
  assert(session.outCursor <= session.outEnd);
  count(session, ptr, bytes);
}

function count(session: Session, ptr: usize, bytes: u32): void {
  const pending = session.pending + bytes;
  session.pending = pending;
  if (pending > backlog) backlog = pending;
  if ((session.flags & SESSION_DIRTY) == 0 && session.flight == 0) markDirty(ptr);
}

function markDirty(ptr: usize): void {
  const session = Session.at(ptr);
  session.flags |= SESSION_DIRTY;
  session.dirtyNext = 0;
  if (dirtyTail != 0) Session.at(dirtyTail).dirtyNext = ptr;
  else dirtyHead = ptr;
  dirtyTail = ptr;
}

/**
 * Appends a reference to a shared payload behind what was committed; what follows goes on in the same
 * chunk. False: no memory, nothing was done.
 */
export function outboundShare(ptr: usize, shared: u32, bytes: u32): bool {
  const session = Session.at(ptr);
  const chunk = Segment.at(session.outTail).chunk;
  const before = session.outTail;
  closeSegment(session);
  if (!appendSegment(session, 0, 0, shared)) return false;
  const reference = session.outTail;
  Segment.at(reference).length = bytes;
  if (!appendSegment(session, chunk, session.outCursor, 0)) {
    Segment.at(before).next = 0;
    session.outTail = before;
    arenaRemove(segments, reference);
    return false;
  }
  chunkKeep(chunk);
  count(session, ptr, bytes);
  return true;
}

/** Appends protocol bytes that must not wait for the pool. False: memory ends, or they exceed a chunk. */
export function outboundSend(ptr: usize, source: usize, bytes: u32): bool {
  const session = Session.at(ptr);
  if ((session.flags & SESSION_CLOSED) != 0) return false;
  if (!outboundReserve(ptr, bytes, true)) return false;
  Frame.assertOpen(session.outCursor, bytes);
  copyExact(session.outCursor, source, bytes);
  outboundCommit(ptr, bytes);
  return true;
}

/**
 * Moves what waits for the next session on the list into flight and describes it at `takePtr`.
 *
 * @returns whether there was one
 */
export function outboundTakeNext(): bool {
  while (dirtyHead != 0) {
    const ptr = dirtyHead;
    const session = Session.at(ptr);
    dirtyHead = session.dirtyNext;
    if (dirtyHead == 0) dirtyTail = 0;
    session.flags &= ~SESSION_DIRTY;
    if (outboundTake(ptr)) return true;
    retireIfDone(ptr);
  }
  return false;
}

/** The same for one session; false when it has nothing waiting or a write is under way. */
export function outboundTake(ptr: usize): bool {
  const session = Session.at(ptr);
  if (session.flight != 0 || session.outHead == 0) return false;
  session.flight = detach(session, poolIsShort() ? TAKE_COPY_BYTES : u32.MAX_VALUE);
  if (Owned.read<u32>(takePtr + TAKE_COUNT, OWNER_TAKE) != 0) return true;
  freeSegments(session.flight);
  session.flight = 0;
  return false;
}

/**
 * The same also while a write is under way: the caller copies the bytes at once and calls
 * `outboundCopied` before anything else.
 */
export function outboundTakeCopy(ptr: usize): bool {
  const session = Session.at(ptr);
  if (session.outHead == 0) return false;
  assert(copying == 0);
  copying = detach(session, TAKE_COPY_BYTES);
  if (Owned.read<u32>(takePtr + TAKE_COUNT, OWNER_TAKE) != 0) return true;
  outboundCopied();
  return false;
}

/** What `outboundTakeCopy` described has been copied: its chunks go back. */
export function outboundCopied(): void {
  freeSegments(copying);
  copying = 0;
}

// Cuts active segments off until they have so many bytes, or are as many as the take record describes, and describes
// them.
function detach(session: Session, bytesMax: u32): usize {
  if (session.outCursor != 0) closeSegment(session);
  let at = takePtr + TAKE_SEGMENTS;
  let total: u32 = 0;
  let taken: u32 = 0;
  let segmentPtr = session.outHead;
  let last: usize = 0;
  while (segmentPtr != 0 && taken < <u32>TAKE_SEGMENTS_MAX && total < bytesMax) {
    const segment = Segment.at(segmentPtr);
    if (segment.length != 0) {
      Owned.write<u32>(at + SEGMENT_TAKE_PTR, <u32>segment.ptr, OWNER_TAKE);
      Owned.write<u32>(at + SEGMENT_TAKE_LEN, segment.length, OWNER_TAKE);
      Owned.write<u32>(at + SEGMENT_TAKE_SHARED, segment.shared, OWNER_TAKE);
      at += SEGMENT_TAKE_BYTES;
      total += segment.length;
      taken++;
    }
    last = segmentPtr;
    segmentPtr = segment.next;
  }
  const head = session.outHead;
  Segment.at(last).next = 0;
  session.outHead = segmentPtr;
  if (segmentPtr == 0) {
    session.outTail = 0;
    session.outCursor = 0;
    session.outEnd = 0;
    if (session.outClass != 0 && total < chunkRoom(session.outClass) >> 2) session.outClass--;
  }
  Owned.write<u32>(takePtr + TAKE_SESSION, session.handle, OWNER_TAKE);
  Owned.write<u32>(takePtr + TAKE_COUNT, taken, OWNER_TAKE);
  Owned.write<u32>(takePtr + TAKE_TOTAL_BYTES, total, OWNER_TAKE);
  return head;
}

/** The write is done, or was copied: its chunks go back. More that waits puts the session on the list. */
export function outboundRelease(ptr: usize): void {
  const session = Session.at(ptr);
  freeSegments(session.flight);
  session.flight = 0;
  if ((session.flags & SESSION_CLOSED) != 0) retireIfDone(ptr);
  else if (session.outHead != 0 && (session.flags & SESSION_DIRTY) == 0) markDirty(ptr);
}

function freeSegments(head: usize): void {
  while (head != 0) {
    const segment = Segment.at(head);
    const next = segment.next;
    if (segment.chunk != 0) chunkDrop(segment.chunk);
    arenaRemove(segments, head);
    head = next;
  }
}

/**
 * Closes a session: its subscriptions go, what was not taken is lost. Its record is freed when no write is
 * under way any more.
 */
export function sessionClose(ptr: usize): void {
  const session = Session.at(ptr);
  if ((session.flags & SESSION_CLOSED) != 0) return;
  sessionMark(ptr, SESSION_CLOSED);
  walkDrop(ptr);
  sessionUnsubscribeAll(ptr);
  accountLeave(session.account);
  freeSegments(session.outHead);
  session.outHead = 0;
  session.outTail = 0;
  session.outCursor = 0;
  session.outEnd = 0;
  retireIfDone(ptr);
}

function retireIfDone(ptr: usize): void {
  const session = Session.at(ptr);
  if ((session.flags & SESSION_CLOSED) == 0) return;
  if ((session.flags & SESSION_DIRTY) != 0 || session.flight != 0) return;
  sessionRetire(ptr);
}

/** Bytes of a session have left, or are lost: its pending goes down. */
export function outboundSettle(ptr: usize, bytes: u32): void {
  const session = Session.at(ptr);
  session.pending -= min<u32>(bytes, session.pending);
}

/** Whether a session is over its limit now; true once only. */
export function outboundIsSlow(ptr: usize): bool {
  const session = Session.at(ptr);
  if (session.pending <= session.pendingMax || (session.flags & SESSION_SLOW) != 0) return false;
  sessionMark(ptr, SESSION_SLOW);
  return true;
}
