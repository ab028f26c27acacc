// Bytes of the twin: hash, compare, copy. Each reads up to seven bytes beyond the end of a span, and `copyLoose`
// writes as many beyond its target, as their counterparts in assembly/bytes.ts do.

import { u8 as heapBytes, view as heapView } from './heap.ts';

const u8 = heapBytes;
const view = heapView;

const FACTOR = 0x9e3779b1 | 0;
let seed = 1;

// From this length on the engine's own copy is faster than the loop, its call included (Node 20, x64:
// 28 ns whatever the size up to 500 bytes; the loop 23 ns for 128).
const NATIVE_COPY_MIN = 160;

/** Seeds the hash. */
export function hashSeed(value: number): void {
  seed = value | 0;
}

/**
 * Keyed hash of a span, a word at a time: rotate, xor, multiply by an odd number. Weaker than the NH of the
 * core, whose 64-bit products plain JavaScript does not have, and cheaper.
 */
export function hash(ptr: number, length: number): number {
  let sum = seed ^ length;
  const wide = ptr + (length & ~3);
  for (; ptr < wide; ptr += 4) {
    sum = Math.imul(((sum << 13) | (sum >>> 19)) ^ view.getInt32(ptr, true), FACTOR);
  }
  const rest = length & 3;
  if (rest !== 0) {
    const word = view.getInt32(ptr, true) & ((1 << (rest << 3)) - 1);
    sum = Math.imul(((sum << 13) | (sum >>> 19)) ^ word, FACTOR);
  }
  return sum ^ (sum >>> 15);
}

/** Whether two spans of one length are equal. */
export function equal(a: number, b: number, length: number): boolean {
  let left = length;
  for (; left >= 4; left -= 4, a += 4, b += 4) {
    if (view.getInt32(a, true) !== view.getInt32(b, true)) return false;
  }
  if (left === 0) return true;
  return ((view.getInt32(a, true) ^ view.getInt32(b, true)) & ((1 << (left << 3)) - 1)) === 0;
}

/**
 * Copies forward, and up to seven bytes too many. Eight bytes at a time as a double: V8 keeps the bits of a
 * NaN, which the language does not promise.
 */
export function copyLoose(target: number, source: number, length: number): void {
  if (length >= NATIVE_COPY_MIN) {
    u8.copyWithin(target, source, source + length);
    return;
  }
  const end = target + length;
  for (; target + 32 <= end; target += 32, source += 32) {
    view.setFloat64(target, view.getFloat64(source, true), true);
    view.setFloat64(target + 8, view.getFloat64(source + 8, true), true);
    view.setFloat64(target + 16, view.getFloat64(source + 16, true), true);
    view.setFloat64(target + 24, view.getFloat64(source + 24, true), true);
  }
  for (; target < end; target += 8, source += 8) {
    view.setFloat64(target, view.getFloat64(source, true), true);
  }
}

/** Copies exactly `length` bytes. */
export function copyExact(target: number, source: number, length: number): void {
  u8.copyWithin(target, source, source + length);
}
