// A connection of a program that was written for a NATS server: what nats-core's NatsConnection has, on a bus of
// this process. It holds a program to what a server would: payloads are strings or bytes within max_payload, and
// bytes are taken as they are at the moment of publishing. It has subscriptions and an inbox of its own, so that
// several can share a bus and close one by one.

import {
  ClosedConnectionError,
  DrainingConnectionError,
  InvalidArgumentError,
} from '../shared/errors.ts';
import { checkObject, checkOptions } from './arguments.ts';
import type { Bus } from './bus.ts';
import { DRAIN_TIMEOUT_MS, whenDone } from './drain.ts';
import { checkHeaders, sentHeaders } from './headers.ts';
import { insidesOf } from './insides.ts';
import { answerMessage, republish } from './named-publish.ts';
import type { ProgramSide } from './program-side.ts';
import { answerOf, MuxInbox } from './request.ts';
import { StatusFeed } from './status.ts';
import type { BusSubscription } from './subscription.ts';
import type {
  Message,
  Msg,
  PublishOptions,
  RequestManyOptions,
  RequestOptions,
  ServerInfo,
  Stats,
  Status,
  SubscribeOptions,
  Subscription,
} from './types.ts';

/** What a server would take: bytes, or a string, which is sent as UTF-8. */
export type Payload = Uint8Array | string;

const encoder = new TextEncoder();

export class Connection {
  readonly #bus: Bus;
  readonly #side: ProgramSide;
  readonly #mux: MuxInbox;
  readonly #status: StatusFeed;
  readonly #subscriptions = new Set<BusSubscription>();
  readonly #onClose: () => Promise<void>;
  readonly #closed: Promise<void | Error>;
  #resolveClosed!: () => void;
  #isDraining = false;
  #isClosed = false;

  /** `onClose` is called once, when all of the connection has ended. */
  constructor(bus: Bus, inboxPrefix: string, onClose: () => Promise<void>) {
    const { home } = insidesOf(bus);
    this.#bus = bus;
    this.#side = home;
    this.#mux = new MuxInbox(home, inboxPrefix, this);
    this.#status = new StatusFeed(home.status, () => void this.close());
    this.#onClose = onClose;
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  /**
   * Delivers a copy of the payload, and of the headers, to everybody interested; the caller's may be changed at
   * once. Throws TypeError for what is neither a string nor bytes, InvalidArgumentError above max_payload (bytes),
   * InvalidSubjectError and ClosedConnectionError.
   */
  publish(subject: string, payload?: Payload, options?: PublishOptions): void {
    if (this.isClosed()) throw new ClosedConnectionError();
    this.#side.publish(subject, this.#payload(payload), options && checked(options));
  }

  /** Publishes to the message's subject what the message holds. Throws as `publish`. */
  publishMessage(message: Msg): void {
    if (this.isClosed()) throw new ClosedConnectionError();
    republish(this.#side, message, this.#payload(message.data), checked(optionsOf(message)));
  }

  /**
   * Publishes to the message's reply what the message holds; false when it has none, or the connection has closed. Throws
   * as `publish`.
   */
  respondMessage(message: Msg): boolean {
    if (!message.reply || this.isClosed()) return false;
    answerMessage(this.#side, message, this.#payload(message.data), checked(optionsOf(message)));
    this.#side.answered(message.reply, message.sid);
    return true;
  }

  /**
   * As `bus.subscribe`, by `callback` or iterator; ends with the connection. Throws InvalidSubjectError,
   * InvalidArgumentError for an option, CapacityError, DrainingConnectionError and ClosedConnectionError.
   */
  subscribe(
    subject: string,
    options: SubscribeOptions = {},
    ...more: readonly never[]
  ): Subscription {
    this.#assertOpen();
    if (more[0] !== undefined)
      throw InvalidArgumentError.format('handler', 'is for options.callback');
    const checked = checkOptions(options);
    const subscription = this.#side.subscribe(subject, undefined, checked);
    subscription.owner = this;
    this.#subscriptions.add(subscription);
    void subscription.closed.then(() => this.#subscriptions.delete(subscription));
    return subscription;
  }

  /**
   * As `bus.request`: the first answer, within `timeout` milliseconds (1,000 unless given). Rejects with
   * TimeoutError, the signal's reason, or RequestError, whose cause is NoRespondersError when nobody is interested, and
   * what they threw when all handlers have failed; for its arguments as `publish` throws, and with DrainingConnectionError.
   */
  async request(
    subject: string,
    payload?: Payload,
    options: RequestOptions = {},
  ): Promise<Message> {
    this.#assertOpen();
    checkObject(options);
    return answerOf(await this.#mux.request(subject, this.#payload(payload), checked(options)));
  }

  /**
   * As `bus.requestMany`: answers until `maxWait` milliseconds (1,000 unless given) or the strategy's end. Rejects for
   * its arguments as `request`; the loop throws RequestError, when nobody is interested, all handlers have failed or
   * the connection closes, or the signal's reason.
   */
  async requestMany(
    subject: string,
    payload?: Payload,
    options: RequestManyOptions = {},
  ): Promise<AsyncIterable<Message>> {
    this.#assertOpen();
    checkObject(options);
    return this.#mux.requestMany(subject, this.#payload(payload), checked(options));
  }

  /** Resolves when everything published so far has been delivered. Rejects with ClosedConnectionError. */
  async flush(): Promise<void> {
    if (this.isClosed()) throw new ClosedConnectionError();
    await this.#bus.flush();
  }

  /** Milliseconds that a flush takes. Rejects with ClosedConnectionError. */
  async rtt(): Promise<number> {
    if (this.isClosed()) throw new ClosedConnectionError();
    return this.#bus.rtt();
  }

  /**
   * Closes when what has been published so far has been handed over, for at most 30 s where it waits for the turn of a
   * callback (`concurrency`); loops get what is buffered for them afterwards.
   * Rejects with DrainingConnectionError or ClosedConnectionError.
   */
  async drain(): Promise<void> {
    this.#assertOpen();
    this.#isDraining = true;
    const { turn, clock } = this.#side.engine;
    const all = [...this.#subscriptions];
    await turn.afterWaiting(() => {
      for (const each of all) this.#side.attempt(each, () => each.drainNow());
    });
    const called = all.filter((each) => !each.isLoop && !each.isClosed());
    if (called.length > 0) {
      const done = Promise.all(called.map(({ closed }) => closed));
      await whenDone([done, this.#closed], clock, DRAIN_TIMEOUT_MS);
    }
    await this.close();
  }

  /**
   * Ends subscriptions and requests under way, these with RequestError; loops get what is buffered for them. The
   * bus that all connections share ends with the last of them. Never rejects.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#mux.close();
    const inbox = this.#mux.subscription;
    for (const each of [...this.#subscriptions, ...(inbox === undefined ? [] : [inbox])]) {
      this.#side.attempt(each, () => each.unsubscribe());
    }
    this.#status.close();
    await this.#onClose();
    this.#resolveClosed();
  }

  /** As `close`. */
  [Symbol.dispose](): void {
    void this.close();
  }

  /** As `drain`. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isClosed()) return;
    if (this.#isDraining) await this.#closed;
    else await this.drain();
  }

  /** Resolves when the connection has closed. Never rejects. */
  closed(): Promise<void | Error> {
    return this.#closed;
  }

  /** The connection or its bus has been closed. */
  isClosed(): boolean {
    return this.#isClosed || this.#bus.isClosed();
  }

  /** From `drain` on, and still when it is over. */
  isDraining(): boolean {
    return this.#isDraining;
  }

  /** What happens to the connection and its bus, from now on; the loop ends with the connection. */
  status(): AsyncIterable<Status> {
    return this.#status.open();
  }

  /** Messages and bytes of the bus, with all its connections. */
  stats(): Stats {
    return this.#bus.stats();
  }

  /** `host:port` where the bus is served; empty while it is not. */
  getServer(): string {
    return this.#bus.getServer();
  }

  /** What the bus says of itself; once it has closed undefined, which nats-core's interface says by absence. */
  get info(): ServerInfo {
    return (this.isClosed() ? undefined : this.#bus.info) as ServerInfo;
  }

  /**
   * Nothing to do: there is no link that could be made anew. Rejects with DrainingConnectionError or
   * ClosedConnectionError.
   */
  async reconnect(): Promise<void> {
    this.#assertOpen();
  }

  /** Nothing to do: the list is not looked at. */
  setServers(_servers: string[]): void {}

  /** There are none. */
  getServers(): readonly never[] {
    return [];
  }

  #assertOpen(): void {
    if (this.isClosed()) throw new ClosedConnectionError();
    if (this.#isDraining) throw new DrainingConnectionError();
  }

  #payload(payload: unknown = ''): Payload {
    const { maxPayload } = this.#side.engine;
    if (typeof payload === 'string') {
      // A UTF-16 unit has at most three bytes of UTF-8.
      const isLong = payload.length * 3 > maxPayload;
      if (isLong) checkSize(encoder.encode(payload).length, maxPayload);
      return payload;
    }
    if (Object.prototype.toString.call(payload) !== '[object Uint8Array]') {
      throw new TypeError('payload types can be strings or Uint8Array');
    }
    const bytes = payload as Uint8Array;
    checkSize(bytes.length, maxPayload);
    return new Uint8Array(bytes);
  }
}

function checkSize(bytes: number, maxPayload: number): void {
  if (bytes > maxPayload) throw InvalidArgumentError.format('payload', 'max_payload size exceeded');
}

/** With headers that a server would take, as they are now. */
function checked<Options extends PublishOptions>(options: Options): Options {
  if (options.headers === undefined) return options;
  const headers = sentHeaders(options.headers);
  checkHeaders(headers);
  return { ...options, headers };
}

function optionsOf({ headers, reply }: Msg): PublishOptions {
  return { ...(headers !== undefined && { headers }), ...(reply !== undefined && { reply }) };
}
