// What becomes of a stream's commits: how far its messages may be shown, how much waits, and what of a commit that has
// failed those must be told who have waited for it.
import type { Store } from '../store/store.ts';
import type { Failed } from './amending.ts';
import { Backlog } from './backlog.ts';

const NOTHING_FAILED: Failed = {
  ofStream: undefined,
  unsaid: undefined,
  ofConsumers: undefined,
  isTakenBack: false,
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
  /** How often messages were taken back; what the commits before have seen of that. */
  #takenBacks = 0;
  #seenTakenBacks = 0;
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

  /** Messages have been taken back. */
  takenBack(): void {
    this.#takenBacks++;
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
    const before = this.#seenTakenBacks;
    ask((ofStream, unsaid, ofConsumers) => {
      isOver();
      // A message that is there and can never be shown has been shown to those alone who waited with it.
      const isUnseen = lastSeq > Math.max(this.visibleSeq, this.#failedSeq);
      const isTakenBack = this.#takenBacks !== before || isUnseen;
      // Of what has failed nothing is shown: what could not be written is gone, and what could not be synced may be.
      if (ofStream === undefined) this.visibleSeq = lastSeq;
      else this.#failedSeq = Math.max(lastSeq, this.#failedSeq);
      for (const work of works) work();
      const isOfStream = isTakenBack && ofStream !== undefined;
      this.failed = { ofStream, unsaid, ofConsumers, isTakenBack: isOfStream };
      done(unsaid ?? ofConsumers);
    });
    this.#seenTakenBacks = this.#takenBacks;
  }
}
