// Texts and their numbers, by a table of hashes: so a message costs a hash and a comparison, and no string.
import { hashText } from '../hash-index.ts';
import { copyBytes } from '../slabs.ts';
import { isSame } from '../subject-tree.ts';

/** Numbers of texts, in the order in which they came. */
export class TextNumbers {
  /** Number + 1 where its hash leads, or behind; 0 = none. */
  #slots = new Uint32Array(256);
  #bytes = new Uint8Array(4096);
  #used = 0;
  readonly lengths: number[] = [];
  readonly #starts: number[] = [];
  readonly #hashes: number[] = [];

  /** All texts, one behind the other. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#used);
  }

  numberOf(source: Uint8Array, start: number, length: number): number {
    const hash = hashText(source, start, length);
    const slots = this.#slots;
    let slot = hash & (slots.length - 1);
    for (; slots[slot] !== 0; slot = (slot + 1) & (slots.length - 1)) {
      const number = (slots[slot] as number) - 1;
      const isLikely = this.#hashes[number] === hash && this.lengths[number] === length;
      const at = this.#starts[number] as number;
      if (isLikely && isSame(this.#bytes, at, source, start, length)) return number;
    }
    return this.#add(source, start, length, hash, slot);
  }

  #add(source: Uint8Array, start: number, length: number, hash: number, slot: number): number {
    const number = this.lengths.push(length) - 1;
    this.#starts.push(this.#used);
    this.#hashes.push(hash);
    if (this.#used + length > this.#bytes.length) {
      const more = new Uint8Array(2 * (this.#used + length));
      more.set(this.#bytes);
      this.#bytes = more;
    }
    copyBytes(source, start, this.#bytes, this.#used, length);
    this.#used += length;
    this.#slots[slot] = number + 1;
    if (2 * this.lengths.length > this.#slots.length) this.#spread();
    return number;
  }

  #spread(): void {
    const slots = new Uint32Array(4 * this.#slots.length);
    for (let number = 0; number < this.#hashes.length; number++) {
      let slot = (this.#hashes[number] as number) & (slots.length - 1);
      while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1);
      slots[slot] = number + 1;
    }
    this.#slots = slots;
  }
}
