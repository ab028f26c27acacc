// Reads a log from its beginning and does to the store what it says. What is damaged is either the end that a crash has
// torn, or has been written and synced and was changed by something else. A frame says how far the log was synced when it
// was written; so damage before the highest such place is passed over, and the frame behind it tells which sequences it
// has cost. From any other damage on, everything is cut: what is kept is what was there at some moment.
import { crc32 } from 'node:zlib';
import { StorageError } from '../../../shared/errors.ts';
import type { Work } from '../../work.ts';
import type { IndexedStore } from '../indexed-store.ts';
import { BlockBuilder } from './block-builder.ts';
import type { DiskFile } from './disk.ts';
import {
  areHeadsTorn,
  FORMAT_VERSION,
  FRAME_HEAD_BYTES,
  FRAME_MAGIC,
  FRAMES_AT,
  isSeq,
  lastSeqIn,
  MESSAGE_BYTES,
  type Place,
  readFrameHead,
  readSegmentHead,
  type SegmentHead,
  segmentName,
  segmentNumber,
  viewsOf,
} from './format.ts';
import { FrameScan, scanRoom } from './frame-scan.ts';
import {
  BlockReader,
  compactBlock,
  INDEX_PIECE_BYTES,
  type IndexBlock,
  indexName,
  indexRoom,
  markOf,
  pieceSeed,
} from './index-block.ts';
import type { SegmentLog } from './log.ts';
import { Replay } from './replay.ts';
import { restore } from './restore.ts';
import { type Segment, unknownRecord } from './segments.ts';

/** Sequences of which messages may be lost. */
export interface Lost {
  readonly first: number;
  readonly last: number;
}

interface Evidence {
  readonly place: Place;
  readonly lastSeq: number;
}

/** Bytes of frames that are done in a step: some tenths of a millisecond. */
const STEP_BYTES = 32_768;
/** Bytes that are compared with a checksum in a step: they stay in a processor's own memory meanwhile. */
const COMPARED_BYTES = 131_072;
/** Frames whose heads are looked at in a step. */
const FRAMES_A_STEP = 1024;
/** Work of ours that has not come to its end, and what older versions have kept beside the log. */
const UNFINISHED = /^(\d{8,10}\.tmp|index\.snapshot(\.tmp)?)$/;
const INDEX = /^\d{8,10}\.idx$/;
/** A position fits a word. */
const SEGMENT_MOST = 0xffff_ffff;

export class Recovery {
  readonly #log: SegmentLog;
  readonly #store: IndexedStore;
  readonly #replay: Replay;
  readonly lost: Lost[] = [];
  isCut = false;
  /** Of the segment at hand. */
  #segment!: Segment;
  #scan!: FrameScan;
  /** Segments are read into the same memory, one after the other. */
  #room: Uint8Array = new Uint8Array(0);
  #isDamaged = false;
  /** What was read and is not done yet begins there in the segment. */
  #pendingAt = 0;
  #builder!: BlockBuilder;
  /** For blocks of indexes. */
  #indexRoom: Uint8Array = new Uint8Array(0);
  #evidence: Evidence | undefined;

  constructor(log: SegmentLog, store: IndexedStore) {
    this.#log = log;
    this.#store = store;
    this.#replay = new Replay(store);
  }

  /** Throws StorageError, and then files may be open still. @param names what is in the directory */
  *run(names: readonly string[]): Work<void> {
    const { segments } = this.#log;
    for (const name of names) if (UNFINISHED.test(name)) this.#remove(name);
    const numbers = names.map(segmentNumber).filter((number) => number > 0);
    yield* this.#openAll(numbers.sort((a, b) => b - a));
    const indexes = new Set(names.filter((name) => INDEX.test(name)));
    for (const segment of segments.list) {
      segment.hasIndex = indexes.delete(indexName(segmentName(segment.number)));
    }
    for (const name of indexes) this.#removeIndex(name);
    if (segments.list.length > 0) yield* this.#expecting();
    for (let i = 0; i < segments.list.length; i++) {
      const segment = segments.list[i] as Segment;
      const before = segments.list[i - 1];
      if (before !== undefined && !(yield* this.#follows(before, segment))) this.#cutBehind(i - 1);
      else if (!(yield* this.#read(segment))) this.#cutBehind(i);
    }
    this.#replay.adoption.settle();
  }

  /** There are as many subjects as before, most likely, and no more than messages have room for. */
  #expecting(): Work<void> {
    const { list, last } = this.#log.segments;
    const bytes = list.reduce((sum, segment) => sum + segment.bytes, 0);
    return this.#store.expecting(
      Math.min(last?.head.subjects ?? 0, Math.floor(bytes / MESSAGE_BYTES)),
    );
  }

  /**
   * A segment that the next one does not know of was cut away before that was made; a power loss has brought it back, or what
   * it had kept of it.
   *
   * @param numbers the last segment's first
   */
  *#openAll(numbers: readonly number[]): Work<void> {
    const { segments } = this.#log;
    const found: Segment[] = [];
    let known = Number.POSITIVE_INFINITY;
    try {
      for (const number of numbers) {
        const isEnd = found.length === 0;
        const isLast = number === numbers[0];
        const segment = number > known ? undefined : this.#open(number, isEnd, isLast);
        if (segment !== undefined) {
          found.push(segment);
          known = segment.head.previous.number;
        } else if (number > known) {
          this.#remove(segmentName(number));
        }
        yield;
      }
    } finally {
      for (const segment of found.reverse()) segments.push(segment);
    }
  }

  #remove(name: string): void {
    const { disk, dir } = this.#log.options;
    disk.remove(`${dir}/${name}`);
  }

  /** One that stays is nobody's, and is found to be that again. */
  #removeIndex(name: string): void {
    try {
      this.#remove(name);
    } catch {}
  }

  #open(number: number, isEnd: boolean, isLast: boolean): Segment | undefined {
    const { options } = this.#log;
    const file = options.disk.open(`${options.dir}/${segmentName(number)}`);
    try {
      return this.#segmentOf(file, number, isEnd, isLast);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** undefined: it was none yet, and is removed. @param isEnd nothing that is whole lies behind it */
  #segmentOf(file: DiskFile, number: number, isEnd: boolean, isLast: boolean): Segment | undefined {
    const { segments, options } = this.#log;
    const size = file.size();
    if (size > SEGMENT_MOST)
      throw new StorageError(`${file.path} is no segment: it has ${size} bytes`);
    const start = viewsOf(new Uint8Array(FRAMES_AT + FRAME_HEAD_BYTES));
    file.read(start.bytes, 0, start.bytes.length, 0);
    const head = readSegmentHead(start);
    // Frames are written behind whole heads alone. Both are in one sector: of a segment that was left already heads that have gone
    // in front of a frame are damage, and no power loss.
    const hasFrame = start.view.getUint32(FRAMES_AT, true) === FRAME_MAGIC;
    const mayBeNone = size <= FRAMES_AT || isLast || (isEnd && !hasFrame);
    if (head === undefined && areHeadsTorn(start) && mayBeNone) {
      options.warn(`${file.path} was not made whole: it is removed`);
      file.close();
      this.#remove(segmentName(number));
      segments.skipNumber(number);
      return undefined;
    }
    const segment = segments.make(checkHead(head, number, file), file);
    segment.bytes = Math.max(size, FRAMES_AT);
    return segment;
  }

  /** Does what the index of a segment says, as far as it holds. @returns up to where that is */
  *#restore(segment: Segment): Work<number> {
    if (!segment.hasIndex) return FRAMES_AT;
    const { disk, warn } = this.#log.options;
    let file: DiskFile | undefined;
    try {
      file = disk.open(indexName(segment.file.path));
      const size = file.size();
      this.#indexRoom = indexRoom(this.#indexRoom, size);
      const marked = yield* markOf(file, size, segment.head);
      const reader = new BlockReader(file, size, this.#indexRoom, marked);
      for (let block = reader.next(segment); block !== undefined; block = reader.next(segment)) {
        if (!(yield* this.#holds(block, segment))) break;
        if (!(yield* this.#restoreBlock(block, segment))) break;
      }
      if (reader.bytes > segment.indexBytes) file.truncate(segment.indexBytes);
      else segment.marked = reader.marked;
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      segment.isIndexEnded = true;
      warn(`the log is read instead of its index: ${error.message}`);
    } finally {
      file?.close();
    }
    return segment.indexed;
  }

  /** Whether what a block stands for is there. Throws StorageError. */
  *#holds({ to, pieceSum }: IndexBlock, segment: Segment): Work<boolean> {
    if (pieceSum === undefined) return true;
    const { file, head, indexed: from } = segment;
    const room = this.#makeRoom(segment);
    let sum = pieceSeed(head.nonce, from);
    for (let at = from; at < to; ) {
      const count = file.read(room, 0, Math.min(room.length, to - at, COMPARED_BYTES), at);
      if (count === 0) return false;
      sum = crc32(room.subarray(0, count), sum);
      at += count;
      yield;
    }
    return sum === pieceSum;
  }

  #makeRoom({ bytes }: Segment): Uint8Array {
    this.#room = scanRoom(bytes, this.#room);
    return this.#room;
  }

  *#restoreBlock(block: IndexBlock, segment: Segment): Work<boolean> {
    if (!(yield* restore(block.content, this.#store, this.#replay, segment))) return false;
    segment.indexed = block.to;
    segment.indexBytes += block.bytes;
    segment.headSum = block.headSum;
    yield;
    return true;
  }

  /** Whether what a segment followed is whole, or is known to have been; false: it had been written on, and that is gone. */
  *#follows({ number, bytes, head }: Segment, next: Segment): Work<boolean> {
    const { previous } = next.head;
    if (previous.number !== number || previous.nonce !== head.nonce) return true;
    if (bytes >= previous.bytes) return true;
    const { place, lastSeq } = yield* this.#behind(next, FRAMES_AT);
    if (place.number > number || (place.number === number && place.at > bytes)) {
      this.#warn(`${previous.bytes - bytes} bytes at its end are missing`);
      this.#isDamaged = true;
      return true;
    }
    this.#cut(bytes, Math.max(lastSeq, next.head.lastSeq));
    return false;
  }

  /** What the next head does not know of is left of a write that has failed. */
  #trim(segment: Segment): void {
    const { list } = this.#log.segments;
    const previous = list[list.indexOf(segment) + 1]?.head.previous;
    const isKnown = previous?.number === segment.number && previous.nonce === segment.head.nonce;
    if (previous !== undefined && isKnown) segment.bytes = Math.min(segment.bytes, previous.bytes);
  }

  /** Goes through a segment; false: it was cut. */
  *#read(segment: Segment): Work<boolean> {
    this.#trim(segment);
    const { head, bytes: size } = segment;
    this.#segment = segment;
    this.#before(head.lastSeq, head.lastTimeMs > 0 ? head.lastTimeMs : undefined);
    while (!this.#replay.raiseFloor(head.firstSeq)) yield;
    const covered = yield* this.#restore(segment);
    if (covered >= size) return true;
    this.#scan = new FrameScan(segment, this.#makeRoom(segment));
    this.#builder ??= new BlockBuilder();
    this.#pendingAt = covered;
    let stepAt = covered;
    for (let at = covered; at < size; ) {
      const length = this.#scan.frame(at);
      if (length > 0) yield* this.#frame(at, length);
      const next = length > 0 ? at + length : yield* this.#passOver(at);
      if (next < 0) return false;
      at = next;
      if (at - stepAt < STEP_BYTES) continue;
      stepAt = at;
      yield;
    }
    yield* this.#finish(size);
    return true;
  }

  /** There is damage. @returns where the next frame is, or the end; below: all from there on has been cut */
  *#passOver(at: number): Work<number> {
    yield* this.#finish(at);
    const segment = this.#segment;
    const { number, bytes } = segment;
    const { place, lastSeq } = yield* this.#behind(segment, at);
    if (place.number < number || (place.number === number && place.at <= at)) {
      this.#cut(at, lastSeq);
      return -1;
    }
    const next = yield* this.#scan.next(at + 1);
    const end = next < 0 ? bytes : next;
    this.#warn(`${end - at} bytes at ${at} are damaged and passed over`);
    this.#isDamaged = true;
    return end;
  }

  /**
   * What whole frames behind the first damage say: how far the log was synced, and which sequences there were. Frames in
   * front of other damage say nothing of what is behind it, so that once is enough.
   */
  *#behind(segment: Segment, from: number): Work<Evidence> {
    this.#evidence ??= yield* this.#search(segment, from);
    return this.#evidence;
  }

  *#search(segment: Segment, from: number): Work<Evidence> {
    const { list } = this.#log.segments;
    let place: Place = { number: 0, at: 0 };
    let lastSeq = 0;
    const index = list.indexOf(segment);
    for (let i = index; i < list.length; i++) {
      const scan = new FrameScan(list[i] as Segment);
      let at = i === index ? from : FRAMES_AT;
      for (let count = 1; ; count++) {
        at = yield* scan.next(at);
        if (at < 0) break;
        const frame = readFrameHead(scan.view, at - scan.origin);
        const { syncedNumber: number, syncedAt } = frame;
        const isLater = number > place.number || (number === place.number && syncedAt > place.at);
        if (isLater) place = { number, at: syncedAt };
        if (isSeq(frame.beforeSeq)) lastSeq = Math.max(lastSeq, frame.beforeSeq);
        lastSeq = Math.max(lastSeq, lastSeqIn(scan.view, at - scan.origin, frame.bytes));
        at += frame.bytes;
        if (count % FRAMES_A_STEP === 0) yield;
      }
    }
    return { place, lastSeq };
  }

  #cut(at: number, lastSeq: number): void {
    const segment = this.#segment;
    this.isCut = true;
    this.#warn(`what follows ${at} was not written whole: it is cut`);
    if (segment.bytes > at) segment.file.truncate(at);
    segment.bytes = at;
    const { lastSeq: last } = this.#store.state;
    if (lastSeq > last) this.#lose(last + 1, lastSeq);
  }

  /** What is behind a segment that was cut goes, too. */
  #cutBehind(index: number): void {
    const { segments } = this.#log;
    for (const segment of segments.list.slice(index + 1)) {
      segment.file.close();
      this.#remove(segmentName(segment.number));
      if (segment.hasIndex) this.#removeIndex(indexName(segmentName(segment.number)));
      segments.replace([segment], undefined);
    }
  }

  /** `seq` is the last sequence here. After damage it says what that has cost. */
  #before(seq: number, timeMs?: number): void {
    const { lastSeq } = this.#store.state;
    if (this.#isDamaged && seq > lastSeq) this.#lose(lastSeq + 1, seq);
    this.#isDamaged = false;
    this.#store.skipTo(seq, timeMs);
  }

  #lose(first: number, last: number): void {
    this.lost.push({ first, last });
    this.#warn(`messages of the sequences ${first} to ${last} may be lost`);
  }

  #warn(text: string): void {
    this.#log.options.warn(`${this.#segment.file.path}: ${text}`);
  }

  *#frame(at: number, length: number): Work<void> {
    const scan = this.#scan;
    const start = at - scan.origin;
    if (this.#isDamaged) {
      yield* this.#finish(at);
      const { beforeSeq } = readFrameHead(scan.view, start);
      if (isSeq(beforeSeq)) this.#before(beforeSeq);
    }
    const end = start + length;
    for (let from = start + FRAME_HEAD_BYTES; from < end; ) {
      const next = this.#builder.records(scan, from, end, start, at);
      const position = scan.origin + next;
      if (next === from) throw unknownRecord(this.#segment, position);
      from = next;
      const isFull = position - this.#pendingAt >= INDEX_PIECE_BYTES || this.#builder.isFull;
      if (isFull) yield* this.#finish(position);
      else if (next < end) yield;
    }
  }

  /** Does what has been read. @param to up to where in the segment */
  *#finish(to: number): Work<void> {
    this.#pendingAt = to;
    const { block } = this.#builder;
    yield* restore(compactBlock(block) ?? block, this.#store, this.#replay, this.#segment);
    this.#builder.clear();
  }
}

function checkHead(
  head: SegmentHead | number | undefined,
  number: number,
  { path }: DiskFile,
): SegmentHead {
  if (head === undefined) {
    throw new StorageError(`${path} is damaged, or is no segment of a store: it has no head`);
  }
  if (typeof head === 'number') {
    const versions = `format ${head}, and this version knows ${FORMAT_VERSION}`;
    throw new StorageError(`${path} was written by a newer version: it has ${versions}`);
  }
  if (head.number !== number) {
    throw new StorageError(`${path} has another's name: it is segment ${head.number}`);
  }
  return head;
}
