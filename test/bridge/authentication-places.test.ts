// How many CONNECTs are asked about at once is bounded; the others wait unread, in order, and no longer than the
// asked ones.
import { afterEach, expect, it } from 'vitest';
import type { Verdict } from '../../src/bridge/authentication.ts';
import { type Logger, silentLogger } from '../../src/shared/logger.ts';
import { uncaughtDuring } from '../support/uncaught.ts';
import type { FakeSocket } from './fake-socket.ts';
import { HurriedClock, Loop } from './held-loop.ts';
import { arrive, closeOpened, settle, type Waiting, waiting } from './waiting-bridge.ts';

afterEach(closeOpened);

interface Doors {
  readonly bridge: Waiting;
  /** Who was asked about, in order. */
  readonly asked: string[];
  /** Somebody who publishes his name to `in` behind his CONNECT; it begins with `now` if he is known at once. */
  come(name: string, address?: string): FakeSocket;
  answer(name: string): Promise<void>;
}

/** Two may be asked about at once. */
function doors(options: Parameters<typeof waiting>[0] = {}): Doors {
  const answers = new Map<string, (verdict: Verdict) => void>();
  const asked: string[] = [];
  const bridge = waiting({
    authenticationsMax: 2,
    authTimeoutMs: 2000,
    authenticate: ({ name }) => {
      asked.push(name);
      if (name.startsWith('now')) return { isAdmitted: true };
      if (name === 'thrown') throw new Error('cannot say');
      return new Promise((resolve) => answers.set(name, resolve));
    },
    ...options,
  });
  return {
    bridge,
    asked,
    come: (name, address) => {
      const connect = `CONNECT {"verbose":false,"name":"${name}"}\r\n`;
      return arrive(bridge, `${connect}PUB in ${name.length}\r\n${name}\r\n`, address);
    },
    answer: async (name) => {
      answers.get(name)!({ isAdmitted: true });
      await settle();
    },
  };
}

it('who comes when as many as may be are asked about waits unread, and is asked in his turn', async () => {
  const { bridge, asked, come, answer } = doors();
  const sockets = ['a', 'b', 'c', 'd', 'now'].map((name) => come(name));
  await settle();
  expect([asked, sockets.map((socket) => socket.isPaused)]).toEqual([
    ['a', 'b'],
    [true, true, true, true, true],
  ]);
  await answer('b');
  expect([asked, bridge.got]).toEqual([['a', 'b', 'c'], ['in b']]);
  await answer('c');
  await answer('a');
  expect(asked).toEqual(['a', 'b', 'c', 'd', 'now']);
  await answer('d');
  expect(bridge.got).toEqual(['in b', 'in c', 'in a', 'in now', 'in d']);
  expect(sockets.map((socket) => socket.isPaused)).toEqual([false, false, false, false, false]);
});

it('who is known at once takes no place, so those behind him need not wait for another', async () => {
  const { asked, come, answer } = doors();
  for (const name of ['now-1', 'a', 'now-2', 'b', 'now-3', 'now-4', 'c', 'now-5']) come(name);
  expect(asked).toEqual(['now-1', 'a', 'now-2', 'b']);
  await answer('a');
  expect(asked.slice(4)).toEqual(['now-3', 'now-4', 'c']);
});

it('nobody overtakes those who wait', async () => {
  const loop = new Loop();
  const { asked, come, answer } = doors({ defer: loop.defer });
  for (const name of ['a', 'b', 'c']) come(name);
  loop.isHeld = true;
  await answer('a');
  // There is a place, which nobody has been given yet.
  come('now');
  expect(asked).toEqual(['a', 'b']);
  await loop.turn();
  loop.isHeld = false;
  expect(asked).toEqual(['a', 'b', 'c']);
});

it('the time of who waits begins with his CONNECT, and he is not asked about after it', async () => {
  const { bridge, asked, come, answer } = doors();
  const { clock, bridge: network } = bridge.server;
  for (const name of ['a', 'b']) come(name);
  clock.advance(500);
  const late = come('c');
  clock.advance(1000);
  const later = come('d');
  await answer('a');
  expect(asked).toEqual(['a', 'b', 'c']);
  // The time of b is over, and his place free for d; that of c is, too, as if he had been asked at once.
  clock.advance(1000);
  await settle();
  expect(network.endedConnections().map(({ cid }) => cid)).toEqual([2, 3]);
  expect(late.written).toContain("-ERR 'Authorization Violation'\r\n");
  expect(asked).toEqual(['a', 'b', 'c', 'd']);
  await answer('d');
  expect([bridge.got, later.isPaused]).toEqual([['in a', 'in d'], false]);
});

it('who has no turn in his time is refused', async () => {
  const { bridge, asked, come } = doors({ authenticationsMax: 0 });
  const socket = come('a');
  bridge.server.clock.advance(2000);
  await settle();
  expect([asked, socket.written.slice(socket.written.indexOf('\r\n') + 2)]).toEqual([
    [],
    "-ERR 'Authorization Violation'\r\n",
  ]);
});

it('who has gone is not asked about, and his own place stays taken until his answer or its time', async () => {
  const { bridge, asked, come, answer } = doors();
  const [first, second, third] = ['a', 'b', 'c'].map((name) => come(name)) as [
    FakeSocket,
    FakeSocket,
    FakeSocket,
  ];
  come('d');
  for (const socket of [first, second, third]) socket.destroy(new Error('reset'));
  await settle();
  expect(asked).toEqual(['a', 'b']);
  await answer('a');
  expect(asked).toEqual(['a', 'b', 'd']);
  bridge.server.clock.advance(500);
  come('e');
  bridge.server.clock.advance(1499);
  await settle();
  expect(asked).toEqual(['a', 'b', 'd']);
  bridge.server.clock.advance(1);
  await settle();
  expect(asked).toEqual(['a', 'b', 'd', 'e']);
});

it('a second CONNECT waits for its turn like the first', async () => {
  const { bridge, asked, come, answer } = doors();
  const socket = come('now');
  for (const name of ['a', 'b']) come(name);
  socket.arrive('CONNECT {"verbose":false,"name":"c"}\r\nPUB in 5\r\nagain\r\n');
  await settle();
  expect([asked, socket.isPaused]).toEqual([['now', 'a', 'b'], true]);
  await answer('a');
  await answer('c');
  expect(bridge.got).toEqual(['in now', 'in a', 'in again']);
});

it('a bridge that closes leaves nobody who waits for his turn', async () => {
  const { bridge, asked, come, answer } = doors();
  for (const name of ['a', 'b', 'c']) come(name);
  await bridge.server.close();
  await answer('a');
  expect([asked, bridge.got, bridge.server.clock.timerCount]).toEqual([['a', 'b'], [], 0]);
});

it('what whoever decides publishes is delivered behind him, also when somebody has had to wait', async () => {
  const { bridge, come } = doors({
    authenticationsMax: 1,
    authenticate: async ({ name }) => {
      bridge.server.bus.publish('asked', name);
      bridge.got.push(`published ${name}`);
      return { isAdmitted: true };
    },
  });
  for (const name of ['x', 'y']) come(name);
  await settle();
  expect(bridge.got.filter((line) => line.endsWith('y'))).toEqual([
    'published y',
    'asked y',
    'in y',
  ]);
});

it('many who have their turn at once are asked about some at a time', async () => {
  const [clock, loop] = [new HurriedClock(), new Loop()];
  const { asked, come, answer } = doors({ clock, defer: loop.defer, authenticationsMax: 18 });
  for (let guest = 0; guest < 20; guest++) come(`${guest}`);
  loop.isHeld = true;
  for (let guest = 0; guest < 10; guest++) await answer(`${guest}`);
  clock.isHurried = true;
  await loop.turn();
  expect(asked.length).toBeGreaterThan(10);
  expect(asked.length).toBeLessThan(20);
  for (let turn = 0; turn < 20; turn++) await loop.turn();
  clock.isHurried = false;
  loop.isHeld = false;
  expect(asked).toHaveLength(20);
});

it('many whose time is over are let go some at a time, but for who has come in meanwhile', async () => {
  const [clock, loop] = [new HurriedClock(), new Loop()];
  const { bridge, come } = doors({ clock, defer: loop.defer });
  const { bridge: network } = bridge.server;
  const silent = Array.from({ length: 10 }, () => arrive(bridge, ''));
  const undecided = ['a', 'b'].map((name) => come(name));
  loop.isHeld = true;
  clock.isHurried = true;
  clock.advance(2000);
  clock.isHurried = false;
  const left = network.connections().length;
  expect(left).toBeGreaterThan(5);
  silent.at(-1)!.arrive('CONNECT {"verbose":false,"name":"now"}\r\n');
  clock.isHurried = true;
  await loop.turn();
  expect(network.connections().length).toBeLessThan(left);
  expect(network.connections().length).toBeGreaterThan(1);
  for (let turn = 0; turn < 12; turn++) await loop.turn();
  clock.isHurried = false;
  loop.isHeld = false;
  expect(network.connections()).toMatchObject([{ cid: 10, name: 'now' }]);
  expect(undecided.map((socket) => socket.written.includes('Authorization Violation'))).toEqual([
    true,
    true,
  ]);
});

it('an address leaves places to others, and who waits has his turn by address', async () => {
  const { asked, come, answer } = doors({ authenticationsMax: 4 });
  for (const name of ['a1', 'a2', 'a3', 'a4', 'a5']) come(name);
  // As many as are left, and no more.
  expect(asked).toEqual(['a1', 'a2', 'a3']);
  come('b1', '10.0.0.2');
  expect(asked).toEqual(['a1', 'a2', 'a3', 'b1']);
  for (const name of ['b2', 'c1']) come(name, name === 'b2' ? '10.0.0.2' : '10.0.0.3');
  await answer('a1');
  await answer('a2');
  await answer('a3');
  // a4 had waited first, but there were as many of his; a5 is behind c1.
  expect(asked.slice(4)).toEqual(['b2', 'a4', 'c1']);
});

it('who need not say who he is needs no place, however many wait', async () => {
  const { bridge, asked, come } = doors({
    authenticationsMax: 1,
    asked: () => 'named',
    authenticate: ({ name }) => {
      asked.push(name);
      return name === '' ? { isAdmitted: true } : new Promise(() => {});
    },
  });
  for (const name of ['a', 'b']) come(name);
  const unnamed = arrive(bridge, 'PUB in 1\r\nx\r\n');
  await settle();
  expect([asked, bridge.got]).toEqual([['a', ''], ['in x']]);
  expect(unnamed.written).not.toContain('-ERR');
});

it('a log of the program that throws keeps nobody else who waits from his turn', async () => {
  const logger: Logger = {
    ...silentLogger,
    error: () => {
      throw new Error('the log is full');
    },
  };
  const { bridge, asked, come, answer } = doors({ logger });
  for (const name of ['a', 'b', 'thrown', 'c']) come(name);
  expect(await uncaughtDuring(() => answer('a'))).toEqual(['the log is full']);
  await settle();
  expect(asked).toEqual(['a', 'b', 'thrown', 'c']);
  await answer('c');
  expect(bridge.got).toEqual(['in a', 'in c']);
});
