// The bounded buffer between a synchronous bus and an asynchronous loop. One loop at a time. It ends after what is
// buffered, with an error if there was one.
// A loop is in its body from one message until it asks for the next one, or is left.

import { InvalidOperationError } from '../shared/errors.ts';
import { BoundedBuffer } from './bounded-buffer.ts';
import type { BufferOptions } from './types.ts';

export interface QueueListener {
  /** A message was dropped, or the queue has ended because of one; once until there is room again. */
  onOverflow?(): void;
  /** Nothing will come any more: the last message has been taken, or the loop was left. */
  onFinished(error: Error | undefined): void;
  /** It has ended, and a loop takes what is left; or that loop is through with its last message. */
  onRest?(): void;
}

/** What a loop is given: as nats-core's, an async generator in all but name. */
interface Loop<T> extends AsyncIterableIterator<T, unknown, unknown> {
  [Symbol.asyncDispose](): Promise<void>;
}

export class MessageQueue<T extends object> implements AsyncIterable<T> {
  readonly #buffer: BoundedBuffer<T>;
  readonly #listener: QueueListener;
  #waiting: ((result: IteratorResult<T>) => void)[] = [];
  #rejecting: ((error: Error) => void)[] = [];
  #isEnded = false;
  #isFinished = false;
  #isStarted = false;
  #isInBody = false;
  #error: Error | undefined;
  #processed = 0;
  // Of `iterClosed`, once somebody has asked for it.
  #closed: Promise<void | Error> | undefined;
  #tellClosed: ((error: Error | undefined) => void) | undefined;
  #reason: Error | undefined;

  constructor(options: BufferOptions, listener: QueueListener) {
    this.#buffer = new BoundedBuffer<T>(options, {
      messageOf: (item) => item,
      onOverflow: () => listener.onOverflow?.(),
      onFull: (error) => this.end(error),
    });
    this.#listener = listener;
  }

  get pending(): number {
    return this.#buffer.length;
  }

  get processed(): number {
    return this.#processed;
  }

  get dropped(): number {
    return this.#buffer.dropped;
  }

  /** A loop is in its body, or has begun and has messages to take. */
  get isUnderWay(): boolean {
    return this.#isInBody || (this.#isStarted && this.pending > 0);
  }

  /** As nats-core: resolves at the end, to the error when that was one. */
  get iterClosed(): Promise<void | Error> {
    this.#closed ??= new Promise((resolve) => {
      if (this.#isFinished) resolve(this.#reason);
      else this.#tellClosed = resolve;
    });
    return this.#closed;
  }

  /** As `end`, by the name that it has in nats-core. */
  stop(error?: Error): void {
    this.end(error);
  }

  getProcessed(): number {
    return this.#processed;
  }

  getPending(): number {
    return this.pending;
  }

  getReceived(): number {
    return this.#processed + this.pending;
  }

  push(item: T): void {
    if (this.#isEnded) return;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      this.#rejecting.shift();
      this.#processed++;
      this.#isInBody = this.#waiting.length === 0;
      waiting({ value: item, done: false });
      return;
    }
    this.#buffer.push(item);
  }

  /** What is buffered can still be taken; then the loop ends, or throws `error`. */
  end(error?: Error): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#error = error;
    if (this.pending === 0 || !this.#isStarted) this.#finish();
    if (this.pending === 0) this.#answerWaiting();
  }

  /** Throws InvalidOperationError when there is a loop already. */
  [Symbol.asyncIterator](): Loop<T> {
    if (this.#isStarted) throw new InvalidOperationError('iterator is already yielding');
    this.#isStarted = true;
    const loop: Loop<T> = {
      next: () => this.#next(),
      return: async (value) => {
        this.#abandon();
        return { value: await value, done: true };
      },
      throw: async (error) => {
        this.#abandon();
        throw error;
      },
      [Symbol.asyncIterator]: () => loop,
      [Symbol.asyncDispose]: async () => this.#abandon(),
    };
    return loop;
  }

  #next(): Promise<IteratorResult<T>> {
    this.#isInBody = this.pending > 0;
    if (this.#isInBody) {
      const value = this.#buffer.take();
      this.#processed++;
      if (this.#isEnded) this.#listener.onRest?.();
      return Promise.resolve({ value, done: false });
    }
    if (!this.#isEnded) {
      return new Promise((resolve, reject) => {
        this.#waiting.push(resolve);
        this.#rejecting.push(reject);
      });
    }
    this.#finish();
    this.#listener.onRest?.();
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) return Promise.reject(error);
    return Promise.resolve({ value: undefined, done: true });
  }

  #abandon(): void {
    this.#isEnded = true;
    this.#isInBody = false;
    this.#buffer.clear();
    this.#answerWaiting();
    this.#finish();
    this.#error = undefined;
    this.#listener.onRest?.();
  }

  #answerWaiting(): void {
    const waiting = this.#waiting;
    const rejecting = this.#rejecting;
    this.#waiting = [];
    this.#rejecting = [];
    for (let i = 0; i < waiting.length; i++) {
      const error = this.#error;
      this.#error = undefined;
      if (error !== undefined) rejecting[i]?.(error);
      else waiting[i]?.({ value: undefined, done: true });
    }
  }

  #finish(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#reason = this.#error;
    this.#tellClosed?.(this.#reason);
    this.#listener.onFinished(this.#error);
  }
}
