// What the ends of connections have in common: those that are to be finished at the end of the turn, those whose
// writes are held, and those whose peers may take a moment to end their side.
import type { Transport } from '../net/transport.ts';
import type { Clock } from '../shared/clock.ts';
import { DeadlineQueue } from '../shared/deadline-queue.ts';
import { Slices } from '../shared/slices.ts';

/** After our end the peer may still be sending; closing at once could make it lose our last words. */
const LINGER_MS = 1000;

/** A session's way out. */
interface WayOut {
  /** At the end of a turn: goes on with its end. */
  finish(): void;
  /** The transport has held a write for long. */
  missedDeadline(): void;
}

interface EndingsOptions {
  readonly clock: Clock;
  /** Runs a function once this turn of the event loop has no more reads. */
  readonly defer: (fn: () => void) => void;
  readonly writeDeadlineMs: number;
}

export class Endings {
  /** The ends of connections: each costs up to a tenth of a millisecond. */
  readonly slices: Slices;
  readonly writeDeadlines: DeadlineQueue<WayOut>;
  readonly #lingering: DeadlineQueue<Transport>;
  /** With something to finish at the end of the turn. */
  readonly #closing = new Set<WayOut>();

  constructor({ clock, defer, writeDeadlineMs }: EndingsOptions) {
    this.slices = new Slices(clock, defer);
    this.writeDeadlines = new DeadlineQueue(clock, writeDeadlineMs, (ending) =>
      this.slices.run(() => ending.missedDeadline()),
    );
    this.#lingering = new DeadlineQueue(clock, LINGER_MS, (transport) =>
      this.slices.run(() => transport.destroy()),
    );
  }

  /** The session has something to `finish` at the end of the turn. */
  closing(ending: WayOut): void {
    this.#closing.add(ending);
  }

  /** At the end of a turn. */
  finish(): void {
    if (this.#closing.size === 0) return;
    for (const ending of [...this.#closing]) {
      this.#closing.delete(ending);
      ending.finish();
    }
  }

  /** The core knows the session no more. */
  gone(ending: WayOut): void {
    this.#closing.delete(ending);
  }

  /** Our side of the transport is ended; the peer's may take a moment. */
  linger(transport: Transport): void {
    this.#lingering.add(transport);
  }

  /** Then the peer's side is ended, too. */
  lingered(transport: Transport): void {
    this.#lingering.delete(transport);
    transport.destroy();
  }

  /** Nobody is waited for any more. */
  close(): void {
    for (const transport of this.#lingering.items()) transport.destroy();
    this.#lingering.clear();
    this.writeDeadlines.clear();
  }
}
