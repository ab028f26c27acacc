// The HTTP server of the monitoring pages: requests and responses as plain values, so that only this file
// knows node:http. Small answers only: a response is sent whole, with its length.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpRequest {
  readonly method: string;
  /** The target's path as it was sent, percent-encoding and all; begins with `/`. */
  readonly path: string;
  /** Text after `?`, without it; empty when there is none. */
  readonly search: string;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface HttpServerOptions {
  /** `0.0.0.0` or empty: all interfaces of both families. */
  readonly host: string;
  /** 0 is a free port. */
  readonly port: number;
  /** Answers one request; what it throws is answered with a 500 and handed to `onError`. */
  readonly handler: (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;
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
  const server = createServer((request, response) => void answer(options, request, response));
  const isAll = options.host === '' || options.host === '0.0.0.0';
  try {
    await listen(server, isAll ? '::' : options.host, options.port);
  } catch (error) {
    // No IPv6 on this machine.
    const code = (error as NodeJS.ErrnoException).code;
    if (!isAll || (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL')) throw error;
    await listen(server, '0.0.0.0', options.port);
  }
  if (options.onError !== undefined) server.on('error', options.onError);
  const { address, port } = server.address() as AddressInfo;
  return {
    address,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
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

async function answer(
  options: HttpServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // A request's body has no meaning here.
  request.resume();
  const [path = '', ...rest] = targetOf(request.url ?? '/').split('?');
  let result: HttpResponse;
  try {
    result = await options.handler({
      method: request.method ?? 'GET',
      path,
      search: rest.join('?'),
    });
  } catch (error) {
    options.onError?.(error);
    result = { status: 500, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body: '' };
  }
  response.writeHead(result.status, {
    ...result.headers,
    'Content-Length': Buffer.byteLength(result.body),
  });
  response.end(result.body);
}

/** Path and query of a request target, which a proxy may have sent as a whole URL. */
function targetOf(url: string): string {
  if (url.startsWith('/')) return url;
  const match = /^[a-z]+:\/\/[^/?]*(.*)$/i.exec(url);
  const target = match?.[1] ?? '/';
  return target.startsWith('/') ? target : `/${target}`;
}
