// A client of the NATS protocol that is as cheap as can be, so that what is measured is the server. It greets,
// confirms by PING and PONG, answers the server's PING, and hands on messages line by line, or, where all are the
// same, the bytes as they come. The server is not trusted: whatever is out of order fails the connection, and
// what it says is made fit to be shown.

import { dial } from '../../net/dial.ts';
import type { Transport } from '../../net/transport.ts';
import { toError } from '../../shared/errors.ts';
import { VERSION } from '../../shared/version.ts';
import type { ServerAddress } from './address.ts';
import { LineReader } from './line-reader.ts';
import { printable } from './printable.ts';
import { parseInfo, type ServerInfo } from './server-info.ts';

/** Longest silence of a server that is meant to answer. */
export const STALL_MS = 5_000;

/** Bytes of one read; all connections share it, and who is told of bytes uses them at once. */
const inbox = new Uint8Array(256 * 1024);

/** Bytes that wait behind a held write at most: a server that sends without reading would fill the memory. */
const WAITING_MAX = 64 * 1024 * 1024;

const PING = Buffer.from('PING\r\n');
const PONG = Buffer.from('PONG\r\n');

/** Sees what arrives. What it throws fails the connection. */
export interface ClientReader {
  /** A message's arguments, and its payload's length. */
  onMessage?(args: readonly string[], payloadLen: number): void;
  /**
   * Is offered, before they are read as lines, the bytes from `at` on, where a line begins or where it stopped at
   * the end of a read; they are valid during the call. Returns the first byte that it has not taken.
   */
  take?(bytes: Buffer, at: number): number;
  /** Nothing more will come; `check` says why. */
  onFailure?(): void;
}

/** One connection that has been greeted. */
export class BenchClient {
  readonly #transport: Transport;
  readonly #lines: LineReader;
  #info: ServerInfo | undefined;
  #failure: Error | undefined;
  #isClosed = false;
  /** Settles when the last write has left, or never will. */
  #held: Promise<void> | undefined;
  #release: () => void = () => {};
  #reader: ClientReader = {};
  /** Called when something changes: a line came, the connection failed. */
  #wake: () => void = () => {};
  #pongs = 0;
  /** Bytes of writes that wait for the one that is held. */
  #waiting = 0;

  private constructor(transport: Transport) {
    this.#transport = transport;
    this.#lines = new LineReader({
      onLine: (verb, rest) => this.#onLine(verb, rest),
      onMessage: (args, payloadLen) => this.#reader.onMessage?.(args, payloadLen),
    });
    transport.start({
      staysInPlace: true,
      view: () => inbox,
      onFilled: (length) => this.#feed(inbox.subarray(0, length)),
      onClose: (error) => this.#fail(error ?? new Error('the server closed the connection')),
    });
  }

  /** Connects and authenticates. Rejects with what the server says against it. */
  static async connect(address: ServerAddress): Promise<BenchClient> {
    let client: BenchClient;
    try {
      client = new BenchClient(await dial(address));
    } catch (error) {
      throw new Error(`cannot connect to ${address.url}: ${reasonOf(error)}`);
    }
    try {
      await client.#until(() => client.#info !== undefined, 'no INFO');
      if (client.info.tls_required === true) {
        throw new Error('it requires TLS, which this bench does not speak');
      }
      const options = {
        ...{ verbose: false, pedantic: false, headers: true, no_responders: true, echo: true },
        ...{ lang: 'ganglion', name: 'ganglion bench', version: VERSION, ...address.credentials },
      };
      await client.write(Buffer.from(`CONNECT ${JSON.stringify(options)}\r\n`));
      await client.confirm();
      return client;
    } catch (error) {
      client.close();
      throw new Error(`${address.url}: ${toError(error).message}`);
    }
  }

  get info(): ServerInfo {
    return this.#info ?? {};
  }

  set reader(reader: ClientReader) {
    this.#reader = reader;
  }

  /**
   * Undefined when the bytes may be overwritten at once, otherwise a promise of that moment: a server that does not
   * read makes it wait, and fails the connection after `STALL_MS`. Writes keep their order.
   */
  write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#held !== undefined) return this.#writeLater(bytes);
    let release: () => void = () => {};
    const written = this.#transport.write([bytes], () => release());
    if (written === 'taken') return undefined;
    const timer = setTimeout(() => {
      this.#fail(new Error(`the server did not read for ${STALL_MS / 1000} s`));
    }, STALL_MS);
    this.#held = new Promise((resolve) => {
      release = () => {
        clearTimeout(timer);
        this.#held = undefined;
        resolve();
      };
    });
    this.#release = release;
    return this.#held;
  }

  /** Resolves when the server has done what was sent so far; rejects with its `-ERR`. */
  async confirm(): Promise<void> {
    const wanted = this.#pongs + 1;
    await this.write(PING);
    await this.#until(() => this.#pongs >= wanted, 'a PING was not answered');
  }

  /** Throws what has gone wrong on this connection, if anything. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  close(): void {
    this.#isClosed = true;
    this.#transport.destroy();
    this.#release();
  }

  async #writeLater(bytes: Uint8Array): Promise<void> {
    if (this.#waiting + bytes.length > WAITING_MAX) {
      const error = new Error('the server sends, but does not read what it gets for that');
      this.#fail(error);
      throw error;
    }
    this.#waiting += bytes.length;
    await this.#held;
    this.#waiting -= bytes.length;
    await this.write(bytes);
  }

  #feed(view: Uint8Array): void {
    const bytes = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
    try {
      for (let at = 0; at < bytes.length && this.#failure === undefined; ) {
        if (this.#reader.take !== undefined && this.#lines.isBetween) {
          at = this.#reader.take(bytes, at);
        }
        if (at < bytes.length) at = this.#lines.feed(bytes, at);
      }
    } catch (error) {
      this.#fail(toError(error));
    }
  }

  #onLine(verb: string, rest: string): void {
    switch (verb) {
      case 'INFO':
        this.#info = parseInfo(textOf(rest));
        this.#lines.payloadMax = this.#info.max_payload ?? this.#lines.payloadMax;
        break;
      case 'PING':
        this.write(PONG)?.catch(() => {});
        return;
      case 'PONG':
        this.#pongs++;
        break;
      case '-ERR':
        throw new Error(`the server says ${printable(textOf(rest))}`);
      case '+OK':
        return;
      default:
        throw new Error(`the server sent a line that is none: ${printable(textOf(verb))}`);
    }
    this.#wake();
  }

  /** The first one counts; nothing is read or written after it. */
  #fail(error: Error): void {
    if (this.#isClosed || this.#failure !== undefined) return;
    this.#failure = error;
    this.#transport.destroy();
    this.#release();
    this.#wake();
    this.#reader.onFailure?.();
  }

  #until(isThere: () => boolean, complaint: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#wake = () => {};
        reject(new Error(`${complaint} within ${STALL_MS / 1000} s`));
      }, STALL_MS);
      const look = (): void => {
        if (this.#failure === undefined && !isThere()) return;
        clearTimeout(timer);
        this.#wake = () => {};
        if (this.#failure === undefined) resolve();
        else reject(this.#failure);
      };
      this.#wake = look;
      look();
    });
  }
}

/** The reason of a failed connect; of one that was tried at several addresses, the first one's. */
function reasonOf(error: unknown): string {
  const [first] = error instanceof AggregateError ? error.errors : [];
  return toError(first ?? error).message;
}

/** A line has been read byte by byte; its text is UTF-8. */
function textOf(line: string): string {
  return Buffer.from(line, 'latin1').toString();
}
