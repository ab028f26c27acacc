// Where an attack is played: the ports of the server, the peers, and what is told of the progress.
import { setTimeout as delay } from 'node:timers/promises';
import { Peer, type PeerOptions } from './peer.ts';

/** What the attackers tell of themselves. */
export interface Progress {
  /** All is prepared, and the attack proper goes on. */
  isReady: boolean;
  /** Connections that were made, and those that were refused or broke before they stood. */
  connections: number;
  refused: number;
  /** Bytes that the other side's system has taken or will take. */
  bytes: number;
  /** Why the attack cannot be played. */
  problem?: string;
}

/** Which of the server's listeners. */
export type Listener = 'clients' | 'monitoring';

const RETRY_MS = 20;
/** Connections under way at once. */
const OPENING_MAX = 128;

export class Field {
  readonly progress: Progress = { isReady: false, connections: 0, refused: 0, bytes: 0 };
  readonly #ports: Readonly<Record<Listener, number | undefined>>;

  constructor(ports: Readonly<Record<Listener, number | undefined>>) {
    this.#ports = ports;
  }

  /** A connected peer; while none can be made, it is tried again. */
  async open(options: PeerOptions, listener: Listener = 'clients'): Promise<Peer> {
    const port = this.#ports[listener];
    if (port === undefined) throw new Error(`the server does not listen for ${listener}`);
    for (;;) {
      const peer = new Peer(port, options);
      if (await peer.connected()) {
        this.progress.connections += 1;
        return peer;
      }
      this.progress.refused += 1;
      await delay(RETRY_MS);
    }
  }

  /** Opens so many, some at a time. */
  async openMany(count: number, options: PeerOptions, listener?: Listener): Promise<Peer[]> {
    const peers: Peer[] = [];
    while (peers.length < count) {
      const batch = Math.min(OPENING_MAX, count - peers.length);
      const opened = Array.from({ length: batch }, () => this.open(options, listener));
      peers.push(...(await Promise.all(opened)));
    }
    return peers;
  }

  /** Has `peer` send, and counts it. */
  send(peer: Peer, bytes: string | Uint8Array): Promise<boolean> {
    this.progress.bytes += bytes.length;
    return peer.send(bytes);
  }

  ready(): void {
    this.progress.isReady = true;
  }
}
