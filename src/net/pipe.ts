// Two transports that are each other's peer, inside the process. What one writes is delivered in a later turn
// of the event loop, when the other reads; until then the write is held, so a peer that does not read is felt.
import { defer } from '../shared/defer.ts';
import {
  handOver,
  type PeerFacts,
  type Transport,
  type TransportReader,
  type Written,
} from './transport.ts';

interface HeldWrite {
  readonly chunks: Uint8Array[];
  readonly done: (error?: Error) => void;
}

/** A connected pair of transports. */
export function createPipe(): [Transport, Transport] {
  const one = new PipeTransport();
  const other = new PipeTransport();
  one.other = other;
  other.other = one;
  return [one, other];
}

class PipeTransport implements Transport {
  readonly peer: PeerFacts = { address: '', port: 0, type: 'nats' };
  readonly reads = 'pipe';
  other!: PipeTransport;
  #reader: TransportReader | undefined;
  #held: HeldWrite | undefined;
  #hasStarted = false;
  #isPaused = false;
  #isPumping = false;
  /** Our side is ended: nothing is written any more, and what arrives is thrown away. */
  #isEnded = false;
  #isDestroyed = false;

  write(views: readonly Uint8Array[], done: (error?: Error) => void): Written {
    if (this.#isEnded || this.#isDestroyed || this.other.#isDestroyed) return 'taken';
    // Copied, because a view over linear memory goes blank when that memory grows.
    this.#held = { chunks: views.map((view) => view.slice()), done };
    this.other.#pump();
    return 'held';
  }

  start(reader: TransportReader): void {
    this.#reader = reader;
    this.#hasStarted = true;
    this.#pump();
  }

  pause(): void {
    this.#isPaused = !this.#isEnded;
  }

  resume(): void {
    this.#isPaused = false;
    this.#pump();
  }

  end(): void {
    this.#isEnded = true;
    this.#isPaused = false;
    this.#pump();
    this.other.#pump();
  }

  destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    this.#pump();
    this.other.#pump();
  }

  /** Some turn later, takes in what the peer has for us. */
  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    defer(() => {
      this.#isPumping = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    const write = this.other.#held;
    if (this.#isDestroyed || this.other.#isDestroyed) {
      if (write !== undefined) this.other.#report(new Error('the pipe is closed'));
      this.#closed();
      return;
    }
    if (!this.#hasStarted) return;
    while (write !== undefined && write.chunks.length > 0) {
      // Whoever reads may pause or destroy.
      if (this.#isPaused || this.#isDestroyed) return;
      const chunk = write.chunks.shift()!;
      if (this.#isEnded || this.#reader === undefined || chunk.length === 0) continue;
      const rest = chunk.subarray(handOver(this.#reader, chunk));
      if (rest.length > 0) write.chunks.unshift(rest);
    }
    if (write !== undefined) this.other.#report();
    if (!this.#isPaused && this.other.#isEnded && this.other.#held === undefined) this.#closed();
  }

  #report(error?: Error): void {
    const write = this.#held;
    this.#held = undefined;
    write?.done(error);
  }

  #closed(): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.onClose();
  }
}
