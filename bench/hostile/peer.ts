// One hostile connection: it writes as much as the other side takes, and reads all, nothing, or a little.
import { connect, type Socket } from 'node:net';

/** How a peer behaves beside what it writes. */
export interface PeerOptions {
  /** JSON of its CONNECT; undefined: it says nothing by itself. */
  readonly connect?: string | undefined;
  readonly reads?: boolean;
  /** Bytes of one read; it may be woken for one at a time (`sip`). */
  readonly readBytes?: number;
  /** It stays when the other side has ended, or after it has itself. */
  readonly allowHalfOpen?: boolean;
}

/** How a peer leaves. */
export type Ending = 'fin' | 'reset' | 'error';

/** Of the user whom a server knows that asks; others do not look at it. */
export const CREDENTIALS = '"user":"bench","pass":"bench"';
export const PLAIN: string = `{"verbose":false,"pedantic":false,"headers":true,"no_responders":true,${CREDENTIALS}}`;
export const NO_ECHO: string = PLAIN.replace('{', '{"echo":false,');

const PONG = 'PONG\r\n';
/** What is read is looked at or thrown away before the next read, so one buffer serves all. */
const shared = Buffer.allocUnsafe(256 * 1024);

export class Peer {
  readonly socket: Socket;
  /** Resolves when the connection is gone, for whatever reason. */
  readonly closed: Promise<void>;
  #isOpen = true;
  #reads: boolean;
  /** Those who wait until more can be written, or until the end. */
  #waiting: (() => void)[] = [];
  /** Who waits for a PONG, and what has been read meanwhile. */
  #onPong: (() => void) | undefined;
  #tail = '';

  constructor(port: number, options: PeerOptions) {
    this.#reads = options.reads ?? true;
    const { readBytes } = options;
    const buffer = readBytes === undefined ? shared : Buffer.allocUnsafe(readBytes);
    const callback = (length: number, bytes: Uint8Array): boolean => {
      if (this.#onPong !== undefined) this.#look(bytes.subarray(0, length));
      return this.#reads;
    };
    const allowHalfOpen = options.allowHalfOpen ?? false;
    const onread = { buffer, callback };
    this.socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen, onread });
    if (!this.#reads) this.socket.pause();
    // Why it ended does not matter here: 'close' follows.
    this.socket.on('error', () => {});
    this.socket.on('drain', () => this.#wake());
    this.closed = new Promise((resolve) => {
      this.socket.once('close', () => {
        this.#isOpen = false;
        this.#wake();
        this.#onPong?.();
        resolve();
      });
    });
    if (options.connect !== undefined) this.socket.write(`CONNECT ${options.connect}\r\n`);
  }

  get isOpen(): boolean {
    return this.#isOpen && this.socket.writable;
  }

  /** Resolves to whether there is a connection. */
  async connected(): Promise<boolean> {
    if (!this.socket.connecting) return this.#isOpen;
    await new Promise<void>((resolve) => {
      this.socket.once('connect', resolve);
      void this.closed.then(resolve);
    });
    return this.#isOpen;
  }

  /** Resolves when more can be written; to false when it has ended. */
  async send(bytes: string | Uint8Array): Promise<boolean> {
    if (!this.isOpen) return false;
    const isFull = !(typeof bytes === 'string'
      ? this.socket.write(bytes, 'latin1')
      : this.socket.write(bytes));
    if (isFull) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    } else {
      // Else a loop of small writes would never let go of the thread.
      await nextTurn();
    }
    return this.isOpen;
  }

  /** Resolves at the PONG to a PING behind everything sent so far; to false when it has ended. */
  async confirm(): Promise<boolean> {
    const ponged = new Promise<void>((resolve) => {
      this.#onPong = resolve;
    });
    if (!(await this.send('PING\r\n'))) return false;
    await ponged;
    this.#onPong = undefined;
    this.#tail = '';
    return this.isOpen;
  }

  /** Reads once more, as much as its buffer holds. */
  sip(): void {
    this.socket.resume();
  }

  /** Leaves, and resolves when it is gone. */
  async leave(ending: Ending): Promise<void> {
    if (ending === 'reset') this.socket.resetAndDestroy();
    else if (ending === 'fin') this.socket.end();
    else await this.send('BANG\r\n');
    await this.closed;
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #look(bytes: Uint8Array): void {
    const { buffer, byteOffset, length } = bytes;
    const text = this.#tail + Buffer.from(buffer, byteOffset, length).toString('latin1');
    if (text.includes(PONG)) this.#onPong?.();
    this.#tail = text.slice(1 - PONG.length);
  }
}

/** Lets what has come be read, and everybody else go on. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
