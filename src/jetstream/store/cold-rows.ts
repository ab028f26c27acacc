// Rows of a chunk as an index has kept them, until one of them is wanted: most of a long stream never is. They take less
// room; how their subjects go on in front of the chunk and behind it is kept beside them, so that nothing can be
// missing when they are unfolded.
//
//   cold       as it is kept │ …        texts   subject, its message before, its next one │ …
//   unfolded   the words of a row, each chained to the next on its subject
import {
  ROW_AT,
  ROW_BODY,
  ROW_NEXT,
  ROW_PREVIOUS,
  ROW_SLAB,
  ROW_SUBJECT,
  ROW_WORDS,
  type RowChunk,
} from './row-chunk.ts';

// A row that is kept, in words: time (f64), where the message lies, how far that is behind the begin of its frame, bytes of
// header block and payload with HAS_HEADERS, number of the text that is its subject.
export const KEPT_ROW_WORDS = 6;
export const KEPT_AT = 2;
export const KEPT_IN_FRAME = 3;
export const KEPT_BODY = 4;
export const KEPT_TEXT = 5;

/** What is kept of some messages. */
export interface KeptRows {
  readonly rows: number;
  /** KEPT_ROW_WORDS a row, and the same as f64. */
  readonly words: Uint32Array;
  readonly times: Float64Array;
  readonly texts: Uint8Array;
  /** Where each text ends; no two are alike. */
  readonly ends: Uint32Array;
  /** The hash of each (`hashText`). */
  readonly hashes: Uint32Array;
}

// Of each text, in words: the id of its subject; what its first row says of the message before it on its subject; what its
// last row says of the next one.
const TEXT_WORDS = 3;
const PREVIOUS = 1;
const NEXT = 2;

export class ColdRows {
  /** Bytes of so many rows in so many chunks, of which each may have all the texts. */
  static bytes(rows: number, chunks: number, texts: number): number {
    return 4 * (rows * KEPT_ROW_WORDS + chunks * texts * TEXT_WORDS);
  }

  /** What a row says of the slab in which all of them lie. */
  readonly #slab: number;
  readonly #times: Float64Array;
  readonly #words: Uint32Array;
  readonly #texts: Uint32Array;
  readonly count: number;
  hasHeaders = false;

  /** Copies `count` rows from number `at` on, all at once: a look at each would take longer than all else. */
  constructor({ words, ends }: KeptRows, at: number, count: number, slab: number) {
    this.count = count;
    this.#slab = slab;
    this.#words = words.slice(at * KEPT_ROW_WORDS, (at + count) * KEPT_ROW_WORDS);
    this.#times = new Float64Array(this.#words.buffer);
    this.#texts = new Uint32Array(ends.length * TEXT_WORDS);
  }

  get firstTimeMs(): number {
    return this.#times[0] as number;
  }

  /** @param previous what the first row of a text is to say of the message before it on its subject */
  begin(text: number, id: number, previous: number): void {
    const word = text * TEXT_WORDS;
    this.#texts[word] = id;
    this.#texts[word + PREVIOUS] = previous;
  }

  /** @param next what a row, the last of its subject, is to say of the next one */
  setNext(row: number, next: number): void {
    const text = this.#words[row * KEPT_ROW_WORDS + KEPT_TEXT] as number;
    this.#texts[text * TEXT_WORDS + NEXT] = next;
  }

  /** Gives the rows of a chunk their words. */
  unfold({ words, times }: RowChunk): void {
    const cold = this.#words;
    const texts = this.#texts;
    const coldTimes = this.#times;
    // Of each text, 1 + the row that was met last.
    const met = new Uint32Array(texts.length / TEXT_WORDS);
    for (let row = 0, from = 0, to = 0; row < this.count; row++) {
      const text = cold[from + KEPT_TEXT] as number;
      const before = met[text] as number;
      let previous = row + 1 - before;
      if (before > 0) words[(before - 1) * ROW_WORDS + ROW_NEXT] = previous;
      else previous = texts[text * TEXT_WORDS + PREVIOUS] as number;
      met[text] = row + 1;
      times[to >>> 1] = coldTimes[from >>> 1] as number;
      words[to + ROW_SLAB] = this.#slab | (cold[from + KEPT_IN_FRAME] as number);
      words[to + ROW_AT] = cold[from + KEPT_AT] as number;
      words[to + ROW_BODY] = cold[from + KEPT_BODY] as number;
      words[to + ROW_SUBJECT] = texts[text * TEXT_WORDS] as number;
      words[to + ROW_PREVIOUS] = previous;
      from += KEPT_ROW_WORDS;
      to += ROW_WORDS;
    }
    for (let text = 0; text < met.length; text++) {
      const last = met[text] as number;
      const next = texts[text * TEXT_WORDS + NEXT] as number;
      if (last > 0) words[(last - 1) * ROW_WORDS + ROW_NEXT] = next;
    }
  }
}
