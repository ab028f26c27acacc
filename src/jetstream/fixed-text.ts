// Text that stands in every answer, copied by words: byte by byte it took four times as long. A word begins at every
// fourth byte of the target, and the text anywhere; so it is kept four times, shifted by 0 to 3 bytes.
//
//   target    … a b c │ d e ? ? │ ? ? ? ? │         at = 6, so shifted by 2:   _ _ N a │ t s : _
//   after     … a b c │ d e N a │ t s : 0 │         what was there before stays, what comes behind is written next

/** Bytes, and the same memory by words. */
export interface WordTarget {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
}

/** Bytes behind a text that may be written over. */
export const FIXED_TEXT_SLACK = 3;

export class FixedText {
  readonly length: number;
  readonly #shifted: readonly Uint32Array[];

  constructor(text: string) {
    const bytes = new TextEncoder().encode(text);
    this.length = bytes.length;
    this.#shifted = [0, 1, 2, 3].map((shift) => {
      const words = new Uint32Array((shift + bytes.length + 3) >>> 2);
      new Uint8Array(words.buffer).set(bytes, shift);
      return words;
    });
  }

  /** Writes it at `at`, and up to FIXED_TEXT_SLACK bytes more. @returns where it ends */
  write({ words }: WordTarget, at: number): number {
    const shift = at & 3;
    const own = this.#shifted[shift] as Uint32Array;
    let word = at >>> 2;
    // Words are little-endian, as everywhere in the core: the low bytes are those in front.
    words[word] = ((words[word] as number) & ((1 << (shift << 3)) - 1)) | (own[0] as number);
    for (let i = 1; i < own.length; i++) words[++word] = own[i] as number;
    return at + this.length;
  }
}
