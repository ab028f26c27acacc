// The line of a PUB or HPUB as clients write it: single spaces, CRLF, arguments within 1,023 bytes. It judges
// nothing: any other line, and every fault, is for the parser's long way.
//
//   PUB subject [reply] size␍␊        HPUB subject [reply] header total␍␊
//       └──── arguments ───┘               └──────── arguments ───────┘
//
// What is found is one word, so that a local holds it: the shape, 0 = none. Its places count from the first
// argument. Conditions stand one by one: joined with `||` each becomes a value before it is branched on, and
// that makes the express lane a tenth slower.

import {
  blankMask,
  byteAt,
  DIGITS_MAX,
  NO_NUMBER,
  pairAt,
  peekAt,
  readDecimal,
  SPACE,
} from './control-line';

const CRLF: u32 = 0x0a0d;
const ZERO: u32 = 48;
const PUB: u32 = 0x20627570; // "pub "
const PUB_CASE: u32 = 0x00202020;
const HPUB: u64 = 0x2062757068; // "hpub "
const HPUB_MASK: u64 = 0xffffffffff;
const HPUB_CASE: u64 = 0x0020202020;
/** Bytes behind the beginning of the verb at which its arguments begin. */
export const PUB_ARGS: usize = 4;
export const HPUB_ARGS: usize = 5;

// Three fields of ten bits.
const FIELD_MAX: u32 = 1023;
const SIZES_AT: u32 = 10;
const ARGS_LEN: u32 = 20;
/** Bytes of which one mask tells. */
const WINDOW: usize = 64;

export class PublishLine {
  /** Whether eight bytes begin with the verb and a space. */
  @inline
  static isPub(word: u64): bool {
    return (<u32>word | PUB_CASE) == PUB;
  }

  @inline
  static isHpub(word: u64): bool {
    return ((word | HPUB_CASE) & HPUB_MASK) == HPUB;
  }

  @inline
  static subjectLen(shape: u32): u32 {
    return shape & FIELD_MAX;
  }

  @inline
  static sizesAt(shape: u32): u32 {
    return (shape >> SIZES_AT) & FIELD_MAX;
  }

  @inline
  static hasReply(shape: u32): bool {
    return PublishLine.sizesAt(shape) != PublishLine.subjectLen(shape) + 1;
  }

  /** Bytes of the reply, which begins behind the subject and a space; 0 = there is none. */
  @inline
  static replyLen(shape: u32): u32 {
    if (!PublishLine.hasReply(shape)) return 0;
    return PublishLine.sizesAt(shape) - PublishLine.subjectLen(shape) - 2;
  }

  @inline
  static argsLen(shape: u32): u32 {
    return shape >> ARGS_LEN;
  }

  /**
   * The shape of a PUB with its arguments at `args`.
   *
   * The mask has a bit for each blank and control byte, so taken off one by one they are the ends of the
   * arguments. What it tells of bytes beyond the end leads to the end of a line that lies there, too.
   */
  @inline
  static readPub(args: usize, end: usize, lineMax: u32): u32 {
    const mask = blankMask(args);
    const subjectLen = <u32>ctz(mask);
    let rest = mask & (mask - 1);
    let argsLen = <u32>ctz(rest);
    let sizesAt = subjectLen + 1;
    rest &= rest - 1;
    if (peekAt(args + argsLen) == SPACE) {
      if (argsLen == sizesAt) return 0;
      sizesAt = argsLen + 1;
      argsLen = <u32>ctz(rest);
      rest &= rest - 1;
    }
    // LF has a bit, too: without it the line goes on where the mask ends.
    if (rest == 0) return readWindows(args, mask, end, lineMax, false);
    if (args + argsLen + 2 > end) return 0;
    if (argsLen > lineMax) return 0;
    if (pairAt(args + argsLen) != CRLF) return 0;
    if (byteAt(args + subjectLen) != SPACE) return 0;
    if (subjectLen == 0) return 0;
    return subjectLen | (sizesAt << SIZES_AT) | (argsLen << ARGS_LEN);
  }

  /** The shape of an HPUB with its arguments at `args`. */
  @inline
  static readHpub(args: usize, end: usize, lineMax: u32): u32 {
    return readWindows(args, blankMask(args), end, lineMax, true);
  }
}

// Window by window. `mask` is what the one at hand has left; empty behind the last one it puts every further
// end beyond the chunk, or beyond what a field holds.
function readWindows(args: usize, mask: u64, end: usize, lineMax: u32, isHpub: bool): u32 {
  const last = min(end, args + FIELD_MAX + 1) - WINDOW;
  let window = args;
  while (mask == 0 && window < last) {
    window += WINDOW;
    mask = blankMask(window);
  }
  const subjectLen = <u32>(window - args) + <u32>ctz(mask);
  mask &= mask - 1;
  while (mask == 0 && window < last) {
    window += WINDOW;
    mask = blankMask(window);
  }
  const second = window + <usize>ctz(mask);
  mask &= mask - 1;
  let lineEnd = second;
  if (isHpub) {
    while (mask == 0 && window < last) {
      window += WINDOW;
      mask = blankMask(window);
    }
    lineEnd = window + <usize>ctz(mask);
    mask &= mask - 1;
  }
  let sizesAt = subjectLen + 1;
  if (lineEnd < end && byteAt(lineEnd) == SPACE) {
    if (second == args + sizesAt || byteAt(second) != SPACE) return 0;
    sizesAt = <u32>(second - args) + 1;
    while (mask == 0 && window < last) {
      window += WINDOW;
      mask = blankMask(window);
    }
    lineEnd = window + <usize>ctz(mask);
  }
  const argsLen = <u32>(lineEnd - args);
  if (lineEnd + 2 > end || argsLen > min(lineMax, FIELD_MAX)) return 0;
  if (pairAt(lineEnd) != CRLF || byteAt(args + subjectLen) != SPACE || subjectLen == 0) return 0;
  return subjectLen | (sizesAt << SIZES_AT) | (argsLen << ARGS_LEN);
}

// ── The sizes of an HPUB ──────────────────────────────────────────────────────────────────────────

/** Bytes of the header block, of the sizes that were read last. */
export let headerSize: u32 = 0;

/** Bytes of header block and payload, or NO_NUMBER, also where the header block is none or too large. */
export function readSizes(sizes: usize, lineEnd: usize): u32 {
  let header: u32 = 0;
  let at = sizes;
  let digit = byteAt(at) - ZERO;
  while (digit <= 9) {
    header = header * 10 + digit;
    at++;
    digit = byteAt(at) - ZERO;
  }
  if (byteAt(at) != SPACE || at - sizes > DIGITS_MAX) return NO_NUMBER;
  headerSize = header;
  const total = readDecimal(at + 1, lineEnd - at - 1);
  return header != 0 && header <= total ? total : NO_NUMBER;
}
