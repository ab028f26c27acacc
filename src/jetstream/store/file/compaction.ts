// Segments of which little lives are written anew, those of which nothing lives are unlinked; one piece of work at a time,
// in steps that wait for the disk, so that the loop is never held for more than a piece of 1 MiB.
//
//   copy what lives into 00000003.tmp ─► sync it, and the log ─► rename over 00000003.log ─► sync the directory
//      ─► rows are led to the new file, some a turn ─► the old one is closed; its neighbours are unlinked, if they were
//         taken in
//
// Before anything is unlinked or replaced, all that was said up to then is synced: what is missing afterwards is known to
// be gone. A tombstone is copied as long as what it names may lie in a segment that was not rewritten since. When a step
// fails nothing has changed but a temporary file, and the segment is left alone until another is full.
import type { Clock } from '../../../shared/clock.ts';
import { StorageError, toError } from '../../../shared/errors.ts';
import { Seldom } from '../../../shared/seldom.ts';
import { ROW_AT, ROW_SLAB } from '../row-chunk.ts';
import type { Rows } from '../rows.ts';
import type { Disk } from './disk.ts';
import { DiskTurns } from './disk-turns.ts';
import { Rewriting } from './rewriting.ts';
import type { Segment, Segments } from './segments.ts';
import type { Syncing } from './syncing.ts';

export interface CompactionHost {
  /** Writes what has been said. @returns why that could not be */
  write(): Error | undefined;
  /** How often messages that were gone have come back since: those had made room for what could not be written. */
  readonly restores: number;
  readonly segments: Segments;
  readonly syncing: Syncing;
  readonly options: {
    readonly disk: Disk;
    readonly dir: string;
    readonly clock: Clock;
    readonly segmentBytes: number;
    readonly warn: (text: string) => void;
  };
}

/** Of all stores of a disk: each takes some MiB, and the disk. */
const diskTurns = new DiskTurns(4);
/** Rows that are led to another file in a turn: a millisecond's work. */
const ROWS_A_TURN = 8192;
/** The first segment mostly dies from its front, and is gone soon: it is rewritten when so little lives. */
const FIRST_SHARE = 8;

export class Compaction {
  readonly #host: CompactionHost;
  readonly #rows: Rows;
  readonly #forget: (segment: Segment) => void;
  readonly #failures: Seldom;
  #isDirDirty = false;
  #isDue = false;
  #isStopped = false;
  #work: Promise<void> | undefined;

  /** @param forget told of a segment that is gone */
  constructor(host: CompactionHost, rows: Rows, forget: (segment: Segment) => void) {
    this.#host = host;
    this.#rows = rows;
    this.#forget = forget;
    this.#failures = new Seldom(host.options.clock);
  }

  /** There may be something to do. It begins in a later turn. */
  due(): void {
    this.#isDue = true;
    if (!this.#isStopped) this.#work ??= this.#run();
  }

  /** Gives back what room there is to be given back; resolves when nothing is left to do, or it cannot be done. */
  async settled(): Promise<void> {
    for (const segment of this.#host.segments.list) segment.isStuck = false;
    this.due();
    await this.#work;
  }

  /** Nothing new is begun; resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#work;
  }

  async #run(): Promise<void> {
    const turns = diskTurns.of(this.#host.options.disk);
    for (;;) {
      await this.#host.options.disk.later();
      if (!this.#isDue || this.#isStopped) break;
      this.#isDue = false;
      await turns.take();
      try {
        if (!this.#isStopped) await this.#step();
      } finally {
        turns.done();
      }
    }
    this.#work = undefined;
  }

  /** One piece of work. What it was about is left alone when it fails. */
  async #step(): Promise<void> {
    const { list } = this.#host.segments;
    const closed = list.slice(0, -1).filter(({ isStuck }) => !isStuck);
    const empty = closed.filter((segment) => segment.living === 0 && !this.#isTelling(segment));
    const sparse = closed.find((segment) => {
      const isFirst = segment === list[0];
      return segment.isSparse && (!isFirst || segment.living * FIRST_SHARE < segment.total);
    });
    let chosen: readonly Segment[] = empty;
    if (chosen.length === 0 && sparse !== undefined) chosen = this.#neighbours(sparse);
    if (chosen.length === 0) return;
    try {
      if (chosen === empty) await this.#drop(empty);
      else await this.#rewrite(chosen);
    } catch (error) {
      for (const segment of chosen) segment.isStuck = true;
      this.#warn(error);
    }
    this.#isDue = true;
  }

  #warn(error: unknown): void {
    if (!this.#failures.isTime()) return;
    this.#host.options.warn(`room is not given back: ${toError(error).message}`);
  }

  /** Should it fail, it is done before anything more is given up. */
  async #syncDir(): Promise<void> {
    const { disk, dir } = this.#host.options;
    this.#isDirDirty = true;
    await disk.syncDir(dir);
    this.#isDirDirty = false;
  }

  /** It has tombstones that are needed. */
  #isTelling({ deadFrom, number }: Segment): boolean {
    return this.#host.segments.isNamed(deadFrom, Number.POSITIVE_INFINITY, number, []);
  }

  /** It and those behind it that are small as well, as long as what lives of them fills no more than half a segment. */
  #neighbours(first: Segment): Segment[] {
    const { segments, options } = this.#host;
    const chosen = [first];
    let { living } = first;
    for (let i = segments.list.indexOf(first) + 1; i < segments.list.length - 1; i++) {
      const segment = segments.list[i] as Segment;
      living += segment.living;
      const isSmall = segment.isSparse || segment.bytes * 4 < options.segmentBytes;
      if (!isSmall || segment.isStuck || living * 2 > options.segmentBytes) break;
      chosen.push(segment);
    }
    return chosen;
  }

  /** Everything that has been said survives a power loss then. */
  async #sync(): Promise<void> {
    // At once: what has been chosen is empty as of now.
    const failure = this.#host.write();
    if (failure !== undefined) throw failure;
    if (this.#isDirDirty) await this.#syncDir();
    await new Promise<void>((resolve, reject) => {
      this.#host.syncing.round((failure) => (failure === undefined ? resolve() : reject(failure)));
    });
  }

  async #drop(empty: readonly Segment[]): Promise<void> {
    const { segments } = this.#host;
    await this.#sync();
    for (const segment of empty) {
      // Something is there again.
      if (segment.living > 0) continue;
      await segment.file.unlink();
      this.#forget(segment);
      segments.replace([segment], undefined);
    }
    await this.#syncDir();
  }

  async #rewrite(sources: readonly Segment[]): Promise<void> {
    const rewriting = new Rewriting(this.#host, this.#rows, sources, () => this.#isStopped);
    const { restores } = this.#host;
    try {
      await rewriting.run();
      await this.#sync();
      if (restores !== this.#host.restores) throw new StorageError('the disk has failed meanwhile');
      const { file } = sources[0] as Segment;
      file.hold();
      await rewriting.target.file.rename(file.path);
    } catch (error) {
      await rewriting.discard();
      throw error;
    }
    // From here on it has happened, whatever fails.
    await this.#syncDir().catch((error: unknown) => this.#warn(error));
    for (let isLed = false; !isLed; ) {
      const before = this.#host.restores;
      await this.#lead(rewriting, sources);
      // What may still come back lies where it was: then it is led, too.
      this.#host.write();
      isLed = before === this.#host.restores;
    }
    await this.#leave(rewriting.target, sources);
  }

  /** Leads rows to the new file, as long as they still are where they were. */
  async #lead({ target, moves }: Rewriting, sources: readonly Segment[]): Promise<void> {
    const rows = this.#rows;
    const { disk } = this.#host.options;
    await disk.later();
    for (let i = 0; i < moves.count; i++) {
      if (i % ROWS_A_TURN === ROWS_A_TURN - 1) await disk.later();
      if (!rows.find(moves.seqs[i] as number)) continue;
      const { words } = rows.chunk;
      const { word } = rows;
      const slot = (words[word + ROW_SLAB] as number) >>> 16;
      const source = sources.find((each) => each.slot === slot);
      if (source === undefined) continue;
      source.remove(rows.bodyBytes);
      target.add(rows.bodyBytes);
      words[word + ROW_SLAB] = moves.places[i] as number;
      words[word + ROW_AT] = moves.ats[i] as number;
    }
  }

  async #leave(target: Segment, sources: readonly Segment[]): Promise<void> {
    const { segments } = this.#host;
    const [first, ...others] = sources as readonly [Segment, ...Segment[]];
    for (const source of sources) this.#forget(source);
    first.file.close();
    segments.replace(sources, target);
    if (others.length === 0) return;
    // As long as a power loss may undo the rename, what the copy has of them lies in them alone.
    if (this.#isDirDirty) await this.#syncDir();
    // What cannot be unlinked is known to be elsewhere, too, when the log is read.
    for (const { file } of others) await file.unlink();
    await this.#syncDir();
  }
}
