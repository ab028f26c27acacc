// Counts messages that are all the same by comparing what comes with what has to come, a block of frames at a
// time: at the speed of memory, so that the reader of a fast server does not slow it down, and yet no byte goes
// unseen. It stops in front of whatever is not such a frame, which is then read as a line.

/** Bytes compared at once. */
const BLOCK_BYTES = 64 * 1024;

export class FrameCounter {
  readonly #frameLen: number;
  /** Whole frames. */
  readonly #block: Buffer;
  /** Bytes of the block that have come. */
  #phase = 0;
  #bytes = 0;

  constructor(frame: string) {
    this.#frameLen = frame.length;
    this.#block = Buffer.from(frame.repeat(Math.ceil(BLOCK_BYTES / frame.length)), 'latin1');
  }

  /** Bytes of all frames that have come, and of the unfinished one. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Takes the frames from `at` on, and returns the first byte that it has not taken, where a frame would begin.
   * Throws Error when a frame that began in an earlier read goes on differently.
   */
  take(bytes: Buffer, at: number): number {
    const block = this.#block;
    for (let next = at; next < bytes.length; ) {
      const length = Math.min(block.length - this.#phase, bytes.length - next);
      const same = this.#same(bytes, next, length);
      this.#bytes += same;
      next += same;
      this.#phase = (this.#phase + same) % block.length;
      if (same < length) return next;
    }
    return bytes.length;
  }

  /** How many of `length` bytes are as they have to be, to the last end of a frame if not all. */
  #same(bytes: Buffer, at: number, length: number): number {
    const block = this.#block;
    const phase = this.#phase;
    if (block.compare(bytes, at, at + length, phase, phase + length) === 0) return length;
    let end = phase;
    while (block[end] === bytes[at + end - phase]) end++;
    const frames = end - (end % this.#frameLen) - phase;
    if (frames < 0) throw new Error('a subscriber got a message that was not published');
    return frames;
  }
}
