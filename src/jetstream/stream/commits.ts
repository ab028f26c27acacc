// What becomes of a stream's commits: how far its messages may be shown, how much waits, and what of a commit that has
// failed those must be told who have waited for it.
import type { Store } from '../store/store.ts';
import type { Failed } from './amending.ts';
import { Backlog } from './backlog.ts';

/** A commit that waits, and why messages were taken back meanwhile. */
interface Waiting {
  takenBack: Error | undefined;
}

const NOTHING_FAILED: Failed = {
  ofStream: undefined,
  unsaid: undefined,
  ofConsumers: undefined,
  takenBack: undefined,
};

export class Commits {
  readonly #store: Store;
  /** Up to it everything is as durable as promised. */
  visibleSeq = 0;
  /** Of all messages that have been stored. */
  storedBytes = 0;
  /** The last commit. */
  failed: Failed = NOTHING_FAILED;
  #backlog: Backlog = new Backlog(0);
  #atEnd: (() => void)[] = [];
  /** What has been said since the last one was asked for, and those that wait. */
  #next: Waiting = { takenBack: undefined };
  readonly #waiting = new Set<Waiting>();
  /** The last message of the commits that have failed. */
  #failedSeq = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** So much waits that nothing more may be stored. */
  get isFull(): boolean {
    return this.#backlog.isFull;
  }

  /** The store has been read: what is there is durable. */
  start(): void {
    this.visibleSeq = this.#store.state.lastSeq;
    this.#backlog = new Backlog(this.visibleSeq);
  }

  /** Calls `work` when the next commit is done, or has failed. */
  atEnd(work: () => void): void {
    this.#atEnd.push(work);
  }

  /** Messages have been taken back. @param isWithin something has been said already in the turn at hand */
  takenBack(isWithin: boolean): void {
    const { failure } = this.#store;
    for (const each of this.#waiting) each.takenBack ??= failure;
    if (isWithin) this.#next.takenBack ??= failure;
  }

  /**
   * One is asked for: `ask` asks the store.
   *
   * @param done told what of it has failed, when `failed` and the rest say it
   */
  run(
    ask: (end: (ofStream?: Error, unsaid?: Error, ofConsumers?: Error) => void) => void,
    done: (failure?: Error) => void,
  ): void {
    const { lastSeq } = this.#store.state;
    const isOver = this.#backlog.begin(lastSeq, this.storedBytes);
    const works = this.#atEnd;
    if (works.length > 0) this.#atEnd = [];
    const waiting = this.#next;
    this.#next = { takenBack: undefined };
    this.#waiting.add(waiting);
    ask((ofStream, unsaid, ofConsumers) => {
      isOver();
      this.#waiting.delete(waiting);
      // A message that is there and can never be shown has been shown to those alone who waited with it.
      const isUnseen = lastSeq > Math.max(this.visibleSeq, this.#failedSeq);
      const takenBack = waiting.takenBack ?? (isUnseen ? ofStream : undefined);
      // Of what has failed nothing is shown: what could not be written is gone, and what could not be synced may be.
      if (ofStream === undefined) this.visibleSeq = lastSeq;
      else this.#failedSeq = Math.max(lastSeq, this.#failedSeq);
      for (const work of works) work();
      this.failed = { ofStream, unsaid, ofConsumers, takenBack };
      done(unsaid ?? ofConsumers ?? takenBack);
    });
  }
}
