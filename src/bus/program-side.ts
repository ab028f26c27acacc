// The program's side of an account, or a service's: its subscriptions there, what it has counted, and the way of its
// messages. A subject whose members are all in this process is delivered by the route map, without a crossing; the core
// routes when a peer is among them, or when a member has a max (the core counts and closes).

import type { Core, HandleMap, Outgoing, RouteView, SubHandle } from '../core/index.ts';
import type { Clock } from '../shared/clock.ts';
import {
  CapacityError,
  ClosedConnectionError,
  InvalidPayloadError,
  InvalidSubjectError,
  shortened,
  toError,
} from '../shared/errors.ts';
import type { Account, Side } from './account.ts';
import { EMPTY_PAYLOAD } from './codec.ts';
import { sentHeaders } from './headers.ts';
import { type Content, contentOfValue } from './message.ts';
import type { PickSource } from './random.ts';
import type { RawSubscription } from './raw.ts';
import type { Reporter } from './reporter.ts';
import { type Fan, type Route, type RouteGroup, RouteMap } from './route-map.ts';
import { StatusFeed } from './status.ts';
import { checkQueue, checkSubject } from './subject-text.ts';
import { BusSubscription, type SubscriptionHome } from './subscription.ts';
import type { Turn } from './turn.ts';
import type {
  Codec,
  ErrorContext,
  MessageHandler,
  PublishOptions,
  Stats,
  Status,
  SubscribeOptions,
} from './types.ts';
import { WaitingPublish } from './waiting-publish.ts';

/** What all sides share. */
export interface EngineParts {
  readonly core: Core;
  readonly turn: Turn;
  readonly clock: Clock;
  readonly codec: Codec;
  readonly reporter: Reporter;
  readonly picks: PickSource;
  readonly maxPayload: number;
  /** Every subscription of the process; those closed in a turn leave at its end. */
  readonly subscriptions: HandleMap<BusSubscription>;
  /** The same of those that are handed records. */
  readonly raws: HandleMap<RawSubscription>;
  /** Closed in this turn. */
  readonly closing: { readonly handle: SubHandle }[];
  /** Somebody is no longer in the account. Part of a turn. */
  leave(account: Account): void;
}

/** Who wants to know how far a publish went. */
export interface RouteListener {
  /** So many subscriptions got it. Called once it has reached all of them. */
  routed(count: number): void;
  /** It could not be routed. */
  fail(error: Error): void;
  /**
   * The handler of one that got it has failed. `report` is called if the listener does not tell who asked: then the
   * error is uncaught. There is none where it has been reported.
   */
  handlerFailed(error: unknown, report: (() => void) | undefined): void;
}

const NO_GROUPS: readonly RouteGroup[] = [];
const NO_MEMBERS: readonly BusSubscription[] = [];
const NOBODY: Fan = fanOf(true, false);
const REMOTE: Fan = fanOf(false, true);
/** A member has a max: the core counts. */
const COUNTED: Fan = fanOf(false, false);

export class ProgramSide implements SubscriptionHome, Side {
  readonly account: Account;
  readonly engine: EngineParts;
  readonly codec: Codec;
  readonly status: StatusFeed = new StatusFeed();
  /** Without what subscriptions count as `alone`. */
  readonly stats: Stats = { inBytes: 0, outBytes: 0, inMsgs: 0, outMsgs: 0 };
  /** Those that are open, in the order in which they came. */
  readonly subscriptions: Set<BusSubscription> = new Set();
  readonly raws: Set<RawSubscription> = new Set();
  isClosed = false;
  readonly #routes = new RouteMap();
  readonly #core: Core;
  readonly #turn: Turn;
  // What the core's `changes` were when the routes were last known to hold.
  #changes = -1;

  constructor(engine: EngineParts, account: Account) {
    this.account = account;
    this.engine = engine;
    this.codec = engine.codec;
    this.#core = engine.core;
    this.#turn = engine.turn;
    account.sides.add(this);
  }

  /** Tells `status()` and `onError` what failed, and who `asked` for it. Never throws. */
  report(error: unknown, context: Omit<ErrorContext, 'account'>, asked?: RouteListener): void {
    this.tell({ type: 'error', error: toError(error) });
    const { reporter } = this.engine;
    const report = (): void => reporter.report(error, { ...context, account: this.account.name });
    const isTold = asked === undefined || reporter.hasHandler;
    if (isTold) report();
    asked?.handlerFailed(error, isTold ? undefined : report);
  }

  tell(status: Status): void {
    this.status.tell(status);
  }

  /** Ends every subscription, and publishing. Part of a turn. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    // What publishers have found out is void, even where nobody subscribes.
    this.#core.changes++;
    for (const subscription of [...this.subscriptions]) subscription.unsubscribe();
    for (const subscription of [...this.raws]) subscription.close();
    this.account.sides.delete(this);
    this.engine.leave(this.account);
    this.status.close();
  }

  /** Throws InvalidSubjectError, InvalidArgumentError, CapacityError and ClosedConnectionError. */
  subscribe(
    subject: string,
    handler: MessageHandler | undefined,
    options: SubscribeOptions<never>,
  ): BusSubscription {
    const { account, engine } = this;
    if (this.isClosed) throw new ClosedConnectionError();
    checkSubject(subject);
    if (options.queue !== undefined && options.queue !== '') checkQueue(options.queue);
    const subscription = new BusSubscription(this, account.sid + 1, subject, handler, options);
    engine.turn.within(() => {
      subscription.handle = engine.core.subscribe(account.handle, subject, subscription.queue);
      account.sid++;
      this.subscriptions.add(subscription);
      engine.subscriptions.add(subscription);
      subscription.start(options);
    });
    return subscription;
  }

  /** Takes a subscription out of the core. Its handle means it, and nobody else, until the turn ends. */
  withdraw(subscription: BusSubscription): void {
    this.subscriptions.delete(subscription);
    this.takeOut(subscription);
  }

  /** The same of whatever is subscribed. */
  takeOut(subscription: BusSubscription | RawSubscription): void {
    const { core, turn, closing } = this.engine;
    turn.within(() => {
      core.unsubscribe(subscription.handle);
      closing.push(subscription);
    });
  }

  /** As `send`. What has no options goes its short way from here. */
  publish(subject: string, payload?: unknown, options?: PublishOptions): void {
    if (options === undefined && !this.#turn.isActive) {
      this.publishTo(this.#find(subject), subject, payload);
    } else {
      this.send(subject, payload, options, undefined);
    }
  }

  /** Publishes on a route that holds, outside of any turn. Throws ClosedConnectionError. */
  publishTo(route: Route, subject: string, payload: unknown): void {
    const { handler } = route;
    if (handler !== undefined) {
      (route as BusSubscription).deliverAlone(handler, this.#turn, subject, payload);
    } else {
      this.#spread(route, contentOfValue(this, subject, undefined, payload, undefined));
    }
  }

  answered(reply: string, sid: number): void {
    this.account.tallies.get(reply)?.done(sid);
  }

  /** The route of a subject, good until the core's `changes` change; undefined while a message is on its way. */
  routeFor(subject: string): Route | undefined {
    return this.isClosed || this.#turn.isBusy ? undefined : this.#find(subject);
  }

  /**
   * Publishes: now, or, while a message is on its way, after it.
   * Throws ClosedConnectionError, InvalidSubjectError, and InvalidArgumentError for headers that are no block; all else
   * goes to the reporter.
   */
  send(
    subject: string,
    payload: unknown,
    options: PublishOptions | undefined,
    listener: RouteListener | undefined,
  ): void {
    if (this.isClosed) throw new ClosedConnectionError();
    const reply = options?.reply || undefined;
    if (reply !== undefined) checkSubject(reply);
    const headers = options?.headers;
    const sent = headers === undefined ? undefined : sentHeaders(headers);
    const content = contentOfValue(this, subject, reply, payload, sent, listener);
    const turn = this.#turn;
    if (turn.isBusy) {
      if (!this.#routes.has(subject)) checkSubject(subject);
      this.stats.outMsgs++;
      turn.wait(new WaitingPublish(this, content, listener));
      return;
    }
    const count = this.#spread(this.#find(subject), content);
    if (listener !== undefined) listener.routed(count);
  }

  /** Publishes on a route, in a turn; answers how many subscriptions got it. */
  #spread(route: Route, content: Content): number {
    if (this.isClosed) throw new ClosedConnectionError();
    const turn = this.#turn;
    const { level } = turn;
    let count = 0;
    turn.enter();
    try {
      count = this.#routeBy(route, content, content.subject);
      turn.leave();
    } catch (error) {
      turn.level = level;
      throw error;
    }
    this.stats.outMsgs++;
    return count;
  }

  /**
   * Delivers to all who are interested in `to`, within the turn at hand and outside of any delivery.
   *
   * @returns how many subscriptions got it
   */
  route(content: Content, to: string): number {
    return this.#routeBy(this.#find(to), content, to);
  }

  #routeBy(route: Route, content: Content, to: string): number {
    if (route instanceof BusSubscription) return this.#deliver(content, to, [route], NO_GROUPS);
    if (!route.isLocal) return this.#routeThroughCore(content, to, route);
    if (route === NOBODY) return 0;
    return this.#deliver(content, to, route.plain, route.groups);
  }

  /**
   * Gives a message to a member that lives now, in place of one that has closed.
   *
   * @returns how many got it: 0 or 1
   */
  deliverToGroup(queue: string, content: Content, to: string): number {
    const { core, subscriptions } = this.engine;
    const member = subscriptions.get(core.pickGroup(this.account.handle, queue, to));
    if (member?.isOpen !== true) return 0;
    member.count();
    member.deliver(content);
    if (member.hasHadMax) member.end();
    return 1;
  }

  #find(subject: string): Route {
    if (this.#core.changes !== this.#changes) this.#renew();
    return this.#routes.get(subject) ?? this.#resolve(subject);
  }

  #renew(): void {
    const core = this.#core;
    // What has waited for its turn when it was closed is still on its way, and remembers nothing.
    if (this.isClosed && !this.#turn.isActive) throw new ClosedConnectionError();
    this.#routes.renew(core.accounts.generation(this.account.handle));
    this.#changes = this.isClosed ? -1 : core.changes;
  }

  #resolve(subject: string): Route {
    if (typeof subject !== 'string') throw new InvalidSubjectError(subject);
    const resolved = this.#core.resolve(this.account.handle, subject);
    const route = this.#routeOf(resolved);
    this.#routes.offer(subject, route, resolved.hits);
    return route;
  }

  #routeOf(resolved: RouteView): Route {
    const { only } = resolved;
    if (resolved.hasRemote) return REMOTE;
    if (resolved.hasMax) return COUNTED;
    if (only !== 0) return this.engine.subscriptions.get(only) ?? NOBODY;
    if (resolved.isEmpty) return NOBODY;
    const plain = this.#members(resolved.plain());
    const groups = this.#groups(resolved.groups());
    return { handler: undefined, isLocal: true, hasRemote: false, plain, groups };
  }

  #groups(all: readonly (readonly SubHandle[])[]): readonly RouteGroup[] {
    if (all.length === 0) return NO_GROUPS;
    const groups: RouteGroup[] = [];
    for (const handles of all) {
      const members = this.#members(handles);
      const queue = members[0]?.queue;
      if (queue !== undefined) groups.push({ queue, members });
    }
    return groups;
  }

  /** In the order in which they subscribed. */
  #members(handles: readonly SubHandle[]): readonly BusSubscription[] {
    if (handles.length === 0) return NO_MEMBERS;
    const members: BusSubscription[] = [];
    for (const handle of handles) {
      const member = this.engine.subscriptions.get(handle);
      if (member !== undefined) members.push(member);
    }
    return members.length > 1 ? members.sort((a, b) => a.sid - b.sid) : members;
  }

  #deliver(
    content: Content,
    to: string,
    plain: readonly BusSubscription[],
    groups: readonly RouteGroup[],
  ): number {
    const turn = this.#turn;
    // A request may be for 'all', which its recipients keep a tally of.
    const isRequest = content.reply !== undefined;
    let count = 0;
    turn.isDelivering = true;
    try {
      for (let i = 0; i < plain.length; i++) {
        const member = plain[i] as BusSubscription;
        const { handler } = member;
        if (handler !== undefined && !isRequest) {
          member.deliverShared(handler, content);
          count++;
        } else if (member.isOpen) {
          // Else a handler before it has closed it.
          member.count();
          member.deliver(content);
          count++;
        }
      }
      for (let i = 0; i < groups.length; i++) {
        count += this.#deliverToMember(content, to, groups[i] as RouteGroup);
      }
    } finally {
      turn.isDelivering = false;
    }
    return count;
  }

  #deliverToMember(content: Content, to: string, group: RouteGroup): number {
    const { members, queue } = group;
    const { picks } = this.engine;
    const start = members.length === 1 ? 0 : picks.below(members.length);
    for (let i = 0; i < members.length; i++) {
      const member = members[(start + i) % members.length] as BusSubscription;
      if (!member.isOpen) continue;
      member.count();
      member.deliver(content);
      return 1;
    }
    // All were closed by this very message's handlers: somebody may have joined meanwhile.
    return this.deliverToGroup(queue, content, to);
  }

  #routeThroughCore(content: Content, to: string, route: Fan): number {
    const outgoing = route.hasRemote ? this.#encode(content, to) : undefined;
    if (outgoing !== undefined && this.#run(content, outgoing)) return this.#core.routed;
    // The remote part has failed, or there is none.
    const isRouted = this.#run(content, { to, payload: EMPTY_PAYLOAD, localOnly: true });
    return isRouted ? this.#core.routed : 0;
  }

  /** False, and reported: there was no memory for it, and nobody got it. */
  #run(content: Content, outgoing: Outgoing): boolean {
    const { core, turn } = this.engine;
    const { to } = outgoing;
    try {
      const status = turn.run(() => core.publish(this.account.handle, outgoing), { content, to });
      if (status >= 0) return true;
      throw new CapacityError(`a message on ${shortened(to)}`);
    } catch (error) {
      this.report(error, { subject: content.subject, sid: 0 });
      return false;
    }
  }

  /** What goes to peers; undefined, and reported, when there are no bytes for it. */
  #encode(content: Content, to: string): Outgoing | undefined {
    const { maxPayload } = this.engine;
    try {
      const payload = content.data;
      const headers = content.headerBlock;
      const bytes = payload.length + headers.length;
      if (bytes > maxPayload && content.incoming === undefined) {
        throw new InvalidPayloadError(
          `payload of ${bytes} bytes exceeds max_payload ${maxPayload}`,
        );
      }
      this.stats.outBytes += bytes;
      return {
        to,
        payload,
        ...(content.subject !== to && { subject: content.subject }),
        ...(content.reply !== undefined && { reply: content.reply }),
        ...(headers.length > 0 && { headers }),
      };
    } catch (error) {
      this.report(error, { subject: content.subject, sid: 0 });
      return undefined;
    }
  }
}

function fanOf(isLocal: boolean, hasRemote: boolean): Fan {
  return { handler: undefined, isLocal, hasRemote, plain: NO_MEMBERS, groups: NO_GROUPS };
}
