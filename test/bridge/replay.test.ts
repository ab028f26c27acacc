// What is left of a read whose session has to wait in the middle of it: its order, its bound, and its end. The
// transports are all there are, the cuts too; who makes the sessions wait is a verdict about their CONNECT.
import { once } from 'node:events';
import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createPipe } from '../../src/net/pipe.ts';
import { TcpTransport } from '../../src/net/tcp-transport.ts';
import type { Transport } from '../../src/net/transport.ts';
import { PipePeer } from '../support/pipe-peer.ts';
import { Loop } from './held-loop.ts';
import {
  arrive,
  CONNECT,
  closeLater,
  closeOpened,
  settle,
  type Waiting,
  waiting,
} from './waiting-bridge.ts';

const TEXT = `${CONNECT}SUB a 1\r\nPUB a 2\r\nhi\r\nPUB b 5\r\nthere\r\nPUB a 0\r\n\r\nPING\r\n`;
const ANSWER = 'MSG a 1 2\r\nhi\r\nMSG a 1 0\r\n\r\nPONG\r\n';

afterEach(closeOpened);

/** A connected pair, one made after the other by the same listener. */
async function tcpPairs(reads: 'into' | 'data'): Promise<() => Promise<[Transport, Transport]>> {
  const listening: Server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  closeLater(() => listening.close());
  const { port } = listening.address() as { port: number };
  return async () => {
    const accepted = once(listening, 'connection') as Promise<[Socket]>;
    const socket = connectSocket({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    await once(socket, 'connect');
    const [other] = await accepted;
    return [new TcpTransport(other, reads), new TcpTransport(socket, 'data')];
  };
}

const TRANSPORTS: Record<string, () => Promise<() => Promise<[Transport, Transport]>>> = {
  'a pipe': async () => async () => createPipe(),
  'a socket that is read into linear memory': () => tcpPairs('into'),
  'a socket that is read by data': () => tcpPairs('data'),
  'a socket that brings more in spite of a pause': async () => {
    const connect = await tcpPairs('data');
    return async () => {
      const [ours, theirs] = await connect();
      ours.pause = () => {};
      return [ours, theirs];
    };
  },
};

/** A bridge, and a peer that has come and read INFO. */
async function arrivedOver(
  connect: () => Promise<[Transport, Transport]>,
): Promise<{ bridge: Waiting; peer: PipePeer }> {
  const bridge = waiting();
  const [ours, theirs] = await connect();
  bridge.server.attach(ours);
  const peer = new PipePeer(theirs);
  await peer.expectLine(/^INFO /);
  return { bridge, peer };
}

describe.each(Object.entries(TRANSPORTS))('over %s', (_, transports) => {
  it('what came with a CONNECT is done in order when it is decided, however it is cut', async () => {
    const connect = await transports();
    for (let cut = 0; cut < TEXT.length; cut += 1) {
      const { bridge, peer } = await arrivedOver(connect);
      if (cut > 0) void peer.send(TEXT.slice(0, cut));
      await settle(2);
      void peer.send(TEXT.slice(cut));
      while (bridge.asked === 0) await settle(1);
      await settle(2);
      bridge.server.clock.advance(49);
      await settle(2);
      expect([bridge.got, peer.received]).toEqual([[], '']);
      bridge.server.clock.advance(1);
      expect(await peer.take(ANSWER.length)).toBe(ANSWER);
      expect(bridge.got).toEqual(['a hi', 'b there', 'a ']);
      expect(bridge.server.bridge.heldBytes.inbound).toBe(0);
      // And it is read as ever.
      await peer.ping();
      peer.destroy();
    }
  });

  it('what comes in later reads while it waits is done behind the rest of the first', async () => {
    const { bridge, peer } = await arrivedOver(await transports());
    for (const text of [`${CONNECT}PUB a 1\r`, '\n1\r\nPUB a 1\r\n', '2\r\nPUB a 1\r\n3\r\n']) {
      void peer.send(text);
      await settle(2);
    }
    expect(bridge.got).toEqual([]);
    bridge.server.clock.advance(50);
    await peer.ping();
    expect(bridge.got).toEqual(['a 1', 'a 2', 'a 3']);
  });

  it('a peer that has ended its side meanwhile is answered before the end', async () => {
    const { bridge, peer } = await arrivedOver(await transports());
    void peer.send(TEXT).then(() => peer.end());
    while (bridge.asked === 0) await settle(1);
    await settle();
    bridge.server.clock.advance(50);
    await expect.poll(() => bridge.server.bridge.connectionCount).toBe(0);
    expect(bridge.got).toEqual(['a hi', 'b there', 'a ']);
    expect(bridge.server.bridge.endedConnections().at(-1)?.reason).toBe('Client Closed');
  });

  it('a payload that comes in many reads after the wait arrives whole', async () => {
    const { bridge, peer } = await arrivedOver(await transports());
    const payload = Array.from({ length: 60_000 }, (_, i) => String(i % 10)).join('');
    void peer.send(`${CONNECT}PUB a ${payload.length}\r\n${payload}\r\nPUB b 1\r\nx\r\nPING\r\n`);
    while (bridge.asked === 0) await settle(1);
    bridge.server.clock.advance(50);
    await peer.expectLine('PONG');
    expect(bridge.got).toEqual([`a ${payload}`, 'b x']);
  });
});

it('while a session waits its transport is paused, and no longer', async () => {
  const bridge = waiting();
  const socket = arrive(bridge, CONNECT);
  expect(socket.isPaused).toBe(true);
  bridge.server.clock.advance(50);
  await settle();
  expect(socket.isPaused).toBe(false);
});

it('bytes that a transport brings in spite of the pause wait behind the others', async () => {
  const bridge = waiting();
  const socket = arrive(bridge, `${CONNECT}PUB a 1\r\n1\r\nPUB a 1\r`);
  socket.arrive('\n2\r\nPUB a 1\r\n3\r\n');
  expect(bridge.got).toEqual([]);
  bridge.server.clock.advance(50);
  await settle();
  expect(bridge.got).toEqual(['a 1', 'a 2', 'a 3']);
});

it('a session may wait again and again in the bytes of one read', async () => {
  const bridge = waiting();
  const socket = arrive(
    bridge,
    [1, 2, 3].map((n) => `${CONNECT}PUB a 1\r\n${n}\r\n`).join('') + CONNECT,
  );
  for (const got of [[], ['a 1'], ['a 1', 'a 2'], ['a 1', 'a 2', 'a 3']]) {
    expect([bridge.got, socket.isPaused]).toEqual([got, true]);
    bridge.server.clock.advance(50);
    await settle();
  }
  expect([bridge.asked, socket.isPaused]).toEqual([4, false]);
});

it('what a session waits with is replayed behind the reads of others in that turn of the loop', async () => {
  const loop = new Loop();
  const bridge = waiting({ defer: loop.defer });
  const first = arrive(bridge, `${CONNECT}PUB late 0\r\n\r\n`);
  const second = arrive(bridge, CONNECT);
  bridge.server.clock.advance(50);
  await settle();
  loop.isHeld = true;
  first.arrive(`${CONNECT}PUB later 0\r\n\r\n`);
  bridge.server.clock.advance(50);
  await settle();
  second.arrive('PUB soon 0\r\n\r\n');
  expect(bridge.got).toEqual(['late ', 'soon ']);
  await loop.turn();
  expect(bridge.got).toEqual(['late ', 'soon ', 'later ']);
});

it('a reason that comes between the verdict and the replay goes first', async () => {
  const loop = new Loop();
  const bridge = waiting({ defer: loop.defer });
  const socket = arrive(bridge, CONNECT);
  bridge.server.clock.advance(50);
  await settle();
  loop.isHeld = true;
  // A stream of crumbs; with the last of them it begins to wait, and is to rest, too.
  for (let crumb = 0; crumb < 32 + 3; crumb++) {
    socket.arrive('PUB a 0\r\n\r\n');
    await loop.turn();
  }
  socket.arrive(`${CONNECT}PUB b 0\r\n\r\n`);
  bridge.server.clock.advance(50);
  await settle();
  await loop.turn();
  expect([bridge.got.at(-1), socket.isPaused]).toEqual(['a ', true]);
  bridge.server.clock.advance(1);
  await loop.turn();
  expect([bridge.got.at(-1), socket.isPaused]).toEqual(['b ', false]);
});

it('messages are activity when they are replayed', async () => {
  const loop = new Loop();
  const bridge = waiting({ defer: loop.defer });
  loop.isHeld = true;
  arrive(bridge, `${CONNECT}PUB a 0\r\n\r\n`);
  bridge.server.clock.advance(50);
  await settle();
  bridge.server.clock.advance(30);
  await loop.turn();
  expect(bridge.server.bridge.connections()).toMatchObject([{ inMsgs: 1, idleMs: 0 }]);
  loop.isHeld = false;
});

it('a session that has another reason not to be read waits for its end, too', async () => {
  const bridge = waiting({ maxPending: 10_000 }, 5);
  const [publisher, consumer] = [arrive(bridge, CONNECT), arrive(bridge, CONNECT)];
  bridge.server.clock.advance(5);
  await settle();
  consumer.isHolding = true;
  consumer.arrive('SUB a 1\r\n');
  // Above half of what the consumer may have pending: the publisher is stalled for ten milliseconds.
  publisher.arrive(
    `PUB a 6000\r\n${'x'.repeat(6000)}\r\n${CONNECT}PUB b 1\r\n1\r\nPUB a 0\r\n\r\n`,
  );
  for (const got of [[], []]) {
    await settle();
    expect(bridge.got.slice(1)).toEqual(got);
    bridge.server.clock.advance(5);
  }
  await settle();
  expect(bridge.got.slice(1)).toEqual(['b 1', 'a ']);
  // And what is replayed may be a reason, too.
  expect([publisher.isPaused, bridge.server.bridge.stats.stalledClients]).toEqual([true, 2]);
  bridge.server.clock.advance(10);
  expect(publisher.isPaused).toBe(false);
  consumer.destroy();
});

it('what was said before an end that is told during the wait is done, and then it ends', async () => {
  const bridge = waiting();
  const socket = arrive(bridge, `${CONNECT}PUB a 1\r\n1\r\n${CONNECT}PUB a 1\r\n2\r\n`);
  socket.destroy();
  for (const got of [['a 1'], ['a 1', 'a 2']]) {
    await settle();
    expect(bridge.server.bridge.connectionCount).toBe(1);
    bridge.server.clock.advance(50);
    await settle();
    expect(bridge.got).toEqual(got);
  }
  expect(bridge.server.bridge.endedConnections().at(-1)?.reason).toBe('Client Closed');
});

it('a refusal ends a connection whose peer has ended its side, without waiting for that again', async () => {
  const bridge = waiting({
    authenticate: async () => ({ isAdmitted: false }),
  });
  const socket = arrive(bridge, `${CONNECT}PUB a 1\r\n1\r\n`);
  socket.destroy();
  const destroy = vi.spyOn(socket, 'destroy');
  await settle();
  expect(destroy).toHaveBeenCalledOnce();
  expect(bridge.server.bridge.endedConnections().at(-1)?.reason).toBe('Authentication Failure');
});

it('an end while it waits throws away what is left', async () => {
  const bridge = waiting();
  const socket = arrive(bridge, `${CONNECT}PUB a 1\r\n1\r\n`);
  expect(bridge.server.bridge.heldBytes.inbound).toBe('PUB a 1\r\n1\r\n'.length);
  socket.destroy(new Error('reset'));
  await settle();
  expect(bridge.server.bridge.heldBytes.inbound).toBe(0);
  bridge.server.clock.advance(50);
  await settle();
  expect(bridge.got).toEqual([]);
});

it('an end between the verdict and the replay does, too', async () => {
  const loop = new Loop();
  const bridge = waiting({ defer: loop.defer });
  loop.isHeld = true;
  const socket = arrive(bridge, `${CONNECT}PUB a 1\r\n1\r\n`);
  bridge.server.clock.advance(50);
  await settle();
  socket.destroy(new Error('reset'));
  await loop.turn();
  await loop.turn();
  expect([bridge.got, bridge.server.bridge.connectionCount]).toEqual([[], 0]);
  loop.isHeld = false;
});

it('who is refused lingers no longer than it takes its peer to end its side', async () => {
  const bridge = waiting({ authenticate: async () => ({ isAdmitted: false }) });
  const socket = arrive(bridge, `${CONNECT}PUB a 1\r\n1\r\n`);
  await settle();
  const destroy = vi.spyOn(socket, 'destroy');
  socket.destroy();
  // Once by the peer, and once by us.
  expect(destroy).toHaveBeenCalledTimes(2);
});
