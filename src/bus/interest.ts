// Who wants to know when somebody begins or ceases to be interested in a subject. Looked at when a turn ends, not at
// each change: what comes and goes within a turn was never there. The core notes the filters that came or went in
// watched accounts, and a watch is looked at again when its subject is matched by one of them; all are when that is
// less work.

import type { AccountHandle, Core } from '../core/index.ts';
import type { Engine } from './engine.ts';
import type { ProgramSide } from './program-side.ts';
import { WatchTrie } from './watch-trie.ts';

interface Watch {
  readonly side: ProgramSide;
  readonly subject: string;
  readonly queue: string | undefined;
  readonly onChange: (hasInterest: boolean) => void;
  hasInterest: boolean;
  isEnded: boolean;
}

/** The watches of an engine, which are made when somebody asks for them first. */
export function interestOf(engine: Engine): InterestWatches {
  if (engine.interest !== undefined) return engine.interest;
  const interest = new InterestWatches(engine.core);
  engine.interest = interest;
  engine.turn.atSettled.push(() => interest.settle());
  return interest;
}

export class InterestWatches {
  readonly #core: Core;
  readonly #tries = new Map<AccountHandle, WatchTrie<Watch>>();

  constructor(core: Core) {
    this.#core = core;
  }

  /**
   * Calls `onChange` at the end of each turn after which the interest in the subject, in the account of that side, is
   * another. Throws CapacityError.
   *
   * @returns ends the watch
   */
  add(
    side: ProgramSide,
    subject: string,
    onChange: (hasInterest: boolean) => void,
    queue: string | undefined,
  ): () => void {
    const { handle } = side.account;
    const watch = { side, subject, queue, onChange, hasInterest: false, isEnded: false };
    watch.hasInterest = this.#ask(watch);
    let trie = this.#tries.get(handle);
    if (trie === undefined) {
      this.#core.accounts.watch(handle, true);
      trie = new WatchTrie();
      this.#tries.set(handle, trie);
    }
    trie.add(subject, watch);
    return () => this.#remove(watch);
  }

  /** Tells the watches what has changed since the last time. */
  settle(): void {
    if (this.#tries.size === 0) return;
    for (const watch of this.#touched()) {
      if (watch.isEnded) continue; // By one that was told before.
      if (watch.side.isClosed) {
        this.#remove(watch);
        continue;
      }
      const hasInterest = this.#ask(watch);
      if (hasInterest === watch.hasInterest) continue;
      watch.hasInterest = hasInterest;
      try {
        watch.onChange(hasInterest);
      } catch (error) {
        watch.side.report(error, { subject: watch.subject, sid: 0 });
      }
    }
  }

  /** The account is no more: neither are its watches. */
  forget(handle: AccountHandle): void {
    this.#tries.delete(handle);
  }

  /** Those whose subjects are matched by what came or went, or all, where as many nodes would have to be visited. */
  #touched(): Set<Watch> {
    const found = new Set<Watch>();
    let left = 0;
    for (const { count } of this.#tries.values()) left += count;
    const isWhole = this.#core.accounts.takeChanges((account, filter) => {
      const trie = this.#tries.get(account);
      if (trie !== undefined && left >= 0) left -= trie.match(filter, found, left);
    });
    if (isWhole && left >= 0) return found;
    for (const trie of this.#tries.values()) for (const watch of trie.all()) found.add(watch);
    return found;
  }

  #remove(watch: Watch): void {
    watch.isEnded = true;
    const { handle } = watch.side.account;
    const trie = this.#tries.get(handle);
    if (trie === undefined) return;
    trie.delete(watch.subject, watch);
    if (trie.count > 0) return;
    this.#tries.delete(handle);
    this.#core.accounts.watch(handle, false);
  }

  #ask({ side, subject, queue }: Watch): boolean {
    return this.#core.hasInterest(side.account.handle, subject, queue);
  }
}
