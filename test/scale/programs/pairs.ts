// Healthy pairs: a publisher that sends as fast as its subscriber takes it, at most a window ahead.
import { serveCommands } from './commands.ts';
import { openPeers, type Peer } from './peer.ts';

export interface PairsSample {
  /** Messages that have arrived since the start, by pair. */
  readonly received: readonly number[];
  readonly closed: number;
  /** Bytes that were not the ones due next. */
  readonly strange: number;
}

export interface PairsCommands {
  /** Connects and begins. */
  open(port: number, count: number): Promise<void>;
  sample(): PairsSample;
  /** Publishes no more; answers when everything has arrived. */
  stop(): Promise<PairsSample>;
}

const PAYLOAD = 'a message of a healthy pair, in sixty-four bytes and in order --'.padEnd(64);
/** Messages of one write. */
const BATCH = 256;
/** Batches that a publisher is ahead of its subscriber at most: far below any pending limit. */
const WINDOW = 8;

let pairs: Pair[] = [];
let isStopped = false;

class Pair {
  readonly publisher: Peer;
  readonly subscriber: Peer;
  strange = 0;
  readonly #out: Buffer;
  readonly #frame: Buffer;
  readonly #expected: Buffer;
  #sent = 0;
  #bytes = 0;
  #onDrained: () => void = () => {};

  constructor(publisher: Peer, subscriber: Peer, index: number) {
    this.publisher = publisher;
    this.subscriber = subscriber;
    const line = `${subjectOf(index)} ${PAYLOAD.length}\r\n${PAYLOAD}\r\n`;
    this.#out = Buffer.from(`PUB ${line}`.repeat(BATCH));
    this.#frame = Buffer.from(`MSG ${line.replace(' ', ' 1 ')}`);
    this.#expected = Buffer.concat(Array(BATCH).fill(this.#frame));
    subscriber.onBytes = (bytes) => this.#read(bytes);
  }

  get received(): number {
    return Math.floor(this.#bytes / this.#frame.length);
  }

  get closed(): number {
    return Number(this.publisher.isClosed) + Number(this.subscriber.isClosed);
  }

  pump(): void {
    while (!isStopped && this.#sent - this.received < WINDOW * BATCH) {
      this.publisher.socket.write(this.#out);
      this.#sent += BATCH;
    }
  }

  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#onDrained = resolve;
      this.#check();
    });
  }

  // The stream repeats after a batch, so each read is compared with a part of one.
  #read(bytes: Buffer): void {
    const expected = this.#expected;
    let at = 0;
    while (at < bytes.length) {
      const from = this.#bytes % expected.length;
      const length = Math.min(bytes.length - at, expected.length - from);
      if (expected.compare(bytes, at, at + length, from, from + length) !== 0) this.strange++;
      at += length;
      this.#bytes += length;
    }
    this.pump();
    this.#check();
  }

  #check(): void {
    if (isStopped && this.#bytes === this.#sent * this.#frame.length) this.#onDrained();
  }
}

function subjectOf(index: number): string {
  return `pair.${index}`;
}

const commands: PairsCommands = {
  async open(port, count) {
    const words = (index: number): string => `SUB ${subjectOf(index)} 1\r\n`;
    const subscribers = await openPeers(port, count, words);
    const publishers = await openPeers(port, count);
    pairs = subscribers.map((peer, index) => new Pair(publishers[index] as Peer, peer, index));
    for (const pair of pairs) pair.pump();
  },
  sample() {
    return {
      received: pairs.map(({ received }) => received),
      closed: pairs.reduce((sum, { closed }) => sum + closed, 0),
      strange: pairs.reduce((sum, { strange }) => sum + strange, 0),
    };
  },
  async stop() {
    isStopped = true;
    await Promise.all(pairs.map((pair) => pair.drained()));
    return commands.sample();
  },
};

serveCommands(commands);
