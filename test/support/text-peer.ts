// A client of plain text over a socket, for tests of a server, or of nats-server beside it.
import { connect, type Socket } from 'node:net';

export class TextPeer {
  readonly #socket: Socket;
  #heard = '';
  #wake: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('error', () => {});
    socket.on('close', () => this.#wake?.());
    socket.on('data', (text) => {
      this.#heard += text;
      this.#wake?.();
    });
  }

  /** Connects, says CONNECT, and resolves when the server has answered. */
  static async open(port: number, options: Record<string, unknown> = {}): Promise<TextPeer> {
    const socket = connect(port, '127.0.0.1');
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    const peer = new TextPeer(socket);
    const settings = { verbose: false, pedantic: false, headers: true, no_responders: true };
    await peer.say(`CONNECT ${JSON.stringify({ ...settings, ...options })}\r\n`);
    return peer;
  }

  /** Says it, and resolves with what came before the answer to a PING behind it. */
  async say(text: string): Promise<string> {
    this.#socket.write(`${text}PING\r\n`, 'latin1');
    return this.until('PONG\r\n');
  }

  /** What comes before that text, which is passed over. */
  async until(text: string): Promise<string> {
    while (!this.#heard.includes(text)) {
      if (this.#socket.destroyed) throw new Error(`the server has closed: ${this.#heard}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const at = this.#heard.indexOf(text);
    const before = this.#heard.slice(0, at);
    this.#heard = this.#heard.slice(at + text.length);
    return before;
  }

  /** Ends the connection, and resolves when it is gone. */
  async close(): Promise<void> {
    if (this.#socket.destroyed) return;
    const gone = new Promise((resolve) => this.#socket.once('close', resolve));
    this.#socket.end();
    await gone;
  }
}
