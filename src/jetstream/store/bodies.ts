// Where the header blocks and payloads of a store's messages lie, and what it takes that all survives that should: in slabs
// of memory (slab-bodies.ts), or in a log on disk (file/log.ts). The index (indexed-store.ts) tells it of every change, in
// the order in which they are made.
import type { LostMessages } from './lost.ts';
import type { Committed, Incoming, MessagePlace } from './store.ts';

export interface Bodies {
  /** Bytes of memory that it occupies beside those of the store's `Memory`. */
  readonly heldBytes: number;
  readonly lost: LostMessages;
  /**
   * Keeps the body of a message, which is to have a row. Throws CapacityError or StorageError, and then it keeps nothing.
   *
   * @param subject its first bytes are the message's subject
   */
  keep(message: Incoming, subject: DataView, seq: number, timeMs: number): void;
  /** What was kept last has no row. */
  undo(): void;
  /** Tells the row at the cursor where to find what was kept last. */
  sign(): void;
  /** Subjects lie in front of the bodies, and are where `locate` says. */
  readonly hasSubjects: boolean;
  /**
   * Says where the body of the row at the cursor lies, which is `seq`; false: it is lost. Throws StorageError: it cannot be
   * read now.
   */
  locate(into: MessagePlace): boolean;
  /** The row at the cursor is about to be removed. @param isFirst the store's first message */
  release(seq: number, isFirst: boolean): void;
  /**
   * The same is about to be said of it, and it was removed to make room for what was kept last.
   *
   * @returns whether it comes back, by `IndexedStore.restore`, when that could not be written
   */
  evicting(seq: number): boolean;
  /** A row has been removed: does a little towards less memory, when there is something to be done. */
  tidy(): void;
  /** Sequences up to `seq` have been used up. */
  skipped(seq: number, timeMs: number | undefined): void;
  /** All rows are gone at once. */
  cleared(): void;
  /** As `Store.write`, `Store.commit`, `Store.failure` and `Store.close` say. */
  write(): Error | undefined;
  commit(done: Committed): void;
  readonly failure: Error | undefined;
  close(done: () => void): void;
}
