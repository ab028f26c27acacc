// Records by the hash of a text. Buckets are split one at a time when records come, and joined one at a time when they go
// (linear hashing), so that no publish waits for a table to double.
//
//   64 buckets and 3 split:    0 1 2 │ 3 … 63 │ 64 65 66        hash & 63; of those below 3 hash & 127
//
// The hash is keyed, since peers choose subjects: a sum of key times byte, of which the high bits count. Two texts of one
// length agree in them with a chance of 2^-25, whatever they are.
import { fillRandom } from '../../shared/entropy.ts';
import type { Work } from '../work.ts';
import type { Memory } from './memory.ts';
import { RECORD_CHAIN, RECORD_HASH, type Records } from './records.ts';

/** Buckets of a chunk, as a power of two. Where many are to come it is a large one: few chunks stay in the caches. */
const CHUNK_BITS = 10;
const LARGE_BITS = 16;
const LEAST_BUCKETS = 64;
/** Ids that are laid out between two yields: some tenths of a millisecond. */
const IDS_A_STEP = 8192;
/** So far `foresee` looks ahead: the caches next to the processor hold it. */
export const SIGHT = 256;
/** Bits that are no good: what a key of 32 bits times a byte leaves. */
const LOW_BITS = 7;
/** Longer texts use the keys again, behind a step that is keyed, too. */
const KEYS = 4096;

let keys: Uint32Array | undefined;
/** Of the buckets that are looked at ahead. */
const heads = new Uint32Array(SIGHT);

/** The keyed hash of `length` bytes: 25 bits. */
export function hashText(text: Uint8Array, at: number, length: number): number {
  keys ??= makeKeys();
  let sum = Math.imul(length, keys[KEYS] as number);
  for (let start = 0; start < length; start += KEYS) {
    if (start > 0) sum = Math.imul(sum ^ (sum >>> 15), keys[KEYS] as number);
    const end = Math.min(KEYS, length - start);
    for (let i = 0; i < end; i++) {
      sum = (sum + Math.imul(keys[i] as number, text[at + start + i] as number)) | 0;
    }
  }
  return sum >>> LOW_BITS;
}

/** The same of the first bytes of a view, by words: half of the time. */
export function hashWords(data: DataView, length: number): number {
  if (length > KEYS) return hashText(new Uint8Array(data.buffer, data.byteOffset), 0, length);
  keys ??= makeKeys();
  let sum = Math.imul(length, keys[KEYS] as number);
  const end = length & ~3;
  for (let i = 0; i < end; i += 4) {
    const word = data.getInt32(i, true);
    const first = Math.imul(keys[i] as number, word & 0xff);
    const second = Math.imul(keys[i + 1] as number, (word >>> 8) & 0xff);
    const third = Math.imul(keys[i + 2] as number, (word >>> 16) & 0xff);
    sum = (sum + first + second + third + Math.imul(keys[i + 3] as number, word >>> 24)) | 0;
  }
  for (let i = end; i < length; i++) {
    sum = (sum + Math.imul(keys[i] as number, data.getUint8(i))) | 0;
  }
  return sum >>> LOW_BITS;
}

/** xorshift128 from a seed of the system's secure source; the last one is odd. */
function makeKeys(): Uint32Array {
  const made = new Uint32Array(KEYS + 1);
  let [x = 1, y = 1, z = 1, w = 1] = fillRandom(new Uint32Array(4));
  for (let i = 0; i <= KEYS; i++) {
    const t = x ^ (x << 11);
    x = y;
    y = z;
    z = w;
    w = w ^ (w >>> 19) ^ t ^ (t >>> 8);
    made[i] = w;
  }
  made[KEYS] = (made[KEYS] as number) | 1;
  return made;
}

export class HashIndex {
  readonly #memory: Memory;
  readonly #records: Records;
  /** id + 1 of the first of each bucket; 0 = none. */
  #chunks: Uint32Array[] = [];
  #count = 0;
  #bits = CHUNK_BITS;
  /** A power of two, and how many of the buckets below it have been split. */
  #half = LEAST_BUCKETS;
  #split = 0;

  constructor(memory: Memory, records: Records) {
    this.#memory = memory;
    this.#records = records;
  }

  /** id + 1 of the first record of the bucket; the others follow by RECORD_CHAIN. 0 = none. */
  firstOf(hash: number): number {
    if (this.#count === 0) return 0;
    const bucket = this.#bucketOf(hash);
    return this.#head(bucket);
  }

  /**
   * Goes where hashes lead of which up to SIGHT are asked for next. Each waits for memory, and all of them together as long
   * as a few one after the other.
   */
  foresee(hashes: Uint32Array, from: number, to: number): void {
    const records = this.#records;
    const count = Math.min(SIGHT, to - from);
    for (let i = 0; i < count; i++) heads[i] = this.firstOf(hashes[from + i] as number);
    for (let i = 0; i < count; i++) {
      const head = heads[i] as number;
      // What goes nowhere would not be read.
      if (head !== 0) heads[i] = records.locate(head - 1) ? 1 : 0;
    }
  }

  /**
   * So many more may come: it has buckets for them when this is done, and splits none. They are laid out anew in the order of
   * ids, which is the order of memory: to split goes anywhere in it, and took as long as all the rest of a start. Nothing is
   * asked meanwhile. Throws CapacityError.
   */
  *expecting(more: number): Work<void> {
    const count = this.#count + more;
    if (count <= this.#half + this.#split) return;
    let half = this.#half;
    while (half < count) half *= 2;
    this.#layOut(half);
    const records = this.#records;
    for (let id = 0; id < records.idsEnd; id++) {
      if (records.locate(id)) this.#insert(id);
      if (id % IDS_A_STEP === IDS_A_STEP - 1) yield;
    }
  }

  /** Empty buckets, as many as a power of two. */
  #layOut(half: number): void {
    const bits = half >= 1 << LARGE_BITS ? LARGE_BITS : CHUNK_BITS;
    const bytes = 4 << bits;
    const chunks: Uint32Array[] = [];
    try {
      while (chunks.length << bits < half) chunks.push(new Uint32Array(this.#memory.take(bytes)));
    } catch (error) {
      for (const _ of chunks) this.#memory.give(bytes);
      throw error;
    }
    for (const _ of this.#chunks) this.#memory.give(4 << this.#bits);
    this.#chunks = chunks;
    this.#bits = bits;
    this.#half = half;
    this.#split = 0;
  }

  /** Makes sure that `add` will not fail. Throws CapacityError. */
  reserve(): void {
    const buckets = this.#half + this.#split + 1;
    if (buckets <= this.#chunks.length << this.#bits) return;
    this.#addChunk();
  }

  #addChunk(): void {
    this.#chunks.push(new Uint32Array(this.#memory.take(4 << this.#bits)));
  }

  /** Adds the record at the cursor, which has its hash. `reserve` has been called. */
  add(id: number): void {
    this.#count++;
    if (this.#count > this.#half + this.#split) {
      this.#splitOne();
      this.#records.locate(id);
    }
    this.#insert(id);
  }

  /** Takes a record out, which is still there. */
  delete(id: number): void {
    const records = this.#records;
    records.locate(id);
    const next = records.words[records.word + RECORD_CHAIN] as number;
    const bucket = this.#bucketOf(records.words[records.word + RECORD_HASH] as number);
    let at = this.#head(bucket);
    if (at === id + 1) this.#setHead(bucket, next);
    while (at !== id + 1) {
      records.locate(at - 1);
      at = records.words[records.word + RECORD_CHAIN] as number;
      if (at === id + 1) records.words[records.word + RECORD_CHAIN] = next;
    }
    this.#count--;
    const buckets = this.#half + this.#split;
    if (this.#count < buckets / 2 && buckets > LEAST_BUCKETS) this.#joinOne();
  }

  #splitOne(): void {
    const bucket = this.#split++;
    const moving = this.#head(bucket);
    this.#setHead(bucket, 0);
    if (this.#split === this.#half) {
      this.#half *= 2;
      this.#split = 0;
    }
    this.#insertAll(moving);
  }

  #joinOne(): void {
    if (this.#split === 0) {
      this.#half /= 2;
      this.#split = this.#half;
    }
    const last = this.#half + --this.#split;
    const moving = this.#head(last);
    this.#setHead(last, 0);
    this.#insertAll(moving);
    // One chunk is kept, so that coming and going of one record costs no memory.
    if (last + (2 << this.#bits) > this.#chunks.length << this.#bits) return;
    this.#chunks.pop();
    this.#memory.give(4 << this.#bits);
  }

  #insertAll(first: number): void {
    const records = this.#records;
    for (let at = first; at !== 0; ) {
      records.locate(at - 1);
      const next = records.words[records.word + RECORD_CHAIN] as number;
      this.#insert(at - 1);
      at = next;
    }
  }

  /** The record at the cursor. */
  #insert(id: number): void {
    const { words, word } = this.#records;
    const bucket = this.#bucketOf(words[word + RECORD_HASH] as number);
    words[word + RECORD_CHAIN] = this.#head(bucket);
    this.#setHead(bucket, id + 1);
  }

  #bucketOf(hash: number): number {
    const bucket = hash & (this.#half - 1);
    return bucket < this.#split ? hash & (this.#half * 2 - 1) : bucket;
  }

  #head(bucket: number): number {
    const bits = this.#bits;
    return this.#chunks[bucket >>> bits]?.[bucket & ((1 << bits) - 1)] as number;
  }

  #setHead(bucket: number, head: number): void {
    const bits = this.#bits;
    (this.#chunks[bucket >>> bits] as Uint32Array)[bucket & ((1 << bits) - 1)] = head;
  }
}
