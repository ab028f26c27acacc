// A bus as the client of NATS' own packages wants a connection: beside the methods that programs use it reaches for some
// of the inside of its own, which are here. Nothing of it is ever cut off, so that there is nothing to make anew.
import {
  type ConnectionClosedListener,
  Features,
  type NatsConnection,
  parseSemVer,
  QueuedIteratorImpl,
  type RequestOne,
  type SemVer,
  type Status,
} from '@nats-io/nats-core/internal';
import type { Bus } from '../../bus/bus.ts';
import { Connection } from '../../bus/connection.ts';
import { encodeHeaders } from '../../bus/headers.ts';
import { insidesOf } from '../../bus/insides.ts';
import type {
  Codec,
  Message,
  PublishOptions,
  RequestOptions,
  ServerInfo,
  SubscribeOptions,
  Subscription,
} from '../../bus/types.ts';
import { JETSTREAM_VERSION } from '../../shared/version.ts';
import { joinErrors } from './errors.ts';
import { type Callback, MovingSubscription } from './moving-subscription.ts';

/** Whoever may use streams: a bus, one with types, or a connection to one. */
export type StreamUser = Connection | { readonly untyped: Bus };

/** The status of a pull that no consumer has taken. */
const UNSERVED = 503;
const known = new WeakMap<object, ClientConnection>();

/** What the client takes for the connection of a bus: one for each. Throws InvalidOperationError for what is no bus. */
export function connectionOf(user: StreamUser): ClientConnection {
  const found = known.get(user);
  if (found !== undefined) return found;
  const made =
    user instanceof Connection
      ? new ClientConnection(user as unknown as Bus, undefined, user.request.bind(user))
      : new ClientConnection(user as Bus, insidesOf(user).home.codec, insidesOf(user).ask);
  known.set(user, made);
  return made;
}

type Ask = (subject: string, payload: Uint8Array, options?: RequestOptions) => Promise<Message>;

export class ClientConnection {
  readonly #bus: Bus;
  readonly #ask: Ask;
  readonly #acks: Acknowledging;
  readonly #closeListeners = new Set<ConnectionClosedListener>();
  #features: Features | undefined;
  /** Those of its way of connecting: none. */
  readonly options: Readonly<Record<string, never>> = {};

  /** By which values are made bytes; undefined where strings and bytes alone are taken. */
  readonly codec: Codec | undefined;

  constructor(bus: Bus, codec: Codec | undefined, ask: Ask) {
    joinErrors();
    this.#bus = bus;
    this.#ask = ask;
    this.codec = codec;
    this.#acks = new Acknowledging(bus, ask);
    void bus.closed().then(() => {
      for (const each of [...this.#closeListeners]) each.connectionClosedCallback();
    });
  }

  /** As the client's own type has it, of which it is what the client uses. */
  get asTheirs(): NatsConnection {
    return this as unknown as NatsConnection;
  }

  get info(): ServerInfo {
    return this.#bus.info;
  }

  /** What the version that is announced has; another one when JetStream comes or goes. */
  get features(): Features {
    const version = this.getServerVersion();
    if (this.#features === undefined) this.#features = new Features(version);
    else this.#features.update(version);
    return this.#features;
  }

  /** A connection that has ended has no INFO; whoever asks it for something is told that, and not of a version. */
  getServerVersion(): SemVer {
    const info = this.#bus.info as ServerInfo | undefined;
    return parseSemVer(info?.version ?? JETSTREAM_VERSION);
  }

  publish(subject: string, payload?: unknown, options?: PublishOptions): void {
    this.#bus.publish(subject, payload as Uint8Array, options);
  }

  request(subject: string, payload?: unknown, options?: RequestOptions): Promise<Message> {
    return this.#ask(subject, payload as Uint8Array, options);
  }

  subscribe(
    subject: string,
    { callback, queue, ...rest }: SubscribeOptions & { readonly callback: Callback },
  ): MovingSubscription {
    const inside = { publisher: this.#acks, size: sizeOf };
    // Who consumes pulls again at once when nobody has taken a pull, and here the answer is there at once, too: a loop
    // without an end. Of several such answers the first is told; silence has the client look what has become of its
    // consumer.
    let isUnserved = false;
    const options: SubscribeOptions = {
      ...rest,
      ...(queue !== undefined && { queue }),
      callback: (error, message) => {
        if (error === null) {
          const wasUnserved = isUnserved;
          isUnserved =
            message.subject === subscription.getSubject() && message.headers?.code === UNSERVED;
          if (isUnserved && wasUnserved) return;
          Object.assign(message, inside);
        }
        callback(error, message);
      },
    };
    const open = (to: string): Subscription => this.#bus.subscribe(to, options);
    const subscription = new MovingSubscription(open, subject);
    return subscription;
  }

  _resub(subscription: MovingSubscription, subject: string): void {
    subscription.move(subject);
  }

  /** Nothing to tell: what the client listens for are the moments when a link is cut and made anew. */
  status(): AsyncIterable<Status> {
    return new QueuedIteratorImpl<Status>();
  }

  closed(): Promise<void | Error> {
    return this.#bus.closed();
  }

  isClosed(): boolean {
    return this.#bus.isClosed();
  }

  addCloseListener(listener: ConnectionClosedListener): void {
    this.#closeListeners.add(listener);
  }

  removeCloseListener(listener: ConnectionClosedListener): void {
    this.#closeListeners.delete(listener);
  }
}

/** Bytes of a message, as the bounds of a pull count them. */
function sizeOf(this: Message): number {
  const { subject, reply = '', data, headers } = this;
  return (
    subject.length + reply.length + data.length + (headers ? encodeHeaders(headers).length : 0)
  );
}

/**
 * What a message has for the connection that it came by: `ackAck` makes a request of a kind of its own there, and publishes
 * what it asks. Here that is a request of the bus, which waits as long as the other does.
 */
class Acknowledging {
  readonly #bus: Bus;
  readonly #ask: Ask;
  #asked: RequestOne | undefined;
  readonly options: { readonly noAsyncTraces: true } = { noAsyncTraces: true };
  readonly muxSubscriptions: { readonly baseInbox: ''; cancel(): void } = {
    baseInbox: '',
    cancel() {},
  };

  constructor(bus: Bus, ask: Ask) {
    this.#bus = bus;
    this.#ask = ask;
  }

  request(asked: RequestOne): void {
    this.#asked = asked;
  }

  publish(subject: string, payload: Uint8Array, options?: PublishOptions): void {
    const asked = this.#asked;
    this.#asked = undefined;
    if (asked === undefined) {
      this.#bus.publish(subject, payload, options);
      return;
    }
    const { deferred, timer } = asked;
    const end = new AbortController();
    timer.catch(() => end.abort());
    this.#ask(subject, payload, { timeout: Number.POSITIVE_INFINITY, signal: end.signal })
      .then(deferred.resolve, deferred.reject)
      .finally(() => timer.cancel());
  }
}
