// Times written as bytes, many of them near each other: what is above the second is worked out once for all of it.
//
//   2026-01-02T03:04:05.25Z   up to the second from Date, kept; then the fraction without trailing zeros
import { NANOS_PER_MS } from '../shared/time.ts';

const ZERO = 0x30;
const DOT = 0x2e;
const ZULU = 0x5a;
const HEAD_BYTES = 'YYYY-MM-DDTHH:MM:SS'.length;
const NANOS_MAX = 999_999_999;
const NANO_DIGITS = 9;

/** Bytes of a time at most. */
export const STAMP_MOST: number = HEAD_BYTES + 1 + NANO_DIGITS + 1;

const head = new Uint8Array(HEAD_BYTES);
let headSecond = Number.NaN;

/** Writes a time as `rfc3339Nano` of src/shared/time.ts has it; answers where it ends. */
export function writeStamp(bytes: Uint8Array, from: number, timeMs: number): number {
  const second = Math.floor(timeMs / 1000);
  if (second !== headSecond) {
    const text = new Date(second * 1000).toISOString();
    for (let i = 0; i < HEAD_BYTES; i++) head[i] = text.charCodeAt(i);
    headSecond = second;
  }
  let at = from;
  for (let i = 0; i < HEAD_BYTES; i++) bytes[at++] = head[i] as number;
  let nanos = Math.min(NANOS_MAX, Math.round((timeMs - second * 1000) * NANOS_PER_MS)) | 0;
  if (nanos > 0) {
    let digits = NANO_DIGITS;
    while (nanos % 10 === 0) {
      nanos = (nanos / 10) | 0;
      digits--;
    }
    bytes[at] = DOT;
    for (let i = digits; i > 0; i--) {
      const next = (nanos / 10) | 0;
      bytes[at + i] = ZERO + nanos - next * 10;
      nanos = next;
    }
    at += digits + 1;
  }
  bytes[at] = ZULU;
  return at + 1;
}
