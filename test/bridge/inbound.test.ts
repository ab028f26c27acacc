// Unfinished reads, all together, have a bound.
import { expect, it } from 'vitest';
import { createTestBridge, type TestBridge } from '../support/bridge.ts';
import type { PipePeer } from '../support/pipe-peer.ts';
import { FakeSocket } from './fake-socket.ts';

const PAYLOAD = 200_000;

/** A peer that has sent all but the last bytes of a message. */
async function withholder(server: TestBridge, isRead = true): Promise<PipePeer> {
  const peer = await server.greeted();
  const text = `PUB held ${PAYLOAD}\r\n${'x'.repeat(PAYLOAD - 1)}`;
  const pieces: Promise<void>[] = [];
  for (let at = 0; at < text.length; at += 50_000) {
    pieces.push(peer.send(text.slice(at, at + 50_000)));
  }
  if (isRead) await Promise.all(pieces);
  return peer;
}

it('what waits for its end is counted, and no more when it has come', async () => {
  await using server = createTestBridge();
  const peer = await withholder(server);
  expect(server.bridge.heldBytes.inbound).toBeGreaterThan(PAYLOAD);
  await peer.send('x\r\n');
  await peer.ping();
  expect(server.bridge.heldBytes.inbound).toBe(0);
});

it('what waits for its end is forgotten with the connection', async () => {
  await using server = createTestBridge();
  const peer = await withholder(server);
  peer.destroy();
  await peer.ended();
  await expect.poll(() => server.bridge.heldBytes.inbound).toBe(0);
});

it('above the bound who withholds is not read, and others go on', async () => {
  const inboundMax = 2_000_000;
  await using server = createTestBridge({ inboundMax });
  for (let i = 0; i < 3; i++) await withholder(server);
  for (let i = 0; i < 20; i++) await withholder(server, false);
  const [reader, writer] = [await server.greeted(), await server.greeted()];
  await reader.send('SUB go 1\r\n');
  await reader.ping();
  for (let i = 0; i < 50; i++) {
    // Each message arrives in two reads, so each has an unfinished one.
    await writer.send('PUB go 4\r\non');
    await writer.send('ce\r\n');
    await reader.expectLines('MSG go 1 4', 'once');
  }
  expect(server.bridge.heldBytes.inbound).toBeLessThan(inboundMax);
});

it('who is longest without progress is given up after two seconds without room', async () => {
  await using server = createTestBridge({ inboundMax: 1_250_000, pingIntervalMs: 3_600_000 });
  const first = await withholder(server);
  server.clock.advance(200);
  const second = await withholder(server);
  server.clock.advance(200);
  // The third one goes above the bound.
  const third = await withholder(server, false);
  await expect.poll(() => server.bridge.heldBytes.inbound).toBeGreaterThan(450_000);
  server.clock.advance(1599);
  expect(server.bridge.connections()).toHaveLength(3);
  server.clock.advance(1);
  await first.ended();
  // Now there is room again: the third is read to its end.
  await third.send('x\r\n');
  await third.send('PING\r\n');
  while (!third.received.includes('PONG')) await third.more();
  expect(server.bridge.connections().map(({ cid }) => cid)).toEqual([2, 3]);
  await second.send('x\r\n');
  expect(server.bridge.endedConnections().at(-1)?.reason).toBe('Read Error');
});

it('more large messages at once than there is room for all arrive, one after the other', async () => {
  await using server = createTestBridge({ inboundMax: 1_250_000 });
  const reader = await server.greeted();
  await reader.send('SUB held 1\r\n');
  await reader.ping();
  const writers: PipePeer[] = [];
  for (let i = 0; i < 12; i++) writers.push(await withholder(server, false));
  for (const writer of writers) void writer.send('x\r\n');
  for (let i = 0; i < writers.length; i++) {
    await reader.expectLine(`MSG held 1 ${PAYLOAD}`);
    await reader.take(PAYLOAD + 2);
  }
  for (const writer of writers) await writer.ping();
  expect(server.bridge.heldBytes.inbound).toBe(0);
});

it('who has no room finds it when others hold less than before, though none of them is done', async () => {
  // A quarter of it is for small frames: 2,500 bytes for those that are read to their end, 7,500 for all others.
  await using server = createTestBridge({ inboundMax: 40_000, pingIntervalMs: 3_600_000 });
  const come = (text: string): FakeSocket => {
    const socket = new FakeSocket();
    server.attach(socket);
    socket.arrive('CONNECT {"verbose":false}\r\n');
    socket.arrive(text);
    return socket;
  };
  come(`PUB a 2400\r\n${'x'.repeat(30)}`);
  const others = Array.from({ length: 35 }, () => come(`PUB a 200\r\n${'x'.repeat(199)}`));
  const stopped = come(`PUB a 200\r\n${'x'.repeat(150)}`);
  expect(stopped.isPaused).toBe(true);
  for (const other of others) other.arrive('x\r\nPUB');
  expect(stopped.isPaused).toBe(false);
  server.clock.advance(10_000);
  expect(server.bridge.endedConnections()).toEqual([]);
});

/** A peer that has sent so much of a message of 200,000 bytes, to whom a read brings what there is room for. */
function trickler(server: TestBridge, bytes: number): FakeSocket {
  const socket = new FakeSocket();
  server.attach(socket);
  socket.arrive('CONNECT {"verbose":false}\r\n');
  let text = `PUB held ${PAYLOAD}\r\n${'x'.repeat(bytes)}`;
  while (text.length > 0 && !socket.isPaused) text = text.slice(socket.arrive(text));
  return socket;
}

it('a byte now and then is no progress, and who has come to wait is not held up by it', async () => {
  await using server = createTestBridge({ inboundMax: 2_000_000, pingIntervalMs: 3_600_000 });
  const slow = Array.from({ length: 8 }, () => trickler(server, 150_000));
  const waiting = slow.filter((socket) => socket.isPaused);
  expect(waiting.length).toBeGreaterThan(0);
  const trickle = (seconds: number): void => {
    for (let second = 0; second < seconds; second++) {
      server.clock.advance(1000);
      for (const socket of slow) if (!socket.isPaused && !socket.isDestroyed) socket.arrive('x');
    }
  };
  trickle(4);
  // As many as had to go, those that were read for longest.
  expect(waiting.map(({ isPaused }) => isPaused)).not.toContain(true);
  const gone = slow.filter(({ isDestroyed }) => isDestroyed);
  expect(gone).toEqual(slow.slice(0, gone.length));
  expect(gone.length).toBeGreaterThan(0);
  expect(gone.length).toBeLessThan(slow.length);
  const good = Array.from({ length: 8 }, () => trickler(server, 1000));
  trickle(6);
  for (const { isPaused, isDestroyed } of good.slice(0, 2)) {
    expect([isPaused, isDestroyed]).toEqual([false, false]);
  }
});

it('who brings what is asked of him goes on, though others wait', async () => {
  await using server = createTestBridge({ inboundMax: 1_250_000, pingIntervalMs: 3_600_000 });
  const steady = trickler(server, 1000);
  const others = Array.from({ length: 8 }, () => trickler(server, 150_000));
  expect(others.some((socket) => socket.isPaused)).toBe(true);
  let sent = 1000;
  for (let second = 0; second < 6 && sent < PAYLOAD; second++) {
    server.clock.advance(900);
    for (let at = 0; at < 35_000 && sent < PAYLOAD; ) {
      const count = steady.arrive('x'.repeat(Math.min(35_000 - at, PAYLOAD - sent)));
      at += count;
      sent += count;
    }
  }
  steady.arrive('\r\nPING\r\n');
  await expect.poll(() => steady.written).toContain('PONG');
});

it('messages that follow one another are progress, whatever their reads leave behind', async () => {
  await using server = createTestBridge({ inboundMax: 1_250_000, pingIntervalMs: 3_600_000 });
  const busy = trickler(server, 1000);
  const others = Array.from({ length: 8 }, () => trickler(server, 150_000));
  expect(others.some((socket) => socket.isPaused)).toBe(true);
  let rest = 'x'.repeat(PAYLOAD - 1000);
  for (let second = 0; second < 8; second++) {
    server.clock.advance(900);
    const next = `${rest}\r\nPUB held ${PAYLOAD}\r\n${'x'.repeat(1000)}`;
    for (let text = next; text.length > 0; ) text = text.slice(busy.arrive(text));
    rest = 'x'.repeat(PAYLOAD - 1000);
  }
  expect(busy.isDestroyed).toBe(false);
});
