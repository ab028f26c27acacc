// Publishers that are stalled, as NATS calls it: not read until a consumer is relieved, or for a moment at most.
// There are three reasons.
//
//   pressed    a consumer is above half of its pending limit     until one is below half, 10 ms at most
//   unwritten  what was queued for many was not written in one go         until all of it is, 100 ms
//   ahead      a bulk read was routed far ahead of its consumer   until one has been written all, 2 ms
//
// The first lets a reader catch up with a burst, and yet one dead reader stops nobody. The third is for speed: what is routed
// ahead goes through main memory instead of the processor's caches. Five pairs of 1 KiB messages were measured with
// it at 0.85 of the CPU time, and 92 MiB resident instead of 187.
// Source of the first: nats-server 1787eee, server/client.go, stalledWait (2 to 10 ms).
import type { Clock } from '../../shared/clock.ts';
import { DeadlineQueue } from '../../shared/deadline-queue.ts';
import { PAUSE_AHEAD, PAUSE_PRESSED, PAUSE_UNWRITTEN, type Paced } from './pauses.ts';
import { READ_BYTES } from './read-size.ts';

const PRESSED_MS = 10;
const UNWRITTEN_MS = 100;
const AHEAD_MS = 2;
/** Several reads, and so much that a consumer does not run dry meanwhile: 2 MiB cost a single pair a tenth. */
const AHEAD_BYTES = 4 * 1024 * 1024;

export class Stalls {
  readonly #pressed: Stall;
  readonly #unwritten: Stall;
  readonly #ahead: Stall;

  constructor(clock: Clock) {
    this.#pressed = new Stall(clock, PRESSED_MS, PAUSE_PRESSED);
    this.#unwritten = new Stall(clock, UNWRITTEN_MS, PAUSE_UNWRITTEN);
    this.#ahead = new Stall(clock, AHEAD_MS, PAUSE_AHEAD);
  }

  /** How often a publisher was stalled for a pressed consumer. */
  get count(): number {
    return this.#pressed.count;
  }

  /** A consumer of what the publisher has sent is above half of its limit. */
  pressed(publisher: Paced): void {
    this.#pressed.stall(publisher);
  }

  /**
   * A read of the publisher has been routed.
   *
   * @param length bytes that it brought
   * @param backlog most bytes that a consumer of it has to be written now
   * @param isBehind something is queued that could not be written in one go
   */
  routed(publisher: Paced, length: number, backlog: number, isBehind: boolean): void {
    if (length >= READ_BYTES && backlog > AHEAD_BYTES) this.#ahead.stall(publisher);
    if (backlog > 0 && isBehind) this.#unwritten.stall(publisher);
  }

  /** A consumer has been written everything, after some of it was held. @param isPressed it is above half of its limit */
  drained(isPressed: boolean): void {
    this.#ahead.relieve();
    if (!isPressed) this.#pressed.relieve();
  }

  /** Everything that was queued for anybody has been written. */
  caughtUp(): void {
    this.#unwritten.relieve();
  }

  /** The publisher is going away. */
  forget(publisher: Paced): void {
    this.#pressed.forget(publisher);
    this.#unwritten.forget(publisher);
    this.#ahead.forget(publisher);
  }

  close(): void {
    this.#pressed.close();
    this.#unwritten.close();
    this.#ahead.close();
  }
}

/** Who is stalled for one of the reasons. */
class Stall {
  readonly #why: number;
  readonly #stalled: DeadlineQueue<Paced>;
  count = 0;

  constructor(clock: Clock, stallMaxMs: number, why: number) {
    this.#why = why;
    this.#stalled = new DeadlineQueue(clock, stallMaxMs, (publisher) => publisher.resume(why));
  }

  stall(publisher: Paced): void {
    this.count += 1;
    this.#stalled.add(publisher);
    publisher.pause(this.#why);
  }

  forget(publisher: Paced): void {
    this.#stalled.delete(publisher);
  }

  /** Everybody goes on. */
  relieve(): void {
    if (this.#stalled.size === 0) return;
    for (const publisher of [...this.#stalled.items()]) {
      this.#stalled.delete(publisher);
      publisher.resume(this.#why);
    }
  }

  close(): void {
    this.#stalled.clear();
  }
}
