// A few connections with very many subscriptions on one subject. Every delivery is counted by connection, sid
// and message.
import { serveCommands } from './commands.ts';
import { openPeers, type Peer } from './peer.ts';

export interface DeliveryOutcome {
  readonly milliseconds: number;
  /** Deliveries that were due and did not come, came twice, or were due to nobody. */
  readonly missing: number;
  readonly repeated: number;
  readonly strange: number;
  readonly closed: number;
}

export interface SubscribersCommands {
  open(port: number, connections: number, subscriptions: number, subject: string): Promise<void>;
  /** Publishes so many messages, and answers when everybody, the publisher too, has sent PING and has got PONG next. */
  round(messages: number): Promise<DeliveryOutcome>;
}

const LF = 10;
const CRLF = '\r\n';
const NUMBER_DIGITS = 6;
const EMPTY = Buffer.alloc(0);

let subscribers: Subscriber[] = [];
let publisher: Peer;
let subject = '';
let subscriptionCount = 0;
let messageCount = 0;
let strange = 0;

class Subscriber {
  readonly peer: Peer;
  /** Deliveries by message and sid. */
  counts = new Uint8Array(0);
  #tail = EMPTY;
  #received = 0;
  #onPong: () => void = () => {};
  #onAll: () => void = () => {};

  constructor(peer: Peer) {
    this.peer = peer;
    peer.onBytes = (bytes) => this.#read(bytes);
  }

  begin(): Promise<void> {
    this.counts = new Uint8Array(messageCount * subscriptionCount);
    this.#received = 0;
    return new Promise((resolve) => {
      this.#onAll = resolve;
      this.peer.onClose = resolve;
    });
  }

  flush(): Promise<void> {
    this.peer.socket.write(`PING${CRLF}`);
    return new Promise((resolve) => {
      this.#onPong = resolve;
      this.peer.onClose = resolve;
    });
  }

  // MSG <subject> <sid> 6 CRLF <number of the message> CRLF
  #read(bytes: Buffer): void {
    const chunk = this.#tail.length === 0 ? bytes : Buffer.concat([this.#tail, bytes]);
    const sidAt = `MSG ${subject} `.length;
    let at = 0;
    for (;;) {
      const lineEnd = chunk.indexOf(LF, at);
      if (lineEnd < 0) break;
      if (chunk[at] !== 'M'.charCodeAt(0)) {
        if (chunk.toString('latin1', at, lineEnd + 1) === `PONG${CRLF}`) this.#onPong();
        else strange++;
        at = lineEnd + 1;
        continue;
      }
      const end = lineEnd + 1 + NUMBER_DIGITS + CRLF.length;
      if (end > chunk.length) break;
      this.#count(decimal(chunk, at + sidAt), decimal(chunk, lineEnd + 1));
      at = end;
    }
    this.#tail = at === chunk.length ? EMPTY : Buffer.from(chunk.subarray(at));
  }

  #count(sid: number, message: number): void {
    const isDue = sid >= 1 && sid <= subscriptionCount && message < messageCount;
    if (!isDue) {
      strange++;
      return;
    }
    const index = message * subscriptionCount + sid - 1;
    this.counts[index] = (this.counts[index] as number) + 1;
    this.#received++;
    if (this.#received === this.counts.length) this.#onAll();
  }
}

/** The decimal that begins at `at`. */
function decimal(bytes: Buffer, at: number): number {
  let value = 0;
  for (let digit = at; ; digit++) {
    const byte = bytes[digit] as number;
    if (byte < 48 || byte > 57) return value;
    value = value * 10 + byte - 48;
  }
}

const commands: SubscribersCommands = {
  async open(port, connections, subscriptions, name) {
    subject = name;
    subscriptionCount = subscriptions;
    let words = '';
    for (let sid = 1; sid <= subscriptions; sid++) words += `SUB ${name} ${sid}${CRLF}`;
    subscribers = (await openPeers(port, connections, () => words)).map(
      (peer) => new Subscriber(peer),
    );
    [publisher] = (await openPeers(port, 1)) as [Peer];
  },
  async round(messages) {
    messageCount = messages;
    strange = 0;
    const start = performance.now();
    const all = subscribers.map((subscriber) => subscriber.begin());
    let frames = '';
    for (let message = 0; message < messages; message++) {
      const number = String(message).padStart(NUMBER_DIGITS, '0');
      frames += `PUB ${subject} ${NUMBER_DIGITS}${CRLF}${number}${CRLF}`;
    }
    // Whatever it has published has reached everybody when it is answered: also the program's own subscriptions.
    const answered = new Promise<void>((resolve) => {
      publisher.onBytes = (bytes) => {
        if (bytes.includes('PONG')) resolve();
      };
      publisher.onClose = resolve;
    });
    publisher.socket.write(`${frames}PING${CRLF}`);
    await Promise.all([...all, answered]);
    const milliseconds = performance.now() - start;
    await Promise.all(subscribers.map((subscriber) => subscriber.flush()));
    let missing = 0;
    let repeated = 0;
    for (const { counts } of subscribers) {
      for (const count of counts) {
        if (count === 0) missing++;
        else repeated += count - 1;
      }
    }
    const closed = subscribers.filter(({ peer }) => peer.isClosed).length;
    return { milliseconds, missing, repeated, strange, closed };
  },
};

serveCommands(commands);
