// Listening for WebSockets: an HTTP server whose requests are handshakes, and nothing else. Whoever is let in becomes
// a WebSocketTransport. The module is loaded only when the options name it, as it brings `ws` along.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Listener, listening, listenWith } from './tcp.ts';
import { descriptorOf, plainAddress } from './tcp-transport.ts';
import type { PeerFacts, Transport } from './transport.ts';
import {
  type Agreement,
  type HandshakeOptions,
  type Refusal,
  refusalAnswer,
  shakeHands,
} from './websocket-handshake.ts';
import { WebSocketTransport } from './websocket-transport.ts';

interface WebSocketListenOptions extends HandshakeOptions {
  /** `0.0.0.0` or empty is every address of both families. */
  readonly host: string;
  /** 0 or below is any free port. */
  readonly port: number;
  /** Bytes of one message of a peer who comes now. */
  readonly messageMax: () => number;
  /** For a handshake to be whole. */
  readonly handshakeTimeoutMs: number;
  /** Sockets at a time, those before their handshake too; more are closed at once. 0: no limit. */
  readonly socketsMax: () => number;
  /** Who comes with as many descriptors in use is closed at once. */
  readonly descriptorMax?: number | undefined;
  /** Called for each connection; it has to `start` the transport or `destroy` it. */
  readonly onConnection: (transport: Transport) => void;
  /** Somebody has been refused; the text is for the log. */
  readonly onRefused: (text: string) => void;
  /** Something is wrong with the listening socket; it goes on. */
  readonly onError: (error: Error) => void;
}

/** Node looks for late handshakes so many times in their time. */
const TIMEOUT_LOOKS = 4;

/** Listens, and resolves when it does. Rejects with the platform's error (`EADDRINUSE`, …) when it cannot. */
export async function listenWebSocket(options: WebSocketListenOptions): Promise<Listener> {
  const { handshakeTimeoutMs, socketsMax, descriptorMax = Number.POSITIVE_INFINITY } = options;
  let door: Door | undefined;
  let endHandshakes = (): void => {};
  const listener = await listenWith(options, (host, port) => {
    const server = createServer({
      headersTimeout: handshakeTimeoutMs,
      requestTimeout: handshakeTimeoutMs,
      connectionsCheckingInterval: Math.ceil(handshakeTimeoutMs / TIMEOUT_LOOKS),
      noDelay: true,
      // Judged below, with the rest.
      requireHostHeader: false,
    });
    const limit = (): void => {
      server.maxConnections = socketsMax() || Number.POSITIVE_INFINITY;
    };
    limit();
    server.on('connection', (socket: Socket) => {
      // It may be another one for the next.
      limit();
      if (descriptorOf(socket) >= descriptorMax) socket.destroy();
    });
    server.on('request', (request, response) => door?.refuse(request, response));
    server.on('upgrade', (request, socket, head) => door?.open(request, socket as Socket, head));
    endHandshakes = () => server.closeAllConnections();
    return listening(server, { host, port }, options.onError);
  });
  door = new Door(options, { host: listener.address, port: listener.port });
  return {
    ...listener,
    close: () => {
      listener.close();
      endHandshakes();
    },
  };
}

/** Where requests come in. */
class Door {
  readonly #options: WebSocketListenOptions;
  /** Who has been refused is not listened to any more. */
  readonly #refused = new WeakSet<Socket>();
  readonly #listener: NonNullable<PeerFacts['listener']>;

  constructor(options: WebSocketListenOptions, listener: NonNullable<PeerFacts['listener']>) {
    this.#options = options;
    this.#listener = listener;
  }

  /** A request that asks for no other protocol is no handshake, and is told what it lacks. */
  refuse(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    if (this.#refused.has(socket)) {
      socket.destroySoon();
      return;
    }
    this.#refused.add(socket);
    const result = shakeHands(request, this.#options);
    // Whatever Node takes for no upgrade lacks a header of one.
    const { status, reason } = 'status' in result ? result : { status: 400, reason: 'no upgrade' };
    this.#log(request, reason);
    request.resume();
    const { headers, body } = refusalAnswer(status);
    response.writeHead(status, { ...headers, Connection: 'close' });
    response.end(body);
  }

  /** @param head what the peer has sent behind its request */
  open(request: IncomingMessage, socket: Socket, head: Uint8Array): void {
    socket.on('error', () => {});
    const result = shakeHands(request, this.#options);
    if ('status' in result) {
      this.#refuseUpgrade(request, socket, result);
      return;
    }
    if (head.length > 0) {
      this.#log(request, 'client sent data before handshake is complete');
      socket.destroy();
      return;
    }
    socket.write(result.answer);
    if (result.isLeaf) {
      this.#options.onRefused('Not configured to accept leaf node connections');
      socket.destroySoon();
      return;
    }
    socket.setTimeout(0);
    this.#options.onConnection(this.#transport(socket, result));
  }

  #transport(socket: Socket, agreement: Agreement): Transport {
    const { forwardedFor, cookies } = agreement;
    return new WebSocketTransport(socket, {
      ...agreement,
      messageMax: this.#options.messageMax(),
      peer: {
        address: plainAddress(socket.remoteAddress ?? ''),
        port: socket.remotePort ?? 0,
        type: 'websocket',
        listener: this.#listener,
        ...(forwardedFor === undefined ? {} : { forwardedFor }),
        ...(Object.keys(cookies).length === 0 ? {} : { cookies }),
      },
    });
  }

  #refuseUpgrade(request: IncomingMessage, socket: Socket, { status, reason }: Refusal): void {
    this.#log(request, reason);
    const { headers, body } = refusalAnswer(status);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    const first = `HTTP/1.1 ${status} ${body.trimEnd()}`;
    socket.end(`${[first, ...lines, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`);
    // Whatever still comes is not for us.
    socket.resume();
    socket.once('finish', () => socket.destroySoon());
  }

  #log({ socket }: IncomingMessage, reason: string): void {
    const address = plainAddress(socket.remoteAddress ?? '');
    const host = address.includes(':') ? `[${address}]` : address;
    const peer = `${host}:${socket.remotePort ?? 0}`;
    this.#options.onRefused(`${peer} - websocket handshake error: ${reason}`);
  }
}
