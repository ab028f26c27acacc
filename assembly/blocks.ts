// Free blocks of the heap: powers of two, each at a multiple of its size, so two halves of one block find each other.
//
//   allocate 64      [64][64 free][ 128 free  ][        256 free         ]   a larger block is cut into halves
//   release          [                    512 free                       ]   halves that are free are joined again
//
// A list for each class links them both ways. Which addresses are those of free blocks is said outside of them, by a
// bit for each 16 bytes: what lies in a block that is in use is whatever a peer has sent, and proves nothing. The bits
// lie in maps of 128 KiB, one for each span of 16 MiB, which the heap makes as it grows.

@unmanaged
class FreeBlock {
  next: usize;
  previous: usize;
  blockClass: u32;
}

/** The least block has 16 bytes. */
export const CLASS_LEAST: u32 = 4;
const CLASS_MOST: u32 = 30;
const SPAN_BITS: usize = 24;
export const SPAN_MAP_BYTES: usize = 131072;
/** Address of each span's map, and first block of each class. */
const maps: usize = memory.data(1024, 16);
const lists: usize = memory.data(128, 16);
let mappedSpans: usize = 0;
/** A bit for each class that has a free block. */
let classes: u32 = 0;

/** Spans up to `end` that have no map yet. */
export function blockSpansMissing(end: usize): usize {
  const wanted = (end - 1) >> SPAN_BITS;
  return wanted < mappedSpans ? 0 : wanted + 1 - mappedSpans;
}

/** Gives the next span its map: SPAN_MAP_BYTES zeros. */
export function blockMapSpan(ptr: usize): void {
  store<u32>(maps + (mappedSpans << 2), <u32>ptr);
  mappedSpans++;
}

/** The class of a block for `bytes`: its size as a power of two. */
export function blockClassOf(bytes: u32): u32 {
  return bytes <= 16 ? CLASS_LEAST : 32 - clz<u32>(bytes - 1);
}

function listOf(blockClass: u32): usize {
  return lists + ((<usize>blockClass) << 2);
}

function mapByteOf(ptr: usize): usize {
  return <usize>load<u32>(maps + ((ptr >> SPAN_BITS) << 2)) + ((ptr & 0xffffff) >> 7);
}

function mapBitOf(ptr: usize): u32 {
  const index: usize = (ptr >> 4) & 7;
  return 1 << (<u32>index);
}

function isFree(ptr: usize, blockClass: u32): bool {
  if (ptr >> SPAN_BITS >= mappedSpans) return false;
  const bits: u32 = load<u8>(mapByteOf(ptr));
  if ((bits & mapBitOf(ptr)) == 0) return false;
  return changetype<FreeBlock>(ptr).blockClass == blockClass;
}

function flip(ptr: usize): void {
  const byte = mapByteOf(ptr);
  const bits: u32 = load<u8>(byte);
  store<u8>(byte, <u8>(bits ^ mapBitOf(ptr)));
}

function link(ptr: usize, blockClass: u32): void {
  const list = listOf(blockClass);
  const head: usize = load<u32>(list);
  const block = changetype<FreeBlock>(ptr);
  block.next = head;
  block.previous = 0;
  block.blockClass = blockClass;
  if (head != 0) changetype<FreeBlock>(head).previous = ptr;
  store<u32>(list, <u32>ptr);
  classes |= 1 << blockClass;
  flip(ptr);
}

function unlink(ptr: usize, blockClass: u32): void {
  const block = changetype<FreeBlock>(ptr);
  const next = block.next;
  const previous = block.previous;
  if (next != 0) changetype<FreeBlock>(next).previous = previous;
  if (previous != 0) changetype<FreeBlock>(previous).next = next;
  else {
    store<u32>(listOf(blockClass), <u32>next);
    if (next == 0) classes &= ~(1 << blockClass);
  }
  flip(ptr);
}

/** A free block of that class, cut from the smallest that will do. 0: there is none. */
export function blockTake(wanted: u32): usize {
  const fitting = classes >> wanted;
  if (fitting == 0) return 0;
  let blockClass = wanted + ctz(fitting);
  const ptr: usize = load<u32>(listOf(blockClass));
  unlink(ptr, blockClass);
  while (blockClass > wanted) link(ptr + ((<usize>1) << --blockClass), blockClass);
  return ptr;
}

/** A block that is free from now on: joined with its other half, as long as that is free, too. */
export function blockGive(ptr: usize, blockClass: u32): void {
  while (blockClass < CLASS_MOST) {
    const half = (<usize>1) << blockClass;
    const other = ptr ^ half;
    if (!isFree(other, blockClass)) break;
    unlink(other, blockClass);
    ptr &= ~half;
    blockClass++;
  }
  link(ptr, blockClass);
}

/** All that lies between two multiples of 16. */
export function blockGiveRange(ptr: usize, end: usize): void {
  while (ptr < end) {
    const blockClass = min<u32>(<u32>ctz(ptr), 31 - clz<u32>(<u32>(end - ptr)));
    blockGive(ptr, min<u32>(blockClass, CLASS_MOST));
    ptr += (<usize>1) << min<u32>(blockClass, CLASS_MOST);
  }
}
