// When the server PINGs, and when it gives a peer up.
import { expect, it } from 'vitest';
import { Keepalive } from '../../src/bridge/keepalive.ts';
import { createTestBridge } from '../support/bridge.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FakeSocket } from './fake-socket.ts';

const MINUTES = 60_000;

it('the first PING comes two seconds after CONNECT, and up to a fifth later', async () => {
  for (const [chance, delayMs] of [
    [0, 2000],
    [0.5, 2200],
  ] as const) {
    await using server = createTestBridge({ random: () => chance });
    const peer = await server.greeted();
    server.clock.advance(delayMs - 1);
    await peer.ping();
    server.clock.advance(1);
    await peer.expectLine('PING');
  }
});

it('a shorter ping interval brings the first PING forward', async () => {
  await using server = createTestBridge({ pingIntervalMs: 300 });
  const peer = await server.greeted();
  server.clock.advance(299);
  await peer.ping();
  server.clock.advance(1);
  await peer.expectLine('PING');
});

it('who comes by WebSocket has an interval of his own, where there is one', () => {
  const clock = new FakeClock();
  const pings: string[] = [];
  const options = { clock, random: () => 0, pingIntervalMs: 9000, pingMax: 9 };
  for (const [name, type, own] of [
    ['plain', 'nats', 400],
    ['web', 'websocket', 400],
    ['web as others', 'websocket', undefined],
  ] as const) {
    const peer = { isWaiting: false, ping: () => void pings.push(name), stale: () => {} };
    new Keepalive({ ...options, websocketPingIntervalMs: own }, peer, type).connected();
  }
  clock.advance(400);
  expect(pings).toEqual(['web']);
  clock.advance(1600);
  expect(pings.filter((name) => name !== 'web')).toEqual(['plain', 'web as others']);
  expect(pings).toHaveLength(7);
});

it('a peer that never sends CONNECT is asked after the whole interval', async () => {
  await using server = createTestBridge();
  const peer = server.connect();
  await peer.line();
  server.clock.advance(2 * MINUTES - 1);
  expect(peer.received).toBe('');
  server.clock.advance(1);
  await peer.expectLine('PING');
});

it('a peer that answers is asked again every interval', async () => {
  await using server = createTestBridge();
  const peer = await server.greeted();
  server.clock.advance(2000);
  for (let i = 0; i < 5; i++) {
    await peer.expectLine('PING');
    await peer.send('PONG\r\n');
    await expect.poll(() => server.bridge.heldBytes.inbound).toBe(0);
    server.clock.advance(2 * MINUTES);
  }
  await peer.expectLine('PING');
});

it('a peer that has sent something within the interval is not asked', async () => {
  await using server = createTestBridge();
  const peer = await server.greeted();
  server.clock.advance(2000);
  await peer.expectLine('PING');
  await peer.send('PONG\r\n');
  server.clock.advance(1 * MINUTES);
  await peer.send('PUB a 0\r\n\r\n');
  await peer.ping();
  server.clock.advance(1 * MINUTES);
  await peer.ping();
  server.clock.advance(2 * MINUTES);
  await peer.expectLine('PING');
});

it('after an hour the round trip is measured again, however busy the peer', async () => {
  await using server = createTestBridge();
  const peer = await server.greeted();
  server.clock.advance(2000);
  await peer.expectLine('PING');
  await peer.send('PONG\r\n');
  let pings = 0;
  for (let minute = 0; minute < 62; minute++) {
    server.clock.advance(MINUTES);
    void peer.send('PING\r\n');
    let line = await peer.line();
    while (line === 'PING') {
      pings += 1;
      await peer.send('PONG\r\n');
      line = await peer.line();
    }
    expect(line).toBe('PONG');
  }
  expect(pings).toBe(1);
});

it('a peer that leaves two PINGs unanswered is told so at the third and closed', async () => {
  await using server = createTestBridge();
  const peer = await server.greeted();
  server.clock.advance(2000);
  await peer.expectLine('PING');
  server.clock.advance(2 * MINUTES);
  await peer.expectLine('PING');
  server.clock.advance(2 * MINUTES);
  await peer.expectLine("-ERR 'Stale Connection'");
  await peer.expectEnd();
  expect(server.bridge.endedConnections().at(-1)?.reason).toBe('Stale Connection');
  expect(server.bridge.stats.staleConnections).toBe(1);
});

it('the round trip is how long the PONG took', async () => {
  await using server = createTestBridge();
  const peer = await server.greeted();
  expect(server.bridge.connections()[0]?.rttMs).toBe(0);
  server.clock.advance(2000);
  await peer.expectLine('PING');
  server.clock.advance(17);
  await peer.send('PONG\r\n');
  await peer.ping();
  expect(server.bridge.connections()[0]?.rttMs).toBe(17);
});

it('no timer is left when the connections are gone', async () => {
  const server = createTestBridge();
  const peer = await server.greeted();
  server.clock.advance(2000);
  await peer.expectLine('PING');
  await server.close();
  expect(server.clock.timerCount).toBe(0);
});

it('timers of connections do not keep the process alive', async () => {
  await using server = createTestBridge();
  await server.greeted();
  expect(server.clock.timerCount).toBeGreaterThan(0);
  expect(server.clock.refCount).toBe(0);
});

it('who waits for us is neither asked nor given up, and is asked soon after', async () => {
  await using server = createTestBridge({
    pingIntervalMs: 10_000,
    pingMax: 2,
    authTimeoutMs: 100_000,
    authenticate: () =>
      new Promise((resolve) =>
        server.clock.setTimeout(() => resolve({ isAdmitted: true }), 57_000),
      ),
  });
  const socket = new FakeSocket();
  server.attach(socket);
  socket.arrive('CONNECT {"verbose":false}\r\n');
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  };
  server.clock.advance(56_999);
  await settle();
  expect(socket.written).not.toContain('PING');
  expect(server.bridge.connections()).toHaveLength(1);
  server.clock.advance(1);
  await settle();
  server.clock.advance(2000);
  await settle();
  expect(socket.written).toContain('PING\r\n');
});
