// Many connections that read: each has one subscription and has to get every byte that it is due, in order,
// and no other.
import { serveCommands } from './commands.ts';
import { openPeers, type Peer } from './peer.ts';

export interface RoundOutcome {
  readonly milliseconds: number;
  /** What went wrong, a few of them. */
  readonly problems: readonly string[];
  readonly closed: number;
}

export interface ReadersCommands {
  /** Connects so many readers of a subject, and one publisher. */
  open(port: number, count: number, subject: string): Promise<void>;
  /** Publishes one message of so many bytes; answers when every reader has it, and a PONG next. */
  round(bytes: number): Promise<RoundOutcome>;
}

// Of a prime length, so that no shift by a chunk's size goes unseen.
const PATTERN = 'every reader gets each of these bytes exactly once, in order: 0123456789';
const PONG = Buffer.from('PONG\r\n');
const PROBLEMS_MAX = 5;

const readers: Reader[] = [];
let publisher: Peer;
let subject = '';
const problems: string[] = [];

class Reader {
  readonly peer: Peer;
  #expected: Buffer = Buffer.alloc(0);
  #at = 0;
  #onWhole: () => void = () => {};

  constructor(peer: Peer) {
    this.peer = peer;
    peer.onBytes = (bytes) => this.#compare(bytes);
    peer.onClose = () => this.#fail('closed');
  }

  /** Resolves when exactly these bytes have come, or when it has failed. */
  expect(bytes: Buffer): Promise<void> {
    this.#expected = bytes;
    this.#at = 0;
    if (this.peer.isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onWhole = resolve;
    });
  }

  #compare(bytes: Buffer): void {
    const end = this.#at + bytes.length;
    const expected = this.#expected;
    if (end > expected.length || expected.compare(bytes, 0, bytes.length, this.#at, end) !== 0) {
      this.#fail(`other bytes than expected at ${this.#at}: ${bytes.toString('latin1', 0, 64)}`);
    }
    this.#at = end;
    if (end >= expected.length) this.#onWhole();
  }

  #fail(problem: string): void {
    if (problems.length < PROBLEMS_MAX) problems.push(problem);
    this.#onWhole();
  }
}

const commands: ReadersCommands = {
  async open(port, count, name) {
    subject = name;
    const words = (): string => `SUB ${name} 1\r\n`;
    readers.push(...(await openPeers(port, count, words)).map((peer) => new Reader(peer)));
    [publisher] = (await openPeers(port, 1)) as [Peer];
  },
  async round(bytes) {
    const payload = Buffer.alloc(bytes, PATTERN);
    const tail = Buffer.from('\r\n');
    const frame = Buffer.concat([Buffer.from(`MSG ${subject} 1 ${bytes}\r\n`), payload, tail]);
    const start = performance.now();
    const whole = readers.map((reader) => reader.expect(frame));
    publisher.socket.write(
      Buffer.concat([Buffer.from(`PUB ${subject} ${bytes}\r\n`), payload, tail]),
    );
    await Promise.all(whole);
    const milliseconds = performance.now() - start;
    const answers = readers.map((reader) => reader.expect(PONG));
    for (const { peer } of readers) peer.socket.write('PING\r\n');
    await Promise.all(answers);
    const closed = readers.filter(({ peer }) => peer.isClosed).length;
    return { milliseconds, problems, closed };
  },
};

serveCommands(commands);
