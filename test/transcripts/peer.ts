// A peer of a transcript: one TCP connection that keeps what it has received and not yet matched.
// Bytes are strings of latin1 characters.

import { connect, type Socket } from 'node:net';

/** What an expected text and the received bytes say about each other. */
export type Verdict = 'match' | 'more' | 'mismatch';

const PING = 'PING\r\n';

export class Peer {
  readonly name: string;
  /** Received and not yet taken. */
  unread = '';
  /** The other side has ended the connection, or broken it. */
  ended = false;
  readonly #socket: Socket;
  readonly #closed: Promise<void>;
  #changed: () => void = () => {};

  private constructor(name: string, socket: Socket) {
    this.name = name;
    this.#socket = socket;
    this.#closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      this.unread += chunk.toString('latin1');
      this.#changed();
    });
    const end = (): void => {
      this.ended = true;
      this.#changed();
    };
    socket.on('end', end).on('close', end);
    // A server that closes while bytes are under way resets the connection: that is its right.
    socket.on('error', end);
  }

  static connect(name: string, host: string, port: number): Promise<Peer> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, allowHalfOpen: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.removeListener('error', reject);
        resolve(new Peer(name, socket));
      });
    });
  }

  /** Calls back whenever bytes came or the end came. One listener at a time. */
  onChange(changed: () => void): void {
    this.#changed = changed;
  }

  /** Hands the bytes to the kernel; what the other side no longer wants is dropped. */
  write(bytes: string): void {
    if (this.#socket.writable) this.#socket.write(bytes, 'latin1');
  }

  /** Compares the unread bytes after the first `skip` with the parts of an expected text. */
  judge(parts: readonly string[], skip = 0): { verdict: Verdict; count: number } {
    const [literal = ''] = parts;
    if (parts.length === 1) {
      if (this.unread.startsWith(literal, skip)) return { verdict: 'match', count: literal.length };
      const mayCome = !this.ended && literal.startsWith(this.unread.slice(skip));
      return { verdict: mayCome ? 'more' : 'mismatch', count: 0 };
    }
    const end = this.unread.indexOf('\n', skip) + 1;
    if (end === 0) return { verdict: this.ended ? 'mismatch' : 'more', count: 0 };
    const pattern = new RegExp(`^${parts.map(escapePattern).join('[^\\n]*')}$`);
    const matches = pattern.test(this.unread.slice(skip, end));
    return { verdict: matches ? 'match' : 'mismatch', count: end - skip };
  }

  take(count: number): void {
    this.unread = this.unread.slice(count);
  }

  /**
   * Passes over a PING of the server if that is what comes next. It sends one 2 s after CONNECT,
   * which only a machine that is very busy gets to see. No PONG: a server that waits for more bytes
   * where it should have spoken must not be helped.
   */
  skipPing(): boolean {
    if (!this.unread.startsWith(PING)) return false;
    this.take(PING.length);
    return true;
  }

  /** Ends our side; resolves when the other side has ended its own. */
  async close(): Promise<void> {
    this.#socket.end();
    await this.#closed;
  }

  /** Breaks the connection at once. */
  destroy(): void {
    this.#socket.destroy();
  }
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
