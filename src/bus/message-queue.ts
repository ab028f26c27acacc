// The bounded buffer between a synchronous bus and an asynchronous loop. It is bounded by messages and by the bytes
// that came from peers, for those are all that it keeps alive. One loop at a time; when the buffer is full the
// overflow policy decides. It ends after what is buffered, with an error if there was one.
// A loop is in its body from one message until it asks for the next one, or is left.

import { CapacityError, InvalidOperationError } from '../shared/errors.ts';
import { leaveSlab, MessageView, slabOf } from './message.ts';
import type { BufferOptions, OverflowPolicy } from './types.ts';

/** As many messages, and as many bytes, as nats.go keeps for a subscription. */
const BUFFER_MAX = 65_536;
const BUFFER_MAX_BYTES = 67_108_864;
/** So many slabs of 64 KiB may be kept alive by the small messages that came in them. */
const SLABS_MAX = 1024;
/** Free slots at the front of the array above which it is moved down. */
const SLACK_MAX = 1024;

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
  readonly #bufferMax: number;
  readonly #bufferMaxBytes: number;
  readonly #overflow: OverflowPolicy;
  readonly #listener: QueueListener;
  #items: (T | undefined)[] = [];
  #head = 0;
  /** Of peers, in what is buffered. */
  #bytes = 0;
  /** Slabs of what has been buffered since nothing was, and the last of them. */
  #slabs = 0;
  #slab: object | undefined;
  #waiting: ((result: IteratorResult<T>) => void)[] = [];
  #rejecting: ((error: Error) => void)[] = [];
  #isEnded = false;
  #isFinished = false;
  #isStarted = false;
  #isInBody = false;
  #isOverflowing = false;
  #error: Error | undefined;
  #processed = 0;
  #dropped = 0;
  // Of `iterClosed`, once somebody has asked for it.
  #closed: Promise<void | Error> | undefined;
  #tellClosed: ((error: Error | undefined) => void) | undefined;
  #reason: Error | undefined;

  constructor(options: BufferOptions, listener: QueueListener) {
    const {
      bufferMax = BUFFER_MAX,
      bufferMaxBytes = BUFFER_MAX_BYTES,
      overflow = 'error',
    } = options;
    this.#bufferMax = bufferMax;
    this.#bufferMaxBytes = bufferMaxBytes;
    this.#overflow = overflow;
    this.#listener = listener;
  }

  get pending(): number {
    return this.#items.length - this.#head;
  }

  get processed(): number {
    return this.#processed;
  }

  get dropped(): number {
    return this.#dropped;
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
    const bytes = bytesOf(item);
    if (this.#hasRoom(bytes)) this.#append(item, bytes);
    else this.#overflowWith(item, bytes);
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
      const value = this.#take();
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

  #hasRoom(bytes: number): boolean {
    return this.pending < this.#bufferMax && this.#bytes + bytes <= this.#bufferMaxBytes;
  }

  #append(item: T, bytes: number): void {
    const slab = slabOf(item);
    if (slab !== undefined && slab !== this.#slab) {
      this.#slab = slab;
      this.#slabs++;
    }
    if (this.#slabs > SLABS_MAX) leaveSlab(item);
    this.#items.push(item);
    this.#bytes += bytes;
  }

  #removeOldest(): T {
    const item = this.#items[this.#head] as T;
    this.#items[this.#head++] = undefined;
    this.#bytes -= bytesOf(item);
    return item;
  }

  #take(): T {
    const item = this.#removeOldest();
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
      this.#slabs = 0;
      this.#slab = undefined;
    } else {
      this.#compact();
    }
    this.#isOverflowing = false;
    return item;
  }

  #overflowWith(item: T, bytes: number): void {
    // What can never fit alone takes nothing along.
    const isOldest = this.#overflow === 'drop-oldest' && bytes <= this.#bufferMaxBytes;
    for (; isOldest && !this.#hasRoom(bytes); this.#dropped++) this.#removeOldest();
    if (!isOldest) this.#dropped++;
    else this.#append(item, bytes);
    this.#compact();
    if (this.#isOverflowing) return;
    this.#isOverflowing = true;
    this.#listener.onOverflow?.();
    if (this.#overflow !== 'error') return;
    const most = `${this.#bufferMax} messages or ${this.#bufferMaxBytes} bytes`;
    this.end(new CapacityError(`more than ${most} in a loop's buffer`));
  }

  #compact(): void {
    if (this.#head <= SLACK_MAX || this.#head * 2 <= this.#items.length) return;
    this.#items.splice(0, this.#head);
    this.#head = 0;
  }

  #abandon(): void {
    this.#isEnded = true;
    this.#isInBody = false;
    this.#items = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#slabs = 0;
    this.#slab = undefined;
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
/** Bytes of a peer that an item keeps alive. */
function bytesOf(item: object): number {
  return MessageView.madeContentOf(item)?.heldBytes ?? 0;
}
