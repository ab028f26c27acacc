// What lies on disk, byte for byte; all numbers are little endian. A store is a directory of segments, named by their
// numbers; a segment is a head, twice, and frames; a frame is a head and records.
//
//   00000007.log   │ head │ head │ frame: │ head │ record │ record │ frame: │ head │ record ─►
//                  0      64     128
//
// A payload may hold what looks like a frame. So the checksums of a frame are seeded by a random nonce of its segment, which
// nobody outside knows, and by where the frame lies.
import { crc32 } from 'node:zlib';

export const FORMAT_VERSION = 1;

// The head of a segment, 64 bytes.
//
//   offset  size  field
//        0     4  'GNGS'
//        4     4  checksum of what follows
//        8     4  version of the format
//       12     4  number of the segment
//       16     4  nonce
//       20     4  0; when it has been rewritten, the number of the last segment at that time
//       24     8  last sequence of the store when the segment began (f64)
//       32     8  and its time, in milliseconds since 1970 (f64); 0 = none
//       40     8  first sequence of the store then (f64)
//       48     4  number of the segment in front of it, when it was made; 0 = there was none
//       52     4  nonce of that, and
//       56     4  its bytes: it was full then
//       60     4  subjects of the store when the segment began; 0 = it does not say
export const SEGMENT_HEAD_BYTES = 64;
/** Where the first frame begins: behind two heads, so that one flipped bit does not cost a segment. */
export const FRAMES_AT: number = 2 * SEGMENT_HEAD_BYTES;
const SEGMENT_MAGIC = 0x53474e47;
/** The last that a head can say. */
const NUMBER_MOST = 0xffff_ffff;
/** The last moment of a date. */
const TIME_MOST = 8.64e15;

export interface SegmentHead {
  readonly number: number;
  readonly nonce: number;
  readonly cleaned: number;
  readonly lastSeq: number;
  readonly lastTimeMs: number;
  readonly firstSeq: number;
  readonly previous: Previous;
  readonly subjects: number;
}

/** What was in front of a segment when it was made. */
export interface Previous {
  readonly number: number;
  readonly nonce: number;
  readonly bytes: number;
}

// The head of a frame, 32 bytes.
//
//   offset  size  field
//        0     4  magic
//        4     4  checksum of the rest of the head
//        8     4  bytes of the frame
//       12     4  checksum of its records
//       16     4  number of a segment, and
//       20     4  a position in it: what is before was synced when this was written
//       24     8  last sequence in front of the frame (f64)
export const FRAME_HEAD_BYTES = 32;
/** Its first byte is in no text. */
export const FRAME_MAGIC = 0x4c47_4e9d;

/** A place in the log. */
export interface Place {
  readonly number: number;
  readonly at: number;
}

export interface FrameHead {
  readonly bytes: number;
  readonly syncedNumber: number;
  readonly syncedAt: number;
  readonly beforeSeq: number;
}

// Records. A word that says what it is, in its low byte, and:
//
//   MESSAGE  bytes of the subject in the other three; u32 bytes of header block and payload, u32 of the header block,
//            f64 time, f64 sequence; then subject, header block, payload
//   FLOOR    f64 sequence: what is below is gone
//   DEAD     f64 from, f64 to: these are gone
//   SKIP     f64 sequence, f64 time; sequences up to there are used up; a time of -1 = it says nothing of the last message
export const MESSAGE = 1;
export const FLOOR = 2;
export const DEAD = 3;
export const SKIP = 4;
export const MESSAGE_BYTES = 28;
export const FLOOR_BYTES = 12;
export const DEAD_BYTES = 20;
export const SKIP_BYTES = 20;

/** Views of the same bytes. */
export interface Bytes {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

export function viewsOf(bytes: Uint8Array): Bytes {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
}

/** The name of a segment. */
export function segmentName(number: number): string {
  return `${String(number).padStart(8, '0')}.log`;
}

/** The number of a segment of that name; 0 = it is none. */
export function segmentNumber(name: string): number {
  const number = /^\d{8,10}\.log$/.test(name) ? Number.parseInt(name, 10) : 0;
  return number <= NUMBER_MOST && segmentName(number) === name ? number : 0;
}

/** Whether it is a sequence, or 0. */
export function isSeq(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Whether it is a time, or 0. */
export function isTime(value: number): boolean {
  return value >= 0 && value <= TIME_MOST;
}

/** Both heads of a segment. */
export function segmentHeads(head: SegmentHead): Uint8Array {
  const { bytes, view } = viewsOf(new Uint8Array(FRAMES_AT));
  view.setUint32(0, SEGMENT_MAGIC, true);
  view.setUint32(8, FORMAT_VERSION, true);
  view.setUint32(12, head.number, true);
  view.setUint32(16, head.nonce, true);
  view.setUint32(20, head.cleaned, true);
  view.setFloat64(24, head.lastSeq, true);
  view.setFloat64(32, head.lastTimeMs, true);
  view.setFloat64(40, head.firstSeq, true);
  view.setUint32(48, head.previous.number, true);
  view.setUint32(52, head.previous.nonce, true);
  view.setUint32(56, head.previous.bytes, true);
  view.setUint32(60, head.subjects, true);
  view.setUint32(4, crc32(bytes.subarray(8, SEGMENT_HEAD_BYTES)), true);
  bytes.copyWithin(SEGMENT_HEAD_BYTES, 0, SEGMENT_HEAD_BYTES);
  return bytes;
}

/** What the first of the two heads that is whole says; a number is the version that this code does not know. */
export function readSegmentHead({ bytes, view }: Bytes): SegmentHead | number | undefined {
  for (const at of [0, SEGMENT_HEAD_BYTES]) {
    if (bytes.length < at + SEGMENT_HEAD_BYTES) return undefined;
    if (view.getUint32(at, true) !== SEGMENT_MAGIC) continue;
    const sum = crc32(bytes.subarray(at + 8, at + SEGMENT_HEAD_BYTES));
    if (view.getUint32(at + 4, true) !== sum) continue;
    const version = view.getUint32(at + 8, true);
    if (version !== FORMAT_VERSION) return version;
    const head = headAt(view, at);
    const { lastSeq, firstSeq, lastTimeMs } = head;
    if (isSeq(lastSeq) && isTime(lastTimeMs) && firstSeq >= 0 && firstSeq <= lastSeq + 1)
      return head;
  }
  return undefined;
}

function headAt(view: DataView, at: number): SegmentHead {
  return {
    number: view.getUint32(at + 12, true),
    nonce: view.getUint32(at + 16, true),
    cleaned: view.getUint32(at + 20, true),
    lastSeq: view.getFloat64(at + 24, true),
    lastTimeMs: view.getFloat64(at + 32, true),
    firstSeq: view.getFloat64(at + 40, true),
    previous: {
      number: view.getUint32(at + 48, true),
      nonce: view.getUint32(at + 52, true),
      bytes: view.getUint32(at + 56, true),
    },
    subjects: view.getUint32(at + 60, true),
  };
}

/** Whether heads that are not whole may be what a power loss has left of ours: of each nothing, or its begin. */
export function areHeadsTorn({ bytes, view }: Bytes): boolean {
  return [0, SEGMENT_HEAD_BYTES].every((at) => {
    const word = bytes.length < at + 4 ? 0 : view.getUint32(at, true);
    return [0, 0xff, 0xffff, 0xffffff, 0xffffffff].some((mask) => word === (SEGMENT_MAGIC & mask));
  });
}

/**
 * Writes the head of the frame whose records are there already.
 *
 * @param start where it begins in `bytes`; `position` is where it will in the segment
 */
export function sealFrame(
  { bytes, view }: Bytes,
  start: number,
  end: number,
  position: number,
  nonce: number,
  synced: Place,
  beforeSeq: number,
): void {
  const seed = seedOf(nonce, position);
  view.setUint32(start, FRAME_MAGIC, true);
  view.setUint32(start + 8, end - start, true);
  view.setUint32(start + 12, crc32(bytes.subarray(start + FRAME_HEAD_BYTES, end), seed), true);
  view.setUint32(start + 16, synced.number, true);
  view.setUint32(start + 20, synced.at, true);
  view.setFloat64(start + 24, beforeSeq, true);
  const head = bytes.subarray(start + 8, start + FRAME_HEAD_BYTES);
  view.setUint32(start + 4, crc32(head, seed), true);
}

/** Bytes of the frame that begins at `start`; 0 = there is no whole head of one. */
export function frameBytes(
  { bytes, view }: Bytes,
  start: number,
  position: number,
  nonce: number,
): number {
  if (bytes.length - start < FRAME_HEAD_BYTES) return 0;
  if (view.getUint32(start, true) !== FRAME_MAGIC) return 0;
  const head = bytes.subarray(start + 8, start + FRAME_HEAD_BYTES);
  if (view.getUint32(start + 4, true) !== crc32(head, seedOf(nonce, position))) return 0;
  return view.getUint32(start + 8, true);
}

/** Whether the records of a frame with a whole head are what was written. */
export function isFrameWhole(
  { bytes, view }: Bytes,
  start: number,
  length: number,
  position: number,
  nonce: number,
): boolean {
  if (length < FRAME_HEAD_BYTES || start + length > bytes.length) return false;
  const records = bytes.subarray(start + FRAME_HEAD_BYTES, start + length);
  return view.getUint32(start + 12, true) === crc32(records, seedOf(nonce, position));
}

export function readFrameHead(view: DataView, start: number): FrameHead {
  return {
    bytes: view.getUint32(start + 8, true),
    syncedNumber: view.getUint32(start + 16, true),
    syncedAt: view.getUint32(start + 20, true),
    beforeSeq: view.getFloat64(start + 24, true),
  };
}

/** The last sequence that a whole frame uses up; 0 = none. */
export function lastSeqIn(view: DataView, start: number, bytes: number): number {
  const end = start + bytes;
  let last = 0;
  for (let at = start + FRAME_HEAD_BYTES; at < end; ) {
    const length = recordBytes(view, at, end);
    if (length === 0) break;
    const kind = view.getUint32(at, true) & 0xff;
    if (kind === MESSAGE || kind === SKIP) {
      const seq = view.getFloat64(kind === MESSAGE ? at + 20 : at + 4, true);
      if (isSeq(seq)) last = Math.max(last, seq);
    }
    at += length;
  }
  return last;
}

/** Bytes of the record at `at`; 0 = there is no such record, or it is not whole in front of `end`. */
export function recordBytes(view: DataView, at: number, end: number): number {
  if (at + FLOOR_BYTES > end) return 0;
  const word = view.getUint32(at, true);
  const bytes = bytesOf(word, view, at);
  return at + bytes <= end ? bytes : 0;
}

function bytesOf(word: number, view: DataView, at: number): number {
  switch (word & 0xff) {
    case MESSAGE:
      return MESSAGE_BYTES + (word >>> 8) + view.getUint32(at + 4, true);
    case FLOOR:
      return FLOOR_BYTES;
    case DEAD:
      return DEAD_BYTES;
    case SKIP:
      return SKIP_BYTES;
    default:
      return 0;
  }
}

function seedOf(nonce: number, position: number): number {
  return (nonce ^ position) >>> 0;
}
