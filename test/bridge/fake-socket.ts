// A transport that reads into the core's memory what the test says, and takes or holds what is written.
import type { PeerFacts, Transport, TransportReader, Written } from '../../src/net/transport.ts';

export class FakeSocket implements Transport {
  readonly peer: PeerFacts;
  readonly reads = 'into';
  isPaused = false;
  /** Writes are held until `release`. */
  isHolding = false;
  written = '';
  #reader: TransportReader | undefined;
  #done: (() => void) | undefined;
  #isDestroyed = false;

  constructor(address = '127.0.0.1') {
    this.peer = { address, port: 1, type: 'nats' };
  }

  get isDestroyed(): boolean {
    return this.#isDestroyed;
  }

  /** One read brings as much of the text as there is room for: so many bytes. */
  arrive(text: string): number {
    const reader = this.#reader as TransportReader;
    const { written } = new TextEncoder().encodeInto(text, reader.view());
    reader.onFilled(written);
    return written;
  }

  /** What is held has been written. */
  release(): void {
    const done = this.#done;
    this.#done = undefined;
    done?.();
  }

  write(views: readonly Uint8Array[], done: () => void): Written {
    if (this.#isDestroyed) return 'taken';
    for (const view of views) this.written += new TextDecoder().decode(view);
    if (!this.isHolding) return 'taken';
    this.#done = done;
    return 'held';
  }

  start(reader: TransportReader): void {
    this.#reader = reader;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {}

  /** @param error why the connection has broken, if it has */
  destroy(error?: Error): void {
    this.#isDestroyed = true;
    const reader = this.#reader;
    this.#reader = undefined;
    this.isHolding = false;
    this.release();
    reader?.onClose(error);
  }
}
