// What has changed of a consumer since it was last saved: its parts note it here, and its stream's log of consumers asks at
// the end of the turn. A consumer that is kept in memory alone has none.
import type { ConsumerConfig } from './config.ts';

/** More changes of one turn than this are not noted one by one: all is saved then. */
const NOTED_MOST = 65_536;

export class Journal {
  readonly #onTouched: (journal: Journal) => void;
  /** Told of another configuration. Throws StorageError: it cannot be saved. */
  readonly configured: (config: ConsumerConfig) => void;
  /** Messages of whose wait something has changed: to be looked up when it is saved. Some may be there twice. */
  seqs: number[] = [];
  /** All of it is to be saved, and not only what has changed. */
  isWhole = true;
  #isTouched = false;

  /** `onTouched` is told of the first change after `saved`. */
  constructor(onTouched: (journal: Journal) => void, configured: (config: ConsumerConfig) => void) {
    this.#onTouched = onTouched;
    this.configured = configured;
  }

  /** Floors or the cursor have moved. */
  touched(): void {
    if (this.#isTouched) return;
    this.#isTouched = true;
    this.#onTouched(this);
  }

  /** A message waits for its ack, in another way than before, or no more. */
  changed(seq: number): void {
    const { seqs } = this;
    if (seqs.length >= NOTED_MOST) this.renew();
    else if (!this.isWhole && seqs[seqs.length - 1] !== seq) seqs.push(seq);
    this.touched();
  }

  /** All of it is to be saved again. */
  renew(): void {
    this.isWhole = true;
    this.seqs = [];
    this.touched();
  }

  /** What has been noted has been saved. */
  saved(): void {
    this.isWhole = false;
    this.seqs = [];
    this.#isTouched = false;
  }
}
