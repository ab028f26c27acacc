// The end of a log: where all that is said of a store is added. It goes into frames in memory, and is written when the store
// is asked to commit, or above 1 MiB at once. When the segment is full, the next one begins.
//
// A write that fails takes back what was in it: those messages are removed, and the next publish tries a new segment. What
// is removed meanwhile is owed to that. When a sync fails nothing more is kept until the store is opened again.
import { copyWords } from '../../../core/index.ts';
import type { Clock } from '../../../shared/clock.ts';
import { StorageError } from '../../../shared/errors.ts';
import { Seldom } from '../../../shared/seldom.ts';
import type { IndexedStore } from '../indexed-store.ts';
import type { Incoming } from '../store.ts';
import type { Disk, DiskFile } from './disk.ts';
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
import { FRAME_MOST, newNonce, PlaceList, Spans, WRITE_MOST } from './places.ts';
import type { Segment, Segments } from './segments.ts';
import type { Syncing } from './syncing.ts';
import { WriteTimes } from './write-times.ts';

export interface TailOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly dir: string;
  /** Above so many bytes a segment is full. */
  readonly segmentBytes: number;
  /** Told in one line what somebody should know who looks after the disk. */
  readonly warn: (text: string) => void;
  /** That nothing can be stored is told so: one full disk once, however many stores there are on it. */
  readonly refusals?: Seldom;
}

export interface TailOwner {
  /** A segment is full. */
  left(): void;
  /** Those that have made room for what could not be written are to be there again. @returns those that cannot be now */
  restore(places: PlaceList): PlaceList;
}

/** A last segment that is emptied is left behind when it has a part of what makes it full. */
const WORTH_SHARE = 16;
/** A position fits a word; what is behind is for what must be said of messages. */
const MESSAGES_MOST = 0xc000_0000;

export class Tail {
  readonly #options: TailOptions;
  readonly #segments: Segments;
  readonly #syncing: Syncing;
  readonly #owner: TailOwner;
  readonly buffer: FrameBuffer = new FrameBuffer();
  owner!: IndexedStore;
  /** Where the next record goes; undefined = one is to be made first. */
  segment: Segment | undefined;
  /** Of the message that was added last: where it begins in the segment, and how far behind the begin of its frame. */
  at = 0;
  inFrame = 0;
  /** Where the last record that may still grow begins in the buffer, and what it is. */
  #lastAt = -1;
  #lastKind = 0;
  /** Sequences that have been removed, which no segment says yet. */
  readonly #owed = new Spans();
  /** The first message in the buffer; 0 = none. */
  #firstUnwritten = 0;
  /** Sequences in it have been used up; something in it says what was removed, and does not come back. */
  #hasSkipped = false;
  #hasNotes = false;
  /** From there on messages could not be written and are to be removed. */
  #lostFrom = 0;
  /** A write has failed: what was said in vain is to be taken back. */
  #mustSettle = false;
  /** What has been removed, since the last write, to make room for what has been added. */
  #evicted = new PlaceList();
  /** How often something of that has come back. */
  restores = 0;
  #hasUnsaid = false;
  /** Those are being removed: nothing of that is to be said. */
  isDropping = false;
  /** How often messages, or sequences that were used up, could not be written, and why the last time. */
  misses = 0;
  missedBy: StorageError | undefined;
  failure: StorageError | undefined;
  #isEnded = false;
  readonly #times: WriteTimes;
  readonly #refusals: Seldom;

  constructor(options: TailOptions, segments: Segments, syncing: Syncing, owner: TailOwner) {
    this.#options = options;
    this.#segments = segments;
    this.#syncing = syncing;
    this.#owner = owner;
    this.#times = new WriteTimes(options);
    this.#refusals = options.refusals ?? new Seldom(options.clock);
  }

  /** Goes on in the last segment, or behind it. Throws StorageError: there is none, and it cannot be made. */
  begin(isCut: boolean): void {
    const { last } = this.#segments;
    if (last === undefined) this.#open();
    // On a full disk what is there is read all the same, and who has something to store tries again.
    else if (isCut) this.pay();
    else {
      this.segment = last;
      // What the process before has made and removed may not survive a power loss yet.
      this.#syncing.dirChanged();
    }
  }

  /** Nothing more is kept. */
  end(failure: StorageError): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.failure = failure;
  }

  /** Adds a message. Throws StorageError, CapacityError, and then it has not been added. */
  add(message: Incoming, subject: DataView, seq: number, timeMs: number): void {
    const { subjectBytes, headerBytes, bodyBytes } = message;
    const length = MESSAGE_BYTES + subjectBytes + bodyBytes;
    try {
      // The index is made ready for this one: what comes back does so before the next.
      if (this.#mustSettle && this.failure !== undefined) throw this.failure;
      this.#reserve(length, seq - 1, true);
    } catch (error) {
      this.settle();
      throw error;
    }
    const { buffer } = this;
    const { view, used: at } = buffer;
    view.setUint32(at, MESSAGE + subjectBytes * 256, true);
    view.setUint32(at + 4, bodyBytes, true);
    view.setUint32(at + 8, headerBytes, true);
    view.setFloat64(at + 12, timeMs, true);
    view.setFloat64(at + 20, seq, true);
    const body = at + MESSAGE_BYTES + subjectBytes;
    copyWords(subject, 0, subjectBytes, view, at + MESSAGE_BYTES);
    message.copyBody(buffer.bytes, body, view);
    buffer.used = at + length;
    if (this.#firstUnwritten === 0) this.#firstUnwritten = seq;
    this.#lastKind = MESSAGE;
    this.#lastAt = at;
    this.at = (this.segment as Segment).bytes + at;
    this.inFrame = at - buffer.frameAt;
  }

  /** The message that was added last is none. */
  undo(): void {
    this.buffer.used = this.#lastAt;
    this.#lastKind = 0;
    if (this.#firstUnwritten > this.owner.state.lastSeq) this.#firstUnwritten = 0;
  }

  /** What is below is gone; the last of that was evicted, perhaps. */
  noteFloor(seq: number, isEvicted = false): void {
    const isNoted = this.#note(FLOOR, FLOOR_BYTES, seq, 0);
    if (!isEvicted) this.#hasNotes = true;
    if (isEvicted && !isNoted) this.#keepEvicted();
    // Should what was evicted before it come back, the floor is no more.
    if (!isEvicted && this.#evicted.count > 0) this.#owed.add(seq - 1, seq - 1);
  }

  /** Sequences up to there are used up; a time of -1 says nothing. */
  noteSkip(seq: number, timeMs: number): void {
    this.#hasSkipped = true;
    if (!this.#note(SKIP, SKIP_BYTES, seq, timeMs)) this.#miss(this.failure);
  }

  #miss(failure: StorageError | undefined): void {
    this.misses++;
    this.missedBy = failure;
  }

  /** A message is about to be removed to make room. */
  evicting(seq: number, place: number, at: number): void {
    // What has not been written itself cannot come back.
    if (this.#firstUnwritten === 0 || seq < this.#firstUnwritten) this.#evicted.add(seq, place, at);
  }

  /** A sequence is gone, or was evicted: then it is gone as soon as that is written. */
  noteDead(seq: number, isEvicted: boolean): void {
    const { view } = this.buffer;
    const isNext = this.#lastKind === DEAD && view.getFloat64(this.#lastAt + 12, true) === seq - 1;
    if (isNext) view.setFloat64(this.#lastAt + 12, seq, true);
    const isNoted = isNext || this.#note(DEAD, DEAD_BYTES, seq, seq);
    const isGone = !isEvicted || (!isNoted && this.#keepEvicted());
    if (!isEvicted) this.#hasNotes = true;
    // Afterwards: what was written to make room for it does not say it.
    if (isGone) this.#owed.add(seq, seq);
  }

  /** There is no place to say that the last one was evicted. @returns whether it is gone nevertheless: no write has failed */
  #keepEvicted(): boolean {
    if (this.#mustSettle) return false;
    this.#evicted.pop();
    return true;
  }

  /** Why something that was removed is not gone for the next start. */
  get unsaid(): StorageError | undefined {
    return this.#hasUnsaid ? this.failure : undefined;
  }

  /** The same, and another segment could say it. */
  get isUnsaid(): boolean {
    return this.#hasUnsaid && !this.#isEnded;
  }

  /** Makes a place, whose head says what could not be said. */
  pay(): void {
    this.settle();
    if (this.segment === undefined) this.#reserveQuietly(DEAD_BYTES);
  }

  /** Writes what there is. Not while the store is in the middle of a change. @returns why that could not be */
  write(): StorageError | undefined {
    const failure = this.#flush();
    this.settle();
    // As long as something waits to come back nothing may be given up.
    return failure ?? (this.#mustSettle ? this.failure : undefined);
  }

  /**
   * Removes what could not be written, and what has made room for it is there again. Not while the store is in the middle
   * of a change.
   */
  settle(): void {
    if (!this.#mustSettle || this.isDropping) return;
    this.#mustSettle = false;
    this.#drop();
    if (this.#evicted.count === 0) return;
    const places = this.#evicted;
    this.#evicted = new PlaceList();
    this.restores++;
    const left = this.#owner.restore(places);
    if (left.count === 0) return;
    // Nothing is stored before they are: a head would say that what is not there is gone.
    this.#evicted = left;
    this.#mustSettle = true;
  }

  #drop(): void {
    const from = this.#lostFrom;
    if (from === 0) return;
    this.#lostFrom = 0;
    this.#owed.add(from, this.owner.state.lastSeq);
    this.takeBack(from);
  }

  /** Messages from there on are none, and nothing is said of that. */
  takeBack(from: number): void {
    this.isDropping = true;
    try {
      this.owner.removeFrom(from);
    } finally {
      this.isDropping = false;
    }
  }

  /** Everything has been removed: nothing comes back. */
  forgetEvicted(): void {
    this.#evicted.clear();
  }

  /** Nothing in the segment lives: it is left, if it is worth that. */
  leaveEmpty(): void {
    const { segment } = this;
    const least = this.#options.segmentBytes / WORTH_SHARE;
    if (this.#isEnded || segment === undefined || segment.bytes < least) return;
    if (!this.#syncing.isDirDirty) this.#leave();
  }

  /**
   * Adds a short record, or makes the last one say it. What cannot be said now is owed, or said by the next head.
   *
   * @returns whether it is said
   */
  #note(kind: number, bytes: number, first: number, second: number): boolean {
    const isSame = kind !== DEAD && kind === this.#lastKind;
    // Who has something to store, and the end of a turn, try to make a place; what says less does not try again and again.
    const isNowhere = this.segment === undefined && this.failure !== undefined;
    if (!isSame && (isNowhere || !this.#reserveQuietly(bytes))) {
      this.#hasUnsaid = true;
      return false;
    }
    const { buffer } = this;
    const at = isSame ? this.#lastAt : buffer.used;
    if (!isSame) buffer.used = at + bytes;
    this.#lastAt = at;
    this.#lastKind = kind;
    buffer.view.setUint32(at, kind, true);
    buffer.view.setFloat64(at + 4, first, true);
    if (kind === SKIP && second < 0 && isSame) return true;
    if (kind !== FLOOR) buffer.view.setFloat64(at + 12, second, true);
    if (kind === DEAD) this.#named(first);
    return true;
  }

  #named(seq: number): void {
    const segment = this.segment as Segment;
    segment.deadFrom = Math.min(segment.deadFrom, seq);
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
    if (this.#isEnded && this.failure !== undefined) throw this.failure;
    const { buffer } = this;
    const isLong = buffer.frameBytes > FRAME_HEAD_BYTES && buffer.frameBytes + length > FRAME_MOST;
    if (isMessage && isLong) this.#seal();
    const size = length + FRAME_HEAD_BYTES;
    if (buffer.used > 0 && buffer.used + size > WRITE_MOST) {
      const failure = this.#flush();
      if (failure !== undefined) throw failure;
    }
    if (isMessage || buffer.frameAt < 0) this.#leaveFull(size, isMessage);
    if (this.segment === undefined) this.#open();
    buffer.reserve(length, beforeSeq);
  }

  #leaveFull(size: number, isMessage: boolean): void {
    const { segment } = this;
    if (segment === undefined) return;
    const position = segment.bytes + this.buffer.used;
    const isFull = position > FRAMES_AT && position + size > this.#options.segmentBytes;
    if (!isFull) return;
    // It goes on until its name survives a power loss: of segments none in the middle may be missing.
    if (this.#syncing.isDirDirty) {
      this.#syncing.hurry();
      if (!isMessage || position + size < MESSAGES_MOST) return;
      throw new StorageError(`${segment.file.path} is full, and its directory is not synced yet`);
    }
    const failure = this.#leave();
    if (failure !== undefined) throw failure;
  }

  #seal(): void {
    const { bytes, head } = this.segment as Segment;
    this.buffer.seal(bytes, head.nonce, this.#syncing.synced);
    this.#lastKind = 0;
  }

  #flush(): StorageError | undefined {
    const { segment, buffer } = this;
    if (buffer.used === 0) buffer.reset();
    if (segment === undefined || buffer.used === 0) return undefined;
    this.#seal();
    const { used } = buffer;
    const startMs = this.#options.clock.monotonic();
    try {
      segment.file.write(buffer.bytes, 0, used, segment.bytes);
    } catch (error) {
      this.#writeFailed(segment, error as StorageError);
      return error as StorageError;
    }
    this.#times.took(startMs, used, segment.file.path);
    segment.bytes += used;
    buffer.reset();
    this.#firstUnwritten = 0;
    this.#hasSkipped = false;
    this.#hasNotes = false;
    this.#owed.clear();
    this.#evicted.clear();
    this.#segments.unsynced.add(segment);
    this.#syncing.written();
    return undefined;
  }

  /** Nothing is tried again on that file. What may be there of the write is cut, now or when the log is read. */
  #writeFailed(segment: Segment, failure: StorageError): void {
    this.segment = undefined;
    this.#mustSettle = true;
    // Of a message its publisher is told; what was removed the next head says, perhaps before anybody is told.
    if (this.#firstUnwritten > 0 || this.#hasSkipped) this.#miss(failure);
    if (this.#hasNotes) this.#hasUnsaid = true;
    this.#hasSkipped = false;
    this.#hasNotes = false;
    this.buffer.reset();
    this.#lastKind = 0;
    this.#cannot(failure);
    if (this.#firstUnwritten > 0 && this.#lostFrom === 0) this.#lostFrom = this.#firstUnwritten;
    this.#firstUnwritten = 0;
    if (this.#syncing.isDirDirty) this.#syncing.hurry();
    try {
      segment.file.truncate(segment.bytes);
    } catch {
      // Its frames are those of messages that are owed as removed.
    }
  }

  #cannot(failure: StorageError): void {
    if (this.#isEnded) return;
    if (this.failure === undefined && this.#refusals.isTime()) {
      this.#options.warn(`nothing can be stored: ${failure.message}`);
    }
    this.failure = failure;
  }

  /** The segment is written and closed, and the next one begins. @returns why that could not be */
  #leave(): StorageError | undefined {
    const failure = this.#flush();
    if (failure !== undefined) return failure;
    this.segment = undefined;
    for (const segment of this.#segments.list) segment.isStuck = false;
    this.#syncing.round();
    this.#owner.left();
    try {
      this.#open();
    } catch (error) {
      return error as StorageError;
    }
    return undefined;
  }

  /** Makes a segment, whose head says what the store is up to now. Throws StorageError. */
  #open(): void {
    const { disk, dir } = this.#options;
    // A write to the last one has failed before its name was safe. Behind one that may be missing none is made.
    const isEarly = this.#syncing.isDirDirty || this.#mustSettle;
    if (isEarly && this.failure !== undefined) throw this.failure;
    const { lastSeq, lastTimeMs, firstSeq, subjects } = this.owner.state;
    const number = this.#segments.takeNumber();
    const previous = this.#previous();
    const nonce = newNonce();
    const head = { number, nonce, cleaned: 0, lastSeq, lastTimeMs, firstSeq, previous, subjects };
    try {
      const file = disk.create(`${dir}/${segmentName(number)}`);
      try {
        file.write(segmentHeads(head), 0, FRAMES_AT, 0);
        this.segment = this.#segments.make(head, file);
      } catch (error) {
        this.#takeAway(file);
        throw error;
      }
    } catch (error) {
      this.#cannot(error as StorageError);
      throw error;
    }
    this.#segments.push(this.segment);
    this.#syncing.dirChanged();
    this.#syncing.round();
    this.failure = undefined;
    this.#hasUnsaid = false;
    this.#sayOwed();
  }

  /** At once: who publishes while the disk is full makes one file after the other. */
  #takeAway(file: DiskFile): void {
    file.close();
    try {
      this.#options.disk.remove(file.path);
    } catch {
      // The next start does it.
    }
    // Who finds it again must not take it for the one behind what is written from now on.
    this.#syncing.dirChanged();
    this.#syncing.hurry();
  }

  #previous(): { number: number; nonce: number; bytes: number } {
    const { last } = this.#segments;
    if (last === undefined) return { number: 0, nonce: 0, bytes: 0 };
    return { number: last.number, nonce: last.head.nonce, bytes: last.bytes };
  }

  /** A new segment begins with what was removed while nothing could be written, in frames to which a message may be added. */
  #sayOwed(): void {
    const { buffer } = this;
    this.#hasNotes ||= this.#owed.all.length > 0;
    for (const [from, to] of this.#owed.all) {
      if (buffer.frameBytes + DEAD_BYTES > FRAME_MOST) this.#seal();
      buffer.reserve(DEAD_BYTES, this.owner.state.lastSeq);
      const at = buffer.used;
      buffer.view.setUint32(at, DEAD, true);
      buffer.view.setFloat64(at + 4, from, true);
      buffer.view.setFloat64(at + 12, to, true);
      buffer.used = at + DEAD_BYTES;
      this.#named(from);
    }
  }
}
