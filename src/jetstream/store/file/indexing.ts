// Writes the indexes of segments (index-block.ts): of what has been synced, a little a turn, from what the segment says. So
// nothing of it depends on what becomes of the messages meanwhile, and it may end anywhere: a start after kill -9 reads
// the log from where the indexes end. Nobody waits for it but the end of the store.
import { toError } from '../../../shared/errors.ts';
import { BlockBuilder } from './block-builder.ts';
import type { Disk, DiskFile } from './disk.ts';
import { DiskTurns } from './disk-turns.ts';
import { FRAME_HEAD_BYTES, FRAMES_AT, type Place } from './format.ts';
import { FrameScan } from './frame-scan.ts';
import { blockBytes, INDEX_PIECE_BYTES, indexName } from './index-block.ts';
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
  /** Bytes of segments of which indexes may still be made. */
  #left: number = Number.POSITIVE_INFINITY;

  constructor(host: IndexingHost) {
    this.#host = host;
  }

  /** More of the log has been synced, or of another segment. */
  synced(): void {
    const { number, at } = this.#host.syncing.synced;
    const { indexBytes = INDEX_LEAST } = this.#host.options;
    if (number === this.#seen.number && at - this.#seen.at < indexBytes) return;
    this.#seen = { number, at };
    this.due();
  }

  /** There may be something to do. It begins in a later turn. */
  due(): void {
    if (!this.#isStopped && this.#isDue) this.#work ??= this.#run();
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

  /** There would be something to do if everything had been synced. */
  get isBehind(): boolean {
    return this.#host.segments.list.some((segment) => this.#isWorth(segment, segment.bytes));
  }

  get #isDue(): boolean {
    return this.#stale.length > 0 || this.#next() !== undefined;
  }

  /** A segment of which enough was synced since it was indexed. Mostly it is one of the last two. */
  #next(): Segment | undefined {
    const { list } = this.#host.segments;
    return list.findLast((segment) => this.#isWorth(segment, this.#endOf(segment)));
  }

  #isWorth(segment: Segment, end: number): boolean {
    const { indexBytes = INDEX_LEAST } = this.#host.options;
    const left = end - segment.indexed;
    return left > 0 && left >= indexBytes && this.#isStaying(segment);
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
      const scan = new FrameScan(segment);
      const end = this.#endOf(segment);
      while (segment.indexed < end && this.#isStaying(segment) && this.#left > 0) {
        await this.#addBlock(segment, scan, end, index);
        await disk.later();
      }
    } finally {
      index.close();
    }
  }

  async #addBlock(segment: Segment, scan: FrameScan, end: number, index: DiskFile): Promise<void> {
    const builder = new BlockBuilder();
    const from = segment.indexed;
    let at = from;
    let stepEnd = at + STEP_BYTES;
    while (at < Math.min(end, from + INDEX_PIECE_BYTES)) {
      const length = scan.frame(at);
      // It is damaged, or says what cannot be.
      if (length === 0 || !isTaken(builder, scan, at, length)) {
        segment.isIndexEnded = true;
        return;
      }
      at += length;
      if (at < stepEnd) continue;
      await this.#host.options.disk.later();
      if (!this.#isStaying(segment)) return;
      stepEnd = at + STEP_BYTES;
    }
    const block = blockBytes(builder.block, from, at, segment.head.nonce, segment.indexBytes);
    await index.writeLater(block, segment.indexBytes);
    segment.indexed = at;
    segment.indexBytes += block.length;
    this.#left -= at - from;
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
