// One rewriting: what lives of some neighbouring segments is copied into a temporary file, piece after piece.
import { StorageError } from '../../../shared/errors.ts';
import { ROW_AT, ROW_SLAB } from '../row-chunk.ts';
import type { Rows } from '../rows.ts';
import { copyBytes } from '../slabs.ts';
import type { CompactionHost } from './compaction.ts';
import type { Disk, DiskFile } from './disk.ts';
import {
  DEAD,
  DEAD_BYTES,
  FRAME_HEAD_BYTES,
  FRAMES_AT,
  frameBytes,
  isFrameWhole,
  MESSAGE,
  readFrameHead,
  recordBytes,
  SKIP,
  SKIP_BYTES,
  segmentHeads,
  viewsOf,
} from './format.ts';
import { FrameBuffer } from './frame-buffer.ts';
import { FRAME_MOST, newNonce, PlaceList, placeWord } from './places.ts';
import { type Segment, unknownRecord } from './segments.ts';

const PIECE_BYTES: number = 1 << 20;

export class Rewriting {
  readonly #host: CompactionHost;
  readonly #rows: Rows;
  readonly #sources: readonly Segment[];
  readonly #isStopped: () => boolean;
  target!: Segment;
  /** Where messages lie now. */
  readonly moves: PlaceList = new PlaceList();
  readonly #buffer = new FrameBuffer();
  /** Where the piece at hand begins in its segment. */
  #position = 0;
  #lastSeq: number;

  constructor(
    host: CompactionHost,
    rows: Rows,
    sources: readonly Segment[],
    isStopped: () => boolean,
  ) {
    this.#host = host;
    this.#rows = rows;
    this.#sources = sources;
    this.#isStopped = isStopped;
    this.#lastSeq = (sources[0] as Segment).head.lastSeq;
  }

  /** Resolves when the copy survives a power loss. Rejected with StorageError. */
  async run(): Promise<void> {
    const { segments, options } = this.#host;
    const [first] = this.#sources as readonly [Segment];
    const cleaned = segments.end.number;
    const head = { ...first.head, nonce: newNonce(), cleaned };
    const file = createTemporary(options.disk, first.file.path.replace(/log$/, 'tmp'));
    this.target = segments.make(head, file);
    file.write(segmentHeads(head), 0, FRAMES_AT, 0);
    for (const source of this.#sources) await this.#copy(source);
    this.#end();
    await this.#write();
    await file.sync();
  }

  /** Nothing is to be left of it. */
  async discard(): Promise<void> {
    if (this.target === undefined) return;
    this.#host.segments.free(this.target);
    await this.target.file.unlink();
  }

  /** Copies a segment, piece after piece. */
  async #copy(source: Segment): Promise<void> {
    let bytes = PIECE_BYTES;
    for (this.#position = FRAMES_AT; this.#position < source.bytes; ) {
      if (this.#isStopped()) throw new StorageError('the store is closed');
      const target = new Uint8Array(Math.min(bytes, source.bytes - this.#position));
      await source.file.readLater(target, this.#position);
      const copied = this.#copyFrames(source, target);
      // A frame that is longer than a piece: it says how long it is.
      bytes = copied > 0 ? PIECE_BYTES : this.#neededBytes;
      this.#position += copied;
      await this.#write();
    }
  }

  #neededBytes = 0;

  /** Copies the whole frames of a piece. @returns bytes of them; 0: it takes `neededBytes` */
  #copyFrames(source: Segment, bytes: Uint8Array): number {
    const piece = viewsOf(bytes);
    const { nonce } = source.head;
    let at = 0;
    while (at < bytes.length) {
      const position = this.#position + at;
      const isCut = bytes.length - at < FRAME_HEAD_BYTES;
      const length = isCut ? FRAME_HEAD_BYTES : frameBytes(piece, at, position, nonce);
      if (at + length > bytes.length && position + length <= source.bytes) {
        this.#neededBytes = length;
        return at;
      }
      if (!isFrameWhole(piece, at, length, position, nonce)) {
        throw new StorageError(`${source.file.path}: the frame at ${position} is damaged`);
      }
      this.#copyFrame(source, bytes, at, length);
      at += length;
    }
    return at;
  }

  #copyFrame(source: Segment, bytes: Uint8Array, start: number, length: number): void {
    const { view } = viewsOf(bytes);
    const { segments } = this.#host;
    this.#lastSeq = Math.max(this.#lastSeq, readFrameHead(view, start).beforeSeq);
    const end = start + length;
    for (let at = start + FRAME_HEAD_BYTES; at < end; ) {
      const size = recordBytes(view, at, end);
      if (size === 0) throw unknownRecord(source, this.#position + at);
      const kind = view.getUint32(at, true) & 0xff;
      if (kind === MESSAGE) {
        const seq = view.getFloat64(at + 20, true);
        if (this.#livesAt(seq, source, this.#position + at)) {
          const place = this.#put(bytes, at, size);
          const { target } = this;
          this.moves.add(
            seq,
            placeWord(target, place - this.#buffer.frameAt),
            target.bytes + place,
          );
        }
        this.#lastSeq = Math.max(this.#lastSeq, seq);
      } else if (kind === DEAD) {
        const from = view.getFloat64(at + 4, true);
        const to = view.getFloat64(at + 12, true);
        if (segments.isNamed(from, to, source.number, this.#sources)) {
          this.#put(bytes, at, DEAD_BYTES);
          this.target.deadFrom = Math.min(this.target.deadFrom, from);
        }
      }
      at += size;
    }
  }

  #livesAt(seq: number, source: Segment, position: number): boolean {
    const rows = this.#rows;
    if (!rows.find(seq)) return false;
    const { chunk, word } = rows;
    const slot = (chunk.words[word + ROW_SLAB] as number) >>> 16;
    return slot === source.slot && chunk.words[word + ROW_AT] === position;
  }

  /** @returns where it lies in the buffer */
  #put(bytes: Uint8Array, at: number, length: number): number {
    const buffer = this.#buffer;
    if (buffer.frameBytes > FRAME_HEAD_BYTES && buffer.frameBytes + length > FRAME_MOST)
      this.#seal();
    buffer.reserve(length, this.#lastSeq);
    const place = buffer.used;
    copyBytes(bytes, at, buffer.bytes, place, length);
    buffer.used += length;
    return place;
  }

  #seal(): void {
    const { bytes, head } = this.target;
    this.#buffer.seal(bytes, head.nonce, this.#host.syncing.synced);
  }

  async #write(): Promise<void> {
    this.#seal();
    const { target } = this;
    const { used, bytes } = this.#buffer;
    if (used === 0) return;
    await target.file.writeLater(bytes.subarray(0, used), target.bytes);
    target.bytes += used;
    this.#buffer.reset();
  }

  /** What was taken from neighbours must not be taken for new, should they be there still. */
  #end(): void {
    const last = this.#sources.at(-1) as Segment;
    const { lastSeq, lastTimeMs } = this.#host.segments.headBehind(last);
    const { bytes, view } = viewsOf(new Uint8Array(SKIP_BYTES));
    view.setUint32(0, SKIP, true);
    view.setFloat64(4, lastSeq, true);
    view.setFloat64(12, lastTimeMs > 0 ? lastTimeMs : -1, true);
    this.#put(bytes, 0, SKIP_BYTES);
  }
}

/** A file for what is written anew; one that was left behind is taken away. */
function createTemporary(disk: Disk, path: string): DiskFile {
  try {
    return disk.create(path);
  } catch (error) {
    const { cause } = error as { cause?: NodeJS.ErrnoException };
    if (cause?.code !== 'EEXIST') throw error;
    disk.remove(path);
    return disk.create(path);
  }
}
