// The bus: what a program holds. Its methods are those of @nats-io/nats-core's NatsConnection, and a few more;
// everything of weight is in the files beside it. A publish outside of a handler has been delivered when it
// returns.

import type { Clock } from '../shared/clock.ts';
import { ClosedConnectionError, DrainingConnectionError } from '../shared/errors.ts';
import { readSubscribe } from './arguments.ts';
import { DRAIN_TIMEOUT_MS, whenDone } from './drain.ts';
import { type Engine, GLOBAL_ACCOUNT } from './engine.ts';
import { keepInsides } from './insides.ts';
import { contentOf } from './message.ts';
import { answerMessage, republish } from './named-publish.ts';
import { firstOf } from './once.ts';
import type { ProgramSide } from './program-side.ts';
import { BusPublisher } from './publisher.ts';
import { answerOf, MuxInbox } from './request.ts';
import { responding, serviceErrorOf } from './responder.ts';
import { publishSettled } from './settled.ts';
import type {
  BusOptions,
  Message,
  MessageHandler,
  Msg,
  OnceOptions,
  Publisher,
  PublishOptions,
  PublishSettledOptions,
  RequestManyOptions,
  RequestOptions,
  Responder,
  ResponderOptions,
  ServerInfo,
  Stats,
  Status,
  SubscribeOptions,
  Subscription,
} from './types.ts';

export class Bus {
  readonly #engine: Engine;
  readonly #side: ProgramSide;
  readonly #mux: MuxInbox;
  readonly #options: BusOptions;
  /** The open buses of the engine, by account: whoever asks for one again gets the same. */
  readonly #family: Map<string, Bus>;
  readonly #clock: Clock;
  readonly #closed: Promise<void | Error>;
  #resolveClosed!: (reason: void | Error) => void;
  #isDraining = false;

  /** `family` is that of the bus which asks for another account. */
  constructor(
    engine: Engine,
    account: string,
    options: BusOptions,
    family: Map<string, Bus> = new Map(),
  ) {
    this.#engine = engine;
    this.#side = engine.open(account);
    this.#options = options;
    this.#family = family;
    this.#clock = engine.clock;
    this.#mux = new MuxInbox(this.#side, options.inboxPrefix ?? '');
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    family.set(account, this);
    const ask = async (to: string, payload: unknown, asked: RequestOptions = {}) => {
      this.#assertOpen();
      return answerOf(await this.#mux.request(to, payload, asked));
    };
    keepInsides(this, { engine, home: this.#side, ask });
  }

  /**
   * The bus of another account: subjects of its own, of which no other account sees anything. It is made when it is
   * asked for first, and is the same until it is closed. The bus that `createBus` made is that of `$G`, which clients
   * are in unless told otherwise; closing that one closes all.
   * Throws InvalidArgumentError, CapacityError, DrainingConnectionError and ClosedConnectionError.
   */
  account(name: string): Bus {
    this.#assertOpen();
    const known = this.#family.get(name);
    return known ?? new Bus(this.#engine, name, this.#options, this.#family);
  }

  /** The names of all accounts, in the order in which they came; `$G` and `$SYS` are always there. */
  accounts(): string[] {
    return this.#engine.accounts().map(({ name }) => name);
  }

  /**
   * Delivers a value to everybody interested: the object itself in this process, its bytes to peers.
   * Inside a handler it is delivered after the message at hand has reached all its subscribers.
   * Wildcards in `subject` are tokens like any other, as in nats-server: `a.*` reaches `a.*` and `a.>`, not
   * `a.b`. Throws InvalidSubjectError, ClosedConnectionError, and InvalidArgumentError for headers that are no block;
   * what handlers throw goes to `onError`.
   */
  publish(subject: string, payload?: unknown, options?: PublishOptions): void {
    this.#side.publish(subject, payload, options);
  }

  /**
   * As `publish`, and resolves when every handler in this process that got it has settled; rejects with an AggregateError
   * of what they threw or rejected with, which is not reported then. Peers are sent it and not waited for, loops are not
   * either. What waits for a handler (`concurrency`) is waited for, unless it is dropped or its subscription is ended.
   * Rejects as `publish` throws, with TimeoutError and with the signal's reason; errors of handlers are reported then.
   *
   * Inside a handler it waits for others alone: one that awaits it for its own subscription of `concurrency: 1` waits
   * for itself, so give it a `timeout`, by which that ends.
   */
  async publishSettled(
    subject: string,
    payload?: unknown,
    options: PublishSettledOptions = {},
  ): Promise<void> {
    const failure = await publishSettled(this.#side, subject, payload, options);
    if (failure !== undefined) throw failure();
  }

  /**
   * Whether somebody, here or at a peer, would get what is published on a subject now.
   * Throws InvalidSubjectError and ClosedConnectionError.
   */
  hasInterest(subject: string): boolean {
    return this.#side.hasInterest(subject);
  }

  /**
   * A publisher of one subject: it remembers who is interested, so that a publish needs no lookup.
   * Keep it where a subject is published often; it needs no closing.
   * Throws InvalidSubjectError and ClosedConnectionError.
   */
  publisher<T = unknown>(subject: string): Publisher<T> {
    if (this.#side.isClosed) throw new ClosedConnectionError();
    return new BusPublisher(this.#side, subject);
  }

  /** Publishes to the message's subject what the message holds. */
  publishMessage(message: Msg): void {
    republish(this.#side, message, payloadOf(message), optionsOf(message));
  }

  /** Publishes to the message's reply what the message holds; false when it has none, or the bus has closed. */
  respondMessage(message: Msg): boolean {
    if (!message.reply || this.#side.isClosed) return false;
    answerMessage(this.#side, message, payloadOf(message), optionsOf(message));
    this.#side.answered(message.reply, message.sid);
    return true;
  }

  /**
   * Takes messages on a subject, which may have wildcards: by a handler, by `callback` as nats-core does, or,
   * with neither, by an async iterator with a bounded buffer. What a handler returns is dropped, unless it is a promise,
   * which is watched for its rejection: to answer with it is for `responder`.
   * Throws InvalidSubjectError, InvalidArgumentError, DrainingConnectionError, ClosedConnectionError.
   */
  subscribe<T = unknown>(
    subject: string,
    handler: MessageHandler<T>,
    options?: SubscribeOptions<T>,
  ): Subscription<T>;
  subscribe<T = unknown>(subject: string, options?: SubscribeOptions<T>): Subscription<T>;
  subscribe<T>(subject: string, ...rest: readonly unknown[]): Subscription<T> {
    this.#assertOpen();
    const [handler, options] = readSubscribe(rest);
    return this.#side.subscribe(subject, handler, options) as Subscription as Subscription<T>;
  }

  /**
   * Resolves to the first message on a subject, which may have wildcards, or the first that `filter` lets pass. Whatever
   * comes of it, nothing is subscribed then. Rejects with TimeoutError, with the signal's reason, with what the filter
   * throws, with ClosedConnectionError when the bus drains or closes, and as `subscribe` throws.
   */
  async once<T = unknown>(subject: string, options: OnceOptions<T> = {}): Promise<Message<T>> {
    this.#assertOpen();
    return answerOf(await firstOf(this.#side, subject, options)) as Message<T>;
  }

  /**
   * Answers the requests on a subject, which may have wildcards: with what the function returns or resolves to, undefined
   * as well. What it throws or rejects with is the answer, too: an empty one with the headers `Nats-Service-Error`, the
   * message, and `Nats-Service-Error-Code`, the `serviceCode` of a ServiceError and else 500, as NATS's services say it.
   * `request` of a bus rejects by it with a ServiceError. Where nobody has asked, it is reported as any handler's error.
   * Throws as `subscribe`.
   */
  responder<T = unknown, R = unknown>(
    subject: string,
    handler: Responder<T, R>,
    options: ResponderOptions = {},
  ): Subscription<T, R> {
    this.#assertOpen();
    const [respond, checked] = readSubscribe([handler, options]);
    const answering = responding(this.#side, respond as Responder);
    return this.#side.subscribe(subject, answering, checked) as Subscription as Subscription<T, R>;
  }

  /**
   * Publishes and waits for the first answer, 1,000 ms unless told otherwise.
   * Rejects with TimeoutError, with the signal's reason, with the ServiceError that a responder has answered, or with
   * RequestError: at once when nobody is interested (its
   * cause is a NoRespondersError), when all who got it are handlers in this process and have failed (their error, or
   * an AggregateError of them), and when the bus closes (a ClosedConnectionError).
   */
  async request<T = unknown>(
    subject: string,
    payload?: unknown,
    options: RequestOptions = {},
  ): Promise<Message<T>> {
    this.#assertOpen();
    const answer = answerOf(await this.#mux.request(subject, payload, options));
    const error = serviceErrorOf(answer);
    if (error !== undefined) throw error;
    return answer as Message<T>;
  }

  /**
   * Publishes and collects answers until the strategy says that it has them all; what a responder has thrown is among
   * them, as the message that it is.
   */
  async requestMany<T = unknown>(
    subject: string,
    payload?: unknown,
    options: RequestManyOptions = {},
  ): Promise<AsyncIterable<Message<T>>> {
    this.#assertOpen();
    return this.#mux.requestMany(subject, payload, options) as AsyncIterable<Message<T>>;
  }

  /** Resolves when everything published so far has been delivered. */
  async flush(): Promise<void> {
    if (this.#side.isClosed) throw new ClosedConnectionError();
    const { turn } = this.#engine;
    if (turn.isActive) await new Promise<void>((resolve) => turn.atTurnEnd(resolve));
  }

  /** Milliseconds a flush takes. */
  async rtt(): Promise<number> {
    const start = this.#clock.monotonic();
    await this.flush();
    return this.#clock.monotonic() - start;
  }

  /**
   * Closes in order: no new subscriptions or requests; what has been published is delivered, and the present
   * subscriptions take no more; handlers that have returned a promise are waited for, and loops until they have had what
   * is buffered and are through with the last message, for at most `drainTimeoutMs`; then the bus closes, and with `$G`
   * the other accounts' as well. Publishing works until then. Whoever is left behind is told by `status()`, each as a
   * `slowConsumer`. A loop or handler that awaits this in its own body is waited for until that time.
   */
  async drain(): Promise<void> {
    this.#assertOpen();
    const ending = this.#ending();
    for (const bus of ending) bus.#isDraining = true;
    const { drainTimeoutMs = DRAIN_TIMEOUT_MS } = this.#options;
    const done = this.#engine.turn
      .afterWaiting(() => {
        for (const bus of ending) bus.#withdraw();
      })
      .then(() => Promise.all(ending.map((bus) => bus.#side.underWay.whenEmpty())));
    await whenDone([done, this.#closed], this.#clock, drainTimeoutMs);
    for (const bus of ending) bus.#tellLeft();
    await this.close();
  }

  /** Answers to requests under way still come in. */
  #withdraw(): void {
    for (const each of [...this.#side.subscriptions]) {
      if (!each.isInbox) this.#side.attempt(each, () => each.drainNow());
    }
  }

  /** Tells whom a drain leaves behind. */
  #tellLeft(): void {
    for (const sub of this.#side.underWay.all()) {
      this.#side.tell({ type: 'slowConsumer', sub, pending: sub.workCount });
    }
  }

  /**
   * Ends every subscription and request of this account's bus; `$G` ends those of all accounts. Resolves when that is
   * done, and what was enabled on it has ended. What the core holds of another account than `$G` is given back once no peer is in it.
   */
  async close(): Promise<void> {
    const engine = this.#engine;
    const ending = this.#ending();
    const isWhole = this.#side.account.name === GLOBAL_ACCOUNT;
    if (isWhole) engine.isClosed = true;
    engine.turn.within(() => {
      for (const bus of ending) bus.#end();
      if (isWhole) engine.close();
    });
    for (const bus of ending) bus.#resolveClosed(undefined);
    if (engine.leaving.size > 0) await Promise.all(engine.leaving);
  }

  /** Whoever ends with this bus, and itself. */
  #ending(): Bus[] {
    return this.#side.account.name === GLOBAL_ACCOUNT ? [...this.#family.values()] : [this];
  }

  #end(): void {
    if (this.#side.isClosed) return;
    this.#family.delete(this.#side.account.name);
    this.#mux.close();
    this.#side.close();
  }

  /** As `close`. */
  [Symbol.dispose](): void {
    void this.close();
  }

  /** As `drain`. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#side.isClosed) return;
    if (this.#isDraining) await this.#closed;
    else await this.drain();
  }

  /** Resolves when the bus has closed. Never rejects. */
  closed(): Promise<void | Error> {
    return this.#closed;
  }

  isClosed(): boolean {
    return this.#side.isClosed;
  }

  isDraining(): boolean {
    return this.#isDraining;
  }

  /** What happens to the bus: errors, slow consumers, the end. */
  status(): AsyncIterable<Status> {
    return this.#side.status.open();
  }

  /** Counts so far; asks every subscription. */
  stats(): Stats {
    const { stats, subscriptions } = this.#side;
    const { inBytes, outBytes, inMsgs, outMsgs } = stats;
    let alone = 0;
    for (const subscription of subscriptions) alone += subscription.alone;
    return { inBytes, outBytes, inMsgs: inMsgs + alone, outMsgs: outMsgs + alone };
  }

  /** `host:port` of the server that this bus is served by; empty while it is not. */
  getServer(): string {
    const { host, port } = this.#engine.server;
    return port === 0 ? '' : `${host}:${port}`;
  }

  get info(): ServerInfo {
    return this.#engine.server;
  }

  /** Nothing to do in a process: resolves. */
  async reconnect(): Promise<void> {
    this.#assertOpen();
  }

  /** Nothing to do in a process, which has no servers to go to: the list is not looked at. */
  setServers(_servers: string[]): void {}

  /** There are none. */
  getServers(): readonly never[] {
    return [];
  }

  /** This bus, for subjects that a map of types does not have and for those who take a Bus. */
  get untyped(): Bus {
    return this;
  }

  #assertOpen(): void {
    if (this.#side.isClosed) throw new ClosedConnectionError();
    if (this.#isDraining) throw new DrainingConnectionError();
  }
}

/** By reference when the message is one of ours; a peer's bytes as they came, whatever the codec would say. */
function payloadOf(message: Msg | Message): unknown {
  // A copy that somebody has made of one has no content, but what stands there.
  const isBytes =
    contentOf(message)?.isIncoming ??
    (!('value' in message) || message.client !== undefined || Object.hasOwn(message, 'data'));
  return isBytes ? message.data : (message as Message).value;
}

function optionsOf({ headers, reply }: Msg): PublishOptions {
  return { ...(headers !== undefined && { headers }), ...(reply !== undefined && { reply }) };
}
