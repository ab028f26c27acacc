// A message of a consumer, and what can be said of it: done, not yet, never. Where it lies is read from its reply.
import type { MsgHdrs } from '../../bus/types.ts';
import { NANOS_PER_MS } from '../../shared/time.ts';
import type { Arrival, Publisher } from './types.ts';

/** Where a delivery stands. */
export interface DeliveryInfo {
  domain: string;
  stream: string;
  consumer: string;
  /** From 1. */
  deliveryCount: number;
  redelivered: boolean;
  streamSequence: number;
  deliverySequence: number;
  timestampNanos: number;
  /** Messages that the consumer has still to deliver. */
  pending: number;
}

const ACK_TIMEOUT_MS = 5000;

export class JsMsg {
  readonly #message: Arrival;
  readonly #connection: Publisher;
  #info: DeliveryInfo | undefined;
  #isSettled = false;

  constructor(connection: Publisher, message: Arrival) {
    this.#connection = connection;
    this.#message = message;
  }

  get subject(): string {
    return this.#message.subject;
  }

  get data(): Uint8Array {
    return this.#message.data;
  }

  get headers(): MsgHdrs | undefined {
    return this.#message.headers;
  }

  get reply(): string {
    return this.#message.reply ?? '';
  }

  get info(): DeliveryInfo {
    this.#info ??= readInfo(this.reply);
    return this.#info;
  }

  /** Its sequence in the stream. */
  get seq(): number {
    return this.info.streamSequence;
  }

  get redelivered(): boolean {
    return this.info.redelivered;
  }

  /** When it was stored. */
  get time(): Date {
    return new Date(this.info.timestampNanos / NANOS_PER_MS);
  }

  get timestamp(): string {
    return this.time.toISOString();
  }

  get didAck(): boolean {
    return this.#isSettled;
  }

  string(): string {
    return this.#message.string();
  }

  json<T>(): T {
    return this.#message.json<T>();
  }

  /** It is done. */
  ack(): void {
    this.#settle('+ACK');
  }

  /** It is not, and shall come again: at once, or after so many milliseconds. */
  nak(millis?: number): void {
    this.#settle(
      millis === undefined ? '-NAK' : `-NAK ${JSON.stringify({ delay: millis * NANOS_PER_MS })}`,
    );
  }

  /** It never will be. */
  term(reason = ''): void {
    this.#settle(reason === '' ? '+TERM' : `+TERM ${reason}`);
  }

  /** It is under way: the time to acknowledge it begins anew. */
  working(): void {
    if (!this.#isSettled) this.#message.respond('+WPI');
  }

  /** It is done, and the stream knows: resolves to true when that has been confirmed, to false when it was settled before. */
  async ackAck({ timeout = ACK_TIMEOUT_MS }: { timeout?: number } = {}): Promise<boolean> {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    await this.#connection.request(this.reply, '+ACK', { timeout });
    return true;
  }

  #settle(word: string): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#message.respond(word);
  }
}

/** `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<ns>.<pending>`, or with domain and account. */
function readInfo(reply: string): DeliveryInfo {
  const tokens = reply.split('.');
  if (tokens.length === 9) tokens.splice(2, 0, '_', '');
  const [, , domain = '_', , stream = '', consumer = '', ...rest] = tokens;
  const [deliveryCount = 0, streamSequence = 0, deliverySequence = 0, time = 0, pending = 0] =
    rest.map(Number);
  return {
    domain: domain === '_' ? '' : domain,
    stream,
    consumer,
    deliveryCount,
    redelivered: deliveryCount > 1,
    streamSequence,
    deliverySequence,
    timestampNanos: time,
    pending,
  };
}
