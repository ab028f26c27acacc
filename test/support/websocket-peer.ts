// A peer by WebSocket: sends frames or whole bytes, reads lines, and knows how the other side has ended.
import { deepStrictEqual } from 'node:assert/strict';
import type { Socket } from 'node:net';
import {
  BINARY,
  CLOSE,
  frame,
  type ServerFrame,
  ServerStream,
  shakeHands,
} from './websocket-client.ts';

export interface CloseWords {
  readonly status: number | undefined;
  readonly text: string;
}

export class WebSocketPeer {
  readonly socket: Socket;
  readonly answer: readonly string[];
  /** Frames that are no data. */
  readonly others: ServerFrame[] = [];
  /** What has come and was not read. */
  received = '';
  isEnded = false;
  #wake: (() => void) | undefined;

  static async open(port: number, headers: readonly string[] = []): Promise<WebSocketPeer> {
    const { socket, answer } = await shakeHands(port, headers);
    return new WebSocketPeer(socket, answer);
  }

  private constructor(socket: Socket, answer: readonly string[]) {
    this.socket = socket;
    this.answer = answer;
    const stream = new ServerStream();
    socket.on('data', (bytes) => {
      const { data, others } = stream.take(bytes);
      this.received += data.toString('latin1');
      this.others.push(...others);
      this.#wake?.();
    });
    const end = (): void => {
      this.isEnded = true;
      this.#wake?.();
    };
    socket.on('end', end);
    socket.on('close', end);
    socket.resume();
  }

  /** Bytes of frames, as they are. */
  raw(...frames: readonly Uint8Array[]): void {
    for (const bytes of frames) this.socket.write(bytes);
  }

  send(text: string): void {
    this.raw(frame(BINARY, text));
  }

  async line(): Promise<string> {
    for (;;) {
      const end = this.received.indexOf('\r\n');
      if (end >= 0) {
        const line = this.received.slice(0, end);
        this.received = this.received.slice(end + 2);
        return line;
      }
      if (this.isEnded) throw new Error(`closed; left over: ${JSON.stringify(this.received)}`);
      await this.more();
    }
  }

  async expectLines(...expected: readonly string[]): Promise<void> {
    for (const line of expected) deepStrictEqual(await this.line(), line);
  }

  /** Reads INFO, and says CONNECT. */
  async greet(options: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const info = JSON.parse((await this.line()).slice('INFO '.length)) as Record<string, unknown>;
    this.send(
      `CONNECT ${JSON.stringify({ verbose: false, pedantic: false, ...options })}\r\nPING\r\n`,
    );
    await this.expectLines('PONG');
    return info;
  }

  async until(isDone: () => boolean): Promise<void> {
    while (!isDone()) await this.more();
  }

  /** What the close frame said, when the other side has ended; undefined if there was none. */
  async ended(): Promise<CloseWords | undefined> {
    await this.until(() => this.isEnded);
    const close = this.others.find(({ opcode }) => opcode === CLOSE);
    if (close === undefined) return undefined;
    const { payload } = close;
    const status = payload.length === 0 ? undefined : payload.readUInt16BE(0);
    return { status, text: payload.subarray(2).toString() };
  }

  more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  destroy(): void {
    this.socket.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }
}
