// The twin's parser: bytes → one op a call, with the short way of assembly/parser.ts for a PUB as clients write
// it and a long way for everything else. It speaks PUB, SUB, UNSUB, PING and PONG; a peer's mistake is an error
// thrown, because the bench makes none.
//
// Results are words of the heap, from OP on: written and read without boxing, and at fixed addresses.

import { u8 as heapBytes, view as heapView, i32 as heapWords, STATE } from './heap.ts';

const u8 = heapBytes;
const i32 = heapWords;
const view = heapView;

export const VERB_PUB = 1;
export const VERB_SUB = 2;
export const VERB_UNSUB = 3;
export const VERB_PING = 4;
export const VERB_PONG = 5;

export const OP_VERB: number = STATE + 40;
/** First byte that is not done with. */
export const OP_NEXT: number = STATE + 41;
export const OP_SUBJECT: number = STATE + 42;
export const OP_SUBJECT_LEN: number = STATE + 43;
/** Reply of a PUB, queue of a SUB; length 0 = none. */
export const OP_REPLY: number = STATE + 44;
export const OP_REPLY_LEN: number = STATE + 45;
export const OP_SID: number = STATE + 46;
export const OP_SID_LEN: number = STATE + 47;
/** UNSUB: after how many deliveries, 0 = now. */
export const OP_MAX: number = STATE + 48;
/** The text of the size as it was written. */
export const OP_SIZE: number = STATE + 49;
export const OP_SIZE_LEN: number = STATE + 50;
export const OP_BODY: number = STATE + 51;
export const OP_BODY_LEN: number = STATE + 52;
/** 1: from the subject to the end of the body all may be copied as it stands. */
export const OP_CANONICAL: number = STATE + 53;
// Address and length of up to four arguments.
const ARGUMENTS = STATE + 56;
const ARGUMENTS_MAX = 4;

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const CRLF = 0x0a0d;
const PUB_SPACE = 0x20627570;
const LOWER_CASE = 0x00202020;
const DIGITS_MAX = 9;

/**
 * Reads one op from the bytes between `ptr` and `end`.
 *
 * @returns whether a whole op is there; if not, the caller keeps the bytes from `ptr` on
 */
export function parse(ptr: number, end: number, lineMax: number, payloadMax: number): boolean {
  if ((view.getInt32(ptr, true) | LOWER_CASE) === PUB_SPACE) {
    if (shortPub(ptr + 4, end, lineMax, payloadMax)) return true;
  }
  return parseAny(ptr, end, lineMax, payloadMax);
}

// ── The short way ─────────────────────────────────────────────────────────────────────────────────

/**
 * The first blank or control byte from `ptr` on, four bytes a step. May answer an address beyond `end`.
 */
function findBlank(ptr: number, end: number): number {
  let at = ptr;
  while (at < end) {
    const word = view.getInt32(at, true);
    const low = (word - 0x21212121) & ~word & 0x80808080;
    if (low !== 0) return at + ((31 - Math.clz32(low & -low)) >> 3);
    at += 4;
  }
  return at;
}

function shortPub(args: number, end: number, lineMax: number, payloadMax: number): boolean {
  const subjectEnd = findBlank(args, end);
  if (subjectEnd === args || u8[subjectEnd] !== SPACE) return false;
  let sizeAt = subjectEnd + 1;
  let sizeEnd = sizeAt;
  let total = 0;
  let digit = u8[sizeAt]! - 48;
  for (; digit >>> 0 < 10; digit = u8[sizeEnd]! - 48) {
    total = (Math.imul(total, 10) + digit) | 0;
    sizeEnd += 1;
  }
  i32[OP_REPLY_LEN] = 0;
  if (digit !== CR - 48) {
    // No size: a reply is in front of it.
    sizeEnd = findBlank(sizeEnd, end);
    if (sizeEnd === sizeAt || u8[sizeEnd] !== SPACE) return false;
    i32[OP_REPLY] = sizeAt;
    i32[OP_REPLY_LEN] = sizeEnd - sizeAt;
    sizeAt = sizeEnd + 1;
    sizeEnd = sizeAt;
    total = 0;
    for (digit = u8[sizeAt]! - 48; digit >>> 0 < 10; digit = u8[sizeEnd]! - 48) {
      total = (Math.imul(total, 10) + digit) | 0;
      sizeEnd += 1;
    }
  }
  const sizeLen = sizeEnd - sizeAt;
  const body = sizeEnd + 2;
  const next = body + total + 2;
  if (sizeLen === 0 || sizeLen > DIGITS_MAX || sizeEnd - args > lineMax) return false;
  if (total > payloadMax || next > end) return false;
  if (view.getUint16(sizeEnd, true) !== CRLF || view.getUint16(next - 2, true) !== CRLF)
    return false;
  i32[OP_VERB] = VERB_PUB;
  i32[OP_NEXT] = next;
  i32[OP_SUBJECT] = args;
  i32[OP_SUBJECT_LEN] = subjectEnd - args;
  i32[OP_SIZE] = sizeAt;
  i32[OP_SIZE_LEN] = sizeLen;
  i32[OP_BODY] = body;
  i32[OP_BODY_LEN] = total;
  i32[OP_CANONICAL] = 1;
  return true;
}

// ── The long way ──────────────────────────────────────────────────────────────────────────────────

function parseAny(ptr: number, end: number, lineMax: number, payloadMax: number): boolean {
  let lineFeed = ptr;
  while (lineFeed < end && u8[lineFeed] !== LF) lineFeed += 1;
  if (lineFeed >= end) return false;
  const lineEnd = lineFeed > ptr && u8[lineFeed - 1] === CR ? lineFeed - 1 : lineFeed;
  const count = splitArguments(ptr, lineEnd);
  if (lineEnd - ptr > lineMax + 8) throw new Error('maximum control line exceeded');
  const verb = String.fromCharCode(...u8.subarray(ptr, argumentEnd(0))).toUpperCase();
  i32[OP_NEXT] = lineFeed + 1;
  if (verb === 'PUB') return publish(count, lineEnd, lineFeed, end, payloadMax);
  if (verb === 'PING') i32[OP_VERB] = VERB_PING;
  else if (verb === 'PONG') i32[OP_VERB] = VERB_PONG;
  else if (verb === 'SUB' && (count === 3 || count === 4)) subscribe(count);
  else if (verb === 'UNSUB' && (count === 2 || count === 3)) unsubscribe(count);
  else throw new Error(`the twin does not speak ${verb} with ${count - 1} arguments`);
  return true;
}

// The verb is the first argument. Answers how many there are.
function splitArguments(ptr: number, end: number): number {
  let count = 0;
  i32[OP_CANONICAL] = 1;
  for (let at = ptr; at < end; ) {
    if (isBlank(at)) {
      if (at === ptr || isBlank(at - 1) || u8[at] === TAB || at + 1 === end) i32[OP_CANONICAL] = 0;
      at += 1;
      continue;
    }
    if (count === ARGUMENTS_MAX) throw new Error('too many arguments');
    const start = at;
    while (at < end && !isBlank(at)) at += 1;
    i32[ARGUMENTS + count * 2] = start;
    i32[ARGUMENTS + count * 2 + 1] = at - start;
    count += 1;
  }
  return count;
}

function isBlank(at: number): boolean {
  return u8[at] === SPACE || u8[at] === TAB;
}

function argumentEnd(index: number): number {
  return i32[ARGUMENTS + index * 2]! + i32[ARGUMENTS + index * 2 + 1]!;
}

// Copies address and length of an argument to a pair of results.
function take(index: number, op: number): void {
  i32[op] = i32[ARGUMENTS + index * 2]!;
  i32[op + 1] = i32[ARGUMENTS + index * 2 + 1]!;
}

function subscribe(count: number): void {
  i32[OP_VERB] = VERB_SUB;
  take(1, OP_SUBJECT);
  take(2, OP_REPLY);
  if (count === 3) i32[OP_REPLY_LEN] = 0;
  take(count - 1, OP_SID);
}

function unsubscribe(count: number): void {
  i32[OP_VERB] = VERB_UNSUB;
  take(1, OP_SID);
  i32[OP_MAX] = count === 3 ? Math.max(0, readDecimal(2)) : 0;
}

function readDecimal(index: number): number {
  const end = argumentEnd(index);
  const start = i32[ARGUMENTS + index * 2]!;
  if (end - start > DIGITS_MAX) return -1;
  let value = 0;
  for (let at = start; at < end; at += 1) {
    const digit = u8[at]! - 48;
    if (digit >>> 0 > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function publish(
  count: number,
  lineEnd: number,
  lineFeed: number,
  end: number,
  payloadMax: number,
): boolean {
  const total = count < 3 ? -1 : readDecimal(count - 1);
  if (total < 0 || total > payloadMax) throw new Error('a PUB without a good size');
  const next = lineFeed + 1 + total + 2;
  if (next > end) return false;
  if (view.getUint16(next - 2, true) !== CRLF) throw new Error('a payload without its end');
  i32[OP_VERB] = VERB_PUB;
  i32[OP_NEXT] = next;
  take(1, OP_SUBJECT);
  take(2, OP_REPLY);
  if (count === 3) i32[OP_REPLY_LEN] = 0;
  take(count - 1, OP_SIZE);
  i32[OP_BODY] = lineFeed + 1;
  i32[OP_BODY_LEN] = total;
  if (lineFeed - lineEnd !== 1) i32[OP_CANONICAL] = 0;
  return true;
}
