// Ends: in the middle of a turn, with writes held, of the whole bridge; and what is told about them.
import { expect, it } from 'vitest';
import { Bridge } from '../../src/bridge/bridge.ts';
import { internalsOf } from '../../src/bus/internals.ts';
import { createPipe } from '../../src/net/pipe.ts';
import { createTestBridge } from '../support/bridge.ts';
import { PipePeer } from '../support/pipe-peer.ts';

it('a handler may close the bridge while a peer is being read', async () => {
  const server = createTestBridge();
  const got: string[] = [];
  let closed: Promise<void> | undefined;
  server.bus.subscribe('stop', (message) => {
    got.push(message.string());
    closed ??= server.bridge.close();
  });
  const peer = await server.greeted();
  await peer.send(
    'SUB a 1\r\nPUB a 1\r\n1\r\nPUB stop 1\r\n2\r\nPUB stop 1\r\n3\r\nPUB a 1\r\n4\r\n',
  );
  const received = await peer.ended();
  await closed;
  expect(got[0]).toBe('2');
  expect(received).toContain('MSG a 1 1\r\n1\r\n');
  expect(internalsOf(server.bus).core.live().sessions).toBe(0);
  await server.close();
});

it('a slow reader that reads itself is closed in its own turn', async () => {
  await using server = createTestBridge({ maxPending: 5000 });
  const peer = await server.greeted();
  await peer.send('SUB a 1\r\n');
  await peer.ping();
  peer.pause();
  await peer.send(`${`PUB a 4000\r\n${'x'.repeat(4000)}\r\n`.repeat(5)}PUB b 0\r\n\r\n`);
  peer.resume();
  await peer.ended();
  expect(server.bridge.endedConnections().at(-1)?.reason).toBe('Slow Consumer (Pending Bytes)');
});

it('what was queued before a refusal is still written', async () => {
  await using server = createTestBridge();
  const peer = await server.greeted();
  await peer.send('SUB a 1\r\nPUB a 2\r\nhi\r\nNONSENSE\r\nPUB a 2\r\nno\r\n');
  await peer.expectLines('MSG a 1 2', 'hi', "-ERR 'Unknown Protocol Operation'");
  await peer.expectEnd();
  expect(server.bridge.endedConnections().at(-1)?.reason).toBe('Protocol Violation');
});

it('a peer that does not take its last words is let go after the write deadline', async () => {
  await using server = createTestBridge();
  const peer = await server.greeted();
  peer.pause();
  void peer.send('NONSENSE\r\n');
  expect(server.bridge.stats.openConnections).toBe(1);
  await expect.poll(() => server.bridge.connections()).toEqual([]);
  expect(server.bridge.stats.openConnections).toBe(0);
  expect(server.bridge.connectionCount).toBe(1);
  for (let i = 0; i < 10; i++) await new Promise(setImmediate);
  server.clock.advance(10_000);
  peer.resume();
  await peer.ended();
  await expect.poll(() => server.bridge.connectionCount).toBe(0);
});

it('a peer that goes on sending after its end is cut off after a second', async () => {
  await using server = createTestBridge();
  const peer = await server.greeted();
  await peer.send('NONSENSE\r\n');
  await peer.expectLine("-ERR 'Unknown Protocol Operation'");
  await peer.expectEnd();
  await peer.send('PUB a 1\r\nx\r\n');
  server.clock.advance(999);
  await peer.send('PUB a 1\r\nx\r\n');
  server.clock.advance(1);
  let isTaken = false;
  while (!isTaken) {
    isTaken = peer.transport.write([new Uint8Array(1)], () => {}) === 'taken';
    await new Promise(setImmediate);
  }
});

it('closing the bridge writes what is queued, says nothing and leaves nothing', async () => {
  const server = createTestBridge();
  const peers = [await server.greeted(), await server.greeted()];
  for (const peer of peers) {
    await peer.send('SUB a 1\r\n');
    await peer.ping();
  }
  server.bus.publish('a', 'bye');
  await server.bridge.close();
  for (const peer of peers) {
    await peer.expectLines('MSG a 1 3', 'bye');
    await peer.expectEnd();
  }
  const { core } = internalsOf(server.bus);
  expect(core.live().sessions).toBe(0);
  expect(core.poolUsed).toBe(0);
  await server.close();
  expect(server.clock.timerCount).toBe(0);
  expect(server.bridge.endedConnections().map(({ reason }) => reason)).toEqual([
    'Server Shutdown',
    'Server Shutdown',
  ]);
});

it('closing the bridge does not wait for peers that do not read', async () => {
  const server = createTestBridge();
  const stuck = await server.greeted();
  await stuck.send('SUB a 1\r\n');
  await stuck.ping();
  stuck.pause();
  server.bus.publish('a', 'unread');
  const closed = server.bridge.close();
  await expect.poll(() => server.clock.nextMs).toBe(100);
  server.clock.advance(100);
  await closed;
  await server.close();
});

it('the bus goes on when its bridge is closed', async () => {
  const server = createTestBridge();
  const got: string[] = [];
  server.bus.subscribe('a', (message) => got.push(message.string()));
  await server.greeted();
  await server.bridge.close();
  server.bus.publish('a', 'alone');
  expect(got).toEqual(['alone']);
  await server.close();
});

it('a connection over the limit is told so after its INFO', async () => {
  await using server = createTestBridge({ maxConnections: 1 });
  const first = await server.greeted();
  const second = server.connect();
  await second.expectLines(/^INFO /, "-ERR 'maximum connections exceeded'");
  await second.expectEnd();
  await first.ping();
  first.end();
  await first.expectEnd();
  await server.greeted();
});

it('log lines name the peer as it has introduced itself', async () => {
  await using server = createTestBridge();
  const peer = await server.greeted({ name: 'my "app"', lang: 'go', version: '1.2.3' });
  await peer.send('PUB $NRG.x 0\r\n\r\n');
  await peer.expectLine(`-ERR 'Permissions Violation for Publish to "$NRG.x"'`);
  peer.end();
  await peer.expectEnd();
  const label = ':0 - cid:1 - "v1.2.3:go:my \\"app\\""';
  expect(server.log).toEqual([
    '[DBG] :0 - cid:1 - Client connection created',
    `[ERR] ${label} - Publish Violation - Subject "$NRG.x"`,
    `[DBG] ${label} - Client connection closed: Client Closed`,
  ]);
});

it('a snapshot shows what monitoring needs', async () => {
  await using server = createTestBridge();
  const start = server.clock.now();
  server.clock.advance(1000);
  const peer = await server.greeted({ name: 'n', lang: 'l', version: '1' });
  await peer.send('SUB a 1\r\nPUB a 2\r\nhi\r\nPUB b 3\r\nyou\r\n');
  await peer.expectLines('MSG a 1 2', 'hi');
  await peer.ping();
  server.clock.advance(500);
  expect(server.bridge.connections()).toEqual([
    {
      cid: 1,
      kind: 'Client',
      type: 'nats',
      ip: '',
      port: 0,
      start: start + 1000,
      lastActivity: start + 1000,
      rttMs: 0,
      uptimeMs: 500,
      idleMs: 500,
      pendingBytes: 0,
      inMsgs: 2,
      inBytes: 5,
      outMsgs: 1,
      outBytes: 2,
      subscriptions: 1,
      stalls: 0,
      account: '$G',
      name: 'n',
      lang: 'l',
      version: '1',
    },
  ]);
  expect([...server.bridge.sessionOf(1)!.subscriptions()]).toMatchObject([
    { subject: 'a', sid: '1' },
  ]);
});

it('what a closed bridge has put off does not touch the sessions of the next one', async () => {
  const putOff: (() => void)[] = [];
  const first = createTestBridge({ defer: (fn) => void putOff.push(fn) });
  const { options } = first.bridge;
  await first.bridge.close();
  const late = putOff.splice(0);
  expect(late.length).toBeGreaterThan(0);

  const second = new Bridge(internalsOf(first.bus), options);
  const [ours, theirs] = createPipe();
  second.attach(ours);
  const peer = new PipePeer(theirs);
  for (const fn of late) fn();
  for (const fn of putOff.splice(0)) fn();
  await peer.expectLine(/^INFO /);
  await second.close();
  await first.bus.close();
});
