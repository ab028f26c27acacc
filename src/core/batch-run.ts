// Messages for a batch that are written one behind the other, with no object for each: answers, of which there are as
// many as there are requests. Of each there are the subject it goes to, perhaps a header block, and a payload; whoever
// writes puts them behind each other at `used` and says by `end` how long they were.
//
//   bytes:    reply one | headers | payload | 2 | reply two | payload | 2 | …
//   lengths:  9, 40, 12,                          9, 0, 17, …
import {
  PUBLISH_BODY_LEN,
  PUBLISH_BODY_PTR,
  PUBLISH_BYTES,
  PUBLISH_FLAGS,
  PUBLISH_HEADER_LEN,
  PUBLISH_REPLY_LEN,
  PUBLISH_SUBJECT_LEN,
  PUBLISH_SUBJECT_PTR,
  PUBLISH_TO_LEN,
  PUBLISH_TO_PTR,
} from '../../assembly/abi.ts';
import { CapacityError } from '../shared/errors.ts';
import { type BatchPlace, TAIL_BYTES } from './batch.ts';
import type { Core } from './core.ts';

const BYTES_LEAST = 4096;
const ENTRIES_LEAST = 64;
/** Words of an entry's lengths. */
const WORDS = 3;
/** The first has a mark above the length of the subject. */
const MARK_SHIFT = 28;
const TO_MASK: number = (1 << MARK_SHIFT) - 1;

export class BatchRun {
  /** Where to write, from `used` on, after `reserve`; and a view of all of it. */
  bytes: Uint8Array = new Uint8Array(BYTES_LEAST);
  data: DataView = new DataView(this.bytes.buffer);
  used = 0;
  #lengths = new Uint32Array(ENTRIES_LEAST * WORDS);
  #written = 0;
  #taken = 0;
  #takenBytes = 0;

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

  /** What lies behind `used` is an entry of those lengths; `mark`, below 16, is shown by `each`, and means nothing here. */
  end(toLen: number, headerLen: number, payloadLen: number, mark = 0): void {
    let at = this.#written * WORDS;
    if (at === this.#lengths.length) {
      const wider = new Uint32Array(at * 2);
      wider.set(this.#lengths);
      this.#lengths = wider;
    }
    this.#lengths[at++] = toLen | (mark << MARK_SHIFT);
    this.#lengths[at++] = headerLen;
    this.#lengths[at] = payloadLen;
    this.used += toLen + headerLen + payloadLen + TAIL_BYTES;
    this.#written++;
  }

  /** Shows each entry that has not been taken, as views of `bytes`. */
  each(
    visit: (to: Uint8Array, headers: Uint8Array, payload: Uint8Array, mark: number) => void,
  ): void {
    const lengths = this.#lengths;
    let start = this.#takenBytes;
    for (let next = this.#taken, at = next * WORDS; next < this.#written; next++, at += WORDS) {
      const first = lengths[at] as number;
      const headers = start + (first & TO_MASK);
      const payload = headers + (lengths[at + 1] as number);
      const end = payload + (lengths[at + 2] as number);
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
      const bytes =
        ((lengths[at] as number) & TO_MASK) +
        (lengths[at + 1] as number) +
        (lengths[at + 2] as number);
      if (end + bytes - start > bytesMost && next > first) break;
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
  for (let i = 0; i < lengths.length; i += WORDS) {
    const toLen = (lengths[i] as number) & TO_MASK;
    const headerLen = lengths[i + 1] as number;
    const bodyLen = headerLen + (lengths[i + 2] as number);
    u32[record + PUBLISH_TO_PTR / 4] = at;
    u32[record + PUBLISH_TO_LEN / 4] = toLen;
    u32[record + PUBLISH_SUBJECT_PTR / 4] = at;
    u32[record + PUBLISH_SUBJECT_LEN / 4] = toLen;
    u32[record + PUBLISH_REPLY_LEN / 4] = 0;
    at += toLen;
    u32[record + PUBLISH_BODY_PTR / 4] = at;
    u32[record + PUBLISH_BODY_LEN / 4] = bodyLen;
    u32[record + PUBLISH_HEADER_LEN / 4] = headerLen;
    u32[record + PUBLISH_FLAGS / 4] = 0;
    at += bodyLen + TAIL_BYTES;
    record += PUBLISH_BYTES / 4;
  }
}
