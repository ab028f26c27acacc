// Listening on TCP. Every connection becomes a TcpTransport.
//
// When descriptors are used up Node accepts and closes, and tells nobody. So those that are left when it comes close to
// the limit are for saying no:  │ … served … │ 16: told so │ 16: closed at once │ limit
import { createServer, type Server, type Socket } from 'node:net';
import { descriptorOf, HIGH_WATER_MARK, TcpTransport } from './tcp-transport.ts';
import type { Transport } from './transport.ts';

interface ListenOptions {
  /** `0.0.0.0` or empty is every address of both families. */
  readonly host: string;
  /** 0 or below is any free port. */
  readonly port: number;
  /** Called for each connection; it has to `start` the transport or `destroy` it. */
  readonly onConnection: (transport: Transport) => void;
  /** Descriptors that this process may have, where that is known. */
  readonly descriptorMax?: number | undefined;
  /**
   * The same for a connection that is one too many for the descriptors; undefined: there is none left to say so by, and
   * it has been closed. Without this it is closed in any case.
   */
  readonly onCrowded?: (transport: Transport | undefined) => void;
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

/** Descriptors that are not given to peers: other things of the program need some, too. */
const SPARE_DESCRIPTORS = 32;
/** Of those, the last ones are not even for a refusal. */
const LAST_DESCRIPTORS = 16;
/** Connections that wait to be accepted; the kernel has a lower bound of its own. */
const BACKLOG = 4096;
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
    // Nothing is read before the transport is started: it may have to make its socket anew.
    pauseOnConnect: true,
  });
  server.on('connection', (socket) => take(socket, options));
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: BACKLOG }, () => {
      server.off('error', reject);
      server.on('error', options.onError);
      resolve(server);
    });
  });
}

function take(socket: Socket, options: ListenOptions): void {
  const { descriptorMax = Number.POSITIVE_INFINITY, onConnection, onCrowded } = options;
  const left = descriptorMax - descriptorOf(socket);
  if (left > SPARE_DESCRIPTORS) {
    onConnection(new TcpTransport(socket, 'into'));
  } else if (left > LAST_DESCRIPTORS && onCrowded !== undefined) {
    onCrowded(new TcpTransport(socket, 'data'));
  } else {
    socket.on('error', () => {});
    socket.destroy();
    onCrowded?.(undefined);
  }
}

function isFamilyMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL' || code === 'EINVAL';
}
