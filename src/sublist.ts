// The door to the matcher alone: `import { Sublist } from 'ganglion/sublist'`. Filters go in, and for a
// subject the ids of those that match come out. No bus, no sockets.
import { type AccountHandle, type Core, createCore } from './core/index.ts';
import { InvalidArgumentError } from './shared/errors.ts';

export interface SublistOptions {
  /** Seed of the hashes; drawn from the system's secure source unless given. */
  readonly seed?: readonly [number, number];
}

/** Names one filter that was inserted. Ids are used again after `remove`. */
export type FilterId = number;

/** A set of filters with the semantics of NATS: `*` is one token, a final `>` one or more. */
export class Sublist {
  readonly #core: Core;
  readonly #account: AccountHandle;
  #count = 0;

  /** Ready when this returns. Throws WasmUnavailableError and CapacityError. */
  constructor(options: SublistOptions = {}) {
    this.#core = createCore({ seed: options.seed });
    this.#account = this.#core.accounts.create();
  }

  /** Filters in the set. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of linear memory that blocks of this set occupy, tables and free room included. */
  get bytes(): number {
    return this.#core.live().heapBytes;
  }

  /** Adds a filter; equal filters are kept apart. Throws InvalidSubjectError and CapacityError. */
  insert(filter: string): FilterId {
    const id = this.#core.subscribe(this.#account, filter);
    this.#count++;
    return id;
  }

  /** Removes a filter. False: it is not in the set. */
  remove(id: FilterId): boolean {
    if (!this.#core.unsubscribe(id)) return false;
    this.#core.turnEnd();
    this.#count--;
    return true;
  }

  /** The ids of all filters that match a subject, in no particular order. Throws InvalidSubjectError. */
  match(subject: string): FilterId[] {
    return this.#core.resolve(this.#account, subject).plain();
  }

  /**
   * The same into an array of the caller's; nothing is allocated.
   *
   * @returns how many match; when that is more than `target.length` the rest is left out
   */
  matchInto(subject: string, target: Uint32Array): number {
    if (!ArrayBuffer.isView(target)) {
      throw InvalidArgumentError.format('target', 'must be a Uint32Array');
    }
    return this.#core.resolve(this.#account, subject).plainInto(target);
  }

  /** Whether any filter matches. Throws InvalidSubjectError. */
  has(subject: string): boolean {
    return this.#core.hasInterest(this.#account, subject);
  }
}
