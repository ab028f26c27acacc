// A client of the NATS protocol that is as cheap as can be, so that what is measured is the server. It greets,
// confirms by PING and PONG, and hands on either lines and payloads, or, where only their number matters, the
// bytes uncounted by messages.

import { dial } from '../../net/dial.ts';
import type { Transport } from '../../net/transport.ts';
import { toError } from '../../shared/errors.ts';
import { VERSION } from '../../shared/version.ts';
import type { ServerAddress } from './address.ts';
import { LineReader } from './line-reader.ts';

/** What the bench uses of INFO. */
export interface ServerInfo {
  readonly server_id?: string;
  readonly server_name?: string;
  readonly version?: string;
  readonly max_payload?: number;
  readonly tls_required?: boolean;
}

/** Longest silence of a server that is meant to answer. */
export const STALL_MS = 5_000;

/** Bytes of one read; all connections share it, and who is told of bytes uses them at once. */
const inbox = new Uint8Array(256 * 1024);

const PING = Buffer.from('PING\r\n');
const PONG = Buffer.from('PONG\r\n');

/** Sees what arrives. */
export interface ClientReader {
  /** A message's arguments, and its payload's length. */
  onMessage?(args: readonly string[], payloadLen: number): void;
  /** Instead of reading lines: so many bytes have come, valid during the call. */
  onBytes?(bytes: Uint8Array): void;
  /** Nothing more will come; `check` says why. */
  onFailure?(): void;
}

/** One connection that has been greeted. */
export class BenchClient {
  readonly #transport: Transport;
  readonly #lines: LineReader;
  #info: ServerInfo = {};
  #failure: Error | undefined;
  #isClosed = false;
  /** Settles when the last write has left. */
  #held: Promise<void> | undefined;
  #reader: ClientReader = {};
  /** Called when something changes: a line came, the connection failed. */
  #wake: () => void = () => {};
  #pongs = 0;

  private constructor(transport: Transport) {
    this.#transport = transport;
    this.#lines = new LineReader({
      onLine: (verb, rest) => this.#onLine(verb, rest),
      onMessage: (args, payloadLen) => this.#reader.onMessage?.(args, payloadLen),
    });
    const feed = (bytes: Uint8Array): void => {
      if (this.#reader.onBytes !== undefined) this.#reader.onBytes(bytes);
      else this.#lines.feed(bytes);
    };
    transport.start({
      into: { view: () => inbox, onFilled: (length) => feed(inbox.subarray(0, length)) },
      onBytes: feed,
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
      await client.#until(() => client.#info.version !== undefined, 'no INFO');
      if (client.#info.tls_required === true) {
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
    return this.#info;
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
    if (this.#held !== undefined) return this.#held.then(() => this.write(bytes));
    let release: () => void = () => {};
    const written = this.#transport.write([bytes], () => release());
    if (written === 'taken') return undefined;
    const timer = setTimeout(() => {
      this.#fail(new Error(`the server did not read for ${STALL_MS / 1000} s`));
      this.#transport.destroy();
    }, STALL_MS);
    this.#held = new Promise((resolve) => {
      release = () => {
        clearTimeout(timer);
        this.#held = undefined;
        resolve();
      };
    });
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
  }

  #readInfo(text: string): void {
    let info: unknown;
    try {
      info = JSON.parse(text);
    } catch {
      info = undefined;
    }
    if (typeof info === 'object' && info !== null) this.#info = info as ServerInfo;
    else this.#fail(new Error('the server sent an INFO that is no JSON object'));
  }

  #onLine(verb: string, rest: string): void {
    switch (verb) {
      case 'INFO':
        this.#readInfo(rest);
        break;
      case 'PING':
        if (this.#failure === undefined) this.write(PONG)?.catch(() => {});
        return;
      case 'PONG':
        this.#pongs++;
        break;
      case '-ERR':
        this.#fail(new Error(`the server says ${rest}`));
        return;
      default:
        return;
    }
    this.#wake();
  }

  #fail(error: Error): void {
    if (this.#isClosed) return;
    this.#failure ??= error;
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
