// Who waits for a reader is told once, when it has drained or gone.
import { expect, it } from 'vitest';
import { PRESSED_MAX } from '../../assembly/abi.ts';
import { internalsOf } from '../../src/bus/internals.ts';
import { createTestBridge, type TestBridge } from '../support/bridge.ts';
import type { PipePeer } from '../support/pipe-peer.ts';

const MAX = 1 << 20;

/** A peer with so many bytes pending, in two writes: one under way, one waiting. */
async function pressedReader(
  server: TestBridge,
  sizes: readonly number[],
): Promise<{ peer: PipePeer; session: number }> {
  const door = internalsOf(server.bus);
  const peer = await server.greeted();
  await peer.send('SUB in 1\r\n');
  await peer.ping();
  peer.pause();
  let session = 0;
  for (const size of sizes) {
    session = door.deliver({ to: 'in', payload: new Uint8Array(size) }).pressed;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { peer, session };
}

it('tells all who wait, once, in turns, below a quarter of the limit', async () => {
  const errors: unknown[] = [];
  await using server = createTestBridge(
    { maxPending: MAX },
    { onError: (error) => errors.push(String(error)) },
  );
  const { peer, session } = await pressedReader(server, [300_000, 300_000]);
  const door = internalsOf(server.bus);
  expect(session).not.toBe(0);
  const calls: string[] = [];
  const told = new Promise<void>((resolve) => {
    door.whenDrained(session, () => {
      calls.push('first');
      expect(door.turn.isActive).toBe(true);
      expect(server.bridge.connections()[0]?.pendingBytes).toBeLessThan(MAX / 4);
    });
    door.whenDrained(session, () => {
      calls.push('second');
      throw new Error('of one waiter');
    });
    door.whenDrained(session, () => {
      calls.push('third');
      resolve();
    });
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(calls).toEqual([]);
  peer.resume();
  await told;
  await peer.expectLine(/^MSG/);
  expect(calls).toEqual(['first', 'second', 'third']);
  expect(errors).toEqual(['Error: of one waiter']);
});

it('tells who waits for a reader that is closed as too slow', async () => {
  await using server = createTestBridge({ maxPending: MAX });
  const { session } = await pressedReader(server, [300_000, 300_000]);
  const door = internalsOf(server.bus);
  const told = new Promise<void>((resolve) => door.whenDrained(session, resolve));
  door.deliver({ to: 'in', payload: new Uint8Array(600_000) });
  await told;
  expect(server.bridge.stats.slowConsumers).toBe(1);
});

it('presses a reader from a megabyte on for what this process delivers, and not for what peers publish', async () => {
  await using server = createTestBridge();
  const { session } = await pressedReader(server, [600_000]);
  expect(session).toBe(0);
  const { peer, session: pressed } = await pressedReader(server, [600_000, 600_000]);
  const publisher = await server.greeted();
  await publisher.send('PUB in 1\r\nx\r\n');
  await publisher.ping();
  expect(server.bridge.stats.stalledClients).toBe(0);
  const told = new Promise<number>((resolve) => {
    internalsOf(server.bus).whenDrained(pressed, () =>
      resolve(server.bridge.connections()[1]?.pendingBytes ?? Number.NaN),
    );
  });
  peer.resume();
  expect(await told).toBeLessThan(PRESSED_MAX / 2);
});
