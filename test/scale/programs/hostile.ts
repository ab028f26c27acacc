// Peers that take as much as they can, each in a way of its own, and go: by themselves, by a mistake, or broken off.
import { once } from 'node:events';
import { connect } from 'node:net';
import { serveCommands } from './commands.ts';
import { Peer } from './peer.ts';

export interface HostileCommands {
  /**
   * Each kind once, one after the other; answers their names. All are gone when it answers. A service of the program
   * answers on `ask`.
   */
  round(port: number, monitoringPort: number): Promise<string[]>;
}

type Kind = (port: number, monitoringPort: number) => Promise<void>;

const MIB = 1024 * 1024;
/** Bytes written before it is waited until they have left. */
const WRITE_BYTES = 256 * 1024;
/** How long one is waited for that the server does not end by itself. */
const PATIENCE_MS = 10_000;

const INTRODUCTION = '"pedantic":false,"headers":true,"no_responders":true';

/** Writes all lines; resolves when the server has read them, or has ended it. */
async function say(peer: Peer, count: number, line: (index: number) => string): Promise<void> {
  let words = '';
  for (let index = 0; index < count && !peer.isClosed; index++) {
    words += line(index);
    if (words.length < WRITE_BYTES) continue;
    await written(peer, words);
    words = '';
  }
  await written(peer, words);
}

function written(peer: Peer, words: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (peer.isClosed) resolve();
    else peer.socket.write(words, () => resolve());
  });
}

async function answered(peer: Peer): Promise<void> {
  if (peer.isClosed) return;
  await new Promise<void>((resolve) => {
    let tail = '';
    peer.onClose = resolve;
    peer.onBytes = (bytes) => {
      tail = (tail + bytes.toString('latin1')).slice(-64);
      if (tail.includes('PONG\r\n')) resolve();
    };
    peer.socket.write('PING\r\n');
  });
  peer.onClose = () => {};
}

async function gone(peer: Peer, end: (peer: Peer) => void): Promise<void> {
  if (peer.isClosed) return;
  const closed = once(peer.socket, 'close');
  end(peer);
  const timer = setTimeout(() => peer.socket.destroy(), PATIENCE_MS);
  await closed;
  clearTimeout(timer);
}

const leave = (peer: Peer): void => void peer.socket.end();
const reset = (peer: Peer): void => {
  try {
    peer.socket.resetAndDestroy();
  } catch {
    // Whom the server ends meanwhile cannot be reset any more.
    peer.socket.destroy();
  }
};
const err = (peer: Peer): void => void peer.socket.write('NONSENSE\r\n');

async function greeted(port: number, words = ''): Promise<Peer> {
  const peer = new Peer(port);
  await peer.greet(words);
  return peer;
}

/** One that subscribes so often, and goes in that way; `args` are filter, queue group and sid. */
function subscriber(count: number, args: (i: number) => string, end: (peer: Peer) => void): Kind {
  return async (port) => {
    const peer = await greeted(port);
    await say(peer, count, (index) => `SUB ${args(index)}\r\n`);
    await answered(peer);
    await gone(peer, end);
  };
}

/** So many of them at once, which do something and are broken off. */
function crowd(count: number, act: (peer: Peer, index: number) => Promise<void> | void): Kind {
  return async (port) => {
    const peers = await Promise.all(Array.from({ length: count }, () => greeted(port)));
    await Promise.all(peers.map(act));
    await Promise.all(peers.map((peer) => gone(peer, reset)));
  };
}

/** They say `before`, and then that again and again, and read nothing of what is answered. */
function unread(before: string, line: (index: number) => string): Kind {
  return crowd(5, async (peer) => {
    await written(peer, before);
    peer.socket.pause();
    await say(peer, 20_000, line);
  });
}

/** One that subscribes so often, sends what costs much for each of those, and is broken off in the middle of it. */
function worker(introduction: string, subs: readonly string[], line: string): Kind {
  return async (port) => {
    const peer = await greeted(port);
    await written(peer, `CONNECT {"verbose":false,${introduction}}\r\n`);
    await say(peer, subs.length, (index) => `SUB ${subs[index]} ${index}\r\n`);
    await answered(peer);
    await written(peer, line.repeat(500));
    await gone(peer, reset);
  };
}

/** All filters of so many tokens, each of them `a` or `*`, and an `x` behind them. */
function thicket(tokens: number): string[] {
  return Array.from({ length: 1 << tokens }, (_, bits) =>
    [...Array.from({ length: tokens }, (_, at) => ((bits >> at) & 1 ? 'a' : '*')), 'x'].join('.'),
  );
}

/** So many readers of one flood, which do that with what comes; they are ended by the server, or go. */
function readers(name: string, count: number, read: (peer: Peer) => void): Kind {
  return async (port) => {
    const peers = await Promise.all(
      Array.from({ length: count }, () => greeted(port, `SUB ${name} 1\r\n`)),
    );
    for (const peer of peers) read(peer);
    const publisher = await greeted(port);
    const message = `PUB ${name} 16384\r\n${'m'.repeat(16_384)}\r\n`;
    for (let index = 0; index < 1000; index++) await written(publisher, message);
    await answered(publisher);
    await Promise.all([...peers, publisher].map((peer) => gone(peer, reset)));
  };
}

/** Some that ask for pages and read none. */
async function pages(_: number, port: number): Promise<void> {
  const asked = Array.from({ length: 50 }, async () => {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    await once(socket, 'connect');
    socket.pause();
    socket.write('GET /varz HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(200));
    await new Promise((resolve) => setTimeout(resolve, 300));
    socket.resetAndDestroy();
  });
  await Promise.all(asked);
}

/** A payload of a megabyte that comes some bytes at a time, and never ends. */
async function dribble(peer: Peer): Promise<void> {
  peer.socket.write(`PUB a ${MIB}\r\n`);
  for (let index = 0; index < 400; index++) await written(peer, 'x'.repeat(64));
}

/** So many that come one after the other, say that and go. */
function visits(count: number, words: (index: number) => string, end: (peer: Peer) => void): Kind {
  return async (port) => {
    for (let index = 0; index < count; index += 10) {
      const some = Array.from({ length: 10 }, async (_, at) => {
        const peer = new Peer(port);
        await once(peer.socket, 'connect');
        await written(peer, words(index + at));
        await gone(peer, end);
      });
      await Promise.all(some);
    }
  };
}

const kinds: Readonly<Record<string, Kind>> = {
  names: subscriber(6000, (i) => `${'n'.repeat(1600)}.${i} ${i}`, leave),
  sids: subscriber(6000, (i) => `a ${'s'.repeat(1600)}${i}`, reset),
  queues: subscriber(6000, (i) => `a ${'q'.repeat(1600)}${i} ${i}`, err),
  tokens: subscriber(300, (i) => `${i}.*${'.t'.repeat(1997)} ${i}`, err),
  wildcards: subscriber(60_000, (i) => `w.${i}.* ${i}`, err),
  groups: subscriber(30_000, (i) => `shared q${i} ${i}`, reset),
  members: subscriber(50_000, (i) => `shared q ${i}`, leave),
  again: async (port) => {
    const peer = await greeted(port);
    await say(peer, 50_000, (index) => `SUB again.${index} ${index}\r\n`);
    await written(peer, 'CONNECT {"verbose":false}\r\n');
    await answered(peer);
    await gone(peer, leave);
  },
  churn: async (port) => {
    const peer = await greeted(port);
    await say(peer, 50_000, (index) => `SUB churn.${index}.* ${index}\r\nUNSUB ${index}\r\n`);
    await answered(peer);
    await gone(peer, reset);
  },
  subjects: async (port) => {
    const peer = await greeted(port, 'SUB > 1\r\n');
    peer.onBytes = () => {};
    await say(peer, 50_000, (index) => `PUB unique.${index}.${Math.random()} 2\r\nhi\r\n`);
    await answered(peer);
    await gone(peer, leave);
  },
  dribbles: crowd(40, dribble),
  withheld: crowd(60, (peer) => written(peer, `PUB a ${MIB}\r\n${'x'.repeat(MIB / 2)}`)),
  stuck: crowd(3, async (peer, index) => {
    peer.socket.write(`SUB stuck.${index} 1\r\n`);
    peer.socket.pause();
    const message = `PUB stuck.${index} 32768\r\n${'x'.repeat(32_768)}\r\n`;
    // It is ended when it has too much pending, and not by us.
    for (let count = 0; count < 600 && !peer.isClosed; count++) peer.socket.write(message);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }),
  trickling: readers('trickle', 3, ({ socket }) => {
    socket.on('resume', () => setTimeout(() => socket.pause(), 1));
    const sipping = setInterval(() => void socket.resume(), 50);
    socket.on('close', () => clearInterval(sipping));
  }),
  halfOpen: readers('half', 3, ({ socket }) => void socket.pause().end()),
  pings: unread('', () => 'PING\r\n'),
  oks: unread(`CONNECT {"verbose":true,${INTRODUCTION}}\r\n`, () => 'SUB a 1\r\nUNSUB 1\r\n'),
  unserved: unread('', (index) => `PUB nobody r.${index} 2\r\nhi\r\n`),
  errors: unread('CONNECT {"verbose":false,"pedantic":true}\r\n', () => 'PUB a..b 0\r\n\r\n'),
  pages,
  deaf: worker(`"echo":false,${INTRODUCTION}`, Array(50_000).fill('a'), 'PUB a 0\r\n\r\n'),
  walks: worker(INTRODUCTION, thicket(14), `PUB ${'a.'.repeat(14)}y 0\r\n\r\n`),
  askers: worker(INTRODUCTION, Array(50_000).fill('r'), 'PUB nobody r 0\r\n\r\n'),
  replies: crowd(5, (peer) =>
    say(peer, 2000, (i) => `PUB ask ${['a..b', '.a', 'a.', 'a\0b', `a.${i}`][i % 5]} 3\r\nhow\r\n`),
  ),
  quotes: crowd(1, async (peer) => {
    const line = Buffer.from(`PUB a $JS.${'\xff'.repeat(4000)} 0\r\n\r\n`, 'latin1');
    for (let index = 0; index < 300; index++) await written(peer, line);
    await answered(peer);
  }),
  loud: crowd(1, async (peer) => {
    const message = `PUB loud ${MIB}\r\n${'x'.repeat(MIB)}\r\n`;
    for (let count = 0; count < 100; count++) await written(peer, message);
    await answered(peer);
  }),
  introductions: visits(1500, (i) => `CONNECT {"name":"${'n'.repeat(3900)}${i}"}\r\n`, leave),
  mistakes: visits(500, (i) => `CONNECT {"pass":"${'['.repeat(i)}\r\n`, leave),
  depths: visits(200, () => `CONNECT {"a":${'['.repeat(1900)}${']'.repeat(1900)}}\r\n`, reset),
  silence: visits(500, () => '', reset),
};

const commands: HostileCommands = {
  async round(port, monitoringPort) {
    for (const kind of Object.values(kinds)) await kind(port, monitoringPort);
    return Object.keys(kinds);
  },
};

serveCommands(commands);
