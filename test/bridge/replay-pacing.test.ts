// A replay is paced as a read is: what it does to the loop, to consumers and to the next read counts, and so does
// what is kept for it.
import { afterEach, expect, it, vi } from 'vitest';
import type { Verdict } from '../../src/bridge/authentication.ts';
import { Replay, Replays } from '../../src/bridge/replay.ts';
import { internalsOf } from '../../src/bus/internals.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { HurriedClock, Loop } from './held-loop.ts';
import {
  arrive,
  CONNECT,
  closeLater,
  closeOpened,
  flood,
  settle,
  waiting,
} from './waiting-bridge.ts';

const KNOWN = 'CONNECT {"verbose":false,"name":"known"}\r\n';

afterEach(closeOpened);

/** Who is known comes in at once, all others when the test says so. */
function undecided(): {
  authenticate: (options: { name: string }) => Verdict | Promise<Verdict>;
  decide(): void;
} {
  const decisions: (() => void)[] = [];
  return {
    authenticate: ({ name }) =>
      name === 'known'
        ? { isAdmitted: true }
        : new Promise((resolve) => decisions.push(() => resolve({ isAdmitted: true }))),
    decide: () => {
      for (const decision of decisions.splice(0)) decision();
    },
  };
}

it('whoever waits is counted among the unfinished reads, and not given up like them', async () => {
  const { authenticate, decide } = undecided();
  // A quarter of it is for small frames: 2,500 bytes for those that are read to their end, 7,500 for all others.
  const bridge = waiting({ inboundMax: 40_000, authenticate });
  const { bridge: network, clock } = bridge.server;
  const message = `PUB a 200\r\n${'x'.repeat(200)}\r\n`;
  const waiters = Array.from({ length: 35 }, () => arrive(bridge, CONNECT + message));
  expect(network.heldBytes.inbound).toBe(35 * message.length);
  const [withholder, latecomer] = [arrive(bridge, KNOWN), arrive(bridge, KNOWN)];
  for (const socket of [withholder, latecomer]) socket.arrive(`PUB a 2400\r\n${'x'.repeat(100)}`);
  expect([withholder.isPaused, latecomer.isPaused]).toEqual([false, true]);
  clock.advance(10_000);
  await settle();
  expect(network.endedConnections().map(({ cid, reason }) => [cid, reason])).toEqual([
    [36, 'Read Error'],
  ]);
  expect(latecomer.isPaused).toBe(false);
  decide();
  await settle();
  expect(bridge.got).toHaveLength(35);
  expect(waiters.map((socket) => socket.isPaused)).not.toContain(true);
  const held = 'PUB a 2400\r\n'.length + 100;
  expect(network.heldBytes.inbound).toBe(held);
  // Their room is there for others.
  expect(arrive(bridge, `${KNOWN}PUB a 2400\r\n${'x'.repeat(100)}`).isPaused).toBe(false);
  expect(network.heldBytes.inbound).toBe(2 * held);
});

it('what comes between the verdict and the replay goes behind it, and the session is read again', async () => {
  const loop = new Loop();
  const bridge = waiting({ defer: loop.defer });
  loop.isHeld = true;
  const socket = arrive(bridge, `${CONNECT}PUB a 1\r\n1\r\n`);
  bridge.server.clock.advance(50);
  await settle();
  socket.arrive('PUB a 1\r\n2\r\n');
  await loop.turn();
  loop.isHeld = false;
  expect([bridge.got, socket.isPaused]).toEqual([['a 1', 'a 2'], false]);
});

it('a tail is replayed once, however often its session is let go on', () => {
  const deferred: (() => void)[] = [];
  let runs = 0;
  const replays = new Replays(new FakeClock(), (fn) => deferred.push(fn));
  const replay = new Replay(replays, () => {
    runs += 1;
    replay.end();
  });
  replay.schedule();
  replay.schedule();
  for (const fn of deferred) fn();
  expect([deferred.length, runs]).toEqual([2, 1]);
});

it('bytes are copied out once and in about once, however often the session waits in them', async () => {
  const bridge = waiting({ authenticate: async () => ({ isAdmitted: true }) });
  const { core } = internalsOf(bridge.server.bus);
  const [copiedOut, copiedIn] = [vi.spyOn(core, 'copy'), vi.spyOn(core, 'writeBytes')];
  const line = 'CONNECT {"verbose":false}\r\nPUB a 0\r\n\r\n';
  const count = Math.floor(65_536 / line.length);
  arrive(bridge, line.repeat(count));
  while (bridge.got.length < count) await settle(1);
  // What is read in the middle of a line is copied with its rest again, and no more.
  const copied = copiedOut.mock.calls.reduce((sum, [, bytes]) => sum + bytes, 0);
  expect(copied).toBeLessThan(65_536 + 4096);
  // At least a piece of 4 KiB each time; the whole rest would be half of 64 KiB.
  const bytes = copiedIn.mock.calls.reduce((sum, [, piece]) => sum + piece.length, 0);
  expect(bytes).toBeLessThanOrEqual(count * 4096);
  expect(bridge.server.bridge.heldBytes.inbound).toBe(0);
});

it('what is replayed may be longer than the inbox', async () => {
  const bridge = waiting({ maxPayload: 3_000_000 });
  const { core } = internalsOf(bridge.server.bus);
  const payload = Array.from({ length: core.inbox.bytes * 2 }, (_, i) => String(i % 7)).join('');
  const socket = arrive(bridge, CONNECT);
  flood(socket, `PUB a ${payload.length}\r\n${payload}\r\nPUB b 1\r\nx\r\nPUB`);
  bridge.server.clock.advance(50);
  await settle();
  expect(bridge.got[0] === `a ${payload}`).toBe(true);
  expect([bridge.got.slice(1), bridge.server.bridge.heldBytes.inbound]).toEqual([['b x'], 3]);
  socket.arrive(' c 0\r\n\r\n');
  expect(bridge.got.at(-1)).toBe('c ');
});

it('what is replayed may have a line as long as it is allowed to be', async () => {
  const bridge = waiting({ maxControlLine: 40_000 });
  const long = `CONNECT {"verbose":false,"name":"${'x'.repeat(30_000)}"}\r\n`;
  const socket = arrive(bridge, `${CONNECT}${long}PUB a 0\r\n\r\n${long.slice(0, 20_000)}`);
  for (const count of [1, 2]) {
    expect([bridge.asked, bridge.got]).toEqual([count, []]);
    bridge.server.clock.advance(50);
    await settle();
  }
  expect([bridge.got, bridge.server.bridge.heldBytes.inbound]).toEqual([['a '], 20_000]);
  socket.arrive(`${long.slice(20_000)}`);
  expect(bridge.asked).toBe(3);
});

it('a CONNECT that came in pieces is not kept while the session waits with nothing behind it', () => {
  const bridge = waiting();
  const { bridge: network } = bridge.server;
  const socket = arrive(bridge, CONNECT.slice(0, 10));
  expect(network.heldBytes.inbound).toBe(10);
  socket.arrive(CONNECT.slice(10));
  expect([socket.isPaused, network.heldBytes.inbound]).toEqual([true, 0]);
  const other = arrive(bridge, CONNECT.slice(0, 10));
  other.arrive(`${CONNECT.slice(10)}PUB`);
  expect([other.isPaused, network.heldBytes.inbound]).toEqual([true, 3]);
});

it('what is unfinished after a replay is all that counts then', async () => {
  const bridge = waiting();
  const socket = arrive(bridge, `${CONNECT}PUB a 1\r\n1\r\n${CONNECT}PUB a 1\r\n2`);
  bridge.server.clock.advance(50);
  await settle();
  // It waits again; the bytes that are done are not let go of before the rest is.
  expect(bridge.server.bridge.heldBytes.inbound).toBe(
    `PUB a 1\r\n1\r\n${CONNECT}PUB a 1\r\n2`.length,
  );
  bridge.server.clock.advance(50);
  await settle();
  expect(bridge.server.bridge.heldBytes.inbound).toBe('PUB a 1\r\n2'.length);
  socket.destroy();
  await settle();
  expect(bridge.server.bridge.heldBytes.inbound).toBe(0);
});

it('nothing is held of who is refused in the middle of a read or of a replay', async () => {
  const bridge = waiting();
  const { bridge: network } = bridge.server;
  const charge = vi.spyOn(network.pacing.sizes, 'charge');
  const waiter = arrive(bridge, `${CONNECT}PUB a 1\r\n1\r\nX\r\nPUB a 1\r\n2`);
  bridge.server.clock.advance(50);
  await settle();
  expect([bridge.got, network.heldBytes.inbound]).toEqual([['a 1'], 0]);
  arrive(bridge, 'X\r\nPUB a 1\r\n3');
  expect([network.connections(), network.heldBytes.inbound]).toEqual([[], 0]);
  expect(waiter.written).toContain('Unknown Protocol Operation');
  // Nor is a next read of theirs.
  expect(charge.mock.calls.reduce((sum, [bytes]) => sum + bytes, 0)).toBe(0);
});

it('what a frame lacked before the wait is not waited for after it', async () => {
  const bridge = waiting();
  const socket = arrive(bridge, CONNECT);
  bridge.server.clock.advance(50);
  await settle();
  socket.arrive(`PUB a 1000\r\n${'x'.repeat(100)}`);
  socket.arrive(`${'x'.repeat(900)}\r\n${CONNECT}SUB b 1\r\n`);
  bridge.server.clock.advance(50);
  await settle();
  socket.arrive('PUB c 0\r\n\r\n');
  expect(bridge.got.slice(1)).toEqual(['c ']);
});

it('a long tail takes the room of large frames, whatever it began as', async () => {
  const { authenticate, decide } = undecided();
  const inboundMax = 400_000;
  const bridge = waiting({ inboundMax, authenticate });
  const { bridge: network } = bridge.server;
  const long = `PUB long 70000\r\n${'x'.repeat(70_000)}\r\n`;
  const waiter = arrive(bridge, CONNECT);
  flood(waiter, long);
  expect(network.heldBytes.inbound).toBe(long.length);
  // Of the room for small frames 25,000 bytes are for those that are read to their end, 75,000 for all others.
  const [first, second] = [arrive(bridge, KNOWN), arrive(bridge, KNOWN)];
  first.arrive(`PUB a 24000\r\n${'x'.repeat(100)}`);
  flood(second, `PUB a 20000\r\n${'x'.repeat(6000)}`);
  expect([first.isPaused, second.isPaused]).toEqual([false, false]);
  decide();
  await settle();
  expect(bridge.got).toEqual([`long ${'x'.repeat(70_000)}`]);
});

it('whoever has no room finds it again when a replay makes some', async () => {
  const { authenticate, decide } = undecided();
  const bridge = waiting({ inboundMax: 40_000, authenticate });
  const { bridge: network, clock } = bridge.server;
  const finishing = arrive(bridge, KNOWN);
  finishing.arrive(`PUB a 2400\r\n${'x'.repeat(30)}`);
  const message = `PUB a 200\r\n${'x'.repeat(200)}\r\n`;
  for (let count = 0; count < 35; count++) arrive(bridge, `${CONNECT}${message}PUB`);
  const stopped = arrive(bridge, KNOWN);
  stopped.arrive(`PUB a 200\r\n${'x'.repeat(100)}`);
  expect(stopped.isPaused).toBe(true);
  decide();
  await settle();
  expect(stopped.isPaused).toBe(false);
  clock.advance(10_000);
  await settle();
  expect(network.endedConnections()).toEqual([]);
});

it('whoever has no room finds it when one that is read to its end has to wait instead', () => {
  const { authenticate } = undecided();
  const bridge = waiting({ inboundMax: 40_000, authenticate });
  const finishing = arrive(bridge, KNOWN);
  flood(finishing, `PUB a 2400\r\n${'x'.repeat(2300)}`);
  const message = `PUB a 200\r\n${'x'.repeat(200)}\r\n`;
  for (let count = 0; count < 35; count++) arrive(bridge, CONNECT + message);
  const stopped = arrive(bridge, KNOWN);
  stopped.arrive(`PUB a 200\r\n${'x'.repeat(100)}`);
  expect(stopped.isPaused).toBe(true);
  finishing.arrive(`${'x'.repeat(100)}\r\nCONNECT {"name":"later"}\r\nP`);
  expect([finishing.isPaused, stopped.isPaused]).toEqual([true, false]);
});

it('more of what is kept makes no room for others', () => {
  const { authenticate } = undecided();
  const bridge = waiting({ inboundMax: 40_000, authenticate });
  const { bridge: network } = bridge.server;
  arrive(bridge, KNOWN).arrive(`PUB a 2400\r\n${'x'.repeat(30)}`);
  const message = `PUB a 200\r\n${'x'.repeat(200)}\r\n`;
  const waiters = Array.from({ length: 35 }, () => arrive(bridge, CONNECT + message));
  const stopped = arrive(bridge, KNOWN);
  stopped.arrive(`PUB a 200\r\n${'x'.repeat(100)}`);
  const before = network.heldBytes.inbound;
  waiters[0]!.arrive('P');
  expect([network.heldBytes.inbound - before, stopped.isPaused]).toEqual([1, true]);
});

it('a peer that has ended its side is not kept for want of room', async () => {
  const { authenticate, decide } = undecided();
  const bridge = waiting({ inboundMax: 40_000, authenticate });
  arrive(bridge, KNOWN).arrive(`PUB a 2400\r\n${'x'.repeat(30)}`);
  const gone = arrive(bridge, `${CONNECT}PUB a 2400\r\n${'x'.repeat(180)}`);
  gone.destroy();
  for (let count = 0; count < 70; count++) {
    arrive(bridge, KNOWN).arrive(`PUB a 200\r\n${'x'.repeat(100)}`);
  }
  decide();
  await settle();
  const { bridge: network } = bridge.server;
  expect(network.endedConnections().map(({ cid, reason }) => [cid, reason])).toEqual([
    [2, 'Client Closed'],
  ]);
});

it('the next read after a replay is counted again', async () => {
  const bridge = waiting({ inboundMax: 16_000_000, maxConnections: 100 });
  const { sizes } = bridge.server.bridge.pacing;
  let counted = 0;
  vi.spyOn(sizes, 'charge').mockImplementation((bytes) => {
    counted += bytes;
  });
  const socket = arrive(bridge, '');
  const idle = counted;
  expect(idle).toBeGreaterThan(0);
  flood(socket, `${CONNECT}PUB a 70000\r\n${'x'.repeat(70_000)}\r\n`);
  bridge.server.clock.advance(50);
  await settle();
  expect([bridge.got.length, counted]).toEqual([1, idle]);
});

it('a replay that holds up the loop is not followed by a read in that turn of it', async () => {
  const [clock, loop] = [new HurriedClock(), new Loop()];
  const { authenticate, decide } = undecided();
  const bridge = waiting({ clock, defer: loop.defer, authenticate });
  const socket = arrive(bridge, `${CONNECT}PUB a 0\r\n\r\n`);
  loop.isHeld = true;
  decide();
  await settle();
  clock.isHurried = true;
  await loop.turn();
  clock.isHurried = false;
  expect([bridge.got, socket.isPaused]).toEqual([['a '], true]);
  await loop.turn();
  loop.isHeld = false;
  expect(socket.isPaused).toBe(false);
});

it('who has queued more by a replay than could be written waits until it is, and not again for it', async () => {
  const bridge = waiting({}, 5);
  const [publisher, consumer] = [arrive(bridge, CONNECT), arrive(bridge, CONNECT)];
  closeLater(() => consumer.destroy());
  bridge.server.clock.advance(5);
  await settle();
  consumer.isHolding = true;
  consumer.arrive('SUB a 1\r\n');
  const bulk = `PUB a 60000\r\n${'x'.repeat(60_000)}\r\n`;
  // The first goes to the socket, which holds it; the others wait.
  publisher.arrive(bulk);
  await settle();
  flood(publisher, CONNECT + bulk.repeat(80));
  bridge.server.clock.advance(5);
  await settle();
  expect([bridge.got.length, publisher.isPaused]).toEqual([81, true]);
  bridge.server.clock.advance(2);
  expect(publisher.isPaused).toBe(false);
  // A read that queues nothing is no reason.
  flood(publisher, `PUB nobody 65000\r\n${'x'.repeat(65_000)}\r\n`.repeat(2));
  expect(publisher.isPaused).toBe(false);
});

it('a replay of nothing but a PONG is no sign of life', async () => {
  const bridge = waiting({ pingIntervalMs: 1000, pingMax: 5 }, 700);
  const { clock } = bridge.server;
  const socket = arrive(bridge, CONNECT);
  clock.advance(700);
  await settle();
  clock.advance(500);
  await settle();
  expect(socket.written.split('PING\r\n')).toHaveLength(2);
  socket.arrive(`${CONNECT}PONG\r\n`);
  clock.advance(700);
  await settle();
  // The first PING after CONNECT is due, for nothing else came for more than a second.
  clock.advance(400);
  await settle();
  expect(socket.written.split('PING\r\n')).toHaveLength(3);
});
