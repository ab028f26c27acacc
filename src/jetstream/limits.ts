// What streams may take: bytes of memory and of files, of all accounts together and of each, as used and as reserved by
// streams that say how much they may hold.
// Source: nats-server 2.15.3, server/jetstream.go, checkBytesLimits, wouldExceedLimits, reserveStreamResources.
import { refusal } from './errors.ts';
import type { StreamConfig } from './stream/config.ts';

export type Storage = StreamConfig['storage'];

/**
 * What stores really occupy, index, tables and free room included. What streams are said to use goes by the original's
 * formula, which of small messages on many subjects is a tenth of that: both are bounded.
 */
export class Held {
  /** Infinity = no bound. */
  readonly max: number;
  bytes = 0;

  constructor(max: number) {
    this.max = max;
  }
}

/** Bytes of one kind of storage. */
export class Pool {
  /** Infinity = no bound. */
  max: number;
  readonly held: Held;
  used = 0;
  reserved = 0;
  /** Where there is no room: what the bound follows from may be otherwise by now. */
  measure: () => void = () => {};
  /** A message is refused for want of room. */
  onExceeded: () => void = () => {};

  constructor(max: number, held: Held) {
    this.max = max;
    this.held = held;
  }

  /** Whether a message that has come is to be refused. */
  get isExceeded(): boolean {
    if (!this.#isFull) return false;
    this.measure();
    const isFull = this.#isFull;
    if (isFull) this.onExceeded();
    return isFull;
  }

  get #isFull(): boolean {
    return this.used > this.max || this.held.bytes > this.held.max;
  }

  /** Whether so many bytes more can be reserved. */
  hasRoom(bytes: number): boolean {
    if (this.#mayReserve(bytes)) return true;
    this.measure();
    return this.#mayReserve(bytes);
  }

  #mayReserve(bytes: number): boolean {
    return this.reserved <= this.max && bytes <= this.max - this.reserved;
  }
}

/** One for each kind. */
export class Pools {
  readonly memory: Pool;
  readonly file: Pool;

  /** @param heldMax bytes of memory that all of them may really occupy */
  constructor(maxMemory: number, maxFile: number, heldMax: number) {
    const held = new Held(heldMax);
    this.memory = new Pool(maxMemory, held);
    this.file = new Pool(maxFile, held);
  }

  /** Throws ApiError when there is no room to reserve so many bytes more. */
  check(storage: Storage, bytes: number): void {
    if (this[storage].hasRoom(bytes)) return;
    throw refusal(storage === 'memory' ? 'memoryExceeded' : 'storageExceeded');
  }
}

/** What a stream reserves: nothing unless it has a bound. */
export function reservedBytes({ max_bytes }: Pick<StreamConfig, 'max_bytes'>): number {
  return max_bytes > 0 ? Number(max_bytes) : 0;
}
