// Texts and their numbers, by a table of hashes: so a message costs a hash and a comparison, and no string.
import { hashText } from './hash-index.ts';
import { copyBytes } from './slabs.ts';
import { isSame } from './subject-tree.ts';

const LEAST_TEXTS = 64;
const LEAST_BYTES = 1024;

/** Numbers of texts, in the order in which they came. */
export class TextNumbers {
  /** Number + 1 where its hash leads, or behind; 0 = none. There are at least twice as many as texts. */
  #slots = new Uint32Array(2 * LEAST_TEXTS);
  #hashes = new Uint32Array(LEAST_TEXTS);
  /** Where each ends. */
  #ends = new Uint32Array(LEAST_TEXTS);
  #count = 0;
  #bytes = new Uint8Array(LEAST_BYTES);
  #used = 0;

  /** All texts, one behind the other. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#used);
  }

  /** Where each text ends there. */
  get ends(): Uint32Array {
    return this.#ends.subarray(0, this.#count);
  }

  /** The hash of each. */
  get hashes(): Uint32Array {
    return this.#hashes.subarray(0, this.#count);
  }

  /** There is none. */
  clear(): void {
    if (this.#count > 0) this.#slots.fill(0);
    this.#count = 0;
    this.#used = 0;
  }

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  numberOf(source: Uint8Array, start: number, length: number): number {
    return this.numberBy(hashText(source, start, length), source, start, length);
  }

  /** The same of a text of which the hash is known. */
  numberBy(hash: number, source: Uint8Array, start: number, length: number): number {
    const slots = this.#slots;
    const hashes = this.#hashes;
    const ends = this.#ends;
    let slot = hash & (slots.length - 1);
    for (; slots[slot] !== 0; slot = (slot + 1) & (slots.length - 1)) {
      const number = (slots[slot] as number) - 1;
      if (hashes[number] !== hash) continue;
      const at = number === 0 ? 0 : (ends[number - 1] as number);
      const isLong = (ends[number] as number) - at === length;
      if (isLong && isSame(this.#bytes, at, source, start, length)) return number;
    }
    return this.#add(source, start, length, hash, slot);
  }

  #add(source: Uint8Array, start: number, length: number, hash: number, slot: number): number {
    const number = this.#count++;
    const end = this.#used + length;
    if (end > this.#bytes.length) this.#bytes = larger(this.#bytes, new Uint8Array(2 * end));
    copyBytes(source, start, this.#bytes, this.#used, length);
    this.#used = end;
    this.#ends[number] = end;
    this.#hashes[number] = hash;
    this.#slots[slot] = number + 1;
    if (this.#count === this.#ends.length) this.#spread();
    return number;
  }

  #spread(): void {
    const most = 2 * this.#count;
    this.#ends = larger(this.#ends, new Uint32Array(most));
    this.#hashes = larger(this.#hashes, new Uint32Array(most));
    const slots = new Uint32Array(2 * most);
    for (let number = 0; number < this.#count; number++) {
      let slot = (this.#hashes[number] as number) & (slots.length - 1);
      while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1);
      slots[slot] = number + 1;
    }
    this.#slots = slots;
  }
}

/** The hashes of texts, one behind the other; undefined: one of them is there twice. @param ends where each ends */
export function distinctHashes(texts: Uint8Array, ends: Uint32Array): Uint32Array | undefined {
  const count = ends.length;
  const hashes = new Uint32Array(count);
  const slots = new Uint32Array(2 ** Math.ceil(Math.log2(2 * count + 1)));
  for (let number = 0, start = 0; number < count; number++) {
    const end = ends[number] as number;
    const hash = hashText(texts, start, end - start);
    let slot = hash & (slots.length - 1);
    for (; slots[slot] !== 0; slot = (slot + 1) & (slots.length - 1)) {
      const other = (slots[slot] as number) - 1;
      if (hashes[other] !== hash) continue;
      const at = other === 0 ? 0 : (ends[other - 1] as number);
      const isLong = (ends[other] as number) - at === end - start;
      if (isLong && isSame(texts, at, texts, start, end - start)) return undefined;
    }
    hashes[number] = hash;
    slots[slot] = number + 1;
    start = end;
  }
  return hashes;
}

function larger<T extends Uint8Array | Uint32Array>(some: T, room: T): T {
  room.set(some);
  return room;
}
