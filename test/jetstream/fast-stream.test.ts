// A stream is faster than any reader: it says one slice a turn of the loop, and what waits for the reader lies in the
// stream and not in the reader's queue.
import { describe, expect, test } from 'vitest';
import { enableJetStream } from '../../src/jetstream/jetstream.ts';
import { createTestBridge, type TestBridge } from '../support/bridge.ts';
import type { PipePeer } from '../support/pipe-peer.ts';

const KIB = 1024;
const MESSAGES = 300;
const BYTES = 16 * KIB;
const SLICE = 256 * KIB;
/** From what is queued on a reader is waited for: a slice at the most is queued beyond it. */
const PRESSED = 1024 * KIB;
/** Of what a message is on the wire, beside its payload. */
const HEAD_MAX = 128;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function filledServer(): Promise<TestBridge> {
  const server = createTestBridge();
  await enableJetStream(server.bus, {});
  const config = { name: 'S', subjects: ['s'], storage: 'memory' };
  await server.bus.request('$JS.API.STREAM.CREATE.S', JSON.stringify(config));
  const payload = new Uint8Array(BYTES);
  for (let i = 1; i < MESSAGES; i++) server.bus.publish('s', payload);
  await server.bus.request('s', payload);
  return server;
}

async function reader(server: TestBridge): Promise<PipePeer> {
  const peer = await server.greeted();
  await peer.send('SUB to.r 1\r\n');
  await peer.ping();
  return peer;
}

/** A consumer that pushes, or one that is pulled once, for all. */
async function begin(server: TestBridge, peer: PipePeer, way: string): Promise<void> {
  const push = way === 'push' ? { deliver_subject: 'to.r' } : {};
  const config = { name: 'C', ack_policy: 'none', ...push };
  const body = JSON.stringify({ stream_name: 'S', config });
  await server.bus.request('$JS.API.CONSUMER.CREATE.S.C', body);
  const pull = '{"batch":1000000}';
  if (way === 'pull') {
    const subject = '$JS.API.CONSUMER.MSG.NEXT.S.C';
    await peer.send(`PUB ${subject} to.r ${pull.length}\r\n${pull}\r\n`);
  }
}

const pendingOf = ({ bridge }: TestBridge): number =>
  Math.max(...bridge.connections().map(({ pendingBytes }) => pendingBytes));

async function takeAll(peer: PipePeer): Promise<number> {
  for (let count = 0; ; count++) {
    if (count === MESSAGES) return count;
    const words = (await peer.line()).split(' ');
    await peer.take(Number(words.at(-1)) + 2);
  }
}

describe.each(['push', 'pull'])('to a reader that stands still, by %s', (way) => {
  test('it queues a megabyte, and goes on when that is read', async () => {
    await using server = await filledServer();
    const peer = await reader(server);
    peer.pause();
    await begin(server, peer, way);
    for (let i = 0; i < 100; i++) await turn();
    expect(pendingOf(server)).toBeGreaterThan(PRESSED);
    expect(pendingOf(server)).toBeLessThan(PRESSED + SLICE + (SLICE / BYTES) * HEAD_MAX + BYTES);
    peer.resume();
    expect(await takeAll(peer)).toBe(MESSAGES);
    expect(peer.isClosed).toBe(false);
  });

  test('it queues a slice a turn, also while others are answered', async () => {
    await using server = await filledServer();
    const other = await server.greeted();
    const peer = await reader(server);
    peer.pause();
    await begin(server, peer, way);
    const grown: number[] = [];
    for (let before = pendingOf(server); before < PRESSED; ) {
      // Its answer is written at the end of the loop's turn, as the slice is.
      void other.send('PING\r\n');
      await turn();
      const pending = pendingOf(server);
      grown.push(pending - before);
      before = pending;
    }
    expect(Math.max(...grown)).toBeLessThan(SLICE + (SLICE / BYTES) * HEAD_MAX + BYTES);
    peer.resume();
    await takeAll(peer);
  });
});
