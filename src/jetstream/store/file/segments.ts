// The segments of a log, in the order of their numbers. Rows name a segment by its slot, which is given away again when the
// segment is gone.
import { CapacityError, StorageError } from '../../../shared/errors.ts';
import type { DiskFile } from './disk.ts';
import { FRAMES_AT, type Place, type SegmentHead } from './format.ts';

/** Slots fit half a word of a row. */
const SLOTS_MOST = 0x10000;
/** What a message weighs beside its body, when it is judged how much of a segment lives. */
const MESSAGE_WEIGHT = 32;

export class Segment {
  readonly head: SegmentHead;
  readonly slot: number;
  readonly file: DiskFile;
  /** What has been written. */
  bytes: number = FRAMES_AT;
  /** Weight of all its messages, and of those that live. */
  total = 0;
  living = 0;
  /** The lowest sequence that a tombstone in it names. */
  deadFrom: number = Number.POSITIVE_INFINITY;
  /** Work on it has failed: it waits until another segment is full. */
  isStuck = false;
  /** Its index stands for what is before that, and has so many bytes (index-block.ts). */
  indexed: number = FRAMES_AT;
  indexBytes = 0;
  /** The checksum of the heads of its blocks. */
  headSum = 0;
  /** So far the mark at the end of its index says that it was synced. */
  marked: number = FRAMES_AT;
  hasIndex = false;
  /** It has no more of an index than that. */
  isIndexEnded = false;

  constructor(head: SegmentHead, slot: number, file: DiskFile) {
    this.head = head;
    this.slot = slot;
    this.file = file;
  }

  get number(): number {
    return this.head.number;
  }

  /** A message with a body of so many bytes lies in it, or several. */
  add(bodyBytes: number, count = 1): void {
    this.total += count * MESSAGE_WEIGHT + bodyBytes;
    this.living += count * MESSAGE_WEIGHT + bodyBytes;
  }

  /** It has died. */
  remove(bodyBytes: number, count = 1): void {
    this.living -= count * MESSAGE_WEIGHT + bodyBytes;
  }

  /** It lives after all. */
  revive(bodyBytes: number): void {
    this.living += MESSAGE_WEIGHT + bodyBytes;
  }

  /** Less than half of it lives. */
  get isSparse(): boolean {
    return this.living * 2 < this.total;
  }
}

export class Segments {
  readonly list: Segment[] = [];
  readonly #slots: (Segment | undefined)[] = [];
  readonly #vacant: number[] = [];
  /** Those that have been written since they were synced. */
  readonly unsynced: Set<Segment> = new Set();
  #lastNumber = 0;

  get last(): Segment | undefined {
    return this.list.at(-1);
  }

  /** The end of the log. */
  get end(): Place {
    const { last } = this;
    return last === undefined ? { number: 0, at: 0 } : { number: last.number, at: last.bytes };
  }

  /** A number above all that there have been. */
  takeNumber(): number {
    return ++this.#lastNumber;
  }

  /** It is in use, or was. */
  skipNumber(number: number): void {
    this.#lastNumber = Math.max(this.#lastNumber, number);
  }

  bySlot(slot: number): Segment {
    return this.#slots[slot] as Segment;
  }

  /** A segment that is not in the list yet, with a slot. Throws CapacityError. */
  make(head: SegmentHead, file: DiskFile): Segment {
    const slot = this.#vacant.pop() ?? this.#slots.length;
    if (slot >= SLOTS_MOST) throw new CapacityError('another segment');
    const segment = new Segment(head, slot, file);
    this.#slots[slot] = segment;
    return segment;
  }

  /** Adds one behind all others. */
  push(segment: Segment): void {
    this.list.push(segment);
    this.unsynced.add(segment);
    this.skipNumber(segment.number);
  }

  /** No message is left: in one that is being written anew there is none either. */
  empty(): void {
    for (const segment of this.#slots) if (segment !== undefined) segment.living = 0;
  }

  /** Puts one in the place of neighbours, or nothing. No row names them any more. */
  replace(olds: readonly Segment[], by: Segment | undefined): void {
    const index = this.list.indexOf(olds[0] as Segment);
    this.list.splice(index, olds.length, ...(by === undefined ? [] : [by]));
    for (const old of olds) {
      this.unsynced.delete(old);
      this.free(old);
    }
  }

  /** The slot is used no more. */
  free({ slot }: Segment): void {
    this.#slots[slot] = undefined;
    this.#vacant.push(slot);
  }

  /** What the next head says of the end of a segment, which is not the last one. */
  headBehind(segment: Segment): SegmentHead {
    return (this.list[this.list.indexOf(segment) + 1] as Segment).head;
  }

  /**
   * Whether something of `from` to `to`, which a tombstone in segment `number` names, may still lie in a segment before
   * it: one that was not rewritten since.
   *
   * @param except these are being rewritten
   */
  isNamed(from: number, to: number, number: number, except: readonly Segment[]): boolean {
    for (let i = 0; i < this.list.length; i++) {
      const segment = this.list[i] as Segment;
      if (segment.number >= number || segment.head.lastSeq >= to) return false;
      const last = this.list[i + 1]?.head.lastSeq ?? Number.MAX_SAFE_INTEGER;
      if (last < from || segment.head.cleaned > number) continue;
      if (!except.includes(segment)) return true;
    }
    return false;
  }
}

/** A frame is whole, and what is said at that position of the segment cannot be. */
export function unknownRecord({ file }: Segment, at: number): StorageError {
  return new StorageError(`${file.path}: a record that is not known at ${at}`);
}
