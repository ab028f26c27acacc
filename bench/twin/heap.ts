// The twin's memory: one ArrayBuffer, seen as bytes, as words and through a DataView for what is not aligned.
// Records are named by the index of their first word, texts and chunks by the address of their first byte.
//
//   words 0 …     state of the modules (the tables below)
//   TOKENS …      tokens of the subject at hand
//   STACK …       nodes that a match has still to visit
//   MATCHED …     nodes that a match has found
//   INBOX …       one read of a session, with headroom for the unfinished tail of the one before
//   heap          blocks of powers of two on free lists
//
// Its size never changes, so V8 takes the arrays for constants: an access is a bounds check and a load. Each
// module that uses them keeps a constant of its own, because an imported one is loaded anew at each use.

const HEAP_BYTES = 0x40000000;
const buffer = new ArrayBuffer(HEAP_BYTES);

export const u8: Uint8Array = new Uint8Array(buffer);
export const i32: Int32Array = new Int32Array(buffer);
export const f64: Float64Array = new Float64Array(buffer);
export const view: DataView = new DataView(buffer);

export const TOKENS_MAX = 2048;
export const MATCHED_MAX = 65_536;
export const INBOX_BYTES = 1_048_576;
const HEADROOM_BYTES = 65_536;

// Word indexes of the state of the other modules.
export const STATE: number = 64;
export const TOKENS: number = 1024;
export const STACK: number = TOKENS + TOKENS_MAX * 3;
export const MATCHED: number = STACK + (TOKENS_MAX + 2) * 2;
/** Address of the inbox. */
export const INBOX: number = ((MATCHED + MATCHED_MAX) << 2) + HEADROOM_BYTES;
const HEAP = (INBOX + INBOX_BYTES + 128) & ~63;

const FREE_LISTS = 16;
const LINE_BYTES = 64;
let heapNext = HEAP;

/** The bytes that a block for `bytes` really has. */
export function blockBytes(bytes: number): number {
  return bytes <= 16 ? 16 : 1 << (32 - Math.clz32(bytes - 1));
}

/**
 * The address of a block; its content is undefined. From 64 bytes on it begins with a line of the processor's cache.
 * Throws when the heap ends.
 */
export function allocate(bytes: number): number {
  const size = blockBytes(bytes);
  const list = FREE_LISTS + Math.clz32(size);
  const free = i32[list]!;
  if (free !== 0) {
    i32[list] = i32[free >> 2]!;
    return free;
  }
  const ptr = size < LINE_BYTES ? heapNext : (heapNext + LINE_BYTES - 1) & -LINE_BYTES;
  heapNext = ptr + size;
  if (heapNext > HEAP_BYTES - 64) throw new RangeError('the heap of the twin is full');
  return ptr;
}

/** Gives a block back; `bytes` as it was asked for. */
export function release(ptr: number, bytes: number): void {
  const list = FREE_LISTS + Math.clz32(blockBytes(bytes));
  i32[ptr >> 2] = i32[list]!;
  i32[list] = ptr;
}

/** A block of zeros as a record: the index of its first word. */
export function allocateRecord(words: number): number {
  const record = allocate(words << 2) >> 2;
  i32.fill(0, record, record + words);
  return record;
}

/** Bytes handed out since the start; what was given back counts. */
export function heapBytes(): number {
  return heapNext - HEAP;
}
