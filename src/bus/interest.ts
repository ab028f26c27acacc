// Who wants to know when somebody begins or ceases to be interested in a subject. Looked at when a turn ends, not at
// each change: what comes and goes within a turn was never there. The core notes the filters that came or went in
// watched accounts, and a watch is looked at again when its subject is matched by one of them; all are when that is
// less work.

import { type AccountHandle, type Core, takeChanges, watchChanges } from '../core/index.ts';
import { ClosedConnectionError } from '../shared/errors.ts';
import type { Engine } from './engine.ts';
import type { ProgramSide } from './program-side.ts';
import { WatchTrie } from './watch-trie.ts';

interface Watch {
  readonly side: ProgramSide;
  readonly subject: string;
  readonly queue: string | undefined;
  /** Wildcards do not count. */
  readonly isExact: boolean;
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
  readonly #bySide = new Map<ProgramSide, Set<Watch>>();

  constructor(core: Core) {
    this.#core = core;
  }

  /**
   * Calls `onChange` at the end of each turn after which the interest in the subject, in the account of that side, is
   * another. Throws CapacityError and ClosedConnectionError.
   *
   * @param isExact of who subscribes to that very subject alone
   * @returns ends the watch
   */
  add(
    side: ProgramSide,
    subject: string,
    onChange: (hasInterest: boolean) => void,
    { queue, isExact }: Pick<Watch, 'queue' | 'isExact'>,
  ): () => void {
    if (side.isClosed) throw new ClosedConnectionError();
    const { handle } = side.account;
    const watch = {
      side,
      subject,
      queue,
      isExact,
      onChange,
      hasInterest: false,
      isEnded: false,
    };
    watch.hasInterest = this.#ask(watch);
    let trie = this.#tries.get(handle);
    if (trie === undefined) {
      watchChanges(this.#core, handle, true);
      trie = new WatchTrie();
      this.#tries.set(handle, trie);
    }
    trie.add(subject, watch);
    const watches = this.#bySide.get(side);
    if (watches === undefined) this.#bySide.set(side, new Set([watch]));
    else watches.add(watch);
    return () => this.#remove(watch);
  }

  /** Tells the watches what has changed since the last time. */
  settle(): void {
    if (this.#tries.size === 0) return;
    for (const watch of this.#touched()) {
      if (watch.isEnded) continue; // By one that was told before.
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

  /** The side is closed: its watches end. */
  leave(side: ProgramSide): void {
    for (const watch of this.#bySide.get(side) ?? []) this.#remove(watch);
  }

  /** Those whose subjects are matched by what came or went, or all, where as many nodes would have to be visited. */
  #touched(): Set<Watch> {
    const found = new Set<Watch>();
    let left = 0;
    for (const { count } of this.#tries.values()) left += count;
    const isWhole = takeChanges(this.#core, (account, filter) => {
      const trie = this.#tries.get(account);
      if (trie !== undefined && left >= 0) left -= trie.match(filter, found, left);
    });
    if (isWhole && left >= 0) return found;
    for (const trie of this.#tries.values()) for (const watch of trie.all()) found.add(watch);
    return found;
  }

  #remove(watch: Watch): void {
    if (watch.isEnded) return;
    watch.isEnded = true;
    const { side } = watch;
    const { handle } = side.account;
    const watches = this.#bySide.get(side) as Set<Watch>;
    watches.delete(watch);
    if (watches.size === 0) this.#bySide.delete(side);
    const trie = this.#tries.get(handle) as WatchTrie<Watch>;
    trie.delete(watch.subject, watch);
    if (trie.count > 0) return;
    this.#tries.delete(handle);
    watchChanges(this.#core, handle, false);
  }

  #ask({ side, subject, queue, isExact }: Watch): boolean {
    const { handle } = side.account;
    return isExact
      ? this.#core.hasSubscriber(handle, subject, queue)
      : this.#core.hasInterest(handle, subject, queue);
  }
}
