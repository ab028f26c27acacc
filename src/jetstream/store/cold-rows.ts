// Rows of a chunk as an index has kept them, compact, until one of them is wanted: most of a long stream never is. They take
// a quarter of the room; how their subjects go on in front of the chunk and behind it is kept beside them, so that nothing can
// be missing when they are unfolded.
//
//   cold       as it is kept │ …        texts   subject, its message before, its next one │ …
//   unfolded   the words of a row, each chained to the next on its subject
import {
  type CompactRows,
  expanded,
  KEPT_AT,
  KEPT_BODY,
  KEPT_IN_FRAME,
  KEPT_ROW_WORDS,
  KEPT_TEXT,
  TEXT_BITS,
} from './compact-rows.ts';
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

// Of each text, in words: the id of its subject; what its first row says of the message before it on its subject; what its
// last row says of the next one.
export const TEXT_WORDS = 3;
export const TEXT_SUBJECT = 0;
export const TEXT_PREVIOUS = 1;
export const TEXT_NEXT = 2;

export class ColdRows {
  /** Bytes of so many rows in so many chunks, of which each may have all the texts. */
  static bytes(rows: number, chunks: number, texts: number): number {
    return 8 * rows + 4 * (chunks + 1) * texts * TEXT_WORDS;
  }

  readonly #rows: CompactRows;
  /** What a row says of the slab in which all of them lie. */
  readonly #slab: number;
  /** TEXT_WORDS each, for whoever adds the chunk to fill. */
  readonly texts: Uint32Array;
  readonly hasHeaders: boolean;

  constructor(rows: CompactRows, slab: number, hasHeaders: boolean) {
    this.#rows = rows;
    this.#slab = slab;
    this.texts = new Uint32Array(rows.lengths.length * TEXT_WORDS);
    this.hasHeaders = hasHeaders;
  }

  get count(): number {
    return this.#rows.rows;
  }

  get firstTimeMs(): number {
    return this.#rows.firstTimeMs;
  }

  /** @param next what a row, the last of its subject, is to say of the next one */
  setNext(row: number, next: number): void {
    const text = (this.#rows.compact[2 * row] as number) & TEXT_BITS;
    this.texts[text * TEXT_WORDS + TEXT_NEXT] = next;
  }

  /** Gives the rows of a chunk their words. */
  unfold({ words, times }: RowChunk): void {
    const { words: cold, times: coldTimes, rows } = expanded(this.#rows);
    const { texts } = this;
    // Of each text, 1 + the row that was met last.
    const met = new Uint32Array(texts.length / TEXT_WORDS);
    for (let row = 0, from = 0, to = 0; row < rows; row++) {
      const text = cold[from + KEPT_TEXT] as number;
      const before = met[text] as number;
      let previous = row + 1 - before;
      if (before > 0) words[(before - 1) * ROW_WORDS + ROW_NEXT] = previous;
      else previous = texts[text * TEXT_WORDS + TEXT_PREVIOUS] as number;
      met[text] = row + 1;
      times[to >>> 1] = coldTimes[from >>> 1] as number;
      words[to + ROW_SLAB] = this.#slab | (cold[from + KEPT_IN_FRAME] as number);
      words[to + ROW_AT] = cold[from + KEPT_AT] as number;
      words[to + ROW_BODY] = cold[from + KEPT_BODY] as number;
      words[to + ROW_SUBJECT] = texts[text * TEXT_WORDS + TEXT_SUBJECT] as number;
      words[to + ROW_PREVIOUS] = previous;
      from += KEPT_ROW_WORDS;
      to += ROW_WORDS;
    }
    for (let text = 0; text < met.length; text++) {
      const last = met[text] as number;
      const next = texts[text * TEXT_WORDS + TEXT_NEXT] as number;
      if (last > 0) words[(last - 1) * ROW_WORDS + ROW_NEXT] = next;
    }
  }
}
