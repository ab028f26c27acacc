// One expression of interest of the program. It is a handler, a callback as nats-core has it, or an async
// iterator with a bounded buffer. The core counts its deliveries; here is its life: open, draining, closed.

import type { Core, SubHandle } from '../core/index.ts';
import type { Clock, Timer } from '../shared/clock.ts';
import {
  ClosedConnectionError,
  InvalidArgumentError,
  InvalidOperationError,
  TimeoutError,
} from '../shared/errors.ts';
import { type Content, contentOf, type MessageHome, MessageView, messageOf } from './message.ts';
import { MessageQueue } from './message-queue.ts';
import type { RouteListener } from './program-side.ts';
import type { StatusFeed } from './status.ts';
import type { Tally } from './tally.ts';
import type { Turn } from './turn.ts';
import type {
  ErrorContext,
  Message,
  MessageCallback,
  MessageHandler,
  Msg,
  Stats,
  SubscribeOptions,
  Subscription,
} from './types.ts';

/** What a subscription needs of the side it is of. */
export interface SubscriptionHome extends MessageHome {
  readonly engine: { readonly core: Core; readonly clock: Clock };
  /** With requests for 'all' under way, by reply. */
  readonly account: { readonly tallies: ReadonlyMap<string, Tally> };
  readonly status: StatusFeed;
  readonly stats: Stats;
  readonly isClosed: boolean;
  report(error: unknown, context: Omit<ErrorContext, 'account'>, asked?: RouteListener): void;
  /** Takes it out of the core. */
  withdraw(subscription: BusSubscription): void;
  /** Gives its message to another member of its group; answers how many got it. */
  deliverToGroup(queue: string, content: Content, to: string): number;
}

export class BusSubscription implements Subscription {
  // What each delivery reads comes first: with 1,000 subscriptions a line of memory is a cache miss.
  /**
   * Its handler while a message need only be handed to that: it is open, and has no buffer, no timer that the
   * message ends, and no max.
   */
  handler: MessageHandler | undefined;
  readonly sid: number;
  /** Messages that it got alone: in no other count, of the core or of the bus. */
  alone = 0;
  readonly home: SubscriptionHome;
  /** Messages are still delivered to it. */
  isOpen = true;
  readonly closed: Promise<void | Error>;
  readonly subject: string;
  readonly queue: string | undefined;
  /** The record in the core; 0 until there is one. */
  handle: SubHandle = 0;
  /** Messages that it got without the core, and that the core has not been told of. */
  uncounted = 0;
  /** Messages that the core has counted, and that are still on their way to it. */
  underway = 0;
  /** Without wildcards. */
  readonly isLiteral: boolean;

  readonly #stats: Stats;
  // Calls the callback, if that is how it takes messages; undefined: there is a buffer.
  readonly #handler: MessageHandler | undefined;
  readonly #callback: MessageCallback | undefined;
  #buffer: MessageQueue<Message> | undefined;
  #max: number | undefined;
  #received = 0;
  #isDraining = false;
  #isClosed = false;
  #timer: Timer | undefined;
  #signal: AbortSignal | undefined;
  #slow: number | undefined;
  #isSlow = false;
  #resolveClosed!: (reason: void | Error) => void;

  /** Throws InvalidArgumentError for options that cannot be. */
  constructor(
    home: SubscriptionHome,
    sid: number,
    subject: string,
    handler: MessageHandler | undefined,
    options: SubscribeOptions<never>,
  ) {
    this.home = home;
    this.isLiteral = !/[*>]/.test(subject);
    this.sid = sid;
    this.subject = subject;
    this.queue = options.queue === '' ? undefined : options.queue;
    this.#stats = home.stats;
    const callback = options.callback as MessageCallback | undefined;
    if (handler !== undefined && callback !== undefined) {
      throw InvalidArgumentError.format('callback', 'is one too many: there is a handler');
    }
    this.#callback = callback;
    this.#handler =
      callback === undefined ? handler : (message) => callback.call(this, null, message);
    this.handler = this.#handler;
    this.#slow = options.slow;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    if (!this.#isPushed) {
      this.#buffer = new MessageQueue<Message>(options, {
        onOverflow: () => this.#tellSlow(options.overflow ?? 'error'),
        onFinished: (error) => this.#finish(error),
      });
    }
  }

  /** Begins to watch the clock and the signal; called once the core has its record. */
  start(options: SubscribeOptions<never>): void {
    if (options.max !== undefined && options.max > 0) this.#limit(options.max);
    const { timeout } = options;
    if (timeout !== undefined && timeout > 0) {
      this.handler = undefined;
      this.#timer = this.home.engine.clock.setTimeout(() => this.#expire(timeout), timeout);
    }
    const signal = options.signal;
    if (signal === undefined) return;
    if (signal.aborted) this.unsubscribe();
    else {
      this.#signal = signal;
      signal.addEventListener('abort', this.#onAbort, { once: true });
    }
  }

  /**
   * Hands a value to its `handler` alone, in a turn of its own; there must be none. The hottest path of the bus: it
   * is short, so that V8 inlines all of it. Only what ends the program, or its stack, is thrown.
   */
  deliverAlone(handler: MessageHandler, turn: Turn, subject: string, value: unknown): void {
    this.alone++;
    turn.beginDelivery();
    try {
      const view = new MessageView(this, subject, value, undefined, undefined, undefined);
      this.#hand(handler, view as unknown as Message);
      turn.endDelivery();
    } catch (error) {
      turn.level = 0;
      throw error;
    }
  }

  /** Hands a message that others get, too, to its `handler`. */
  deliverShared(handler: MessageHandler, content: Content): void {
    this.uncounted++;
    this.#stats.inMsgs++;
    this.#hand(handler, messageOf(content, this));
  }

  /** Counts a message that it gets without the core. */
  count(): void {
    this.uncounted++;
    if (this.#max !== undefined) this.#tellCount();
  }

  /** Hands it a message. Never throws: errors of the handler are reported. */
  deliver(content: Content): void {
    if (content.reply !== undefined && this.#isTallied(content)) return;
    this.receive(messageOf(content, this));
  }

  /** The same of a message that was made for it. */
  receive(message: Message): void {
    this.#stats.inMsgs++;
    if (this.#timer !== undefined) this.#cancelTimer();
    const handler = this.#handler;
    if (handler === undefined) {
      this.#keep(this.#buffer as MessageQueue<Message>, message);
      return;
    }
    this.#hand(handler, message);
  }

  #hand(handler: MessageHandler, message: Message): void {
    try {
      const result = handler(message);
      if (result !== undefined) this.watch(result, message);
    } catch (error) {
      this.report(error, message);
    }
  }

  /** A request for 'all' is delivered, and its tally told when the handler or the loop is through with it. */
  #isTallied(content: Content): boolean {
    const { tallies } = this.home.account;
    const tally = tallies.size === 0 ? undefined : tallies.get(content.reply as string);
    if (tally === undefined) return false;
    const message = messageOf(content, this);
    tally.expect(this.sid);
    // A loop that does not answer is through when it is left.
    if (this.#handler === undefined) this.receive(message);
    else this.#receiveTallied(this.#handler, message, () => tally.done(this.sid));
    return true;
  }

  #receiveTallied(handler: MessageHandler, message: Message, settle: () => void): void {
    this.#stats.inMsgs++;
    this.#cancelTimer();
    const fail = (error: unknown): void => {
      this.report(error, message);
      settle();
    };
    try {
      const result = handler(message);
      const then = thenOf(result);
      if (then === undefined) settle();
      else then.call(result, settle, fail);
    } catch (error) {
      fail(error);
    }
  }

  /** The core has closed it: it has had its max. */
  end(error?: Error): void {
    this.#close(error);
  }

  unsubscribe(max?: number): void {
    if (this.#isClosed || !this.isOpen) return;
    if (max !== undefined && max > 0) this.#limit(max);
    else this.#close(undefined);
  }

  drain(): Promise<void> {
    if (this.home.isClosed) return Promise.reject(new ClosedConnectionError());
    if (this.#isClosed) {
      return Promise.reject(new InvalidOperationError('subscription is already closed'));
    }
    this.#isDraining = true;
    this.#withdraw();
    return this.#settle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isClosed) await this.drain();
  }

  [Symbol.dispose](): void {
    this.unsubscribe();
  }

  [Symbol.asyncIterator](): AsyncIterator<Message> {
    if (this.#buffer === undefined) {
      throw new InvalidOperationError('iterator cannot be used when a callback is registered');
    }
    return this.#buffer[Symbol.asyncIterator]();
  }

  /** Hands it a message, or an error that ends it, from outside the bus. */
  get callback(): (error: Error | null, message: Msg) => void {
    return (error, message) => {
      if (error !== null) this.#close(error);
      else if (this.#buffer !== undefined) this.#keep(this.#buffer, message as Message);
      else this.#handler?.(message as Message);
    };
  }

  isDraining(): boolean {
    return this.#isDraining;
  }

  isClosed(): boolean {
    return this.#isClosed;
  }

  getSubject(): string {
    return this.subject;
  }

  getReceived(): number {
    if (!this.isOpen) return this.#received;
    return (
      this.home.engine.core.delivered(this.handle) + this.uncounted + this.alone - this.underway
    );
  }

  getProcessed(): number {
    return this.#buffer === undefined ? this.getReceived() : this.#buffer.processed;
  }

  getPending(): number {
    return this.#buffer?.pending ?? 0;
  }

  getDropped(): number {
    return this.#buffer?.dropped ?? 0;
  }

  getID(): number {
    return this.sid;
  }

  getMax(): number | undefined {
    return this.#max;
  }

  get #isPushed(): boolean {
    return this.#handler !== undefined;
  }

  readonly #onAbort = (): void => this.unsubscribe();

  /** It has got as many as it may. */
  get hasHadMax(): boolean {
    return this.#max !== undefined && this.getReceived() >= this.#max;
  }

  // The core may be done with it while some of its messages are still on their way: those it gets, up to its max.
  #limit(max: number): void {
    this.#max = max;
    this.handler = undefined;
    this.#tellCount();
    if (this.home.engine.core.setMax(this.handle, max) && this.hasHadMax) this.#close(undefined);
  }

  // With a max it is the core that counts.
  #tellCount(): void {
    this.#tellAlone();
    this.home.engine.core.countDeliveries(this.handle, this.uncounted);
    this.uncounted = 0;
  }

  #tellAlone(): void {
    this.#stats.inMsgs += this.alone;
    this.#stats.outMsgs += this.alone;
    this.uncounted += this.alone;
    this.alone = 0;
  }

  #keep(buffer: MessageQueue<Message>, message: Message): void {
    buffer.push(message);
    if (this.#slow === undefined) return;
    const isSlow = buffer.pending > this.#slow;
    if (isSlow && !this.#isSlow) this.#tellSlow('slow');
    this.#isSlow = isSlow;
  }

  #tellSlow(reason: string): void {
    const pending = this.#buffer?.pending ?? 0;
    this.home.status.tell({ type: 'slowConsumer', sub: this, pending });
    if (reason === 'error') this.#withdraw();
  }

  watch(result: unknown, message: Message): void {
    thenOf(result)?.call(result, undefined, (error: unknown) => this.report(error, message));
  }

  report(error: unknown, message: Message): void {
    const context = { subject: message.subject, sid: this.sid, message };
    this.home.report(error, context, contentOf(message)?.asked);
  }

  #expire(ms: number): void {
    this.#timer = undefined;
    const error = TimeoutError.of('message', this.subject, ms);
    this.#close(error);
    if (this.#callback === undefined) return;
    // As nats-core: a callback gets the error beside an empty message.
    const none = {} as Message;
    try {
      const result = this.#callback(error, none);
      if (result !== undefined) this.watch(result, none);
    } catch (thrown) {
      this.home.report(thrown, { subject: this.subject, sid: this.sid });
    }
  }

  #close(error: Error | undefined): void {
    if (this.#isClosed) return;
    this.#withdraw();
    if (this.#buffer !== undefined) this.#buffer.end(error);
    else this.#finish(error);
  }

  /** Nothing is delivered any more; a loop still gets what is buffered. */
  #withdraw(): void {
    if (!this.isOpen) return;
    this.#received = this.getReceived();
    this.#tellAlone();
    this.isOpen = false;
    this.#cancelTimer();
    this.handler = undefined;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.home.withdraw(this);
  }

  #finish(error: Error | undefined): void {
    if (this.#isClosed) return;
    this.#withdraw();
    this.#isClosed = true;
    for (const tally of this.home.account.tallies.values()) tally.done(this.sid);
    this.#resolveClosed(error);
  }

  async #settle(): Promise<void> {
    await this.#buffer?.whenEmpty();
    this.#close(undefined);
  }

  #cancelTimer(): void {
    if (this.#timer === undefined) return;
    this.#timer.cancel();
    this.#timer = undefined;
    if (this.#max === undefined) this.handler = this.#handler;
  }
}

type Then = (
  this: unknown,
  onDone: (() => void) | undefined,
  onError: (e: unknown) => void,
) => void;

function thenOf(result: unknown): Then | undefined {
  const then = (result as { then?: unknown } | null | undefined)?.then;
  return typeof then === 'function' ? (then as Then) : undefined;
}
