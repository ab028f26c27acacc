// The HTTP server of the monitoring pages: requests and responses as plain values. It stands on plain sockets, because
// Node's own reads and answers all that a peer has sent at once, whether or not the peer reads.
//
// However many ask, and however much, 5 ms of an event loop's turn go into answers, in turn; and there are so many connections
// at most: one more ends the one that has been idle longest. A connection that is kept lives as long as that, as with
// nats-server, which never ends one.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../shared/clock.ts';
import { defer } from '../shared/defer.ts';
import { Slices } from '../shared/slices.ts';
import { HttpConnection, type HttpHost } from './http-connection.ts';
import { HEAVY_PLACES_MAX, PagePlaces, PLACES_MAX } from './http-places.ts';
import type { HttpRequest, HttpResponse } from './http-text.ts';
import { descriptorOf } from './tcp-transport.ts';

export { type HttpRequest, type HttpResponse, isAddress } from './http-text.ts';

/** 128 hold at most 10 MiB. */
const CONNECTIONS_MAX = 128;
/** Of the system's own probes, which end connections to hosts that are gone. Source: Go, net, defaultTCPKeepAliveIdle. */
const KEEP_ALIVE_MS = 15_000;

interface HttpServerOptions {
  /** `0.0.0.0` or empty: all interfaces of both families. */
  readonly host: string;
  /** 0 is a free port. */
  readonly port: number;
  readonly clock: Clock;
  /** A connection whose descriptor has this number, or a higher one, is closed at once. */
  readonly descriptorMax?: number;
  /** Answers one request; what it throws is answered with a 500 and handed to `onError`. */
  readonly handler: (request: HttpRequest) => HttpResponse;
  readonly onError?: (error: unknown) => void;
}

export interface HttpServer {
  readonly address: string;
  readonly port: number;
  /** Stops listening and ends every connection; resolves when all are gone. */
  close(): Promise<void>;
}

/** Listens, and resolves when it does. Rejects with the system's error (EADDRINUSE, …). */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const host = new Host(options);
  const server = createServer({
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
  });
  server.on('connection', (socket) => host.accept(socket));
  const isAll = options.host === '' || options.host === '0.0.0.0';
  try {
    await listen(server, isAll ? '::' : options.host, options.port);
  } catch (error) {
    // No IPv6 on this machine.
    const code = (error as NodeJS.ErrnoException).code;
    if (!isAll || (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL')) throw error;
    await listen(server, '0.0.0.0', options.port);
  }
  server.on('error', (error) => options.onError?.(error));
  const { address, port } = server.address() as AddressInfo;
  return {
    address,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        host.close();
      }),
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

class Host implements HttpHost {
  readonly clock: Clock;
  readonly #places: PagePlaces;
  readonly #heavyPlaces: PagePlaces;
  readonly #options: HttpServerOptions;
  /** The one that has been idle longest first. */
  readonly #connections = new Set<HttpConnection>();
  readonly #slices: Slices;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.#places = new PagePlaces(options.clock, PLACES_MAX);
    this.#heavyPlaces = new PagePlaces(options.clock, HEAVY_PLACES_MAX);
    this.#slices = new Slices(options.clock, defer);
  }

  accept(socket: Socket): void {
    const { descriptorMax = Number.POSITIVE_INFINITY } = this.#options;
    if (descriptorOf(socket) >= descriptorMax) {
      socket.destroy();
      return;
    }
    if (this.#connections.size >= CONNECTIONS_MAX) {
      const [longestIdle] = this.#connections;
      // Now, and not when its socket has told its end: there may be many more before that.
      if (longestIdle !== undefined) this.#connections.delete(longestIdle);
      longestIdle?.destroy();
    }
    this.#connections.add(new HttpConnection(this, socket));
  }

  wantsTurn(connection: HttpConnection): void {
    this.#slices.later(() => connection.step());
  }

  placesFor({ isHeavy = false }: HttpResponse): PagePlaces {
    return isHeavy ? this.#heavyPlaces : this.#places;
  }

  failed(error: unknown): void {
    this.#options.onError?.(error);
  }

  noteActive(connection: HttpConnection): void {
    if (this.#connections.delete(connection)) this.#connections.add(connection);
  }

  gone(connection: HttpConnection): void {
    this.#connections.delete(connection);
  }

  respond(request: HttpRequest): HttpResponse {
    try {
      return this.#options.handler(request);
    } catch (error) {
      this.#options.onError?.(error);
      return { status: 500, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body: '' };
    }
  }

  close(): void {
    for (const connection of this.#connections) connection.destroy();
  }
}
