// Whatever takes many subscriptions away does it in parts, and nobody else notices: an end that we decide, a peer that
// goes, another CONNECT.
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Session } from '../../src/bridge/session.ts';
import { internalsOf } from '../../src/bus/internals.ts';
import { createLogger } from '../../src/shared/logger.ts';
import { createTestBridge, type TestBridge } from '../support/bridge.ts';
import { FakeSocket } from './fake-socket.ts';
import { HurriedClock, Loop } from './held-loop.ts';

let clock: HurriedClock;
let loop: Loop;
let server: TestBridge;
const sockets: FakeSocket[] = [];

beforeEach(() => {
  clock = new HurriedClock();
  loop = new Loop();
  loop.isHeld = true;
  server = createTestBridge({ clock, defer: loop.defer });
});
afterEach(async () => {
  clock.isHurried = false;
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.close();
});

function connect(): FakeSocket {
  const socket = new FakeSocket();
  sockets.push(socket);
  server.attach(socket);
  socket.arrive('CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\nPING\r\n');
  return socket;
}

/** From now on each look at the clock takes longer than a slice. */
function hurry(): void {
  for (const fn of loop.waiting.splice(0)) fn();
  clock.isHurried = true;
}

const live = () => internalsOf(server.bus).core.live();

/** Two peers; the second has many subscriptions, its first ones to `a`, alone and in a queue group, and to `b`. */
function twoPeers(count: number, filter = (index: number) => `many.${index}`) {
  const [stays, goes] = [connect(), connect()];
  stays.arrive('SUB a 1\r\nSUB a q 2\r\n');
  goes.arrive('SUB a x1\r\nSUB a q x2\r\nSUB b x3\r\n');
  for (let index = 0; index < count; index++) goes.arrive(`SUB ${filter(index)} ${index}\r\n`);
  hurry();
  return { stays, goes };
}

/** Turns until nothing is left of many; how many subscriptions there were after each, and nodes that went. */
async function turns(): Promise<{ counts: number[]; nodes: number[] }> {
  const counts: number[] = [];
  const nodes: number[] = [];
  let before = live().nodes;
  while (live().subscriptions > 2) {
    counts.push(live().subscriptions);
    await loop.turn();
    nodes.push(before - live().nodes);
    before = live().nodes;
    expect(counts.length).toBeLessThan(100);
  }
  return { counts, nodes };
}

/** Publishes to all three; what each of the two has heard of it. */
function expectDelivery(stays: FakeSocket, goes: FakeSocket): void {
  const [heard, missed] = [stays.written.length, goes.written.length];
  stays.arrive('PUB a 2\r\nhi\r\nPUB b r.1 2\r\nhi\r\n');
  for (const fn of loop.waiting.splice(0)) fn();
  expect(stays.written.slice(heard).match(/MSG a [12] 2/g)).toHaveLength(2);
  expect(goes.written.slice(missed)).toBe('');
}

it('a protocol error is told at once, and what was subscribed to goes part by part', async () => {
  const { stays, goes } = twoPeers(30_000);
  goes.arrive('nonsense\r\n');
  expect(goes.written).toContain("-ERR 'Unknown Protocol Operation'");
  expect(live().subscriptions).toBeGreaterThan(29_000);
  expect(server.bridge.connections()).toHaveLength(1);
  expect(server.bridge.endedConnections()[0]).toMatchObject({ subscriptions: 30_003 });
  for (let turn = 0; turn < 2; turn++) {
    expectDelivery(stays, goes);
    await loop.turn();
  }
  const { counts } = await turns();
  expect(counts.length).toBeGreaterThan(2);
  expect(Math.max(...counts.map((count, i) => count - (counts[i + 1] ?? 2)))).toBeLessThanOrEqual(
    4096,
  );
  expectDelivery(stays, goes);
  expect(server.bridge.connectionCount).toBe(1);
  expect(live()).toMatchObject({ sessions: 1, subscriptions: 2 });
});

it('filters of thousands of tokens go by their nodes', async () => {
  const { goes } = twoPeers(40, (index) => `${index}.*${'.t'.repeat(1997)}`);
  goes.destroy(new Error('reset'));
  const { nodes } = await turns();
  expect(nodes.length).toBeGreaterThan(5);
  expect(Math.max(...nodes)).toBeLessThanOrEqual(8192 + 2000);
  await loop.turn();
  expect(server.bridge.connectionCount).toBe(1);
});

it('another CONNECT waits until nothing is left of the one before, and goes on behind it', async () => {
  const { stays, goes } = twoPeers(20_000);
  const said = goes.written.length;
  goes.arrive('CONNECT {"verbose":false}\r\nSUB a y\r\nPUB c 2\r\nhi\r\nPING\r\n');
  const heard: string[] = [];
  server.bus.subscribe('c', (message) => heard.push(message.string()));
  for (let turn = 0; turn < 2; turn++) {
    expect(goes.isPaused).toBe(true);
    expectDelivery(stays, goes);
    await loop.turn();
  }
  expect([heard, goes.written.slice(said)]).toEqual([[], '']);
  while (goes.isPaused) await loop.turn();
  expect(heard).toEqual(['hi']);
  expect(goes.written.slice(said)).toMatch(/^PONG\r\n/);
  stays.arrive('PUB a 2\r\nhi\r\n');
  await loop.turn();
  expect(goes.written).toContain('MSG a y 2\r\nhi\r\n');
  expect(live()).toMatchObject({ sessions: 2, subscriptions: 4 });
});

it('what another CONNECT takes away is told of no more, nor what a peer had that has gone', async () => {
  const { goes } = twoPeers(20_000);
  const [, session] = [...server.bridge.openSessions()] as [Session, Session];
  const told = () => {
    const { subscriptionCount } = session;
    return { subscriptionCount, sids: [...session.subscriptions()].map(({ sid }) => sid) };
  };
  expect(told()).toMatchObject({ subscriptionCount: 20_003, sids: { length: 20_003 } });
  goes.arrive('CONNECT {"verbose":false}\r\nSUB a y\r\n');
  for (let turn = 0; turn < 2; turn++) {
    expect(live().subscriptions).toBeGreaterThan(3);
    expect(told()).toEqual({ subscriptionCount: 0, sids: [] });
    expect(session.snapshot(0).subscriptions).toBe(0);
    await loop.turn();
  }
  while (goes.isPaused) await loop.turn();
  expect(told()).toEqual({ subscriptionCount: 1, sids: ['y'] });
  clock.isHurried = false;
  for (let index = 0; index < 20_000; index++) goes.arrive(`SUB more.${index} ${index}\r\n`);
  hurry();
  goes.destroy(new Error('reset'));
  await loop.turn();
  expect(live().subscriptions).toBeGreaterThan(3);
  expect(told()).toEqual({ subscriptionCount: 0, sids: [] });
});

it('of what another CONNECT takes away the log tells once, also when the peer goes meanwhile', async () => {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line.trimEnd());
  const logger = createLogger({ write, hasTime: false, isTrace: true, now: () => 0 });
  await server.close();
  server = createTestBridge({ clock, defer: loop.defer, logger });
  const { goes } = twoPeers(20_000);
  goes.arrive('CONNECT {"verbose":false}\r\n');
  await loop.turn();
  expect(live().subscriptions).toBeGreaterThan(10_000);
  goes.destroy(new Error('reset'));
  await turns();
  await loop.turn();
  const told = lines.filter((line) => /cid:2 .*DELSUB/.test(line));
  expect(told.map((line) => Number(line.split(/[ \]]/).at(-2)))).toEqual(
    Array.from({ length: 1000 }, (_, i) => 19_000 + i),
  );
  const ended = server.bridge.endedConnections().find(({ cid }) => cid === 2);
  expect(ended).toMatchObject({ subscriptions: 0, subscriptionList: [] });
});

it('who goes while another CONNECT waits is through when all is removed', async () => {
  const { goes } = twoPeers(20_000);
  goes.arrive('CONNECT {"verbose":false}\r\nPUB c 2\r\nhi\r\n');
  await loop.turn();
  goes.destroy(new Error('reset'));
  await turns();
  for (let turn = 0; turn < 3; turn++) await loop.turn();
  expect(server.bridge.connectionCount).toBe(1);
  expect(live()).toMatchObject({ sessions: 1, subscriptions: 2, quarantine: 0 });
});

it('when the bridge closes all of it is done', async () => {
  const { goes } = twoPeers(20_000);
  goes.arrive('nonsense\r\n');
  await server.bridge.close();
  expect(live()).toMatchObject({ sessions: 0, subscriptions: 0 });
});
