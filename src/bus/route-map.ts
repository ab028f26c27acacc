// Subject → who in this process gets it. A hit costs one Map lookup, where asking the core costs several times
// that (the subject has to be written into memory). All routes of the map are of one generation of the account; when
// that has changed the map begins anew. What the core has seen only once is not admitted: filling a Map with subjects
// that never come again costs three times as much as it saves. A route is never changed, so a delivery under
// way keeps the members it began with.

import type { HandleMap, RouteView, SubHandle } from '../core/index.ts';
import type { BusSubscription } from './subscription.ts';

/** As many as the core's own cache holds. */
const ROUTES_MAX = 16_384;
/** The hits of a route in the core's cache at which it is worth a place in the map: its second miss here. */
const ADMIT_HITS = 1;

export interface RouteGroup {
  readonly queue: string;
  readonly members: readonly BusSubscription[];
  /** Those that may get it are so many, from the first on. */
  readonly count: number;
}

/** A route to anything but one subscription without a queue. */
export interface Fan {
  /** Only a subscription has one. */
  readonly handler: undefined;
  /** Only members in this process and none with a max: no need for the core. */
  readonly isLocal: boolean;
  /** There are members outside of this process. */
  readonly hasRemote: boolean;
  /** In the order in which they subscribed; empty unless `isLocal`. */
  readonly plain: readonly BusSubscription[];
  readonly groups: readonly RouteGroup[];
}

/** Who gets the messages of a subject. Most often that is one subscription, which then is the route. */
export type Route = BusSubscription | Fan;

const NO_GROUPS: readonly RouteGroup[] = [];
const NO_MEMBERS: readonly BusSubscription[] = [];
export const NOBODY: Fan = fanOf(true, false);
const REMOTE: Fan = fanOf(false, true);
/** A member has a max: the core counts. */
const COUNTED: Fan = fanOf(false, false);

export class RouteMap {
  // The account's generation for which all routes hold; 0 is none.
  #generation = 0;
  #routes = new Map<string, Route>();
  // Those of the generation before: subjects that come again.
  #before = new Map<string, Route>();

  get(subject: string): Route | undefined {
    return this.#routes.get(subject);
  }

  /** The subject is in the map, or was in the one before: it is valid. */
  has(subject: string): boolean {
    return this.#routes.has(subject) || this.#before.has(subject);
  }

  /** Begins anew if the account is of another generation now. */
  renew(generation: number): void {
    if (generation === this.#generation) return;
    this.#generation = generation;
    if (this.#routes.size === 0) return;
    this.#before = this.#routes;
    this.#routes = new Map();
  }

  /** Keeps a route if its subject is worth it; `hits` is how often the core has been asked for it before. */
  offer(subject: string, route: Route, hits: number): void {
    if (hits < ADMIT_HITS && !this.#before.has(subject)) return;
    if (this.#routes.size >= ROUTES_MAX) this.#routes.clear();
    this.#routes.set(subject, route);
  }
}

function fanOf(isLocal: boolean, hasRemote: boolean): Fan {
  return { handler: undefined, isLocal, hasRemote, plain: NO_MEMBERS, groups: NO_GROUPS };
}

/** What the core has found, as long as it holds. */
export function routeOf(resolved: RouteView, subscriptions: HandleMap<BusSubscription>): Route {
  const { only } = resolved;
  if (resolved.hasRemote) return REMOTE;
  if (resolved.hasMax) return COUNTED;
  if (only !== 0) return subscriptions.get(only) ?? NOBODY;
  if (resolved.isEmpty) return NOBODY;
  const plain = membersOf(resolved.plain(), subscriptions);
  const groups: RouteGroup[] = [];
  for (const handles of resolved.groups()) {
    const members = membersOf(handles, subscriptions);
    const queue = members[0]?.queue;
    if (queue !== undefined) groups.push({ queue, members, count: members.length });
  }
  return { handler: undefined, isLocal: true, hasRemote: false, plain, groups };
}

/** In the order in which they subscribed. */
function membersOf(
  handles: readonly SubHandle[],
  subscriptions: HandleMap<BusSubscription>,
): readonly BusSubscription[] {
  const members: BusSubscription[] = [];
  for (const handle of handles) {
    const member = subscriptions.get(handle);
    if (member !== undefined) members.push(member);
  }
  return members.sort((a, b) => a.sid - b.sid);
}
