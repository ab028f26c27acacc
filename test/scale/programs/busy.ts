// Connections of which each publishes, receives, asks and answers. Connection i of all of them has
//
//   own.<i>             what one other sends it, numbered and in order
//   shared.<i % 100>    what all of those with this rest send, itself included
//   work.<i % 100>      the same, one of them in queue group `q` gets each
//   ask.<i>             requests of one other, which it answers
//   inbox.<i>           the answers to its own requests
//
// and everybody counts what it gets. This program has some of the connections; others may be elsewhere.
import { serveCommands } from './commands.ts';
import { openPeers, type Peer } from './peer.ts';

export interface BusyShare {
  readonly port: number;
  /** Connections everywhere. */
  readonly total: number;
  /** Those here: from the first up to before the last. */
  readonly from: number;
  readonly to: number;
}

/** What one connection sends in a round. */
export interface BusyLoad {
  readonly own: number;
  readonly shared: number;
  readonly work: number;
  readonly asks: number;
}

export interface BusyOutcome {
  readonly own: number;
  readonly shared: number;
  readonly work: number;
  readonly answers: number;
  /** Requests of the program's own service that it has answered. */
  readonly served: number;
  /** Of a request that nobody serves: told so. */
  readonly refused: number;
  /** What went wrong, a few. */
  readonly problems: readonly string[];
  readonly closed: number;
}

export interface BusyCommands {
  open(share: BusyShare): Promise<void>;
  /** Begins to count for a round. Others may send as soon as they have been told to: it comes first everywhere. */
  ready(load: BusyLoad): void;
  /** Sends it all; answers when the connections here have got what is due to them for certain. */
  round(): Promise<void>;
  /** Answers when each has said PING and has got PONG: whatever was on its way to it has come. */
  outcome(): Promise<BusyOutcome>;
  /** Half of them end, half are destroyed. */
  go(): Promise<void>;
}

const SHARED_SUBJECTS = 100;
/** Coprime to any power of ten: neighbours do not talk to each other. */
const STRIDE = 7919;
const PROBLEMS_MAX = 5;
/** A round that takes longer tells what has not come. */
const ROUND_MAX_MS = 60_000;
const SIDS = { own: 1, shared: 2, work: 3, ask: 4, inbox: 5 } as const;
const DELIVERY = /^(?:MSG|HMSG) /;

let share: BusyShare;
let load: BusyLoad = { own: 0, shared: 0, work: 0, asks: 0 };
let clients: Busy[] = [];
let problems: string[] = [];

function fail(problem: string): void {
  if (problems.length < PROBLEMS_MAX) problems.push(problem);
}

class Busy {
  readonly peer: Peer;
  readonly index: number;
  own = 0;
  shared = 0;
  work = 0;
  answers = 0;
  served = 0;
  refused = 0;
  #tail = '';
  #onDue: () => void = () => {};
  #onPong: () => void = () => {};

  constructor(peer: Peer, index: number) {
    this.peer = peer;
    this.index = index;
    peer.onBytes = (bytes) => this.#read(bytes.toString('latin1'));
    peer.onClose = () => this.#closed();
  }

  ready(): void {
    Object.assign(this, { own: 0, shared: 0, work: 0, answers: 0, served: 0, refused: 0 });
  }

  /** Resolves when everything but its share of the work has come. */
  begin(): Promise<void> {
    this.peer.socket.write(this.#words());
    return new Promise((resolve) => {
      this.#onDue = resolve;
      if (this.isServed()) resolve();
    });
  }

  flush(): Promise<void> {
    if (this.peer.isClosed) return Promise.resolve();
    this.peer.socket.write('PING\r\n');
    return new Promise((resolve) => {
      this.#onPong = resolve;
    });
  }

  #words(): string {
    const { index } = this;
    const group = index % SHARED_SUBJECTS;
    const other = (index + STRIDE) % share.total;
    let words = '';
    for (let number = 0; number < load.own; number++) words += pub(`own.${other}`, `${number}`);
    for (let number = 0; number < load.shared; number++) words += pub(`shared.${group}`, 'all');
    for (let number = 0; number < load.work; number++) words += pub(`work.${group}`, 'one');
    for (let number = 0; number < load.asks; number++) {
      words += pub(`ask.${other} inbox.${index}`, 'peer');
      words += pub(`service inbox.${index}`, 'host');
      words += pub(`nobody inbox.${index}`, 'none');
    }
    return words;
  }

  #read(text: string): void {
    const chunk = this.#tail + text;
    let at = 0;
    for (;;) {
      const end = chunk.indexOf('\r\n', at);
      if (end < 0) break;
      const line = chunk.slice(at, end);
      if (!DELIVERY.test(line)) {
        if (line === 'PONG') this.#onPong();
        else fail(`unexpected: ${line}`);
        at = end + 2;
        continue;
      }
      const bytes = Number(line.slice(line.lastIndexOf(' ') + 1));
      const next = end + 2 + bytes + 2;
      if (next > chunk.length) break;
      this.#take(line.split(' '), chunk.slice(end + 2, next - 2));
      at = next;
    }
    this.#tail = chunk.slice(at);
    if (this.isServed()) this.#onDue();
  }

  // MSG <subject> <sid> [reply] <bytes>
  #take(words: readonly string[], payload: string): void {
    switch (Number(words[2])) {
      case SIDS.own:
        if (payload !== `${this.own}`) fail(`${words[1]}: ${payload} came as number ${this.own}`);
        this.own++;
        break;
      case SIDS.shared:
        this.shared++;
        break;
      case SIDS.work:
        this.work++;
        break;
      case SIDS.ask:
        this.peer.socket.write(pub(words[3] as string, 'yours'));
        break;
      default:
        if (payload === 'yours') this.answers++;
        else if (payload === 'answer') this.served++;
        else if (payload.startsWith('NATS/1.0 503')) this.refused++;
        else fail(`${words.join(' ')}: ${payload}`);
    }
  }

  isServed(): boolean {
    const { asks } = load;
    return (
      this.own >= load.own &&
      this.shared >= load.shared * (share.total / SHARED_SUBJECTS) &&
      this.answers >= asks &&
      this.served >= asks &&
      this.refused >= asks
    );
  }

  #closed(): void {
    fail(`${this.index} was closed`);
    this.#onDue();
    this.#onPong();
  }
}

function pub(subject: string, payload: string): string {
  return `PUB ${subject} ${payload.length}\r\n${payload}\r\n`;
}

function subscriptions(index: number): string {
  const group = index % SHARED_SUBJECTS;
  const subs = [
    `own.${index} ${SIDS.own}`,
    `shared.${group} ${SIDS.shared}`,
    `work.${group} q ${SIDS.work}`,
    `ask.${index} ${SIDS.ask}`,
    `inbox.${index} ${SIDS.inbox}`,
  ];
  return subs.map((sub) => `SUB ${sub}\r\n`).join('');
}

function sum(count: (client: Busy) => number): number {
  return clients.reduce((total, client) => total + count(client), 0);
}

function counted(): BusyOutcome {
  return {
    own: sum(({ own }) => own),
    shared: sum(({ shared }) => shared),
    work: sum(({ work }) => work),
    answers: sum(({ answers }) => answers),
    served: sum(({ served }) => served),
    refused: sum(({ refused }) => refused),
    problems,
    closed: clients.filter(({ peer }) => peer.isClosed).length,
  };
}

/** Rejects with what has come so far when the rest does not. */
async function inTime(all: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => {
      const waiting = clients.filter((client) => !client.isServed()).length;
      const got = JSON.stringify(counted());
      reject(new Error(`${waiting} of ${clients.length} wait for more; together they have ${got}`));
    }, ROUND_MAX_MS);
  });
  try {
    await Promise.race([all, late]);
  } finally {
    clearTimeout(timer);
  }
}

const commands: BusyCommands = {
  async open(given) {
    share = given;
    const { port, from, to } = given;
    const peers = await openPeers(port, to - from, (at) => subscriptions(from + at));
    clients = peers.map((peer, at) => new Busy(peer, from + at));
  },
  ready(given) {
    load = given;
    problems = [];
    for (const client of clients) client.ready();
  },
  async round() {
    await inTime(Promise.all(clients.map((client) => client.begin())));
  },
  async outcome() {
    await inTime(Promise.all(clients.map((client) => client.flush())));
    return counted();
  },
  async go() {
    const gone = clients.map(
      ({ peer }) =>
        new Promise<void>((resolve) => {
          peer.onClose = resolve;
        }),
    );
    for (const { peer, index } of clients) {
      if (index % 2 === 0) peer.socket.end();
      else peer.socket.destroy();
    }
    await Promise.all(gone);
    clients = [];
  },
};

serveCommands(commands);
