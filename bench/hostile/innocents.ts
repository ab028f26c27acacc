// The pair that is watched: a publisher that sends at fixed times, and its subscriber. A program of its own, apart
// from the attackers, asked over the channel that Node gives to children.
import { connect, type Socket } from 'node:net';
import { constants, setPriority } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { type Figures, Ledger } from './ledger.ts';
import { MessageReader, NUMBER_DIGITS } from './message-reader.ts';
import { CREDENTIALS } from './peer.ts';

/** What the parent says. */
export type InnocentsQuestion =
  | {
      readonly do: 'come';
      readonly port: number;
      readonly bytes: number;
      readonly perSecond: number;
    }
  /** A stretch of time begins here, and the one before ends. */
  | { readonly do: 'mark' }
  /** No more is sent; what is under way has so much time. */
  | { readonly do: 'end'; readonly drainMs: number }
  /** Others come, subscribe, and wait for an answer. */
  | { readonly do: 'newcomers'; readonly count: number; readonly patienceMs: number };

/** Answer to `end`: the figures of each stretch, and what was said to the pair if it was cut off. */
export interface InnocentsAnswer {
  readonly stretches: readonly Figures[];
  readonly cutOff?: string;
}

const SUBJECT = 'innocent';
const TICK_MS = 1;
const CONNECT = `CONNECT {"verbose":false,"pedantic":false,${CREDENTIALS}}\r\n`;
const PAYLOAD_FILL = 'x';

class Pair {
  readonly #bytes: number;
  readonly #publisher: Socket;
  readonly #ledger: Ledger;
  readonly #marks: number[] = [];
  readonly #ticking: NodeJS.Timeout;
  #cutOff: string | undefined;

  constructor(publisher: Socket, bytes: number, perSecond: number) {
    this.#publisher = publisher;
    this.#bytes = bytes;
    this.#ledger = new Ledger(performance.now(), 1000 / perSecond);
    this.#ticking = setInterval(() => this.#send(performance.now()), TICK_MS);
  }

  arrive(number: number): void {
    this.#ledger.arrive(number, performance.now());
  }

  cutOff(text: string): void {
    this.#cutOff ??= text;
  }

  mark(): void {
    this.#marks.push(performance.now());
  }

  async end(drainMs: number): Promise<InnocentsAnswer> {
    clearInterval(this.#ticking);
    // One moment for both: what is due before the last mark has been sent.
    const nowMs = performance.now();
    this.#send(nowMs);
    this.#marks.push(nowMs);
    const deadline = nowMs + drainMs;
    while (!this.#ledger.isComplete() && performance.now() < deadline) await delay(TICK_MS);
    const endMs = performance.now();
    const stretches = this.#marks
      .slice(1)
      .map((mark, index) => this.#ledger.figures(this.#marks[index]!, mark, endMs));
    return { stretches, ...(this.#cutOff === undefined ? {} : { cutOff: this.#cutOff }) };
  }

  #send(nowMs: number): void {
    const count = this.#ledger.dueNow(nowMs);
    if (count <= 0) return;
    const head = `PUB ${SUBJECT} ${this.#bytes}\r\n`;
    const fill = PAYLOAD_FILL.repeat(this.#bytes - NUMBER_DIGITS);
    let text = '';
    for (let sent = 0; sent < count; sent++) {
      const number = String(this.#ledger.send(nowMs)).padStart(NUMBER_DIGITS, '0');
      text += `${head}${number}${fill}\r\n`;
    }
    if (this.#publisher.writable) this.#publisher.write(text, 'latin1');
  }
}

let pair: Pair | undefined;
let serverPort = 0;

/** Connects, and resolves when the server has answered a PING behind `lines`. */
function greet(lines: string, see: (number: number) => void): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: serverPort, noDelay: true });
    let lastError = '';
    const reader = new MessageReader({
      message: see,
      line: (text) => {
        if (text === 'PONG') resolve(socket);
        else if (text === 'PING') socket.write('PONG\r\n');
        else if (text.startsWith('-ERR')) lastError = text;
      },
    });
    socket.on('data', (bytes) => reader.read(bytes));
    socket.on('error', (error) => {
      lastError = error.message;
    });
    socket.on('close', () => {
      const text = lastError === '' ? 'the connection was closed' : lastError;
      pair?.cutOff(text);
      reject(new Error(text));
    });
    socket.write(`${CONNECT}${lines}PING\r\n`);
  });
}

async function come(port: number, bytes: number, perSecond: number): Promise<void> {
  serverPort = port;
  await greet(`SUB ${SUBJECT} 1\r\n`, (number) => pair?.arrive(number));
  const publisher = await greet('', () => {});
  pair = new Pair(publisher, bytes, perSecond);
}

/** How many of them are not served. */
async function newcomers(count: number, patienceMs: number): Promise<number> {
  const isServed = async (index: number): Promise<boolean> => {
    const served = greet(`SUB newcomer.*.${index} 1\r\n`, () => {});
    const impatience = delay(patienceMs).then(() => undefined);
    const socket = await Promise.race([served, impatience]).catch(() => undefined);
    socket?.destroy();
    return socket !== undefined;
  };
  pair = undefined;
  const served = await Promise.all(Array.from({ length: count }, (_, index) => isServed(index)));
  return served.filter((is) => !is).length;
}

async function answer(question: InnocentsQuestion): Promise<unknown> {
  switch (question.do) {
    case 'come':
      return come(question.port, question.bytes, question.perSecond);
    case 'mark':
      return pair?.mark();
    case 'end':
      return pair?.end(question.drainMs);
    case 'newcomers':
      return newcomers(question.count, question.patienceMs);
  }
}

try {
  // Attackers on the same machine take its cores; what they take from the pair is not the server's doing.
  setPriority(constants.priority.PRIORITY_HIGH);
} catch {
  // Not allowed here; the sender's own lateness is in the figures.
}
process.on('message', (question: InnocentsQuestion) => {
  answer(question).then(
    (said) => process.send?.(said ?? 'done'),
    (cause: unknown) => {
      console.error(`innocents: ${cause instanceof Error ? cause.message : String(cause)}`);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit());
