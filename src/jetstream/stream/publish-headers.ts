// What the headers of a publish ask of the stream, read from the bytes: keys are compared case by case, a colon follows
// at once, blanks before the value are skipped, and of equal keys the first counts. An empty value is none.
// Source: nats-server 2.15.3, server/client.go, sliceHeader; server/stream.go, getMsgId and those beside it.

import { textOf } from '../../shared/byte-text.ts';
import { NO_NUMBER, readDecimal } from '../decimal.ts';
import { bytesText, lineEnd } from './header-block.ts';

/** One object of a stream, used again for each message. Texts are empty and numbers undefined where nothing is asked. */
export class PublishHeaders {
  /** A character for each byte: an id is any bytes. */
  msgId = '';
  expectedLastMsgId = '';
  expectedStream = '';
  /** -1: it is no number, so that no sequence is it. */
  expectedLastSeq: number | undefined;
  expectedLastSubjectSeq: number | undefined;
  expectedLastSubject = '';
  /** In small letters. */
  rollup = '';
  ttl = '';
  increment = '';
  batchId = '';
  schedule = '';
  /** undefined = no such header. */
  scheduleTimeZone: string | undefined;
  scheduleNext = '';
  scheduler = '';
  streamSource = '';
  /** It says who has asked, which is nobody's business. */
  hasRequestInfo = false;

  /** Reads a whole block. */
  read(block: Uint8Array): this {
    this.#clear();
    const { length } = block;
    let seen = 0;
    // The first line is the version, and perhaps a status.
    for (let at = lineEnd(block, 0); at < length; ) {
      const end = lineEnd(block, at);
      // Nats-
      if (block[at] === 0x4e && block[at + 4] === 0x2d && end - at > KEY_LEAST) {
        seen = this.#take(block, at, end - 2, seen);
      }
      at = end;
    }
    return this;
  }

  #take(block: Uint8Array, start: number, end: number, seen: number): number {
    // No further than a key goes: lines without a colon would each be searched to the end of all of them.
    const last = Math.min(end, start + KEY_MOST + 1);
    let colon = start;
    while (colon < last && block[colon] !== COLON) colon++;
    if (colon === last) return seen;
    const key = bytesText(block, start, colon);
    const bit = KEYS.get(key);
    if (bit === undefined || (seen & bit) !== 0) return seen;
    let from = colon + 1;
    while (from < end && block[from] === BLANK) from++;
    this.#set(bit, block, from, end);
    return seen | bit;
  }

  #set(key: number, block: Uint8Array, from: number, end: number): void {
    if (key === MSG_ID) this.msgId = bytesText(block, from, end);
    else if (key === EXPECTED_LAST_MSG_ID) this.expectedLastMsgId = bytesText(block, from, end);
    else if (key === EXPECTED_LAST_SEQ) this.expectedLastSeq = decimal(block, from, end);
    else if (key === EXPECTED_SUBJECT_SEQ) this.expectedLastSubjectSeq = decimal(block, from, end);
    else this.#setText(key, textOf(block.subarray(from, end)));
  }

  #setText(key: number, value: string): void {
    switch (key) {
      case EXPECTED_STREAM:
        this.expectedStream = value;
        break;
      case EXPECTED_SUBJECT:
        this.expectedLastSubject = value;
        break;
      case ROLLUP:
        this.rollup = value.toLowerCase();
        break;
      case TTL:
        this.ttl = value;
        break;
      case INCREMENT:
        this.increment = value;
        break;
      case BATCH_ID:
        this.batchId = value;
        break;
      case SCHEDULE:
        this.schedule = value;
        break;
      case SCHEDULE_ZONE:
        this.scheduleTimeZone = value;
        break;
      case SCHEDULE_NEXT:
        this.scheduleNext = value;
        break;
      case SCHEDULER:
        this.scheduler = value;
        break;
      case STREAM_SOURCE:
        this.streamSource = value;
        break;
      default:
        this.hasRequestInfo = true;
    }
  }

  #clear(): void {
    this.msgId = '';
    this.expectedLastMsgId = '';
    this.expectedStream = '';
    this.expectedLastSeq = undefined;
    this.expectedLastSubjectSeq = undefined;
    this.expectedLastSubject = '';
    this.rollup = '';
    this.ttl = '';
    this.increment = '';
    this.batchId = '';
    this.schedule = '';
    this.scheduleTimeZone = undefined;
    this.scheduleNext = '';
    this.scheduler = '';
    this.streamSource = '';
    this.hasRequestInfo = false;
  }
}

const COLON = 0x3a;
const BLANK = 0x20;

const MSG_ID = 1;
const EXPECTED_LAST_MSG_ID = 1 << 1;
const EXPECTED_STREAM = 1 << 2;
const EXPECTED_LAST_SEQ = 1 << 3;
const EXPECTED_SUBJECT_SEQ = 1 << 4;
const EXPECTED_SUBJECT = 1 << 5;
const ROLLUP = 1 << 6;
const TTL = 1 << 7;
const INCREMENT = 1 << 8;
const BATCH_ID = 1 << 9;
const SCHEDULE = 1 << 10;
const SCHEDULE_ZONE = 1 << 11;
const SCHEDULE_NEXT = 1 << 12;
const SCHEDULER = 1 << 13;
const STREAM_SOURCE = 1 << 14;
const REQUEST_INFO = 1 << 15;

const KEYS: ReadonlyMap<string, number> = new Map([
  ['Nats-Msg-Id', MSG_ID],
  ['Nats-Expected-Last-Msg-Id', EXPECTED_LAST_MSG_ID],
  ['Nats-Expected-Stream', EXPECTED_STREAM],
  ['Nats-Expected-Last-Sequence', EXPECTED_LAST_SEQ],
  ['Nats-Expected-Last-Subject-Sequence', EXPECTED_SUBJECT_SEQ],
  ['Nats-Expected-Last-Subject-Sequence-Subject', EXPECTED_SUBJECT],
  ['Nats-Rollup', ROLLUP],
  ['Nats-TTL', TTL],
  ['Nats-Incr', INCREMENT],
  ['Nats-Batch-Id', BATCH_ID],
  ['Nats-Schedule', SCHEDULE],
  ['Nats-Schedule-Time-Zone', SCHEDULE_ZONE],
  ['Nats-Schedule-Next', SCHEDULE_NEXT],
  ['Nats-Scheduler', SCHEDULER],
  ['Nats-Stream-Source', STREAM_SOURCE],
  ['Nats-Request-Info', REQUEST_INFO],
]);
/** Of the shortest key, with its colon. */
const KEY_LEAST = 'Nats-TTL'.length;
const KEY_MOST = Math.max(...[...KEYS.keys()].map((key) => key.length));

/** undefined = there is none; -1: it is something else, and no sequence. */
function decimal(block: Uint8Array, from: number, end: number): number | undefined {
  if (from === end) return undefined;
  const value = readDecimal(block, from, end);
  return value === NO_NUMBER ? -1 : value;
}
