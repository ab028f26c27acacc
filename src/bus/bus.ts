// The bus: what a program holds. Its methods are those of @nats-io/nats-core's NatsConnection, and a few more;
// everything of weight is in the files beside. A publish outside of a handler has been delivered when it
// returns.

import { type Core, HandleMap } from '../core/index.ts';
import { type Clock, systemClock } from '../shared/clock.ts';
import { ClosedConnectionError, DrainingConnectionError } from '../shared/errors.ts';
import { DEFAULT_LIMITS } from '../shared/limits.ts';
import { nuid } from '../shared/nuid.ts';
import { ANNOUNCED_VERSION, PROTO } from '../shared/version.ts';
import { Account, type BusParts } from './account.ts';
import { jsonCodec } from './codec.ts';
import { DeliveryDrain } from './delivery.ts';
import { DRAIN_TIMEOUT_MS, drainAll } from './drain.ts';
import { BusInternals, openDoor } from './internals.ts';
import { BusPublisher } from './publisher.ts';
import { PickSource } from './random.ts';
import { Reporter } from './reporter.ts';
import { MuxInbox } from './request.ts';
import { StatusFeed } from './status.ts';
import { Turn } from './turn.ts';
import type {
  BusOptions,
  Message,
  MessageHandler,
  Msg,
  Publisher,
  PublishOptions,
  RequestManyOptions,
  RequestOptions,
  ServerInfo,
  Stats,
  Status,
  SubscribeOptions,
  Subscription,
} from './types.ts';

export class Bus {
  readonly #parts: BusParts;
  readonly #account: Account;
  readonly #mux: MuxInbox;
  readonly #internals: BusInternals;
  readonly #clock: Clock;
  readonly #drainTimeoutMs: number;
  readonly #closed: Promise<void | Error>;
  #resolveClosed!: (reason: void | Error) => void;
  #isDraining = false;

  constructor(core: Core, options: BusOptions) {
    const parts = partsOf(core, options);
    this.#parts = parts;
    this.#clock = parts.clock;
    this.#drainTimeoutMs = options.drainTimeoutMs ?? DRAIN_TIMEOUT_MS;
    this.#account = new Account('$G', parts);
    this.#mux = new MuxInbox(this.#account, parts.clock, options.inboxPrefix ?? '');
    this.#internals = new BusInternals(
      this.#account,
      new Account('$SYS', parts),
      infoOf(options.name, parts.maxPayload),
    );
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    openDoor(this, this.#internals);
  }

  /**
   * Delivers a value to everybody interested: the object itself in this process, its bytes to peers.
   * Inside a handler it is delivered after the message at hand has reached all its subscribers.
   * Wildcards in `subject` are tokens like any other, as in nats-server: `a.*` reaches `a.*` and `a.>`, not
   * `a.b`. Throws InvalidSubjectError and ClosedConnectionError; what handlers throw goes to `onError`.
   */
  publish(subject: string, payload?: unknown, options?: PublishOptions): void {
    this.#account.publish(subject, payload, options);
  }

  /**
   * A publisher of one subject: it remembers who is interested, so that a publish needs no lookup.
   * Keep it where a subject is published often; it needs no closing.
   * Throws InvalidSubjectError and ClosedConnectionError.
   */
  publisher<T = unknown>(subject: string): Publisher<T> {
    if (this.#parts.isClosed) throw new ClosedConnectionError();
    return new BusPublisher(this.#account, subject);
  }

  /** Publishes to the message's subject what the message holds. */
  publishMessage(message: Msg): void {
    this.publish(message.subject, payloadOf(message), optionsOf(message));
  }

  /** Publishes to the message's reply what the message holds; false when it has none. */
  respondMessage(message: Msg): boolean {
    if (!message.reply) return false;
    this.publish(message.reply, payloadOf(message), optionsOf(message));
    this.#account.answered(message.reply, message.sid);
    return true;
  }

  /**
   * Takes messages on a subject, which may have wildcards: by a handler, by `callback` as nats-core does, or,
   * with neither, by an async iterator with a bounded buffer.
   * Throws InvalidSubjectError, InvalidArgumentError, DrainingConnectionError, ClosedConnectionError.
   */
  subscribe<T = unknown>(
    subject: string,
    handler: MessageHandler<T>,
    options?: SubscribeOptions<T>,
  ): Subscription<T>;
  subscribe<T = unknown>(subject: string, options?: SubscribeOptions<T>): Subscription<T>;
  subscribe<T>(
    subject: string,
    first?: MessageHandler<T> | SubscribeOptions<T>,
    second?: SubscribeOptions<T>,
  ): Subscription<T> {
    this.#assertOpen();
    const handler = typeof first === 'function' ? (first as MessageHandler) : undefined;
    const options = (typeof first === 'function' ? second : first) ?? {};
    return this.#account.subscribe(subject, handler, options) as Subscription as Subscription<T>;
  }

  /**
   * Publishes and waits for the first answer, 1,000 ms unless told otherwise.
   * Rejects with TimeoutError, with the signal's reason, or with RequestError: at once when nobody is
   * interested (its cause is a NoRespondersError), and when the bus closes (a ClosedConnectionError).
   */
  async request<T = unknown>(
    subject: string,
    payload?: unknown,
    options: RequestOptions = {},
  ): Promise<Message<T>> {
    this.#assertOpen();
    return (await this.#mux.request(subject, payload, options)) as Message<T>;
  }

  /** Publishes and collects answers until the strategy says that it has them all. */
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
    if (this.#parts.isClosed) throw new ClosedConnectionError();
    const { turn } = this.#parts;
    if (turn.isActive) await new Promise<void>((resolve) => turn.atTurnEnd(resolve));
  }

  /** Milliseconds a flush takes. */
  async rtt(): Promise<number> {
    const start = this.#clock.monotonic();
    await this.flush();
    return this.#clock.monotonic() - start;
  }

  /**
   * Closes in order: no new subscriptions or requests, the present ones take no more messages, loops get what
   * is buffered for them (for at most `drainTimeoutMs`), and then the bus closes. Publishing works until then.
   * A loop that awaits this in its own body keeps what is buffered waiting, and so itself, until that time.
   */
  async drain(): Promise<void> {
    this.#assertOpen();
    this.#isDraining = true;
    // Answers to requests under way still come in.
    const all = [...this.#parts.subscriptions.values()];
    const subscriptions = all.filter((subscription) => subscription !== this.#mux.subscription);
    await drainAll(subscriptions, this.#clock, this.#drainTimeoutMs);
    await this.close();
  }

  /** Ends every subscription and request. Resolves when that is done. */
  async close(): Promise<void> {
    const parts = this.#parts;
    if (parts.isClosed) return;
    parts.isClosed = true;
    parts.turn.within(() => {
      this.#mux.close();
      for (const subscription of [...parts.subscriptions.values()]) subscription.unsubscribe();
    });
    parts.status.close();
    this.#resolveClosed(undefined);
  }

  /** As `close`. */
  [Symbol.dispose](): void {
    void this.close();
  }

  /** As `drain`. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#parts.isClosed) return;
    if (this.#isDraining) await this.#closed;
    else await this.drain();
  }

  /** Resolves when the bus has closed. Never rejects. */
  closed(): Promise<void | Error> {
    return this.#closed;
  }

  isClosed(): boolean {
    return this.#parts.isClosed;
  }

  isDraining(): boolean {
    return this.#isDraining;
  }

  /** What happens to the bus: errors, slow consumers, the end. */
  status(): AsyncIterable<Status> {
    return this.#parts.status.open();
  }

  /** Counts so far; asks every subscription. */
  stats(): Stats {
    const { stats, subscriptions } = this.#parts;
    const { inBytes, outBytes, inMsgs, outMsgs } = stats;
    const alone = subscriptions.values().reduce((sum, each) => sum + each.alone, 0);
    return { inBytes, outBytes, inMsgs: inMsgs + alone, outMsgs: outMsgs + alone };
  }

  /** `host:port` of the server that this bus is served by; empty while it is not. */
  getServer(): string {
    const { host, port } = this.#internals.server;
    return port === 0 ? '' : `${host}:${port}`;
  }

  get info(): ServerInfo {
    return this.#internals.server;
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
    if (this.#parts.isClosed) throw new ClosedConnectionError();
    if (this.#isDraining) throw new DrainingConnectionError();
  }
}

function partsOf(core: Core, options: BusOptions): BusParts {
  const turn = new Turn(core);
  const reporter = new Reporter(options.onError);
  const status = new StatusFeed();
  const parts: BusParts = {
    core,
    turn,
    reporter,
    status,
    clock: options.clock ?? systemClock,
    codec: options.codec ?? jsonCodec,
    picks: new PickSource(),
    stats: { inBytes: 0, outBytes: 0, inMsgs: 0, outMsgs: 0 },
    maxPayload: options.maxPayload ?? DEFAULT_LIMITS.maxPayload,
    subscriptions: new HandleMap(),
    closing: [],
    tallies: new Map(),
    sid: 0,
    isClosed: false,
  };
  const drain = new DeliveryDrain(core, turn, parts.subscriptions);
  reporter.onReport = (error) => status.tell({ type: 'error', error });
  turn.onRecords = (published, isResumed) => drain.drain(published, isResumed);
  turn.onFault = (error) => reporter.report(error, { subject: '', sid: 0 });
  turn.onForgotten = () => {
    for (const { handle } of parts.closing.splice(0)) parts.subscriptions.delete(handle);
  };
  return parts;
}

function infoOf(name: string | undefined, maxPayload: number): ServerInfo {
  const id = nuid();
  return {
    server_id: id,
    server_name: name ?? id,
    version: ANNOUNCED_VERSION,
    go: '',
    host: '',
    port: 0,
    headers: true,
    max_payload: maxPayload,
    proto: PROTO,
    client_id: 0,
  };
}

/** By reference when the message is one of ours. */
function payloadOf(message: Msg | Message): unknown {
  return 'value' in message && message.client === undefined ? message.value : message.data;
}

function optionsOf({ headers, reply }: Msg): PublishOptions {
  return { ...(headers !== undefined && { headers }), ...(reply !== undefined && { reply }) };
}
