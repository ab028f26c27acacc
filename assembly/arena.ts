// Arenas: records of one size, cut from blocks that never move.
//
//   arena ── blocks table ──► block 0: [head][record 1][record 2]… (1 << blockBits places)
//        │                    block 1: [head][record 1]…
//        └─ partial ──► the blocks that have a record to give, linked both ways
//
// A block lies at a multiple of its size, so a record knows where its block begins. There the head counts who lives: a
// block whose last record goes is given back, unless it is the only one with room.
//
// A record of an arena with handles holds its own handle at `handleOffset`. When it is freed the handle's
// generation goes up at once, so a stale handle no longer equals it, and the highest bit, which no handle has,
// is set until the record is given out again: looking one up is two loads and a compare. The first place of a block
// holds its head, so 0 is no handle.
//
//   insert  → number 1, generation 0: handle 0x000001
//   free    → 0x80400001: neither 0x000001 nor 0x400001 is a handle now
//   insert  → number 1, generation 1: handle 0x400001
//
// Generations wrap after 512 lives of one record, and begin anew with each block. That is safe because nobody keeps a
// handle beyond the turn in which he is told of the record's death.

import { HANDLE_GENERATION_MASK, HANDLE_NUMBER_BITS, HANDLE_NUMBER_MASK } from './abi';
import { allocate, release } from './memory';
import { OWNER_ARENA, Owned } from './ownership';

@unmanaged
export class Arena {
  recordBytes: u32;
  blockBits: u32;
  /** Where a record keeps its handle; NO_HANDLES for records that are only known by pointer. */
  handleOffset: u32;
  /** Of a block, a power of two. */
  blockBytes: u32;
  /** First block with a record to give. */
  partial: usize;
  /** Numbers that have been given to blocks, as places. */
  made: u32;
  live: u32;
  /** Address of each block by number, 0 = it has been given back. Of an arena without handles there is no table. */
  blocks: usize;
  blocksMax: u32;
  /** Blocks that have been given back and not been made again. */
  vacant: u32;
  /** With which a new block begins. */
  generation: u32;
}

/** The head of a block. */
@unmanaged
class Block {
  next: usize;
  previous: usize;
  /** Records that were freed, linked through `LINK`; those that never lived begin at place `cut`. */
  free: usize;
  cut: u32;
  live: u32;
  number: u32;

  @inline
  static at(ptr: usize): Block {
    Owned.assertSpan(ptr, HEAD_BYTES, OWNER_ARENA);
    return changetype<Block>(ptr);
  }
}

export const NO_HANDLES: u32 = 0xffffffff;
// Free records are linked through their third word: the first two may hold a handle.
const LINK: usize = 8;
const ARENA_BYTES: u32 = offsetof<Arena>();
const HEAD_BYTES: u32 = offsetof<Block>();
/** In the handle of a record that is free. */
const FREE: u32 = 0x80000000;

/** A new arena, or 0. With handles it has at most `1 << (blockBits + 12)` places. */
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
  arena.blockBytes = 1 << (32 - clz<u32>((recordBytes << blockBits) - 1));
  arena.blocks = blocks;
  arena.blocksMax = blocksMax;
  return arena;
}

/** A record of zeros (its handle set), or 0 when memory or the arena ends. It is its OWNER_* from now on. */
export function arenaInsert(arena: Arena, owner: u32): usize {
  if (arena.partial == 0 && !addBlock(arena)) return 0;
  const base = arena.partial;
  const block = Block.at(base);
  let ptr = block.free;
  const isCut = ptr == 0;
  if (isCut) ptr = base + block.cut * arena.recordBytes;
  const handle = arena.handleOffset == NO_HANDLES ? <u32>0 : handleFor(arena, block, ptr, isCut);
  if (isCut) block.cut++;
  else block.free = Owned.read<u32>(ptr + LINK, OWNER_ARENA);
  block.live++;
  arena.live++;
  if (block.free == 0 && block.cut >> arena.blockBits != 0) unlink(arena, base);
  Owned.claim(ptr, arena.recordBytes, owner);
  clear(ptr, arena.recordBytes, owner);
  if (handle != 0) Owned.write<u32>(ptr + arena.handleOffset, handle, owner);
  return ptr;
}

// Records are whole words. A `memory.fill` of so few is a call of the engine, which takes longer than all the rest.
function clear(ptr: usize, bytes: u32, owner: u32): void {
  Owned.assertSpan(ptr, bytes, owner);
  const end = ptr + bytes;
  for (; ptr + 16 <= end; ptr += 16) v128.store(ptr, i32x4.splat(0));
  for (; ptr < end; ptr += 4) store<u32>(ptr, 0);
}

function handleFor(arena: Arena, block: Block, ptr: usize, isCut: bool): u32 {
  if (!isCut) return Owned.read<u32>(ptr + arena.handleOffset, OWNER_ARENA) & ~FREE;
  const number = (block.number << arena.blockBits) + block.cut;
  return (arena.generation << HANDLE_NUMBER_BITS) | number;
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
  const base = ptr & ~(<usize>arena.blockBytes - 1);
  const block = Block.at(base);
  if (block.free == 0 && block.cut >> arena.blockBits != 0) link(arena, base);
  Owned.write<u32>(ptr + LINK, <u32>block.free, OWNER_ARENA);
  block.free = ptr;
  if (--block.live == 0 && (block.next | block.previous) != 0) dropBlock(arena, base);
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
  const index = number & ((1 << arena.blockBits) - 1);
  if (index == 0 || number >= arena.made || (handle & FREE) != 0) return 0;
  const block = blockAt(arena, number);
  if (block == 0) return 0;
  const ptr = block + index * arena.recordBytes;
  Owned.assertReadable(ptr + arena.handleOffset, 4, 0); // It lives, is free, or never lived.
  return load<u32>(ptr + arena.handleOffset) == handle ? ptr : 0;
}

function blockAt(arena: Arena, number: u32): usize {
  return Owned.read<u32>(arena.blocks + ((number >> arena.blockBits) << 2), OWNER_ARENA);
}

/** The living record of a number, or 0; for walks over all from 1 on and below `made`. */
export function arenaAt(arena: Arena, number: u32): usize {
  const block = blockAt(arena, number);
  const index = number & ((1 << arena.blockBits) - 1);
  if (index == 0 || block == 0 || index >= Block.at(block).cut) return 0;
  const ptr = block + index * arena.recordBytes;
  return (load<u32>(ptr + arena.handleOffset) & FREE) == 0 ? ptr : 0;
}

function addBlock(arena: Arena): bool {
  const hasHandles = arena.handleOffset != NO_HANDLES;
  const number: u32 = hasHandles ? freeNumber(arena) : 0;
  if (hasHandles && number == arena.blocksMax) return false;
  const base = allocate(arena.blockBytes, OWNER_ARENA);
  if (base == 0) return false;
  // With handles all of it: what never lived has none.
  Owned.clear(base, hasHandles ? arena.blockBytes : HEAD_BYTES, OWNER_ARENA);
  const block = Block.at(base);
  block.number = number;
  block.cut = (HEAD_BYTES + arena.recordBytes - 1) / arena.recordBytes;
  if (hasHandles) setBlock(arena, number, base);
  link(arena, base);
  return true;
}

// For a block: one that has been given back, or the next one.
function freeNumber(arena: Arena): u32 {
  const end = arena.made >> arena.blockBits;
  if (arena.vacant == 0) return end;
  let number: u32 = 0;
  while (blockAt(arena, number << arena.blockBits) != 0) number++;
  return number;
}

function setBlock(arena: Arena, number: u32, base: usize): void {
  Owned.write<u32>(arena.blocks + (number << 2), <u32>base, OWNER_ARENA);
  if (number == arena.made >> arena.blockBits) arena.made += 1 << arena.blockBits;
  else if (base == 0) arena.vacant++;
  else arena.vacant--;
}

function dropBlock(arena: Arena, base: usize): void {
  unlink(arena, base);
  if (arena.handleOffset != NO_HANDLES) {
    setBlock(arena, Block.at(base).number, 0);
    arena.generation = (arena.generation + 1) & HANDLE_GENERATION_MASK;
  }
  if (!ASC_NO_ASSERT) Owned.claim(base, arena.blockBytes, OWNER_ARENA);
  release(base, arena.blockBytes);
}

function link(arena: Arena, base: usize): void {
  const block = Block.at(base);
  const head = arena.partial;
  block.next = head;
  block.previous = 0;
  if (head != 0) Block.at(head).previous = base;
  arena.partial = base;
}

function unlink(arena: Arena, base: usize): void {
  const block = Block.at(base);
  const next = block.next;
  const previous = block.previous;
  if (next != 0) Block.at(next).previous = previous;
  if (previous != 0) Block.at(previous).next = next;
  else arena.partial = next;
  block.next = 0;
  block.previous = 0;
}
