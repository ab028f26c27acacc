// A row says where a message lies, of which subject it is, and which messages of that subject are its neighbours. Rows
// stand in chunks of up to 4,096 in the order of their sequences. A chunk in which every sequence from its base on has a
// row is dense, and a sequence finds its row by a subtraction; otherwise each row has an offset from the base, and is
// found by halving. What dies keeps its row until half of them are dead; then the chunk is packed.
//
//   dense      base 7     rows  7 8 9 10 11 …
//   packed     base 7     rows  7 9 12          offsets  0 2 5
import type { ColdRows } from './cold-rows.ts';
import type { Memory } from './memory.ts';

// A row, 32 bytes: two rows a cache line.
//
//   word  field
//   0, 1  when it was stored, in milliseconds since 1970 (f64)
//      2  the slab in which its bytes lie
//      3  where they begin there
//      4  bytes of header block and payload, and HAS_HEADERS
//      5  id of its subject; DEAD
//      6  how much higher the next sequence on its subject is; FAR. Of the last one it means nothing
//      7  how much lower the one before is; FAR. Of the first one it means nothing
export const ROW_WORDS = 8;
export const ROW_BYTES = 32;
export const ROW_SLAB = 2;
export const ROW_AT = 3;
export const ROW_BODY = 4;
export const ROW_SUBJECT = 5;
export const ROW_NEXT = 6;
export const ROW_PREVIOUS = 7;

export const HAS_HEADERS = 0x80000000;
/** A row has so much room for bytes of a body … */
export const BODY_MOST: number = 0x7fff_ffff;
/** … and for how far a record is behind the begin of its frame. */
export const IN_FRAME_MOST: number = 0xffff;
/** In the place of a subject's id: the message has been removed. */
export const DEAD = 0xffffffff;
/** The neighbour is further away than a word can say. */
export const FAR = 0xffffffff;

/** Sequences of one chunk differ by less. */
export const CHUNK_SPAN: number = 2 ** 32;

export class RowChunk {
  readonly #memory: Memory;
  /** What offsets count from: the sequence of the first row that it had. */
  base = 0;
  /** Rows in use, the dead among them. */
  count = 0;
  /** The first row that lives; what is below is dead. */
  start = 0;
  living = 0;
  capacity: number;
  words!: Uint32Array;
  times!: Float64Array;
  offsets: Uint32Array | undefined;
  /** All of its rows, which live, as they lie until one of them is wanted. */
  cold: ColdRows | undefined;

  /** Throws CapacityError. */
  constructor(memory: Memory, capacity: number, cold?: ColdRows) {
    this.#memory = memory;
    this.capacity = capacity;
    this.cold = cold;
    if (cold === undefined) this.#view(memory.take(capacity * ROW_BYTES));
    else memory.promise(capacity * ROW_BYTES);
  }

  #view(buffer: ArrayBuffer): void {
    this.words = new Uint32Array(buffer);
    this.times = new Float64Array(buffer);
  }

  /** The sequence of its last row; below its base when it has none. */
  get end(): number {
    return this.count === 0 ? -1 : this.seqOf(this.count - 1);
  }

  /** A row of it is wanted. The room that it takes has been promised. */
  warm(cold: ColdRows): void {
    this.#view(new ArrayBuffer(this.capacity * ROW_BYTES));
    cold.unfold(this);
    this.cold = undefined;
  }

  /** When its first message was stored. */
  get firstTimeMs(): number {
    return this.cold?.firstTimeMs ?? (this.times[this.start * (ROW_WORDS / 2)] as number);
  }

  seqOf(row: number): number {
    return this.base + (this.offsets === undefined ? row : (this.offsets[row] as number));
  }

  isAlive(row: number): boolean {
    return this.words[row * ROW_WORDS + ROW_SUBJECT] !== DEAD;
  }

  /** The first row whose sequence is not below `seq`; `count` when all are below. */
  rowAt(seq: number): number {
    const offset = seq - this.base;
    if (offset <= 0) return 0;
    const { offsets, count } = this;
    if (offsets === undefined) return Math.min(offset, count);
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((offsets[middle] as number) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Makes room for the offset of one more row, which is not the next. Throws CapacityError. */
  spread(): void {
    if (this.offsets !== undefined) return;
    this.offsets = new Uint32Array(this.#memory.take(this.capacity * 4));
    for (let row = 0; row < this.count; row++) this.offsets[row] = row;
  }

  /** All rows are dead; it may be used again. */
  empty(): void {
    if (this.offsets !== undefined) this.#memory.give(this.capacity * 4);
    this.offsets = undefined;
    this.count = 0;
    this.start = 0;
  }

  /** It is used no more. */
  drop(): void {
    this.empty();
    this.#memory.give(this.capacity * ROW_BYTES);
  }

  /** A chunk with the living rows of this one, and of the one behind it. Throws CapacityError. */
  packed(behind: RowChunk | undefined): RowChunk {
    const chunk = new RowChunk(this.#memory, this.living + (behind?.living ?? 0));
    chunk.base = this.seqOf(this.start);
    try {
      chunk.spread();
    } catch (error) {
      chunk.drop();
      throw error;
    }
    chunk.#take(this);
    if (behind !== undefined) chunk.#take(behind);
    return chunk;
  }

  #take(source: RowChunk): void {
    for (let row = source.start; row < source.count; row++) {
      if (source.isAlive(row)) this.add(source.seqOf(row), source, row);
    }
  }

  /** Adds a row behind its last one; it has offsets. With `source` it is a copy of that row. */
  add(seq: number, source?: RowChunk, row = 0): void {
    const from = row * ROW_WORDS;
    const to = this.count * ROW_WORDS;
    for (let word = 0; word < ROW_WORDS; word++) {
      this.words[to + word] = source === undefined ? 0 : (source.words[from + word] as number);
    }
    (this.offsets as Uint32Array)[this.count++] = seq - this.base;
    this.living++;
  }
}

/**
 * Chunks with the living rows of one and with new ones between them, whose words are 0.
 *
 * @param seqs of the new ones, ascending
 */
export function merge(
  memory: Memory,
  source: RowChunk | undefined,
  seqs: readonly number[],
  most: number,
): RowChunk[] {
  const chunks: RowChunk[] = [];
  let left = seqs.length + (source?.living ?? 0);
  let next = 0;
  const add = (seq: number, from?: RowChunk, row?: number): void => {
    let chunk = chunks[chunks.length - 1];
    const isRoomy = chunk !== undefined && chunk.count < chunk.capacity;
    if (chunk === undefined || !isRoomy || seq - chunk.base >= CHUNK_SPAN) {
      chunk = new RowChunk(memory, Math.min(most, left));
      chunk.base = seq;
      chunk.spread();
      chunks.push(chunk);
    }
    chunk.add(seq, from, row);
    left--;
  };
  const addBelow = (end: number): void => {
    while (next < seqs.length && (seqs[next] as number) < end) add(seqs[next++] as number);
  };
  for (let row = source?.start ?? 0; row < (source?.count ?? 0); row++) {
    if (!source?.isAlive(row)) continue;
    const seq = source.seqOf(row);
    addBelow(seq);
    add(seq, source, row);
  }
  addBelow(Number.POSITIVE_INFINITY);
  return chunks;
}
