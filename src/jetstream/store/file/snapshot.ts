// The index as a file, written when a store is closed: what is in it need not be read from the log at the next start. It says
// which segments it covers, and how much of each; it holds when they are there as they were, and the log is read from where
// the last of them ended. So it can be old, but never wrong: who rewrites or removes a segment makes it void.
//
//   │ head │ segments │ rows, a subject's text behind the first of its rows ─► │ checksum │
import { crc32 } from 'node:zlib';
import { Turns } from '../../../shared/turns.ts';
import type { Work } from '../../work.ts';
import type { IndexedStore } from '../indexed-store.ts';
import { ROW_AT, ROW_SLAB } from '../row-chunk.ts';
import type { Rows } from '../rows.ts';
import type { Disk, DiskFile } from './disk.ts';
import { type Bytes, isSeq, isTime, viewsOf } from './format.ts';
import type { Segment, Segments } from './segments.ts';

export const SNAPSHOT_NAME = 'index.snapshot';
const VERSION = 1;
const MAGIC = 0x584e4c47;

// The head, 64 bytes: u32 magic, u32 version, u32 segments, u32 subjects, f64 rows, f64 first sequence, f64 last sequence,
// f64 time of the last message, f64 bytes of the whole.
const HEAD_BYTES = 64;
// A segment, 40 bytes: u32 number, u32 nonce, u32 bytes, u32 0, f64 weight of all its messages, f64 what lives,
// f64 the lowest sequence that a tombstone in it names.
const SEGMENT_BYTES = 40;
// A row, 40 bytes: f64 sequence, f64 time, u32 number of the segment in the list, u32 position, u32 how far that is behind
// the begin of the frame, u32 bytes of header block and payload, u32 1 = there is a header block, u32 number of the
// subject. When that is new: u32 bytes of its text, and the text.
const ROW_BYTES = 40;
const SUM_BYTES = 4;
const PIECE_BYTES = 1 << 20;

/** Of all stores: each takes up to a MiB. */
const turns = new Turns(8);

/** Writes what the store is now; nothing may change meanwhile. Rejected with StorageError. */
export async function writeSnapshot(
  store: IndexedStore,
  rows: Rows,
  segments: Segments,
  disk: Disk,
  dir: string,
): Promise<void> {
  await turns.take();
  try {
    const file = disk.create(`${dir}/${SNAPSHOT_NAME}.tmp`);
    try {
      await new SnapshotWriter(store, rows, segments, file).run();
      await file.sync();
      await file.rename(`${dir}/${SNAPSHOT_NAME}`);
      await disk.syncDir(dir);
    } finally {
      file.close();
    }
  } finally {
    turns.done();
  }
}

class SnapshotWriter {
  readonly #store: IndexedStore;
  readonly #rows: Rows;
  readonly #segments: Segments;
  readonly #file: DiskFile;
  #piece: Bytes = viewsOf(new Uint8Array(PIECE_BYTES));
  #used = 0;
  #position = 0;
  #sum = 0;
  /** Numbers of subjects by their ids, from 1 on. */
  #numbers = new Uint32Array(1024);
  #subjects = 0;

  constructor(store: IndexedStore, rows: Rows, segments: Segments, file: DiskFile) {
    this.#store = store;
    this.#rows = rows;
    this.#segments = segments;
    this.#file = file;
  }

  async run(): Promise<void> {
    const { state } = this.#store;
    const { list } = this.#segments;
    const slots = new Map(list.map((segment, index) => [segment.slot, index]));
    // The length comes last, into the head.
    const head = viewsOf(new Uint8Array(HEAD_BYTES));
    head.view.setUint32(0, MAGIC, true);
    head.view.setUint32(4, VERSION, true);
    head.view.setUint32(8, list.length, true);
    head.view.setUint32(12, state.subjects, true);
    head.view.setFloat64(16, state.messages, true);
    head.view.setFloat64(24, state.firstSeq, true);
    head.view.setFloat64(32, state.lastSeq, true);
    head.view.setFloat64(40, state.lastTimeMs, true);
    this.#put(head.bytes);
    for (const segment of list) this.#putSegment(segment);
    for (let seq = this.#rows.first(); seq > 0; seq = this.#rows.next(seq + 1)) {
      this.#putRow(seq, slots);
      if (this.#used > PIECE_BYTES / 2) await this.#flush();
    }
    await this.#flush();
    const sum = viewsOf(new Uint8Array(SUM_BYTES));
    sum.view.setUint32(0, this.#sum, true);
    this.#put(sum.bytes);
    await this.#flush();
  }

  #putSegment({ head, bytes, total, living, deadFrom }: Segment): void {
    const { bytes: entry, view } = viewsOf(new Uint8Array(SEGMENT_BYTES));
    view.setUint32(0, head.number, true);
    view.setUint32(4, head.nonce, true);
    view.setUint32(8, bytes, true);
    view.setFloat64(16, total, true);
    view.setFloat64(24, living, true);
    view.setFloat64(32, deadFrom, true);
    this.#put(entry);
  }

  /** The row is the one at the cursor. */
  #putRow(seq: number, slots: ReadonlyMap<number, number>): void {
    const rows = this.#rows;
    const { words, times } = rows.chunk;
    const { word, subjectId } = rows;
    const place = words[word + ROW_SLAB] as number;
    const number = this.#numberOf(subjectId);
    const isNew = number === this.#subjects + 1;
    const text = isNew ? this.#store.subjectPlace(subjectId) : undefined;
    this.#reserve(ROW_BYTES + 4 + (text?.length ?? 0));
    const { bytes, view } = this.#piece;
    const start = this.#used;
    view.setFloat64(start, seq, true);
    view.setFloat64(start + 8, times[word >>> 1] as number, true);
    view.setUint32(start + 16, slots.get(place >>> 16) as number, true);
    view.setUint32(start + 20, words[word + ROW_AT] as number, true);
    view.setUint32(start + 24, place & 0xffff, true);
    view.setUint32(start + 28, rows.bodyBytes, true);
    view.setUint32(start + 32, rows.hasHeaders ? 1 : 0, true);
    view.setUint32(start + 36, number, true);
    this.#used += ROW_BYTES;
    if (text === undefined) return;
    this.#subjects = number;
    view.setUint32(this.#used, text.length, true);
    bytes.set(text.bytes.subarray(text.at, text.at + text.length), this.#used + 4);
    this.#used += 4 + text.length;
  }

  /** The number of a subject; of one that has none yet the next. */
  #numberOf(id: number): number {
    if (id >= this.#numbers.length) {
      const more = new Uint32Array(2 ** Math.ceil(Math.log2(id + 1)));
      more.set(this.#numbers);
      this.#numbers = more;
    }
    this.#numbers[id] ||= this.#subjects + 1;
    return this.#numbers[id] as number;
  }

  #put(source: Uint8Array): void {
    this.#reserve(source.length);
    this.#piece.bytes.set(source, this.#used);
    this.#used += source.length;
  }

  #reserve(length: number): void {
    const { bytes } = this.#piece;
    if (this.#used + length <= bytes.length) return;
    const more = new Uint8Array(2 * (this.#used + length));
    more.set(bytes.subarray(0, this.#used));
    this.#piece = viewsOf(more);
  }

  async #flush(): Promise<void> {
    const part = this.#piece.bytes.subarray(0, this.#used);
    this.#sum = crc32(part, this.#sum);
    await this.#file.writeLater(part, this.#position);
    this.#position += part.length;
    this.#used = 0;
  }
}

/** It is damaged, or does not hold any more: the log says all that it says. */
export class SnapshotError extends Error {}

/** What the head says, and where a segment was. */
export interface SnapshotHead {
  readonly rows: number;
  /** 0 = it does not say. */
  readonly subjects: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly lastTimeMs: number;
  /** The first of the segments, as they are in the list: how far they are covered, and what is known of them. */
  readonly segments: readonly SnapshotSegment[];
}

export interface SnapshotSegment {
  readonly segment: Segment;
  readonly bytes: number;
  readonly total: number;
  readonly living: number;
  readonly deadFrom: number;
}

/** One row; one object, good until the next. */
export interface SnapshotRow {
  seq: number;
  timeMs: number;
  segment: SnapshotSegment;
  at: number;
  inFrame: number;
  bodyBytes: number;
  hasHeaders: boolean;
  /** The number of its subject, from 1 on; its text when it is new. */
  subject: number;
  text: Uint8Array | undefined;
}

/** Reads a snapshot of a store with these segments, if it holds. Throws SnapshotError, StorageError. */
export class SnapshotReader {
  readonly #file: DiskFile;
  readonly #size: number;
  #piece: Bytes = viewsOf(new Uint8Array(0));
  #at = 0;
  #position = 0;

  constructor(file: DiskFile) {
    this.#file = file;
    this.#size = file.size();
  }

  *head(list: readonly Segment[]): Work<SnapshotHead> {
    if (this.#size < HEAD_BYTES + SUM_BYTES || !(yield* this.#isWhole())) throw new SnapshotError();
    const { view, at } = this.#take(HEAD_BYTES);
    if (view.getUint32(at, true) !== MAGIC || view.getUint32(at + 4, true) !== VERSION) {
      throw new SnapshotError();
    }
    const count = view.getUint32(at + 8, true);
    const subjects = view.getUint32(at + 12, true);
    const rows = view.getFloat64(at + 16, true);
    const firstSeq = view.getFloat64(at + 24, true);
    const lastSeq = view.getFloat64(at + 32, true);
    const lastTimeMs = view.getFloat64(at + 40, true);
    if (!isSeq(rows) || !isSeq(lastSeq) || !(firstSeq >= 0 && firstSeq <= lastSeq + 1)) {
      throw new SnapshotError();
    }
    if (rows * ROW_BYTES > this.#size || subjects > rows) throw new SnapshotError();
    if (count > list.length || !isTime(lastTimeMs)) throw new SnapshotError();
    const segments: SnapshotSegment[] = [];
    for (let i = 0; i < count; i++) segments.push(this.#segment(list[i] as Segment, i < count - 1));
    return { rows, subjects, firstSeq, lastSeq, lastTimeMs, segments };
  }

  /** @param isClosed nothing can have been added since */
  #segment(segment: Segment, isClosed: boolean): SnapshotSegment {
    const { view, at } = this.#take(SEGMENT_BYTES);
    const bytes = view.getUint32(at + 8, true);
    const total = view.getFloat64(at + 16, true);
    const living = view.getFloat64(at + 24, true);
    const deadFrom = view.getFloat64(at + 32, true);
    const isAsItWas =
      segment.number === view.getUint32(at, true) &&
      segment.head.nonce === view.getUint32(at + 4, true) &&
      segment.bytes >= bytes &&
      (!isClosed || segment.bytes === bytes);
    if (!isAsItWas || !(total >= living && living >= 0 && deadFrom >= 0)) throw new SnapshotError();
    return { segment, bytes, total, living, deadFrom };
  }

  /** The next row. */
  row(into: SnapshotRow, segments: readonly SnapshotSegment[], known: number): void {
    const { view, at } = this.#take(ROW_BYTES);
    const segment = segments[view.getUint32(at + 16, true)];
    if (segment === undefined) throw new SnapshotError();
    into.seq = view.getFloat64(at, true);
    into.timeMs = view.getFloat64(at + 8, true);
    into.segment = segment;
    into.at = view.getUint32(at + 20, true);
    into.inFrame = view.getUint32(at + 24, true);
    into.bodyBytes = view.getUint32(at + 28, true);
    into.hasHeaders = view.getUint32(at + 32, true) === 1;
    into.subject = view.getUint32(at + 36, true);
    into.text = into.subject > known ? this.#text() : undefined;
  }

  #text(): Uint8Array {
    const { view, at } = this.#take(4);
    const length = view.getUint32(at, true);
    const place = this.#take(length);
    return place.bytes.subarray(place.at, place.at + length);
  }

  *#isWhole(): Work<boolean> {
    let sum = 0;
    const end = this.#size - SUM_BYTES;
    const piece = new Uint8Array(Math.min(PIECE_BYTES, this.#size));
    for (let position = 0; position < end; position += piece.length) {
      const length = Math.min(piece.length, end - position);
      this.#file.read(piece, 0, length, position);
      sum = crc32(piece.subarray(0, length), sum);
      yield;
    }
    this.#file.read(piece, 0, SUM_BYTES, end);
    return viewsOf(piece).view.getUint32(0, true) === sum;
  }

  /** Where the next bytes lie. */
  #take(length: number): Bytes & { at: number } {
    if (this.#at + length > this.#piece.bytes.length) {
      this.#position += this.#at;
      const size = Math.min(Math.max(PIECE_BYTES, length), this.#size - this.#position);
      if (size < length) throw new SnapshotError();
      const bytes = new Uint8Array(size);
      this.#file.read(bytes, 0, size, this.#position);
      this.#piece = viewsOf(bytes);
      this.#at = 0;
    }
    const { bytes, view } = this.#piece;
    const at = this.#at;
    this.#at += length;
    return { bytes, view, at };
  }
}
