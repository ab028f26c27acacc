// The reply that a delivery carries: it names the message, and whoever publishes there acknowledges it.
//
//   $JS.ACK.stream.consumer.deliveries.streamSeq.consumerSeq.timestamp.pending
//   $JS.ACK.domain.account.stream.consumer.deliveries.….pending[.more]     understood, too, and never written
//
// Source: nats-server 2.15.3, server/consumer.go, ackReplyInfo; ADR-15.
import { copyWords } from '../../core/index.ts';
import { readDecimal, writeDecimal } from '../decimal.ts';
import type { TextTarget } from '../fixed-text.ts';

/** Five numbers of twenty digits, and their dots. */
const NUMBERS_BYTES = 105;
const NANOS_DIGITS = 6;
const NANOS_MAX = 999_999;
const DOT = 46;
const ZERO = 48;
const NINE = 57;
const encoder = new TextEncoder();

/** A number within the line: its value, where its last digit is, and from where on it would have more digits. */
interface Field {
  value: number;
  end: number;
  least: number;
  bound: number;
}

/**
 * Writes the replies of one consumer. The last one is kept, and what differs is changed in it: from one message to the
 * next that is a digit or two of each number.
 */
export class AckSubjects {
  readonly #line: Uint8Array;
  readonly #data: DataView;
  readonly #prefixBytes: number;
  #length = 0;
  #deliveries = 0;
  readonly #streamSeq = emptyField();
  readonly #consumerSeq = emptyField();
  readonly #pending = emptyField();
  /** Whole milliseconds; behind them are six digits of nanoseconds. */
  readonly #wholeMs = emptyField();
  #timeMs = -1;

  constructor(stream: string, consumer: string) {
    const prefix = encoder.encode(`$JS.ACK.${stream}.${consumer}.`);
    this.#prefixBytes = prefix.length;
    this.#line = new Uint8Array(prefix.length + NUMBERS_BYTES);
    this.#line.set(prefix);
    this.#data = new DataView(this.#line.buffer);
  }

  /**
   * Makes the next reply, for `copy`.
   *
   * @param timeMs when the message was stored, with a fraction
   * @returns how long it is
   */
  write(
    deliveries: number,
    streamSeq: number,
    consumerSeq: number,
    timeMs: number,
    pending: number,
  ): number {
    const isKept =
      deliveries === this.#deliveries &&
      this.#change(this.#streamSeq, streamSeq) &&
      this.#change(this.#consumerSeq, consumerSeq) &&
      this.#change(this.#pending, pending);
    if (!isKept) this.#build(deliveries, streamSeq, consumerSeq, timeMs, pending);
    else if (timeMs !== this.#timeMs && !this.#changeTime(timeMs)) {
      this.#build(deliveries, streamSeq, consumerSeq, timeMs, pending);
    }
    return this.#length;
  }

  /** Copies what was written last to `at`. @returns where it ends */
  copy({ data }: TextTarget, at: number): number {
    copyWords(this.#data, 0, this.#length, data, at);
    return at + this.#length;
  }

  /** False: it has another number of digits now. */
  #change(field: Field, value: number): boolean {
    const line = this.#line;
    // Most often it is the next number, and no other digit changes.
    const digit = (line[field.end] as number) + (value - field.value);
    if (digit >= ZERO && digit <= NINE) {
      line[field.end] = digit;
      field.value = value;
      return true;
    }
    if (value < field.least || value >= field.bound) return false;
    let rest = value;
    let before = field.value;
    for (let at = field.end; rest !== before; at--) {
      const tenth = Math.floor(rest / 10);
      line[at] = ZERO + (rest - tenth * 10);
      rest = tenth;
      before = Math.floor(before / 10);
    }
    field.value = value;
    return true;
  }

  #build(
    deliveries: number,
    streamSeq: number,
    consumerSeq: number,
    timeMs: number,
    pending: number,
  ): void {
    const line = this.#line;
    this.#deliveries = deliveries;
    let at = writeDecimal(line, this.#prefixBytes, deliveries);
    line[at++] = DOT;
    at = this.#place(this.#streamSeq, at, streamSeq);
    line[at++] = DOT;
    at = this.#place(this.#consumerSeq, at, consumerSeq);
    line[at++] = DOT;
    at = this.#place(this.#wholeMs, at, Math.floor(timeMs)) + NANOS_DIGITS;
    this.#changeTime(timeMs);
    line[at++] = DOT;
    at = this.#place(this.#pending, at, pending);
    this.#length = at;
  }

  #place(field: Field, start: number, value: number): number {
    const at = writeDecimal(this.#line, start, value);
    field.value = value;
    field.end = at - 1;
    field.bound = 10 ** (at - start);
    field.least = at - start === 1 ? 0 : field.bound / 10;
    return at;
  }

  /** Nanoseconds: more digits than a number has. False: it has another number of digits now. */
  #changeTime(timeMs: number): boolean {
    const whole = Math.floor(timeMs);
    const nanos = Math.min(NANOS_MAX, Math.round((timeMs - whole) * (NANOS_MAX + 1)));
    if (!this.#change(this.#wholeMs, whole)) return false;
    const end = this.#wholeMs.end + NANOS_DIGITS;
    for (let i = 0, rest = nanos; i < NANOS_DIGITS; i++) {
      const tenth = (rest / 10) | 0;
      this.#line[end - i] = ZERO + (rest - tenth * 10);
      rest = tenth;
    }
    this.#timeMs = timeMs;
    return true;
  }
}

function emptyField(): Field {
  return { value: 0, end: 0, least: 0, bound: 0 };
}

/** What an ack names; one object, used again. */
export interface AckPlace {
  deliveries: number;
  streamSeq: number;
  consumerSeq: number;
}

/** Tokens of an ack's subject before its numbers, in either form. */
export type AckForm = typeof TOKENS_V1 | typeof TOKENS_V2;
export const TOKENS_V1 = 4;
export const TOKENS_V2 = 6;

/**
 * Reads the subject of an ack, which a subscription to that form has matched. A number that is none is beyond every
 * message.
 */
export function readAckSubject(
  subject: Uint8Array,
  length: number,
  form: AckForm,
  into: AckPlace,
): void {
  let at = 0;
  for (let skip: number = form; skip > 0; at++) if (subject[at] === DOT) skip--;
  let end = tokenEnd(subject, at, length);
  into.deliveries = readDecimal(subject, at, end);
  at = end + 1;
  end = tokenEnd(subject, at, length);
  into.streamSeq = readDecimal(subject, at, end);
  at = end + 1;
  into.consumerSeq = readDecimal(subject, at, tokenEnd(subject, at, length));
}

function tokenEnd(subject: Uint8Array, start: number, length: number): number {
  let at = start;
  while (at < length && subject[at] !== DOT) at++;
  return at;
}
