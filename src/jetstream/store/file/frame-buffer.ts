// What has been said to the log and is not written yet: frames that are closed, and the one at the end, to which records
// are added.
//
//   │ head │ record │ record │ head │ record │ record ─►
//   0                        frameAt                  used
import { CapacityError } from '../../../shared/errors.ts';
import { type Bytes, FRAME_HEAD_BYTES, type Place, sealFrame, viewsOf } from './format.ts';

/** So much is kept for the next turn whatever this one took: to make it anew was half of the cost of a single publish. */
const LEAST_BYTES = 4096;
/** More is given back when a turn has needed none of it, or so many in a row less than a quarter. */
const SMALL_MOST = 8;
/** More is kept for nobody: a large message has had it. */
const KEPT_BYTES = 1 << 20;

export class FrameBuffer implements Bytes {
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  used = 0;
  /** Where the open frame begins; -1 = none is open. */
  frameAt = -1;
  #beforeSeq = 0;
  /** Turns that have needed little. */
  #small = 0;

  /** Bytes of the open frame; 0 = there is none. */
  get frameBytes(): number {
    return this.frameAt < 0 ? 0 : this.used - this.frameAt;
  }

  /** Makes room for a record of so many bytes in the open frame, or in a new one. Throws CapacityError. */
  reserve(length: number, beforeSeq: number): void {
    const size = this.used + length + FRAME_HEAD_BYTES;
    if (size > this.bytes.length) this.#grow(size);
    if (this.frameAt >= 0) return;
    this.frameAt = this.used;
    this.#beforeSeq = beforeSeq;
    this.used += FRAME_HEAD_BYTES;
  }

  #grow(size: number): void {
    const least = Math.max(size, LEAST_BYTES);
    let bytes: Uint8Array;
    try {
      bytes = new Uint8Array(2 ** Math.ceil(Math.log2(least)));
    } catch (cause) {
      throw new CapacityError('another message', { cause });
    }
    bytes.set(this.bytes.subarray(0, this.used));
    ({ bytes: this.bytes, view: this.view } = viewsOf(bytes));
  }

  /** Closes the open frame. `position` is where the buffer begins in its segment. */
  seal(position: number, nonce: number, synced: Place): void {
    const { frameAt, used } = this;
    if (frameAt < 0) return;
    this.frameAt = -1;
    if (used === frameAt + FRAME_HEAD_BYTES) {
      this.used = frameAt;
      return;
    }
    sealFrame(this, frameAt, used, position + frameAt, nonce, synced, this.#beforeSeq);
  }

  /** It is empty; what lies in it is there until more comes. Memory that is not needed any more is given back. */
  reset(): void {
    const { length } = this.bytes;
    const isLarge = length > LEAST_BYTES;
    this.#small = isLarge && this.used * 4 < length ? this.#small + 1 : 0;
    const isIdle = isLarge && this.used === 0;
    if (length > KEPT_BYTES || isIdle || this.#small === SMALL_MOST) this.release();
    this.used = 0;
    this.frameAt = -1;
  }

  /** Gives its memory back. */
  release(): void {
    this.#small = 0;
    ({ bytes: this.bytes, view: this.view } = viewsOf(new Uint8Array(0)));
  }
}
