// Who wants to know when somebody begins or ceases to be interested in a subject. Looked at when a turn ends in
// which the account's generation changed, not at each change: what comes and goes within a turn was never there.

import type { Account } from './account.ts';
import type { Engine } from './engine.ts';

interface Watch {
  readonly subject: string;
  readonly queue: string | undefined;
  readonly onChange: (hasInterest: boolean) => void;
  hasInterest: boolean;
}

export class InterestWatches {
  readonly #engine: Engine;
  readonly #account: Account;
  readonly #watches = new Set<Watch>();
  #generation = 0;

  constructor(engine: Engine, account: Account) {
    this.#engine = engine;
    this.#account = account;
  }

  /** @returns ends the watch */
  add(
    subject: string,
    onChange: (hasInterest: boolean) => void,
    queue: string | undefined,
  ): () => void {
    const watch = { subject, queue, onChange, hasInterest: this.#ask(subject, queue) };
    this.#watches.add(watch);
    this.#engine.settling.add(this);
    return () => {
      this.#watches.delete(watch);
      if (this.#watches.size === 0) this.#engine.settling.delete(this);
    };
  }

  /** Tells the watches what has changed since the last time. */
  settle(): void {
    const { accounts } = this.#engine.core;
    const { handle } = this.#account;
    if (!accounts.has(handle)) {
      this.#engine.settling.delete(this);
      return;
    }
    const generation = accounts.generation(handle);
    if (generation === this.#generation) return;
    this.#generation = generation;
    for (const watch of [...this.#watches]) {
      const hasInterest = this.#ask(watch.subject, watch.queue);
      if (hasInterest === watch.hasInterest) continue;
      watch.hasInterest = hasInterest;
      try {
        watch.onChange(hasInterest);
      } catch (error) {
        this.#account.report(error, { subject: watch.subject, sid: 0 });
      }
    }
  }

  #ask(subject: string, queue: string | undefined): boolean {
    return this.#engine.core.hasInterest(this.#account.handle, subject, queue);
  }
}
