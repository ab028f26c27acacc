// Numbers as text: written, of which each answer and each delivery has some, and read.

const ZERO = 0x30;
const NINE = 0x39;
const INTEGER_MAX = 0x7fff_ffff;
const WORD = 2 ** 32;

/** What reads as no number. */
export const NO_NUMBER: number = Number.POSITIVE_INFINITY;

/**
 * The number that digits from `start` up to `end` show, modulo 2^64 as the original's; NO_NUMBER where they are something
 * else, or none. Above 2^53 it is not exact, and no sequence.
 * Source: nats-server 2.15.3, server/util.go, parseInt64; server/consumer.go, parseAckReplyNum.
 */
export function readDecimal(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at] as number;
    if (digit < ZERO || digit > NINE) return NO_NUMBER;
    value = value * 10 + (digit - ZERO);
  }
  if (start === end) return NO_NUMBER;
  return Number.isSafeInteger(value) ? value : readWrapped(bytes, start, end);
}

function readWrapped(bytes: Uint8Array, start: number, end: number): number {
  let high = 0;
  let low = 0;
  for (let at = start; at < end; at++) {
    low = low * 10 + ((bytes[at] as number) - ZERO);
    high = (high * 10 + Math.floor(low / WORD)) % WORD;
    low %= WORD;
  }
  return high * WORD + low;
}

/** Writes a whole number from 0 to 2^53; answers where it ends. */
export function writeDecimal(bytes: Uint8Array, at: number, value: number): number {
  let digits = 1;
  for (let bound = 10; value >= bound; bound *= 10) digits++;
  let rest = value;
  let place = at + digits;
  while (rest > INTEGER_MAX) {
    const tenth = Math.floor(rest / 10);
    bytes[--place] = ZERO + (rest - tenth * 10);
    rest = tenth;
  }
  // Small numbers are divided as integers, which is several times as fast.
  let small = rest | 0;
  do {
    const tenth = (small / 10) | 0;
    bytes[--place] = ZERO + (small - tenth * 10);
    small = tenth;
  } while (place > at);
  return at + digits;
}
