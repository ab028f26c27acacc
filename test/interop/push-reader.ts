// A client that reads as fast or as slowly as it is told to: a socket with no library between, which counts messages of
// one length by their bytes, and can stop reading.
import { connect, type Socket } from 'node:net';

export class PushReader {
  readonly #socket: Socket;
  #text = '';
  #all = '';
  bytes = 0;
  /** Everything is kept, for `takeAll`. */
  keepsAll = false;
  /** The last subject on which flow control was asked about. */
  lastAsked: string | undefined;
  readonly localPort: number;
  isClosed = false;
  #waiting: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.localPort = socket.localPort ?? 0;
    socket.on('data', (data) => this.#take(data));
    socket.on('close', () => this.#close());
    socket.on('error', () => {});
  }

  static async open(port: number): Promise<PushReader> {
    const socket = connect({ host: '127.0.0.1', port });
    await new Promise<void>((resolve, reject) =>
      socket.once('connect', resolve).once('error', reject),
    );
    const reader = new PushReader(socket);
    reader.write('CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\nPING\r\n');
    await reader.until(() => reader.said.includes('PONG\r\n'));
    reader.bytes = 0;
    reader.#text = '';
    return reader;
  }

  /** The last of what has come, as Latin-1. */
  get said(): string {
    return this.#text;
  }

  /** What has come since the last call, as Latin-1. */
  takeAll(): string {
    const all = this.#all;
    this.#all = '';
    const asked = [...all.matchAll(/ (\$JS\.FC\.\S+) /g)].at(-1);
    this.lastAsked = asked?.[1];
    return all;
  }

  write(text: string): void {
    this.#socket.write(text);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Resolves when that is so, which is looked at whenever something comes; rejects when it is closed before. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      if (this.isClosed) throw new Error(`closed behind ${this.bytes} bytes: ${this.#text}`);
      await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(data: Buffer): void {
    this.bytes += data.length;
    this.#text = (this.#text + data.toString('latin1', Math.max(0, data.length - 4096))).slice(
      -4096,
    );
    if (this.keepsAll) this.#all += data.toString('latin1');
    this.#wake();
  }

  #close(): void {
    this.isClosed = true;
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
