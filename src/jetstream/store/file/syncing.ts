// When what has been written is made to survive a power loss. One round of syncs is under way at a time: it covers all that
// had been written when it began, and whoever asks meanwhile waits for the next. So under `always` many publishers wait
// for one sync; otherwise nobody waits, and a round runs now and then and whenever a segment is full.
import type { Clock, Timer } from '../../../shared/clock.ts';
import type { StorageError } from '../../../shared/errors.ts';
import type { Disk } from './disk.ts';
import type { Place } from './format.ts';
import type { Segments } from './segments.ts';

type Waiting = (failure?: Error) => void;

/** After a start any segment may have to be synced: more at once would only have more files open. */
const AT_ONCE = 8;

export interface SyncingOwner {
  /** `synced` is another. */
  synced(): void;
  failed(failure: StorageError): void;
}

export interface SyncOptions {
  readonly disk: Disk;
  readonly dir: string;
  readonly clock: Clock;
  /** Milliseconds after a write until a round begins, or `always`: what is said waits for it. */
  readonly sync: number | 'always';
}

export class Syncing {
  readonly #options: SyncOptions;
  readonly #segments: Segments;
  readonly #owner: SyncingOwner;
  /** Everything before it survives a power loss. */
  synced: Place = { number: 0, at: 0 };
  #waiting: Waiting[] = [];
  #isRunning = false;
  /** The name of a file may not survive a power loss yet. */
  isDirDirty = false;
  #dirChanges = 0;
  #timer: Timer | undefined;
  /** A sync has failed: what has become of the data nobody knows, so that no other may say that it is safe. */
  #failure: StorageError | undefined;

  constructor(options: SyncOptions, segments: Segments, owner: SyncingOwner) {
    this.#options = options;
    this.#segments = segments;
    this.#owner = owner;
  }

  /** Something has been written. */
  written(): void {
    const { sync, clock } = this.#options;
    if (sync === 'always' || this.#timer !== undefined) return;
    this.#timer = clock.setTimeout(() => this.round(), sync, { unref: true });
  }

  /** The directory has another file. */
  dirChanged(): void {
    this.isDirDirty = true;
    this.#dirChanges++;
  }

  /** Calls `done` when what has been written is as durable as promised, behind those who asked before. */
  commit(failure: Error | undefined, done: Waiting): void {
    const { sync } = this.#options;
    const isClean = this.#waiting.length === 0 && !this.#isRunning && this.#isClean;
    if (sync !== 'always' || isClean) done(failure ?? this.#failureOfAlways);
    else this.round((later) => done(failure ?? later));
  }

  get #isClean(): boolean {
    return this.#segments.unsynced.size === 0 && !this.isDirDirty;
  }

  /** Who is promised a sync is told, whenever it asks, that there was one that failed. */
  get #failureOfAlways(): Error | undefined {
    return this.#options.sync === 'always' ? this.#failure : undefined;
  }

  /** A round of syncs for all that has been written up to now. */
  round(done: Waiting = () => {}): void {
    this.#waiting.push(done);
    if (!this.#isRunning) void this.#run();
  }

  /** A round is to begin, once, whoever says so how often. */
  hurry(): void {
    if (this.#waiting.length === 0) this.round();
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting;
      this.#waiting = [];
      this.close();
      const { end } = this.#segments;
      try {
        await this.#syncAll();
        if (this.#failure === undefined) {
          this.synced = end;
          this.#owner.synced();
        }
      } catch (error) {
        if (this.#failure === undefined) this.#owner.failed(error as StorageError);
        this.#failure ??= error as StorageError;
      }
      for (const done of waiting) this.#tell(done);
    }
    this.#isRunning = false;
  }

  /** What it throws is nobody's here. */
  #tell(done: Waiting): void {
    try {
      done(this.#failure);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  async #syncAll(): Promise<void> {
    const { disk, dir } = this.#options;
    const { unsynced } = this.#segments;
    const works = [...unsynced].map(
      ({ file }) =>
        () =>
          file.sync(),
    );
    unsynced.clear();
    const changes = this.#dirChanges;
    if (this.isDirDirty) works.unshift(() => disk.syncDir(dir));
    for (let i = 0; i < works.length; i += AT_ONCE) {
      await Promise.all(works.slice(i, i + AT_ONCE).map((work) => work()));
    }
    if (changes === this.#dirChanges) this.isDirDirty = false;
  }
}
