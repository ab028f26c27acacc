// Where the streams of one account lie on disk. A stream has a directory of its own, which no later one of its name uses
// again, so that it may be emptied while that is made. One whose stream was deleted, or never was, goes at the next start.
//
//   <directory>/orders.1/   meta.json     its configuration (meta-file.ts)
//                           messages/     the store of its messages
//                           consumers/    the log of its consumers (consumer-log.ts)
import type { Clock } from '../../shared/clock.ts';
import { StorageError, toError } from '../../shared/errors.ts';
import { Seldom } from '../../shared/seldom.ts';
import type { Disk } from '../store/file/disk.ts';
import type { FileStoreOptions } from '../store/file/file-store.ts';
import type { IndexOptions } from '../store/indexed-store.ts';
import type { StreamConfig } from '../stream/config.ts';
import { diskCode } from './disk-code.ts';
import type { Keeping, KeepingPlace } from './keeping.ts';
import {
  GONE_NAME,
  META_NAME,
  MetaFile,
  NEW_NAME,
  readMeta,
  type StreamMeta,
} from './meta-file.ts';
import { directoryName, streamName } from './names.ts';
import type { OpeningStore, Place, StreamPlace } from './place.ts';

export interface DiskPlaceOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  /** Of the account. */
  readonly dir: string;
  readonly sync: number | 'always';
  /** Fewer bytes of a segment are left without an index. */
  readonly indexBytes?: number;
  readonly warn: (text: string) => void;
}

/** The log of consumers: what it holds is small, and much of it goes soon. */
const CONSUMERS_SEGMENT: number = 1 << 20;
const PARTS = ['messages', 'consumers'];
/** A directory of a stream: something and a number. */
const DIRECTORY = /\.(\d{1,15})$/;
/** What of it is made by us. */
const OWN_FILE = /^(\d+\.(log|idx|tmp)|index\.snapshot(\.tmp)?)$/;
const OWN_NAMES: readonly string[] = [META_NAME, NEW_NAME, GONE_NAME];

export class DiskPlace implements Place {
  readonly #options: DiskPlaceOptions;
  readonly refusals: Seldom;
  readonly unread: string[] = [];
  /** There was something when it was opened. */
  readonly mayHaveStreams: boolean;
  #number = 0;
  /** Streams that are being forgotten. */
  #leaving = 0;
  #forgetting: Promise<void> = Promise.resolve();

  /** Throws StorageError: the directory cannot be made. */
  constructor(options: DiskPlaceOptions) {
    this.#options = options;
    this.refusals = new Seldom(options.clock);
    options.disk.makeDir(options.dir);
    for (const name of options.disk.list(options.dir)) {
      this.#number = Math.max(this.#number, numberOf(name));
    }
    this.mayHaveStreams = this.#number > 0;
  }

  load(): Promise<void> | undefined {
    return diskCode.load();
  }

  /**
   * The streams that are there. One whose configuration cannot be read is told to `warn` and left alone: the others go on.
   */
  *found(): Iterable<{ readonly meta: StreamMeta; readonly place: StreamPlace }> {
    const { disk, dir, warn } = this.#options;
    const paths = new Map<string, string>();
    const names = disk.list(dir).filter((name) => numberOf(name) > 0);
    // Of two with one stream the later one is the stream: the other was deleted before.
    for (const name of [...names].sort((one, other) => numberOf(other) - numberOf(one))) {
      const path = `${dir}/${name}`;
      try {
        const meta = this.#read(path);
        if (meta === undefined) continue;
        const other = paths.get(meta.config.name);
        if (other !== undefined) {
          throw new StorageError(`${path} has the stream of ${other}: it is left alone`);
        }
        paths.set(meta.config.name, path);
        const place = new DiskStreamPlace(this, this.#options, path);
        place.meta.found(meta);
        yield { meta, place };
      } catch (error) {
        warn(`a stream is not opened: ${toError(error).message}`);
        this.unread.push(streamName(name.replace(DIRECTORY, '')));
      }
    }
  }

  /** undefined: there is no stream, and what is left of one goes. Throws StorageError. */
  #read(path: string): StreamMeta | undefined {
    const { disk, warn } = this.#options;
    const names = disk.list(path);
    if (names.includes(META_NAME) && !names.includes(GONE_NAME)) return readMeta(disk, path);
    const isLeft = names.includes(GONE_NAME) || names.includes(NEW_NAME);
    if (isLeft || !hasSegments(disk, path, names)) {
      void removeAll(disk, path).catch((error: unknown) => warn(toError(error).message));
      return undefined;
    }
    throw new StorageError(`${path} has messages and no ${META_NAME}: it is left alone`);
  }

  of({ storage, name }: StreamConfig): StreamPlace | undefined {
    if (storage === 'memory') return undefined;
    const path = `${this.#options.dir}/${directoryName(name)}.${++this.#number}`;
    this.#options.disk.makeDir(path);
    return new DiskStreamPlace(this, this.#options, path);
  }

  /** All that was to be forgotten is, as far as that can be said. */
  get forgotten(): Promise<void> {
    return this.#forgetting;
  }

  forget(meta: MetaFile): void {
    this.#leaving++;
    const told = meta.forget().catch((error: unknown) => {
      const { message } = toError(error);
      this.#options.warn(`a stream that was deleted may be there at the next start: ${message}`);
    });
    this.#forgetting = Promise.all([this.#forgetting, told]).then(() => void this.#leaving--);
  }

  commit(done: () => void): void {
    if (this.#leaving === 0) done();
    else void this.#forgetting.then(done);
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
    // Who makes it again must not find two of them, or another that takes the same subjects, after a power loss.
    this.meta = new MetaFile(options.disk, dir, place.forgotten);
  }

  openMessages({ max_bytes }: StreamConfig, index: IndexOptions): OpeningStore {
    return this.#open('messages', { ...index, maxBytes: Number(max_bytes) });
  }

  keep(isFound: boolean, onTouched: () => void): Keeping {
    return new diskCode.code.Keeping(this, this.#options.clock, isFound, onTouched);
  }

  openConsumers(onTakenBack: () => void): OpeningStore {
    const index = { storage: 'file', onTakenBack } as const;
    return this.#open('consumers', { ...index, segmentBytes: CONSUMERS_SEGMENT });
  }

  #open(part: string, index: Partial<FileStoreOptions> & IndexOptions): OpeningStore {
    const dir = `${this.#dir}/${part}`;
    const { refusals } = this.#place;
    return diskCode.code.openingFileStore({ ...this.#options, ...index, refusals, dir });
  }

  forget(): void {
    this.#place.forget(this.meta);
  }

  async destroy(): Promise<void> {
    await this.#place.forgotten;
    try {
      await removeAll(this.#options.disk, this.#dir);
    } catch (error) {
      this.#options.warn(`what is left of a stream is not removed: ${toError(error).message}`);
    }
  }
}

/** The number of a directory of a stream; 0 = it is none. */
function numberOf(name: string): number {
  return Number(DIRECTORY.exec(name)?.[1] ?? 0);
}

function hasSegments(disk: Disk, dir: string, names: readonly string[]): boolean {
  return PARTS.some((part) => names.includes(part) && disk.list(`${dir}/${part}`).length > 0);
}

/**
 * Removes a stream's directory and what is known to be in it; whatever else lies there stays, and it, too. The last to go is
 * what says that it is to go. Rejects with StorageError.
 */
async function removeAll(disk: Disk, dir: string): Promise<void> {
  const names = disk.list(dir);
  for (const part of PARTS) {
    if (!names.includes(part)) continue;
    const path = `${dir}/${part}`;
    for (const name of disk.list(path)) {
      if (OWN_FILE.test(name)) await disk.removeLater(`${path}/${name}`);
    }
    disk.removeDir(path);
  }
  for (const name of OWN_NAMES) if (names.includes(name)) disk.remove(`${dir}/${name}`);
  disk.removeDir(dir);
}
