// The load of many readers: connections that count the bytes they get, and one publisher. A program of its own,
// asked over the channel that Node gives to children.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** What the parent says. */
export type CrowdQuestion =
  | {
      readonly do: 'come';
      readonly port: number;
      readonly readers: number;
      /** Further subscriptions of each, on subjects that nobody publishes. */
      readonly subscriptions: number;
    }
  | {
      readonly do: 'publish';
      readonly bytes: number;
      readonly messages: number;
      /** Messages that a publisher is ahead of the slowest reader. */
      readonly ahead: number;
    }
  | { readonly do: 'go' }
  /** Somebody reads a page of monitoring to its end. */
  | { readonly do: 'ask'; readonly url: string };

const OPENING_MAX = 256;
const SUBJECT = 'crowd';
const OPTIONS = '{"verbose":false,"pedantic":false,"headers":true,"no_responders":true}';
/** Reads are counted before the next one begins, so one buffer serves everybody. */
const shared = Buffer.allocUnsafe(1 << 20);

let readers: Reader[] = [];
let publisher: Reader;
/** Bytes that each reader is due since the last question, and who has them. */
let dueBytes = 0;
let served = 0;
let onServed: () => void = () => {};

class Reader {
  readonly socket: Socket;
  bytes = 0;
  #greeting: string | undefined = '';
  #onGreeted: () => void = () => {};

  constructor(port: number) {
    const callback = (length: number): boolean => {
      if (this.#greeting === undefined) this.#count(length);
      else this.#greet(shared.toString('latin1', 0, length));
      return true;
    };
    const onread = { buffer: shared, callback };
    this.socket = connect({ host: '127.0.0.1', port, noDelay: true, onread });
    this.socket.on('error', (error) => fail(error.message));
  }

  /**
   * Resolves when it has answered the PING by which the server measures the round trip, a while after CONNECT:
   * then none comes for two minutes.
   */
  async greet(words: string): Promise<void> {
    this.socket.write(`CONNECT ${OPTIONS}\r\n${words}PING\r\n`);
    await new Promise<void>((resolve) => {
      this.#onGreeted = resolve;
    });
    this.#greeting = undefined;
  }

  #greet(text: string): void {
    this.#greeting += text;
    // In either order: what it says may take longer than the server waits.
    if (!['PONG\r\n', 'PING\r\n'].every((line) => this.#greeting?.includes(line))) return;
    this.socket.write('PONG\r\n');
    this.#onGreeted();
  }

  #count(length: number): void {
    this.bytes += length;
    if (this.bytes > dueBytes) fail(`${this.bytes} bytes came where ${dueBytes} were due`);
    if (this.bytes === dueBytes && ++served === readers.length) onServed();
  }
}

function fail(problem: string): void {
  console.error(`crowd: ${problem}`);
  process.exit(1);
}

async function come(port: number, count: number, subscriptions: number): Promise<void> {
  const extra = Array.from({ length: subscriptions }, (_, index) => index + 2);
  const words = (reader: number): string =>
    [`SUB ${SUBJECT} 1`, ...extra.map((sid) => `SUB other.${reader}.${sid} ${sid}`), ''].join(
      '\r\n',
    );
  const made: Reader[] = [];
  const greeted: Promise<void>[] = [];
  const work = async (): Promise<void> => {
    // One more for the publisher.
    while (made.length <= count) {
      const reader = new Reader(port);
      const index = made.push(reader);
      await once(reader.socket, 'connect');
      greeted.push(reader.greet(index > count ? '' : words(index)));
    }
  };
  await Promise.all(Array.from({ length: Math.min(OPENING_MAX, count) }, work));
  await Promise.all(greeted);
  readers = made.slice(0, count);
  publisher = made[count] as Reader;
}

async function publish(bytes: number, messages: number, ahead: number): Promise<void> {
  const tail = `${bytes}\r\n${'x'.repeat(bytes)}\r\n`;
  const frameBytes = `MSG ${SUBJECT} 1 ${tail}`.length;
  for (let sent = 0; sent < messages; sent += ahead) {
    const count = Math.min(ahead, messages - sent);
    const all = new Promise<void>((resolve) => {
      onServed = resolve;
    });
    served = 0;
    dueBytes += count * frameBytes;
    publisher.socket.write(`PUB ${SUBJECT} ${tail}`.repeat(count));
    await all;
  }
}

async function go(): Promise<void> {
  const all = [...readers, publisher];
  const gone = all.map(({ socket }) => once(socket, 'close'));
  for (const { socket } of all) socket.end();
  await Promise.all(gone);
}

async function ask(url: string): Promise<void> {
  const { status, body } = await fetch(url);
  if (status !== 200 || body === null) fail(`${url}: ${status}`);
  for await (const _chunk of body as AsyncIterable<Uint8Array>);
}

process.on('message', (question: CrowdQuestion) => {
  void (async () => {
    if (question.do === 'come') await come(question.port, question.readers, question.subscriptions);
    else if (question.do === 'go') await go();
    else if (question.do === 'ask') await ask(question.url);
    else await publish(question.bytes, question.messages, question.ahead);
    process.send?.('done');
  })().catch((cause: unknown) => fail(String(cause)));
});
process.on('disconnect', () => process.exit());
