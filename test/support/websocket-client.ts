// The other side of a WebSocket, from plain bytes: a socket that has shaken hands, frames to send in any condition,
// and what has come in frames. Nothing here uses what it tests.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';

export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;
/** In base64 16 zeros, and what has to be the answer. */
export const KEY = 'AAAAAAAAAAAAAAAAAAAAAA==';
export const ACCEPT = 'ICX+Yqv66kxgM0FcWaLWlFLwTAI=';
const SYNC_TAIL = Buffer.from([0, 0, 0xff, 0xff]);
const MASK = [0x11, 0x82, 0x43, 0xf4];

export interface FrameOptions {
  readonly isFinal?: boolean;
  readonly isMasked?: boolean;
  /** The three reserved bits, as they lie in the first byte. */
  readonly reserved?: number;
  /** The length that is said, if not the true one. */
  readonly length?: number;
}

/** A frame as a client sends it, unless told otherwise. */
export function frame(
  opcode: number,
  payload: string | Uint8Array,
  { isFinal = true, isMasked = true, reserved = 0, length }: FrameOptions = {},
): Buffer {
  const body = Buffer.from(typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload);
  const said = length ?? body.length;
  const first = (isFinal ? 0x80 : 0) | reserved | opcode;
  const mask = isMasked ? 0x80 : 0;
  const head = Buffer.alloc(said < 126 ? 2 : said < 65_536 ? 4 : 10);
  head[0] = first;
  if (head.length === 2) head[1] = mask | said;
  else if (head.length === 4) {
    head[1] = mask | 126;
    head.writeUInt16BE(said, 2);
  } else {
    head[1] = mask | 127;
    head.writeBigUInt64BE(BigInt(said), 2);
  }
  if (!isMasked) return Buffer.concat([head, body]);
  for (let i = 0; i < body.length; i++) body[i]! ^= MASK[i & 3]!;
  return Buffer.concat([head, Buffer.from(MASK), body]);
}

export function closeFrame(status: number, text: string | Uint8Array = ''): Buffer {
  const body = typeof text === 'string' ? Buffer.from(text, 'latin1') : Buffer.from(text);
  return frame(CLOSE, Buffer.concat([Buffer.from([status >> 8, status & 255]), body]));
}

/** A message that is compressed, in one frame. */
export function compressedFrame(payload: Uint8Array, options: FrameOptions = {}): Buffer {
  const bytes = deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH });
  return frame(BINARY, bytes.subarray(0, bytes.length - SYNC_TAIL.length), {
    reserved: 0x40,
    ...options,
  });
}

export interface ServerFrame {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly isCompressed: boolean;
  readonly payload: Buffer;
}

/** Cuts what a server has sent into frames. */
export class ServerFrames {
  #rest: Buffer = Buffer.alloc(0);

  take(bytes: Uint8Array): ServerFrame[] {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const found: ServerFrame[] = [];
    for (let next = this.#next(); next !== undefined; next = this.#next()) found.push(next);
    return found;
  }

  #next(): ServerFrame | undefined {
    const rest = this.#rest;
    if (rest.length < 2) return undefined;
    const [first = 0, second = 0] = rest;
    const head = second < 126 ? 2 : second === 126 ? 4 : 10;
    if (rest.length < head) return undefined;
    const length =
      head === 2 ? second : head === 4 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
    if (rest.length < head + length) return undefined;
    this.#rest = rest.subarray(head + length);
    return {
      opcode: first & 15,
      isFinal: (first & 0x80) !== 0,
      isCompressed: (first & 0x40) !== 0,
      payload: rest.subarray(head, head + length),
    };
  }
}

/** What the frames of data hold, one after the other. */
export class ServerStream {
  readonly #frames = new ServerFrames();
  #compressed: Buffer[] | undefined;

  /** @returns the bytes of data, and the frames of any other kind */
  take(bytes: Uint8Array): { readonly data: Buffer; readonly others: ServerFrame[] } {
    const data: Buffer[] = [];
    const others: ServerFrame[] = [];
    for (const next of this.#frames.take(bytes)) {
      if (next.opcode > BINARY) others.push(next);
      else data.push(this.#data(next));
    }
    return { data: Buffer.concat(data), others };
  }

  #data({ payload, isCompressed, isFinal }: ServerFrame): Buffer {
    if (isCompressed) this.#compressed = [];
    if (this.#compressed === undefined) return payload;
    this.#compressed.push(payload);
    if (!isFinal) return Buffer.alloc(0);
    const whole = Buffer.concat([...this.#compressed, SYNC_TAIL]);
    this.#compressed = undefined;
    return inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH });
  }
}

/** The header lines of a good handshake. */
export function handshakeLines(port: number): string[] {
  return [
    'GET / HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${KEY}`,
    'Sec-WebSocket-Version: 13',
  ];
}

export interface Handshake {
  readonly socket: Socket;
  /** Status line and header lines of the answer. */
  readonly answer: readonly string[];
}

/** A socket that has been let in; it is paused, with nothing read behind the answer. */
export async function shakeHands(
  port: number,
  headers: readonly string[] = [],
): Promise<Handshake> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(`${[...handshakeLines(port), ...headers].join('\r\n')}\r\n\r\n`);
  let text = '';
  while (!text.includes('\r\n\r\n')) {
    const byte = socket.read(1) as Buffer | null;
    if (byte !== null) text += byte.toString('latin1');
    else if (socket.readableEnded || socket.destroyed) throw new Error(`refused: ${text}`);
    else await Promise.race([once(socket, 'readable'), once(socket, 'close')]);
  }
  socket.removeAllListeners('readable');
  if (!text.startsWith('HTTP/1.1 101 ')) {
    socket.destroy();
    throw new Error(`refused: ${text.trimEnd()}`);
  }
  return { socket, answer: text.trimEnd().split('\r\n') };
}
