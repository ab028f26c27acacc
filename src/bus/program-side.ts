// The program's side of an account, or a service's: its subscriptions there, what it has counted, and the way of its
// messages. A subject whose members are all in this process is delivered by the route map, without a crossing; the core
// routes when a peer is among them, or when a member has a max (the core counts and closes).

import type { Core, Outgoing } from '../core/index.ts';
import {
  CapacityError,
  ClosedConnectionError,
  InvalidPayloadError,
  InvalidSubjectError,
  shortened,
  toError,
} from '../shared/errors.ts';
import type { Account, Side } from './account.ts';
import { checkObject } from './arguments.ts';
import { EMPTY_PAYLOAD } from './codec.ts';
import type { EngineParts } from './engine-parts.ts';
import type { Moment } from './late-comers.ts';
import { type Content, contentOfValue, MessageView } from './message.ts';
import { publishNamed } from './named-publish.ts';
import type { RawSubscription } from './raw.ts';
import type { RouteListener } from './route-listener.ts';
import { type Fan, NOBODY, type Route, type RouteGroup, RouteMap, routeOf } from './route-map.ts';
import { StatusFeed } from './status.ts';
import { checkQueue, checkReply, checkSubject, isMoreThanSubject } from './subject-text.ts';
import { BusSubscription } from './subscription.ts';
import type { SubscriptionHome } from './subscription-home.ts';
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
import { UnderWay } from './under-way.ts';
import { WaitingPublish } from './waiting-publish.ts';

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
  readonly underWay: UnderWay = new UnderWay();
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

  /** Tells `status()` and `onError` what failed, and who has asked for it. Never throws. */
  report(error: unknown, context: Omit<ErrorContext, 'account'>): void {
    const asked = context.message && MessageView.madeContentOf(context.message)?.asked;
    const { reporter } = this.engine;
    const tell = (): void => this.tell({ type: 'error', error: toError(error) });
    const report = (): void => reporter.report(error, { ...context, account: this.account.name });
    if (asked?.takesErrors === true) {
      asked.handlerFailed(error, () => {
        tell();
        report();
      });
      return;
    }
    tell();
    const isTold = asked === undefined || reporter.hasHandler;
    if (isTold) report();
    asked?.handlerFailed(error, isTold ? undefined : report);
  }

  /** Somebody, here or at a peer, would get it. Throws InvalidSubjectError and ClosedConnectionError. */
  hasInterest(subject: string): boolean {
    if (this.isClosed) throw new ClosedConnectionError();
    checkSubject(subject);
    return this.#core.hasInterest(this.account.handle, subject);
  }

  tell(status: Status): void {
    this.status.tell(status);
  }

  /** Does something to a subscription that is followed by other things: what it throws is reported. */
  attempt(
    { subject, sid }: { readonly subject: string; readonly sid: number },
    fn: () => void,
  ): void {
    try {
      fn();
    } catch (error) {
      this.report(error, { subject, sid });
    }
  }

  /** Ends every subscription, and publishing. Part of a turn. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    // What publishers have found out is void, even where nobody subscribes.
    this.#core.changes++;
    // Of those that have been withdrawn, what waits for a handler is dropped.
    const all = [...this.subscriptions, ...this.underWay.all()];
    for (const each of all) this.attempt(each, () => each.unsubscribe());
    for (const each of [...this.raws]) this.attempt(each, () => each.close());
    this.engine.interest?.leave(this);
    this.account.sides.delete(this);
    this.engine.leave(this.account);
    this.status.close();
  }

  /** Its options have been checked. Throws InvalidSubjectError, InvalidArgumentError, CapacityError and ClosedConnectionError. */
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
      const { queue, sid } = subscription;
      subscription.handle = engine.core.subscribe(account.handle, subject, queue, sid);
      account.sid++;
      this.subscriptions.add(subscription);
      engine.subscriptions.add(subscription);
      try {
        subscription.start(options);
      } catch (error) {
        subscription.unsubscribe();
        throw error;
      }
    });
    return subscription;
  }

  /** Takes a subscription out of the core. Its handle means it, and nobody else, until the turn ends. */
  withdraw(subscription: BusSubscription): void {
    const { waitingFrom, waitingTo } = this.#turn;
    this.account.lateComers.note(subscription, waitingFrom, waitingTo);
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

  /** As `publish`, to what a peer may have named. Throws ClosedConnectionError. */
  answer(
    reply: string,
    bytes: Uint8Array | undefined,
    payload: unknown,
    options: PublishOptions | undefined,
  ): void {
    if (bytes !== undefined || isMoreThanSubject(reply)) {
      publishNamed(this, { text: reply, bytes }, payload, options);
    } else {
      this.publish(reply, payload, options);
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
    if (typeof options !== 'object' && options !== undefined) checkObject(options);
    const reply = options?.reply || undefined;
    if (reply !== undefined) checkReply(reply);
    const content = contentOfValue(this, subject, reply, payload, options?.headers, listener);
    if (this.#turn.isBusy) this.#wait(content, listener);
    else {
      const count = this.#spread(this.#find(subject), content);
      if (listener !== undefined) listener.routed(count);
    }
  }

  #wait(content: Content, listener: RouteListener | undefined): void {
    const { subject } = content;
    if (!this.#routes.has(subject)) checkSubject(subject);
    this.stats.outMsgs++;
    this.#turn.wait(new WaitingPublish(this, content, listener));
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
   * @param moment to those alone who were interested then
   * @returns how many subscriptions got it
   */
  route(content: Content, to: string, moment?: Moment): number {
    const route = this.#find(to);
    // Most often nobody has come since.
    const isLate = moment !== undefined && moment.lastSid < this.account.sid;
    return this.#routeBy(route, content, to, isLate ? moment : undefined);
  }

  #routeBy(route: Route, content: Content, to: string, moment?: Moment): number {
    if (route instanceof BusSubscription) {
      if (moment !== undefined && moment.lastSid < route.sid) return 0;
      return this.#deliverToOne(content, route);
    }
    return this.#routeFan(content, to, route, moment);
  }

  #routeFan(content: Content, to: string, route: Fan, moment: Moment | undefined): number {
    if (!route.isLocal) return this.#routeThroughCore(content, to, route, moment);
    if (route === NOBODY) return 0;
    const fan = moment === undefined ? route : this.account.lateComers.narrow(route, to, moment);
    return this.#deliver(content, to, fan.plain, fan.groups);
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
    if (member.hasHadMax) member.stop();
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
    const route = routeOf(resolved, this.engine.subscriptions);
    this.#routes.offer(subject, route, resolved.hits);
    return route;
  }

  #deliverToOne(content: Content, member: BusSubscription): number {
    const turn = this.#turn;
    turn.isDelivering = true;
    try {
      return give(member, content);
    } finally {
      turn.isDelivering = false;
    }
  }

  #deliver(
    content: Content,
    to: string,
    plain: readonly BusSubscription[],
    groups: readonly RouteGroup[],
  ): number {
    const turn = this.#turn;
    let count = 0;
    turn.isDelivering = true;
    try {
      for (let i = 0; i < plain.length; i++) count += give(plain[i] as BusSubscription, content);
      for (let i = 0; i < groups.length; i++) {
        count += this.#deliverToMember(content, to, groups[i] as RouteGroup);
      }
    } finally {
      turn.isDelivering = false;
    }
    return count;
  }

  #deliverToMember(content: Content, to: string, group: RouteGroup): number {
    const { members, queue, count } = group;
    const { picks } = this.engine;
    const start = count === 1 ? 0 : picks.below(count);
    for (let i = 0; i < count; i++) {
      const member = members[(start + i) % count] as BusSubscription;
      if (!member.isOpen) continue;
      member.count();
      member.deliver(content);
      return 1;
    }
    // All were closed by this very message's handlers: somebody may have joined meanwhile.
    return this.deliverToGroup(queue, content, to);
  }

  #routeThroughCore(content: Content, to: string, route: Fan, moment: Moment | undefined): number {
    const outgoing = route.hasRemote ? this.#encode(content, to) : undefined;
    const recipients = moment && {
      lastSid: moment.lastSid,
      standsIn: this.account.lateComers.hasLost(to, moment),
    };
    const isSendable = outgoing !== undefined && !(outgoing instanceof Error);
    if (isSendable && this.#run(content, { ...outgoing, ...recipients })) return this.#core.routed;
    // The remote part has failed, or there is none.
    const local = { to, payload: EMPTY_PAYLOAD, localOnly: true, ...recipients };
    const count = this.#run(content, local) ? this.#core.routed : 0;
    return outgoing instanceof Error ? count + this.#refuse(content, to, outgoing) : count;
  }

  /** Tells those that take bytes of a message that has none; answers how many know what to say to that. */
  #refuse({ reply }: Content, to: string, error: Error): number {
    let count = 0;
    for (const { raws } of this.account.sides) {
      for (const raw of [...(raws ?? [])]) if (raw.refuse(to, reply, error)) count++;
    }
    return count;
  }

  /** False, and reported or told to who asked: there was no memory for it, and nobody got it. */
  #run(content: Content, outgoing: Outgoing): boolean {
    const { core, turn } = this.engine;
    const { to } = outgoing;
    try {
      const status = turn.run(() => core.publish(this.account.handle, outgoing), { content, to });
      if (status >= 0) return true;
      throw new CapacityError(`a message on ${shortened(to)}`);
    } catch (error) {
      // Who asked is told, and nobody else.
      if (content.asked === undefined) this.report(error, { subject: content.subject, sid: 0 });
      else content.asked.fail(toError(error));
      return false;
    }
  }

  /** What goes to peers; the error, which has been reported, when there are no bytes for it. */
  #encode(content: Content, to: string): Outgoing | Error {
    const { maxPayload } = this.engine;
    try {
      const payload = content.data;
      const headers = content.headerBlock;
      const bytes = payload.length + headers.length;
      if (bytes > maxPayload && !content.isIncoming) {
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
      return toError(error);
    }
  }
}

/** Hands a message to a member; answers how many got it, which is none when a handler before has closed it. */
function give(member: BusSubscription, content: Content): number {
  const { handler } = member;
  // A request may be for 'all', which its recipients keep a tally of.
  if (handler !== undefined && content.reply === undefined) {
    member.deliverShared(handler, content);
    return 1;
  }
  if (!member.isOpen) return 0;
  member.count();
  member.deliver(content);
  return 1;
}
