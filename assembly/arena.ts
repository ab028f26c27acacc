// Arenas: records of one size on a free list, made in blocks that never move.
//
//   arena ── blocks table ──► block 0: [record 0][record 1]… (1 << blockBits of them)
//                            block 1: …
//
// A record of an arena with handles holds its own handle at `handleOffset`. When it is freed the handle's
// generation goes up at once, so a stale handle no longer equals it, and the highest bit, which no handle has,
// is set until the record is given out again: looking one up is two loads and a compare. Record 0 is never
// given out, so 0 is no handle.
//
//   insert  → number 1, generation 0: handle 0x000001
//   free    → 0x80400001: neither 0x000001 nor 0x400001 is a handle now
//   insert  → number 1, generation 1: handle 0x400001
//
// Generations wrap after 512 lives of one record. That is safe because nobody keeps a handle beyond
// the turn in which he is told of the record's death.

import { HANDLE_GENERATION_MASK, HANDLE_NUMBER_BITS, HANDLE_NUMBER_MASK } from './abi';
import { allocate } from './memory';
import { OWNER_ARENA, Owned } from './ownership';

@unmanaged
export class Arena {
  recordBytes: u32;
  blockBits: u32;
  /** Where a record keeps its handle; NO_HANDLES for records that are only known by pointer. */
  handleOffset: u32;
  /** Free records, linked through `LINK`. */
  free: u32;
  made: u32;
  live: u32;
  blocks: usize;
  blocksMax: u32;
}

export const NO_HANDLES: u32 = 0xffffffff;
// Free records are linked through their third word: the first two may hold a handle.
const LINK: usize = 8;
const ARENA_BYTES: u32 = 32;
/** In the handle of a record that is free. */
const FREE: u32 = 0x80000000;

/** A new arena, or 0. With handles it holds at most `1 << (blockBits + 12)` records. */
export function arenaCreate(recordBytes: u32, blockBits: u32, handleOffset: u32): Arena {
  const ptr = allocate(ARENA_BYTES, OWNER_ARENA);
  const blocksMax: u32 = handleOffset == NO_HANDLES ? 0 : 4096;
  const blocks: usize = blocksMax == 0 ? <usize>0 : allocate(blocksMax << 2, OWNER_ARENA);
  if (ptr == 0 || (blocksMax != 0 && blocks == 0)) return changetype<Arena>(0);
  Owned.clear(ptr, ARENA_BYTES, OWNER_ARENA);
  const arena = changetype<Arena>(ptr);
  arena.recordBytes = recordBytes;
  arena.blockBits = blockBits;
  arena.handleOffset = handleOffset;
  arena.blocks = blocks;
  arena.blocksMax = blocksMax;
  return arena;
}

/** A record of zeros (its handle set), or 0 when memory or the arena ends. It is its OWNER_* from now on. */
export function arenaInsert(arena: Arena, owner: u32): usize {
  if (arena.free == 0 && !addBlock(arena)) return 0;
  const ptr = <usize>arena.free;
  arena.free = Owned.read<u32>(ptr + LINK, OWNER_ARENA);
  arena.live++;
  if (arena.handleOffset == NO_HANDLES) {
    Owned.claim(ptr, arena.recordBytes, owner);
    Owned.clear(ptr, arena.recordBytes, owner);
    return ptr;
  }
  const handle = Owned.read<u32>(ptr + arena.handleOffset, OWNER_ARENA);
  Owned.claim(ptr, arena.recordBytes, owner);
  Owned.clear(ptr, arena.recordBytes, owner);
  Owned.write<u32>(ptr + arena.handleOffset, handle & ~FREE, owner);
  return ptr;
}

/** Frees a record; every handle to it is stale from now on. */
export function arenaRemove(arena: Arena, ptr: usize): void {
  assert(arena.live > 0);
  arena.live--;
  if (!ASC_NO_ASSERT) bury(arena, ptr);
  if (arena.handleOffset != NO_HANDLES) {
    const handle = load<u32>(ptr + arena.handleOffset);
    const generation = ((handle >> HANDLE_NUMBER_BITS) + 1) & HANDLE_GENERATION_MASK;
    const next = (generation << HANDLE_NUMBER_BITS) | (handle & HANDLE_NUMBER_MASK);
    Owned.write<u32>(ptr + arena.handleOffset, next | FREE, OWNER_ARENA);
  }
  Owned.write<u32>(ptr + LINK, arena.free, OWNER_ARENA);
  arena.free = <u32>ptr;
}

// Debug builds: only its handle is left of a record.
function bury(arena: Arena, ptr: usize): void {
  const handlePtr = ptr + (arena.handleOffset == NO_HANDLES ? 0 : arena.handleOffset);
  const handle = load<u32>(handlePtr);
  Owned.disclaim(ptr, arena.recordBytes, OWNER_ARENA);
  store<u32>(handlePtr, handle);
}

/** The record of a handle, or 0 when it is stale or was never given. */
export function arenaFind(arena: Arena, handle: u32): usize {
  const number = handle & HANDLE_NUMBER_MASK;
  if (number == 0 || number >= arena.made || (handle & FREE) != 0) return 0;
  const listed = arena.blocks + ((number >> arena.blockBits) << 2);
  const block = <usize>Owned.read<u32>(listed, OWNER_ARENA);
  const index = number & ((1 << arena.blockBits) - 1);
  const ptr = block + index * arena.recordBytes;
  Owned.assertReadable(ptr + arena.handleOffset, 4, 0); // It lives, or is free.
  return load<u32>(ptr + arena.handleOffset) == handle ? ptr : 0;
}

/** The living record of a number, or 0; for walks over all from 1 on and below `made`. */
export function arenaAt(arena: Arena, number: u32): usize {
  const listed = arena.blocks + ((number >> arena.blockBits) << 2);
  const block = <usize>Owned.read<u32>(listed, OWNER_ARENA);
  const ptr = block + (number & ((1 << arena.blockBits) - 1)) * arena.recordBytes;
  return (load<u32>(ptr + arena.handleOffset) & FREE) == 0 ? ptr : 0;
}

function addBlock(arena: Arena): bool {
  const count: u32 = 1 << arena.blockBits;
  const blockIndex = arena.made >> arena.blockBits;
  const hasHandles = arena.handleOffset != NO_HANDLES;
  if (hasHandles && blockIndex >= arena.blocksMax) return false;
  const block = allocate(count * arena.recordBytes, OWNER_ARENA);
  if (block == 0) return false;
  if (hasHandles) Owned.write<u32>(arena.blocks + (blockIndex << 2), <u32>block, OWNER_ARENA);
  const first: u32 = arena.made == 0 ? 1 : 0;
  for (let index = count - 1; <i32>index >= <i32>first; index--) {
    const ptr = block + index * arena.recordBytes;
    if (hasHandles)
      Owned.write<u32>(ptr + arena.handleOffset, (arena.made + index) | FREE, OWNER_ARENA);
    Owned.write<u32>(ptr + LINK, arena.free, OWNER_ARENA);
    arena.free = <u32>ptr;
  }
  arena.made += count;
  return true;
}
