// The log of one store: where its bodies lie on disk, and what says after a restart what became of them. Changes are put
// into frames in memory, and written once a turn of the event loop, when the store is asked to commit; above 1 MiB at
// once. They always go to the end: the last segment, and a new one when that is full.
//
//   append, remove, skip ─► frame-buffer ──commit: write──► last segment ──syncing──► durable
//                                                            others ◄── compaction: rewritten, unlinked
//
// A write that fails takes back what was in it: those messages are removed, and the next publish tries a new segment.
// What has been removed meanwhile is told to that. When a sync fails nothing more is kept until the store is opened again.
import { type StorageError, toError } from '../../../shared/errors.ts';
import type { Bodies } from '../bodies.ts';
import type { IndexedStore } from '../indexed-store.ts';
import { HAS_HEADERS, ROW_AT, ROW_BODY, ROW_SLAB } from '../row-chunk.ts';
import type { Rows } from '../rows.ts';
import type { Incoming, StoredMessage } from '../store.ts';
import { Compaction } from './compaction.ts';
import {
  DEAD,
  DEAD_BYTES,
  FLOOR,
  FLOOR_BYTES,
  FRAME_HEAD_BYTES,
  FRAMES_AT,
  MESSAGE,
  MESSAGE_BYTES,
  SKIP,
  SKIP_BYTES,
  segmentHeads,
  segmentName,
} from './format.ts';
import { FrameBuffer } from './frame-buffer.ts';
import { FrameReader } from './frame-reader.ts';
import { FRAME_MOST, newNonce, placeWord, WRITE_MOST } from './places.ts';
import { type Segment, Segments } from './segments.ts';
import { writeSnapshot } from './snapshot.ts';
import { Syncing, type SyncOptions } from './syncing.ts';

export interface LogOptions extends SyncOptions {
  /** Above so many bytes a segment is full. */
  readonly segmentBytes: number;
  /** A shorter log is read sooner than the index is written. */
  readonly snapshotBytes?: number;
  /** Told what somebody should know who looks after the disk. */
  readonly warn: (text: string) => void;
}

/** A last segment that is emptied is left behind when it has a part of what makes it full. */
const WORTH_SHARE = 16;
const SNAPSHOT_BYTES: number = 1 << 20;
const NOTHING = new Uint8Array(0);

export class SegmentLog implements Bodies {
  readonly segments: Segments = new Segments();
  readonly syncing: Syncing;
  readonly options: LogOptions;
  /** Set before anything is asked. */
  owner!: IndexedStore;
  readonly #rows: Rows;
  readonly #buffer = new FrameBuffer();
  readonly #reader = new FrameReader();
  readonly #compaction: Compaction;
  /** Where the next record goes; undefined = a segment is to be made first. */
  #tail: Segment | undefined;
  /** Where the last record that may still grow begins in the buffer, and what it is. */
  #lastAt = -1;
  #lastKind = 0;
  /** Sequences that have been removed, which no segment says yet: pairs of first and last. */
  #owed: number[] = [];
  /** The first message in the buffer; 0 = none. */
  #firstUnwritten = 0;
  /** From there on messages could not be written and are to be removed. */
  #lostFrom = 0;
  #isDropping = false;
  /** Why something of this turn is not durable and never will be. */
  #missed: StorageError | undefined;
  #failure: StorageError | undefined;
  #isEnded = false;
  // Of the message that was kept last.
  #segment!: Segment;
  #place = 0;
  #at = 0;
  #body = 0;
  /** What is said comes from the log itself, which is being read. */
  isReplaying = false;

  constructor(rows: Rows, options: LogOptions) {
    this.#rows = rows;
    this.options = options;
    this.syncing = new Syncing(options, this.segments, (failure) => this.#end(failure));
    this.#compaction = new Compaction(this, rows, (segment) => this.#reader.forget(segment));
  }

  get heldBytes(): number {
    return this.#buffer.bytes.length + this.#reader.heldBytes;
  }

  get #worthBytes(): number {
    return this.options.segmentBytes / WORTH_SHARE;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  /** The log has been read: it goes on behind its last segment. */
  begin(): void {
    this.isReplaying = false;
    this.#tail = this.segments.last;
    if (this.#tail === undefined) this.#openTail();
    this.#compaction.due();
  }

  keep(message: Incoming, subject: Uint8Array, seq: number, timeMs: number): void {
    const { subjectBytes, headerBytes, bodyBytes } = message;
    this.#body = headerBytes === 0 ? bodyBytes : bodyBytes + HAS_HEADERS;
    if (this.isReplaying) return;
    const length = MESSAGE_BYTES + subjectBytes + bodyBytes;
    try {
      this.#reserve(length, seq - 1, true);
    } catch (error) {
      this.#settle();
      throw error;
    }
    const buffer = this.#buffer;
    const { bytes, view, used: at, frameAt } = buffer;
    view.setUint32(at, MESSAGE + subjectBytes * 256, true);
    view.setUint32(at + 4, bodyBytes, true);
    view.setUint32(at + 8, headerBytes, true);
    view.setFloat64(at + 12, timeMs, true);
    view.setFloat64(at + 20, seq, true);
    const body = at + MESSAGE_BYTES + subjectBytes;
    bytes.set(subject.subarray(0, subjectBytes), at + MESSAGE_BYTES);
    message.copyBody(bytes, body);
    buffer.used = at + length;
    if (this.#firstUnwritten === 0) this.#firstUnwritten = seq;
    this.#lastKind = MESSAGE;
    this.#lastAt = at;
    this.place(this.#tail as Segment, (this.#tail as Segment).bytes + at, at - frameAt);
  }

  /** Where the message lies that gets the next row: in a segment, so many bytes behind the begin of its frame. */
  place(segment: Segment, at: number, inFrame: number): void {
    this.#segment = segment;
    this.#place = placeWord(segment, inFrame);
    this.#at = at;
  }

  undo(): void {
    if (this.isReplaying) return;
    this.#buffer.used = this.#lastAt;
    this.#lastKind = 0;
    if (this.#firstUnwritten > this.owner.state.lastSeq) this.#firstUnwritten = 0;
  }

  sign(): void {
    const { chunk, word } = this.#rows;
    chunk.words[word + ROW_SLAB] = this.#place;
    chunk.words[word + ROW_AT] = this.#at;
    chunk.words[word + ROW_BODY] = this.#body;
    this.#segment.add(this.#body & ~HAS_HEADERS);
  }

  read(into: StoredMessage): boolean {
    const { chunk, word } = this.#rows;
    const place = chunk.words[word + ROW_SLAB] as number;
    const at = chunk.words[word + ROW_AT] as number;
    const body = chunk.words[word + ROW_BODY] as number;
    const segment = this.segments.bySlot(place >>> 16);
    let source: Pick<FrameBuffer, 'bytes' | 'view'> = this.#buffer;
    let start = at - segment.bytes;
    if (start < 0) {
      if (!this.#find(segment, at - (place & 0xffff), into.seq)) return false;
      source = this.#reader;
      start = this.#reader.at + (place & 0xffff);
    }
    const { bytes, view } = source;
    const from = start + MESSAGE_BYTES + into.subject.length;
    const end = from + (body & ~HAS_HEADERS);
    const middle = body < HAS_HEADERS ? from : from + view.getUint32(start + 8, true);
    into.headers = body < HAS_HEADERS ? undefined : bytes.subarray(from, middle);
    into.payload = middle === end ? NOTHING : bytes.subarray(middle, end);
    return true;
  }

  #find(segment: Segment, position: number, seq: number): boolean {
    try {
      if (this.#reader.find(segment, position)) return true;
      this.options.warn(
        `${segment.file.path}: the frame at ${position} is damaged: message ${seq} is lost`,
      );
    } catch (error) {
      this.options.warn(`message ${seq}: ${toError(error).message}`);
    }
    return false;
  }

  release(seq: number, isFirst: boolean): void {
    const rows = this.#rows;
    const segment = this.segments.bySlot((rows.chunk.words[rows.word + ROW_SLAB] as number) >>> 16);
    segment.remove(rows.bodyBytes);
    if (segment !== this.#tail && segment.isSparse) this.#compaction.due();
    if (this.isReplaying || this.#isDropping) return;
    if (isFirst) this.#note(FLOOR, seq + 1, 0);
    else this.#noteDead(seq);
  }

  tidy(): void {
    if (this.#lostFrom > 0) this.#settle();
  }

  skipped(seq: number, timeMs: number | undefined): void {
    if (this.isReplaying) return;
    this.#note(SKIP, seq, timeMs ?? -1);
    this.#settle();
  }

  cleared(): void {
    for (const segment of this.segments.list) segment.living = 0;
    if (this.isReplaying) return;
    this.#note(FLOOR, this.owner.state.lastSeq + 1, 0);
    const tail = this.#tail;
    if (tail !== undefined && tail.bytes >= this.#worthBytes && !this.syncing.isDirDirty) {
      this.#leave(tail);
    }
    this.#settle();
    this.#compaction.due();
  }

  commit(done: (failure?: Error) => void): void {
    // A place for what was removed while there was none.
    if (this.#tail === undefined && this.#owed.length > 0) this.#reserveQuietly(DEAD_BYTES);
    this.write();
    const missed = this.#missed;
    this.#missed = undefined;
    this.syncing.commit(missed, done);
  }

  /** Writes what there is, and what makes the next start short. What fails now is found then. */
  close(done: () => void): void {
    this.write();
    void this.#compaction.stop().then(() => {
      this.syncing.round((failure) => {
        void this.#saveIndex(failure).then(() => {
          this.syncing.close();
          this.closeFiles();
          done();
        });
      });
    });
  }

  async #saveIndex(failure: Error | undefined): Promise<void> {
    const { disk, dir, warn, snapshotBytes = SNAPSHOT_BYTES } = this.options;
    const bytes = this.segments.list.reduce((sum, segment) => sum + segment.bytes, 0);
    if ((failure ?? this.#failure) !== undefined || bytes < snapshotBytes) return;
    try {
      await writeSnapshot(this.owner, this.segments, disk, dir);
    } catch (error) {
      warn(`the next start reads the whole log: ${toError(error).message}`);
    }
  }

  closeFiles(): void {
    this.#isEnded = true;
    this.#tail = undefined;
    this.#buffer.release();
    for (const { file } of this.segments.list) file.close();
  }

  /** Writes what has been said, which is still to be committed. Not while the store is in the middle of a change. */
  write(): StorageError | undefined {
    const failure = this.#flush();
    this.#settle();
    return failure;
  }

  /** A sequence is gone. */
  #noteDead(seq: number): void {
    const { view } = this.#buffer;
    if (this.#lastKind === DEAD && view.getFloat64(this.#lastAt + 12, true) === seq - 1) {
      view.setFloat64(this.#lastAt + 12, seq, true);
      this.#owed[this.#owed.length - 1] = seq;
      return;
    }
    this.#owed.push(seq, seq);
    this.#note(DEAD, seq, seq);
  }

  /** Adds a short record, or makes the last one say it. What cannot be said now is owed. */
  #note(kind: number, first: number, second: number): void {
    const bytes = kind === FLOOR ? FLOOR_BYTES : kind === SKIP ? SKIP_BYTES : DEAD_BYTES;
    const isSame = kind !== DEAD && kind === this.#lastKind;
    // Who has something to store, and the end of a turn, try to make a place; what says less does not try again and again.
    const isNowhere = this.#tail === undefined && this.#failure !== undefined;
    if (!isSame && (isNowhere || !this.#reserveQuietly(bytes))) return;
    const buffer = this.#buffer;
    const at = isSame ? this.#lastAt : buffer.used;
    if (!isSame) buffer.used = at + bytes;
    this.#lastAt = at;
    this.#lastKind = kind;
    buffer.view.setUint32(at, kind, true);
    buffer.view.setFloat64(at + 4, first, true);
    if (kind === SKIP && second < 0 && isSame) return;
    if (kind !== FLOOR) buffer.view.setFloat64(at + 12, second, true);
    if (kind === DEAD) this.#named(first);
  }

  #named(seq: number): void {
    const tail = this.#tail as Segment;
    tail.deadFrom = Math.min(tail.deadFrom, seq);
  }

  #reserveQuietly(bytes: number): boolean {
    try {
      this.#reserve(bytes, this.owner.state.lastSeq, false);
      return true;
    } catch {
      return false;
    }
  }

  /** Makes room for a record at the end of the buffer, in an open frame. Throws StorageError, CapacityError. */
  #reserve(length: number, beforeSeq: number, isMessage: boolean): void {
    if (this.#isEnded && this.#failure !== undefined) throw this.#failure;
    const buffer = this.#buffer;
    const isLong = buffer.frameBytes > FRAME_HEAD_BYTES && buffer.frameBytes + length > FRAME_MOST;
    if (isMessage && isLong) this.#seal();
    const size = length + FRAME_HEAD_BYTES;
    if (buffer.used > 0 && buffer.used + size > WRITE_MOST) {
      const failure = this.#flush();
      if (failure !== undefined) throw failure;
    }
    const tail = this.#tail;
    if (tail !== undefined && (isMessage || buffer.frameAt < 0)) {
      const position = tail.bytes + buffer.used;
      const isFull = position > FRAMES_AT && position + size > this.options.segmentBytes;
      // It goes on until its name survives a power loss: of segments none in the middle may be missing.
      if (isFull && !this.syncing.isDirDirty) {
        const failure = this.#leave(tail);
        if (failure !== undefined) throw failure;
      }
    }
    if (this.#tail === undefined) this.#openTail();
    buffer.reserve(length, beforeSeq);
  }

  #seal(): void {
    const { bytes, head } = this.#tail as Segment;
    this.#buffer.seal(bytes, head.nonce, this.syncing.synced);
    this.#lastKind = 0;
  }

  /** Writes what is in the buffer. @returns why that could not be */
  #flush(): StorageError | undefined {
    const tail = this.#tail;
    const buffer = this.#buffer;
    if (buffer.used === 0) buffer.reset();
    if (tail === undefined || buffer.used === 0) return undefined;
    this.#seal();
    const { used } = buffer;
    try {
      tail.file.write(buffer.bytes, 0, used, tail.bytes);
    } catch (error) {
      this.#writeFailed(tail, error as StorageError);
      return error as StorageError;
    }
    tail.bytes += used;
    buffer.reset();
    this.#firstUnwritten = 0;
    this.#owed = [];
    this.segments.unsynced.add(tail);
    this.syncing.written();
    return undefined;
  }

  /** Nothing is tried again on that file. What may be there of the write is cut, now or when the log is read. */
  #writeFailed(tail: Segment, failure: StorageError): void {
    this.#tail = undefined;
    this.#failure = failure;
    this.#missed ??= failure;
    this.#buffer.reset();
    this.#lastKind = 0;
    this.options.warn(`nothing can be stored: ${failure.message}`);
    if (this.#firstUnwritten > 0 && this.#lostFrom === 0) this.#lostFrom = this.#firstUnwritten;
    this.#firstUnwritten = 0;
    try {
      tail.file.truncate(tail.bytes);
    } catch {
      // Its frames are those of messages that are owed as removed.
    }
  }

  /** Removes what could not be written. Not while the store is in the middle of a change. */
  #settle(): void {
    const from = this.#lostFrom;
    if (from === 0 || this.#isDropping) return;
    this.#lostFrom = 0;
    this.#isDropping = true;
    this.#owed.push(from, this.owner.state.lastSeq);
    try {
      this.owner.removeFrom(from);
    } finally {
      this.#isDropping = false;
    }
  }

  /** The segment is full: it is written, and the next one begins with the next record. */
  #leave(tail: Segment): StorageError | undefined {
    const failure = this.#flush();
    if (failure !== undefined) return failure;
    this.#tail = undefined;
    for (const segment of this.segments.list) segment.isStuck = false;
    this.syncing.round();
    if (tail.isSparse || tail.living === 0) this.#compaction.due();
    try {
      this.#openTail();
    } catch (error) {
      return error as StorageError;
    }
    return undefined;
  }

  /** Makes a segment, whose head says what the store is up to now. Throws StorageError. */
  #openTail(): void {
    const { disk, dir } = this.options;
    const { lastSeq, lastTimeMs, firstSeq } = this.owner.state;
    const number = this.segments.takeNumber();
    const nonce = newNonce();
    const { last } = this.segments;
    const previous = {
      number: last?.number ?? 0,
      nonce: last?.head.nonce ?? 0,
      bytes: last?.bytes ?? 0,
    };
    const head = { number, nonce, cleaned: 0, lastSeq, lastTimeMs, firstSeq, previous };
    try {
      const file = disk.create(`${dir}/${segmentName(number)}`);
      try {
        file.write(segmentHeads(head), 0, FRAMES_AT, 0);
      } catch (error) {
        file.unlink().catch(() => {});
        throw error;
      }
      this.#tail = this.segments.make(head, file);
    } catch (error) {
      this.#failure = error as StorageError;
      throw error;
    }
    this.segments.push(this.#tail);
    this.syncing.dirChanged();
    this.syncing.round();
    this.#failure = undefined;
    this.#sayOwed();
  }

  /** A new segment begins with what was removed while nothing could be written. */
  #sayOwed(): void {
    const owed = this.#owed;
    const buffer = this.#buffer;
    for (let i = 0; i < owed.length; i += 2) {
      buffer.reserve(DEAD_BYTES, this.owner.state.lastSeq);
      const at = buffer.used;
      buffer.view.setUint32(at, DEAD, true);
      buffer.view.setFloat64(at + 4, owed[i] as number, true);
      buffer.view.setFloat64(at + 12, owed[i + 1] as number, true);
      buffer.used = at + DEAD_BYTES;
      this.#named(owed[i] as number);
    }
  }

  #end(failure: StorageError): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#failure = failure;
    this.options.warn(`nothing more is stored until the next start: ${failure.message}`);
  }
}
