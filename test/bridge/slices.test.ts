// The loop is not held up: what is queued for many is written in slices, and who has queued it, or takes long to
// read, waits a turn.
import { expect, it } from 'vitest';
import { createTestBridge, type TestBridge } from '../support/bridge.ts';
import { FakeClock } from '../support/fake-clock.ts';
import type { PipePeer } from '../support/pipe-peer.ts';

const READERS = 40;
/** Writes between two looks at the clock. */
const SLICE = 8;

/** While it is in a hurry each look at it takes ten milliseconds. */
class HurriedClock extends FakeClock {
  isHurried = false;
  #extraMs = 0;

  override monotonic(): number {
    if (this.isHurried) this.#extraMs += 10;
    return super.monotonic() + this.#extraMs;
  }
}

/** What waits for the end of a turn of the loop, which comes when the test says so. */
class Loop {
  isHeld = false;
  readonly waiting: (() => void)[] = [];
  readonly defer = (fn: () => void): void => {
    if (this.isHeld) this.waiting.push(fn);
    else setImmediate(fn);
  };

  /** Lets the pipes carry what was written. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  async turn(): Promise<void> {
    for (const fn of this.waiting.splice(0)) fn();
    await this.settle();
  }
}

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
