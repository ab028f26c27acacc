// Where the streams of an account lie that are not to be in memory: in the directory that was named, or else in one that
// is made when the first of them is, and is gone when it is closed. What it takes to store on disk is loaded then, and
// not before: whoever keeps streams in memory loads nothing of it.
import type { Clock } from '../shared/clock.ts';
import { ClosedConnectionError } from '../shared/errors.ts';
import type { OpenedPlace, Place } from './place/place.ts';

export interface StoreHomeOptions {
  readonly account: string;
  readonly clock: Clock;
  readonly warn: (text: string) => void;
}

export interface NamedDirectory {
  readonly storeDir: string;
  readonly sync: number | 'always';
}

export class StoreHome {
  readonly #options: StoreHomeOptions;
  #opened: OpenedPlace | undefined;
  #opening: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: StoreHomeOptions) {
    this.#options = options;
  }

  /** Undefined until there is one. */
  get place(): Place | undefined {
    return this.#opened?.place;
  }

  /** Where it lies, if it does. */
  get directory(): string | undefined {
    return this.#opened?.directory;
  }

  /** What the disk has room for at this moment, where there is one. */
  freeBytes(): number | undefined {
    return this.#opened?.freeBytes();
  }

  /** Rejects with StorageError: the directory cannot be made or written, or another process has it. */
  openNamed({ storeDir, sync }: NamedDirectory): Promise<void> {
    return this.#open(async () => {
      const { openPlace } = await import('./place/open.ts');
      return openPlace({ ...this.#options, storeDir, sync });
    });
  }

  /** A place that is open already, of a test. */
  use(place: Place): void {
    this.#opened = {
      place,
      directory: undefined,
      freeBytes: () => undefined,
      close: async () => {},
    };
  }

  /**
   * Makes one that is gone afterwards, unless there is one, and loads what keeps streams there; undefined: all is there.
   * Rejects with StorageError; the next may try again.
   */
  load(): Promise<void> | undefined {
    if (this.#opened !== undefined) return this.#opened.place.load();
    return this.#open(async () => {
      const { openTemporaryPlace } = await import('./place/open.ts');
      return openTemporaryPlace(this.#options);
    });
  }

  #open(work: () => Promise<OpenedPlace>): Promise<void> {
    this.#opening ??= this.#openBy(work).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** What comes too late is closed again. */
  async #openBy(work: () => Promise<OpenedPlace>): Promise<void> {
    const opened = await work();
    if (!this.#isClosed) {
      this.#opened = opened;
      return;
    }
    await opened.close();
    throw new ClosedConnectionError();
  }

  /** All streams in it are closed. Rejects with StorageError: something is left. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#opening?.catch(() => {});
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.close();
  }
}
