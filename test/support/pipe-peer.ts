// A peer at the other end of a transport: sends text, reads lines, waits for the end.
import { deepStrictEqual, match } from 'node:assert/strict';
import type { Transport } from '../../src/net/transport.ts';
import { byteReader } from './byte-reader.ts';

const latin1 = new TextDecoder('latin1');

export class PipePeer {
  readonly transport: Transport;
  #received = '';
  #isClosed = false;
  #wake: (() => void) | undefined;
  #sending: Promise<void> = Promise.resolve();

  /** @param memory where it reads, if not into its own */
  constructor(transport: Transport, memory?: () => Uint8Array) {
    this.transport = transport;
    const onBytes = (bytes: Uint8Array): void => {
      this.#received += latin1.decode(bytes);
      this.#wake?.();
    };
    const onClose = (): void => {
      this.#isClosed = true;
      this.#wake?.();
    };
    transport.start(byteReader(onBytes, { onClose, ...(memory === undefined ? {} : { memory }) }));
  }

  /** What has come and was not read yet. */
  get received(): string {
    return this.#received;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Queues text (one byte a character) behind what is being sent. Resolves when it has been taken. */
  send(text: string): Promise<void> {
    const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
    const sent = this.#sending.then(
      () =>
        new Promise<void>((resolve) => {
          if (this.transport.write([bytes], () => resolve()) === 'taken') resolve();
        }),
    );
    this.#sending = sent;
    return sent;
  }

  /** The next line, without its end. Rejects when the connection ends before. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#received.indexOf('\r\n');
      if (end >= 0) {
        const line = this.#received.slice(0, end);
        this.#received = this.#received.slice(end + 2);
        return line;
      }
      if (this.#isClosed) throw new Error(`closed; left over: ${JSON.stringify(this.#received)}`);
      await this.more();
    }
  }

  async expectLine(expected: string | RegExp): Promise<void> {
    const line = await this.line();
    if (typeof expected === 'string') deepStrictEqual(line, expected);
    else match(line, expected);
  }

  async expectLines(...expected: (string | RegExp)[]): Promise<void> {
    for (const line of expected) await this.expectLine(line);
  }

  /** So many bytes, whatever they are. */
  async take(bytes: number): Promise<string> {
    while (this.#received.length < bytes) {
      if (this.#isClosed) throw new Error(`closed after ${this.#received.length} bytes`);
      await this.more();
    }
    const taken = this.#received.slice(0, bytes);
    this.#received = this.#received.slice(bytes);
    return taken;
  }

  /** Everything that was sent before has been dealt with, and nothing but PONG comes of it. */
  async ping(): Promise<void> {
    void this.send('PING\r\n');
    await this.expectLine('PONG');
  }

  /** Waits for the end, and that nothing came before it. */
  async expectEnd(): Promise<void> {
    while (!this.#isClosed) await this.more();
    deepStrictEqual(this.#received, '');
  }

  /** Waits for the end, whatever comes before it. */
  async ended(): Promise<string> {
    while (!this.#isClosed) await this.more();
    return this.#received;
  }

  pause(): void {
    this.transport.pause();
  }

  resume(): void {
    this.transport.resume();
  }

  end(): void {
    this.transport.end();
  }

  destroy(): void {
    this.transport.destroy();
  }

  /** Waits until something has come. */
  more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
