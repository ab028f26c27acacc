// Goes through a segment from frame to frame, a piece of it in memory at a time: what is no segment of ours may be of any
// length.
import type { Work } from '../../work.ts';
import {
  type Bytes,
  FRAME_HEAD_BYTES,
  FRAME_MAGIC,
  frameBytes,
  isFrameWhole,
  viewsOf,
} from './format.ts';
import type { Segment } from './segments.ts';

const PIECE_BYTES: number = 1 << 20;
/** What looks like a frame and is none: so many are looked at in a step. */
const LOOKS_A_STEP = 1024;
const MAGIC = Uint8Array.of(
  FRAME_MAGIC & 0xff,
  (FRAME_MAGIC >>> 8) & 0xff,
  (FRAME_MAGIC >>> 16) & 0xff,
  FRAME_MAGIC >>> 24,
);

export class FrameScan {
  readonly #segment: Segment;
  readonly #size: number;
  /** The piece, and where it begins in the segment. */
  #piece: Bytes;
  origin = 0;
  readonly #room: Uint8Array;

  /** @param room for pieces, as long as they are: whoever goes through one segment after the other gives the same */
  constructor(segment: Segment, room: Uint8Array = scanRoom(segment.bytes)) {
    this.#segment = segment;
    this.#size = segment.bytes;
    this.#room = room;
    this.#piece = viewsOf(room.subarray(0, 0));
  }

  get view(): DataView {
    return this.#piece.view;
  }

  get bytes(): Uint8Array {
    return this.#piece.bytes;
  }

  /** Bytes of the whole frame that begins there, which is in the piece then; 0 = there is none. Throws StorageError. */
  frame(at: number): number {
    if (at + FRAME_HEAD_BYTES > this.#size) return 0;
    this.#need(at, FRAME_HEAD_BYTES);
    const { nonce } = this.#segment.head;
    const length = frameBytes(this.#piece, at - this.origin, at, nonce);
    if (length === 0 || at + length > this.#size) return 0;
    this.#need(at, length);
    return isFrameWhole(this.#piece, at - this.origin, length, at, nonce) ? length : 0;
  }

  /** Where the next whole frame begins from there on, which is in the piece then; -1 = there is none. */
  *next(from: number): Work<number> {
    let looks = 0;
    for (let at = from; at + FRAME_HEAD_BYTES <= this.#size; ) {
      this.#need(at, FRAME_HEAD_BYTES);
      const { bytes } = this.#piece;
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      const found = text.indexOf(MAGIC, at - this.origin);
      if (found < 0) {
        // Some of it may be there.
        at = Math.max(at + 1, this.origin + bytes.length - MAGIC.length + 1);
        yield;
        continue;
      }
      at = this.origin + found;
      if (this.frame(at) > 0) return at;
      at++;
      if (++looks % LOOKS_A_STEP === 0) yield;
    }
    return -1;
  }

  /** Has so many bytes from there on in the piece. */
  #need(at: number, length: number): void {
    const { origin } = this;
    if (at >= origin && at + length <= origin + this.#piece.bytes.length) return;
    const size = Math.min(this.#size - at, Math.max(length, this.#room.length));
    const room = size <= this.#room.length ? this.#room : new Uint8Array(size);
    const count = this.#segment.file.read(room, 0, size, at);
    this.#piece = viewsOf(room.subarray(0, count));
    this.origin = at;
    // The file is shorter than it was.
    if (count < length) this.#piece = viewsOf(new Uint8Array(length));
  }
}

/** Room for the pieces of segments of so many bytes: what there is, if it is enough. */
export function scanRoom(bytes: number, room?: Uint8Array): Uint8Array {
  const needed = Math.min(bytes, PIECE_BYTES);
  return room === undefined || room.length < needed ? new Uint8Array(needed) : room;
}
