// Handlers of an account that answer each other for ever: how many of their publishes have waited in one turn. Beyond
// the bound what waits of that account is dropped, with an error that names the subjects; others go on.

import { CycleError } from '../shared/errors.ts';
import { CYCLE_MAX } from '../shared/limits.ts';

/** Most subjects that a CycleError names. */
const SUBJECTS_MAX = 8;

export class CycleWatch {
  readonly #report: (error: CycleError) => void;
  // The turn that is counted.
  #turn = 0;
  #count = 0;
  readonly #subjects = new Set<string>();
  /** While it is there nothing more waits. */
  error: CycleError | undefined;

  constructor(report: (error: CycleError) => void) {
    this.#report = report;
  }

  /** One more publish waits. True: it is one too many, and `error` says so from now on, until `tell`. */
  count(turn: number, subject: string): boolean {
    if (turn !== this.#turn) {
      this.#turn = turn;
      this.#forget();
    }
    this.#count++;
    if (this.#count <= CYCLE_MAX - SUBJECTS_MAX) return false;
    // Close to the bound the subjects are noted.
    this.#subjects.add(subject);
    if (this.#count <= CYCLE_MAX) return false;
    this.error = new CycleError(CYCLE_MAX, [...this.#subjects]);
    return true;
  }

  /** Reports the error, and begins anew. */
  tell(): void {
    const { error } = this;
    this.error = undefined;
    this.#forget();
    if (error !== undefined) this.#report(error);
  }

  #forget(): void {
    this.#count = 0;
    // To clear what is empty costs a turn a third of its time.
    if (this.#subjects.size > 0) this.#subjects.clear();
  }
}
