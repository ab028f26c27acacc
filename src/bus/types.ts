// The public shapes of the bus. Names and members are those of @nats-io/nats-core 3.4, so that a Bus is
// assignable to its NatsConnection; what it does not have (value, client, overflow, signal) is added beside.

import type { Clock } from '../shared/clock.ts';

/** How a header's name is compared. */
export const Match = {
  Exact: 'exact',
  CanonicalMIME: 'canonical',
  IgnoreCase: 'insensitive',
} as const;
export type Match = (typeof Match)[keyof typeof Match];

/** What every header block can do, whoever made it (nats-core's own included). */
export interface MsgHdrs extends Iterable<[string, string[]]> {
  hasError: boolean;
  status: string;
  code: number;
  description: string;
  get(k: string, match?: Match): string;
  set(k: string, v: string, match?: Match): void;
  append(k: string, v: string, match?: Match): void;
  has(k: string, match?: Match): boolean;
  keys(): string[];
  values(k: string, match?: Match): string[];
  delete(k: string, match?: Match): void;
  last(k: string, match?: Match): string;
}

/** Turns values into bytes and back. Strings and bytes, of whatever kind, never pass through it on the way out. */
export interface Codec {
  encode(value: unknown): Uint8Array;
  decode(data: Uint8Array): unknown;
}

// biome-ignore lint/suspicious/noExplicitAny: what JSON.parse hands to a reviver
export type ReviverFn = (key: string, value: any) => any;

/** Taken as nats-core has them, and without effect: a message in this process has no way to trace. */
export interface TraceOptions {
  readonly traceDestination?: string;
  readonly traceOnly?: boolean;
}

export interface PublishOptions extends TraceOptions {
  /** Subject to answer to. */
  readonly reply?: string;
  /** A block made by `headers()`, `MessageHeaders` or nats-core. What is sent is what it holds now. */
  readonly headers?: MsgHdrs;
}

/** Publishes to one subject, in the order and with the guarantees of `bus.publish`. */
export interface Publisher<T = unknown> {
  readonly subject: string;
  /** As `bus.publish(subject, payload, options)`. Throws ClosedConnectionError. */
  publish(payload?: T, options?: PublishOptions): void;
  /** It publishes no more: `publish` throws InvalidOperationError. */
  [Symbol.dispose](): void;
}

/** A message as nats-core describes it. */
export interface Msg {
  subject: string;
  sid: number;
  reply?: string;
  data: Uint8Array;
  headers?: MsgHdrs;
  respond(payload?: unknown, options?: PublishOptions): boolean;
  json<T>(reviver?: ReviverFn): T;
  string(): string;
}

/** Who published a message: a peer's session, as it was when the message came. */
export interface MessageClient {
  /** Number of the connection. */
  readonly cid: number;
  /** CLIENT, LEAF … */
  readonly kind: string;
  /** How a client has come: `nats` or `websocket`. */
  readonly type?: string;
  readonly account: string;
  /** When it connected: milliseconds since 1970. */
  readonly start?: number;
  /** Its round trip in milliseconds, once that has been measured. */
  readonly rttMs?: number;
  /** Name of the server that it is connected to. */
  readonly server?: string;
  readonly name?: string;
  readonly user?: string;
  readonly lang?: string;
  readonly version?: string;
  readonly address?: string;
  readonly port?: number;
  /** The peer understands header blocks. */
  readonly hasHeaders: boolean;
  /** The peer wants status 503 when nobody is interested. */
  readonly wantsNoResponders: boolean;
}

/** One message for one subscription; `T` is the type of its value, `R` that of an answer. */
export interface Message<T = unknown, R = unknown> extends Msg {
  readonly subject: string;
  readonly sid: number;
  readonly reply?: string;
  /**
   * The payload's bytes; encoded once, on first use, when the message was published in this process. What a peer sent has
   * them, and those of its headers, as own properties in place of `value` and `headers`, of which nothing is made before
   * they are asked for: assertions compare it by them, and a clone has them (with the 64 KiB that small ones lie in: who
   * transfers the buffer to another thread takes a copy before).
   */
  readonly data: Uint8Array;
  /** What was sent; of this subscription alone, to keep and to change. */
  readonly headers?: MsgHdrs;
  /**
   * The published object itself; from a peer, what the codec makes of `data`.
   * Throws InvalidPayloadError when the codec refuses a peer's bytes.
   */
  readonly value: T;
  /** The peer that published it; undefined when this process did. */
  readonly client: MessageClient | undefined;
  /** Publishes to `reply`; false when there is none, or the bus or connection has closed. */
  respond(payload?: R, options?: PublishOptions): boolean;
}

/** What it returns is no answer; a promise is watched for its rejection, and by whoever waits for handlers. */
export type MessageHandler<T = unknown, R = unknown> = (message: Message<T, R>) => unknown;
/** What it returns or resolves to is the answer. */
export type Responder<T = unknown, R = unknown> = (
  value: T,
  message: Message<T, R>,
) => R | PromiseLike<R>;
export type MessageCallback<T = unknown, R = unknown> = (
  error: Error | null,
  message: Message<T, R>,
) => unknown;

/** What an iterator does with a message when its buffer is full. */
export type OverflowPolicy = 'drop-oldest' | 'drop-newest' | 'error';

export interface BufferOptions {
  /** Messages that an iterator keeps for its loop, or that wait for a handler's turn; default 65,536. */
  readonly bufferMax?: number;
  /**
   * Bytes of peers' messages that it keeps, subjects included; default 64 MiB. What the program has published is
   * kept by reference, and counts 0.
   */
  readonly bufferMaxBytes?: number;
  /**
   * What happens beyond `bufferMax` or `bufferMaxBytes`. Default 'error': the subscription ends, and the loop gets
   * what is buffered and then a CapacityError (of a handler it goes to `onError`), because a loss that nobody chose must
   * not go unseen. The other two go on, count what they drop (`getDropped`) and tell `status()` once per overflow.
   */
  readonly overflow?: OverflowPolicy;
}

export interface SubscribeOptions<T = unknown, R = unknown> extends BufferOptions {
  /** Member of this queue group: each message goes to one member only. */
  readonly queue?: string;
  /** Ends after so many messages. */
  readonly max?: number;
  /** Milliseconds within which the first message has to come, else TimeoutError. */
  readonly timeout?: number;
  /** Takes the messages as nats-core does; without it and a handler the subscription is an iterator. */
  readonly callback?: MessageCallback<T, R>;
  /**
   * So many calls of the handler or callback at once: the next message waits, in order, until a promise that one of them
   * has returned settles. What waits is bounded by the options of the buffer.
   */
  readonly concurrency?: number;
  /** Waiting messages above which `status()` tells a slow consumer; without a buffer none wait. */
  readonly slow?: number;
  /** Unsubscribes when aborted. */
  readonly signal?: AbortSignal;
}

export interface OnceOptions<T = unknown, R = unknown> {
  /** Milliseconds within which a message that fits has to come, else TimeoutError; default: no limit. */
  readonly timeout?: number;
  /** Rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Whether it is that message; default: any is. Called for each until one is. */
  readonly filter?: (message: Message<T, R>) => boolean;
}

export interface PublishSettledOptions extends PublishOptions {
  /** Milliseconds within which all handlers have to settle, else TimeoutError; default: no limit. */
  readonly timeout?: number;
  /** Rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Of a responder: those of `subscribe`, without what is for callbacks. */
export type ResponderOptions = Omit<SubscribeOptions, 'callback' | 'timeout'>;

export interface Subscription<T = unknown, R = unknown> extends AsyncIterable<Message<T, R>> {
  /**
   * Resolves at the end; to an error when that was the reason. Never rejects. The end comes behind what is buffered for a
   * loop, and, with `concurrency`, when all calls of what was taken have settled; `unsubscribe` waits for none of them.
   */
  readonly closed: Promise<void | Error>;
  /** Ends it now: what waits for its handler is dropped. Or after `max` messages since its beginning. */
  unsubscribe(max?: number): void;
  /**
   * Takes no more messages; resolves when what was published before has arrived. A loop still gets what is buffered, a
   * handler what waits for it.
   */
  drain(): Promise<void>;
  isDraining(): boolean;
  isClosed(): boolean;
  callback: (error: Error | null, message: Msg) => void;
  getSubject(): string;
  getReceived(): number;
  getProcessed(): number;
  getPending(): number;
  /** Messages lost to a full buffer. */
  getDropped(): number;
  getID(): number;
  getMax(): number | undefined;
  [Symbol.dispose](): void;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface RequestOptions extends TraceOptions {
  /** Milliseconds; default 1,000. */
  readonly timeout?: number;
  readonly headers?: MsgHdrs;
  /** A subscription of its own instead of the shared inbox; needed for `reply`. */
  readonly noMux?: boolean;
  readonly reply?: string;
  /** Rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * When a request for many is complete: after `maxWait` ('timer'), after `maxMessages` ('count'), when
 * nothing came for `stall` ms ('stall'), at an empty payload ('sentinel'); `maxWait` bounds the first wait
 * of each. 'all' knows who was asked: it ends when every recipient in this process has answered, or its
 * handler has returned, thrown or settled; with recipients elsewhere, and at the latest, after `maxWait`.
 * Each is over when all who were asked are handlers in this process and have failed: without any answer the loop
 * throws a RequestError.
 * 'jitterTimer' and 'sentinelMsg' are the names that `nats` 2.x used.
 */
export type RequestStrategy =
  | 'all'
  | 'timer'
  | 'count'
  | 'stall'
  | 'sentinel'
  | 'jitterTimer'
  | 'sentinelMsg';

export interface RequestManyOptions extends BufferOptions, TraceOptions {
  readonly strategy?: RequestStrategy;
  /** Milliseconds; default 1,000. */
  readonly maxWait?: number;
  readonly headers?: MsgHdrs;
  readonly maxMessages?: number;
  readonly noMux?: boolean;
  /** Milliseconds; default 300. */
  readonly stall?: number;
  /** The older name of `stall`. */
  readonly jitter?: number;
  readonly signal?: AbortSignal;
}

export interface Stats {
  /** Bytes of peers' messages that reached a subscription of the program. */
  inBytes: number;
  /** Bytes of the program's messages that were encoded for peers. */
  outBytes: number;
  /** Messages that reached a subscription of the program, from wherever. */
  inMsgs: number;
  /** Messages the program published. */
  outMsgs: number;
}

export type Status =
  | { type: 'error'; error: Error }
  | { type: 'slowConsumer'; sub: Subscription; pending: number }
  | { type: 'ldm'; server: string }
  | { type: 'close' };

/** What a NATS server tells about itself in INFO. */
export interface ServerInfo {
  server_id: string;
  server_name: string;
  version: string;
  go: string;
  host: string;
  port: number;
  headers?: boolean;
  max_payload: number;
  proto: number;
  client_id: number;
  jetstream?: boolean;
  domain?: string;
  connect_urls?: string[];
  [field: string]: unknown;
}

/** Where an error of a handler comes from. */
export interface ErrorContext {
  /** Subject of the message. */
  readonly subject: string;
  /** Subscription whose handler failed; 0 when it was no handler. */
  readonly sid: number;
  /** The account in which it happened; sids are counted in each. */
  readonly account: string;
  readonly message?: Message;
}

export type ErrorHandler = (error: unknown, context: ErrorContext) => void;

export interface BusOptions {
  /** Shown as the server's name. */
  readonly name?: string;
  /** How values other than strings and bytes become a payload; default JSON. */
  readonly codec?: Codec;
  /** Takes what handlers throw or reject with. Without it those are uncaught errors, unless who asked is told. */
  readonly onError?: ErrorHandler;
  /** Bytes of headers and payload that may go to a peer; default 1 MiB. While it is served, those of the server. */
  readonly maxPayload?: number;
  /** First tokens of inboxes; default `_INBOX`. */
  readonly inboxPrefix?: string;
  /** How long `drain` waits for loops and for promises of handlers, in milliseconds; default 30,000. */
  readonly drainTimeoutMs?: number;
  readonly clock?: Clock;
  /** Another build of the core. */
  readonly wasm?: Uint8Array;
  /** Bytes that frames for peers may take in the core's memory. */
  readonly poolMax?: number;
}
