// The unfinished end of what a peer has sent. It waits in JS memory and is put in front of the next bytes.
// Once the parser knows how long the frame is, pieces are only gathered until it is whole, so that a large
// payload is copied twice and parsed once, however small the pieces.
//
//   linear memory:   … headroom │ inbox …          or, when it does not fit there,
//                       tail ───┤├─── read          both in a region of its own from `gather`
import type { Core } from '../core/index.ts';

export class Tail {
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  /** Bytes that have to be there before it is worth parsing again. */
  #wanted = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes of the unfinished frame, 0 when that is not known. */
  get wanted(): number {
    return this.#wanted;
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
    this.#chunks.push(bytes.slice());
    this.#bytes += bytes.length;
  }

  /**
   * Replaces everything by `bytes`, which become the tail's own.
   *
   * @param need bytes that the frame still lacks, 0 = not known
   */
  replace(bytes: Uint8Array, need: number): void {
    this.#chunks = bytes.length === 0 ? [] : [bytes];
    this.#bytes = bytes.length;
    this.#wanted = need === 0 ? 0 : bytes.length + need;
  }

  clear(): void {
    this.#chunks = [];
    this.#bytes = 0;
    this.#wanted = 0;
  }

  /** Writes it into linear memory. */
  writeTo(core: Core, ptr: number): void {
    let at = ptr;
    for (const chunk of this.#chunks) {
      core.writeBytes(at, chunk);
      at += chunk.length;
    }
  }
}
