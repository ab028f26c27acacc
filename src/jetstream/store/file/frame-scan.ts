// Goes from frame to frame through bytes of a segment.
import { type Bytes, FRAME_HEAD_BYTES, FRAME_MAGIC, frameBytes, isFrameWhole } from './format.ts';

const MAGIC = Uint8Array.of(
  FRAME_MAGIC & 0xff,
  (FRAME_MAGIC >>> 8) & 0xff,
  (FRAME_MAGIC >>> 16) & 0xff,
  FRAME_MAGIC >>> 24,
);

/** Bytes of the whole frame that begins at `start`; 0 = there is none. `origin` is where the bytes begin in the segment. */
export function wholeFrame(source: Bytes, start: number, origin: number, nonce: number): number {
  const length = frameBytes(source, start, origin + start, nonce);
  return isFrameWhole(source, start, length, origin + start, nonce) ? length : 0;
}

/** Where the next whole frame begins from `from` on; -1 = there is none. */
export function nextFrame(
  { bytes, view }: Bytes,
  from: number,
  origin: number,
  nonce: number,
): number {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = from; ; at++) {
    at = text.indexOf(MAGIC, at);
    if (at < 0 || bytes.length - at < FRAME_HEAD_BYTES) return -1;
    if (wholeFrame({ bytes, view }, at, origin, nonce) > 0) return at;
  }
}
