// Where the streams of one account lie on disk. A stream has a directory of its own, which no later one of its name uses
// again, so that it may be emptied while that is made; without its configuration it is nobody's, and goes at the next start.
//
//   <directory>/orders.1/   meta.json     its configuration (meta-file.ts)
//                           messages/     the store of its messages
//                           consumers/    the log of its consumers (consumer-log.ts)
import type { Clock } from '../../shared/clock.ts';
import { StorageError, toError } from '../../shared/errors.ts';
import type { Disk } from '../store/file/disk.ts';
import { openFileStore } from '../store/file/file-store.ts';
import type { IndexOptions } from '../store/indexed-store.ts';
import type { Store } from '../store/store.ts';
import type { StreamConfig } from '../stream/config.ts';
import { Keeping, type KeepingPlace } from './keeping.ts';
import { META_NAME, MetaFile, readMeta, type StreamMeta } from './meta-file.ts';
import { directoryName } from './names.ts';
import type { Place, StreamPlace } from './place.ts';

export interface DiskPlaceOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  /** Of the account. */
  readonly dir: string;
  readonly sync: number | 'always';
  readonly warn: (text: string) => void;
}

/** The log of consumers: what it holds is small, and much of it goes soon. */
const CONSUMERS_SEGMENT: number = 1 << 20;
const PARTS = ['messages', 'consumers'];

export class DiskPlace implements Place {
  readonly #options: DiskPlaceOptions;
  #number = 0;
  /** Names that were removed are being synced: so many times. */
  #syncs = 0;
  #syncing: Promise<void> = Promise.resolve();

  /** Throws StorageError: the directory cannot be made. */
  constructor(options: DiskPlaceOptions) {
    this.#options = options;
    options.disk.makeDir(options.dir);
    for (const name of options.disk.list(options.dir)) {
      this.#number = Math.max(this.#number, Number(/\.(\d+)$/.exec(name)?.[1] ?? 0));
    }
  }

  /**
   * The streams that are there. One whose configuration cannot be read is told to `warn` and left alone: the others go on.
   */
  found(): { readonly meta: StreamMeta; readonly place: StreamPlace }[] {
    const { disk, dir, warn } = this.#options;
    const found = new Map<string, { meta: StreamMeta; place: StreamPlace; path: string }>();
    for (const name of [...disk.list(dir)].sort()) {
      const path = `${dir}/${name}`;
      if (!/\.\d+$/.test(name)) continue;
      try {
        if (!disk.list(path).includes(META_NAME)) {
          removeAll(disk, path);
          continue;
        }
        const meta = readMeta(disk, path);
        const other = found.get(meta.config.name);
        if (other !== undefined) {
          throw new StorageError(`${path} has the stream of ${other.path}: it is left alone`);
        }
        found.set(meta.config.name, {
          meta,
          path,
          place: new DiskStreamPlace(this, this.#options, path),
        });
      } catch (error) {
        warn(`a stream is not opened: ${toError(error).message}`);
      }
    }
    return [...found.values()];
  }

  of({ storage, name }: StreamConfig): StreamPlace | undefined {
    if (storage === 'memory') return undefined;
    const path = `${this.#options.dir}/${directoryName(name)}.${++this.#number}`;
    this.#options.disk.makeDir(path);
    return new DiskStreamPlace(this, this.#options, path);
  }

  /** A name in that directory has been removed. */
  sync(dir: string): void {
    const { disk, warn } = this.#options;
    this.#syncs++;
    const end = (): void => void this.#syncs--;
    this.#syncing = Promise.all([this.#syncing, disk.syncDir(dir)]).then(end, (error: unknown) => {
      warn(toError(error).message);
      end();
    });
  }

  commit(done: () => void): void {
    if (this.#syncs === 0) done();
    else void this.#syncing.then(done);
  }
}

class DiskStreamPlace implements StreamPlace, KeepingPlace {
  readonly #options: DiskPlaceOptions;
  readonly #dir: string;
  readonly #place: DiskPlace;
  readonly meta: MetaFile;

  constructor(place: DiskPlace, options: DiskPlaceOptions, dir: string) {
    this.#place = place;
    this.#options = options;
    this.#dir = dir;
    this.meta = new MetaFile(options.disk, dir);
  }

  openMessages({ max_bytes }: StreamConfig, index: IndexOptions): Store {
    return this.#open('messages', { ...index, maxBytes: Number(max_bytes) });
  }

  keep(isFound: boolean, onTouched: () => void): Keeping {
    return new Keeping(this, this.#options.clock, isFound, onTouched);
  }

  openConsumers(onTakenBack: () => void): Store {
    const index = { storage: 'file', onTakenBack } as const;
    return this.#open('consumers', { ...index, segmentBytes: CONSUMERS_SEGMENT });
  }

  #open(part: string, index: IndexOptions & { maxBytes?: number; segmentBytes?: number }): Store {
    const { disk, clock, sync, warn } = this.#options;
    const dir = `${this.#dir}/${part}`;
    const { store, lost } = openFileStore({ ...index, disk, clock, sync, warn, dir });
    for (const { first, last } of lost) warn(`${dir}: sequences ${first} to ${last} are lost`);
    return store;
  }

  forget(): void {
    const { disk, warn } = this.#options;
    try {
      if (disk.list(this.#dir).includes(META_NAME)) disk.remove(`${this.#dir}/${META_NAME}`);
      this.#place.sync(this.#dir);
    } catch (error) {
      warn(`a stream that was deleted is there again at the next start: ${toError(error).message}`);
    }
  }

  destroy(): void {
    try {
      removeAll(this.#options.disk, this.#dir);
    } catch (error) {
      this.#options.warn(`what is left of a stream is not removed: ${toError(error).message}`);
    }
  }
}

/** Removes a stream's directory and what is known to be in it; whatever else lies there stays, and it, too. */
function removeAll(disk: Disk, dir: string): void {
  const names = disk.list(dir);
  for (const part of PARTS) {
    if (!names.includes(part)) continue;
    for (const name of disk.list(`${dir}/${part}`)) disk.remove(`${dir}/${part}/${name}`);
    disk.removeDir(`${dir}/${part}`);
  }
  for (const name of names) if (name.startsWith('meta.')) disk.remove(`${dir}/${name}`);
  disk.removeDir(dir);
}
