// Reads a log from its beginning and does to the store what it says. What is damaged is either the end that a crash has
// torn, or has been written and synced and was changed by something else. A frame says how far the log was synced when it
// was written; so damage before the highest such place is passed over, and the frame behind it tells which sequences it
// has cost. From any other damage on, everything is cut: what is kept is what was there at some moment.
import { StorageError } from '../../../shared/errors.ts';
import type { IndexedStore } from '../indexed-store.ts';
import { copyBytes } from '../slabs.ts';
import type { Incoming } from '../store.ts';
import type { DiskFile } from './disk.ts';
import {
  areHeadsTorn,
  type Bytes,
  DEAD,
  FLOOR,
  FORMAT_VERSION,
  FRAME_HEAD_BYTES,
  FRAMES_AT,
  MESSAGE,
  MESSAGE_BYTES,
  type Place,
  readFrameHead,
  readSegmentHead,
  recordBytes,
  type SegmentHead,
  SKIP,
  segmentName,
  segmentNumber,
  viewsOf,
} from './format.ts';
import { nextFrame, wholeFrame } from './frame-scan.ts';
import type { SegmentLog } from './log.ts';
import { restore } from './restore.ts';
import type { Segment } from './segments.ts';
import { SNAPSHOT_NAME, SnapshotReader } from './snapshot.ts';

/** Sequences of which messages may be lost. */
export interface Lost {
  readonly first: number;
  readonly last: number;
}

interface Evidence {
  readonly place: Place;
  readonly lastSeq: number;
}

export class Recovery {
  readonly #log: SegmentLog;
  readonly #store: IndexedStore;
  readonly lost: Lost[] = [];
  readonly #message = new ReplayedMessage();
  isCut = false;
  /** Of the segment at hand. */
  #segment!: Segment;
  #source!: Bytes;
  /** Segments are read into the same memory, one after the other. */
  #room: Uint8Array = NOTHING;
  #isDamaged = false;
  /** What a snapshot has said already, and up to where: it was synced. */
  readonly #covered = new Map<Segment, number>();
  #restored: Place = { number: 0, at: 0 };
  #evidence: Evidence | undefined;

  constructor(log: SegmentLog, store: IndexedStore) {
    this.#log = log;
    this.#store = store;
  }

  /** Throws StorageError, and then files may be open still. @param names what is in the directory */
  run(names: readonly string[]): void {
    const { segments } = this.#log;
    for (const name of names) if (name.endsWith('.tmp')) this.#remove(name);
    const numbers = names.map(segmentNumber).filter((number) => number > 0);
    numbers.sort((a, b) => a - b);
    for (const number of numbers) this.#open(number, number === numbers.at(-1));
    this.#removeStale();
    if (names.includes(SNAPSHOT_NAME)) this.#restore();
    for (let i = 0; i < segments.list.length; i++) {
      const segment = segments.list[i] as Segment;
      if (i > 0 && !this.#follows(segments.list[i - 1] as Segment, segment)) this.#cutBehind(i - 1);
      else if (!this.#read(segment)) this.#cutBehind(i);
    }
  }

  /** A segment that the next one does not know of was cut away before that was made; a power loss has brought it back. */
  #removeStale(): void {
    const { segments } = this.#log;
    let known = Number.POSITIVE_INFINITY;
    for (const segment of [...segments.list].reverse()) {
      const { head, file, number } = segment;
      if (number <= known) {
        known = head.previous.number;
        continue;
      }
      file.close();
      this.#remove(segmentName(number));
      segments.replace([segment], undefined);
    }
  }

  #remove(name: string): void {
    const { disk, dir } = this.#log.options;
    disk.remove(`${dir}/${name}`);
  }

  #open(number: number, isLast: boolean): void {
    const { segments, options } = this.#log;
    const file = options.disk.open(`${options.dir}/${segmentName(number)}`);
    const size = file.size();
    const start = viewsOf(new Uint8Array(FRAMES_AT));
    file.read(start.bytes, 0, FRAMES_AT, 0);
    const head = readSegmentHead(start);
    // Frames are written behind whole heads alone.
    if (head === undefined && areHeadsTorn(start) && (isLast || size <= FRAMES_AT)) {
      options.warn(`${file.path} was not made whole: it is removed`);
      file.close();
      this.#remove(segmentName(number));
      segments.skipNumber(number);
      return;
    }
    const segment = segments.make(checkHead(head, number, file), file);
    segment.bytes = Math.max(size, FRAMES_AT);
    segments.push(segment);
  }

  /** Takes over what the snapshot says, if it holds; otherwise it is of no use. */
  #restore(): void {
    const { segments, options } = this.#log;
    const file = options.disk.open(`${options.dir}/${SNAPSHOT_NAME}`);
    const reader = new SnapshotReader(file);
    const head = reader.head(segments.list);
    if (head === undefined) this.#remove(SNAPSHOT_NAME);
    else restore(this.#log, this.#store, reader, head);
    file.close();
    for (const { segment, bytes } of head?.segments ?? []) {
      this.#covered.set(segment, bytes);
      this.#restored = { number: segment.number, at: bytes };
    }
  }

  /** Whether what a segment followed is whole, or is known to have been; false: it had been written on, and that is gone. */
  #follows({ number, bytes, head }: Segment, next: Segment): boolean {
    const { previous } = next.head;
    if (previous.number !== number || previous.nonce !== head.nonce) return true;
    if (bytes >= previous.bytes) return true;
    const { place, lastSeq } = this.#behind(next, FRAMES_AT);
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
  #read(segment: Segment): boolean {
    this.#trim(segment);
    const { head, file, bytes: size } = segment;
    const { nonce, number } = head;
    const covered = this.#covered.get(segment) ?? FRAMES_AT;
    this.#segment = segment;
    this.#source = covered === size ? NO_BYTES : readAll(file, size, this.#room);
    if (this.#source.bytes.length > this.#room.length) this.#room = this.#source.bytes;
    this.#before(head.lastSeq, head.lastTimeMs > 0 ? head.lastTimeMs : undefined);
    this.#raiseFloor(head.firstSeq);
    let at = covered;
    while (at < size) {
      const length = wholeFrame(this.#source, at, 0, nonce);
      if (length > 0) {
        this.#replay(at, at + length);
        at += length;
        continue;
      }
      const { place, lastSeq } = this.#behind(segment, at);
      if (place.number < number || (place.number === number && place.at <= at)) {
        this.#cut(at, lastSeq);
        return false;
      }
      const next = nextFrame(this.#source, at + 1, 0, nonce);
      const end = next < 0 ? size : next;
      this.#warn(`${end - at} bytes at ${at} are damaged and passed over`);
      this.#isDamaged = true;
      at = end;
    }
    return true;
  }

  /**
   * What whole frames behind the first damage say: how far the log was synced, and which sequences there were. Frames in
   * front of other damage say nothing of what is behind it, so that once is enough.
   */
  #behind(segment: Segment, from: number): Evidence {
    this.#evidence ??= this.#search(segment, from);
    return this.#evidence;
  }

  #search(segment: Segment, from: number): Evidence {
    const { list } = this.#log.segments;
    let place = this.#restored;
    let lastSeq = 0;
    const index = list.indexOf(segment);
    for (let i = index; i < list.length; i++) {
      const { head, file, bytes } = list[i] as Segment;
      const source = list[i] === this.#segment ? this.#source : readAll(file, bytes);
      let at = i === index ? from : FRAMES_AT;
      for (;;) {
        at = nextFrame(source, at, 0, head.nonce);
        if (at < 0) break;
        const frame = readFrameHead(source.view, at);
        const { syncedNumber: number, syncedAt } = frame;
        const isLater = number > place.number || (number === place.number && syncedAt > place.at);
        if (isLater) place = { number, at: syncedAt };
        lastSeq = Math.max(lastSeq, frame.beforeSeq);
        at += frame.bytes;
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

  #replay(start: number, end: number): void {
    const { view } = this.#source;
    if (this.#isDamaged) this.#before(readFrameHead(view, start).beforeSeq);
    for (let at = start + FRAME_HEAD_BYTES; at < end; ) {
      const size = recordBytes(view, at);
      if (size === 0 || at + size > end) {
        throw new StorageError(`${this.#segment.file.path}: a record that is not known at ${at}`);
      }
      const kind = view.getUint32(at, true) & 0xff;
      if (kind === MESSAGE) this.#replayMessage(at, at - start);
      else this.#replayNote(kind, view.getFloat64(at + 4, true), at + 12);
      at += size;
    }
  }

  #replayMessage(at: number, inFrame: number): void {
    const store = this.#store;
    const segment = this.#segment;
    const { view } = this.#source;
    const bodyBytes = view.getUint32(at + 4, true);
    const timeMs = view.getFloat64(at + 12, true);
    const seq = view.getFloat64(at + 20, true);
    // What stands in two segments has been copied to the first.
    if (seq <= store.state.lastSeq) {
      segment.add(bodyBytes);
      segment.remove(bodyBytes);
      return;
    }
    store.skipTo(seq - 1);
    this.#log.place(segment, at, inFrame);
    store.append(this.#message.at(this.#source, at), timeMs);
  }

  #replayNote(kind: number, seq: number, at: number): void {
    const store = this.#store;
    if (kind === FLOOR) {
      this.#raiseFloor(seq);
      return;
    }
    const second = this.#source.view.getFloat64(at, true);
    if (kind === SKIP) {
      store.skipTo(seq, second < 0 ? undefined : second);
    } else if (kind === DEAD) {
      this.#segment.deadFrom = Math.min(this.#segment.deadFrom, seq);
      for (let each = store.next(seq); each > 0 && each <= second; each = store.next(each + 1)) {
        store.remove(each);
      }
    }
  }

  #raiseFloor(seq: number): void {
    if (seq > this.#store.state.lastSeq) this.#store.clear();
    else this.#store.removeBelow(seq);
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

const NOTHING = new Uint8Array(0);
const NO_BYTES = viewsOf(NOTHING);

/** All of a file, in room that may have been used before. */
function readAll(file: DiskFile, size: number, room: Uint8Array = NOTHING): Bytes {
  const bytes = room.length < size ? new Uint8Array(size) : room.subarray(0, size);
  file.read(bytes, 0, size, 0);
  return viewsOf(bytes);
}

/** A message of the log: its subject is copied, its body stays where it is. */
class ReplayedMessage implements Incoming {
  #bytes = new Uint8Array(0);
  #subjectAt = 0;
  subjectBytes = 0;
  headerBytes = 0;
  bodyBytes = 0;

  at({ bytes, view }: Bytes, at: number): this {
    this.#bytes = bytes as Uint8Array<ArrayBuffer>;
    this.#subjectAt = at + MESSAGE_BYTES;
    this.subjectBytes = view.getUint32(at, true) >>> 8;
    this.bodyBytes = view.getUint32(at + 4, true);
    this.headerBytes = view.getUint32(at + 8, true);
    return this;
  }

  copySubject(target: Uint8Array, at: number): number {
    copyBytes(this.#bytes, this.#subjectAt, target, at, this.subjectBytes);
    return at + this.subjectBytes;
  }

  copyBody(_target: Uint8Array, at: number): number {
    return at + this.bodyBytes;
  }
}
