// The unfinished end of what a peer has sent. It waits in JS memory and is put in front of the next bytes.
// Once the parser knows how long the frame is, pieces are only gathered until it is whole, so that a large
// payload is copied twice and parsed once, however small the pieces.
//
// A piece fills up the last chunk, and what does not fit begins a new one, as large as all before it but never beyond
// the frame. So single bytes make no arrays of their own: there are some twenty chunks of a megabyte at most, and what
// they hold, room included, is what counts in the bound of unfinished reads.
//
//   linear memory:   … headroom │ inbox …          or, when it does not fit there,
//                       tail ───┤├─── read          both in a region of its own from `gather`
//
// What is replayed is taken off its front; the chunk in which it now begins stays whole until then.
//
//   chunks:   │░░░░ taken ░░░░│ tail … │ … │ … room │
import type { Core } from '../core/index.ts';

export class Tail {
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  /** Bytes of the first chunk that are taken. */
  #taken = 0;
  /** Bytes of the last chunk that are free. */
  #room = 0;
  /** Bytes that have to be there before it is worth parsing again. */
  #wanted = 0;
  #frames = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes of memory that it takes. */
  get held(): number {
    return this.#taken + this.#bytes + this.#room;
  }

  /** Bytes of the unfinished frame, 0 when that is not known. */
  get wanted(): number {
    return this.#wanted;
  }

  /** Goes up whenever another frame is the unfinished one. */
  get frames(): number {
    return this.#frames;
  }

  /** Bytes of the unfinished frame, as far as known. */
  get frame(): number {
    return Math.max(this.#bytes, this.#wanted);
  }

  /** True when `length` more bytes do not yet finish the frame. */
  isShortOf(length: number): boolean {
    return this.#bytes + length < this.#wanted;
  }

  /** Keeps a copy of `bytes` behind the others. */
  append(bytes: Uint8Array): void {
    const { length } = bytes;
    const fitting = Math.min(this.#room, length);
    if (fitting > 0) {
      const last = this.#chunks.at(-1) as Uint8Array;
      last.set(fitting === length ? bytes : bytes.subarray(0, fitting), last.length - this.#room);
      this.#room -= fitting;
    }
    this.#bytes += fitting;
    if (fitting < length) this.#begin(bytes.subarray(fitting));
  }

  /** A new chunk for `bytes`, and, where it is known that more are going to follow, for as many as there are. */
  #begin(bytes: Uint8Array): void {
    const lacking = this.#wanted === 0 ? 0 : this.#wanted - this.#bytes;
    const chunk = new Uint8Array(Math.max(bytes.length, Math.min(this.#bytes, lacking)));
    chunk.set(bytes);
    this.#chunks.push(chunk);
    this.#bytes += bytes.length;
    this.#room = chunk.length - bytes.length;
  }

  /**
   * Replaces everything by `bytes`, which become the tail's own.
   *
   * @param need bytes that the frame still lacks, 0 = not known
   * @param isNew it is another frame than before
   */
  replace(bytes: Uint8Array, need: number, isNew: boolean): void {
    if (isNew) this.#frames += 1;
    this.#chunks = [bytes];
    this.#bytes = bytes.length;
    this.#taken = 0;
    this.#room = 0;
    this.#wanted = need === 0 ? 0 : bytes.length + need;
  }

  /**
   * Takes bytes off its front.
   *
   * @param wanted bytes of the frame that is first then, 0 = not known
   */
  take(bytes: number, wanted: number): void {
    if (bytes > 0) this.#frames += 1;
    if (bytes === this.#bytes) {
      this.clear();
      this.#wanted = wanted;
      return;
    }
    let taken = this.#taken + bytes;
    let count = 0;
    for (const chunk of this.#chunks) {
      if (taken < chunk.length) break;
      taken -= chunk.length;
      count += 1;
    }
    this.#chunks.splice(0, count);
    this.#taken = taken;
    this.#bytes -= bytes;
    this.#wanted = wanted;
  }

  /** Lets go of what is taken. */
  trim(): void {
    if (this.#taken === 0) return;
    this.#chunks[0] = (this.#chunks[0] as Uint8Array).slice(this.#taken);
    this.#taken = 0;
  }

  clear(): void {
    this.#chunks = [];
    this.#bytes = 0;
    this.#taken = 0;
    this.#room = 0;
    this.#wanted = 0;
  }

  /** Writes its first bytes into linear memory: all, unless it is said how many. */
  writeTo(core: Core, ptr: number, bytes: number = this.#bytes): void {
    const end = ptr + bytes;
    let from = this.#taken;
    let at = ptr;
    for (const chunk of this.#chunks) {
      if (at === end) return;
      const isWhole = from === 0 && chunk.length <= end - at;
      const part = isWhole ? chunk : chunk.subarray(from, from + end - at);
      core.writeBytes(at, part);
      at += part.length;
      from = 0;
    }
  }
}
