// A server whose linear memory has ended: what there is no room for is refused, everything else goes on.
import { expect, it } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { createTestBridge, type TestBridge } from '../support/bridge.ts';
import { exportsOf } from '../support/core-exports.ts';
import type { PipePeer } from '../support/pipe-peer.ts';

const LARGEST_BYTES = 1 << 20;
const SMALLEST_BYTES = 16;

/** Lets memory grow no more, and takes what is free of it. Returns what gives it all back. */
function useUp({ bus }: TestBridge): () => void {
  const { blockAllocate, blockRelease, memoryForceGrowth } = exportsOf(internalsOf(bus).core);
  const taken: [ptr: number, bytes: number][] = [];
  memoryForceGrowth(1, 0);
  for (let bytes = LARGEST_BYTES; bytes >= SMALLEST_BYTES; bytes /= 2) {
    for (let ptr = blockAllocate(bytes); ptr !== 0; ptr = blockAllocate(bytes)) {
      taken.push([ptr, bytes]);
    }
  }
  return () => {
    for (const [ptr, bytes] of taken) blockRelease(ptr, bytes);
    memoryForceGrowth(0, 0);
  };
}

/** A peer that hears itself on `kept`, and has done so once: nothing for that is to be made any more. */
async function hearing(bridge: TestBridge): Promise<PipePeer> {
  const peer = await bridge.greeted();
  peer.send('SUB kept 0\r\n');
  await expectHeard(peer);
  return peer;
}

async function expectHeard(peer: PipePeer): Promise<void> {
  peer.send('PUB kept 2\r\nhi\r\n');
  await peer.expectLines('MSG kept 0 2', 'hi');
}

/** Connects until it is refused; returns who got in. */
async function connectUntilRefused(bridge: TestBridge): Promise<PipePeer[]> {
  const peers: PipePeer[] = [];
  for (;;) {
    const before = bridge.bridge.connectionCount;
    const peer = bridge.connect();
    const hasOpened = bridge.bridge.connectionCount > before;
    await peer.expectLine(/^INFO /);
    if (!hasOpened) {
      expect(await peer.ended()).toBe("-ERR 'maximum connections exceeded'\r\n");
      return peers;
    }
    peers.push(peer);
  }
}

it('a SUB for which there is no memory is refused, and its connection goes on', async () => {
  await using bridge = createTestBridge();
  const peer = await hearing(bridge);
  const giveBack = useUp(bridge);
  // What has been set aside for the next records goes first, and each part of a table has some.
  let sid = 1;
  for (let refused = 0; refused < 3; sid++) {
    peer.send(`SUB a.${sid}.* ${sid}\r\nPING\r\n`);
    const line = await peer.line();
    if (line === 'PONG') continue;
    expect(line).toBe("-ERR 'maximum subscriptions exceeded'");
    await peer.expectLine('PONG');
    await expectHeard(peer);
    refused++;
  }
  giveBack();
  peer.send(`SUB a.${sid}.* ${sid}\r\nPUB a.${sid}.b 2\r\nhi\r\n`);
  await peer.expectLines(`MSG a.${sid}.b ${sid} 2`, 'hi');
  await expectHeard(peer);
});

it('a connection for which there is no memory is refused, and those that are open go on', async () => {
  await using bridge = createTestBridge();
  const peer = await hearing(bridge);
  const giveBack = useUp(bridge);
  const others = await connectUntilRefused(bridge);
  const { connectionCount } = bridge.bridge;
  expect(connectionCount).toBe(others.length + 1);
  expect(await connectUntilRefused(bridge)).toEqual([]);
  for (const other of others) await other.ping();
  await peer.ping();
  await expectHeard(peer);
  giveBack();
  const late = await hearing(bridge);
  await late.ping();
  await peer.expectLines('MSG kept 0 2', 'hi');
  expect(bridge.bridge.connectionCount).toBe(connectionCount + 1);
});

it('who leaves makes room for another, also without memory', async () => {
  await using bridge = createTestBridge();
  await hearing(bridge);
  useUp(bridge);
  const others = await connectUntilRefused(bridge);
  const ends = bridge.bridge.endedConnections().length;
  others[0]!.destroy();
  while (bridge.bridge.endedConnections().length === ends) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await connectUntilRefused(bridge)).toHaveLength(1);
});
