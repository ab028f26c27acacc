// Requests. All of a bus share one inbox, `_INBOX.<unique>.*`, subscribed at the first request; the last token
// of an answer's subject tells whose it is. A request whose message reached nobody fails at once.

import type { Timer } from '../shared/clock.ts';
import {
  ClosedConnectionError,
  InvalidArgumentError,
  InvalidSubjectError,
  NoRespondersError,
  quoted,
  RequestError,
  TimeoutError,
  toError,
} from '../shared/errors.ts';
import { REQUEST_TIMEOUT_MS } from '../shared/limits.ts';
import { NUID_LEN, nuid } from '../shared/nuid.ts';
import { checkOptions } from './arguments.ts';
import type { EngineParts } from './engine-parts.ts';
import { contentOf } from './message.ts';
import { MessageQueue } from './message-queue.ts';
import type { ProgramSide } from './program-side.ts';
import type { RouteListener } from './route-listener.ts';
import type { Abortable } from './signals.ts';
import { checkSubject, isTooLong } from './subject-text.ts';
import type { BusSubscription } from './subscription.ts';
import { Tally } from './tally.ts';
import type { Message, RequestManyOptions, RequestOptions, RequestStrategy } from './types.ts';

const INBOX_PREFIX = '_INBOX';
const NO_RESPONDERS = 503;
/** As @nats-io/nats-core. */
const STALL_MS = 300;
type Strategy = 'all' | 'timer' | 'count' | 'stall' | 'sentinel';
/** What stands behind the prefix in the subject of an answer, where it is longest. */
const LONGEST_REST = `.${'x'.repeat(NUID_LEN)}.${Number.MAX_SAFE_INTEGER.toString(36)}`;

const STRATEGIES: Readonly<Record<RequestStrategy, Strategy>> = {
  all: 'all',
  timer: 'timer',
  count: 'count',
  stall: 'stall',
  jitterTimer: 'stall',
  sentinel: 'sentinel',
  sentinelMsg: 'sentinel',
};

/**
 * A private subject for answers: the prefix, `_INBOX` when it is empty, and a unique token.
 * Throws TypeError for a prefix that is no string, InvalidArgumentError for one with wildcards.
 */
export function createInbox(prefix: string = INBOX_PREFIX): string {
  checkTokens(prefix);
  return `${prefix || INBOX_PREFIX}.${nuid()}`;
}

/**
 * The check of an option, so that it fails at once and not with the first request.
 * Throws as `createInbox`, and InvalidSubjectError for what begins no subject, or none that has room for the rest.
 */
export function checkInboxPrefix(prefix: string): void {
  checkTokens(prefix);
  if (prefix === '') return;
  checkSubject(prefix);
  if (isTooLong(prefix + LONGEST_REST)) throw new InvalidSubjectError(prefix);
}

function checkTokens(prefix: string): void {
  if (typeof prefix !== 'string') throw new TypeError('prefix must be a string');
  if (/(^|\.)[*>](\.|$)/.test(prefix)) {
    throw InvalidArgumentError.format('prefix', `cannot have wildcards (${quoted(prefix)})`);
  }
}

/** Makes the error where it is thrown, so that its stack shows who has asked. */
export type Failure = () => unknown;
/** What came of a request. */
export type Outcome = Message | Failure;

/** The answer; throws the error there is instead, which is made here: for the function that awaits the outcome. */
export function answerOf(outcome: Outcome): Message {
  if (typeof outcome === 'function') throw outcome();
  return outcome;
}

/** What a request does with what it hears, told apart by its kind. */
interface Collector {
  /** An answer; true = it was the last one. */
  take(message: Message): boolean;
  /** The time is over. */
  expire(): void;
  fail(failure: Failure): void;
}

/** What the handler of a recipient threw, and how to report it if it has not been. */
interface HandlerFailure {
  readonly error: unknown;
  readonly report: (() => void) | undefined;
}

type Inbox = Pick<RequestOptions, 'headers' | 'noMux' | 'reply' | 'signal'> & {
  readonly isTallied?: boolean;
};

/** One request under way: its inbox, timer and signal, all let go at its end. */
class Exchange implements RouteListener, Abortable {
  readonly #subject: string;
  readonly #collector: Collector;
  readonly #engine: EngineParts;
  readonly #signal: AbortSignal | undefined;
  #timer: Timer | undefined;
  #isOver = false;
  #hasAnswer = false;
  /** How many subscriptions have got it; undefined until it has reached all of them. */
  #recipients: number | undefined;
  #failures: HandlerFailure[] | undefined;
  /** Closes the inbox. */
  onOver: () => void = () => {};
  /** Of a request for 'all'. */
  tally: Tally | undefined;

  constructor(
    subject: string,
    collector: Collector,
    engine: EngineParts,
    signal: AbortSignal | undefined,
  ) {
    this.#subject = subject;
    this.#collector = collector;
    this.#engine = engine;
    this.#signal = signal;
    if (signal !== undefined) engine.signals.add(signal, this);
  }

  /** Waits from now on; not at all when it is over, as it is when a responder answered at once. */
  wait(ms: number): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#isOver) return;
    this.#timer = this.#engine.clock.setTimeout(() => this.expire(), ms);
  }

  /** Nothing more is expected. */
  expire(): void {
    if (this.#isOver) return;
    this.end();
    this.#collector.expire();
  }

  answer(message: Message): void {
    if (this.#isOver) return;
    // Only a status has this code and no payload; told without encoding a local answer's value.
    if (message.headers?.code === NO_RESPONDERS && contentOf(message)?.isEmpty === true) {
      this.#nobodyIsThere();
      return;
    }
    this.#hasAnswer = true;
    if (this.#collector.take(message)) this.end();
  }

  routed(count: number): void {
    if (count === 0) {
      this.#nobodyIsThere();
      return;
    }
    this.#recipients = count;
    this.#checkFailures();
    this.tally?.routed(count);
  }

  handlerFailed(error: unknown, report: (() => void) | undefined): void {
    if (this.#isOver) {
      report?.();
      return;
    }
    this.#failures ??= [];
    this.#failures.push({ error, report });
    this.#checkFailures();
  }

  fail(error: unknown): void {
    this.failWith(() => error);
  }

  failWith(failure: Failure): void {
    if (this.#isOver) return;
    this.end();
    this.#collector.fail(failure);
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    if (this.#signal !== undefined) this.#engine.signals.delete(this.#signal, this);
    this.onOver();
    // Who asked has something else, so these are for nobody.
    for (const { report } of this.#failures ?? []) report?.();
    this.#failures = undefined;
  }

  #nobodyIsThere(): void {
    this.failWith(() => new NoRespondersError(this.#subject));
  }

  /** All who got it are in this process, and their handlers have failed: nobody is going to answer. */
  #checkFailures(): void {
    if (this.#failures?.length !== this.#recipients) return;
    // What they have answered before that comes first. With an answer a request for many has not failed, but is over.
    this.#engine.turn.atTurnEnd(() => {
      if (this.#isOver) return;
      if (this.#hasAnswer) {
        this.expire();
        return;
      }
      const errors = (this.#failures ?? []).map(({ error }) => error);
      this.#failures = undefined;
      this.failWith(() => handlersFailed(this.#subject, errors));
    });
  }

  /** Its signal has been aborted. */
  abort(): void {
    this.fail(this.#signal?.reason);
  }
}

export class MuxInbox {
  readonly #side: ProgramSide;
  readonly #inboxPrefix: string;
  readonly #owner: BusSubscription['owner'];
  readonly #exchanges = new Map<string, Exchange>();
  readonly #own = new Set<Exchange>();
  #prefix = '';
  #subscription: BusSubscription | undefined;
  #count = 0;

  /** `owner`: whose it is beside the side's. */
  constructor(side: ProgramSide, inboxPrefix: string, owner?: BusSubscription['owner']) {
    this.#side = side;
    this.#owner = owner;
    this.#inboxPrefix = inboxPrefix;
  }

  /** The shared inbox; undefined before the first request. */
  get subscription(): BusSubscription | undefined {
    return this.#subscription;
  }

  /**
   * What comes of it instead of an answer is TimeoutError, the signal's reason, or RequestError: nobody there, all
   * handlers failed, or closed. Rejects for its arguments.
   */
  request(subject: string, payload: unknown, given: RequestOptions): Promise<Outcome> {
    const options = checkOptions(given);
    const timeout = options.timeout || REQUEST_TIMEOUT_MS;
    checkWait('timeout', timeout);
    if (options.reply !== undefined && options.noMux !== true) {
      throw InvalidArgumentError.format(['reply', 'noMux'], 'go together');
    }
    return new Promise((resolve) => {
      const exchange = this.#start(subject, payload, options, {
        take(message) {
          resolve(message);
          return true;
        },
        expire: () => resolve(() => TimeoutError.of('answer', subject, timeout)),
        fail: (failure) => resolve(() => asRequestError(failure())),
      });
      exchange.wait(timeout);
    });
  }

  /**
   * The loop throws NoRespondersError, the signal's reason, or RequestError when all handlers have failed or the bus
   * closes.
   */
  requestMany(
    subject: string,
    payload: unknown,
    given: RequestManyOptions,
  ): AsyncIterable<Message> {
    const options = checkOptions(given);
    const { strategy: name = 'timer' } = options;
    const strategy = STRATEGIES[name];
    if (!Object.hasOwn(STRATEGIES, name)) {
      throw InvalidArgumentError.format('strategy', 'must be all, timer, count, stall or sentinel');
    }
    const maxWait = options.maxWait || REQUEST_TIMEOUT_MS;
    const stall = options.stall || options.jitter || STALL_MS;
    checkWait('maxWait', maxWait);
    let left =
      options.maxMessages !== undefined && options.maxMessages > 0 ? options.maxMessages : -1;
    let hasAnswer = false;
    let exchange: Exchange | undefined;
    const queue = new MessageQueue<Message>(options, { onFinished: () => exchange?.end() });
    const inbox = { ...options, isTallied: strategy === 'all' };
    exchange = this.#start(subject, payload, inbox, {
      take(message) {
        queue.push(message);
        hasAnswer = true;
        if (strategy === 'stall') exchange?.wait(stall);
        const isLast =
          (strategy === 'count' && --left === 0) ||
          (strategy === 'sentinel' && contentOf(message)?.isEmpty === true);
        if (isLast) queue.end();
        return isLast;
      },
      expire: () => queue.end(),
      fail: (failure) => queue.end(failure() as Error),
    });
    // A synchronous responder has answered by now.
    exchange.wait(hasAnswer && strategy === 'stall' ? stall : maxWait);
    return queue;
  }

  /** Every request under way fails. */
  close(): void {
    const at = { subject: this.#prefix, sid: 0 };
    for (const exchange of [...this.#exchanges.values(), ...this.#own]) {
      this.#side.attempt(at, () => exchange.failWith(closed));
    }
  }

  #start(subject: string, payload: unknown, inbox: Inbox, collector: Collector): Exchange {
    const { signal } = inbox;
    if (signal?.aborted === true) throw signal.reason;
    const exchange = new Exchange(subject, collector, this.#side.engine, signal);
    try {
      const reply =
        inbox.noMux === true ? this.#openOwn(exchange, inbox.reply) : this.#openShared(exchange);
      const options = inbox.headers === undefined ? { reply } : { reply, headers: inbox.headers };
      if (inbox.isTallied === true) this.#tally(exchange, reply);
      this.#side.send(subject, payload, options, exchange);
    } catch (error) {
      exchange.end();
      throw error;
    }
    return exchange;
  }

  #openShared(exchange: Exchange): string {
    if (this.#subscription === undefined) {
      this.#prefix = `${createInbox(this.#inboxPrefix)}.`;
      const start = this.#prefix.length;
      const answer = (message: Message): void =>
        this.#exchanges.get(message.subject.slice(start))?.answer(message);
      this.#subscription = this.#side.subscribe(`${this.#prefix}*`, answer, {});
      this.#subscription.owner = this.#owner;
      this.#subscription.isInbox = true;
    }
    const token = (++this.#count).toString(36);
    this.#exchanges.set(token, exchange);
    exchange.onOver = () => this.#exchanges.delete(token);
    return this.#prefix + token;
  }

  #tally(exchange: Exchange, reply: string): void {
    const { tallies } = this.#side.account;
    const { onOver } = exchange;
    const tally = new Tally(this.#side.engine.turn, () => exchange.expire());
    exchange.tally = tally;
    tallies.set(reply, tally);
    exchange.onOver = () => {
      tallies.delete(reply);
      onOver();
    };
  }

  #openOwn(exchange: Exchange, reply: string = createInbox(this.#inboxPrefix)): string {
    const answer = (message: Message): void => exchange.answer(message);
    const subscription = this.#side.subscribe(reply, answer, {});
    subscription.owner = this.#owner;
    subscription.isInbox = true;
    this.#own.add(exchange);
    exchange.onOver = () => {
      this.#own.delete(exchange);
      subscription.unsubscribe();
    };
    return reply;
  }
}

function checkWait(name: string, ms: number): void {
  if (!(ms >= 1)) throw InvalidArgumentError.format(name, 'must be greater than 0');
}

function closed(): Error {
  return new RequestError('connection closed', { cause: new ClosedConnectionError() });
}

/** The code is not that of the handler's error, which says nothing of this request. */
function handlersFailed(subject: string, errors: readonly unknown[]): Error {
  const [first] = errors;
  const cause = errors.length > 1 ? new AggregateError(errors) : first;
  const message = `all handlers of ${quoted(subject)} have failed: ${toError(first).message}`;
  return new RequestError(message, { cause, code: 'ERR_REQUEST' });
}

/** As nats-core: that nobody was there is the cause of a failed request. */
function asRequestError(error: unknown): unknown {
  if (!(error instanceof NoRespondersError)) return error;
  return new RequestError(error.message, { cause: error });
}
