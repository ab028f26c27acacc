// Subjects of the twin: what kind a filter is, and its tokens with their hashes (assembly/subject.ts).

import { hash } from './bytes.ts';
import { u8 as heapBytes, i32 as heapWords, TOKENS, TOKENS_MAX } from './heap.ts';

const u8 = heapBytes;
const i32 = heapWords;

export const DOT = 46;
export const PWC = 42;
export const FWC = 62;
const SUBJECT_MAX = 4096;

export const FILTER_INVALID = 0;
export const FILTER_LITERAL = 1;
export const FILTER_WILDCARD = 2;

/** What a filter is; FILTER_INVALID for an empty token, a token behind `>`, and beyond the limits. */
export function filterKind(ptr: number, length: number): number {
  if (length === 0 || length > SUBJECT_MAX) return FILTER_INVALID;
  const end = ptr + length;
  let kind = FILTER_LITERAL;
  let count = 1;
  let start = ptr;
  for (let at = ptr; at <= end; at += 1) {
    if (at < end && u8[at] !== DOT) continue;
    if (at === start) return FILTER_INVALID;
    const byte = at - start === 1 ? u8[start] : 0;
    if (byte === FWC && at !== end) return FILTER_INVALID;
    if (byte === FWC || byte === PWC) kind = FILTER_WILDCARD;
    count += at < end ? 1 : 0;
    start = at + 1;
  }
  return count > TOKENS_MAX ? FILTER_INVALID : kind;
}

/** Splits a subject into TOKENS: address, length and hash of each. 0: an empty token, or too many. */
export function splitTokens(ptr: number, length: number): number {
  const end = ptr + length;
  let token = TOKENS;
  let start = ptr;
  for (let at = ptr; at <= end; at += 1) {
    if (at < end && u8[at] !== DOT) continue;
    const tokenLen = at - start;
    if (tokenLen === 0 || token === TOKENS + TOKENS_MAX * 3) return 0;
    i32[token] = start;
    i32[token + 1] = tokenLen;
    i32[token + 2] = hash(start, tokenLen);
    token += 3;
    start = at + 1;
  }
  return ((token - TOKENS) / 3) | 0;
}
