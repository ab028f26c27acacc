// Requests with a number of them under way, through a responder on a connection of its own. What arrives in one
// read is answered by one write, on both sides.
import { randomBase62 } from '../../shared/nuid.ts';
import type { ServerAddress } from './address.ts';
import { BenchClient, STALL_MS } from './client.ts';
import type { Contender, Sample } from './contender.ts';
import { percentile } from './statistics.ts';

export interface RequestOptions {
  readonly name: string;
  readonly inFlight: number;
  readonly payloadLen: number;
}

/** Connects requester and responder. Rejects when the server refuses. */
export async function openRequests(
  address: ServerAddress,
  { name, inFlight, payloadLen }: RequestOptions,
): Promise<Contender> {
  const subject = `bench.${randomBase62(8)}`;
  const inbox = `_INBOX.${randomBase62(22)}`;
  const responder = await BenchClient.connect(address);
  let requester: BenchClient | undefined;
  const close = (): void => {
    responder.close();
    requester?.close();
  };
  try {
    requester = await BenchClient.connect(address);
    await serve(responder, subject, payloadLen);
    await requester.write(Buffer.from(`SUB ${inbox}.* 1\r\n`));
    await requester.confirm();
    const run = new RequestRun(requester, responder, { subject, inbox, inFlight, payloadLen });
    return { name, close, round: (seconds) => run.round(seconds) };
  } catch (error) {
    close();
    throw error;
  }
}

/** Answers every request on `subject`. */
async function serve(client: BenchClient, subject: string, payloadLen: number): Promise<void> {
  const outbox = new Outbox(client);
  const tail = ` ${payloadLen}\r\n${'z'.repeat(payloadLen)}\r\n`;
  client.reader = {
    // MSG subject sid reply size
    onMessage: ({ 0: verb, 3: reply, length }) => {
      if (verb !== 'MSG' || length < 5) throw new Error('a request came that was not made');
      outbox.add(`PUB ${reply}${tail}`);
    },
  };
  await client.write(Buffer.from(`SUB ${subject} 1\r\n`));
  await client.confirm();
}

/** Gathers what is to be sent until the read at hand is over. */
class Outbox {
  readonly #client: BenchClient;
  #text = '';

  constructor(client: BenchClient) {
    this.#client = client;
  }

  add(text: string): void {
    if (this.#text === '') queueMicrotask(() => this.#flush());
    this.#text += text;
  }

  #flush(): void {
    const bytes = Buffer.from(this.#text, 'latin1');
    this.#text = '';
    try {
      this.#client.write(bytes)?.catch(() => {});
    } catch {
      // The connection has failed: whoever waits for the answers finds out why.
    }
  }
}

interface Requesting {
  readonly subject: string;
  readonly inbox: string;
  readonly inFlight: number;
  readonly payloadLen: number;
}

class RequestRun {
  readonly #requester: BenchClient;
  readonly #responder: BenchClient;
  readonly #requests: readonly string[];
  readonly #outbox: Outbox;
  /** By request under way, when it was sent; 0 when it is not. */
  readonly #sentMs: Float64Array;
  readonly #replyHead: number;
  #latenciesUs: number[] = [];
  #waiting = 0;
  #endMs = 0;
  #hasStalled = false;
  #finish: () => void = () => {};

  constructor(requester: BenchClient, responder: BenchClient, options: Requesting) {
    const { subject, inbox, inFlight, payloadLen } = options;
    this.#requester = requester;
    this.#responder = responder;
    this.#outbox = new Outbox(requester);
    this.#sentMs = new Float64Array(inFlight);
    this.#replyHead = inbox.length + 1;
    const payload = 'y'.repeat(payloadLen);
    this.#requests = Array.from(
      { length: inFlight },
      (_, i) => `PUB ${subject} ${inbox}.${i} ${payloadLen}\r\n${payload}\r\n`,
    );
    requester.reader = {
      onMessage: ([verb, replied = '']) =>
        this.#onReply(verb, Number(replied.slice(this.#replyHead))),
      onFailure: () => this.#finish(),
    };
  }

  async round(seconds: number): Promise<Sample> {
    this.#latenciesUs = [];
    const startMs = performance.now();
    this.#endMs = startMs + seconds * 1000;
    for (let i = 0; i < this.#requests.length; i++) this.#send(i);
    await this.#untilAnswered();
    this.#requester.check();
    this.#responder.check();
    if (this.#hasStalled) throw new Error(`no reply for ${STALL_MS / 1000} s`);
    const elapsed = (performance.now() - startMs) / 1000;
    const sorted = Float64Array.from(this.#latenciesUs).sort();
    return {
      operations: sorted.length,
      seconds: elapsed,
      p50Us: percentile(sorted, 0.5),
      p99Us: percentile(sorted, 0.99),
    };
  }

  #send(index: number): void {
    this.#waiting++;
    this.#sentMs[index] = performance.now();
    this.#outbox.add(this.#requests[index] ?? '');
  }

  #onReply(verb: string | undefined, index: number): void {
    const sentMs = this.#sentMs[index];
    if (verb !== 'MSG') throw new Error('the server says that nobody answers requests');
    if (!sentMs) throw new Error('a reply came that was not waited for');
    const nowMs = performance.now();
    this.#latenciesUs.push((nowMs - sentMs) * 1000);
    this.#sentMs[index] = 0;
    this.#waiting--;
    if (nowMs < this.#endMs) this.#send(index);
    else if (this.#waiting === 0) this.#finish();
  }

  /** Resolves after the last reply, or when something has failed, or when no reply has come for STALL_MS. */
  #untilAnswered(): Promise<void> {
    return new Promise((resolve) => {
      let before = -1;
      const watch = setInterval(() => {
        const count = this.#latenciesUs.length;
        if (count === before) {
          this.#hasStalled = true;
          this.#finish();
        }
        before = count;
      }, STALL_MS);
      this.#finish = () => {
        clearInterval(watch);
        this.#finish = () => {};
        resolve();
      };
    });
  }
}
