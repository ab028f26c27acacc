// Who wants to know when somebody begins or ceases to be interested in a subject. Looked at when a turn ends in
// which the account's generation changed, not at each change: what comes and goes within a turn was never there.

import type { Account } from './account.ts';

interface Watch {
  readonly subject: string;
  readonly queue: string | undefined;
  readonly onChange: (hasInterest: boolean) => void;
  hasInterest: boolean;
}

export class InterestWatches {
  readonly #account: Account;
  readonly #watches = new Set<Watch>();
  #generation: number;

  constructor(account: Account) {
    this.#account = account;
    this.#generation = account.parts.core.generation(account.handle);
  }

  /** @returns ends the watch */
  add(
    subject: string,
    onChange: (hasInterest: boolean) => void,
    queue: string | undefined,
  ): () => void {
    const watch = { subject, queue, onChange, hasInterest: this.#ask(subject, queue) };
    this.#watches.add(watch);
    return () => this.#watches.delete(watch);
  }

  /** Tells the watches what has changed since the last time. */
  settle(): void {
    const generation = this.#account.parts.core.generation(this.#account.handle);
    if (generation === this.#generation) return;
    this.#generation = generation;
    for (const watch of [...this.#watches]) {
      const hasInterest = this.#ask(watch.subject, watch.queue);
      if (hasInterest === watch.hasInterest) continue;
      watch.hasInterest = hasInterest;
      try {
        watch.onChange(hasInterest);
      } catch (error) {
        this.#account.parts.reporter.report(error, { subject: watch.subject, sid: 0 });
      }
    }
  }

  #ask(subject: string, queue: string | undefined): boolean {
    const { handle, parts } = this.#account;
    return parts.core.hasInterest(handle, subject, queue);
  }
}
