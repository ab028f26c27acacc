// What rows say of places in a log, and how large the pieces of it are.
import { fillRandom } from '../../../shared/entropy.ts';
import type { Segment } from './segments.ts';

/** A frame that is longer takes no more messages: so much is read and checked for one of them. */
export const FRAME_MOST = 4096;
/** A write of 1 MiB takes some 0.4 ms, one of 4 MiB up to 36. */
export const WRITE_MOST: number = 1 << 20;

/** What a row says of a place: slot, and how far the record lies behind the begin of its frame. */
export function placeWord({ slot }: Segment, inFrame: number): number {
  return ((slot << 16) | inFrame) >>> 0;
}

export function newNonce(): number {
  return fillRandom(new Uint32Array(1))[0] as number;
}
