// What rows say of places in a log, and how large the pieces of it are.
import { fillRandom } from '../../../shared/entropy.ts';
import type { Segment } from './segments.ts';

/** A frame that is longer takes no more messages: so much is read and checked for one of them. */
export const FRAME_MOST = 4096;
/** A write of 1 MiB takes some 0.4 ms, one of 4 MiB up to 36. */
export const WRITE_MOST: number = 1 << 20;
const PLACES_LEAST = 1024;
const PLACES_KEPT = 65_536;

/** What a row says of a place: slot, and how far the record lies behind the begin of its frame. */
export function placeWord({ slot }: Segment, inFrame: number): number {
  return ((slot << 16) | inFrame) >>> 0;
}

/** Where messages lie: in the order in which they were added. */
export class PlaceList {
  count = 0;
  seqs: Float64Array = new Float64Array(0);
  places: Uint32Array = new Uint32Array(0);
  ats: Uint32Array = new Uint32Array(0);

  add(seq: number, place: number, at: number): void {
    if (this.count === this.seqs.length) this.#grow();
    this.seqs[this.count] = seq;
    this.places[this.count] = place;
    this.ats[this.count++] = at;
  }

  #grow(): void {
    const { seqs, places, ats } = this;
    const length = Math.max(PLACES_LEAST, 2 * seqs.length);
    this.seqs = new Float64Array(length);
    this.places = new Uint32Array(length);
    this.ats = new Uint32Array(length);
    this.seqs.set(seqs);
    this.places.set(places);
    this.ats.set(ats);
  }

  /** Without the last one. */
  pop(): void {
    this.count--;
  }

  /** It is empty. Room that was once needed and is much is given back. */
  clear(): void {
    this.count = 0;
    if (this.seqs.length <= PLACES_KEPT) return;
    this.seqs = new Float64Array(0);
    this.places = new Uint32Array(0);
    this.ats = new Uint32Array(0);
  }
}

/** Sequences, from one to another. */
export class Spans {
  all: [from: number, to: number][] = [];

  add(from: number, to: number): void {
    const last = this.all.at(-1);
    if (last?.[1] === from - 1) last[1] = to;
    else this.all.push([from, to]);
  }

  clear(): void {
    if (this.all.length > 0) this.all = [];
  }
}

export function newNonce(): number {
  return fillRandom(new Uint32Array(1))[0] as number;
}
