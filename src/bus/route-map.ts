// Subject → who in this process gets it. A hit costs one Map lookup and one comparison of generations, where
// asking the core costs several times that (the subject has to be written into memory). What the core has
// seen only once is not admitted: filling a Map with subjects that never come again costs three times as
// much as it saves. An entry is never changed, so a delivery under way keeps the members it began with.

import type { BusSubscription } from './subscription.ts';
import type { MessageHandler } from './types.ts';

/** As many as the core's own cache holds. */
const ROUTES_MAX = 16_384;

export interface RouteGroup {
  readonly queue: string;
  readonly members: readonly BusSubscription[];
}

/** What each publish reads comes first: with 1,000 subjects an object on the way is a cache miss. */
export interface RouteEntry {
  /** The account's generation for which it holds. */
  readonly generation: number;
  /** The handler of `single`, when a message need only be handed to that. */
  readonly handler: MessageHandler | undefined;
  /** Where the core counts what `single` has got. */
  readonly counter: number;
  /** Of `single`. */
  readonly sid: number;
  /** The one who gets it, when it is local and nobody else does. */
  readonly single: BusSubscription | undefined;
  /** Only members in this process and none with a max: no need for the core. */
  readonly isLocal: boolean;
  /** There are members outside of this process. */
  readonly hasRemote: boolean;
  /** `single` waits for its first message with a timer; after that the entry can have a handler. */
  readonly isProvisional: boolean;
  /** In the order in which they subscribed; empty unless `isLocal`. */
  readonly plain: readonly BusSubscription[];
  readonly groups: readonly RouteGroup[];
}

export class RouteMap {
  readonly #entries = new Map<string, RouteEntry>();

  /** Of whatever generation. */
  get(subject: string): RouteEntry | undefined {
    return this.#entries.get(subject);
  }

  /** The subject is in the map, so it is valid. */
  has(subject: string): boolean {
    return this.#entries.has(subject);
  }

  set(subject: string, entry: RouteEntry): void {
    if (this.#entries.size >= ROUTES_MAX && !this.#entries.has(subject)) this.#entries.clear();
    this.#entries.set(subject, entry);
  }

  get size(): number {
    return this.#entries.size;
  }
}
