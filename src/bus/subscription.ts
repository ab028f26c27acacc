// One expression of interest of the program. It is a handler, which may have a limit of calls at once, a callback as
// nats-core has it, or an async iterator with a bounded buffer. The core counts its deliveries; here is its life: open, draining, closed.

import type { SubHandle } from '../core/index.ts';
import type { Timer } from '../shared/clock.ts';
import {
  ClosedConnectionError,
  InvalidArgumentError,
  InvalidOperationError,
  TimeoutError,
} from '../shared/errors.ts';
import { checkMax } from './arguments.ts';
import { HandlerLimit } from './handler-limit.ts';
import { type Content, MessageView, messageOf } from './message.ts';
import { MessageQueue } from './message-queue.ts';
import type { Abortable } from './signals.ts';
import type { SubscriptionHome } from './subscription-home.ts';
import type { Turn } from './turn.ts';
import type {
  Message,
  MessageCallback,
  MessageHandler,
  Msg,
  Stats,
  SubscribeOptions,
  Subscription,
} from './types.ts';
import { noteWork, watchResult } from './under-way.ts';

export class BusSubscription implements Subscription, Abortable {
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
  /** Whose it is beside its home's: with that, too, it has nothing to answer any more. */
  owner: { isClosed(): boolean } | undefined;
  /** For answers to requests: a drain of the bus lets them come. */
  isInbox = false;
  /** Promises of its handler that have not settled. */
  calls = 0;
  readonly #stats: Stats;
  // Undefined: there is a buffer.
  readonly #handler: MessageHandler | undefined;
  readonly #callback: MessageCallback | undefined;
  #buffer: MessageQueue<Message> | undefined;
  /** Of calls at once. */
  #callLimit: HandlerLimit | undefined;
  #max: number | undefined;
  #received = 0;
  #isDraining = false;
  #isClosed = false;
  #timer: Timer | undefined;
  #signal: AbortSignal | undefined;
  #slow: number | undefined;
  #isSlow = false;
  /** The first error that it was closed with. */
  #error: Error | undefined;
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
    const called =
      callback === undefined ? handler : (message: Message) => callback.call(this, null, message);
    this.#handler = options.concurrency === undefined ? called : this.#limited(called, options);
    this.handler = this.#handler;
    this.#slow = options.slow;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    if (this.#handler === undefined) {
      this.#buffer = new MessageQueue<Message>(options, {
        onOverflow: () => this.#tellSlow(options.overflow ?? 'error'),
        onFinished: (error) => this.#finish(error),
        onRest: () => noteWork(this),
      });
    }
  }

  /** The handler, that is called as often at once as the options say. */
  #limited(handler: MessageHandler | undefined, options: SubscribeOptions<never>): MessageHandler {
    const { concurrency = 1, overflow = 'error' } = options;
    if (handler === undefined) {
      throw InvalidArgumentError.format('concurrency', 'is for a handler or callback');
    }
    this.#callLimit = new HandlerLimit(handler, concurrency, options, {
      onWait: () => this.#tellIfSlow(),
      onOverflow: () => this.#tellSlow(overflow),
      onFull: (error) => {
        // There is no loop that could throw it.
        this.home.report(error, { subject: this.subject, sid: this.sid });
        this.#close(error);
      },
    });
    return this.#callLimit.handler;
  }

  /** Begins to watch the clock and the signal; called once the core has its record. */
  start(options: SubscribeOptions<never>): void {
    const { max, timeout, signal } = options;
    if (max !== undefined && max > 0) this.#limit(max);
    if (timeout !== undefined && timeout > 0) {
      this.handler = undefined;
      this.#timer = this.home.engine.clock.setTimeout(() => this.#expire(timeout), timeout);
    }
    if (signal === undefined) return;
    if (signal.aborted) this.unsubscribe();
    else {
      this.#signal = signal;
      this.home.engine.signals.add(signal, this);
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
      this.#hand(handler, new MessageView(this, subject, value) as unknown as Message);
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
      if (result !== undefined) watchResult(this, result, message);
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
    try {
      const result = handler(message);
      if (!watchResult(this, result, message, settle)) settle();
    } catch (error) {
      this.report(error, message);
      settle();
    }
  }

  unsubscribe(max?: number): void {
    if (max !== undefined) checkMax(max);
    const isNow = max === undefined || max === 0;
    if (isNow) this.#callLimit?.cancel();
    if (this.#isClosed || !this.isOpen) {
      if (isNow && this.#callLimit !== undefined) this.#finish(this.#error);
    } else if (isNow) this.#close(undefined, true);
    else this.#limit(max);
  }

  drain(): Promise<void> {
    if (this.home.isClosed) return Promise.reject(new ClosedConnectionError());
    if (this.#isClosed) {
      return Promise.reject(new InvalidOperationError('subscription is already closed'));
    }
    this.#isDraining = true;
    return this.home.engine.turn.afterWaiting(() => this.drainNow());
  }

  /** It takes nothing more from now on. */
  drainNow(): void {
    this.#isDraining = true;
    this.#close(undefined);
  }

  abort(): void {
    this.unsubscribe();
  }

  /** Ends it after what is buffered, with an error if one is given; an iterator of nats-core has this name for it. */
  stop(error?: Error): void {
    this.#close(error);
  }

  get iterClosed(): Promise<void | Error> {
    return this.closed;
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
      else if (this.isOpen) {
        const result = this.#handler?.(message as Message);
        if (result !== undefined) watchResult(this, result, message as Message);
      }
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
    return (this.#buffer ?? this.#callLimit)?.processed ?? this.getReceived();
  }

  getPending(): number {
    return (this.#buffer ?? this.#callLimit)?.pending ?? 0;
  }

  getDropped(): number {
    return (this.#buffer ?? this.#callLimit)?.dropped ?? 0;
  }

  getID(): number {
    return this.sid;
  }

  getMax(): number | undefined {
    return this.#max;
  }

  get isLoop(): boolean {
    return this.#buffer !== undefined;
  }

  /** Messages that it is at work with, and those that its loop will take. */
  get workCount(): number {
    const buffer = this.#buffer;
    return buffer?.isUnderWay === true ? Math.max(1, buffer.pending) : this.calls;
  }

  /** It can still answer what it was sent. */
  get canAnswer(): boolean {
    return !this.home.isClosed && this.owner?.isClosed() !== true;
  }

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
    this.#tellIfSlow();
  }

  #tellIfSlow(): void {
    if (this.#slow === undefined) return;
    const isSlow = this.getPending() > this.#slow;
    if (isSlow && !this.#isSlow) this.#tellSlow('slow');
    this.#isSlow = isSlow;
  }

  #tellSlow(reason: string): void {
    const pending = this.getPending();
    this.home.status.tell({ type: 'slowConsumer', sub: this, pending });
    if (reason === 'error') this.#withdraw();
  }

  report(error: unknown, message: Message): void {
    this.home.report(error, { subject: message.subject, sid: this.sid, message });
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
      if (result !== undefined) watchResult(this, result, none);
    } catch (thrown) {
      this.home.report(thrown, { subject: this.subject, sid: this.sid });
    }
  }

  /** @param isNow what waits for the handler is not waited for */
  #close(error: Error | undefined, isNow = false): void {
    if (this.#isClosed) return;
    this.#error ??= error;
    try {
      this.#withdraw();
    } finally {
      if (this.#buffer !== undefined) this.#buffer.end(error);
      else if (this.#callLimit === undefined || isNow) this.#finish(error);
      else this.#callLimit.whenIdle(() => this.#finish(error));
    }
  }

  /** Nothing is delivered any more; a loop still gets what is buffered. */
  #withdraw(): void {
    if (!this.isOpen) return;
    this.#received = this.getReceived();
    this.#tellAlone();
    this.isOpen = false;
    this.handler = undefined;
    this.home.withdraw(this);
    noteWork(this);
    if (this.#signal !== undefined) this.home.engine.signals.delete(this.#signal, this);
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #finish(error: Error | undefined): void {
    if (this.#isClosed) return;
    this.#withdraw();
    this.#isClosed = true;
    this.#resolveClosed(error);
  }

  #cancelTimer(): void {
    if (this.#timer === undefined) return;
    this.#timer.cancel();
    this.#timer = undefined;
    if (this.#max === undefined) this.handler = this.#handler;
  }
}
