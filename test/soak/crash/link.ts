// A connection of an official client that has lives: one ends when the server is killed, and another begins when the client
// has found it again by itself. What was asked in a life that is over has no answer.
import * as v3jetstream from '@nats-io/jetstream';
import { deferred } from '@nats-io/nats-core';
import * as v3 from '@nats-io/transport-node';
import * as v2 from 'nats';

const OPTIONS = {
  reconnectTimeWait: 20,
  maxReconnectAttempts: -1,
  noRandomize: true,
  ignoreClusterUpdates: true,
};
/** Longer than any life: what is not answered by then is a fault. */
const TIMEOUT_MS = 20_000;

/** The life in which something was asked is over. */
export class Cut extends Error {}

export interface Ack {
  readonly seq: number;
  readonly duplicate: boolean;
}

/** What both generations of the client have in common. */
interface Connection {
  status(): AsyncIterable<{ readonly type: string }>;
  close(): Promise<void>;
}

type Publish = (subject: string, body: string, id: string | undefined) => Promise<Ack>;

export class Link {
  readonly #connection: Connection;
  readonly publish: Publish;
  #isUp = true;
  #waiting: (() => void)[] = [];
  #life = deferred<never>();

  static async v3(url: string): Promise<[Link, v3.NatsConnection]> {
    const connection = await v3.connect({ servers: url, timeout: TIMEOUT_MS, ...OPTIONS });
    const client = v3jetstream.jetstream(connection, { timeout: TIMEOUT_MS });
    const publish: Publish = (subject, body, id) =>
      client.publish(subject, body, { ...(id !== undefined && { msgID: id }) });
    return [new Link(connection as Connection, publish), connection];
  }

  static async v2(url: string): Promise<[Link, v2.NatsConnection]> {
    const connection = await v2.connect({ servers: url, timeout: TIMEOUT_MS, ...OPTIONS });
    const client = connection.jetstream({ timeout: TIMEOUT_MS });
    const publish: Publish = (subject, body, id) =>
      client.publish(subject, body, { ...(id !== undefined && { msgID: id }) });
    return [new Link(connection as Connection, publish), connection];
  }

  private constructor(connection: Connection, publish: Publish) {
    this.#connection = connection;
    this.publish = publish;
    this.#life.catch(() => {});
    void this.#follow();
  }

  async #follow(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === 'disconnect') this.#end();
      else if (type === 'reconnect') this.#begin();
    }
  }

  #end(): void {
    this.#isUp = false;
    this.#life.reject(new Cut('the connection has ended'));
  }

  #begin(): void {
    this.#isUp = true;
    this.#life = deferred<never>();
    this.#life.catch(() => {});
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves when there is a life. */
  async up(): Promise<void> {
    while (!this.#isUp) await new Promise<void>((resolve) => void this.#waiting.push(resolve));
  }

  /** Resolves when the life at hand is over. */
  async down(): Promise<void> {
    if (this.#isUp) await this.#life.catch(() => {});
  }

  /** What was asked in this life. Rejects with Cut when it ends before. */
  async during<T>(asked: Promise<T>): Promise<T> {
    asked.catch(() => {});
    if (!this.#isUp) throw new Cut('the connection has ended');
    return await Promise.race([asked, this.#life]);
  }

  /** The same of many, of which some may be refused: rejects with the first that was when all are answered. */
  async all(asked: readonly Promise<unknown>[]): Promise<void> {
    const answers = await this.during(Promise.allSettled(asked));
    for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}
