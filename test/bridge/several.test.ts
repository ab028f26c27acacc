// Several bridges on one engine: what their sessions share, and what each has for its own.
import { expect, it } from 'vitest';
import { Bridge } from '../../src/bridge/bridge.ts';
import { internalsOf } from '../../src/bus/internals.ts';
import { createPipe } from '../../src/net/pipe.ts';
import { createTestBridge, type TestBridge } from '../support/bridge.ts';
import { PipePeer } from '../support/pipe-peer.ts';

/** Another bridge on the bus of that one, with options of its own. */
function beside(first: TestBridge, options: Partial<Bridge['options']> = {}): Bridge {
  return new Bridge(internalsOf(first.bus), {
    ...first.bridge.options,
    serverId: 'NOTHER',
    serverName: 'other',
    ...options,
  });
}

async function reader(bridge: Bridge, subject: string): Promise<PipePeer> {
  const [ours, theirs] = createPipe();
  bridge.attach(ours);
  const peer = new PipePeer(theirs);
  await peer.expectLine(/^INFO /);
  peer.send(`CONNECT {"verbose":false}\r\nSUB ${subject} 1\r\n`);
  await peer.ping();
  return peer;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('what is queued for the peers of both has one bound', async () => {
  await using first = createTestBridge({ outboundMax: 3_000_000 });
  const second = beside(first);
  const [most, less] = [await reader(second, 'a'), await reader(first.bridge, 'b')];
  const door = internalsOf(first.bus);
  for (const peer of [most, less]) peer.pause();
  const piece = new Uint8Array(100_000);
  for (let round = 0; round < 20; round++) door.deliver({ to: 'a', payload: piece });
  await turn();
  for (let round = 0; round < 12; round++) {
    door.deliver({ to: 'b', payload: piece });
    await turn();
  }
  expect(second.connections()).toEqual([]);
  expect(second.stats.slowConsumers).toBe(1);
  expect(first.bridge.connections()).toHaveLength(1);
  expect(first.bridge.stats.slowConsumers).toBe(0);
  most.destroy();
  less.destroy();
  await second.close();
});

it('who waits for a reader waits for a quarter of the limit that the reader has', async () => {
  await using first = createTestBridge({ maxPending: 1 << 24 });
  const second = beside(first, { maxPending: 1 << 20 });
  const peer = await reader(second, 'in');
  peer.pause();
  const door = internalsOf(first.bus);
  let session = 0;
  for (let part = 0; part < 2; part++) {
    session = door.deliver({ to: 'in', payload: new Uint8Array(300_000) }).pressed;
    await turn();
  }
  expect(session).not.toBe(0);
  let pending = -1;
  const told = new Promise<void>((resolve) => {
    door.whenDrained(session, () => {
      pending = second.connections()[0]?.pendingBytes ?? -1;
      resolve();
    });
  });
  await turn();
  expect(pending).toBe(-1);
  peer.resume();
  await told;
  expect(pending).toBeLessThan((1 << 20) / 4);
  await second.close();
});

it('ends of both are finished at the end of one turn', async () => {
  await using first = createTestBridge();
  const second = beside(first);
  const peers = [await reader(first.bridge, 'x'), await reader(second, 'x')];
  const { engine } = internalsOf(first.bus);
  await Promise.all([first.bridge.close(), second.close()]);
  for (const peer of peers) await peer.expectEnd();
  expect(engine.core.live().sessions).toBe(0);
  expect(engine.turn.network).toBeUndefined();
});

it('numbers of connections are of all', async () => {
  await using first = createTestBridge();
  const second = beside(first);
  await reader(first.bridge, 'x');
  await reader(second, 'x');
  await reader(first.bridge, 'x');
  expect(first.bridge.connections().map(({ cid }) => cid)).toEqual([1, 3]);
  expect(second.connections().map(({ cid }) => cid)).toEqual([2]);
  expect(first.bridge.stats.totalConnections).toBe(2);
  expect(Array.from(second.allSessions(), ({ cid }) => cid)).toEqual([1, 2, 3]);
  await second.close();
  expect(Array.from(first.bridge.allSessions(), ({ cid }) => cid)).toEqual([1, 3]);
});
