// Records of one size under ids that are given to them, in chunks of 1,024: subjects, and the nodes of their tree. An id
// that has become free is given away again, so that ids stay as few as there ever were at a time. A chunk with few living
// records is packed: 5,000 subjects that are left of five million are small, and keep their ids. The first chunk begins
// small. With chunks of 64, what names them no longer fits the caches at a million: a match took 0.5 µs instead of 0.15.
//
//   id 0x1a7b ─► chunk 6, slot 0x27b      dense: record 0x27b;  packed: the record whose slot that is (found by halving)
//
// `locate` leaves the cursor (`words`, `doubles`, `word`) at a record; it is good until the next call. All records have
// three words of the same meaning:
//
//   word  field
//      4  not 0 while the record lives
//      6  hash of what it is found by (hash-index.ts)
//      7  id + 1 of the next in its bucket; of a free slot the next free slot + 1; 0 = none
import { CapacityError } from '../../shared/errors.ts';
import type { Memory } from './memory.ts';

export const RECORD_LIFE = 4;
export const RECORD_HASH = 6;
export const RECORD_CHAIN = 7;

const SLOTS = 1024;
const SLOT_BITS = 10;
/** Records of the first chunk, at first; and by how much it grows. */
const LEAST = 64;
const GROWTH = 4;
/** A dense chunk with fewer is packed: then its records take an eighth of the room. A packed one at half of what it was. */
const SPARSE = SLOTS / 8;
/** Room of a name in the list of chunks. */
const NAME_BYTES = 16;
/** Ids end below DEAD of a row. */
const CHUNKS_MAX = 2 ** (32 - SLOT_BITS) - 1;

interface RecordChunk {
  words: Uint32Array;
  doubles: Float64Array;
  /** Of a packed one: the slots of its records, ascending. */
  slots: Uint16Array | undefined;
  living: number;
  /** Slot + 1 of the first free one; 0 = none, or packed. */
  free: number;
}

export class Records {
  readonly #memory: Memory;
  readonly #recordWords: number;
  readonly #chunks: (RecordChunk | undefined)[] = [];
  /** Numbers of chunks: dense with free slots; packed; without any record. */
  readonly #roomy = new Set<number>();
  readonly #packed = new Set<number>();
  readonly #vacant: number[] = [];
  /** The chunk from which ids are taken; it is not packed. */
  #current = -1;
  words: Uint32Array = new Uint32Array(0);
  doubles: Float64Array = new Float64Array(0);
  /** Where the record at the cursor begins in `words`; half of that in `doubles`. */
  word = 0;

  /** @param recordWords an even number */
  constructor(memory: Memory, recordWords: number) {
    this.#memory = memory;
    this.#recordWords = recordWords;
  }

  /** Bytes that the lists of chunks take. */
  get listBytes(): number {
    return this.#chunks.length * NAME_BYTES;
  }

  /** All ids are below. */
  get idsEnd(): number {
    return this.#chunks.length * SLOTS;
  }

  /** Goes to a record; false: the id is nobody's. */
  locate(id: number): boolean {
    const chunk = this.#chunks[id >>> SLOT_BITS];
    if (chunk === undefined) return false;
    const { words, slots } = chunk;
    const number = id & (SLOTS - 1);
    const slot = slots === undefined ? number : indexOf(slots, number);
    const word = slot * this.#recordWords;
    if (slot < 0 || word >= words.length) return false;
    // A store of an object that has come lately costs several times as much as to compare.
    if (this.words !== words) {
      this.words = words;
      this.doubles = chunk.doubles;
    }
    this.word = word;
    return words[word + RECORD_LIFE] !== 0;
  }

  /** Makes sure that `add` will not fail. Throws CapacityError. */
  reserve(): void {
    const current = this.#chunks[this.#current];
    if (current !== undefined && (current.free > 0 || this.#grow(current))) return;
    const [roomy] = this.#roomy;
    const [packed] = this.#packed;
    if (roomy !== undefined) {
      this.#roomy.delete(roomy);
      this.#current = roomy;
    } else if (this.#vacant.length > 0) {
      this.#fill(this.#vacant.at(-1) as number, undefined);
      this.#vacant.pop();
    } else if (packed !== undefined) {
      this.#fill(packed, this.#chunks[packed]);
      this.#packed.delete(packed);
    } else {
      this.#fill(this.#chunks.length, undefined);
    }
  }

  /** The id that `add` will give. */
  get nextId(): number {
    return this.#current * SLOTS + (this.#chunks[this.#current] as RecordChunk).free - 1;
  }

  /** Goes to a new record, which the caller fills and brings to life. Its id was `nextId`. */
  add(): void {
    const chunk = this.#chunks[this.#current] as RecordChunk;
    const slot = chunk.free - 1;
    this.words = chunk.words;
    this.doubles = chunk.doubles;
    this.word = slot * this.#recordWords;
    chunk.free = chunk.words[this.word + RECORD_CHAIN] as number;
    chunk.living++;
  }

  /** The id is free again. */
  delete(id: number): void {
    this.locate(id);
    const number = id >>> SLOT_BITS;
    const chunk = this.#chunks[number] as RecordChunk;
    chunk.words[this.word + RECORD_LIFE] = 0;
    if (--chunk.living === 0 && number !== this.#current) {
      this.#drop(number, chunk);
      this.#roomy.delete(number);
      this.#packed.delete(number);
      this.#vacant.push(number);
    } else if (chunk.slots !== undefined) {
      if (chunk.living * 2 < chunk.slots.length) this.#pack(number, chunk);
    } else {
      chunk.words[this.word + RECORD_CHAIN] = chunk.free;
      chunk.free = (id & (SLOTS - 1)) + 1;
      if (number === this.#current) return;
      if (chunk.living < SPARSE) this.#pack(number, chunk);
      else this.#roomy.add(number);
    }
  }

  /** A dense chunk in which ids can be had: a new one, or one that was packed. */
  #fill(number: number, packed: RecordChunk | undefined): void {
    if (number > CHUNKS_MAX) throw new CapacityError('another message');
    const chunk = this.#make(number === 0 && packed === undefined ? LEAST : SLOTS, undefined);
    let from = (packed?.slots?.length ?? 0) - 1;
    for (let slot = this.#capacityOf(chunk) - 1; slot >= 0; slot--) {
      const isTaken = packed !== undefined && packed.slots?.[from] === slot;
      if (isTaken && this.#copy(packed, from, chunk, slot)) chunk.living++;
      else this.#free(chunk, slot);
      if (isTaken) from--;
    }
    if (packed !== undefined) this.#drop(number, packed);
    this.#chunks[number] = chunk;
    this.#current = number;
  }

  /** Makes the first chunk larger; false: it is as large as any. */
  #grow(chunk: RecordChunk): boolean {
    const before = this.#capacityOf(chunk);
    if (before === SLOTS) return false;
    const grown = this.#make(Math.min(SLOTS, before * GROWTH), undefined);
    grown.words.set(chunk.words);
    grown.living = chunk.living;
    for (let slot = this.#capacityOf(grown) - 1; slot >= before; slot--) this.#free(grown, slot);
    this.#drop(this.#current, chunk);
    this.#chunks[this.#current] = grown;
    return true;
  }

  #free(chunk: RecordChunk, slot: number): void {
    chunk.words[slot * this.#recordWords + RECORD_CHAIN] = chunk.free;
    chunk.free = slot + 1;
  }

  #pack(number: number, source: RecordChunk): void {
    let chunk: RecordChunk;
    const slots = new Uint16Array(source.living);
    try {
      chunk = this.#make(source.living, slots);
    } catch {
      // No memory to make it smaller with: it stays, and has room if it is dense.
      if (source.slots === undefined) this.#roomy.add(number);
      return;
    }
    const records = this.#capacityOf(source);
    for (let record = 0; record < records; record++) {
      if (!this.#copy(source, record, chunk, chunk.living)) continue;
      slots[chunk.living++] = source.slots?.[record] ?? record;
    }
    this.#drop(number, source);
    this.#chunks[number] = chunk;
    this.#roomy.delete(number);
    this.#packed.add(number);
  }

  #capacityOf({ words }: RecordChunk): number {
    return words.length / this.#recordWords;
  }

  #make(records: number, slots: Uint16Array | undefined): RecordChunk {
    const buffer = this.#memory.take(records * this.#recordWords * 4);
    const words = new Uint32Array(buffer);
    return { words, doubles: new Float64Array(buffer), slots, living: 0, free: 0 };
  }

  #drop(number: number, { words }: RecordChunk): void {
    this.#memory.give(words.length * 4);
    this.#chunks[number] = undefined;
  }

  /** False: there is nothing to be copied. */
  #copy(source: RecordChunk, from: number, target: RecordChunk, to: number): boolean {
    const count = this.#recordWords;
    const start = from * count;
    if (source.words[start + RECORD_LIFE] === 0) return false;
    target.words.set(source.words.subarray(start, start + count), to * count);
    return true;
  }
}

/** Where a number stands among ascending ones; -1 = it does not. */
function indexOf(numbers: Uint16Array, number: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] as number) < number) low = middle + 1;
    else high = middle;
  }
  return numbers[low] === number ? low : -1;
}
