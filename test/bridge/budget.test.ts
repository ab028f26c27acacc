// A read whose budget is spent: the rest waits for the reads of others, in order, and is counted meanwhile.
import { afterEach, expect, it } from 'vitest';
import { HurriedClock, Loop } from './held-loop.ts';
import { arrive, CONNECT, closeOpened, settle, type Waiting, waiting } from './waiting-bridge.ts';

afterEach(closeOpened);

/** Admits at once; so many units a read. */
function thrifty(readUnits: number, options: Parameters<typeof waiting>[0] = {}): Waiting {
  return waiting({ readUnits, authenticate: () => ({ isAdmitted: true }), ...options });
}

const pubs = (count: number): string =>
  Array.from({ length: count }, (_, i) => `PUB a ${String(i).length}\r\n${i}\r\n`).join('');

it.each([1, 30, 1000])('all of it is done in order with %d units at a time', async (readUnits) => {
  const bridge = thrifty(readUnits);
  const socket = arrive(bridge, `${CONNECT}SUB a 1\r\n${pubs(50)}PING\r\n`);
  while (!socket.written.endsWith('PONG\r\n')) await settle(1);
  expect(bridge.got).toEqual(Array.from({ length: 50 }, (_, i) => `a ${i}`));
  expect(socket.written.match(/MSG a 1/g)).toHaveLength(50);
  expect([socket.isPaused, bridge.server.bridge.heldBytes.inbound]).toEqual([false, 0]);
});

it('the reads of others come in between, and what waits is counted', async () => {
  const loop = new Loop();
  const bridge = thrifty(1, { defer: loop.defer });
  loop.isHeld = true;
  const [greedy, other] = [arrive(bridge, ''), arrive(bridge, CONNECT)];
  await loop.turn();
  greedy.arrive(`${CONNECT}PUB g 1\r\n1\r\nPUB g 1\r\n2\r\n`);
  expect([bridge.got, greedy.isPaused]).toEqual([[], true]);
  expect(bridge.server.bridge.heldBytes.inbound).toBe('PUB g 1\r\n1\r\nPUB g 1\r\n2\r\n'.length);
  for (let turn = 1; turn <= 2; turn++) {
    other.arrive('PUB o 0\r\n\r\n');
    await loop.turn();
  }
  expect(bridge.got).toEqual(['o ', 'g 1', 'o ', 'g 2']);
  await loop.turn();
  expect([greedy.isPaused, bridge.server.bridge.heldBytes.inbound]).toEqual([false, 0]);
});

it('those who have spent their budgets take a slice of a turn of the loop together', async () => {
  const loop = new Loop();
  const clock = new HurriedClock();
  const bridge = thrifty(1, { defer: loop.defer, clock });
  loop.isHeld = true;
  const sockets = Array.from({ length: 10 }, () => arrive(bridge, ''));
  await loop.turn();
  for (const socket of sockets) socket.arrive(`${CONNECT}PUB a 0\r\n\r\n`);
  clock.isHurried = true;
  await loop.turn();
  const first = bridge.got.length;
  expect(first).toBeLessThan(10);
  for (let turn = 0; turn < 30; turn++) await loop.turn();
  expect(bridge.got).toHaveLength(10);
});

it.each([
  ['refused replies', `PUB a $JS.${'\x07'.repeat(2000)} 0\r\n\r\n`],
  ['filters that are none', `SUB a..${'\x07'.repeat(2000)} 1\r\n`],
])('what is said and logged about %s costs whoever has sent them', async (_, op) => {
  const loop = new Loop();
  const bridge = thrifty(10_000, { defer: loop.defer });
  loop.isHeld = true;
  const socket = arrive(bridge, '');
  await loop.turn();
  socket.arrive(`${CONNECT}${op.repeat(20)}`);
  const done = (): number => 20 - Math.ceil(bridge.server.bridge.heldBytes.inbound / op.length);
  expect(done()).toBeGreaterThan(0);
  expect(done()).toBeLessThanOrEqual(4);
  while (bridge.server.bridge.heldBytes.inbound > 0) await loop.turn();
  await loop.turn();
  expect(socket.written.match(/-ERR/g)).toHaveLength(20);
});

it('what a peer has said before its end is done, however often its budget is spent', async () => {
  const bridge = thrifty(1);
  const socket = arrive(bridge, `${CONNECT}${pubs(5)}`);
  socket.destroy();
  await expect.poll(() => bridge.server.bridge.connectionCount).toBe(0);
  expect(bridge.got).toEqual(['a 0', 'a 1', 'a 2', 'a 3', 'a 4']);
  expect(bridge.server.bridge.endedConnections().at(-1)?.reason).toBe('Client Closed');
});

it('a broken connection leaves nothing of it', async () => {
  const bridge = thrifty(1);
  const socket = arrive(bridge, `${CONNECT}${pubs(5)}`);
  socket.destroy(new Error('reset'));
  await settle();
  expect([bridge.got, bridge.server.bridge.heldBytes.inbound]).toEqual([[], 0]);
});

it('an unfinished message behind it is gathered as ever', async () => {
  const bridge = thrifty(1);
  const payload = 'x'.repeat(3000);
  const socket = arrive(
    bridge,
    `${CONNECT}PUB a 1\r\n1\r\nPUB b 3000\r\n${payload.slice(0, 1000)}`,
  );
  await settle(20);
  expect(bridge.got).toEqual(['a 1']);
  socket.arrive(`${payload.slice(1000)}\r\nPUB a 1\r\n2\r\n`);
  await settle(20);
  expect(bridge.got).toEqual(['a 1', `b ${payload}`, 'a 2']);
});
