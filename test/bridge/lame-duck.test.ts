// Leaving: peers are told, get time, and are closed one by one.
import { expect, it } from 'vitest';
import { createTestBridge } from '../support/bridge.ts';

const options = { lameDuckGraceMs: 10_000, lameDuckDurationMs: 14_000 };

it('peers that know INFO at any time are told; others are not', async () => {
  await using server = createTestBridge(options);
  const modern = await server.greeted({ protocol: 1 });
  await modern.expectLine(/^INFO .*"connect_info":true/);
  const old = await server.greeted({ protocol: 0 });
  void server.bridge.lameDuck();
  const info = await modern.line();
  expect(info).toMatch(/"ldm":true/);
  expect(info).not.toMatch(/connect_info|connect_urls/);
  await old.ping();
});

it('nobody new is accepted', async () => {
  await using server = createTestBridge(options);
  await server.greeted();
  void server.bridge.lameDuck();
  await server.connect().expectEnd();
});

it('after the grace period the peers are closed one by one, at most a second apart', async () => {
  await using server = createTestBridge({ ...options, random: () => 0.99 });
  const peers = [await server.greeted(), await server.greeted(), await server.greeted()];
  let isDone = false;
  const done = server.bridge.lameDuck().then(() => {
    isDone = true;
  });
  server.clock.advance(9999);
  for (const peer of peers) {
    await peer.expectLine('PING');
    await peer.ping();
  }
  server.clock.advance(1);
  await peers[0]!.expectEnd();
  for (const peer of peers.slice(1)) await peer.ping();
  server.clock.advance(989);
  for (const peer of peers.slice(1)) await peer.ping();
  server.clock.advance(1);
  await peers[1]!.expectEnd();
  await peers[2]!.ping();
  expect(isDone).toBe(false);
  server.clock.advance(990);
  await peers[2]!.expectEnd();
  await done;
  const reasons = server.bridge.endedConnections().map(({ reason }) => reason);
  expect(reasons).toEqual(['Server Shutdown', 'Server Shutdown', 'Server Shutdown']);
});

it('without peers it is over at once', async () => {
  await using server = createTestBridge(options);
  await server.bridge.lameDuck();
  expect(server.clock.timerCount).toBe(0);
});

it('it is over when the last peer has left by itself', async () => {
  await using server = createTestBridge(options);
  const peer = await server.greeted();
  const done = server.bridge.lameDuck();
  peer.end();
  await done;
});

it('closing cuts it short', async () => {
  await using server = createTestBridge(options);
  const peer = await server.greeted();
  const done = server.bridge.lameDuck();
  await server.bridge.close();
  await done;
  await peer.expectEnd();
});
