// Rows that an index keeps in a third of the room, where messages lie one behind the other and nothing stands between them:
// where each lies follows from how long those before are.
//
//   kept       time │ where it lies │ how far into its frame │ body │ text                   24 bytes
//   compact    text, body │ how much later than the one before, and whether a frame begins     8 bytes
import { HAS_HEADERS } from './row-chunk.ts';

// A row that is kept, in words: time (f64), where the message lies, how far that is behind the begin of its frame, bytes of
// header block and payload with HAS_HEADERS, number of the text that is its subject.
export const KEPT_ROW_WORDS = 6;
export const KEPT_AT = 2;
export const KEPT_IN_FRAME = 3;
export const KEPT_BODY = 4;
export const KEPT_TEXT = 5;

// A compact row, in words: the text in the low half, bytes of header block and payload in the high one, with HAS_HEADERS;
// ticks since the time of the row before, with BEGINS_FRAME of each but the first.
export const COMPACT_ROW_WORDS = 2;
export const TEXT_BITS = 0xffff;
export const BODY_SHIFT = 16;
export const SHORT_BODY_BITS = 0x7fff;
export const LATER_BITS = 0x7fff_ffff;
/** A time of these years, as a number, is a multiple of a tick. */
export const TICKS_A_MS = 4096;
export const BEGINS_FRAME = 0x80000000;

/** Subjects of messages, each once. */
export interface Texts {
  readonly texts: Uint8Array;
  /** Where each text ends; no two are alike. */
  readonly ends: Uint32Array;
  /** The hash of each (`hashText`). */
  readonly hashes: Uint32Array;
}

/** What is kept of some messages. */
export interface KeptRows {
  readonly rows: number;
  /** KEPT_ROW_WORDS a row, and the same as f64. */
  readonly words: Uint32Array;
  readonly times: Float64Array;
}

/** Bytes in front of the records of a frame, and of a record in front of its subject. */
export interface Heads {
  readonly frame: number;
  readonly message: number;
}

export interface CompactRows {
  readonly rows: number;
  /** COMPACT_ROW_WORDS a row. */
  readonly compact: Uint32Array;
  /** Of the first message. */
  readonly firstTimeMs: number;
  /** Where the first message lies, and how far that is behind the begin of its frame. */
  readonly at: number;
  readonly inFrame: number;
  /** Where the last one ends, as it is said otherwise. */
  readonly end: number;
  readonly heads: Heads;
  /** Bytes of each text. */
  readonly lengths: Uint32Array;
}

export function lengthsOf(ends: Uint32Array): Uint32Array {
  return ends.map((end, text) => end - (text === 0 ? 0 : (ends[text - 1] as number)));
}

/** The same, compact; undefined: they are too long, too many, or not one behind the other. */
export function compacted(
  { rows, words, times }: KeptRows,
  lengths: Uint32Array,
  heads: Heads,
): CompactRows | undefined {
  if (rows === 0 || lengths.length > TEXT_BITS + 1) return undefined;
  const compact = new Uint32Array(rows * COMPACT_ROW_WORDS);
  const firstTimeMs = times[0] as number;
  const at = words[KEPT_AT] as number;
  const inFrame = words[KEPT_IN_FRAME] as number;
  let beforeMs = firstTimeMs;
  let position = at;
  let frameAt = at - inFrame;
  for (let i = 0, from = 0; i < rows; i++, from += KEPT_ROW_WORDS) {
    const isBegin = i > 0 && words[from + KEPT_IN_FRAME] === heads.frame;
    if (isBegin) {
      frameAt = position;
      position += heads.frame;
    }
    const isBehind =
      words[from + KEPT_AT] === position && words[from + KEPT_IN_FRAME] === position - frameAt;
    const text = words[from + KEPT_TEXT] as number;
    const body = words[from + KEPT_BODY] as number;
    const bodyBytes = (body & ~HAS_HEADERS) >>> 0;
    const timeMs = times[from >>> 1] as number;
    const later = (timeMs - beforeMs) * TICKS_A_MS;
    if (!isBehind || bodyBytes > SHORT_BODY_BITS || later !== (later & LATER_BITS))
      return undefined;
    beforeMs = timeMs;
    compact[2 * i] = text | (bodyBytes << BODY_SHIFT) | (body & HAS_HEADERS);
    compact[2 * i + 1] = isBegin ? later | BEGINS_FRAME : later;
    position += heads.message + (lengths[text] as number) + bodyBytes;
  }
  return { rows, compact, firstTimeMs, at, inFrame, end: position, heads, lengths };
}

/** The same, as they are kept otherwise. */
export function expanded(rows: CompactRows): KeptRows {
  const { compact, firstTimeMs, at, inFrame, heads, lengths } = rows;
  const words = new Uint32Array(rows.rows * KEPT_ROW_WORDS);
  const times = new Float64Array(words.buffer);
  let timeMs = firstTimeMs;
  let position = at;
  let frameAt = at - inFrame;
  for (let i = 0, to = 0; i < rows.rows; i++, to += KEPT_ROW_WORDS) {
    const word = compact[2 * i] as number;
    const later = compact[2 * i + 1] as number;
    if (later >= BEGINS_FRAME) {
      frameAt = position;
      position += heads.frame;
    }
    const text = word & TEXT_BITS;
    const bodyBytes = (word >>> BODY_SHIFT) & SHORT_BODY_BITS;
    timeMs += (later & LATER_BITS) / TICKS_A_MS;
    times[to >>> 1] = timeMs;
    words[to + KEPT_AT] = position;
    words[to + KEPT_IN_FRAME] = position - frameAt;
    words[to + KEPT_BODY] = (word & HAS_HEADERS) | bodyBytes;
    words[to + KEPT_TEXT] = text;
    position += heads.message + (lengths[text] as number) + bodyBytes;
  }
  return { rows: rows.rows, words, times };
}
