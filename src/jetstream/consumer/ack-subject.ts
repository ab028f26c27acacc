// The reply that a delivery carries: it names the message, and whoever publishes there acknowledges it.
//
//   $JS.ACK.stream.consumer.deliveries.streamSeq.consumerSeq.timestamp.pending
//   $JS.ACK.domain.account.stream.consumer.deliveries.….pending[.more]     understood, too, and never written
//
// Written for each delivery, so digit by digit into a ring of bytes: what has been written is good until as many bytes
// as the ring has were written behind it, which no slice of deliveries does.
// Source: nats-server 2.15.3, server/consumer.go, ackReplyInfo; ADR-15.

const RING_BYTES = 1 << 20;
/** Five numbers of twenty digits, and their dots. */
const NUMBERS_BYTES = 105;
const DOT = 46;
const ZERO = 48;
const NINE = 57;
/** Tokens before the numbers. */
const TOKENS_V1 = 4;
const TOKENS_V2 = 6;
const NUMBERS = 5;
const encoder = new TextEncoder();

/** One for all consumers: nothing is kept in it beyond a slice. */
let ring = new Uint8Array(0);
let ringAt = 0;

/** Writes the replies of one consumer. */
export class AckSubjects {
  readonly #prefix: Uint8Array;
  // The digits of the last timestamp: what is stored in one turn has the same.
  #timeMs = -1;
  readonly #time = new Uint8Array(24);
  #timeBytes = 0;

  constructor(stream: string, consumer: string) {
    this.#prefix = encoder.encode(`$JS.ACK.${stream}.${consumer}.`);
  }

  /** @param timeMs when the message was stored, with a fraction */
  write(
    deliveries: number,
    streamSeq: number,
    consumerSeq: number,
    timeMs: number,
    pending: number,
  ): Uint8Array {
    const prefix = this.#prefix;
    const { length } = prefix;
    if (ringAt + length + NUMBERS_BYTES > ring.length) {
      if (ring.length === 0) ring = new Uint8Array(RING_BYTES);
      ringAt = 0;
    }
    const bytes = ring;
    const start = ringAt;
    for (let i = 0; i < length; i++) bytes[start + i] = prefix[i] as number;
    let at = writeNumber(bytes, start + length, deliveries);
    bytes[at++] = DOT;
    at = writeNumber(bytes, at, streamSeq);
    bytes[at++] = DOT;
    at = writeNumber(bytes, at, consumerSeq);
    bytes[at++] = DOT;
    if (timeMs !== this.#timeMs) this.#keepTime(timeMs);
    const time = this.#time;
    for (let i = 0; i < this.#timeBytes; i++) bytes[at++] = time[i] as number;
    bytes[at++] = DOT;
    at = writeNumber(bytes, at, pending);
    ringAt = at;
    return bytes.subarray(start, at);
  }

  /** Nanoseconds: more digits than a number has. */
  #keepTime(timeMs: number): void {
    this.#timeMs = timeMs;
    const whole = Math.floor(timeMs);
    const nanos = Math.min(999_999, Math.round((timeMs - whole) * 1e6));
    const at = writeNumber(this.#time, 0, whole);
    for (let i = 5, rest = nanos; i >= 0; i--, rest = (rest / 10) | 0) {
      this.#time[at + i] = ZERO + (rest % 10);
    }
    this.#timeBytes = at + 6;
  }
}

/** Writes a whole number of at most 2^53; answers where it ends. */
export function writeNumber(bytes: Uint8Array, at: number, value: number): number {
  let digits = 1;
  for (let bound = 10; value >= bound; bound *= 10) digits++;
  let rest = value;
  let place = at + digits;
  while (rest > 0x7fff_ffff) {
    const tenth = Math.floor(rest / 10);
    bytes[--place] = ZERO + (rest - tenth * 10);
    rest = tenth;
  }
  let small = rest | 0;
  do {
    const tenth = (small / 10) | 0;
    bytes[--place] = ZERO + (small - tenth * 10);
    small = tenth;
  } while (place > at);
  return at + digits;
}

/** What an ack names; one object, used again. */
export interface AckPlace {
  deliveries: number;
  streamSeq: number;
  consumerSeq: number;
}

/**
 * Reads the subject of an ack that some consumer's subscription has matched.
 *
 * @returns false: it has not as many tokens as it should, and names nothing
 *
 * A number that is none is Infinity, beyond every message.
 */
export function readAckSubject(subject: Uint8Array, length: number, into: AckPlace): boolean {
  let dots = 0;
  for (let i = 0; i < length; i++) if (subject[i] === DOT) dots++;
  const isV1 = dots + 1 === TOKENS_V1 + NUMBERS;
  if (!isV1 && dots + 1 < TOKENS_V2 + NUMBERS) return false;
  let at = 0;
  for (let skip = isV1 ? TOKENS_V1 : TOKENS_V2; skip > 0; at++) {
    if (subject[at] === DOT) skip--;
  }
  into.deliveries = readToken(subject, at, length);
  at = tokenEnd(subject, at, length) + 1;
  into.streamSeq = readToken(subject, at, length);
  at = tokenEnd(subject, at, length) + 1;
  into.consumerSeq = readToken(subject, at, length);
  return true;
}

function tokenEnd(subject: Uint8Array, start: number, length: number): number {
  let at = start;
  while (at < length && subject[at] !== DOT) at++;
  return at;
}

function readToken(subject: Uint8Array, start: number, length: number): number {
  let value = 0;
  let at = start;
  for (; at < length && subject[at] !== DOT; at++) {
    const digit = subject[at] as number;
    if (digit < ZERO || digit > NINE) return Number.POSITIVE_INFINITY;
    value = value * 10 + (digit - ZERO);
  }
  return at === start ? Number.POSITIVE_INFINITY : value;
}
