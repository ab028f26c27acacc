// Peers that stream crumbs are read once a millisecond, and nobody else is.
import { beforeEach, expect, it } from 'vitest';
import { Crumbs, CrumbWatch } from '../../src/bridge/pacing/crumbs.ts';
import { createTestBridge } from '../support/bridge.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FakeSocket } from './fake-socket.ts';

const CRUMB = 26;

let clock: FakeClock;
let deferred: (() => void)[];
let log: string[];
let watch: CrumbWatch;

beforeEach(() => {
  clock = new FakeClock();
  deferred = [];
  log = [];
  const source = { pause: () => log.push('rest'), resume: () => log.push('wake') };
  watch = new CrumbWatch(new Crumbs(clock, (fn) => deferred.push(fn)), source);
});

/** The loop turns; each time so many bytes are read, if any. */
function turn(times: number, bytes = CRUMB): void {
  for (let i = 0; i < times; i++) {
    if (bytes > 0) watch.read(bytes);
    for (const fn of deferred.splice(0)) fn();
  }
}

/** As soon as it can be told for sure. */
function stream(): void {
  turn(32 + 4);
}

it('a crumb in every turn, one way, makes a stream, which rests for a millisecond', () => {
  turn(32 + 3);
  expect(log).toEqual([]);
  turn(1);
  expect(log).toEqual(['rest']);
  clock.advance(1);
  expect(log).toEqual(['rest', 'wake']);
});

it('it rests again while a rest brings many crumbs', () => {
  stream();
  for (let i = 0; i < 3; i++) {
    clock.advance(1);
    turn(1, 100 * CRUMB);
  }
  expect(log).toEqual(['rest', 'wake', 'rest', 'wake', 'rest', 'wake', 'rest']);
});

it.each([
  ['few', 15 * CRUMB],
  ['so much that the socket might be full', 65_536],
])('it rests no more when a rest brings %s', (_, bytes) => {
  stream();
  clock.advance(1);
  turn(1, bytes);
  turn(32 + 3);
  expect(log).toEqual(['rest', 'wake']);
});

it('a turn without a crumb ends the suspicion', () => {
  turn(32 + 2);
  turn(1, 0);
  turn(32 + 3);
  expect(log).toEqual([]);
  turn(1);
  expect(log).toEqual(['rest']);
});

it('a larger read is no crumb', () => {
  turn(31);
  turn(1, 1024);
  turn(32 + 3);
  expect(log).toEqual([]);
});

it('whoever is written to waits for something, and is no stream', () => {
  for (let i = 0; i < 100; i++) {
    turn(10);
    watch.interrupt();
  }
  turn(32 + 2);
  watch.interrupt();
  turn(10);
  expect(log).toEqual([]);
});

it('what is written in a rest ends it, whatever comes next', () => {
  stream();
  watch.interrupt();
  clock.advance(1);
  turn(1, 100 * CRUMB);
  expect(log).toEqual(['rest', 'wake']);
});

it('a closed one neither rests nor wakes', () => {
  turn(32 + 3);
  watch.close();
  turn(1, 0);
  expect(log).toEqual([]);
});

it('one that closes in a rest does not wake', () => {
  stream();
  watch.close();
  clock.advance(10);
  expect(log).toEqual(['rest']);
});

it('a publisher of single messages is paused, a subscriber gets all, and an answer is not held up', async () => {
  const defer = (fn: () => void) => deferred.push(fn);
  await using server = createTestBridge({ defer });
  const received: string[] = [];
  server.bus.subscribe('crumb', { callback: (_, message) => received.push(message.string()) });
  const [streaming, asking] = [new FakeSocket(), new FakeSocket()];
  for (const socket of [streaming, asking]) {
    server.attach(socket);
    socket.arrive('CONNECT {"verbose":false}\r\nPING\r\n');
  }
  let sent = 0;
  for (; sent < 100 && !streaming.isPaused; sent++) {
    streaming.arrive(`PUB crumb 2\r\n${10 + sent}\r\n`);
    asking.arrive('PING\r\n');
    for (const fn of deferred.splice(0)) fn();
  }
  expect([streaming.isPaused, asking.isPaused]).toEqual([true, false]);
  server.clock.advance(1);
  expect(streaming.isPaused).toBe(false);
  expect(received).toEqual(Array.from({ length: sent }, (_, i) => String(10 + i)));
  expect(asking.written.split('PONG')).toHaveLength(sent + 2);
});

it('so is one whose bytes are copied', async () => {
  const defer = (fn: () => void) => deferred.push(fn);
  await using server = createTestBridge({ defer });
  const received: string[] = [];
  server.bus.subscribe('crumb', { callback: (_, message) => received.push(message.string()) });
  const peer = server.connect();
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  let sent = 0;
  void peer.send('CONNECT {"verbose":false}\r\n');
  await settle();
  for (; sent < 100 && received.length === sent; sent++) {
    void peer.send(`PUB crumb 2\r\n${10 + sent}\r\n`);
    await settle();
    for (const fn of deferred.splice(0)) fn();
  }
  expect(sent).toBeLessThan(50);
  server.clock.advance(1);
  await settle();
  expect(received).toEqual(Array.from({ length: sent }, (_, i) => String(10 + i)));
});
