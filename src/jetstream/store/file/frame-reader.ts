// Reads frames that have been written: a block at a time, of which the last few are kept. Who goes from one message to the
// next finds many in a block; who jumps pays for a small one. Blocks are cut from slabs, since a buffer for each would cost
// more than the read. None is written again, so what was read from it is good for as long as somebody has it. Each frame
// is checked by its checksum before anything of it is believed.
import {
  FRAME_HEAD_BYTES,
  frameBytes,
  isFrameWhole,
  MESSAGE,
  recordBytes,
  viewsOf,
} from './format.ts';
import { FRAME_MOST } from './places.ts';
import type { Segment } from './segments.ts';

const BLOCKS = 8;
const LONG_BYTES = 65_536;
/** A whole frame, unless it is a message by itself or has many tombstones. */
const SHORT_BYTES: number = FRAME_MOST;
const SLAB_BYTES = 262_144;

class Block {
  readonly segment: Segment;
  readonly position: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** The frame that was checked last. */
  checked = -1;

  constructor(segment: Segment, position: number, bytes: Uint8Array) {
    this.segment = segment;
    this.position = position;
    ({ bytes: this.bytes, view: this.view } = viewsOf(bytes));
  }
}

export class FrameReader {
  readonly #blocks: (Block | undefined)[] = new Array(BLOCKS).fill(undefined);
  #next = 0;
  #slab = new Uint8Array(0);
  #slabUsed = 0;
  /** Below 0: it has changed since it was counted. */
  #heldBytes = 0;
  /** Where the last frame ended: who asks for the one there goes through all. */
  #endSegment: Segment | undefined;
  #end = 0;
  /** The frame that was found last. */
  #foundSegment: Segment | undefined;
  #foundAt = 0;

  /** Of the frame that was found last: the bytes in which it lies, and where it begins and ends there. */
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  at = 0;
  end = 0;

  /** It is asked at each commit. */
  get heldBytes(): number {
    if (this.#heldBytes < 0) this.#heldBytes = this.#countHeld();
    return this.#heldBytes;
  }

  #countHeld(): number {
    const buffers = new Set<ArrayBufferLike>([this.#slab.buffer]);
    for (const block of this.#blocks) if (block !== undefined) buffers.add(block.bytes.buffer);
    let bytes = 0;
    for (const { byteLength } of buffers) bytes += byteLength;
    return bytes;
  }

  /** Finds the frame at a position; false: it is damaged. Throws StorageError. */
  find(segment: Segment, position: number): boolean {
    // Of a frame of small messages one is asked for after the other.
    if (segment === this.#foundSegment && position === this.#foundAt) return true;
    this.#foundSegment = undefined;
    const isNext = segment === this.#endSegment && position === this.#end;
    const least = isNext ? LONG_BYTES : SHORT_BYTES;
    let block = this.#blockOf(segment, position) ?? this.#load(segment, position, least);
    const { nonce } = segment.head;
    let start = position - block.position;
    const length = frameBytes(block, start, position, nonce);
    if (length === 0) return false;
    if (start + length > block.bytes.length) {
      // A small one at the end of a block: what is behind it comes with it.
      block = this.#load(segment, position, length > SHORT_BYTES ? length : least);
      start = 0;
    }
    if (block.checked !== start) {
      if (!isFrameWhole(block, start, length, position, nonce)) return false;
      block.checked = start;
    }
    this.#endSegment = segment;
    this.#end = position + length;
    this.bytes = block.bytes;
    this.view = block.view;
    this.at = start;
    this.end = start + length;
    this.#foundSegment = segment;
    this.#foundAt = position;
    return true;
  }

  /** Whether its record so far behind its begin is a message with that sequence: an index may say that of any place. */
  has(seq: number, inFrame: number): boolean {
    const { view, end } = this;
    const at = this.at + inFrame;
    if (recordBytes(view, at, end) === 0 || (view.getUint32(at, true) & 0xff) !== MESSAGE)
      return false;
    const isWhole = view.getUint32(at + 8, true) <= view.getUint32(at + 4, true);
    return isWhole && view.getFloat64(at + 20, true) === seq;
  }

  /** The block that has at least the head of the frame. */
  #blockOf(segment: Segment, position: number): Block | undefined {
    return this.#blocks.find((block) => {
      if (block?.segment !== segment) return false;
      const start = position - block.position;
      return start >= 0 && start + FRAME_HEAD_BYTES <= block.bytes.length;
    });
  }

  #load(segment: Segment, position: number, length: number): Block {
    const most = Math.max(0, Math.min(length, segment.bytes - position));
    const target = this.#cut(most);
    const count = segment.file.read(target, 0, most, position);
    const block = new Block(segment, position, target.subarray(0, count));
    if (length > LONG_BYTES) this.#forgetLarge();
    this.#heldBytes = -1;
    this.#blocks[this.#next] = block;
    this.#next = (this.#next + 1) % BLOCKS;
    return block;
  }

  /** A large message is a block of its own: one such is kept. */
  #forgetLarge(): void {
    for (let i = 0; i < BLOCKS; i++) {
      if ((this.#blocks[i]?.bytes.length ?? 0) > LONG_BYTES) this.#blocks[i] = undefined;
    }
  }

  /** Room for a block. */
  #cut(length: number): Uint8Array {
    if (length > LONG_BYTES) return new Uint8Array(length);
    if (this.#slab.length - this.#slabUsed < length) {
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#slabUsed = 0;
    }
    const start = this.#slabUsed;
    this.#slabUsed += length;
    return this.#slab.subarray(start, this.#slabUsed);
  }

  /** Nothing is kept of a segment that is gone. */
  forget(segment: Segment): void {
    this.#heldBytes = -1;
    for (let i = 0; i < BLOCKS; i++) {
      if (this.#blocks[i]?.segment === segment) this.#blocks[i] = undefined;
    }
    if (this.#endSegment === segment) this.#endSegment = undefined;
    if (this.#foundSegment === segment) this.#foundSegment = undefined;
  }
}
