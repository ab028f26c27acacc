// Makes a block (index-block.ts) of the records of frames, whose checksums are right; what they say is judged all the same.
import { KEPT_AT, KEPT_BODY, KEPT_IN_FRAME, KEPT_ROW_WORDS, KEPT_TEXT } from '../compact-rows.ts';
import { BODY_MOST, HAS_HEADERS, IN_FRAME_MOST } from '../row-chunk.ts';
import { TextNumbers } from '../text-numbers.ts';
import {
  type Bytes,
  DEAD,
  FLOOR,
  isSeq,
  isTime,
  MESSAGE,
  MESSAGE_BYTES,
  recordBytes,
  SKIP,
} from './format.ts';
import { type Block, INDEX_PIECE_ROWS, NEXT_SEQ, type Note } from './index-block.ts';

/** A frame may have very many records: so many are taken in a step. */
const RECORDS_A_STEP = 1024;
const LEAST_ROWS = 64;

export class BlockBuilder {
  #words = new Uint32Array(LEAST_ROWS * KEPT_ROW_WORDS);
  #times = new Float64Array(this.#words.buffer);
  #rows = 0;
  #nextSeq = -1;
  readonly #notes: Note[] = [];
  readonly #texts = new TextNumbers();

  /** What has been taken since it was cleared. */
  get block(): Block {
    const words = this.#words.subarray(0, this.#rows * KEPT_ROW_WORDS);
    const { bytes: texts, ends, hashes } = this.#texts;
    return { rows: this.#rows, words, times: this.#times, notes: this.#notes, texts, ends, hashes };
  }

  /** It has taken as much as there is in one. */
  get isFull(): boolean {
    return this.#rows >= INDEX_PIECE_ROWS || this.#notes.length >= INDEX_PIECE_ROWS;
  }

  /** It begins anew. */
  clear(): void {
    this.#rows = 0;
    this.#nextSeq = -1;
    this.#notes.length = 0;
    this.#texts.clear();
  }

  /**
   * Takes the records from `from` to `end`, or as many as make a step.
   *
   * @param start where their frame begins in the source; `position` is where that is in the segment
   * @returns up to where it has; `from`: the record there is not known, or says what cannot be
   */
  records(source: Bytes, from: number, end: number, start: number, position: number): number {
    const { bytes, view } = source;
    let at = from;
    for (let count = 0; at < end && count < RECORDS_A_STEP; count++) {
      const size = recordBytes(view, at, end);
      if (size === 0) return at;
      const kind = view.getUint32(at, true) & 0xff;
      const isTaken =
        kind === MESSAGE
          ? this.#message(bytes, view, at, at - start, position + at - start)
          : this.#note(view, kind, at);
      if (!isTaken) return at;
      at += size;
    }
    return at;
  }

  #note(view: DataView, kind: number, at: number): boolean {
    const first = view.getFloat64(at + 4, true);
    const second = kind === FLOOR ? 0 : view.getFloat64(at + 12, true);
    const isSane =
      isSeq(first) &&
      (kind !== DEAD || isSeq(second)) &&
      (kind !== SKIP || !(second >= 0) || isTime(second));
    if (isSane) this.#notes.push({ kind, first, second, rows: this.#rows });
    return isSane;
  }

  #message(
    bytes: Uint8Array,
    view: DataView,
    at: number,
    inFrame: number,
    position: number,
  ): boolean {
    const subjectBytes = view.getUint32(at, true) >>> 8;
    const bodyBytes = view.getUint32(at + 4, true);
    const headerBytes = view.getUint32(at + 8, true);
    const timeMs = view.getFloat64(at + 12, true);
    const seq = view.getFloat64(at + 20, true);
    const isSane =
      seq > 0 &&
      isSeq(seq) &&
      isTime(timeMs) &&
      headerBytes <= bodyBytes &&
      bodyBytes <= BODY_MOST &&
      inFrame <= IN_FRAME_MOST;
    if (!isSane) return false;
    if (seq !== this.#nextSeq) {
      this.#notes.push({ kind: NEXT_SEQ, first: seq, second: 0, rows: this.#rows });
    }
    this.#nextSeq = seq + 1;
    const row = this.#rows++ * KEPT_ROW_WORDS;
    if (row === this.#words.length) this.#grow();
    const words = this.#words;
    this.#times[row >>> 1] = timeMs;
    words[row + KEPT_AT] = position;
    words[row + KEPT_IN_FRAME] = inFrame;
    words[row + KEPT_BODY] = headerBytes > 0 ? bodyBytes + HAS_HEADERS : bodyBytes;
    words[row + KEPT_TEXT] = this.#texts.numberOf(bytes, at + MESSAGE_BYTES, subjectBytes);
    return true;
  }

  #grow(): void {
    const words = new Uint32Array(2 * this.#words.length);
    words.set(this.#words);
    this.#words = words;
    this.#times = new Float64Array(words.buffer);
  }
}
