// The HTTP server under peers that ask and do not read, that never end a request, or that are many.
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createHttpServer,
  type HttpRequest,
  type HttpResponse,
  type HttpServer,
} from '../../src/net/http.ts';
import { FakeClock } from '../support/fake-clock.ts';

const CONNECTIONS_MAX = 128;
const BODY = 'x'.repeat(20_000);

let server: HttpServer;
let asked: HttpRequest[] = [];
/** Milliseconds that a look at the clock takes, and whoever looks: so what is done a moment at a time is. */
const LOOK_MS = 0.05;
/** Time that tests turn, and work. */
class WorkClock extends FakeClock {
  #looks = 0;
  override monotonic = (): number => super.monotonic() + LOOK_MS * this.#looks++;
}
const clock = new WorkClock();
const peers: Peer[] = [];

/** A client that says bytes and keeps what it hears, unless it does not read. */
class Peer {
  readonly socket: Socket;
  heard = '';
  /** The server has ended its side, or both. */
  isEnded = false;
  isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('end', () => {
      this.isEnded = true;
    });
    socket.on('close', () => {
      this.isEnded = true;
      this.isClosed = true;
    });
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.heard += text;
    });
  }

  say(text: string): void {
    this.socket.write(text, 'latin1');
  }

  get answers(): number {
    return this.heard.split('HTTP/1.').length - 1;
  }
}

async function open(): Promise<Peer> {
  const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
  const peer = new Peer(socket);
  peers.push(peer);
  await new Promise((resolve) => socket.once('connect', resolve));
  return peer;
}

/** As `open`, of as many as one likes. */
async function openAll(count: number): Promise<Peer[]> {
  return Promise.all(Array.from({ length: count }, open));
}

const page = (body: Iterable<string>, isHeavy = false): HttpResponse => ({
  status: 200,
  headers: {},
  body,
  isHeavy,
});
let isClosedEarly = false;

let pageLength = 0;
/** As much as a test has set when it is asked for, in pieces of 1,000 characters. */
function* pieces(length: number): Generator<string> {
  isClosedEarly = true;
  for (let made = 0; made < length; made += 1000) {
    yield '';
    yield '~'.repeat(1000);
  }
  isClosedEarly = false;
}

function* broken(after: number): Generator<string> {
  for (let made = 0; made < after; made++) yield 'z'.repeat(1000);
  throw new Error('the source is gone');
}

const get = (path = '/', more = ''): string => `GET ${path} HTTP/1.1\r\nHost: h\r\n${more}\r\n`;

beforeEach(async () => {
  asked = [];
  server = await createHttpServer({
    host: '127.0.0.1',
    port: 0,
    clock,
    handler: (request) => {
      asked.push(request);
      if (request.path === '/page') return page(pieces(pageLength));
      if (request.path === '/heavy') return page(pieces(pageLength), true);
      if (request.path === '/broken') return page(broken(Number(request.search)));
      return { status: 200, headers: { 'Content-Type': 'text/plain' }, body: BODY };
    },
  });
});
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.socket.destroy();
  await server.close();
});

describe('a connection', () => {
  test('is answered one request after the other, however many it sends at once', async () => {
    const peer = await open();
    peer.say(get('/1').repeat(50) + get('/2?q=1'));
    await expect.poll(() => peer.answers).toBe(51);
    expect(asked).toHaveLength(51);
    expect(asked.at(-1)).toEqual({ method: 'GET', path: '/2', search: 'q=1', host: 'h' });
    expect(peer.isClosed).toBe(false);
  });

  test('that does not read is not answered any more, and goes on when it reads again', async () => {
    const peer = await open();
    peer.socket.pause();
    const all = 3000;
    peer.say(get().repeat(all));
    let before = -1;
    await expect
      .poll(
        () => {
          const isStill = asked.length === before && before > 0;
          before = asked.length;
          return isStill;
        },
        { interval: 100 },
      )
      .toBe(true);
    // What the system takes of 60 MB.
    expect(asked.length).toBeLessThan(all / 2);
    peer.socket.resume();
    await expect.poll(() => peer.answers, { timeout: 10_000 }).toBe(all);
  });

  test('lives for as long as it likes', async () => {
    const peer = await open();
    peer.say(get());
    await expect.poll(() => peer.answers).toBe(1);
    clock.advance(3_600_000);
    peer.say(get());
    await expect.poll(() => peer.answers).toBe(2);
  });

  test('is understood in single bytes, with bodies that are passed over', async () => {
    const peer = await open();
    peer.socket.setNoDelay(true);
    const text = `\r\nPOST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nGET /${get('/b')}`;
    for (const char of text) {
      peer.say(char);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(() => peer.answers).toBe(2);
    expect(asked.map(({ method, path }) => method + path)).toEqual(['POST/a', 'GET/b']);
  });

  test.each([
    ['HTTP/1.0 ends behind its answer', 'GET / HTTP/1.0\r\n\r\n', 200],
    ['so does close', get('/', 'Connection: close\r\n'), 200],
    ['so does a body of chunks', get('/', 'Transfer-Encoding: chunked\r\n'), 200],
    ['so does a body that is too long to wait for', get('/', 'Content-Length: 300000\r\n'), 200],
    ['garbage is refused', '\x16\x03\x01\x02\r\n\r\n', 400],
    ['a request without Host is refused', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['a Host that is none is refused', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', 400],
    ['so is one with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400],
    ['a target that is no path is refused', 'GET a HTTP/1.1\r\nHost: h\r\n\r\n', 400],
    ['two lengths are refused', get('/', 'Content-Length: 1\r\nContent-Length: 2\r\n'), 400],
    ['a line that is no field is refused', get('/', 'no field\r\n'), 400],
    ['another version is refused', 'GET / HTTP/2.0\r\nHost: h\r\n\r\n', 505],
    ['a head that is too long is refused', `GET /${'x'.repeat(20_000)}`, 431],
  ])('%s', async (_, text, status) => {
    const peer = await open();
    peer.say(text);
    await expect.poll(() => peer.heard).toMatch(new RegExp(`^HTTP/1\\.\\d ${status} `));
    // Our side ends; the peer has a moment to end its own.
    await expect.poll(() => peer.isEnded).toBe(true);
    expect([peer.answers, peer.isClosed]).toEqual([1, false]);
    clock.advance(1000);
    // Whoever goes on all the same is told by a reset.
    const goesOn = (): boolean => {
      peer.say('more');
      return peer.isClosed;
    };
    await expect.poll(goesOn).toBe(true);
  });

  test('that asks and ends its side is answered', async () => {
    const peer = await open();
    peer.socket.end(get());
    await expect.poll(() => peer.heard.length).toBeGreaterThan(BODY.length);
    await expect.poll(() => peer.isClosed).toBe(true);
  });

  test('of HTTP/1.0 that wants to stay may, and HEAD has a length and no body', async () => {
    const peer = await open();
    peer.say('HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    await expect.poll(() => peer.heard).toMatch(/\r\n\r\n$/);
    expect(peer.heard).toMatch(/^HTTP\/1\.0 200 OK\r\n/);
    expect(peer.heard).toContain(`Content-Length: ${BODY.length}\r\nConnection: keep-alive\r\n`);
    peer.say(get());
    await expect.poll(() => peer.answers).toBe(2);
  });
});

describe('a page that is made piece by piece', () => {
  test('has its length when it is short, and leaves the connection open', async () => {
    pageLength = 3000;
    const peer = await open();
    peer.say(get('/page') + get());
    await expect.poll(() => peer.answers).toBe(2);
    expect(peer.heard).toContain('Content-Length: 3000\r\n');
  });

  test('goes in chunks when it is long, and the next answer follows', async () => {
    pageLength = 1_000_000;
    const peer = await open();
    peer.say(get('/page') + get());
    await expect.poll(() => peer.answers, { timeout: 10_000 }).toBe(2);
    expect(peer.heard).toContain('Transfer-Encoding: chunked\r\n');
    expect(peer.heard).toContain('\r\n0\r\n\r\nHTTP/1.1 200');
    expect(peer.heard.split('~').length - 1).toBe(1_000_000);
  });

  test('ends with the connection where chunks are not known', async () => {
    pageLength = 200_000;
    const peer = await open();
    peer.say('GET /page HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    await expect.poll(() => peer.isEnded).toBe(true);
    expect(peer.heard).not.toMatch(/Transfer-Encoding|Content-Length|keep-alive/);
    expect(peer.heard.split('~').length - 1).toBe(200_000);
  });

  test('is not made for HEAD', async () => {
    pageLength = 200_000;
    const peer = await open();
    peer.say(`HEAD /page HTTP/1.1\r\nHost: h\r\n\r\n${get()}`);
    await expect.poll(() => peer.answers).toBe(2);
    expect(peer.heard).not.toContain('~');
  });

  test('that fails is a 500 before its first chunk, and the end of the connection behind it', async () => {
    const peer = await open();
    peer.say(get('/broken?1'));
    await expect.poll(() => peer.heard).toMatch(/^HTTP\/1\.1 500 /);
    const other = await open();
    other.say(get('/broken?300'));
    await expect.poll(() => other.isEnded).toBe(true);
    expect(other.heard).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('is given up when its peer goes, or takes nothing of it for ten seconds', async () => {
    pageLength = 100_000_000;
    for (const end of ['goes', 'sleeps']) {
      const peer = await open();
      peer.socket.pause();
      peer.say(get('/page'));
      let before = -1;
      const isStuck = (): boolean => {
        const { bytesRead } = peer.socket;
        const isSame = asked.length > 0 && isClosedEarly && bytesRead === before;
        before = bytesRead;
        return isSame;
      };
      await expect.poll(isStuck, { interval: 200, timeout: 10_000 }).toBe(true);
      if (end === 'goes') peer.socket.destroy();
      else clock.advance(10_000);
      if (end === 'sleeps')
        await expect.poll(() => peer.socket.resume() && peer.isEnded).toBe(true);
    }
    // Its place is free again.
    pageLength = 1000;
    const others = await openAll(6);
    for (const peer of others) peer.say(get('/page'));
    await expect.poll(() => others.map((peer) => peer.answers)).toEqual([1, 1, 1, 1, 1, 1]);
  });

  test('that keeps much waits while four others are made, and everybody else is answered', async () => {
    pageLength = 100_000_000;
    const stuck = await openAll(5);
    for (const peer of stuck) {
      peer.socket.pause();
      peer.say(get('/heavy'));
    }
    const [whole, light] = (await openAll(2)) as [Peer, Peer];
    await expect.poll(() => asked.length).toBe(5);
    pageLength = 1000;
    whole.say(get());
    light.say(get('/page'));
    await expect.poll(() => whole.answers + light.answers, { timeout: 10_000 }).toBe(2);
    const last = stuck[4] as Peer;
    last.socket.resume();
    expect(last.answers).toBe(0);
    stuck[0]?.socket.destroy();
    await expect.poll(() => last.answers, { timeout: 10_000 }).toBe(1);
  });

  test('of a peer who is slow gives way when another waits', async () => {
    pageLength = 100_000_000;
    const stuck = await openAll(4);
    for (const peer of stuck) {
      peer.socket.pause();
      peer.say(get('/heavy'));
    }
    const peer = await open();
    await expect.poll(() => asked.length).toBe(4);
    pageLength = 1000;
    peer.say(get('/heavy'));
    await expect.poll(() => asked.length).toBe(5);
    // Those who take nothing are found to be slow as time goes by, once their chunk has been made.
    const look = (): number => {
      clock.advance(1000);
      return peer.answers;
    };
    await expect.poll(look, { timeout: 10_000 }).toBe(1);
    for (const each of stuck) each.socket.resume();
    await expect.poll(() => stuck.some(({ isEnded }) => isEnded)).toBe(true);
  });
});

describe('many connections', () => {
  test('one more than there may be ends the one that has been idle longest', async () => {
    const all = await openAll(CONNECTIONS_MAX);
    const [first, second] = all as [Peer, Peer];
    first.say(get());
    await expect.poll(() => first.answers).toBe(1);
    const newcomer = await open();
    newcomer.say(get());
    await expect.poll(() => newcomer.answers).toBe(1);
    await expect.poll(() => second.isEnded).toBe(true);
    expect(first.isEnded).toBe(false);
  });

  test('that send half a request, or never read, do not keep another from being answered', async () => {
    const stuck = await openAll(300);
    stuck.forEach((peer, i) => {
      peer.socket.pause();
      peer.say(i % 2 === 0 ? get().repeat(1000) : 'GET / HT');
    });
    const peer = await open();
    peer.say(get());
    await expect.poll(() => peer.answers, { timeout: 10_000 }).toBe(1);
  });

  test('one whose descriptor is among the last is closed', async () => {
    const crowded = await createHttpServer({
      host: '127.0.0.1',
      port: 0,
      clock,
      descriptorMax: 3,
      handler: () => ({ status: 200, headers: {}, body: '' }),
    });
    const socket = connect(crowded.port, '127.0.0.1');
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('close', resolve));
    await crowded.close();
  });
});
