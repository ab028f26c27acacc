// Publishers that wait a moment before their next read: until they are relieved, at most so long. There are two
// reasons. One has met a consumer above half of its pending limit: some consumer has to drain below half, within
// ten milliseconds; so a burst finds its reader, and one dead reader stops nobody. Or what was queued for many
// could not be written in one go: the rest has to be.
// Source: nats-server 1787eee, server/client.go, stalledWait (2 to 10 ms).
import type { Clock } from '../shared/clock.ts';
import { DeadlineQueue } from './deadline-queue.ts';

/** Milliseconds for a consumer to drain. */
export const DRAIN_MS = 10;
/** Milliseconds for what is queued to be written. */
export const WRITTEN_MS = 100;

/** Who can be paused. */
export interface Publisher {
  /** @param why a bit */
  stall(why: number): void;
  unstall(why: number): void;
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
