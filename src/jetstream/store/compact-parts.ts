// Compact rows in parts, with what each part says of its subjects: one look at each row, by which they are judged, too.
import {
  BEGINS_FRAME,
  BODY_SHIFT,
  COMPACT_ROW_WORDS,
  type CompactRows,
  LATER_BITS,
  SHORT_BODY_BITS,
  TEXT_BITS,
  TICKS_A_MS,
} from './compact-rows.ts';
import { IN_FRAME_MOST } from './row-chunk.ts';

export interface CompactPart {
  /** In memory of their own. */
  readonly rows: CompactRows;
  /**
   * By the number of a text: how many rows have it; then in the same order which number in the part the first of them has;
   * then which the last.
   */
  readonly marks: Uint32Array;
  readonly bodyBytes: number;
  readonly subjectBytes: number;
  /** So many messages have some. */
  readonly headers: number;
  readonly lastTimeMs: number;
}

/** Parts of up to `most` rows; undefined: there is a row that cannot be. */
export function partsOf(all: CompactRows, most: number): CompactPart[] | undefined {
  const parts: CompactPart[] = [];
  const cutter = new PartCutter(all);
  while (cutter.left > 0) {
    const part = cutter.take(most);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  return cutter.position === all.end ? parts : undefined;
}

class PartCutter {
  readonly #all: CompactRows;
  /** Number of the first row that is in no part yet; where the frame of the one before begins, and when that was stored. */
  #next = 0;
  #frameAt: number;
  #timeMs: number;
  /** Where that ends. */
  position: number;

  constructor(all: CompactRows) {
    this.#all = all;
    this.position = all.at;
    this.#frameAt = all.at - all.inFrame;
    this.#timeMs = all.firstTimeMs;
  }

  get left(): number {
    return this.#all.rows - this.#next;
  }

  take(most: number): CompactPart | undefined {
    const all = this.#all;
    const rows = Math.min(most, this.left);
    const from = this.#next * COMPACT_ROW_WORDS;
    const compact = all.compact.slice(from, from + rows * COMPACT_ROW_WORDS);
    this.#next += rows;
    const later = compact[1] as number;
    compact[1] = 0;
    if (later >= BEGINS_FRAME) {
      this.#frameAt = this.position;
      this.position += all.heads.frame;
    }
    this.#timeMs += (later & LATER_BITS) / TICKS_A_MS;
    const { end, heads, lengths } = all;
    const at = this.position;
    const inFrame = at - this.#frameAt;
    const firstTimeMs = this.#timeMs;
    // Named one by one: a part stays, and whatever else lies beside the rows would stay with it, as texts do in a block.
    return this.#counted({ rows, compact, firstTimeMs, at, inFrame, end, heads, lengths });
  }

  #counted(rows: CompactRows): CompactPart | undefined {
    const texts = rows.lengths.length;
    const marks = new Uint32Array(3 * texts);
    const { frame, message } = rows.heads;
    const place = PLACE.fill(0);
    place[POSITION] = this.position;
    place[FRAME_AT] = this.#frameAt;
    for (let from = 0; from < rows.rows; from += ROWS_A_CALL) {
      const to = Math.min(rows.rows, from + ROWS_A_CALL);
      if (!count(rows.compact, from, to, rows.lengths, marks, place, frame, message))
        return undefined;
    }
    this.position = place[POSITION] as number;
    this.#frameAt = place[FRAME_AT] as number;
    this.#timeMs += (place[TICKS] as number) / TICKS_A_MS;
    return {
      rows,
      marks,
      bodyBytes: place[BODIES] as number,
      subjectBytes: place[SUBJECTS] as number,
      headers: place[HEADERS] as number,
      lastTimeMs: this.#timeMs,
    };
  }
}

/** Code for a long loop is thrown away at its end when that was never reached before: so it is reached often. */
const ROWS_A_CALL = 512;

// What `count` goes on with: where the next row lies and its frame begins; how much later than the first the last one is, bytes
// of bodies and of subjects, and how many have headers.
const PLACE: Float64Array = new Float64Array(6);
const POSITION = 0;
const FRAME_AT = 1;
const TICKS = 2;
const BODIES = 3;
const SUBJECTS = 4;
const HEADERS = 5;

/**
 * Goes through rows. It is given nothing but arrays and numbers, for which V8 makes its code once.
 *
 * @returns false: one cannot be
 */
function count(
  compact: Uint32Array,
  from: number,
  to: number,
  lengths: Uint32Array,
  marks: Uint32Array,
  place: Float64Array,
  frame: number,
  message: number,
): boolean {
  const texts = lengths.length;
  let position = place[POSITION] as number;
  let frameAt = place[FRAME_AT] as number;
  let bodies = place[BODIES] as number;
  let subjects = place[SUBJECTS] as number;
  let headers = place[HEADERS] as number;
  let ticks = place[TICKS] as number;
  for (let row = from, at = from * COMPACT_ROW_WORDS; row < to; row++, at += COMPACT_ROW_WORDS) {
    const word = compact[at] as number;
    const later = compact[at + 1] as number;
    ticks += later & LATER_BITS;
    if (later >= BEGINS_FRAME) {
      frameAt = position;
      position += frame;
    }
    const text = word & TEXT_BITS;
    if (text >= texts || position - frameAt > IN_FRAME_MOST) return false;
    const met = marks[text] as number;
    if (met === 0) marks[texts + text] = row;
    marks[text] = met + 1;
    marks[2 * texts + text] = row;
    const bodyBytes = (word >>> BODY_SHIFT) & SHORT_BODY_BITS;
    const subjectBytes = lengths[text] as number;
    bodies += bodyBytes;
    subjects += subjectBytes;
    headers += word >>> 31;
    position += message + subjectBytes + bodyBytes;
  }
  place[POSITION] = position;
  place[FRAME_AT] = frameAt;
  place[TICKS] = ticks;
  place[BODIES] = bodies;
  place[SUBJECTS] = subjects;
  place[HEADERS] = headers;
  return true;
}
