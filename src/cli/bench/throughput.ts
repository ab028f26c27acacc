// One publisher that writes ready-made frames as fast as the server takes them, and subscribers of the same
// subject. All frames are the same, so a subscriber compares what it gets with what it has to get. The publisher
// waits while the slowest subscriber is a window behind.
import { randomBase62 } from '../../shared/nuid.ts';
import type { ServerAddress } from './address.ts';
import { BenchClient, STALL_MS } from './client.ts';
import type { Contender, Sample } from './contender.ts';
import { FrameCounter } from './frame-counter.ts';

const WRITE_BYTES = 64 * 1024;
/** nats-server gives up on a reader that is 64 MiB behind. */
const WINDOW_BYTES = 16 * 1024 * 1024;

export interface ThroughputOptions {
  readonly name: string;
  readonly subscribers: number;
  readonly payloadLen: number;
}

/** Connects. Rejects when the server refuses, or does not take payloads of that size. */
export async function openThroughput(
  address: ServerAddress,
  { name, subscribers, payloadLen }: ThroughputOptions,
): Promise<Contender> {
  // Nobody else's: another bench on the same server must not be heard.
  const subject = `bench.${randomBase62(8)}`;
  const clients: BenchClient[] = [];
  const close = (): void => {
    for (const client of clients) client.close();
  };
  try {
    const publisher = await BenchClient.connect(address);
    clients.push(publisher);
    const { max_payload: payloadMax = Number.POSITIVE_INFINITY } = publisher.info;
    if (payloadLen > payloadMax) {
      throw new Error(
        `payload of ${payloadLen} bytes exceeds the server's max_payload ${payloadMax}`,
      );
    }
    const frame = `MSG ${subject} 1 ${payloadLen}\r\n${'x'.repeat(payloadLen)}\r\n`;
    const receivers: Receiver[] = [];
    for (let i = 0; i < subscribers; i++) {
      const client = await BenchClient.connect(address);
      clients.push(client);
      await client.write(Buffer.from(`SUB ${subject} 1\r\n`));
      await client.confirm();
      receivers.push(new Receiver(client, frame));
    }
    const run = new ThroughputRun(publisher, receivers, subject, payloadLen);
    return { name, close, round: (seconds) => run.round(seconds) };
  } catch (error) {
    close();
    throw error;
  }
}

/** A subscriber that counts bytes, all of which are those of one frame. */
class Receiver {
  readonly #client: BenchClient;
  readonly #frames: FrameCounter;
  /** Bytes that had come before the round. */
  #before = 0;
  /** Wakes whoever waits for bytes. */
  onProgress: (hasFailed: boolean) => void = () => {};

  constructor(client: BenchClient, frame: string) {
    this.#client = client;
    this.#frames = new FrameCounter(frame);
    client.reader = {
      take: (bytes, at) => {
        const end = this.#frames.take(bytes, at);
        this.onProgress(false);
        return end;
      },
      onMessage: () => {
        throw new Error('a subscriber got a message that was not published');
      },
      onFailure: () => this.onProgress(true),
    };
  }

  get received(): number {
    return this.#frames.bytes - this.#before;
  }

  start(): void {
    this.#before = this.#frames.bytes;
  }

  check(): void {
    this.#client.check();
  }

  /** After the last byte: nothing may have come beyond it. */
  async finish(expected: number): Promise<void> {
    await this.#client.confirm();
    if (this.received > expected) throw new Error('a subscriber got more than was published');
  }
}

class ThroughputRun {
  readonly #publisher: BenchClient;
  readonly #receivers: readonly Receiver[];
  readonly #block: Buffer;
  readonly #framesPerBlock: number;
  readonly #deliveredLen: number;

  constructor(
    publisher: BenchClient,
    receivers: readonly Receiver[],
    subject: string,
    payloadLen: number,
  ) {
    this.#publisher = publisher;
    this.#receivers = receivers;
    const frame = `PUB ${subject} ${payloadLen}\r\n${'x'.repeat(payloadLen)}\r\n`;
    this.#framesPerBlock = Math.max(1, Math.floor(WRITE_BYTES / frame.length));
    this.#block = Buffer.from(frame.repeat(this.#framesPerBlock));
    this.#deliveredLen = `MSG ${subject} 1 ${payloadLen}\r\n`.length + payloadLen + 2;
  }

  async round(seconds: number): Promise<Sample> {
    for (const receiver of this.#receivers) receiver.start();
    const startMs = performance.now();
    const endMs = startMs + seconds * 1000;
    let operations = 0;
    while (performance.now() < endMs) {
      operations += this.#framesPerBlock;
      await this.#publisher.write(this.#block);
      // Let what has come be read.
      await new Promise((resolve) => setImmediate(resolve));
      await this.#untilAllHave(operations * this.#deliveredLen - WINDOW_BYTES);
    }
    await this.#publisher.confirm();
    const expected = operations * this.#deliveredLen;
    await this.#untilAllHave(expected);
    const elapsed = (performance.now() - startMs) / 1000;
    for (const receiver of this.#receivers) await receiver.finish(expected);
    return { operations, seconds: elapsed };
  }

  #slowest(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const { received } of this.#receivers) least = Math.min(least, received);
    return least;
  }

  /** Throws why a connection has failed, if one has. */
  #check(): void {
    this.#publisher.check();
    for (const receiver of this.#receivers) receiver.check();
  }

  /** Resolves when every subscriber has so many bytes. */
  async #untilAllHave(bytes: number): Promise<void> {
    this.#check();
    for (let before = this.#slowest(); before < bytes; ) {
      await this.#progress(bytes);
      this.#check();
      const now = this.#slowest();
      if (now === before) {
        throw new Error(`after ${STALL_MS / 1000} s a subscriber still lacks ${bytes - now} bytes`);
      }
      before = now;
    }
  }

  /** Resolves when the slowest subscriber is where it has to be, or a connection has failed, or after STALL_MS. */
  #progress(bytes: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        for (const receiver of this.#receivers) receiver.onProgress = () => {};
        resolve();
      };
      const timer = setTimeout(done, STALL_MS);
      for (const receiver of this.#receivers) {
        receiver.onProgress = (hasFailed) => {
          if (hasFailed || this.#slowest() >= bytes) done();
        };
      }
    });
  }
}
