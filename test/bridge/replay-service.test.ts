// A service that stores and replays, on the internal door, with peers over connections.
import { expect, it } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { createTestBridge } from '../support/bridge.ts';
import { ReplayService } from '../support/replay-service.ts';

it('stores from peers and the program, acknowledges, and replays byte for byte', async () => {
  await using server = createTestBridge();
  const service = new ReplayService(internalsOf(server.bus));
  const peer = await server.greeted();
  await peer.send(
    'SUB ack.* 1\r\nPUB keep.a ack.1 2\r\n\x00\xff\r\nHPUB keep.\xfe 12 14\r\nNATS/1.0\r\n\r\nhi\r\n',
  );
  await peer.expectLines('MSG ack.1 1 1', '1');
  expect((await server.bus.request('keep.b', { id: 3 })).string()).toBe('3');
  expect(service.count).toBe(3);
  await peer.send('SUB _I.> 2\r\nPUB replay _I.x..y 0\r\n\r\nPUB replay _I.x 0\r\n\r\n');
  await peer.expectLines(
    'MSG keep.a 2 2',
    '\x00\xff',
    'HMSG keep.\xfe 2 12 14',
    'NATS/1.0',
    '',
    'hi',
  );
  await peer.expectLines('MSG keep.b 2 8', '{"id":3}');
  await peer.ping();
});

it('commits once for all that a turn of the loop has brought', async () => {
  const due: (() => void)[] = [];
  await using server = createTestBridge({ defer: (fn) => due.push(fn) });
  const run = (): void => {
    for (const fn of due.splice(0)) fn();
  };
  const service = new ReplayService(internalsOf(server.bus));
  const peers = [server.connect(), server.connect(), server.connect()];
  for (const peer of peers) {
    await peer.send(
      'CONNECT {"verbose":false}\r\nSUB ack 1\r\nPUB keep.a ack 1\r\nx\r\nPUB keep.a ack 1\r\nx\r\n',
    );
  }
  expect([service.count, service.commits]).toEqual([6, 0]);
  run();
  expect(service.commits).toBe(1);
  // What it has queued is written in the same turn of the loop.
  for (const peer of peers) {
    await peer.expectLine(/^INFO/);
    for (let i = 1; i <= 6; i++) await peer.expectLines('MSG ack 1 1', `${i}`);
  }
});

it('claims what it does not serve, and knows who listens', async () => {
  await using server = createTestBridge();
  const service = new ReplayService(internalsOf(server.bus));
  const peer = await server.greeted();
  await peer.send('SUB _I.\xff 1\r\nPUB claimed.x _I.\xff 0\r\n\r\n');
  await peer.expectLines('HMSG _I.\xff 1 41 41', 'NATS/1.0 503', 'Nats-Subject: claimed.x', '', '');
  const quiet = await server.greeted({ no_responders: false });
  await quiet.send('SUB _I.q 1\r\nPUB claimed.x _I.q 0\r\n\r\nSUB liv* 3\r\n');
  await quiet.ping();
  expect(service.hasListener).toBe(false);
  await quiet.send('SUB * 3\r\n');
  await quiet.ping();
  expect(service.hasListener).toBe(false);
  await quiet.send('SUB * 4\r\n');
  await quiet.ping();
  expect(service.hasListener).toBe(true);
  quiet.end();
  await quiet.expectEnd();
  expect(service.hasListener).toBe(false);
});

it('waits for a reader that is pressed, goes on when it has drained, and does not close it', async () => {
  await using server = createTestBridge({ maxPending: 1 << 20 });
  const service = new ReplayService(internalsOf(server.bus));
  const peer = await server.greeted();
  const payload = 'x'.repeat(1000);
  const count = 3000;
  for (let i = 0; i < count; i++) server.bus.publish('keep.a', payload);
  await peer.send('SUB in 1\r\n');
  await peer.ping();
  peer.pause();
  await peer.send('PUB replay in 0\r\n\r\n');
  while (service.waits === 0) await new Promise((resolve) => setImmediate(resolve));
  const { pendingBytes } = server.bridge.connections()[0]!;
  expect(pendingBytes).toBeGreaterThan(1 << 19);
  expect(pendingBytes).toBeLessThan(1 << 20);
  peer.resume();
  for (let i = 0; i < count; i++) await peer.expectLines('MSG keep.a 1 1000', payload);
  await peer.ping();
  expect(service.waits).toBeGreaterThan(1);
  expect(server.bridge.stats.slowConsumers).toBe(0);
});

it('is told when a reader that it waits for has gone', async () => {
  await using server = createTestBridge({ maxPending: 1 << 20 });
  const door = internalsOf(server.bus);
  const peer = await server.greeted();
  await peer.send('SUB in 1\r\nPUB ask 0\r\n\r\n');
  let session = 0;
  door.subscribeRaw('ask', (message) => {
    session = message.session;
  });
  await peer.send('PUB ask 0\r\n\r\n');
  await peer.ping();
  peer.pause();
  expect(door.deliver({ to: 'in', payload: new Uint8Array(600_000) }).pressed).toBe(session);
  let calls = 0;
  const told = new Promise<void>((resolve) => {
    door.whenDrained(session, () => {
      calls++;
      expect(door.turn.isActive).toBe(true);
      resolve();
    });
  });
  expect(calls).toBe(0);
  peer.destroy();
  await told;
  // Nobody is there: told at once, but never before it has been asked.
  const again = new Promise<void>((resolve) => door.whenDrained(session, resolve));
  await again;
  expect(calls).toBe(1);
});
