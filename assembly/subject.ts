// Subjects: tokens, validity, literals. Only one-character tokens `*` and `>` are wildcards; `foo.b*r`,
// `foo.>x` and `a.**` are literals (nats-server 1787eee, server/sublist.go).

import { SUBJECT_MAX, TOKENS_MAX } from './abi';
import { hash } from './bytes';
import { Owned } from './ownership';

export const DOT: u32 = 46;
export const PWC: u32 = 42;
export const FWC: u32 = 62;

// Tokens of the subject at hand: pointer, length, hash (the low half). 12 bytes each.
const TOKEN_BYTES: usize = 12;
const tokens: usize = memory.data(24576, 16);

/** Bits of what `filterKind` says. */
export const FILTER_INVALID: u32 = 0;
export const FILTER_LITERAL: u32 = 1;
export const FILTER_WILDCARD: u32 = 2;

/**
 * What a filter is. Invalid: empty, an empty token, a token after `>`, longer than SUBJECT_MAX or more
 * tokens than TOKENS_MAX.
 */
export function filterKind(ptr: usize, length: u32): u32 {
  if (length == 0 || length > <u32>SUBJECT_MAX) return FILTER_INVALID;
  Owned.assertReadable(ptr, length, 0);
  const end = ptr + length;
  let kind = FILTER_LITERAL;
  let count: u32 = 1;
  let start = ptr;
  for (let at = ptr; at <= end; at++) {
    if (at < end && load<u8>(at) != DOT) continue;
    if (at == start) return FILTER_INVALID;
    if (at - start == 1) {
      const byte = <u32>load<u8>(start);
      if (byte == FWC && at != end) return FILTER_INVALID;
      if (byte == FWC || byte == PWC) kind = FILTER_WILDCARD;
    }
    if (at < end && ++count > <u32>TOKENS_MAX) return FILTER_INVALID;
    start = at + 1;
  }
  return kind;
}

/** Splits a subject into the token table. Answers how many, or 0 for an empty token or too many. Reads up to 15 bytes more. */
export function splitTokens(ptr: usize, length: u32): u32 {
  Owned.assertReadable(ptr, length, 15);
  const end = ptr + length;
  const dot = i8x16.splat(<i8>DOT);
  let count: u32 = 0;
  let start = ptr;
  for (let piece = ptr; piece < end; piece += 16) {
    let dots = i8x16.bitmask(i8x16.eq(v128.load(piece), dot));
    const rest = <u32>(end - piece);
    if (rest < 16) dots &= (1 << rest) - 1;
    for (; dots != 0; dots &= dots - 1) {
      const at = piece + <usize>ctz(dots);
      if (at == start || count + 1 == TOKENS_MAX) return 0;
      setToken(count++, start, <u32>(at - start));
      start = at + 1;
    }
  }
  if (start == end) return 0;
  setToken(count, start, <u32>(end - start));
  return count + 1;
}

function setToken(index: u32, ptr: usize, length: u32): void {
  const token = tokenAt(index);
  store<u32>(token, <u32>ptr);
  store<u32>(token, length, 4);
  store<u32>(token, <u32>hash(ptr, length), 8);
}

function tokenAt(index: u32): usize {
  assert(index < <u32>TOKENS_MAX);
  return tokens + <usize>index * TOKEN_BYTES;
}

/** Where token `index` of the last split begins. */
export function tokenPtr(index: u32): usize {
  return load<u32>(tokenAt(index));
}

/** Its length in bytes. */
export function tokenLength(index: u32): u32 {
  return load<u32>(tokenAt(index), 4);
}

/** Its hash. */
export function tokenHash(index: u32): u32 {
  return load<u32>(tokenAt(index), 8);
}

/** Whether a publish subject is valid to a pedantic peer: no empty token, no wildcard token. */
export function isLiteralSubject(ptr: usize, length: u32): bool {
  return filterKind(ptr, length) == FILTER_LITERAL;
}
