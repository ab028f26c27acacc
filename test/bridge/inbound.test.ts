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

it('who is longest without progress is given up after ten seconds without room', async () => {
  await using server = createTestBridge({ inboundMax: 1_250_000, pingIntervalMs: 3_600_000 });
  const first = await withholder(server);
  server.clock.advance(1000);
  const second = await withholder(server);
  server.clock.advance(1000);
  // The third one goes above the bound.
  const third = await withholder(server, false);
  await expect.poll(() => server.bridge.heldBytes.inbound).toBeGreaterThan(450_000);
  server.clock.advance(7999);
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
