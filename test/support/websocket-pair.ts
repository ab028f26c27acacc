// The two ends of a WebSocket as transports: ours as the listener makes it, theirs from plain bytes.

import { TcpTransport } from '../../src/net/tcp-transport.ts';
import {
  handOver,
  type Transport,
  type TransportReader,
  type Written,
} from '../../src/net/transport.ts';
import { listenWebSocket } from '../../src/net/websocket.ts';
import { byteReader } from './byte-reader.ts';
import { type TransportPair, transportPair } from './transport-pair.ts';
import {
  BINARY,
  closeFrame,
  compressedFrame,
  frame,
  ServerStream,
  shakeHands,
} from './websocket-client.ts';

export interface PairOptions {
  readonly compression?: boolean;
  /** Header lines of the handshake. */
  readonly headers?: readonly string[];
  readonly messageMax?: number;
}

export const DEFLATE_OFFER = 'Sec-WebSocket-Extensions: permessage-deflate';
export const MESSAGE_MAX: number = 9 * 1024 * 1024;

/** A listener on a free port; whom it lets in is `accepted`. */
export async function listenForOne(options: PairOptions = {}): Promise<{
  readonly port: number;
  readonly accepted: Promise<Transport>;
  readonly refused: readonly string[];
  close(): void;
}> {
  const refused: string[] = [];
  let accept: (transport: Transport) => void = () => {};
  const accepted = new Promise<Transport>((resolve) => {
    accept = resolve;
  });
  const listener = await listenWebSocket({
    host: '127.0.0.1',
    port: 0,
    compression: options.compression ?? false,
    origins: { sameOrigin: false, allowed: [] },
    headers: new Map(),
    cookies: {},
    messageMax: () => options.messageMax ?? MESSAGE_MAX,
    handshakeTimeoutMs: 10_000,
    socketsMax: () => 0,
    onConnection: accept,
    onRefused: (text) => refused.push(text),
    onError: (error) => {
      throw error;
    },
  });
  return { port: listener.port, accepted, refused, close: () => listener.close() };
}

/** Both ends, neither started. */
export async function webSocketPair(options: PairOptions = {}): Promise<TransportPair> {
  const listener = await listenForOne(options);
  const { socket } = await shakeHands(listener.port, options.headers);
  const ours = await listener.accepted;
  const inner = new TcpTransport(socket, 'data');
  const theirs = new ClientTransport(inner, options.compression ?? false);
  return transportPair(ours, theirs, () => listener.close());
}

/** A client's end, around a socket's. */
class ClientTransport implements Transport {
  readonly reads = 'data';
  readonly #inner: TcpTransport;
  readonly #isCompressed: boolean;
  #reader: TransportReader | undefined;
  #queue: Buffer = Buffer.alloc(0);
  #isPaused = false;

  constructor(inner: TcpTransport, isCompressed: boolean) {
    this.#inner = inner;
    this.#isCompressed = isCompressed;
  }

  get peer(): Transport['peer'] {
    return this.#inner.peer;
  }

  write(views: readonly Uint8Array[], done: (error?: Error) => void): Written {
    const make = this.#isCompressed ? compressedFrame : (view: Uint8Array) => frame(BINARY, view);
    return this.#inner.write(
      views.map((view) => make(view)),
      done,
    );
  }

  start(reader: TransportReader): void {
    this.#reader = reader;
    const stream = new ServerStream();
    const onBytes = (bytes: Uint8Array): void => {
      this.#queue = Buffer.concat([this.#queue, stream.take(bytes).data]);
      this.#deliver();
    };
    this.#inner.start(byteReader(onBytes, { onClose: (error) => reader.onClose(error) }));
  }

  pause(): void {
    this.#isPaused = true;
    this.#inner.pause();
  }

  resume(): void {
    this.#isPaused = false;
    queueMicrotask(() => {
      this.#deliver();
      if (!this.#isPaused) this.#inner.resume();
    });
  }

  end(): void {
    this.#inner.write([closeFrame(1000)], () => {});
    this.#inner.end();
  }

  destroy(): void {
    this.#inner.destroy();
  }

  #deliver(): void {
    while (this.#reader !== undefined && this.#queue.length > 0 && !this.#isPaused) {
      this.#queue = this.#queue.subarray(handOver(this.#reader, this.#queue));
    }
  }
}
