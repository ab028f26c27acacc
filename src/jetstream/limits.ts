// What streams may take: bytes of memory and of files, of all accounts together and of each, as used and as reserved by
// streams that say how much they may hold.
// Source: nats-server 2.15.3, server/jetstream.go, checkBytesLimits, wouldExceedLimits, reserveStreamResources.
import { refusal } from './errors.ts';
import type { StreamConfig } from './stream/config.ts';

export type Storage = StreamConfig['storage'];

/** Bytes of one kind of storage. */
export class Pool {
  /** Infinity = no bound. */
  readonly max: number;
  used = 0;
  reserved = 0;

  constructor(max: number) {
    this.max = max;
  }

  get isExceeded(): boolean {
    return this.used > this.max;
  }
}

/** One for each kind. */
export class Pools {
  readonly memory: Pool;
  readonly file: Pool;

  constructor(maxMemory: number, maxFile: number) {
    this.memory = new Pool(maxMemory);
    this.file = new Pool(maxFile);
  }

  /** Throws ApiError when there is no room to reserve so many bytes more. */
  check(storage: Storage, bytes: number): void {
    const { max, reserved } = this[storage];
    if (reserved <= max && bytes <= max - reserved) return;
    throw refusal(storage === 'memory' ? 'memoryExceeded' : 'storageExceeded');
  }
}

/** What a stream reserves: nothing unless it has a bound. */
export function reservedBytes({ max_bytes }: Pick<StreamConfig, 'max_bytes'>): number {
  return max_bytes > 0 ? Number(max_bytes) : 0;
}
