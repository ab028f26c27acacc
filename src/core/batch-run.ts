// Messages for a batch that are written one behind the other, with no object for each: answers, of which there are as
// many as there are requests, and what consumers deliver. Of each there are the subject it goes to, perhaps the one that is
// shown and a reply, perhaps a header block, and a payload; whoever writes puts them behind each other at `used` and says
// by `end` how long they were. One that goes where the one before goes need not say it again.
//
//   bytes:    reply one | headers | payload | 2 | inbox | reply | subject | payload | 2 | reply | subject | payload | 2 | …
//   lengths:  9, 0, 0, 40, 12,                    9, 7, 50, 0, 17,                        0, 7, 50, 0, 17, …
import {
  PUBLISH_BODY_LEN,
  PUBLISH_BODY_PTR,
  PUBLISH_BYTES,
  PUBLISH_FLAGS,
  PUBLISH_HEADER_LEN,
  PUBLISH_PRESSED,
  PUBLISH_REACHED,
  PUBLISH_REPLY_LEN,
  PUBLISH_REPLY_PTR,
  PUBLISH_SUBJECT_LEN,
  PUBLISH_SUBJECT_PTR,
  PUBLISH_TO_LEN,
  PUBLISH_TO_PTR,
} from '../../assembly/abi.ts';
import { CapacityError } from '../shared/errors.ts';
import { type BatchEntry, type BatchPlace, TAIL_BYTES } from './batch.ts';
import type { Core } from './core.ts';
import type { SessionHandle } from './sessions.ts';

const BYTES_LEAST = 4096;
const ENTRIES_LEAST = 64;
/** Words of an entry's lengths. */
const WORDS = 5;
/** The first has a mark above the length of the subject. */
const MARK_SHIFT = 28;
const TO_MASK: number = (1 << MARK_SHIFT) - 1;
const NOTHING = new Uint8Array(0);

export class BatchRun {
  /** Where to write, from `used` on, after `reserve`; and a view of all of it. */
  bytes: Uint8Array = new Uint8Array(BYTES_LEAST);
  data: DataView = new DataView(this.bytes.buffer);
  used = 0;
  #lengths = new Uint32Array(ENTRIES_LEAST * WORDS);
  #written = 0;
  #taken = 0;
  #takenBytes = 0;
  /** Of those that were asked for: whom each has reached, and who of them is pressed. */
  #outcomes = new Uint32Array(0);
  #outcomeCount = 0;

  /** Entries that have not been taken. */
  get count(): number {
    return this.#written - this.#taken;
  }

  /** Makes room for so many bytes behind `used`; answers `used`. */
  reserve(count: number): number {
    const needed = this.used + count + TAIL_BYTES;
    if (needed > this.bytes.length) this.#widen(needed);
    return this.used;
  }

  #widen(needed: number): void {
    const wider = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    wider.set(this.bytes.subarray(0, this.used));
    this.bytes = wider;
    this.data = new DataView(wider.buffer);
  }

  /**
   * What lies behind `used` is an entry of those lengths; `mark`, below 16, is shown by `each`, and means nothing here.
   * Without a subject of its own it shows the one that it goes to, and without a reply it has none. A `toLen` of 0: it goes
   * where the entry before goes, has a subject of its own, and is taken with that.
   */
  end(
    toLen: number,
    headerLen: number,
    payloadLen: number,
    mark = 0,
    subjectLen = 0,
    replyLen = 0,
  ): void {
    let at = this.#written * WORDS;
    if (at === this.#lengths.length) {
      const wider = new Uint32Array(at * 2);
      wider.set(this.#lengths);
      this.#lengths = wider;
    }
    this.#lengths[at++] = toLen | (mark << MARK_SHIFT);
    this.#lengths[at++] = subjectLen;
    this.#lengths[at++] = replyLen;
    this.#lengths[at++] = headerLen;
    this.#lengths[at] = payloadLen;
    this.used += toLen + subjectLen + replyLen + headerLen + payloadLen + TAIL_BYTES;
    this.#written++;
  }

  /** Copies an entry to the end. */
  push({ to, subject = NOTHING, reply = NOTHING, headers = NOTHING, payload }: BatchEntry): void {
    const texts = to.length + subject.length + reply.length;
    let at = this.reserve(texts + headers.length + payload.length);
    for (const bytes of [to, reply, subject, headers, payload]) {
      this.bytes.set(bytes, at);
      at += bytes.length;
    }
    this.end(to.length, headers.length, payload.length, 0, subject.length, reply.length);
  }

  /** Subscriptions that an entry has reached, by the last `noteOutcomes`. */
  reached(index: number): number {
    return index < this.#outcomeCount ? (this.#outcomes[index * 2] as number) : 0;
  }

  /** A session among them that is pressed (BatchOutcome); 0 = none. */
  pressed(index: number): SessionHandle {
    return index < this.#outcomeCount ? (this.#outcomes[index * 2 + 1] as number) : 0;
  }

  /** What became of a batch that has been routed to its end; to be asked before anything else is published. */
  noteOutcomes({ views }: Core, { ptr, count }: BatchPlace): void {
    if (this.#outcomes.length < count * 2) this.#outcomes = new Uint32Array(count * 4);
    const { u32 } = views;
    const outcomes = this.#outcomes;
    for (let i = 0, record = ptr >>> 2; i < count; i++, record += PUBLISH_BYTES / 4) {
      outcomes[i * 2] = u32[record + PUBLISH_REACHED / 4] as number;
      outcomes[i * 2 + 1] = u32[record + PUBLISH_PRESSED / 4] as number;
    }
    this.#outcomeCount = count;
  }

  /** Shows each entry that has not been taken, as views of `bytes`. They are answers, which show what they go to. */
  each(
    visit: (to: Uint8Array, headers: Uint8Array, payload: Uint8Array, mark: number) => void,
  ): void {
    const lengths = this.#lengths;
    let start = this.#takenBytes;
    for (let next = this.#taken, at = next * WORDS; next < this.#written; next++, at += WORDS) {
      const first = lengths[at] as number;
      const headers = start + (first & TO_MASK);
      const payload = headers + (lengths[at + 3] as number);
      const end = payload + (lengths[at + 4] as number);
      const { bytes } = this;
      visit(
        bytes.subarray(start, headers),
        bytes.subarray(headers, payload),
        bytes.subarray(payload, end),
        first >>> MARK_SHIFT,
      );
      start = end + TAIL_BYTES;
    }
  }

  /** Forgets what has been taken, and a room that was once needed and is much larger than usual. */
  reset(bytesMost: number): void {
    this.used = 0;
    this.#written = 0;
    this.#taken = 0;
    this.#takenBytes = 0;
    this.#outcomeCount = 0;
    if (this.bytes.length <= bytesMost) return;
    this.bytes = new Uint8Array(BYTES_LEAST);
    this.data = new DataView(this.bytes.buffer);
    this.#lengths = new Uint32Array(ENTRIES_LEAST * WORDS);
  }

  /**
   * Takes the next entries, one at least and `bytesMost` at most, and lays them out for `Core.publishBatch`. Throws
   * CapacityError; they are taken nevertheless.
   */
  place(core: Core, bytesMost: number): BatchPlace {
    const lengths = this.#lengths;
    const start = this.#takenBytes;
    const first = this.#taken;
    let end = start;
    let next = first;
    for (let at = next * WORDS; next < this.#written; next++, at += WORDS) {
      const to = (lengths[at] as number) & TO_MASK;
      const texts = to + (lengths[at + 1] as number) + (lengths[at + 2] as number);
      const bytes = texts + (lengths[at + 3] as number) + (lengths[at + 4] as number);
      if (end + bytes - start > bytesMost && next > first && to > 0) break;
      end += bytes + TAIL_BYTES;
    }
    this.#taken = next;
    this.#takenBytes = end;
    const count = next - first;
    const ptr = core.batchRoom(count * PUBLISH_BYTES + end - start);
    if (ptr === 0) throw new CapacityError(`a batch of ${end - start} bytes`);
    const { u8, u32 } = core.views;
    const bodies = ptr + count * PUBLISH_BYTES;
    u8.set(this.bytes.subarray(start, end), bodies);
    writeRecords(u32, ptr >>> 2, lengths.subarray(first * WORDS, next * WORDS), bodies);
    return { ptr, count };
  }
}

function writeRecords(u32: Uint32Array, first: number, lengths: Uint32Array, bodies: number): void {
  let record = first;
  let at = bodies;
  let toPtr = bodies;
  let toLen = 0;
  for (let i = 0; i < lengths.length; i += WORDS) {
    const ownLen = (lengths[i] as number) & TO_MASK;
    const subjectLen = lengths[i + 1] as number;
    const replyLen = lengths[i + 2] as number;
    const headerLen = lengths[i + 3] as number;
    const bodyLen = headerLen + (lengths[i + 4] as number);
    const isOther = subjectLen > 0;
    if (ownLen > 0) {
      toPtr = at;
      toLen = ownLen;
    }
    at += ownLen;
    u32[record + PUBLISH_TO_PTR / 4] = toPtr;
    u32[record + PUBLISH_TO_LEN / 4] = toLen;
    u32[record + PUBLISH_REPLY_PTR / 4] = at;
    u32[record + PUBLISH_REPLY_LEN / 4] = replyLen;
    at += replyLen;
    u32[record + PUBLISH_SUBJECT_PTR / 4] = isOther ? at : toPtr;
    u32[record + PUBLISH_SUBJECT_LEN / 4] = isOther ? subjectLen : toLen;
    at += subjectLen;
    u32[record + PUBLISH_BODY_PTR / 4] = at;
    u32[record + PUBLISH_BODY_LEN / 4] = bodyLen;
    u32[record + PUBLISH_HEADER_LEN / 4] = headerLen;
    u32[record + PUBLISH_FLAGS / 4] = 0;
    at += bodyLen + TAIL_BYTES;
    record += PUBLISH_BYTES / 4;
  }
}
