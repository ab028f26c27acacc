// Bytes: compare, hash, copy, and decimals. No knowledge of what the bytes mean.
//
// The hash is NH (32-bit halves of message and key added, then multiplied, the products summed): for two
// different inputs of one length it collides with a chance of 2^-32 over the choice of keys, whatever the
// inputs are. Peers choose subjects and sids, so the keys are drawn per instance.

import { SUBJECT_MAX } from './abi';
import { OWNER_KEYS, Owned } from './ownership';

const FINAL: u64 = 0xd6e8feb86659fd93;

let hashKeys: usize = 0;
let lengthKey: u64 = 0;

/** Bytes that the key table needs. */
export const HASH_KEYS_BYTES: u32 = SUBJECT_MAX + 16;

/** Fills the key table at `ptr` from a 64-bit seed (splitmix64). */
export function hashSeed(ptr: usize, seed: u64): void {
  hashKeys = ptr;
  for (let offset: usize = 0; offset < HASH_KEYS_BYTES; offset += 8) {
    seed += 0x9e3779b97f4a7c15;
    let word = seed;
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
    word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
    Owned.write<u64>(ptr + offset, word ^ (word >> 31), OWNER_KEYS);
  }
  lengthKey = Owned.read<u64>(ptr + SUBJECT_MAX, OWNER_KEYS) | 1;
}

/** Debug builds: a span belongs to somebody, and `spare` bytes behind it lie in memory. */
export function assertSpan(ptr: usize, length: usize, spare: usize): void {
  Owned.assertReadable(ptr, length, spare);
}

function assertTarget(ptr: usize, length: usize): void {
  Owned.assertWritable(ptr, length);
}

/** Keyed hash of `length` bytes. Reads up to 7 bytes more. */
export function hash(ptr: usize, length: u32): u64 {
  assertSpan(ptr, length, 7);
  let sum: u64 = <u64>length * lengthKey;
  let left = length;
  while (true) {
    const bytes: usize = min<u32>(left, SUBJECT_MAX);
    const wide = ptr + (bytes & ~7);
    let key = hashKeys;
    while (ptr < wide) {
      sum += product(load<u64>(ptr), Owned.read<u64>(key, OWNER_KEYS));
      ptr += 8;
      key += 8;
    }
    const rest = bytes & 7;
    if (rest) {
      const last = load<u64>(ptr) & (((<u64>1) << ((<u64>rest) << 3)) - 1);
      sum += product(last, Owned.read<u64>(key, OWNER_KEYS));
    }
    sum = mix(sum);
    if (left <= <u32>SUBJECT_MAX) return sum;
    // Only a sid is longer than there are keys for: its pieces are hashed one after the other.
    left -= SUBJECT_MAX;
  }
}

function mix(sum: u64): u64 {
  sum ^= sum >> 32;
  sum *= FINAL;
  return sum ^ (sum >> 29);
}

function product(word: u64, key: u64): u64 {
  const low = <u32>word + <u32>key;
  const high = <u32>(word >> 32) + <u32>(key >> 32);
  return <u64>low * <u64>high;
}

/** Whether two spans of one length are equal. Reads up to 7 bytes more. */
export function equal(a: usize, b: usize, length: u32): bool {
  assertSpan(a, length, 7);
  assertSpan(b, length, 7);
  let left = length;
  while (left >= 8) {
    if (load<u64>(a) != load<u64>(b)) return false;
    a += 8;
    b += 8;
    left -= 8;
  }
  if (left == 0) return true;
  return ((load<u64>(a) ^ load<u64>(b)) & (((<u64>1) << ((<u64>left) << 3)) - 1)) == 0;
}

export class Bytes {
  /** `copyLoose` where a call would cost more than the copy. */
  @inline
  static copyLoose(target: usize, source: usize, length: usize): void {
    assertTarget(target, (length + 15) & ~15);
    assertSpan(source, length, 15);
    const end = target + length;
    if (length > 128) {
      const end64 = end - 64;
      do {
        const a = v128.load(source);
        const b = v128.load(source, 16);
        const c = v128.load(source, 32);
        const d = v128.load(source, 48);
        v128.store(target, a);
        v128.store(target, b, 16);
        v128.store(target, c, 32);
        v128.store(target, d, 48);
        target += 64;
        source += 64;
      } while (target <= end64);
    }
    while (target < end) {
      v128.store(target, v128.load(source));
      target += 16;
      source += 16;
    }
  }
}

/**
 * Copies forward in steps of 16 bytes: reads and writes up to 15 bytes beyond the end, so only into room
 * that has that much to spare. `memory.copy` is 2 to 10 times slower from 16 bytes on.
 */
export function copyLoose(target: usize, source: usize, length: usize): void {
  Bytes.copyLoose(target, source, length);
}

/** Copies exactly `length` bytes between spans that do not overlap. */
export function copyExact(target: usize, source: usize, length: usize): void {
  const whole = length & ~15;
  if (whole) copyLoose(target, source, whole);
  const rest = length & 15;
  assertTarget(target, length);
  assertSpan(source, length, 0);
  if (rest) memory.copy(target + whole, source + whole, rest);
}

/** Writes `value` in decimal and answers how many digits that took. */
export function writeDecimal(ptr: usize, value: u32): u32 {
  let digits: u32 = 1;
  for (let rest = value / 10; rest > 0; rest /= 10) digits++;
  assertTarget(ptr, digits);
  for (let at = ptr + digits - 1; at >= ptr; at--) {
    store<u8>(at, <u8>(48 + (value % 10)));
    value /= 10;
  }
  return digits;
}
