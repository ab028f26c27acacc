// An account as this process knows it: a record of the core, and whoever is in it. Those are the sides that the process
// has there (the program's bus, services beside it), peers, which the core counts, and holds. When nobody is left its
// memory is given back at the end of the turn.

import type { AccountCounts, AccountHandle, Core } from '../core/index.ts';
import { CycleWatch } from './cycle-watch.ts';
import { LateComers } from './late-comers.ts';
import type { RawSubscription } from './raw.ts';
import type { Reporter } from './reporter.ts';
import type { Tally } from './tally.ts';
import type { Status } from './types.ts';

/** What this process has in an account. */
export interface Side {
  /** What it has of those that take bytes. */
  readonly raws?: ReadonlySet<RawSubscription>;
  tell(status: Status): void;
  /** Part of a turn. */
  close(): void;
}

export class Account {
  readonly name: string;
  readonly sides: Set<Side> = new Set();
  /** Of requests for 'all' under way, by reply. */
  readonly tallies: Map<string, Tally> = new Map();
  readonly cycles: CycleWatch;
  readonly lateComers: LateComers = new LateComers();
  /** The last sid given: whoever subscribed later has a higher one, whichever side it is of. */
  sid = 0;
  /** Who keeps it although nobody is in it. */
  holds = 0;
  readonly #core: Core;
  #handle: AccountHandle;

  /** Throws CapacityError. */
  constructor(core: Core, reporter: Reporter, name: string) {
    this.name = name;
    this.#core = core;
    this.#handle = core.accounts.create();
    this.cycles = new CycleWatch((error) => {
      for (const side of this.sides) side.tell({ type: 'error', error });
      reporter.report(error, { subject: '', sid: 0, account: name });
    });
  }

  /** What the core knows it by; 0, which is nobody's, once its memory has been given back. */
  get handle(): AccountHandle {
    return this.#handle;
  }

  counts(): AccountCounts {
    return this.#core.accounts.counts(this.#handle);
  }

  /** Gives its memory back. False, and nothing is done, while anybody is in it. */
  end(): boolean {
    if (this.sides.size > 0 || this.holds > 0) return false;
    if (!this.#core.accounts.close(this.#handle)) return false;
    this.#handle = 0;
    return true;
  }
}
