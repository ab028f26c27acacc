// A lean client: a plain socket that reads into one buffer shared by all of them, so that 10,000 of them
// cost the process little more than their sockets.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Reads are handled before the next one begins, so one buffer serves everybody. */
const shared = Buffer.allocUnsafe(1 << 20);
const CONNECT =
  'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true}\r\n';
const PONG = 'PONG\r\n';
const PING = 'PING\r\n';
/** Connections on their way at one time. */
const OPENING_MAX = 256;

export class Peer {
  readonly socket: Socket;
  /** Takes what arrives after the greeting; the bytes are valid during the call. */
  onBytes: (bytes: Buffer) => void = () => {};
  onClose: () => void = () => {};
  isClosed = false;
  #greeting: string | undefined = '';
  #lastWords = PONG;
  #onGreeted: () => void = () => {};

  constructor(port: number) {
    this.socket = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      onread: {
        buffer: shared,
        callback: (bytes: number) => {
          this.#read(shared.subarray(0, bytes));
          return true;
        },
      },
    });
    // A reset comes with its own close.
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.isClosed = true;
      this.onClose();
    });
  }

  /**
   * Says CONNECT, then `words`, then PING; resolves at the PONG, or with `toPing` when it has answered the
   * PING by which a server measures the round trip soon after CONNECT: for two minutes no other comes.
   */
  async greet(words = '', toPing = false): Promise<void> {
    this.#lastWords = toPing ? PING : PONG;
    await once(this.socket, 'connect');
    this.socket.write(`${CONNECT}${words}PING\r\n`);
    await new Promise<void>((resolve, reject) => {
      this.#onGreeted = resolve;
      this.onClose = () => reject(new Error(`closed while greeting: ${this.#greeting}`));
    });
    this.onClose = () => {};
  }

  #read(bytes: Buffer): void {
    if (this.#greeting === undefined) {
      this.onBytes(bytes);
      return;
    }
    const before = this.#greeting.length;
    this.#greeting += bytes.toString('latin1');
    const end = this.#greeting.indexOf(this.#lastWords);
    if (end < 0) return;
    if (this.#lastWords === PING) this.socket.write(PONG);
    this.#greeting = undefined;
    this.#onGreeted();
    const rest = bytes.subarray(end + PONG.length - before);
    if (rest.length > 0) this.onBytes(rest);
  }
}

/**
 * Opens and greets so many peers, past their first PING; `words` are what the one of that index says
 * beside CONNECT.
 */
export async function openPeers(
  port: number,
  count: number,
  words: (index: number) => string = () => '',
): Promise<Peer[]> {
  const peers: Peer[] = [];
  const greeted: Promise<void>[] = [];
  let next = 0;
  const open = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      const peer = new Peer(port);
      peers[index] = peer;
      greeted.push(peer.greet(words(index), true));
      await once(peer.socket, 'connect');
    }
  };
  await Promise.all(Array.from({ length: Math.min(OPENING_MAX, count) }, open));
  await Promise.all(greeted);
  return peers;
}
