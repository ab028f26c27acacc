// A publisher that fills a store, and a reader that takes its time: between two reads it rests.
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { serveCommands } from './commands.ts';
import { openPeers, type Peer } from './peer.ts';

export interface ReplayOutcome {
  readonly count: number;
  readonly milliseconds: number;
  readonly problems: readonly string[];
}

export interface ReplayCommands {
  /** Publishes numbered messages to the store. */
  fill(port: number, count: number, bytes: number): Promise<void>;
  /** Has them replayed and reads them slowly; answers when all have come, or the connection has ended. */
  replay(port: number, count: number, bytes: number): Promise<ReplayOutcome>;
}

const WRITE_BYTES = 262_144;
/** The reader rests after so many bytes. */
const REST_BYTES = 262_144;
const REST_MS = 2;
const PROBLEMS_MAX = 5;

function payloadOf(number: number, bytes: number): string {
  return `${number}`.padStart(10, '0').padEnd(bytes, '.');
}

/** Compares frame after frame with what has to come. */
class FrameCheck {
  readonly problems: string[] = [];
  readonly #bytes: number;
  #rest: Buffer = Buffer.alloc(0);
  count = 0;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  take(chunk: Buffer): void {
    const all = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const head = `MSG keep.it 1 ${this.#bytes}\r\n`;
    const frameBytes = head.length + this.#bytes + 2;
    let at = 0;
    for (; at + frameBytes <= all.length; at += frameBytes) {
      const number = all.toString('latin1', at, at + head.length + 10);
      const expected = head + `${this.count}`.padStart(10, '0');
      if (number !== expected && this.problems.length < PROBLEMS_MAX) {
        this.problems.push(`${JSON.stringify(number)} instead of ${JSON.stringify(expected)}`);
      }
      this.count++;
    }
    this.#rest = Buffer.from(all.subarray(at));
  }
}

const commands: ReplayCommands = {
  async fill(port, count, bytes) {
    const [peer] = (await openPeers(port, 1)) as [Peer];
    for (let number = 0; number < count; ) {
      let text = '';
      for (; text.length < WRITE_BYTES && number < count; number++) {
        text += `PUB keep.it ${bytes}\r\n${payloadOf(number, bytes)}\r\n`;
      }
      if (!peer.socket.write(text)) await once(peer.socket, 'drain');
    }
    const pong = new Promise<void>((resolve) => {
      peer.onBytes = () => resolve();
    });
    peer.socket.write('PING\r\n');
    await pong;
    peer.socket.end();
  },
  async replay(port, count, bytes) {
    const [peer] = (await openPeers(port, 1, () => 'SUB in 1\r\n')) as [Peer];
    const check = new FrameCheck(bytes);
    const start = performance.now();
    let since = 0;
    const done = new Promise<void>((resolve) => {
      peer.onClose = resolve;
      peer.onBytes = (chunk) => {
        check.take(chunk);
        if (check.count >= count) resolve();
        since += chunk.length;
        if (since < REST_BYTES) return;
        since = 0;
        peer.socket.pause();
        void delay(REST_MS).then(() => peer.socket.resume());
      };
    });
    peer.socket.write('PUB replay in 0\r\n\r\n');
    await done;
    const milliseconds = Math.round(performance.now() - start);
    return { count: check.count, milliseconds, problems: check.problems };
  },
};

serveCommands(commands);
