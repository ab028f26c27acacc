// What is queued for peers: slow ones, stuck ones, too much for all of them together, payloads kept once.
import { expect, it } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { createTestBridge, type TestBridge } from '../support/bridge.ts';
import { FakeClock } from '../support/fake-clock.ts';
import type { PipePeer } from '../support/pipe-peer.ts';

/** A peer that is subscribed to `subject` and does not read any more. */
async function stuckReader(server: TestBridge, subject: string): Promise<PipePeer> {
  const peer = await server.greeted();
  await peer.send(`SUB ${subject} 1\r\n`);
  await peer.ping();
  peer.pause();
  return peer;
}

async function reader(server: TestBridge, subject: string): Promise<PipePeer> {
  const peer = await server.greeted();
  await peer.send(`SUB ${subject} 1\r\n`);
  await peer.ping();
  return peer;
}

/** Each look at it takes a millisecond. */
class SlowClock extends FakeClock {
  #looks = 0;

  override monotonic(): number {
    this.#looks += 1;
    return super.monotonic() + this.#looks;
  }
}

const liveSessions = (server: TestBridge): number => internalsOf(server.bus).core.live().sessions;

it('a reader over its pending limit is closed without a word', async () => {
  await using server = createTestBridge({ maxPending: 10_000 });
  const stuck = await stuckReader(server, 'a');
  const healthy = await reader(server, 'a');
  const writer = await server.greeted();
  for (let i = 0; i < 3; i++) {
    await writer.send(`PUB a 4000\r\n${'x'.repeat(4000)}\r\n`);
    await healthy.expectLines('MSG a 1 4000', 'x'.repeat(4000));
  }
  await healthy.ping();
  await writer.ping();
  stuck.resume();
  expect(await stuck.ended()).not.toContain('-ERR');
  expect(server.bridge.connections().map(({ cid }) => cid)).toEqual([2, 3]);
  expect(server.bridge.endedConnections().at(-1)).toMatchObject({
    cid: 1,
    reason: 'Slow Consumer (Pending Bytes)',
  });
  expect(server.bridge.stats.slowConsumers).toBe(1);
  expect(server.log.join('\n')).toMatch(
    /\[INF\] .* - cid:1 - Slow Consumer Detected: MaxPending of 10000 Exceeded/,
  );
});

it('a peer that reads none of the errors it provokes is over its limit like any other', async () => {
  await using server = createTestBridge({ maxPending: 10_000 });
  const stuck = await stuckReader(server, 'a');
  const refused = `PUB $NRG.${'x'.repeat(2000)} 0\r\n\r\n`;
  for (let i = 0; i < 8; i++) await stuck.send(refused);
  stuck.resume();
  await stuck.ended();
  expect(server.bridge.endedConnections().at(-1)).toMatchObject({
    cid: 1,
    reason: 'Slow Consumer (Pending Bytes)',
  });
});

it('a reader that takes nothing for the write deadline is closed', async () => {
  await using server = createTestBridge();
  const stuck = await stuckReader(server, 'a');
  const writer = await server.greeted();
  await writer.send('PUB a 2\r\nhi\r\n');
  await writer.ping();
  await expect.poll(() => server.bridge.connections()[0]?.pendingBytes).toBeGreaterThan(0);
  server.clock.advance(9999);
  expect(server.bridge.connections()).toHaveLength(2);
  server.clock.advance(1);
  await stuck.ended();
  expect(server.bridge.connections().map(({ cid }) => cid)).toEqual([2]);
  expect(server.bridge.endedConnections().at(-1)?.reason).toBe('Slow Consumer (Write Deadline)');
  expect(server.log.filter((line) => line.includes('Slow Consumer Detected'))).toEqual([
    expect.stringMatching(
      /^\[INF\] .* - Slow Consumer Detected: WriteDeadline of 10s exceeded with \d+ chunks of \d+ total bytes\.$/,
    ),
  ]);
});

it('a reader that takes something within the write deadline stays', async () => {
  await using server = createTestBridge({ pingIntervalMs: 3_600_000 });
  const slow = await stuckReader(server, 'a');
  for (let i = 0; i < 3; i++) {
    server.bus.publish('a', `${i}`);
    server.clock.advance(9000);
    slow.resume();
    // Its first PING, too, came on the way.
    let line = await slow.line();
    if (line === 'PING') line = await slow.line();
    expect(line).toBe('MSG a 1 1');
    await slow.expectLine(`${i}`);
    await expect.poll(() => server.bridge.connections()[0]?.pendingBytes).toBe(0);
    slow.pause();
  }
});

it('when all together have too much pending, the one with the most is closed', async () => {
  await using server = createTestBridge({ outboundMax: 1_500_000 });
  const most = await stuckReader(server, 'm');
  const less = await stuckReader(server, 'l');
  for (let i = 0; i < 40; i++) {
    server.bus.publish('m', 'x'.repeat(20_000));
    server.bus.publish('l', 'x'.repeat(5000));
    await new Promise(setImmediate);
  }
  server.bus.publish('m', 'x'.repeat(1_000_000));
  server.bus.publish('m', 'x'.repeat(1_000_000));
  await new Promise(setImmediate);
  most.resume();
  await most.ended();
  await expect.poll(() => server.bridge.heldBytes.outbound).toBeLessThan(1_500_000);
  less.resume();
  await less.expectLine('MSG l 1 5000');
  expect(server.bridge.connections().map(({ cid }) => cid)).toEqual([2]);
});

it('a large payload for many is kept once', async () => {
  await using server = createTestBridge();
  const stuck: PipePeer[] = [];
  for (let i = 0; i < 20; i++) stuck.push(await stuckReader(server, 'big'));
  server.bus.publish('big', 'x'.repeat(1_000_000));
  server.bus.publish('big', 'y'.repeat(1_000_000));
  await new Promise(setImmediate);
  expect(server.bridge.heldBytes.outbound).toBeLessThan(3_000_000);
  expect(server.bridge.connections()[0]?.pendingBytes).toBeGreaterThan(2_000_000);
  for (const peer of stuck) peer.resume();
  for (const peer of stuck) {
    for (const letter of 'xy') {
      await peer.expectLine('MSG big 1 1000000');
      expect(await peer.take(1_000_002)).toBe(`${letter.repeat(1_000_000)}\r\n`);
    }
  }
  await expect.poll(() => server.bridge.heldBytes.outbound).toBe(0);
});

it('a large payload is forgotten with the readers that never took it', async () => {
  await using server = createTestBridge();
  const stuck: PipePeer[] = [];
  for (let i = 0; i < 3; i++) stuck.push(await stuckReader(server, 'big'));
  for (let i = 0; i < 3; i++) server.bus.publish('big', 'x'.repeat(100_000));
  await new Promise(setImmediate);
  expect(server.bridge.heldBytes.outbound).toBeGreaterThan(300_000);
  for (const peer of stuck) peer.destroy();
  await expect.poll(() => server.bridge.connections()).toEqual([]);
  await expect.poll(() => server.bridge.heldBytes.outbound).toBe(0);
  await expect.poll(() => liveSessions(server)).toBe(0);
});

it('with a pool that is spent the readers that are stuck stop nobody', async () => {
  await using server = createTestBridge(
    { pingIntervalMs: 3_600_000 },
    { poolMax: 4 * 1024 * 1024 },
  );
  const stuck: PipePeer[] = [];
  for (let i = 0; i < 10; i++) stuck.push(await stuckReader(server, 'a'));
  const healthy = await reader(server, 'a');
  const writer = await server.greeted();
  const block = `PUB a 10000\r\n${'x'.repeat(10_000)}\r\n`.repeat(20);
  for (let round = 0; round < 10; round++) {
    const sent = writer.send(block);
    for (let i = 0; i < 20; i++) {
      await healthy.expectLine('MSG a 1 10000');
      await healthy.take(10_002);
    }
    await sent;
  }
  // 11 readers have got 2 MB each; the pool lends 4 MiB.
  for (const peer of stuck) {
    peer.resume();
    for (let i = 0; i < 200; i++) {
      await peer.expectLine('MSG a 1 10000');
      expect((await peer.take(10_002)).startsWith('x')).toBe(true);
    }
  }
  await expect.poll(() => server.bridge.heldBytes.outbound).toBe(0);
});

it('what waits behind stuck readers is copied in slices, until most of the pool is free', async () => {
  const mib = 1024 * 1024;
  const clock = new SlowClock();
  const options = { pingIntervalMs: 3_600_000, clock };
  await using server = createTestBridge(options, { poolMax: 64 * mib, clock });
  const stuck: PipePeer[] = [];
  for (let i = 0; i < 8; i++) stuck.push(await stuckReader(server, 'a'));
  const { bus } = server;
  bus.subscribe('go', () => {
    for (let i = 0; i < 325; i++) bus.publish('a', 'x'.repeat(20_000));
  });
  const { core } = internalsOf(bus);
  bus.publish('go');
  const used = [core.poolUsed / mib];
  while ((used.at(-1) as number) > 16 && used.length < 60) {
    await new Promise(setImmediate);
    used.push(core.poolUsed / mib);
  }
  // A slice of 5 ms is five looks at this clock, a MiB or little more each; there may be two slices in a turn.
  expect(used[0]).toBeGreaterThan(36);
  for (const [index, before] of used.slice(0, -1).entries()) {
    expect(before - (used[index + 1] as number)).toBeLessThan(14);
  }
  // Some of it is in writes that are held: that cannot be copied.
  expect(used.at(-1)).toBeLessThanOrEqual(16);
  for (const peer of stuck) {
    peer.resume();
    for (let i = 0; i < 325; i++) {
      await peer.expectLine('MSG a 1 20000');
      expect((await peer.take(20_002)).startsWith('x')).toBe(true);
    }
  }
  await expect.poll(() => server.bridge.heldBytes.outbound).toBe(0);
});

it('what the program publishes is itself to its own subscription behind peers for whom the pool is too small', async () => {
  await using server = createTestBridge({ pingIntervalMs: 3_600_000 }, { poolMax: 1024 * 1024 });
  const readers: PipePeer[] = [];
  // A message of 20 KiB takes a chunk of 64 KiB of each: the core stops before it comes to the program's own.
  for (let i = 0; i < 17; i++) readers.push(await reader(server, 'a'));
  const got: unknown[] = [];
  server.bus.subscribe('a', ({ value }) => void got.push(value));
  const values = ['1', '2', '3'].map((letter) => Buffer.from(letter.repeat(20_000)));
  for (const value of values) {
    server.bus.publish('a', value);
    for (const peer of readers) {
      await peer.expectLine('MSG a 1 20000');
      expect((await peer.take(20_002)).slice(0, 1)).toBe(value.toString('latin1', 0, 1));
    }
  }
  expect(got.map((value, index) => value === values[index])).toEqual([true, true, true]);
  expect(server.bus.stats().inBytes).toBe(0);
});

it('a publisher that meets a reader above half its limit is paused ten milliseconds, then goes on', async () => {
  await using server = createTestBridge({ maxPending: 100_000 });
  const stuck = await stuckReader(server, 'a');
  const writer = await server.greeted();
  await writer.send(`PUB a 60000\r\n${'x'.repeat(60_000)}\r\nPUB a 1\r\nx\r\n`);
  await expect.poll(() => server.bridge.stats.stalledClients).toBe(1);
  void writer.send('PING\r\n');
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  expect(writer.received).toBe('');
  server.clock.advance(9);
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  expect(writer.received).toBe('');
  server.clock.advance(1);
  await writer.expectLine('PONG');
  stuck.destroy();
});

it('a publisher goes on as soon as the reader has drained', async () => {
  await using server = createTestBridge({ maxPending: 100_000 });
  const slow = await stuckReader(server, 'a');
  const writer = await server.greeted();
  await writer.send(`PUB a 60000\r\n${'x'.repeat(60_000)}\r\nPUB a 1\r\nx\r\n`);
  await expect.poll(() => server.bridge.stats.stalledClients).toBe(1);
  void writer.send('PING\r\n');
  slow.resume();
  await writer.expectLine('PONG');
});

it('many readers of one message get it once each, also when the records do not fit', async () => {
  await using server = createTestBridge();
  const readers: PipePeer[] = [];
  const subscriptions = 2000;
  for (let i = 0; i < 5; i++) {
    const peer = await server.greeted();
    let text = '';
    for (let sid = 0; sid < subscriptions; sid++) text += `SUB one ${sid}\r\n`;
    await peer.send(text);
    await peer.ping();
    readers.push(peer);
  }
  let local = 0;
  for (let i = 0; i < 8000; i++) server.bus.subscribe('one', () => local++);
  const writer = await server.greeted();
  await writer.send('PUB one 2\r\nhi\r\nPUB one 2\r\nho\r\n');
  await writer.ping();
  expect(local).toBe(16_000);
  for (const peer of readers) {
    for (const word of ['hi', 'ho']) {
      const sids = new Set<string>();
      for (let i = 0; i < subscriptions; i++) {
        sids.add((await peer.line()).split(' ')[2] as string);
        await peer.expectLine(word);
      }
      expect(sids.size).toBe(subscriptions);
    }
    await peer.ping();
  }
});
