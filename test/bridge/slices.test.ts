// The loop is not held up: what is queued for many is written in slices, and who has queued it, or takes long to
// read, waits a turn.
import { expect, it } from 'vitest';
import { createTestBridge, type TestBridge } from '../support/bridge.ts';
import type { PipePeer } from '../support/pipe-peer.ts';
import { FakeSocket } from './fake-socket.ts';
import { HurriedClock, Loop } from './held-loop.ts';

const READERS = 40;
/** Writes between two looks at the clock. */
const SLICE = 8;

interface Crowd extends AsyncDisposable {
  readonly server: TestBridge;
  readonly clock: HurriedClock;
  readonly loop: Loop;
  readonly readers: readonly PipePeer[];
  readonly writer: PipePeer;
}

async function createCrowd(): Promise<Crowd> {
  const clock = new HurriedClock();
  const loop = new Loop();
  const server = createTestBridge({ clock, defer: loop.defer });
  const writer = await server.greeted();
  const readers: PipePeer[] = [];
  for (let index = 0; index < READERS; index++) {
    const peer = await server.greeted();
    await peer.send('SUB a 1\r\n');
    await peer.ping();
    readers.push(peer);
  }
  await loop.settle();
  loop.isHeld = true;
  clock.isHurried = true;
  const close = async (): Promise<void> => {
    loop.isHeld = false;
    clock.isHurried = false;
    await loop.turn();
    await server.close();
  };
  return { server, clock, loop, readers, writer, [Symbol.asyncDispose]: close };
}

const ONE = 'MSG a 1 3\r\none\r\n';
const TWO = 'MSG a 1 3\r\ntwo\r\n';

it('what is queued for many is written some at a time, to each once', async () => {
  await using crowd = await createCrowd();
  const { loop, readers, writer } = crowd;
  void writer.send('PUB a 3\r\none\r\n');
  await loop.settle();
  for (let served = SLICE; served <= READERS; served += SLICE) {
    await loop.turn();
    const received = readers.map((reader) => reader.received);
    expect(received.filter((text) => text === ONE)).toHaveLength(served);
    expect(received.filter((text) => text === '')).toHaveLength(READERS - served);
  }
  await loop.turn();
  expect(loop.waiting).toHaveLength(0);
});

it('who queues more before all of it is written is not read any more until then', async () => {
  await using crowd = await createCrowd();
  const { loop, readers, writer } = crowd;
  void writer.send('PUB a 3\r\none\r\n');
  await loop.settle();
  await loop.turn();
  void writer.send('PUB a 3\r\ntwo\r\n');
  await loop.settle();
  void writer.send('PUB a 5\r\nthree\r\n');
  await loop.settle();
  // The rest gets both, then the first ones the second.
  for (let served = SLICE; served < READERS + SLICE; served += SLICE) {
    expect(readers.some((reader) => reader.received.includes('three'))).toBe(false);
    await loop.turn();
  }
  expect(readers.map((reader) => reader.received)).toEqual(readers.map(() => ONE + TWO));
  while (loop.waiting.length > 0) await loop.turn();
  const all = `${ONE}${TWO}MSG a 1 5\r\nthree\r\n`;
  expect(readers.map((reader) => reader.received)).toEqual(readers.map(() => all));
});

it('when the program closes the bridge everything is written all the same', async () => {
  await using crowd = await createCrowd();
  const { loop, readers, server, writer } = crowd;
  void writer.send('PUB a 3\r\none\r\n');
  await loop.settle();
  await loop.turn();
  crowd.clock.isHurried = false;
  await server.bridge.close();
  const received = await Promise.all(readers.map((reader) => reader.ended()));
  expect(received).toEqual(readers.map(() => ONE));
});

interface Pairs extends AsyncDisposable {
  readonly clock: HurriedClock;
  readonly loop: Loop;
  readonly publishers: readonly FakeSocket[];
}

/** What one read of a publisher brings is written at once. */
const BULK = `PUB a 60000\r\n${'x'.repeat(60_000)}\r\n`;

/** Two publishers and a consumer. A read takes less than a millisecond, three take more than two. */
function createPairs(): Pairs {
  const clock = new HurriedClock();
  const loop = new Loop();
  const server = createTestBridge({ clock, defer: loop.defer });
  const [consumer, ...publishers] = [new FakeSocket(), new FakeSocket(), new FakeSocket()] as const;
  for (const socket of [consumer, ...publishers]) {
    server.attach(socket);
    socket.arrive('CONNECT {"verbose":false}\r\nPING\r\n');
  }
  consumer.arrive('SUB a 1\r\n');
  loop.isHeld = true;
  clock.lookMs = 0.2;
  clock.isHurried = true;
  const close = async (): Promise<void> => {
    loop.isHeld = false;
    clock.isHurried = false;
    await loop.turn();
    for (const socket of [consumer, ...publishers]) socket.destroy();
    await server.close();
  };
  return { clock, loop, publishers, [Symbol.asyncDispose]: close };
}

/** Reads until there is a pause. */
function readBulk(publisher: FakeSocket, max: number): number {
  let reads = 0;
  for (; !publisher.isPaused && reads < max; reads++) publisher.arrive(BULK);
  return reads;
}

it('who has held up the loop for two milliseconds is not read again before it has turned', async () => {
  await using pairs = createPairs();
  const { loop, publishers } = pairs;
  const [one, other] = publishers as [FakeSocket, FakeSocket];
  expect(readBulk(one, 10)).toBe(3);
  // That everything is written changes nothing.
  expect(readBulk(other, 1)).toBe(1);
  expect([one.isPaused, other.isPaused]).toEqual([true, false]);
  await loop.turn();
  expect(one.isPaused).toBe(false);
  expect(readBulk(one, 10)).toBe(3);
});

it('what it has taken in turns before is not counted', async () => {
  await using pairs = createPairs();
  const { loop, publishers } = pairs;
  const [publisher] = publishers as [FakeSocket];
  for (let turn = 0; turn < 10; turn++) {
    expect(readBulk(publisher, 2)).toBe(2);
    await loop.turn();
  }
});

it('who takes long and queues nothing does not wait until others are served', async () => {
  await using crowd = await createCrowd();
  const { server, loop, readers, writer } = crowd;
  const program: string[] = [];
  server.bus.subscribe('b', { callback: (_, message) => program.push(message.string()) });
  const other = new FakeSocket();
  server.attach(other);
  other.arrive('CONNECT {"verbose":false}\r\n');
  await loop.turn();
  void writer.send('PUB a 3\r\none\r\n');
  await loop.settle();
  await loop.turn();
  other.arrive('PUB b 3\r\nfor\r\n');
  expect(other.isPaused).toBe(true);
  await loop.turn();
  expect(other.isPaused).toBe(false);
  expect(readers.some((reader) => reader.received === '')).toBe(true);
  expect(program).toEqual(['for']);
  other.destroy();
});

it('what a transport has brought at once is read in pieces, and a long one is the last of its turn', async () => {
  await using crowd = await createCrowd();
  const { server, clock, loop, writer } = crowd;
  clock.lookMs = 1;
  let count = 0;
  server.bus.subscribe('b', { callback: () => (count += 1) });
  void writer.send(`PUB b 10000\r\n${'x'.repeat(10_000)}\r\n`.repeat(10));
  await loop.settle();
  // A read of 64 KiB.
  expect(count).toBe(6);
  await loop.turn();
  expect(count).toBe(10);
});
