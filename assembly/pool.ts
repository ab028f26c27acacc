// The chunk pool: memory that is lent to sessions for what waits to be written, and given back when it
// has been. Chunks of 4, 16, 64, 256 and 1,024 KiB are cut from slabs of 1 MiB, one class a slab; an empty
// slab serves any class again, and what is empty beyond a few goes back to the heap.
//
//   chunk:  references u32 · class u32 · slab u32 · next free u32 │ bytes … │ 16 spare for copyLoose

import { POOL_CLASS_BYTES_LOG2, POOL_CLASSES, POOL_SLAB_BYTES } from './abi';
import { Arena, arenaCreate, arenaInsert, arenaRemove, NO_HANDLES } from './arena';
import { Budget, CHUNK_BYTES_LOG2 } from './budget';
import { allocate, blockBytes, memorySetAside, release } from './memory';
import { OWNER_CHUNK, OWNER_FRAMES, OWNER_SLAB, OWNER_SLAB_BYTES, Owned } from './ownership';

@unmanaged
class Chunk {
  references: u32;
  sizeClass: u32;
  slab: usize;
  nextFree: usize;

  /** The living record at an address. */
  @inline
  static at(ptr: usize): Chunk {
    Owned.assertRecord(ptr, OWNER_CHUNK);
    return changetype<Chunk>(ptr);
  }
}

@unmanaged
class Slab {
  base: usize;
  sizeClass: u32;
  /** Chunks lent; those never cut yet begin at `cut`. */
  used: u32;
  cut: u32;
  free: usize;
  next: usize;
  previous: usize;

  /** The living record at an address. */
  @inline
  static at(ptr: usize): Slab {
    Owned.assertRecord(ptr, OWNER_SLAB);
    return changetype<Slab>(ptr);
  }
}

export const CHUNK_HEAD: u32 = 16;
export const CHUNK_SPARE: u32 = 16;

let slabs: Arena = changetype<Arena>(0);
/** Per class: slabs with a chunk to lend. */
const partial: usize = memory.data(32, 16);
let emptySlabs: usize = 0;
let emptyCount: u32 = 0;
/** What a burst needs at once, and comes again. */
const EMPTY_MAX: u32 = 4;
export let poolUsed: u32 = 0;
export let poolMax: u32 = 0;

/** Makes the pool; `bytes` is how much it lends at most. False: no memory. */
export function poolInit(bytes: u32): bool {
  slabs = arenaCreate(offsetof<Slab>(), 6, NO_HANDLES);
  poolMax = bytes;
  return changetype<usize>(slabs) != 0;
}

/** More than half is lent: what is written is copied, so that chunks come back whatever the sockets do. */
export function poolIsShort(): bool {
  return poolUsed > poolMax >> 1;
}

/** Bytes of a chunk of that class that may be filled. */
export function chunkRoom(sizeClass: u32): u32 {
  return chunkBytes(sizeClass) - CHUNK_HEAD - CHUNK_SPARE;
}

function chunkBytes(sizeClass: u32): u32 {
  return (<u32>1) << (POOL_CLASS_BYTES_LOG2 + (sizeClass << 1));
}

/** The smallest class, from `atLeast` on, with room for `bytes`. POOL_CLASSES: none has. */
export function chunkClass(bytes: u32, atLeast: u32): u32 {
  let sizeClass = atLeast;
  while (sizeClass < <u32>POOL_CLASSES && chunkRoom(sizeClass) < bytes) sizeClass++;
  return sizeClass;
}

/**
 * Lends a chunk with one reference. 0: the pool is spent, or memory is.
 *
 * @param mayExceed for the few bytes of protocol that must not wait (PONG, -ERR): memory alone limits it
 */
export function chunkLend(sizeClass: u32, mayExceed: bool): usize {
  const bytes = chunkBytes(sizeClass);
  if (poolUsed + bytes > poolMax && !mayExceed) return 0;
  const list = listOf(sizeClass);
  let ptr: usize = load<u32>(list);
  if (ptr == 0) {
    ptr = openSlab(sizeClass);
    if (ptr == 0) return 0;
    link(list, ptr);
  }
  Budget.charge(bytes >> CHUNK_BYTES_LOG2);
  const slab = Slab.at(ptr);
  let chunk = slab.free;
  if (chunk != 0) {
    Owned.claim(chunk, CHUNK_HEAD, OWNER_CHUNK);
    slab.free = Chunk.at(chunk).nextFree;
  } else {
    chunk = slab.base + slab.cut;
    Owned.claim(chunk, CHUNK_HEAD, OWNER_CHUNK);
    slab.cut += bytes;
  }
  Owned.claim(chunk + CHUNK_HEAD, bytes - CHUNK_HEAD, OWNER_FRAMES);
  slab.used++;
  if (slab.free == 0 && slab.cut == POOL_SLAB_BYTES) unlink(list, ptr);
  const record = Chunk.at(chunk);
  record.references = 1;
  record.sizeClass = sizeClass;
  record.slab = ptr;
  poolUsed += bytes;
  return chunk;
}

function listOf(sizeClass: u32): usize {
  assert(sizeClass < <u32>POOL_CLASSES);
  return partial + ((<usize>sizeClass) << 2);
}

/** One more segment refers to the chunk. */
export function chunkKeep(chunk: usize): void {
  Chunk.at(chunk).references++;
}

/** One segment less; the last one gives the chunk back. */
export function chunkDrop(chunk: usize): void {
  const record = Chunk.at(chunk);
  assert(record.references > 0);
  if (--record.references != 0) return;
  const bytes = chunkBytes(record.sizeClass);
  const ptr = record.slab;
  const slab = Slab.at(ptr);
  const list = listOf(record.sizeClass);
  const wasFull = slab.free == 0 && slab.cut == POOL_SLAB_BYTES;
  poolUsed -= bytes;
  slab.used--;
  Owned.disclaim(chunk + CHUNK_HEAD, bytes - CHUNK_HEAD, OWNER_SLAB_BYTES);
  if (slab.used == 0) {
    if (!wasFull) unlink(list, ptr);
    Owned.claim(chunk, CHUNK_HEAD, OWNER_SLAB_BYTES);
    closeSlab(ptr);
    return;
  }
  record.nextFree = slab.free;
  Owned.claim(chunk, CHUNK_HEAD, OWNER_SLAB_BYTES);
  slab.free = chunk;
  if (wasFull) link(list, ptr);
}

// An empty slab waits for the next use, or its memory goes back.
function closeSlab(ptr: usize): void {
  const slab = Slab.at(ptr);
  if (emptyCount < EMPTY_MAX) {
    slab.next = emptySlabs;
    emptySlabs = ptr;
    emptyCount++;
    return;
  }
  if (!ASC_NO_ASSERT) Owned.claim(slab.base, POOL_SLAB_BYTES, OWNER_SLAB_BYTES);
  release(slab.base, POOL_SLAB_BYTES);
  memorySetAside(-(<i32>blockBytes(POOL_SLAB_BYTES)));
  arenaRemove(slabs, ptr);
}

function makeSlab(): usize {
  const ptr = arenaInsert(slabs, OWNER_SLAB);
  if (ptr == 0) return 0;
  const base = allocate(POOL_SLAB_BYTES, OWNER_SLAB_BYTES);
  if (base == 0) {
    arenaRemove(slabs, ptr);
    return 0;
  }
  memorySetAside(blockBytes(POOL_SLAB_BYTES));
  Slab.at(ptr).base = base;
  return ptr;
}

function openSlab(sizeClass: u32): usize {
  let ptr = emptySlabs;
  if (ptr != 0) {
    emptySlabs = Slab.at(ptr).next;
    emptyCount--;
  } else {
    ptr = makeSlab();
    if (ptr == 0) return 0;
  }
  const slab = Slab.at(ptr);
  slab.sizeClass = sizeClass;
  slab.used = 0;
  slab.cut = 0;
  slab.free = 0;
  return ptr;
}

function link(list: usize, ptr: usize): void {
  const slab = Slab.at(ptr);
  const head: usize = load<u32>(list);
  slab.next = head;
  slab.previous = 0;
  if (head != 0) Slab.at(head).previous = ptr;
  store<u32>(list, <u32>ptr);
}

function unlink(list: usize, ptr: usize): void {
  const slab = Slab.at(ptr);
  if (slab.previous != 0) Slab.at(slab.previous).next = slab.next;
  else store<u32>(list, <u32>slab.next);
  if (slab.next != 0) Slab.at(slab.next).previous = slab.previous;
}
