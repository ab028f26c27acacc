// Publishers that have met a consumer above half of its pending limit wait a moment before their next read:
// until some consumer has drained below half, at most ten milliseconds. So a burst finds its reader, and one
// dead reader stops nobody.
// Source: nats-server 1787eee, server/client.go, stalledWait (2 to 10 ms).
import type { Clock } from '../shared/clock.ts';
import { DeadlineQueue } from './deadline-queue.ts';

const PAUSE_MAX_MS = 10;

/** Who can be paused. */
export interface Publisher {
  stall(): void;
  unstall(): void;
}

export class Pressure {
  readonly #paused: DeadlineQueue<Publisher>;
  #count = 0;

  constructor(clock: Clock) {
    this.#paused = new DeadlineQueue(clock, PAUSE_MAX_MS, (publisher) => publisher.unstall());
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
    publisher.stall();
  }

  /** It is going away. */
  forget(publisher: Publisher): void {
    this.#paused.delete(publisher);
  }

  /** A consumer has drained: everybody goes on. */
  relieve(): void {
    for (const publisher of [...this.#paused.items()]) {
      this.#paused.delete(publisher);
      publisher.unstall();
    }
  }

  close(): void {
    this.#paused.clear();
  }
}
