// Publishers are stalled for their consumers, a moment.
import { afterEach, expect, it } from 'vitest';
import { createTestBridge, type TestBridge } from '../support/bridge.ts';
import { FakeSocket } from './fake-socket.ts';

const MIB = 1024 * 1024;
const READ = 65_536;
const PAYLOAD = READ - 'PUB a 65521\r\n\r\n'.length;
/** A read of its own. */
const MESSAGE = `PUB a ${PAYLOAD}\r\n${'x'.repeat(PAYLOAD)}\r\n`;

const bridges: TestBridge[] = [];
const consumers: FakeSocket[] = [];
afterEach(async () => {
  // A bridge closes when nothing is held any more.
  for (const consumer of consumers.splice(0)) consumer.destroy();
  for (const bridge of bridges.splice(0)) await bridge.close();
});

interface Pair {
  readonly publisher: FakeSocket;
  readonly consumer: FakeSocket;
}

/** Every read is routed and written at once. */
function createPair(server: TestBridge): Pair {
  bridges.push(server);
  const pair = { publisher: new FakeSocket(), consumer: new FakeSocket() };
  for (const socket of [pair.publisher, pair.consumer]) {
    server.attach(socket);
    socket.arrive('CONNECT {"verbose":false}\r\nPING\r\n');
  }
  pair.consumer.arrive('SUB a 1\r\n');
  pair.consumer.isHolding = true;
  consumers.push(pair.consumer);
  return pair;
}

/** Publishes in reads of 64 KiB until it is paused; answers how many bytes. */
function publishBulk({ publisher }: Pair, max: number): number {
  let bytes = 0;
  for (; !publisher.isPaused && bytes < max; bytes += READ) publisher.arrive(MESSAGE);
  return bytes;
}

it('a bulk publisher waits when its consumer has 4 MiB to go, until it has been written', async () => {
  const server = createTestBridge();
  const pair = createPair(server);
  const bytes = publishBulk(pair, 10 * MIB);
  expect(bytes).toBeGreaterThanOrEqual(4 * MIB);
  expect(bytes).toBeLessThan(4.2 * MIB);
  pair.consumer.isHolding = false;
  pair.consumer.release();
  expect(pair.publisher.isPaused).toBe(false);
  expect(server.bridge.stats.stalledClients).toBe(0);
});

it('it waits two milliseconds at most', async () => {
  const server = createTestBridge();
  const pair = createPair(server);
  publishBulk(pair, 10 * MIB);
  server.clock.advance(1);
  expect(pair.publisher.isPaused).toBe(true);
  server.clock.advance(1);
  expect(pair.publisher.isPaused).toBe(false);
  expect(publishBulk(pair, 10 * MIB)).toBe(READ);
  pair.publisher.destroy();
  server.clock.advance(2);
  expect(server.bridge.connections()).toHaveLength(1);
});

it('who sends little waits for nobody below half of the pending limit', async () => {
  const server = createTestBridge({ maxPending: 12 * MIB });
  const pair = createPair(server);
  publishBulk(pair, 10 * MIB);
  server.clock.advance(2);
  for (let i = 0; i < 10; i++) pair.publisher.arrive('PUB a 2\r\nhi\r\n');
  expect(pair.publisher.isPaused).toBe(false);
  // Above half it waits, at most ten milliseconds, until the consumer is below half.
  for (let i = 0; i < 32; i++) {
    server.clock.advance(2);
    publishBulk(pair, READ);
  }
  expect([pair.publisher.isPaused, server.bridge.stats.stalledClients]).toEqual([true, 1]);
  server.clock.advance(9);
  expect(pair.publisher.isPaused).toBe(true);
  server.clock.advance(1);
  expect(pair.publisher.isPaused).toBe(false);
  pair.publisher.arrive('PUB a 2\r\nhi\r\n');
  pair.consumer.isHolding = false;
  pair.consumer.release();
  expect([pair.publisher.isPaused, server.bridge.stats.stalledClients]).toEqual([false, 2]);
});
