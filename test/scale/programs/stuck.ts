// Peers that do harm by what they leave undone: readers that never read, and publishers that withhold the end
// of their message.
import { serveCommands } from './commands.ts';
import { openPeers, type Peer } from './peer.ts';

export interface StuckCommands {
  /** Connects so many subscribers of a subject, which from now on do not read. */
  openReaders(port: number, count: number, subject: string): Promise<void>;
  /** Publishes messages of that size on the subject from a connection of its own, so many a second. */
  flood(port: number, subject: string, bytes: number, perSecond: number): Promise<void>;
  /** Ends it; answers how many messages it has sent in all. */
  stopFlood(): number;
  /** The stuck readers go. */
  closeReaders(): void;
  /** Connects so many publishers. */
  openPublishers(port: number, count: number): Promise<void>;
  /** Each of them sends a message of so many bytes but for the last one. */
  withhold(bytes: number): void;
  /** How many of them have been closed. */
  closedPublishers(): number;
}

const TICK_MS = 10;

const readers: Peer[] = [];
const publishers: Peer[] = [];
let flooder: Peer | undefined;
let timer: NodeJS.Timeout | undefined;
let floodCount = 0;

const commands: StuckCommands = {
  async openReaders(port, count, subject) {
    const peers = await openPeers(port, count, () => `SUB ${subject} 1\r\n`);
    for (const peer of peers) peer.socket.pause();
    readers.push(...peers);
  },
  async flood(port, subject, bytes, perSecond) {
    flooder ??= (await openPeers(port, 1))[0] as Peer;
    const { socket } = flooder;
    const frame = Buffer.from(`PUB ${subject} ${bytes}\r\n${'x'.repeat(bytes)}\r\n`);
    const start = performance.now();
    let sent = 0;
    timer = setInterval(() => {
      const before = sent;
      const due = Math.floor(((performance.now() - start) / 1000) * perSecond);
      for (; sent < due; sent++) socket.write(frame);
      floodCount += sent - before;
    }, TICK_MS);
  },
  stopFlood() {
    clearInterval(timer);
    return floodCount;
  },
  closeReaders() {
    for (const { socket } of readers.splice(0)) socket.destroy();
  },
  async openPublishers(port, count) {
    publishers.push(...(await openPeers(port, count)));
  },
  withhold(bytes) {
    const message = Buffer.from(`PUB withheld ${bytes}\r\n${'x'.repeat(bytes)}`);
    const withheld = message.subarray(0, message.length - 1);
    for (const { socket } of publishers) socket.write(withheld);
  },
  closedPublishers: () => publishers.filter(({ isClosed }) => isClosed).length,
};

serveCommands(commands);
