// A few connections with very many subscriptions, no two alike: literals, or half of them, and a quarter each with
// a partial and with a full wildcard. A message for any one of them is known by its number.
import { serveCommands } from './commands.ts';
import { openPeers, type Peer } from './peer.ts';

export interface CatalogueOutcome {
  readonly milliseconds: number;
  /** Deliveries that were due and did not come, came twice, or to another than they were due to. */
  readonly missing: number;
  readonly repeated: number;
  readonly strange: number;
  readonly closed: number;
}

export interface CatalogueCommands {
  open(port: number, connections: number, kind: keyof typeof SUFFIXES): Promise<void>;
  /** Each connection subscribes so many more; answers the milliseconds until the last is confirmed. */
  subscribe(count: number): Promise<number>;
  /** Publishes one message for every `step`th subscription. */
  probe(step: number): Promise<CatalogueOutcome>;
  /** The connections end. */
  go(): Promise<void>;
}

/** Subscriptions of one write. */
const BATCH = 2000;
const SUFFIXES = {
  literal: ['value', 'state', 'value', 'state'],
  mixed: ['value', 'state', '*', '>'],
} as const;

let suffixes: readonly string[] = SUFFIXES.literal;
let members: Member[] = [];
let publisher: Peer;
/** Each connection has so many. */
let size = 0;
let due = new Uint8Array(0);
let received = 0;
let strange = 0;
let onAll: () => void = () => {};
let wanted = 0;

class Member {
  readonly peer: Peer;
  readonly index: number;
  #tail = '';
  #onPong: () => void = () => {};

  constructor(peer: Peer, index: number) {
    this.peer = peer;
    this.index = index;
    peer.onBytes = (bytes) => this.#read(bytes.toString('latin1'));
    peer.onClose = () => this.#onPong();
  }

  flush(): Promise<void> {
    this.peer.socket.write('PING\r\n');
    return new Promise((resolve) => {
      this.#onPong = resolve;
    });
  }

  async subscribe(from: number, to: number): Promise<void> {
    for (let at = from; at < to; at += BATCH) {
      let words = '';
      for (let number = at; number < Math.min(at + BATCH, to); number++) {
        words += `SUB ${stemOf(this.index, number)}.${suffixes[number % 4]} ${number}\r\n`;
      }
      this.peer.socket.write(words);
      await this.flush();
    }
  }

  // MSG <stem>.<last> <sid> 0, and an empty payload
  #read(text: string): void {
    const lines = (this.#tail + text).split('\r\n');
    this.#tail = lines.pop() as string;
    for (const line of lines) {
      if (line === 'PONG') this.#onPong();
      else if (line !== '') this.#count(line.split(' '));
    }
  }

  #count([verb, subject, sid]: readonly string[]): void {
    const number = Number(sid);
    if (verb !== 'MSG' || !subject?.startsWith(`${stemOf(this.index, number)}.`)) {
      strange++;
      return;
    }
    const at = this.index * size + number;
    due[at] = (due[at] as number) + 1;
    if (++received === wanted) onAll();
  }
}

function stemOf(member: number, number: number): string {
  return `plant.${member}.machine-${number}`;
}

function subjectOf(member: number, number: number): string {
  const suffix = suffixes[number % 4] as string;
  return `${stemOf(member, number)}.${suffix === '*' || suffix === '>' ? 'value' : suffix}`;
}

const commands: CatalogueCommands = {
  async open(port, connections, kind) {
    suffixes = SUFFIXES[kind];
    size = 0;
    members = (await openPeers(port, connections)).map((peer, index) => new Member(peer, index));
    publisher = (await openPeers(port, 1))[0] as Peer;
  },
  async subscribe(count) {
    const start = performance.now();
    await Promise.all(members.map((member) => member.subscribe(size, size + count)));
    size += count;
    return performance.now() - start;
  },
  async probe(step) {
    const total = members.length * size;
    due = new Uint8Array(total);
    received = 0;
    strange = 0;
    wanted = Math.ceil(total / step);
    const start = performance.now();
    const all = new Promise<void>((resolve) => {
      onAll = resolve;
    });
    let words = '';
    for (let at = 0; at < total; at += step) {
      words += `PUB ${subjectOf(Math.floor(at / size), at % size)} 0\r\n\r\n`;
    }
    publisher.socket.write(words);
    await all;
    const milliseconds = performance.now() - start;
    await Promise.all(members.map((member) => member.flush()));
    let missing = 0;
    let repeated = 0;
    due.forEach((count, at) => {
      const isDue = at % step === 0;
      if (!isDue) strange += count;
      else if (count === 0) missing++;
      else repeated += count - 1;
    });
    const closed = members.filter(({ peer }) => peer.isClosed).length;
    return { milliseconds, missing, repeated, strange, closed };
  },
  async go() {
    const all = [publisher, ...members.map(({ peer }) => peer)];
    const gone = all.map(
      (peer) =>
        new Promise<void>((resolve) => {
          peer.onClose = resolve;
        }),
    );
    for (const { socket } of all) socket.end();
    await Promise.all(gone);
    members = [];
  },
};

serveCommands(commands);
