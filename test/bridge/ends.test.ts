// Connections that end together do not hold up the loop: some are ended in each turn of it, and until then nothing is
// known of the end.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { Slices } from '../../src/shared/slices.ts';
import { createTestBridge, type TestBridge } from '../support/bridge.ts';
import { FakeSocket } from './fake-socket.ts';
import { HurriedClock, Loop } from './held-loop.ts';

setFlagsFromString('--expose-gc');

let clock: HurriedClock;
let loop: Loop;
beforeEach(() => {
  clock = new HurriedClock();
  loop = new Loop();
  loop.isHeld = true;
});

it('what there is no time for is done in the next turns, in order', async () => {
  const slices = new Slices(clock, loop.defer);
  const done: string[] = [];
  const work = (name: string): void => slices.run(() => void done.push(name));
  clock.isHurried = true;
  clock.lookMs = 2;
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) work(name);
  expect(done.join('')).toBe('abc');
  await loop.turn();
  work('g');
  expect(done.join('')).toBe('abcdef');
  expect(slices.next()).toBe(true);
  expect(slices.next()).toBe(false);
  expect(done.join('')).toBe('abcdefg');
  await loop.turn();
  await loop.turn();
  expect(loop.waiting).toEqual([]);
});

it('what comes out of work is done behind it, and an error takes nothing along', async () => {
  const slices = new Slices(clock, loop.defer);
  const done: string[] = [];
  const work = (): void => {
    slices.run(() => {
      throw new Error('bad');
    });
    slices.run(() => done.push('last'));
    done.push('first');
  };
  expect(() => slices.run(work)).toThrow('bad');
  expect(done).toEqual(['first']);
  await loop.turn();
  expect(done).toEqual(['first', 'last']);
});

it('what is done is let go of, also when there is never a turn in which nothing waits', async () => {
  const slices = new Slices(clock, loop.defer);
  const collect = runInNewContext('gc') as () => void;
  const done: WeakRef<object>[] = [];
  const work = (): void => {
    const subject = {};
    done.push(new WeakRef(subject));
    slices.run(() => void (subject as { isDone?: boolean }).isDone);
  };
  clock.isHurried = true;
  for (let i = 0; i < 3; i++) work();
  for (let turn = 0; turn < 20; turn++) {
    work();
    await loop.turn();
  }
  expect(slices.next()).toBe(true);
  collect();
  expect(done.filter((subject) => subject.deref() !== undefined).length).toBeLessThan(6);
});

interface Crowd {
  readonly server: TestBridge;
  readonly sockets: FakeSocket[];
}

const open: Crowd[] = [];
afterEach(async () => {
  clock.isHurried = false;
  for (const { server, sockets } of open.splice(0)) {
    for (const socket of sockets) socket.destroy();
    await server.close();
  }
});

/** Peers that subscribe to `a`. From now on each end takes longer than a slice. */
function createCrowd(count: number, options: Parameters<typeof createTestBridge>[0] = {}): Crowd {
  const server = createTestBridge({ clock, defer: loop.defer, ...options });
  const sockets = Array.from({ length: count }, () => connect(server));
  for (const fn of loop.waiting.splice(0)) fn();
  clock.isHurried = true;
  const crowd = { server, sockets };
  open.push(crowd);
  return crowd;
}

function connect(server: TestBridge): FakeSocket {
  const socket = new FakeSocket();
  server.attach(socket);
  socket.arrive('CONNECT {"verbose":false}\r\nSUB a 1\r\nPING\r\n');
  return socket;
}

it('peers that go together are ended one after another', async () => {
  const { server, sockets } = createCrowd(6);
  const { bridge, bus } = server;
  const [stays, ...go] = sockets as [FakeSocket, ...FakeSocket[]];
  for (const socket of go) socket.destroy();
  for (let left = 4; left >= 0; left--) {
    expect([bridge.connections().length, bridge.connectionCount]).toEqual([left + 1, left + 1]);
    expect(bridge.endedConnections()).toHaveLength(5 - left);
    bus.publish('a', `${left}`);
    await loop.turn();
  }
  await loop.turn();
  // Who has gone got nothing, who is there got each once.
  expect(stays.written.match(/MSG a 1 1\r\n\d/g)?.map((text) => text.at(-1))).toEqual([...'43210']);
  expect(go.map(({ written }) => written.includes('MSG'))).toEqual(go.map(() => false));
  const reasons = bridge
    .endedConnections()
    .map(({ reason, subscriptions }) => [reason, subscriptions]);
  expect(reasons).toEqual(go.map(() => ['Client Closed', 1]));
  expect(bridge.stats.openConnections).toBe(1);
});

it('when the bridge closes all of them have ended by themselves', async () => {
  const { server, sockets } = createCrowd(5);
  for (const socket of sockets) socket.destroy();
  expect(server.bridge.connectionCount).toBe(4);
  await server.bridge.close();
  expect(server.bridge.connectionCount).toBe(0);
  const reasons = server.bridge.endedConnections().map(({ reason }) => reason);
  expect(reasons).toEqual(sockets.map(() => 'Client Closed'));
});

it('one that has ended makes room for one that comes', () => {
  const { server, sockets } = createCrowd(3, { maxConnections: 3 });
  for (const socket of sockets) socket.destroy();
  const comes = [connect(server), connect(server), connect(server)];
  sockets.push(...comes);
  expect(server.bridge.connections().map(({ cid }) => cid)).toEqual([4, 5, 6]);
  const refused = connect(server);
  expect(refused.written).toContain("-ERR 'maximum connections exceeded'");
});

it('who has taken what was held too long, while another was ended for that, stays', async () => {
  const { server, sockets } = createCrowd(3);
  const [late, lucky, never] = sockets as [FakeSocket, FakeSocket, FakeSocket];
  for (const socket of sockets) socket.isHolding = true;
  server.bus.publish('a', 'x');
  await loop.turn();
  clock.advance(10_000);
  expect(server.bridge.endedConnections().map(({ cid }) => cid)).toEqual([1]);
  // The next write, a PING that has waited behind it, is held as well.
  lucky.release();
  for (let turn = 0; turn < 4; turn++) await loop.turn();
  lucky.isHolding = false;
  lucky.release();
  server.bus.publish('a', 'y');
  for (let turn = 0; turn < 4; turn++) await loop.turn();
  expect(server.bridge.connections().map(({ cid }) => cid)).toEqual([2]);
  expect(lucky.written).toContain('MSG a 1 1\r\ny\r\n');
  for (const socket of [late, never]) expect(socket.written).not.toContain('y\r\n');
  const reasons = server.bridge.endedConnections().map(({ reason }) => reason);
  expect(reasons).toEqual(['Slow Consumer (Write Deadline)', 'Slow Consumer (Write Deadline)']);
});

it('many subscriptions of one that goes are removed some at a time', async () => {
  const { server, sockets } = createCrowd(2);
  const { bridge, bus } = server;
  const [stays, goes] = sockets as [FakeSocket, FakeSocket];
  clock.isHurried = false;
  for (let sid = 2; sid <= 10_000; sid++) goes.arrive(`SUB many.${sid} ${sid}\r\n`);
  clock.isHurried = true;
  for (const fn of loop.waiting.splice(0)) fn();
  goes.destroy();
  const counts: number[] = [];
  for (; bridge.connectionCount > 1; await loop.turn()) {
    // All but that of the one who stays.
    counts.push(internalsOf(bus).core.live().subscriptions - 1);
    expect(bridge.connections()[1]?.subscriptions).toBe(10_000);
    bus.publish('a', 'x');
  }
  // They lay tables out anew on their way; how much of them is chance.
  const [first, second, ...others] = counts as [number, number];
  expect(others).toEqual([]);
  expect(first).toBeGreaterThanOrEqual(5904);
  expect(first).toBeLessThan(6500);
  expect(second).toBeGreaterThan(first - 4096);
  expect(second).toBeLessThan(3500);
  expect(stays.written.split('MSG a 1 1')).toHaveLength(1 + counts.length);
  expect(bridge.endedConnections()[0]).toMatchObject({ subscriptions: 10_000 });
  expect(bus.stats()).toMatchObject({ outMsgs: 2 });
});
