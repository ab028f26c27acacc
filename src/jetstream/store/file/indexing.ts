// Writes the indexes of segments (index-block.ts): of what has been written, a little a turn, from what the segment says. So
// nothing of it depends on what becomes of the messages meanwhile, and it may end anywhere: a start after kill -9 reads
// the log from where the indexes end. When it has been synced, a mark says so. Nobody waits for it but the end of the store.
import { crc32 } from 'node:zlib';
import { toError } from '../../../shared/errors.ts';
import { BlockBuilder } from './block-builder.ts';
import type { Disk, DiskFile } from './disk.ts';
import { DiskTurns } from './disk-turns.ts';
import { FRAME_HEAD_BYTES, FRAMES_AT, type Place } from './format.ts';
import { FrameScan } from './frame-scan.ts';
import {
  addHead,
  BLOCK_MOST,
  blockBytes,
  INDEX_PIECE_BYTES,
  indexName,
  markBytes,
  pieceSeed,
} from './index-block.ts';
import type { Segment, Segments } from './segments.ts';
import type { Syncing } from './syncing.ts';

export interface IndexingHost {
  readonly segments: Segments;
  readonly syncing: Syncing;
  readonly options: {
    readonly disk: Disk;
    readonly warn: (text: string) => void;
    /** Fewer bytes of a segment are read sooner than an index of them is made. */
    readonly indexBytes?: number;
  };
}

const INDEX_LEAST: number = 1 << 20;
/** What is gone through in a turn: some tenths of a millisecond. */
const STEP_BYTES = 65_536;
const ROOM_BYTES: number = 2 * STEP_BYTES;
/** At the end of the store so much is done, half a second's work; the next start goes on with the rest. */
const FINISH_BYTES: number = 1 << 28;

/** So many stores of a disk make indexes at a time: each takes some MiB. */
const diskTurns = new DiskTurns(4);

export class Indexing {
  readonly #host: IndexingHost;
  /** Indexes of segments that are gone. */
  #stale: string[] = [];
  #work: Promise<void> | undefined;
  /** How far it was synced when that was last of interest. */
  #seen: Place = { number: 0, at: 0 };
  #isStopped = false;
  /** Nothing more will be written. */
  #isFinishing = false;
  /** Bytes of segments of which indexes may still be made. */
  #left: number = Number.POSITIVE_INFINITY;

  constructor(host: IndexingHost) {
    this.#host = host;
  }

  /** More of the log has been written. */
  written(): void {
    const { last } = this.#host.segments;
    if (last !== undefined && this.#isWorth(last)) this.due();
  }

  /** More of the log has been synced, or of another segment. */
  synced(): void {
    const { number, at } = this.#host.syncing.synced;
    if (number === this.#seen.number && at - this.#seen.at < this.#least) return;
    this.#seen = { number, at };
    this.due();
  }

  /** There may be something to do. It begins in a later turn. */
  due(): void {
    if (this.#work === undefined && !this.#isStopped && this.#isDue) this.#work = this.#run();
  }

  /** The segment is gone, or is about to be another. */
  forget(segment: Segment): void {
    segment.isIndexEnded = true;
    if (segment.hasIndex) this.#stale.push(indexName(segment.file.path));
    segment.hasIndex = false;
    this.due();
  }

  /** Does what there is to do, the last segments first. Nothing is begun afterwards. */
  async finish(): Promise<void> {
    this.#left = FINISH_BYTES;
    this.#isFinishing = true;
    this.due();
    this.#isStopped = true;
    await this.#work;
  }

  /** Nothing more is done. */
  async stop(): Promise<void> {
    this.#left = 0;
    this.#isStopped = true;
    await this.#work;
  }

  /** There is something to do, or would be if everything had been synced. */
  get isBehind(): boolean {
    const { list } = this.#host.segments;
    return list.some((each) => this.#isWorth(each) || this.#isUnmarked(each, each.bytes));
  }

  get #isDue(): boolean {
    return this.#stale.length > 0 || this.#next() !== undefined;
  }

  /** Mostly it is one of the last two. */
  #next(): Segment | undefined {
    const { list } = this.#host.segments;
    return list.findLast(
      (each) => this.#isWorth(each) || this.#isUnmarked(each, this.#endOf(each)),
    );
  }

  /** Enough of it was written since it was indexed; what is left of one that is full comes, too. */
  #isWorth(segment: Segment): boolean {
    const left = segment.bytes - segment.indexed;
    const isEnough =
      this.#isEnough(left) || (left > 0 && segment.hasIndex && this.#isFull(segment));
    return isEnough && this.#isStaying(segment);
  }

  #isFull(segment: Segment): boolean {
    return this.#isFinishing || segment !== this.#host.segments.last;
  }

  /** Enough of what is indexed is known to be synced, and its index does not say so. */
  #isUnmarked(segment: Segment, synced: number): boolean {
    const left = Math.min(segment.indexed, synced) - segment.marked;
    return this.#isEnough(left) && this.#isStaying(segment);
  }

  #isEnough(left: number): boolean {
    return left >= this.#least;
  }

  get #least(): number {
    return Math.max(1, this.#host.options.indexBytes ?? INDEX_LEAST);
  }

  /** It has an index that may grow, and is not about to be unlinked. */
  #isStaying(segment: Segment): boolean {
    const { last } = this.#host.segments;
    return !segment.isIndexEnded && (segment.living > 0 || segment === last);
  }

  /** How far the segment was synced. */
  #endOf({ number, bytes }: Segment): number {
    const { synced } = this.#host.syncing;
    if (number === synced.number) return Math.min(bytes, synced.at);
    return number < synced.number ? bytes : FRAMES_AT;
  }

  async #run(): Promise<void> {
    const { disk } = this.#host.options;
    const turns = diskTurns.of(disk);
    for (let isLeft = true; isLeft; ) {
      await disk.later();
      await turns.take();
      try {
        isLeft = await this.#step();
      } finally {
        turns.done();
      }
    }
    this.#work = undefined;
  }

  /** @returns whether there may be more to do */
  async #step(): Promise<boolean> {
    const { disk, warn } = this.#host.options;
    // What stays is found to be another's at the next start.
    for (let path = this.#stale.pop(); path !== undefined; path = this.#stale.pop()) {
      await disk.removeLater(path).catch(() => {});
    }
    const segment = this.#next();
    if (segment === undefined || this.#left <= 0) return false;
    try {
      await this.#extend(segment);
    } catch (error) {
      segment.isIndexEnded = true;
      warn(`the next start takes longer: ${toError(error).message}`);
    }
    return true;
  }

  async #extend(segment: Segment): Promise<void> {
    const { disk } = this.#host.options;
    const path = indexName(segment.file.path);
    const index = segment.hasIndex ? disk.open(path) : disk.create(path);
    segment.hasIndex = true;
    try {
      const end = segment.bytes;
      const scan = new FrameScan(segment, new Uint8Array(Math.min(end, ROOM_BYTES)));
      const least = this.#isFull(segment) ? 1 : Math.min(INDEX_PIECE_BYTES, this.#least);
      while (this.#isStaying(segment) && this.#left > 0 && end - segment.indexed >= least) {
        await this.#addBlock(segment, scan, end, index);
        await disk.later();
      }
      if (this.#isUnmarked(segment, this.#endOf(segment))) await this.#mark(segment, index);
    } finally {
      index.close();
    }
  }

  async #addBlock(segment: Segment, scan: FrameScan, end: number, index: DiskFile): Promise<void> {
    const builder = new BlockBuilder();
    const from = segment.indexed;
    const { nonce } = segment.head;
    let sum = pieceSeed(nonce, from);
    let at = from;
    let stepEnd = at + STEP_BYTES;
    while (at < Math.min(end, from + INDEX_PIECE_BYTES) && !builder.isFull) {
      const length = scan.frame(at);
      // It is damaged, or says what cannot be.
      if (length === 0 || !isTaken(builder, scan, at, length)) {
        segment.isIndexEnded = true;
        return;
      }
      sum = crc32(scan.bytes.subarray(at - scan.origin, at - scan.origin + length), sum);
      at += length;
      if (at < stepEnd) continue;
      await this.#host.options.disk.later();
      if (!this.#isStaying(segment)) return;
      stepEnd = at + STEP_BYTES;
    }
    const block = blockBytes(builder.block, { from, to: at, sum }, nonce, segment.indexBytes);
    // No start would read it.
    if (block.length > BLOCK_MOST) {
      segment.isIndexEnded = true;
      return;
    }
    // It takes the place of the mark.
    segment.marked = FRAMES_AT;
    await index.writeLater(block, segment.indexBytes);
    segment.indexed = at;
    segment.indexBytes += block.length;
    segment.headSum = addHead(segment.headSum, block);
    this.#left -= at - from;
  }

  async #mark(segment: Segment, index: DiskFile): Promise<void> {
    const marked = Math.min(segment.indexed, this.#endOf(segment));
    await index.writeLater(markBytes(marked, segment), segment.indexBytes);
    segment.marked = marked;
  }
}

/** Whether a whole frame is in the block. */
function isTaken(builder: BlockBuilder, scan: FrameScan, at: number, length: number): boolean {
  const start = at - scan.origin;
  const end = start + length;
  for (let from = start + FRAME_HEAD_BYTES; from < end; ) {
    const next = builder.records(scan, from, end, start, at);
    if (next === from) return false;
    from = next;
  }
  return true;
}
