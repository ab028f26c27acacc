// The bounded buffer between a synchronous bus and an asynchronous loop. It is bounded by messages and by the bytes
// that came from peers, for those are all that it keeps alive. One loop at a time; when the buffer is full the
// overflow policy decides. It ends after what is buffered, with an error if there was one.

import { CapacityError, InvalidArgumentError, InvalidOperationError } from '../shared/errors.ts';
import { MessageView } from './message.ts';
import type { BufferOptions, OverflowPolicy } from './types.ts';

/** As many messages, and as many bytes, as nats.go keeps for a subscription. */
const BUFFER_MAX = 65_536;
const BUFFER_MAX_BYTES = 67_108_864;
/** So many slabs of 64 KiB may be kept alive by the small messages that came in them. */
const SLABS_MAX = 1024;
/** Free slots at the front of the array above which it is moved down. */
const SLACK_MAX = 1024;
const POLICIES: readonly string[] = ['drop-oldest', 'drop-newest', 'error'];

export interface QueueListener {
  /** A message was dropped, or the queue has ended because of one; once until there is room again. */
  onOverflow?(): void;
  /** Nothing will come any more: the last message has been taken, or the loop was left. */
  onFinished(error: Error | undefined): void;
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
  #isOverflowing = false;
  #error: Error | undefined;
  #processed = 0;
  #dropped = 0;
  #onEmpty: (() => void)[] = [];

  /** Throws InvalidArgumentError for a bad option. */
  constructor(options: BufferOptions, listener: QueueListener) {
    const {
      bufferMax = BUFFER_MAX,
      bufferMaxBytes = BUFFER_MAX_BYTES,
      overflow = 'error',
    } = options;
    for (const [name, bound] of Object.entries({ bufferMax, bufferMaxBytes })) {
      if (!(bound >= 1)) throw InvalidArgumentError.format(name, 'must be at least 1');
    }
    if (!POLICIES.includes(overflow)) {
      throw InvalidArgumentError.format('overflow', `must be one of ${POLICIES.join(', ')}`);
    }
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

  /** A loop has begun and not been left. */
  get isStarted(): boolean {
    return this.#isStarted && !this.#isFinished;
  }

  push(item: T): void {
    if (this.#isEnded) return;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      this.#rejecting.shift();
      this.#processed++;
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

  /** Resolves when everything buffered has been taken, or nobody is going to. */
  whenEmpty(): Promise<void> {
    if (this.pending === 0 || !this.isStarted) return Promise.resolve();
    return new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  /** Throws InvalidOperationError when there is a loop already. */
  [Symbol.asyncIterator](): AsyncIterator<T> {
    if (this.#isStarted) throw new InvalidOperationError('iterator is already yielding');
    this.#isStarted = true;
    return {
      next: () => this.#next(),
      return: () => {
        this.#abandon();
        return Promise.resolve({ value: undefined, done: true });
      },
    };
  }

  #next(): Promise<IteratorResult<T>> {
    if (this.pending > 0) {
      const value = this.#take();
      this.#processed++;
      return Promise.resolve({ value, done: false });
    }
    if (!this.#isEnded) {
      return new Promise((resolve, reject) => {
        this.#waiting.push(resolve);
        this.#rejecting.push(reject);
      });
    }
    this.#finish();
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) return Promise.reject(error);
    return Promise.resolve({ value: undefined, done: true });
  }

  #hasRoom(bytes: number): boolean {
    return this.pending < this.#bufferMax && this.#bytes + bytes <= this.#bufferMaxBytes;
  }

  #append(item: T, bytes: number): void {
    const content = MessageView.madeContentOf(item);
    const slab = content?.slab;
    if (slab !== undefined && slab !== this.#slab) {
      this.#slab = slab;
      this.#slabs++;
    }
    if (this.#slabs > SLABS_MAX) content?.leaveSlab();
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
    } else {
      this.#compact();
    }
    this.#isOverflowing = false;
    if (this.pending === 0) this.#tellEmpty();
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
    this.#items = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#tellEmpty();
    this.#answerWaiting();
    this.#finish();
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

  #tellEmpty(): void {
    this.#slabs = 0;
    this.#slab = undefined;
    const told = this.#onEmpty;
    this.#onEmpty = [];
    for (const tell of told) tell();
  }

  #finish(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#listener.onFinished(this.#error);
  }
}
/** Bytes of a peer that an item keeps alive. */
function bytesOf(item: object): number {
  return MessageView.madeContentOf(item)?.heldBytes ?? 0;
}
