// What an account asks of the place where its streams lie, and a stream of its part of it.
import type { IndexOptions } from '../store/indexed-store.ts';
import type { Store } from '../store/store.ts';
import type { StreamConfig } from '../stream/config.ts';
import type { Work } from '../work.ts';
import type { Keeping } from './keeping.ts';
import type { StreamMeta } from './meta-file.ts';

export interface Place {
  /** Loads what keeps a stream here, before one is made; undefined: it is there. Rejects when it cannot be read. */
  load(): Promise<void> | undefined;
  /** The streams that are there, each read when it is its turn. */
  found(): Iterable<{ readonly meta: StreamMeta; readonly place: StreamPlace }>;
  /** Names of those that are there and could not be read, as far as that has been seen. */
  readonly unread: readonly string[];
  /** For a new stream; undefined: it is kept in memory. Throws StorageError. */
  of(config: StreamConfig): StreamPlace | undefined;
  /** Calls `done` when no power loss brings back what was forgotten, as far as that can be said. */
  commit(done: () => void): void;
}

/** A store of which nothing may be asked before it has been read. */
export interface OpeningStore {
  readonly store: Store;
  /** Throws StorageError, and then nothing is open. */
  readonly reading: Work<void>;
}

export interface StreamPlace {
  /** The store of its messages. */
  openMessages(config: StreamConfig, index: IndexOptions): OpeningStore;
  /**
   * All else that is kept of it; `onTouched` is told that something is to be committed.
   *
   * @param isFound it has been there before
   */
  keep(isFound: boolean, onTouched: () => void): Keeping;
  /** Nothing of it is open or needed any more. Resolves when it is gone. */
  destroy(): Promise<void>;
}

/** A place that is open. */
export interface OpenedPlace {
  readonly place: Place;
  /** Undefined in tests. */
  readonly directory: string | undefined;
  /** What its disk has room for at this moment; undefined: that cannot be told. */
  freeBytes(): number | undefined;
  /** Everything in it has been closed. Rejects with StorageError. */
  close(): Promise<void>;
}
