// Messages that wait for a loop or for a handler's turn, bounded by their number and by the bytes that came from peers,
// for those are all that it keeps alive. When it is full the overflow policy decides.

import { CapacityError } from '../shared/errors.ts';
import { leaveSlab, MessageView, slabOf } from './message.ts';
import type { BufferOptions, OverflowPolicy } from './types.ts';

/** As many messages, and as many bytes, as nats.go keeps for a subscription. */
const BUFFER_MAX = 65_536;
const BUFFER_MAX_BYTES = 67_108_864;
/** So many slabs of 64 KiB may be kept alive by the small messages that came in them. */
const SLABS_MAX = 1024;
/** Free slots at the front of the array above which it is moved down. */
const SLACK_MAX = 1024;

export interface BufferListener<T> {
  /** The message that an item is about. */
  messageOf(item: T): object;
  /** A message was dropped; once until there is room again. */
  onOverflow(): void;
  onDropped?(item: T): void;
  /** The policy is 'error': nothing more is to be put in. */
  onFull(error: CapacityError): void;
}

export class BoundedBuffer<T> {
  readonly #bufferMax: number;
  readonly #bufferMaxBytes: number;
  readonly #overflow: OverflowPolicy;
  readonly #listener: BufferListener<T>;
  #items: (T | undefined)[] = [];
  #head = 0;
  /** Of peers, in what is buffered. */
  #bytes = 0;
  /** Slabs of what has been buffered since nothing was, and the last of them. */
  #slabs = 0;
  #slab: object | undefined;
  #isOverflowing = false;
  #dropped = 0;

  constructor(options: BufferOptions, listener: BufferListener<T>) {
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

  get length(): number {
    return this.#items.length - this.#head;
  }

  /** Lost to a full buffer. */
  get dropped(): number {
    return this.#dropped;
  }

  push(item: T): void {
    const message = this.#listener.messageOf(item);
    const bytes = bytesOf(message);
    if (this.#hasRoom(bytes)) this.#append(item, message, bytes);
    else this.#overflowWith(item, message, bytes);
  }

  /** The oldest; there must be one. */
  take(): T {
    const item = this.#removeOldest();
    if (this.#head === this.#items.length) this.#reset();
    else this.#compact();
    this.#isOverflowing = false;
    return item;
  }

  /** Empties it; answers what was there. */
  clear(): T[] {
    const items = this.#items.slice(this.#head) as T[];
    this.#reset();
    return items;
  }

  #reset(): void {
    this.#items.length = 0;
    this.#head = 0;
    this.#bytes = 0;
    this.#slabs = 0;
    this.#slab = undefined;
  }

  #hasRoom(bytes: number): boolean {
    return this.length < this.#bufferMax && this.#bytes + bytes <= this.#bufferMaxBytes;
  }

  #append(item: T, message: object, bytes: number): void {
    this.#items.push(item);
    if (bytes === 0) return;
    this.#bytes += bytes;
    const slab = slabOf(message);
    if (slab !== undefined && slab !== this.#slab) {
      this.#slab = slab;
      this.#slabs++;
    }
    if (this.#slabs > SLABS_MAX) leaveSlab(message);
  }

  #removeOldest(): T {
    const item = this.#items[this.#head] as T;
    this.#items[this.#head++] = undefined;
    if (this.#bytes > 0) this.#bytes -= bytesOf(this.#listener.messageOf(item));
    return item;
  }

  #overflowWith(item: T, message: object, bytes: number): void {
    // What can never fit alone takes nothing along.
    const isOldest = this.#overflow === 'drop-oldest' && bytes <= this.#bufferMaxBytes;
    while (isOldest && !this.#hasRoom(bytes)) this.#drop(this.#removeOldest());
    if (isOldest) this.#append(item, message, bytes);
    else this.#drop(item);
    this.#compact();
    if (this.#isOverflowing) return;
    this.#isOverflowing = true;
    this.#listener.onOverflow();
    if (this.#overflow !== 'error') return;
    const most = `${this.#bufferMax} messages or ${this.#bufferMaxBytes} bytes`;
    this.#listener.onFull(new CapacityError(`more than ${most} in a subscription's buffer`));
  }

  #drop(item: T): void {
    this.#dropped++;
    this.#listener.onDropped?.(item);
  }

  #compact(): void {
    if (this.#head <= SLACK_MAX || this.#head * 2 <= this.#items.length) return;
    this.#items.splice(0, this.#head);
    this.#head = 0;
  }
}

/** Bytes of a peer that a message keeps alive. */
function bytesOf(message: object): number {
  return MessageView.madeContentOf(message)?.heldBytes ?? 0;
}
