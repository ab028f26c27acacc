// Listening on TCP, and a transport over a plain socket. A write that the kernel took whole at once is
// `taken`: nothing is left in the stream, so the view is free although the callback comes later.
import { createServer, type Server, type Socket } from 'node:net';
import type { Transport, TransportReader, Written } from './transport.ts';

export interface ListenOptions {
  /** `0.0.0.0` or empty is every address of both families. */
  readonly host: string;
  /** 0 or below is any free port. */
  readonly port: number;
  /** Called for each connection; it has to `start` the transport or `destroy` it. */
  readonly onConnection: (transport: Transport) => void;
  /** Something is wrong with the listening socket; it goes on. */
  readonly onError: (error: Error) => void;
}

export interface Listener {
  /** The host as announced: every address is `0.0.0.0`. */
  readonly address: string;
  readonly port: number;
  /** Stops accepting and frees the port. Connections stay open. */
  close(): void;
}

/** Connections that wait to be accepted; the kernel has a lower bound of its own. */
const BACKLOG = 4096;
/** With any more, a stream that is paused in the middle of a read begins the next one by itself. */
const HIGH_WATER_MARK = 0;
/** All addresses, where there is IPv6 and where there is none. */
const ANY = ['::', '0.0.0.0'];

/**
 * Listens for TCP connections.
 *
 * Rejects with the platform's error (`EADDRINUSE`, …) when it cannot.
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  const isAny = options.host === '' || options.host === '0.0.0.0';
  const hosts = isAny ? ANY : [options.host];
  const port = Math.max(0, options.port);
  let failure: unknown;
  for (const host of hosts) {
    try {
      const server = await bind(host, port, options);
      const address = server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : port;
      return {
        address: isAny ? '0.0.0.0' : options.host,
        port: bound,
        close: () => void server.close(),
      };
    } catch (error) {
      failure = error;
      if (!isFamilyMissing(error)) break;
    }
  }
  throw failure;
}

function bind(host: string, port: number, options: ListenOptions): Promise<Server> {
  const server = createServer({
    allowHalfOpen: true,
    noDelay: true,
    highWaterMark: HIGH_WATER_MARK,
  });
  server.on('connection', (socket) => options.onConnection(new TcpTransport(socket)));
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: BACKLOG }, () => {
      server.off('error', reject);
      server.on('error', options.onError);
      resolve(server);
    });
  });
}

function isFamilyMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL' || code === 'EINVAL';
}

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** An IPv4 address that came in by an IPv6 socket, as the IPv4 address it is; any other as it is. */
export function plainAddress(address: string): string {
  return MAPPED.exec(address)?.[1] ?? address;
}

interface ReadHandle {
  reading: boolean;
  readStart(): number;
  readStop(): number;
}

/**
 * What a socket reads by, where this Node has it as we know it. `Socket.pause` alone lets one more read come
 * into the stream's buffer: with thousands of paused peers that is more than all they are allowed.
 */
function handleOf(socket: Socket): ReadHandle | undefined {
  const handle = (socket as unknown as { _handle?: Partial<ReadHandle> | null })._handle;
  const isKnown =
    typeof handle?.reading === 'boolean' &&
    typeof handle.readStart === 'function' &&
    typeof handle.readStop === 'function';
  return isKnown ? (handle as ReadHandle) : undefined;
}

/** A transport over a plain socket, which it owns. The socket must allow half-open connections. */
export class TcpTransport implements Transport {
  readonly remote: { readonly address: string; readonly port: number };
  readonly #socket: Socket;
  #reader: TransportReader | undefined;
  #error: Error | undefined;
  #isEnded = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.remote = {
      address: plainAddress(socket.remoteAddress ?? ''),
      port: socket.remotePort ?? 0,
    };
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('close', () => this.#closed());
  }

  write(views: readonly Uint8Array[], done: (error?: Error) => void): Written {
    const socket = this.#socket;
    if (!socket.writable) return 'taken';
    let isHeld = false;
    const last = views.length - 1;
    if (last > 0) socket.cork();
    for (let i = 0; i < last; i++) socket.write(views[i]!);
    socket.write(views[last]!, (error) => {
      if (isHeld) done(error ?? undefined);
    });
    if (last > 0) socket.uncork();
    isHeld = socket.writableLength > 0;
    return isHeld ? 'held' : 'taken';
  }

  start(reader: TransportReader): void {
    const socket = this.#socket;
    this.#reader = reader;
    if (socket.destroyed) {
      queueMicrotask(() => this.#closed());
      return;
    }
    socket.on('data', (bytes: Uint8Array) => {
      if (!this.#isEnded) this.#reader?.onBytes(bytes);
    });
    socket.on('end', () => this.#closed());
  }

  pause(): void {
    if (this.#isEnded) return;
    this.#socket.pause();
    const handle = handleOf(this.#socket);
    if (handle?.reading !== true) return;
    handle.reading = false;
    handle.readStop();
  }

  resume(): void {
    const handle = handleOf(this.#socket);
    if (handle?.reading === false) {
      handle.reading = true;
      handle.readStart();
    }
    this.#socket.resume();
  }

  end(): void {
    this.#isEnded = true;
    this.#socket.end();
    this.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #closed(): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.onClose(this.#error);
  }
}
