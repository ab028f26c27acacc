// Listening on TCP. Every connection becomes a TcpTransport.
import { createServer, type Server } from 'node:net';
import { HIGH_WATER_MARK, TcpTransport } from './tcp-transport.ts';
import type { Transport } from './transport.ts';

interface ListenOptions {
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
  server.on('connection', (socket) => options.onConnection(new TcpTransport(socket, 'into')));
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
