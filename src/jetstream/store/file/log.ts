// The log of one store: where its bodies lie on disk, and what says after a restart what became of them. Changes go to its
// end (tail.ts), and are written once a turn of the event loop, when the store is asked to commit.
//
//   append, remove, skip ─► tail ──commit: write──► last segment ──syncing──► durable
//                                                   others ◄── compaction: rewritten, unlinked
import { StorageError, toError } from '../../../shared/errors.ts';
import { Seldom } from '../../../shared/seldom.ts';
import type { Bodies } from '../bodies.ts';
import type { IndexedStore } from '../indexed-store.ts';
import { LostMessages } from '../lost.ts';
import type { FoundMessage } from '../restored-rows.ts';
import { HAS_HEADERS, ROW_AT, ROW_BODY, ROW_SLAB } from '../row-chunk.ts';
import type { Rows } from '../rows.ts';
import type { Committed, Incoming, MessagePlace } from '../store.ts';
import { Compaction } from './compaction.ts';
import { FRAME_HEAD_BYTES, MESSAGE_BYTES, type Place, SKIP_BYTES } from './format.ts';
import type { FrameBuffer } from './frame-buffer.ts';
import { FrameReader } from './frame-reader.ts';
import { Indexing } from './indexing.ts';
import { PlaceList, placeWord } from './places.ts';
import { type Segment, Segments } from './segments.ts';
import { Syncing, type SyncOptions } from './syncing.ts';
import { Tail, type TailOptions } from './tail.ts';

export interface LogOptions extends SyncOptions, TailOptions {
  /** Of so many bytes of a segment an index is made. */
  readonly indexBytes?: number;
}

/** On a full disk room is looked for once in so long. */
const RELIEF_PAUSE_MS = 1000;

export class SegmentLog implements Bodies {
  readonly hasSubjects = true;
  readonly segments: Segments = new Segments();
  readonly lost: LostMessages = new LostMessages();
  readonly syncing: Syncing;
  readonly options: LogOptions;
  /** It has not been read to its end: what is said comes from itself. */
  isReplaying = true;
  readonly #rows: Rows;
  readonly #tail: Tail;
  readonly #reader = new FrameReader();
  readonly #compaction: Compaction;
  readonly #indexing: Indexing = new Indexing(this);
  #owner!: IndexedStore;
  #isEvicting = false;
  /** Everything up to it survives a power loss, where that is promised. */
  #durableSeq = 0;
  /** Of the tail, when the first message since the last commit was kept. */
  #misses: number = Number.POSITIVE_INFINITY;
  /** A commit waits for room. */
  #relief: Promise<void> | undefined;
  /** That messages cannot be read. */
  readonly #unreadable: Seldom;
  #relievedMs: number = Number.NEGATIVE_INFINITY;
  /** Where the log ended when the store was opened. */
  #begun: Place = { number: 0, at: 0 };
  // Of the message that was kept last.
  #segment!: Segment;
  #place = 0;
  #at = 0;
  #body = 0;

  constructor(rows: Rows, options: LogOptions) {
    this.#rows = rows;
    this.options = options;
    this.#unreadable = new Seldom(options.clock);
    this.syncing = new Syncing(options, this.segments, {
      synced: () => this.#indexing.synced(),
      failed: (failure) => this.#end(failure),
    });
    this.#tail = new Tail(options, this.segments, this.syncing, {
      left: () => this.#compaction.due(),
      restore: (places) => this.#restore(places),
    });
    this.#compaction = new Compaction(this, rows, (segment) => {
      this.#reader.forget(segment);
      this.#indexing.forget(segment);
    });
  }

  /** Set before anything is asked. */
  set owner(owner: IndexedStore) {
    this.#owner = owner;
    this.#tail.owner = owner;
  }

  get heldBytes(): number {
    return this.#tail.buffer.bytes.length + this.#reader.heldBytes;
  }

  get failure(): Error | undefined {
    return this.#tail.failure;
  }

  /**
   * The log has been read. Where something was cut it goes on in another segment: what was cut or removed may be there
   * again after a power loss, and the new head does not know of it. Throws StorageError.
   */
  begin(isCut: boolean): void {
    this.isReplaying = false;
    this.#durableSeq = this.#owner.state.lastSeq;
    this.#begun = this.segments.end;
    this.#tail.begin(isCut);
    this.#compaction.due();
    this.#indexing.due();
    if (this.#indexing.isBehind) this.syncing.hurry();
  }

  keep(message: Incoming, subject: DataView, seq: number, timeMs: number): void {
    const { headerBytes, bodyBytes } = message;
    this.#body = headerBytes === 0 ? bodyBytes : bodyBytes + HAS_HEADERS;
    const tail = this.#tail;
    if (tail.misses < this.#misses) this.#misses = tail.misses;
    tail.add(message, subject, seq, timeMs);
    const segment = tail.segment as Segment;
    this.#segment = segment;
    this.#place = placeWord(segment, tail.inFrame);
    this.#at = tail.at;
  }

  undo(): void {
    this.#tail.undo();
  }

  sign(): void {
    const { chunk, word } = this.#rows;
    chunk.words[word + ROW_SLAB] = this.#place;
    chunk.words[word + ROW_AT] = this.#at;
    chunk.words[word + ROW_BODY] = this.#body;
    this.#segment.add(this.#body & ~HAS_HEADERS);
  }

  locate(into: MessagePlace): boolean {
    const { chunk, word } = this.#rows;
    const place = chunk.words[word + ROW_SLAB] as number;
    const at = chunk.words[word + ROW_AT] as number;
    const segment = this.segments.bySlot(place >>> 16);
    let source: Pick<FrameBuffer, 'bytes' | 'view'> = this.#tail.buffer;
    // Behind what has been written it is in the buffer.
    let start = at - segment.bytes;
    if (start < 0) {
      if (!this.#find(segment, at, place & 0xffff, into.seq)) return false;
      source = this.#reader;
      start = this.#reader.at + (place & 0xffff);
    }
    const { bytes, view } = source;
    // As in records.ts: most lie where the one before does, in a block that has come lately.
    if (into.body !== bytes || into.subject !== bytes) {
      into.body = bytes;
      into.bodyData = view;
      into.subject = bytes;
      into.subjectData = view;
    }
    into.subjectAt = start + MESSAGE_BYTES;
    into.subjectBytes = view.getUint32(start, true) >>> 8;
    into.bodyAt = into.subjectAt + into.subjectBytes;
    into.headerBytes = view.getUint32(start + 8, true);
    into.bodyBytes = view.getUint32(start + 4, true);
    return true;
  }

  /** Finds the frame of a message, which lies at `at`, so far behind the begin of that; false: it is lost. Throws StorageError. */
  #find(segment: Segment, at: number, inFrame: number, seq: number): boolean {
    const position = at - inFrame;
    try {
      if (this.#reader.find(segment, position) && this.#reader.has(seq, inFrame)) return true;
    } catch (error) {
      this.#cannotRead(seq, toError(error));
      throw error;
    }
    // How long its body is the index says.
    const bytes = this.#rows.find(seq) ? this.#rows.bodyBytes : 0;
    if (this.lost.add(seq, seq, bytes)) {
      const place = `${segment.file.path}: the frame at ${position}`;
      this.options.warn(`${place} is damaged: message ${seq} is lost`);
    }
    return false;
  }

  /** Who looks after the disk is told, but not of each. */
  #cannotRead(seq: number, { message }: Error): void {
    if (this.#unreadable.isTime()) this.options.warn(`message ${seq} cannot be read: ${message}`);
  }

  evicting(seq: number): boolean {
    if (this.isReplaying) return false;
    const { words } = this.#rows.chunk;
    const { word } = this.#rows;
    this.#isEvicting = true;
    this.#tail.evicting(seq, words[word + ROW_SLAB] as number, words[word + ROW_AT] as number);
    return true;
  }

  release(seq: number, isFirst: boolean): void {
    const rows = this.#rows;
    const tail = this.#tail;
    const isEvicted = this.#isEvicting;
    this.#isEvicting = false;
    const segment = this.segments.bySlot((rows.chunk.words[rows.word + ROW_SLAB] as number) >>> 16);
    segment.remove(rows.bodyBytes);
    // What has not been read to its end is not empty, whatever it looks like.
    if (this.isReplaying) return;
    if (segment !== tail.segment && segment.isSparse) this.#compaction.due();
    if (tail.isDropping) return;
    if (isFirst) tail.noteFloor(seq + 1, isEvicted);
    else tail.noteDead(seq, isEvicted);
  }

  tidy(): void {
    this.#tail.settle();
  }

  skipped(seq: number, timeMs: number | undefined): void {
    if (this.isReplaying) return;
    this.#misses = Math.min(this.#misses, this.#tail.misses);
    this.#tail.noteSkip(seq, timeMs ?? -1);
    this.#tail.settle();
  }

  cleared(): void {
    this.segments.empty();
    if (this.isReplaying) return;
    const tail = this.#tail;
    tail.forgetEvicted();
    tail.noteFloor(this.#owner.state.lastSeq + 1);
    tail.leaveEmpty();
    tail.settle();
    this.#compaction.due();
  }

  get restores(): number {
    return this.#tail.restores;
  }

  /** Messages that were evicted are there again. @returns those that cannot be read now */
  #restore(places: PlaceList): PlaceList {
    const found: FoundMessage[] = [];
    const unread = new PlaceList();
    for (let i = 0; i < places.count; i++) {
      try {
        const each = this.#recall(i, places);
        if (each !== undefined) found.push(each);
      } catch {
        unread.add(places.seqs[i] as number, places.places[i] as number, places.ats[i] as number);
      }
    }
    this.#owner.restore(found.sort((a, b) => a.seq - b.seq));
    return unread;
  }

  /** undefined: it is lost. Throws StorageError. */
  #recall(index: number, { seqs, places, ats }: PlaceList): FoundMessage | undefined {
    const seq = seqs[index] as number;
    const slab = places[index] as number;
    const at = ats[index] as number;
    const segment = this.segments.bySlot(slab >>> 16);
    const inFrame = slab & 0xffff;
    if (!this.#find(segment, at, inFrame, seq)) return undefined;
    const { bytes, view, at: frameAt } = this.#reader;
    const start = frameAt + inFrame;
    const subjectAt = start + MESSAGE_BYTES;
    const bodyBytes = view.getUint32(start + 4, true);
    segment.revive(bodyBytes);
    return {
      seq,
      timeMs: view.getFloat64(start + 12, true),
      subject: bytes.slice(subjectAt, subjectAt + (view.getUint32(start, true) >>> 8)),
      bodyBytes,
      hasHeaders: view.getUint32(start + 8, true) > 0,
      slab,
      at,
    };
  }

  commit(done: Committed): void {
    if (this.isReplaying) {
      done();
      return;
    }
    // What cannot be written while it waits may be its own.
    const misses = Math.min(this.#misses, this.#tail.misses);
    this.#misses = Number.POSITIVE_INFINITY;
    this.#ask(misses, done);
  }

  #ask(misses: number, done: Committed): void {
    if (this.#relief !== undefined) void this.#relief.then(() => this.#ask(misses, done));
    else if (this.#isSaid() || !this.#mayRelieve()) this.#commit(misses, done);
    else this.#relieve(misses, done);
  }

  /** @param misses of the tail, when the first of what it is about was said */
  #commit(misses: number, done: Committed): void {
    const { unsaid } = this.#tail;
    const missed = this.#tail.misses > misses ? this.#tail.missedBy : undefined;
    const { lastSeq } = this.#owner.state;
    this.syncing.commit(missed, (failure) => {
      if (failure === undefined) this.#durableSeq = Math.max(this.#durableSeq, lastSeq);
      done(failure, failure ?? unsaid);
    });
  }

  /** False: something has been removed, and there is no place to say it. */
  #isSaid(): boolean {
    this.#say();
    return !this.#tail.isUnsaid;
  }

  /** A segment in which nothing lives gives room at once; whatever else there is, is looked for now and then. */
  #mayRelieve(): boolean {
    if (this.segments.list.slice(0, -1).some(({ living }) => living === 0)) return true;
    const nowMs = this.options.clock.monotonic();
    if (nowMs - this.#relievedMs < RELIEF_PAUSE_MS) return false;
    this.#relievedMs = nowMs;
    return true;
  }

  /** What has been removed may give the room in which to say it. */
  #relieve(misses: number, done: Committed): void {
    this.#relief = this.#compaction.settled().then(() => {
      this.#relief = undefined;
      this.#say();
      this.#commit(misses, done);
    });
  }

  write(): Error | undefined {
    return this.isReplaying ? undefined : this.#say();
  }

  #say(): Error | undefined {
    this.#tail.pay();
    const failure = this.#tail.write();
    this.#indexing.written();
    return failure;
  }

  /** Writes what there is, and what makes the next start short. What fails now is found then. */
  close(done: () => void): void {
    if (this.isReplaying) {
      this.closeFiles();
      done();
      return;
    }
    this.#say();
    void this.#compaction.stop().then(() => {
      this.syncing.round(() => {
        // There may be a place now.
        this.#say();
        this.syncing.round((failure) => void this.#leave(failure).then(done));
      });
    });
  }

  async #leave(failure: Error | undefined): Promise<void> {
    if ((failure ?? this.failure) === undefined) {
      await this.#indexing.finish();
      this.#sayEnd();
    } else {
      await this.#indexing.stop();
    }
    this.syncing.close();
    this.closeFiles();
  }

  /** A frame behind all others says that those were synced: damage costs but the frame that it hits then. */
  #sayEnd(): void {
    const { number, at } = this.segments.end;
    const isSaid = number === this.#begun.number && at === this.#begun.at;
    // No segment is made for it.
    const isFull = at + FRAME_HEAD_BYTES + SKIP_BYTES > this.options.segmentBytes;
    if (isSaid || isFull) return;
    this.#tail.noteSkip(this.#owner.state.lastSeq, -1);
    this.#tail.write();
  }

  closeFiles(): void {
    this.#tail.end(new StorageError(`${this.options.dir} is closed`));
    for (const { file } of this.segments.list) file.close();
  }

  #end(failure: StorageError): void {
    this.options.warn(`nothing more is stored until the next start: ${failure.message}`);
    this.#tail.end(failure);
    // Nobody knows what of them is there: none is, for whoever asks now.
    if (this.options.sync === 'always') this.#tail.takeBack(this.#durableSeq + 1);
  }
}
