// Peers that come and go in every way there is, and never do anything tidily for long.
import { once } from 'node:events';
import { serveCommands } from './commands.ts';
import { Peer } from './peer.ts';

export interface ChurnOutcome {
  readonly connections: number;
  readonly subscriptions: number;
  readonly messages: number;
  readonly requests: number;
  readonly answers: number;
  readonly stuck: number;
}

export interface ChurnCommands {
  /**
   * One round: so many connections that live for a while, so many that say CONNECT and go, and so many readers
   * that get stuck. All are gone when it answers.
   */
  round(port: number, lives: number, visits: number, stuck: number): Promise<ChurnOutcome>;
}

/** Connections at one time. */
const TOGETHER = 20;
const SUBSCRIPTIONS = 20;
/** On their way at one time, and how often. */
const REQUESTS = 20;
const REQUEST_TIMES = 5;
const MESSAGES = 1000;
const PENDING_BYTES = 32 * 1024;

let serial = 0;
let requests = 0;
let answers = 0;
let messages = 0;
let subscriptions = 0;

/** Resolves when the text has come so often; fails when the peer is closed before. */
function heard(peer: Peer, text: string, times = 1): Promise<void> {
  let tail = '';
  let count = 0;
  return new Promise((resolve, reject) => {
    peer.onClose = () => reject(new Error(`closed before ${text}`));
    peer.onBytes = (bytes) => {
      tail += bytes.toString('latin1');
      if (tail.includes('PING\r\n')) peer.socket.write('PONG\r\n');
      const parts = tail.split(text);
      count += parts.length - 1;
      if (count >= times) resolve();
      // Less than the text, which is not counted twice.
      tail = (parts.at(-1) as string).slice(1 - text.length);
    };
  });
}

/** Names of its own, of which some are shared by all rounds and most never come again. */
async function subscribe(peer: Peer): Promise<void> {
  let words = '';
  for (let index = 0; index < SUBSCRIPTIONS; index++) {
    const name = `churn.${index}.${++serial}`;
    const filters = [name, `churn.*.${serial}`, `churn.${index}.>`, `${name} group.${serial % 7}`];
    words += `SUB ${filters[index % filters.length]} sid-${index}-of-some-length\r\n`;
  }
  // Some go one by one, some after a number of messages, the rest with their connection.
  for (let index = 0; index < SUBSCRIPTIONS; index += 3)
    words += `UNSUB sid-${index}-of-some-length\r\n`;
  for (let index = 1; index < SUBSCRIPTIONS; index += 3) {
    words += `UNSUB sid-${index}-of-some-length 2\r\nPUB churn.${index}.${serial} 2\r\nhi\r\n`;
  }
  subscriptions += SUBSCRIPTIONS;
  const pong = heard(peer, 'PONG\r\n');
  peer.socket.write(`${words}PING\r\n`);
  await pong;
}

/** A service of the program answers; each request has an inbox of its own. */
async function ask(peer: Peer): Promise<void> {
  for (let time = 0; time < REQUEST_TIMES; time++) {
    let words = '';
    for (let index = 0; index < REQUESTS; index++) {
      const inbox = `_INBOX.${++serial}.${Math.random().toString(36).slice(2)}`;
      words += `SUB ${inbox} r${index}\r\nUNSUB r${index} 1\r\nPUB service ${inbox} 2\r\nhi\r\n`;
    }
    const all = heard(peer, 'answer\r\n', REQUESTS);
    requests += REQUESTS;
    subscriptions += REQUESTS;
    peer.socket.write(words);
    await all;
    answers += REQUESTS;
  }
}

/** Two members of a queue group share what it sends. */
async function work(peer: Peer): Promise<void> {
  const subject = `work.${++serial}`;
  const all = heard(peer, 'task\r\n', MESSAGES);
  const members = `SUB ${subject} q 1\r\nSUB ${subject} q 2\r\n`;
  peer.socket.write(members + `PUB ${subject} 4\r\ntask\r\n`.repeat(MESSAGES));
  await all;
  subscriptions += 2;
  messages += MESSAGES;
}

type Ending = (peer: Peer) => void;
/** The first ones have nothing but the connection to end. */
const TIDY_ENDINGS = 5;

const endings: readonly Ending[] = [
  (peer) => peer.socket.end(),
  (peer) => peer.socket.destroy(),
  (peer) => peer.socket.resetAndDestroy(),
  // In the middle of a line and of a payload.
  (peer) => void peer.socket.end('SUB half.a.li'),
  (peer) => void peer.socket.end(`PUB half ${PENDING_BYTES}\r\n${'x'.repeat(100)}`),
  // By a mistake that the server ends.
  (peer) => void peer.socket.write('NONSENSE\r\n'),
  // With more on its way to it than it is going to read.
  (peer) => {
    peer.socket.pause();
    const message = `PUB loud ${PENDING_BYTES}\r\n${'x'.repeat(PENDING_BYTES)}\r\n`;
    peer.socket.write(`SUB loud 1\r\n${message.repeat(20)}`, () => peer.socket.destroy());
  },
];

async function live(port: number, index: number): Promise<void> {
  const peer = new Peer(port);
  const closed = once(peer.socket, 'close');
  await peer.greet();
  await subscribe(peer);
  await ask(peer);
  await work(peer);
  peer.onClose = () => {};
  const end = endings[index % endings.length] as Ending;
  end(peer);
  await closed;
}

/** Says CONNECT and goes. */
async function visit(port: number, index: number): Promise<void> {
  const peer = new Peer(port);
  const closed = once(peer.socket, 'close');
  await peer.greet();
  const end = endings[index % TIDY_ENDINGS] as Ending;
  end(peer);
  await closed;
}

/** Subscribes and does not read; what it is sent exceeds any limit, so the server ends it. */
async function getStuck(port: number): Promise<void> {
  const reader = new Peer(port);
  await reader.greet('SUB stuck 1\r\n');
  reader.socket.pause();
  const writer = new Peer(port);
  await writer.greet();
  const message = `PUB stuck ${PENDING_BYTES}\r\n${'x'.repeat(PENDING_BYTES)}\r\n`;
  // The kernel takes some megabytes; then come the server's own.
  const pong = heard(writer, 'PONG\r\n');
  writer.socket.write(`${message.repeat(400)}PING\r\n`);
  await pong;
  writer.onClose = () => {};
  writer.socket.destroy();
  reader.socket.destroy();
}

const commands: ChurnCommands = {
  async round(port, lives, visits, stuck) {
    requests = 0;
    answers = 0;
    subscriptions = 0;
    messages = 0;
    let alive = 0;
    let visited = 0;
    const living = async (): Promise<void> => {
      while (alive < lives) await live(port, alive++);
    };
    const visiting = async (): Promise<void> => {
      while (visited < visits) await visit(port, visited++);
    };
    const sticking = async (): Promise<void> => {
      for (let index = 0; index < stuck; index++) await getStuck(port);
    };
    const workers = Array.from({ length: TOGETHER }, () => [living(), visiting()]);
    await Promise.all([...workers.flat(), sticking()]);
    const connections = lives + visits + 2 * stuck;
    return { connections, subscriptions, messages, requests, answers, stuck };
  },
};

serveCommands(commands);
