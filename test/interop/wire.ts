// A client of bytes: what a server reads is cut as we like, and what it writes is compared to the last byte.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const TIMEOUT_MS = 30_000;
const PING = 'PING\r\n';
const HELLO = 'CONNECT {"verbose":false,"pedantic":false}\r\n';

export class Wire implements AsyncDisposable {
  readonly #socket: Socket;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #wake: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => this.#wake?.());
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#bytes += chunk.length;
      this.#wake?.();
    });
  }

  /** Connects and greets, and resolves when the server has answered. */
  static async open(port: number): Promise<Wire> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const wire = new Wire(socket);
    await wire.send(HELLO);
    await wire.#until(() => wire.#text().includes('\r\n'));
    const rest = wire.#text().replace(/^INFO .*\r\n/, '');
    wire.#take(wire.#bytes - rest.length);
    await wire.flush();
    return wire;
  }

  /** Resolves when the system has taken the bytes. */
  send(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Sends in pieces of 1 to `longest` bytes, each by a write of its own. */
  async sendCut(bytes: Uint8Array, longest: number): Promise<void> {
    let seed = 12_345;
    for (let at = 0; at < bytes.length; ) {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      const length = 1 + (seed % longest);
      await this.send(bytes.subarray(at, at + length));
      at += length;
    }
  }

  /** The next frame must be this one. A server's own PING may come before any. */
  async expect(wanted: string | Uint8Array): Promise<void> {
    const bytes = Buffer.from(wanted as string, 'latin1');
    await this.#until(() => this.#bytes >= bytes.length);
    const got = this.#take(bytes.length);
    if (got.equals(bytes)) return;
    if (got.toString('latin1', 0, PING.length) === PING) {
      this.#chunks.unshift(got.subarray(PING.length));
      this.#bytes += got.length - PING.length;
      await this.expect(bytes);
      return;
    }
    const at = got.findIndex((byte, i) => byte !== bytes[i]);
    const near = (buffer: Buffer): string => JSON.stringify(buffer.toString('latin1', at, at + 40));
    throw new Error(`byte ${at} of ${bytes.length} differs: ${near(got)} for ${near(bytes)}`);
  }

  /** Everything sent before has been dealt with, and nothing else comes meanwhile. */
  async flush(): Promise<void> {
    await this.send(PING);
    await this.expect('PONG\r\n');
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.destroyed) return;
    this.#socket.destroy();
    await once(this.#socket, 'close');
  }

  #text(): string {
    return Buffer.concat(this.#chunks).toString('latin1');
  }

  #take(length: number): Buffer {
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all.subarray(length)];
    this.#bytes -= length;
    return all.subarray(0, length);
  }

  async #until(isThere: () => boolean): Promise<void> {
    const deadline = performance.now() + TIMEOUT_MS;
    while (!isThere()) {
      const left = deadline - performance.now();
      if (left <= 0 || this.#socket.destroyed) {
        const state = this.#socket.destroyed ? 'the server closed' : 'time is up';
        throw new Error(`${state}; unread: ${this.#text().slice(0, 200)}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
