// Bytes of many sizes, one behind the other in slabs. Who keeps something under a number (a message under its sequence,
// a subject's text under its id) remembers where it lies; the number lies in front of it, so that a slab can be emptied:
// what still belongs to somebody is copied to the open slab, a few records an operation, until nothing is left.
//
//   slab 3     │ key - base │ length │ bytes … pad │ key - base │ length │ bytes … pad │ free ──►
//              └ 4 B ───────┴ 4 B ───┴ to 4 B ─────┘
//
// Slabs grow with what lives, from 4 KiB to 1 MiB, so that a small stream is small and no allocation takes long. What is
// larger than an eighth of the largest slab has one of its own, and is never moved.
import { copyWords, WORDS_MAX } from '../../core/index.ts';
import { assert } from '../../shared/errors.ts';
import type { Memory } from './memory.ts';

/** Who keeps the places. */
export interface SlabOwner {
  /** Whether what belongs to `key` lies there. */
  holds(key: number, slab: number, at: number): boolean;
  /** It lies there now; called right after `holds` has said yes. */
  moved(key: number, slab: number, at: number): void;
}

interface Slab {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly data: DataView;
  readonly words: Int32Array;
  /** It holds one record, and goes with it. */
  readonly isOwn: boolean;
  baseKey: number;
  used: number;
  /** Bytes of records that belong to somebody. */
  living: number;
}

const HEAD_BYTES = 8;
/** The smallest slab, and the largest when nobody says otherwise. */
const LEAST_BYTES = 4096;
const MOST_BYTES = 1 << 20;
/** Of the largest slab, which records have a slab of their own. */
const OWN_SHARE = 8;
/** A slab grows with what lives: so that the free end of the open one is a fraction of it. */
const LIVING_SHARE = 4;
/** One slab is kept to be used again where so many are full. */
const SPARE_SHARE = 4;
/** Keys of one slab differ by less. */
const SPAN = 2 ** 31;

// A record that dies leaves a hole of its size. While slabs may be a third empty, three records walked for each that dies
// keep up with it; a few more bring the end nearer. 8 take some 0.3 µs.
const RECORDS_A_STEP = 8;
const BYTES_A_STEP = 1 << 16;
/** A slab that is fuller is not worth the copy. */
const WORTH = 0.8;

export class Slabs {
  readonly #memory: Memory;
  readonly #owner: SlabOwner;
  readonly #most: number;
  readonly #least: number;
  readonly #slabs: (Slab | undefined)[] = [];
  readonly #vacant: number[] = [];
  #open: Slab | undefined;
  /** The one that is being emptied, and how far it is. */
  #victim: Slab | undefined;
  #cursor = 0;
  /** A slab of the largest size, to be used again. */
  #spare: ArrayBuffer | undefined;
  /** Of the shared slabs: their sizes, and of what belongs to somebody. */
  #size = 0;
  #living = 0;
  /** No slab was worth it; until something dies. */
  #isSettled = false;

  /** Where `reserve` has made room, and the bytes of that slab. */
  slab = 0;
  at = 0;
  bytes: Uint8Array = new Uint8Array(0);
  data: DataView = new DataView(new ArrayBuffer(0));

  /** @param most bytes of the largest slab, a power of two */
  constructor(memory: Memory, owner: SlabOwner, most: number = MOST_BYTES) {
    this.#memory = memory;
    this.#owner = owner;
    this.#most = most;
    this.#least = Math.min(LEAST_BYTES, most);
  }

  /** Makes room for `length` bytes under `key`; `slab`, `at` and `bytes` say where. Throws CapacityError. */
  reserve(key: number, length: number): void {
    const size = recordBytes(length);
    let slab = this.#open;
    if (slab === undefined || size > slab.bytes.length - slab.used || isFar(slab, key)) {
      slab = this.#make(size);
    }
    const { used } = slab;
    if (used === 0) slab.baseKey = key;
    slab.words[used >>> 2] = key - slab.baseKey;
    slab.words[(used >>> 2) + 1] = length;
    slab.used = used + size;
    slab.living += size;
    if (!slab.isOwn) this.#living += size;
    this.slab = slab.number;
    this.at = used + HEAD_BYTES;
    if (this.bytes === slab.bytes) return;
    this.bytes = slab.bytes;
    this.data = slab.data;
  }

  /** A slab, good until anything is released or reserved. */
  slabOf(number: number): { readonly bytes: Uint8Array; readonly data: DataView } {
    return this.#slabs[number] as Slab;
  }

  /** What lies there belongs to nobody any more. */
  release(number: number, length: number): void {
    const slab = this.#slabs[number] as Slab;
    const size = recordBytes(length);
    slab.living -= size;
    if (!slab.isOwn) this.#living -= size;
    this.#isSettled = false;
    if (slab.living > 0) return;
    if (slab === this.#open) slab.used = 0;
    else this.#drop(slab);
  }

  /**
   * More of the slabs behind the open one is empty than should be: `step` has work to do. Where the oldest go first a slab
   * empties itself: to be at it shortly before was 6 % of a publish that makes another go.
   */
  get isWasteful(): boolean {
    const open = this.#open;
    if (open === undefined || this.#isSettled) return false;
    const { length } = open.bytes;
    const half = (this.#living - open.living) / 2;
    return this.#size - length - 2 * half > half + Math.min(half, length) + this.#least;
  }

  /** Does a little of the work. */
  step(): void {
    const slab = this.#victim ?? this.#choose();
    if (slab === undefined) {
      this.#isSettled = true;
      return;
    }
    let bytesLeft = BYTES_A_STEP;
    for (let left = RECORDS_A_STEP; left > 0 && bytesLeft > 0; left--) {
      // Emptied by what was moved or released, or walked to its end.
      if (this.#victim !== slab) return;
      const head = this.#cursor;
      assert(head < slab.used, 'who keeps something in a slab knows where it lies');
      const length = slab.words[(head >>> 2) + 1] as number;
      const key = slab.baseKey + (slab.words[head >>> 2] as number);
      if (this.#owner.holds(key, slab.number, head + HEAD_BYTES)) {
        if (!this.#move(slab, key, head + HEAD_BYTES, length)) return;
        bytesLeft -= length;
      }
      this.#cursor = head + recordBytes(length);
    }
  }

  #move(from: Slab, key: number, at: number, length: number): boolean {
    try {
      this.reserve(key, length);
    } catch {
      // No memory for it now: the next release asks again.
      this.#victim = undefined;
      this.#isSettled = true;
      return false;
    }
    if (length <= WORDS_MAX) copyWords(from.data, at, length, this.data, this.at);
    else this.bytes.set(from.bytes.subarray(at, at + length), this.at);
    this.#owner.moved(key, this.slab, this.at);
    this.release(from.number, length);
    return true;
  }

  /** The emptiest slab that is not the open one. */
  #choose(): Slab | undefined {
    let least = WORTH;
    let chosen: Slab | undefined;
    for (const slab of this.#slabs) {
      if (slab === undefined || slab.isOwn || slab === this.#open) continue;
      const share = slab.living / slab.bytes.length;
      if (share >= least) continue;
      least = share;
      chosen = slab;
    }
    this.#victim = chosen;
    this.#cursor = 0;
    return chosen;
  }

  #make(size: number): Slab {
    const isOwn = size > this.#most / OWN_SHARE;
    const share = Math.max(this.#living / LIVING_SHARE, OWN_SHARE * size, this.#least);
    const bytes = isOwn ? size : Math.min(this.#most, powerAbove(share));
    const buffer = this.#takeBuffer(bytes);
    const slab: Slab = {
      number: this.#vacant.pop() ?? this.#slabs.length,
      bytes: new Uint8Array(buffer),
      data: new DataView(buffer),
      words: new Int32Array(buffer),
      isOwn,
      baseKey: 0,
      used: 0,
      living: 0,
    };
    this.#slabs[slab.number] = slab;
    if (isOwn) return slab;
    const before = this.#open;
    this.#open = slab;
    this.#size += bytes;
    if (before?.living === 0) this.#drop(before);
    return slab;
  }

  #takeBuffer(bytes: number): ArrayBuffer {
    const spare = this.#spare;
    if (spare === undefined || bytes !== this.#most) return this.#memory.take(bytes);
    this.#spare = undefined;
    return spare;
  }

  #drop(slab: Slab): void {
    const { number, bytes, isOwn } = slab;
    this.#slabs[number] = undefined;
    this.#vacant.push(number);
    if (slab === this.#victim) this.#victim = undefined;
    if (!isOwn) this.#size -= bytes.length;
    const isRich = this.#living > SPARE_SHARE * this.#most;
    if (!isRich && this.#spare !== undefined) {
      this.#spare = undefined;
      this.#memory.give(this.#most);
    }
    if (isRich && bytes.length === this.#most && this.#spare === undefined) {
      this.#spare = bytes.buffer as ArrayBuffer;
    } else {
      this.#memory.give(bytes.length);
    }
  }
}

/** Copies bytes between arrays. Short texts are copied sooner by a loop than by `set`. */
export function copyBytes(
  source: Uint8Array,
  at: number,
  target: Uint8Array,
  to: number,
  length: number,
): void {
  if (length > 20) target.set(source.subarray(at, at + length), to);
  else for (let i = 0; i < length; i++) target[to + i] = source[at + i] as number;
}

function recordBytes(length: number): number {
  return HEAD_BYTES + ((length + 3) & ~3);
}

function isFar(slab: Slab, key: number): boolean {
  return slab.used > 0 && Math.abs(key - slab.baseKey) >= SPAN;
}

/** The least power of two that is not below `bytes`. */
function powerAbove(bytes: number): number {
  return 2 ** Math.ceil(Math.log2(bytes));
}
