// An account: a sublist root of the core with its own generation, and the way of the program's messages in it.
// A subject whose members are all in this process is delivered by the route map, without a crossing; the
// core routes when a peer is among them, or when a member has a max (the core counts and closes).

import {
  type AccountHandle,
  type Core,
  DELIVERED_MAX,
  type Outgoing,
  type SubHandle,
} from '../core/index.ts';
import type { Clock } from '../shared/clock.ts';
import {
  CapacityError,
  ClosedConnectionError,
  InvalidPayloadError,
  InvalidSubjectError,
} from '../shared/errors.ts';
import { EMPTY_PAYLOAD } from './codec.ts';
import { type Content, contentOfValue, type MessageHome, MessageView } from './message.ts';
import type { PickSource } from './random.ts';
import type { Reporter } from './reporter.ts';
import { type RouteEntry, type RouteGroup, RouteMap } from './route-map.ts';
import type { StatusFeed } from './status.ts';
import { checkQueue, checkSubject } from './subject-text.ts';
import { BusSubscription } from './subscription.ts';
import type { Tally } from './tally.ts';
import type { Turn, Waiting } from './turn.ts';
import type {
  Codec,
  Message,
  MessageHandler,
  PublishOptions,
  Stats,
  SubscribeOptions,
} from './types.ts';

/** What all accounts of a bus share. */
export interface BusParts {
  readonly core: Core;
  readonly turn: Turn;
  readonly clock: Clock;
  readonly codec: Codec;
  readonly reporter: Reporter;
  readonly status: StatusFeed;
  readonly picks: PickSource;
  readonly stats: Stats;
  readonly maxPayload: number;
  /** Every subscription of the process; those closed in a turn leave at its end. */
  readonly subscriptions: Map<SubHandle, BusSubscription>;
  /** Closed in this turn. */
  readonly closing: BusSubscription[];
  /** Of requests for 'all' under way, by reply. */
  readonly tallies: Map<string, Tally>;
  /** The last sid given. */
  sid: number;
  isClosed: boolean;
}

/** Who wants to know how far a publish went. */
export interface RouteListener {
  /** So many subscriptions got it. Called once it has reached all of them. */
  routed(count: number): void;
  /** It could not be routed. */
  fail(error: Error): void;
}

/** The hits of a route in the core's cache at which it is worth a place in the map: its second miss here. */
const ADMIT_HITS = 1;

const NO_GROUPS: readonly RouteGroup[] = [];
const NO_MEMBERS: readonly BusSubscription[] = [];

export class Account implements MessageHome {
  readonly name: string;
  readonly handle: AccountHandle;
  readonly parts: BusParts;
  readonly codec: Codec;
  readonly #routes = new RouteMap();
  readonly #core: Core;
  readonly #turn: Turn;
  readonly #stats: Stats;
  // Words of linear memory, renewed by each look at a route. When memory has grown they are detached: what
  // is read is undefined, which is no generation. Asking the core each time costs 4 ns.
  #words: Uint32Array;
  // Word index.
  readonly #generation: number;

  constructor(name: string, parts: BusParts) {
    this.name = name;
    this.parts = parts;
    this.codec = parts.codec;
    this.handle = parts.core.createAccount();
    this.#core = parts.core;
    this.#turn = parts.turn;
    this.#stats = parts.stats;
    this.#words = parts.core.views.u32;
    this.#generation = parts.core.generationCounter(this.handle);
  }

  /** Throws InvalidSubjectError, InvalidArgumentError, CapacityError. */
  subscribe(
    subject: string,
    handler: MessageHandler | undefined,
    options: SubscribeOptions<never>,
  ): BusSubscription {
    const { parts } = this;
    checkSubject(subject);
    if (options.queue !== undefined && options.queue !== '') checkQueue(options.queue);
    const subscription = new BusSubscription(this, parts.sid + 1, subject, handler, options);
    parts.turn.within(() => {
      subscription.handle = parts.core.subscribe(this.handle, subject, subscription.queue);
      subscription.counter = parts.core.deliveryCounter(subscription.handle);
      parts.sid++;
      parts.subscriptions.set(subscription.handle, subscription);
      subscription.start(options);
    });
    return subscription;
  }

  /** Takes a subscription out of the core. Its handle means it, and nobody else, until the turn ends. */
  withdraw(subscription: BusSubscription): void {
    const { parts } = this;
    parts.turn.within(() => {
      parts.core.unsubscribe(subscription.handle);
      parts.closing.push(subscription);
    });
  }

  /** As `send`. What has one recipient and no options goes its short way from here. */
  publish(subject: string, payload?: unknown, options?: PublishOptions): void {
    const entry = this.#routes.get(subject);
    if (entry === undefined || options !== undefined || !this.publishTo(entry, subject, payload)) {
      this.send(subject, payload, options, undefined);
    }
  }

  answered(reply: string, sid: number): void {
    this.parts.tallies.get(reply)?.done(sid);
  }

  /** The route of a subject, to be kept while it is good; undefined while a message is on its way. */
  routeFor(subject: string): RouteEntry | undefined {
    const { isClosed, turn } = this.parts;
    return isClosed || turn.isBusy ? undefined : this.#entry(subject);
  }

  /**
   * Delivers a value to the only recipient of a route.
   *
   * @returns false: the route is of another kind or not good any more, or there is a turn; nothing has been done
   */
  publishTo(entry: RouteEntry, subject: string, payload: unknown): boolean {
    const turn = this.#turn;
    const { handler } = entry;
    const u32 = this.#words;
    // A bus that has closed has no members, so an entry with a handler is not of its generation.
    if (handler === undefined || turn.isActive || u32[this.#generation] !== entry.generation) {
      return false;
    }
    const stats = this.#stats;
    const { counter } = entry;
    const count = u32[counter] as number;
    if (count < DELIVERED_MAX) u32[counter] = count + 1;
    stats.inMsgs++;
    turn.beginDelivery();
    // Made here, without a function between: V8 then inlines it, for 10 ns (of 40).
    const message = new MessageView(
      this,
      subject,
      entry.sid,
      payload,
      undefined,
    ) as unknown as Message;
    try {
      const result = handler(message);
      if (result !== undefined) (entry.single as BusSubscription).watch(result, message);
    } catch (error) {
      (entry.single as BusSubscription).report(error, message);
    } finally {
      turn.endDelivery();
    }
    stats.outMsgs++;
    return true;
  }

  /**
   * Publishes: now, or, while a message is on its way, after it.
   * Throws ClosedConnectionError and InvalidSubjectError; all else goes to the reporter.
   */
  send(
    subject: string,
    payload: unknown,
    options: PublishOptions | undefined,
    listener: RouteListener | undefined,
  ): void {
    const { parts } = this;
    if (parts.isClosed) throw new ClosedConnectionError();
    const reply = options?.reply || undefined;
    if (reply !== undefined) checkSubject(reply);
    const content = contentOfValue(this, subject, reply, payload, options?.headers);
    const { turn } = parts;
    if (turn.isBusy) {
      if (!this.#routes.has(subject)) checkSubject(subject);
      parts.stats.outMsgs++;
      turn.wait(new WaitingPublish(this, content, listener));
      return;
    }
    turn.enter();
    let count = 0;
    try {
      count = this.route(content, subject);
    } finally {
      turn.leave();
    }
    parts.stats.outMsgs++;
    if (listener !== undefined) listener.routed(count);
  }

  /**
   * Delivers to all who are interested in `to`, within the turn at hand and outside of any delivery.
   *
   * @returns how many subscriptions got it
   */
  route(content: Content, to: string): number {
    const entry = this.#entry(to);
    if (!entry.isLocal) return this.#routeThroughCore(content, to, entry);
    if (entry.plain.length === 0 && entry.groups.length === 0) return 0;
    return this.#deliver(content, to, entry);
  }

  /**
   * Gives a message to a member that lives now, in place of one that has closed.
   *
   * @returns how many got it: 0 or 1
   */
  deliverToGroup(queue: string, content: Content, to: string): number {
    const { core, subscriptions } = this.parts;
    const member = subscriptions.get(core.pickGroup(this.handle, queue, to));
    if (member?.isOpen !== true) return 0;
    core.countDelivery(member.counter);
    member.deliver(content);
    if (member.hasHadMax) member.end();
    return 1;
  }

  #entry(subject: string): RouteEntry {
    const { core } = this.parts;
    const words = core.views.u32;
    const generation = words[this.#generation] as number;
    this.#words = words;
    const known = this.#routes.get(subject);
    if (known !== undefined && known.generation === generation && !known.isProvisional) {
      return known;
    }
    if (typeof subject !== 'string') throw new InvalidSubjectError(String(subject));
    const route = core.resolve(this.handle, subject);
    const isLocal = !route.hasRemote && !route.hasMax;
    const groups = isLocal ? this.#groups(route.groups) : NO_GROUPS;
    const plain = isLocal ? this.#members(route.plain) : [];
    const single = plain.length === 1 && groups.length === 0 ? plain[0] : undefined;
    const entry: RouteEntry = {
      generation,
      handler: single?.shortHandler,
      counter: single?.counter ?? 0,
      sid: single?.sid ?? 0,
      single,
      isLocal,
      hasRemote: route.hasRemote,
      isProvisional: single?.isTimed === true,
      plain,
      groups,
    };
    if (known !== undefined || route.hits >= ADMIT_HITS) this.#routes.set(subject, entry);
    return entry;
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
      const member = this.parts.subscriptions.get(handle);
      if (member !== undefined) members.push(member);
    }
    return members.length > 1 ? members.sort((a, b) => a.sid - b.sid) : members;
  }

  #deliver(content: Content, to: string, entry: RouteEntry): number {
    const { turn, core } = this.parts;
    let count = 0;
    turn.isDelivering = true;
    try {
      const { plain, groups } = entry;
      for (let i = 0; i < plain.length; i++) {
        const subscription = plain[i] as BusSubscription;
        // A handler before it may have closed it.
        if (!subscription.isOpen) continue;
        core.countDelivery(subscription.counter);
        subscription.deliver(content);
        count++;
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
    const { core, picks } = this.parts;
    const start = members.length === 1 ? 0 : picks.below(members.length);
    for (let i = 0; i < members.length; i++) {
      const member = members[(start + i) % members.length] as BusSubscription;
      if (!member.isOpen) continue;
      core.countDelivery(member.counter);
      member.deliver(content);
      return 1;
    }
    // All were closed by this very message's handlers: somebody may have joined meanwhile.
    return this.deliverToGroup(queue, content, to);
  }

  #routeThroughCore(content: Content, to: string, entry: RouteEntry): number {
    const outgoing = entry.hasRemote ? this.#encode(content, to) : undefined;
    if (outgoing !== undefined && this.#run(content, outgoing)) return this.parts.core.routed;
    // The remote part has failed, or there is none.
    const isRouted = this.#run(content, { to, payload: EMPTY_PAYLOAD, localOnly: true });
    return isRouted ? this.parts.core.routed : 0;
  }

  /** False, and reported: there was no memory for it, and nobody got it. */
  #run(content: Content, outgoing: Outgoing): boolean {
    const { core, turn, reporter } = this.parts;
    const { to } = outgoing;
    try {
      const status = turn.run(() => core.publish(this.handle, outgoing), { content, to });
      if (status >= 0) return true;
      throw new CapacityError(`a message on ${to}`);
    } catch (error) {
      reporter.report(error, { subject: content.subject, sid: 0 });
      return false;
    }
  }

  /** What goes to peers; undefined, and reported, when there are no bytes for it. */
  #encode(content: Content, to: string): Outgoing | undefined {
    const { maxPayload, reporter, stats } = this.parts;
    try {
      const payload = content.data;
      const headers = content.headerBlock;
      const bytes = payload.length + headers.length;
      if (bytes > maxPayload && !content.isIncoming) {
        throw new InvalidPayloadError(
          `payload of ${bytes} bytes exceeds max_payload ${maxPayload}`,
        );
      }
      stats.outBytes += bytes;
      return {
        to,
        payload,
        ...(content.subject !== to && { subject: content.subject }),
        ...(content.reply !== undefined && { reply: content.reply }),
        ...(headers.length > 0 && { headers }),
      };
    } catch (error) {
      reporter.report(error, { subject: content.subject, sid: 0 });
      return undefined;
    }
  }
}

/** A publish of a handler, waiting for the message at hand to reach everybody. */
class WaitingPublish implements Waiting {
  readonly #account: Account;
  readonly #content: Content;
  readonly #listener: RouteListener | undefined;

  constructor(account: Account, content: Content, listener: RouteListener | undefined) {
    this.#account = account;
    this.#content = content;
    this.#listener = listener;
  }

  get subject(): string {
    return this.#content.subject;
  }

  run(): void {
    let count: number;
    try {
      count = this.#account.route(this.#content, this.subject);
    } catch (error) {
      this.#account.parts.reporter.report(error, { subject: this.subject, sid: 0 });
      return;
    }
    this.#listener?.routed(count);
  }

  drop(error: Error): void {
    this.#listener?.fail(error);
  }
}
