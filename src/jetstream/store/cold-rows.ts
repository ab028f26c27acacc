// Rows of a chunk as an index has kept them, until one of them is wanted: most of a long stream never is. They take less
// room; how their subjects go on in front of the chunk and behind it is kept beside them, so that nothing can be
// missing when they are unfolded.
//
//   cold       time, at, body, text │ …        texts   subject, its message before, its next one │ …
//   unfolded   the words of a row, each chained to the next on its subject
import {
  HAS_HEADERS,
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
  /** Where each text ends. */
  readonly ends: Uint32Array;
}

// A row that is cold, in words beside its time: where it lies; bytes of its body and HAS_HEADERS; how far it is behind the
// begin of its frame, and above that the number of its text.
const COLD_WORDS = 3;
const BODY = 1;
const FRAME_AND_TEXT = 2;
const TEXT_SHIFT = 16;
export const COLD_TEXTS_MOST: number = 1 << TEXT_SHIFT;

// Of each text, in words: the id of its subject; what its first row says of the message before it on its subject; what its
// last row says of the next one.
const TEXT_WORDS = 3;
const PREVIOUS = 1;
const NEXT = 2;

export class ColdRows {
  /** What a row says of the slab in which all of them lie. */
  readonly #slab: number;
  readonly #times: Float64Array;
  readonly #words: Uint32Array;
  readonly #texts: Uint32Array;
  readonly count: number;
  hasHeaders = false;

  constructor(count: number, texts: number, slab: number) {
    this.count = count;
    this.#slab = slab;
    this.#times = new Float64Array(count);
    this.#words = new Uint32Array(count * COLD_WORDS);
    this.#texts = new Uint32Array(texts * TEXT_WORDS);
  }

  /** Takes over a row, of which `from` is the first word in those of `kept`. */
  set(row: number, { words, times }: KeptRows, from: number): void {
    const cold = this.#words;
    const to = row * COLD_WORDS;
    const body = words[from + KEPT_BODY] as number;
    const inFrame = words[from + KEPT_IN_FRAME] as number;
    const text = words[from + KEPT_TEXT] as number;
    this.#times[row] = times[from >>> 1] as number;
    cold[to] = words[from + KEPT_AT] as number;
    cold[to + BODY] = body;
    cold[to + FRAME_AND_TEXT] = (text << TEXT_SHIFT) | inFrame;
    if (body >= HAS_HEADERS) this.hasHeaders = true;
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
    const text = (this.#words[row * COLD_WORDS + FRAME_AND_TEXT] as number) >>> TEXT_SHIFT;
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
      const frameAndText = cold[from + FRAME_AND_TEXT] as number;
      const text = frameAndText >>> TEXT_SHIFT;
      const before = met[text] as number;
      let previous = row + 1 - before;
      if (before > 0) words[(before - 1) * ROW_WORDS + ROW_NEXT] = previous;
      else previous = texts[text * TEXT_WORDS + PREVIOUS] as number;
      met[text] = row + 1;
      times[to >>> 1] = coldTimes[row] as number;
      words[to + ROW_SLAB] = this.#slab | (frameAndText & 0xffff);
      words[to + ROW_AT] = cold[from] as number;
      words[to + ROW_BODY] = cold[from + BODY] as number;
      words[to + ROW_SUBJECT] = texts[text * TEXT_WORDS] as number;
      words[to + ROW_PREVIOUS] = previous;
      from += COLD_WORDS;
      to += ROW_WORDS;
    }
    for (let text = 0; text < met.length; text++) {
      const last = met[text] as number;
      const next = texts[text * TEXT_WORDS + NEXT] as number;
      if (last > 0) words[(last - 1) * ROW_WORDS + ROW_NEXT] = next;
    }
  }
}
