// Publishers that wait a moment before their next read: until they are relieved, at most so long. There are three
// reasons. One has met a consumer above half of its pending limit: some consumer has to drain below half, within
// ten milliseconds; so a burst finds its reader, and one dead reader stops nobody. Or what was queued for many
// could not be written in one go: the rest has to be. Or a bulk read was routed far ahead of its consumer: some
// consumer has to be written everything, within two milliseconds. What is routed ahead goes through main memory
// instead of the processor's caches: five pairs of 1 KiB messages were measured with this third pause at 0.85 of
// the CPU time, and 92 MiB resident instead of 187.
// Source of the first: nats-server 1787eee, server/client.go, stalledWait (2 to 10 ms).
import type { Clock } from '../shared/clock.ts';
import { DeadlineQueue } from './deadline-queue.ts';
import { READ_BYTES } from './read-size.ts';

/** Milliseconds for a consumer to drain. */
export const DRAIN_MS = 10;
/** Milliseconds for what is queued to be written. */
export const WRITTEN_MS = 100;
/** Milliseconds for a consumer to catch up. */
export const AHEAD_MS = 2;
/** Several reads, and so much that a consumer does not run dry meanwhile: 2 MiB cost a single pair a tenth. */
const AHEAD_BYTES = 4 * 1024 * 1024;

/** Who can be paused. */
export interface Publisher {
  /** @param why a bit */
  stall(why: number): void;
  unstall(why: number): void;
}

/** Whether a read of so many bytes is far ahead of a consumer that has so many to be written. */
export function isAhead(length: number, backlog: number): boolean {
  return length >= READ_BYTES && backlog > AHEAD_BYTES;
}

export class Pressure {
  readonly #why: number;
  readonly #paused: DeadlineQueue<Publisher>;
  #count = 0;

  /** @param why what publishers are told, a bit */
  constructor(clock: Clock, pauseMaxMs: number, why: number) {
    this.#why = why;
    this.#paused = new DeadlineQueue(clock, pauseMaxMs, (publisher) => publisher.unstall(why));
  }

  /** How often a publisher was paused. */
  get count(): number {
    return this.#count;
  }

  get hasPaused(): boolean {
    return this.#paused.size > 0;
  }

  pause(publisher: Publisher): void {
    this.#count += 1;
    this.#paused.add(publisher);
    publisher.stall(this.#why);
  }

  /** It is going away. */
  forget(publisher: Publisher): void {
    this.#paused.delete(publisher);
  }

  /** Everybody goes on. */
  relieve(): void {
    for (const publisher of [...this.#paused.items()]) {
      this.#paused.delete(publisher);
      publisher.unstall(this.#why);
    }
  }

  close(): void {
    this.#paused.clear();
  }
}
