// Messages of a consumer as they are pulled: so many, or one, or for as long as somebody takes them. Every pull has an
// inbox of its own; what ends it comes there as a status, so that no time has to be kept here.
import { createInbox } from '../../bus/request.ts';
import type { Subscription } from '../../bus/types.ts';
import { systemClock, type Timer } from '../../shared/clock.ts';
import { NANOS_PER_MS } from '../../shared/time.ts';
import type { Api } from './api.ts';
import { JetStreamStatusError } from './errors.ts';
import { JsMsg } from './js-msg.ts';
import type { Arrival, ConsumerInfo } from './types.ts';

export interface NextOptions {
  /** Milliseconds to wait for a message (default 30,000). */
  expires?: number;
}

export interface FetchOptions extends NextOptions {
  /** Default 100. */
  max_messages?: number;
  max_bytes?: number;
}

export interface ConsumeOptions extends FetchOptions {
  /** Asks for more when so many of the messages asked for have still to come (default: three quarters). */
  threshold_messages?: number;
  /** Is handed each message, instead of a loop. */
  callback?: (message: JsMsg) => unknown;
}

const EXPIRES_MS = 30_000;
const MAX_MESSAGES = 100;
const NO_MESSAGES = 404;
const TIMEOUT = 408;
const HEARTBEAT = 100;
/** The status of a pull that has expired comes within this. */
const GRACE_MS = 1000;

/** Conflicts of these words end a pull, and nothing is wrong. */
const ORDINARY = /^(?:batch completed|message size exceeds maxbytes)$/i;

/** The messages of one or more pulls: a loop takes them, `stop` ends it, `closed` tells the end. */
export class ConsumerMessages implements AsyncIterable<JsMsg> {
  readonly #api: Api;
  readonly #subject: string;
  readonly #options: ConsumeOptions;
  readonly #isContinuous: boolean;
  readonly #inbox: string = createInbox();
  readonly #subscription: Subscription;
  readonly #buffer: JsMsg[] = [];
  /** Messages of the pulls under way that have not come. */
  #wanted = 0;
  #isEnded = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;
  /** The process does not end while somebody waits: the timers of streams do not keep it. */
  #vigil: Timer | undefined;
  #resolveClosed!: (error: Error | undefined) => void;
  readonly #closed: Promise<void | Error>;

  constructor(api: Api, subject: string, options: ConsumeOptions, isContinuous: boolean) {
    this.#api = api;
    this.#subject = subject;
    this.#options = options;
    this.#isContinuous = isContinuous;
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    const callback = (_: Error | null, message: Arrival): void => this.#take(message);
    this.#subscription = api.connection.subscribe(this.#inbox, { callback });
    // The bus may close first.
    void this.#subscription.closed.then(() => this.#end());
    this.#pull();
  }

  /** Takes no more; a loop still gets what has come. */
  stop(): void {
    this.#end();
  }

  async close(): Promise<void | Error> {
    this.#end();
    return this.#closed;
  }

  /** Resolves at the end; to an error when that was the reason. */
  closed(): Promise<void | Error> {
    return this.#closed;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<JsMsg> {
    try {
      for (;;) {
        const message = this.#buffer.shift();
        if (message !== undefined) {
          yield message;
          this.#pullMore();
        } else if (this.#isEnded) {
          break;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      this.#end();
    }
    if (this.#error !== undefined) throw this.#error;
  }

  #pull(): void {
    const { max_messages = MAX_MESSAGES, max_bytes, expires = EXPIRES_MS } = this.#options;
    const batch = max_messages - this.#wanted;
    this.#wanted += batch;
    this.#vigil?.cancel();
    this.#vigil = systemClock.setTimeout(() => {}, expires + GRACE_MS);
    const body = { batch, expires: expires * NANOS_PER_MS, ...(max_bytes && { max_bytes }) };
    this.#api.connection.publish(this.#subject, JSON.stringify(body), { reply: this.#inbox });
  }

  /** When enough of what was asked for has come, and is taken. */
  #pullMore(): void {
    if (!this.#isContinuous || this.#isEnded) return;
    const { max_messages = MAX_MESSAGES, threshold_messages } = this.#options;
    const threshold = threshold_messages ?? Math.floor((max_messages * 3) / 4);
    if (this.#wanted + this.#buffer.length <= threshold) this.#pull();
  }

  #take(message: Arrival): void {
    const { headers } = message;
    const code = headers?.code ?? 0;
    if (code !== 0 && message.data.length === 0) {
      this.#takeStatus(code, headers?.description ?? '', message);
      return;
    }
    this.#wanted--;
    const taken = new JsMsg(this.#api.connection, message);
    const { callback } = this.#options;
    try {
      if (callback === undefined) this.#buffer.push(taken);
      else callback(taken);
    } finally {
      // A callback that throws is told to the bus, and has had its message.
      if (callback !== undefined) this.#pullMore();
      if (!this.#isContinuous && this.#wanted <= 0) this.#end();
      this.#wakeUp();
    }
  }

  #takeStatus(code: number, description: string, { headers }: Arrival): void {
    if (code === HEARTBEAT) return;
    const isOver = code === TIMEOUT || code === NO_MESSAGES || ORDINARY.test(description);
    if (!isOver) {
      this.#end(new JetStreamStatusError(code, description.toLowerCase()));
    } else if (this.#isContinuous) {
      const left = Number(headers?.get('Nats-Pending-Messages') || this.#wanted);
      this.#wanted = Math.max(0, this.#wanted - left);
      this.#pullMore();
    } else {
      this.#end();
    }
  }

  #end(error?: Error): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#error = error;
    this.#vigil?.cancel();
    this.#subscription.unsubscribe();
    this.#resolveClosed(error);
    this.#wakeUp();
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

/** A consumer that is there. Each of its methods rejects with JetStreamApiError when the API refuses. */
export class Consumer {
  readonly #api: Api;
  readonly #stream: string;
  readonly #name: string;

  constructor(api: Api, { stream_name, name }: ConsumerInfo) {
    this.#api = api;
    this.#stream = stream_name;
    this.#name = name;
  }

  get #subject(): string {
    return `${this.#api.prefix}.CONSUMER.MSG.NEXT.${this.#stream}.${this.#name}`;
  }

  info(): Promise<ConsumerInfo> {
    return this.#api.ask(`CONSUMER.INFO.${this.#stream}.${this.#name}`);
  }

  async delete(): Promise<boolean> {
    const subject = `CONSUMER.DELETE.${this.#stream}.${this.#name}`;
    return (await this.#api.ask<{ success: boolean }>(subject)).success;
  }

  /** The next message; null when none comes in time. Rejects with JetStreamStatusError. */
  async next({ expires = EXPIRES_MS }: NextOptions = {}): Promise<JsMsg | null> {
    for await (const message of this.#open({ max_messages: 1, expires }, false)) return message;
    return null;
  }

  /** So many messages, or those that come in time. */
  async fetch(options: FetchOptions = {}): Promise<ConsumerMessages> {
    return this.#open(options, false);
  }

  /** Messages for as long as they are taken. */
  async consume(options: ConsumeOptions = {}): Promise<ConsumerMessages> {
    return this.#open(options, true);
  }

  #open(options: ConsumeOptions, isContinuous: boolean): ConsumerMessages {
    return new ConsumerMessages(this.#api, this.#subject, options, isContinuous);
  }
}
