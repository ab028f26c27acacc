// The control line: where it ends, its arguments as spans, its numbers. Pure, as parser.ts is.
//
// Every byte of a chunk is read through the functions at the top of this file. In a debug build they assert
// the address: a byte that is judged lies inside the chunk, a wide read may reach SLACK_BYTES beyond it (what
// it finds there is masked out). With --noAssert they are plain loads.

import { SLACK_BYTES } from './abi';

export const TAB: u32 = 9;
export const LF: u32 = 10;
export const CR: u32 = 13;
export const SPACE: u32 = 32;

/** Not a number: no digits, more than nine of them, or another byte. */
export const NO_NUMBER: u32 = 0xffffffff;
/** nats-server parseSize: at most nine digits. */
export const DIGITS_MAX: usize = 9;

// ── Access to the chunk ───────────────────────────────────────────────────────────────────────────

let chunkPtr: usize = 0;
let chunkEnd: usize = 0;

/** Debug builds: the bytes that may be judged from now on. */
export function watchChunk(ptr: usize, end: usize): void {
  if (ASC_NO_ASSERT) return;
  chunkPtr = ptr;
  chunkEnd = end;
}

function mayRead(ptr: usize, bytes: usize): bool {
  return ptr >= chunkPtr && ptr + bytes <= chunkEnd + SLACK_BYTES;
}

/** A byte that is judged. */
export function byteAt(ptr: usize): u32 {
  assert(ptr >= chunkPtr && ptr < chunkEnd);
  return load<u8>(ptr);
}

/** Two bytes that are judged, the first in the low half. */
export function pairAt(ptr: usize): u32 {
  assert(ptr >= chunkPtr && ptr + 2 <= chunkEnd);
  return load<u16>(ptr);
}

/** A byte that may lie beyond the end, where the caller does not go by it. */
export function peekAt(ptr: usize): u32 {
  assert(mayRead(ptr, 1));
  return load<u8>(ptr);
}

/** Eight bytes, of which the caller judges those before the end. */
export function longAt(ptr: usize): u64 {
  assert(mayRead(ptr, 8));
  return load<u64>(ptr);
}

function blockAt(ptr: usize): v128 {
  assert(mayRead(ptr, 16));
  return v128.load(ptr);
}

// ── Scanning ──────────────────────────────────────────────────────────────────────────────────────

/** Bit n is set when byte n of 64 is a blank or a control byte (0x00–0x20). */
export function blankMask(ptr: usize): u64 {
  return blankMask32(ptr) | (blankMask32(ptr + 32) << 32);
}

function blankMask32(ptr: usize): u64 {
  const limit = i8x16.splat(32);
  const low = i8x16.bitmask(i8x16.le_u(blockAt(ptr), limit));
  const high = i8x16.bitmask(i8x16.le_u(blockAt(ptr + 16), limit));
  return <u32>low | ((<u32>high) << 16);
}

export function isBlank(byte: u32): bool {
  return byte == SPACE || byte == TAB;
}

/** The first byte from `ptr` on that is no blank, or `end`. */
export function skipBlanks(ptr: usize, end: usize): usize {
  while (ptr < end && isBlank(byteAt(ptr))) ptr++;
  return ptr;
}

/** The first CR or LF from `ptr` on, or `end`. */
export function findLineBreak(ptr: usize, end: usize): usize {
  const lf = i8x16.splat(10);
  const cr = i8x16.splat(13);
  while (ptr < end) {
    const block = blockAt(ptr);
    const mask = i8x16.bitmask(v128.or(i8x16.eq(block, lf), i8x16.eq(block, cr)));
    if (mask != 0) return min(ptr + ctz(mask), end);
    ptr += 16;
  }
  return end;
}

/** The first LF from `ptr` on, or `end`. */
export function findLineFeed(ptr: usize, end: usize): usize {
  const lf = i8x16.splat(10);
  while (ptr < end) {
    const mask = i8x16.bitmask(i8x16.eq(blockAt(ptr), lf));
    if (mask != 0) return min(ptr + ctz(mask), end);
    ptr += 16;
  }
  return end;
}

function findBlank(ptr: usize, end: usize): usize {
  const space = i8x16.splat(32);
  const tab = i8x16.splat(9);
  while (ptr < end) {
    const block = blockAt(ptr);
    const mask = i8x16.bitmask(v128.or(i8x16.eq(block, space), i8x16.eq(block, tab)));
    if (mask != 0) return min(ptr + ctz(mask), end);
    ptr += 16;
  }
  return end;
}

// ── Arguments ─────────────────────────────────────────────────────────────────────────────────────

/** No verb takes more. */
const ARGUMENTS_MAX: u32 = 4;
// Begin and end of each, two words.
const spans: usize = memory.data(32, 8);

/** Whether the last split met one space between any two arguments and none behind the last. */
export let argumentsCanonical: bool = false;

/**
 * Splits the text between `ptr` and `end` at runs of blanks.
 *
 * @returns how many arguments there are; more than ARGUMENTS_MAX means: too many
 */
export function splitArguments(ptr: usize, end: usize): u32 {
  let count: u32 = 0;
  let isCanonical = true;
  ptr = skipBlanks(ptr, end);
  while (ptr < end) {
    if (count == ARGUMENTS_MAX) return ARGUMENTS_MAX + 1;
    const argumentEnd = findBlank(ptr, end);
    const span = spanAt(count);
    store<u32>(span, <u32>ptr);
    store<u32>(span, <u32>argumentEnd, 4);
    count++;
    ptr = skipBlanks(argumentEnd, end);
    if (argumentEnd == end) break;
    if (ptr == end || ptr != argumentEnd + 1 || byteAt(argumentEnd) != SPACE) isCanonical = false;
  }
  argumentsCanonical = isCanonical;
  return count;
}

function spanAt(index: u32): usize {
  assert(index < ARGUMENTS_MAX);
  return spans + ((<usize>index) << 3);
}

export function argumentPtr(index: u32): usize {
  return load<u32>(spanAt(index));
}

export function argumentEnd(index: u32): usize {
  return load<u32>(spanAt(index), 4);
}

export function argumentLen(index: u32): u32 {
  return <u32>(argumentEnd(index) - argumentPtr(index));
}

// ── Numbers ───────────────────────────────────────────────────────────────────────────────────────

/** A number in at most nine decimal digits, or NO_NUMBER. */
export function readDecimal(ptr: usize, length: usize): u32 {
  if (length - 1 >= DIGITS_MAX) return NO_NUMBER;
  let value: u32 = 0;
  for (const end = ptr + length; ptr < end; ptr++) {
    const digit = byteAt(ptr) - 48;
    if (digit > 9) return NO_NUMBER;
    value = value * 10 + digit;
  }
  return value;
}
