// What a WebSocket keeps of what has come: it is told, it has a bound, and after a pause it waits in order.
import { expect, test } from 'vitest';
import { pauseSocket, resumeSocket } from '../../src/net/tcp-transport.ts';
import { PeerError, type Transport } from '../../src/net/transport.ts';
import { createTestBridge } from '../support/bridge.ts';
import { byteReader } from '../support/byte-reader.ts';
import { BINARY, compressedFrame, frame, PING, PONG } from '../support/websocket-client.ts';
import { DEFLATE_OFFER, listenForOne, type PairOptions } from '../support/websocket-pair.ts';
import { WebSocketPeer } from '../support/websocket-peer.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

interface Watched extends Disposable {
  readonly peer: WebSocketPeer;
  readonly transport: Transport;
  /** All that has been reported. */
  text: string;
  /** How often something was. */
  reads: number;
  /** As it was told, each time. */
  readonly kept: number[];
  error: Error | undefined;
  isClosed: boolean;
  until(isDone: () => boolean): Promise<void>;
}

/** @param onEvent called after each report; it may pause */
async function watch(
  options: PairOptions = {},
  onEvent: (watched: Watched) => void = () => {},
): Promise<Watched> {
  const listener = await listenForOne(options);
  const peer = await WebSocketPeer.open(listener.port, options.headers);
  const transport = await listener.accepted;
  let wake = (): void => {};
  const watched: Watched = {
    peer,
    transport,
    text: '',
    reads: 0,
    kept: [],
    error: undefined,
    isClosed: false,
    until: async (isDone) => {
      while (!isDone()) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    [Symbol.dispose]: () => {
      peer.destroy();
      transport.destroy();
      listener.close();
    },
  };
  const report = (): void => {
    onEvent(watched);
    wake();
  };
  const onBytes = (bytes: Uint8Array): void => {
    watched.text += Buffer.from(bytes).toString('latin1');
    watched.reads += 1;
    report();
  };
  const onClose = (error?: Error): void => {
    watched.error = error;
    watched.isClosed = true;
    if (error !== undefined) transport.destroy();
    report();
  };
  const reader = byteReader(onBytes, { onClose });
  const onKept = (bytes: number): void => {
    watched.kept.push(bytes);
    report();
  };
  transport.start({ ...reader, onKept });
  return watched;
}

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

const COMPRESSED: PairOptions = { compression: true, headers: [DEFLATE_OFFER] };

test('of a flood that comes after a pause nothing is handed over, and nothing is lost', async () => {
  using watched = await watch({}, ({ transport, reads }) => {
    if (reads === 1) transport.pause();
  });
  const words = Array.from({ length: 2000 }, (_, i) => `word ${i}\r\n`);
  const flood = words.map((word) => frame(BINARY, word));
  watched.peer.raw(frame(BINARY, 'first\r\n'));
  await watched.until(() => watched.reads === 1);
  watched.peer.raw(Buffer.concat(flood));
  await turns(50);
  expect([watched.text, watched.kept]).toEqual(['first\r\n', []]);
  watched.transport.resume();
  await watched.until(() => watched.text.length === `first\r\n${words.join('')}`.length);
  expect(watched.text).toBe(`first\r\n${words.join('')}`);
});

test('what a chunk holds behind a pause waits, is told, and comes in order', async () => {
  using watched = await watch({}, ({ transport, reads, text }) => {
    if (reads === 1 && text.length > 0) transport.pause();
  });
  const words = Array.from({ length: 2000 }, (_, i) => `word ${i}\r\n`);
  watched.peer.raw(Buffer.concat(words.map((word) => frame(BINARY, word))));
  await watched.until(() => watched.reads === 1);
  const whole = words.join('');
  await turns(50);
  expect(watched.reads).toBe(1);
  const queued = watched.kept.at(-1) ?? 0;
  expect(queued).toBeLessThanOrEqual(2 * 64 * KIB);
  for (let reads = 1; watched.text.length < whole.length; reads += 1) {
    watched.transport.resume();
    await watched.until(() => watched.reads > reads);
    watched.reads = 1;
    reads = 0;
  }
  expect(watched.text).toBe(whole);
  await turns(5);
  expect(watched.kept.at(-1) ?? 0).toBe(0);
});

test('an unfinished frame is told as it grows, and is gone when it is whole', async () => {
  using watched = await watch();
  const whole = frame(BINARY, 'x'.repeat(300_000));
  watched.peer.raw(whole.subarray(0, 100_000));
  await watched.until(() => (watched.kept.at(-1) ?? 0) >= 100_000);
  watched.peer.raw(whole.subarray(100_000, 200_000));
  await watched.until(() => (watched.kept.at(-1) ?? 0) >= 200_000);
  expect(watched.kept.at(-1)).toBeLessThan(300_000);
  watched.peer.raw(whole.subarray(200_000));
  await watched.until(() => watched.text.length === 300_000 && watched.kept.at(-1) === 0);
});

test('a head without a payload is told with the chunk that it lies in', async () => {
  using watched = await watch();
  const pings = Buffer.concat(Array.from({ length: 100 }, () => frame(PING, 'x'.repeat(100))));
  watched.peer.raw(Buffer.concat([pings, frame(BINARY, '', { length: 50 })]));
  await watched.until(() => (watched.kept.at(-1) ?? 0) >= pings.length);
});

test('a frame that comes byte by byte counts for what its pieces cost', async () => {
  using watched = await watch();
  watched.peer.socket.setNoDelay(true);
  for (const byte of frame(BINARY, 'x'.repeat(30)).subarray(0, 30)) {
    watched.peer.raw(Uint8Array.of(byte));
    await turns(5);
  }
  await watched.until(() => (watched.kept.at(-1) ?? 0) > 30 * 100);
});

test.each([
  ['is announced', frame(BINARY, 'x', { length: 10_001 })],
  ['is announced beyond all numbers', Buffer.from([0x82, 0xff, 0x7f, ...Array(11).fill(0xff)])],
])('a message that is too large ends the connection when it %s', async (_, head) => {
  using watched = await watch({ messageMax: 10_000 });
  watched.peer.raw(head);
  expect(await watched.peer.ended()).toMatchObject({ status: 1009 });
  expect(watched.error).toBeInstanceOf(PeerError);
  expect(watched.text).toBe('');
});

test('fragments together are no more than a message', async () => {
  using watched = await watch({ messageMax: 10_000 });
  const part = frame(BINARY, 'x'.repeat(6000), { isFinal: false });
  watched.peer.raw(part, frame(0, 'x'.repeat(6000), { isFinal: false }));
  expect(await watched.peer.ended()).toMatchObject({ status: 1009 });
});

test('what lies between fragments counts, and has a bound', async () => {
  using watched = await watch({ messageMax: 20_000 });
  const pings = Buffer.concat(Array.from({ length: 50 }, () => frame(PING, 'x'.repeat(100))));
  watched.peer.raw(frame(BINARY, 'a', { isFinal: false }));
  for (let i = 0; i < 40 && !watched.isClosed; i++) {
    watched.peer.raw(frame(0, 'a', { isFinal: false }), pings);
    await turns(5);
  }
  // Who goes on sending may lose our last words.
  await watched.until(() => watched.isClosed);
  expect(watched.error).toEqual(new PeerError('too much of a message is unfinished'));
  expect(Math.max(...watched.kept)).toBeLessThan(4 * 20_000 + 64 * KIB);
});

test('fragments without end have a bound', async () => {
  using watched = await watch();
  const part = frame(0, '', { isFinal: false });
  watched.peer.raw(frame(BINARY, 'a', { isFinal: false }));
  watched.peer.raw(Buffer.concat(Array.from({ length: 17_000 }, () => part)));
  expect(await watched.peer.ended()).toMatchObject({ status: 1008 });
});

test('a message that inflates to too much ends the connection', async () => {
  using watched = await watch({ ...COMPRESSED, messageMax: MIB });
  watched.peer.raw(compressedFrame(Buffer.alloc(10 * MIB)));
  expect(await watched.peer.ended()).toMatchObject({ status: 1009 });
  expect(watched.text).toBe('');
});

test('what is no deflate ends the connection', async () => {
  using watched = await watch(COMPRESSED);
  watched.peer.raw(frame(BINARY, '\xff\xff\xff\xff', { reserved: 0x40 }));
  expect(await watched.peer.ended()).toMatchObject({ status: 1007 });
});

test('a compressed message in fragments is kept as it came until it is whole', async () => {
  using watched = await watch(COMPRESSED);
  const bytes = compressedFrame(Buffer.alloc(MIB, 'abc'), { isMasked: false }).subarray(4);
  const cut = bytes.length >> 1;
  watched.peer.raw(frame(BINARY, bytes.subarray(0, cut), { isFinal: false, reserved: 0x40 }));
  await watched.until(() => watched.kept.length > 0);
  await turns(20);
  expect(watched.kept.at(-1)).toBeLessThan(10 * KIB);
  watched.peer.raw(frame(PING, 'p'), frame(0, bytes.subarray(cut)));
  await watched.until(() => watched.text.length === MIB);
  await watched.until(() => watched.kept.at(-1) === 0);
});

test('what a message may inflate to is told before, and waits if the reader has no room', async () => {
  using watched = await watch(COMPRESSED, ({ transport, kept }) => {
    if ((kept.at(-1) ?? 0) > MIB / 2) transport.pause();
  });
  watched.peer.raw(compressedFrame(Buffer.alloc(MIB, 'abc')));
  await watched.until(() => watched.kept.length > 0);
  await turns(50);
  expect([watched.kept.length, watched.text]).toEqual([1, '']);
  expect(watched.kept[0]).toBeGreaterThanOrEqual(MIB);
  watched.transport.resume();
  await watched.until(() => watched.text.length > 0);
  while (watched.text.length < MIB) {
    watched.transport.resume();
    await turns(1);
  }
  expect(watched.text).toBe('abc'.repeat(MIB).slice(0, MIB));
});

test('behind a pause no message is inflated', async () => {
  using watched = await watch(COMPRESSED, ({ transport, reads }) => {
    if (reads === 1) transport.pause();
  });
  const message = compressedFrame(Buffer.alloc(60 * KIB, 'abc'));
  watched.peer.raw(Buffer.concat([message, message, message]));
  await watched.until(() => watched.reads === 1);
  await turns(50);
  expect(watched.text).toHaveLength(60 * KIB);
  watched.reads = 2;
  watched.transport.resume();
  await watched.until(() => watched.text.length === 180 * KIB);
});

test('who sends PINGs and reads nothing is answered the last one, in the end', async () => {
  using watched = await watch();
  pauseSocket(watched.peer.socket);
  const count = 200_000;
  const rest = 'x'.repeat(115);
  for (let i = 0; i < count; i += 1000) {
    const pings = Array.from({ length: 1000 }, (_, n) =>
      frame(PING, `${String(i + n).padStart(8, '0')}${rest}`),
    );
    const isFree = watched.peer.socket.write(Buffer.concat(pings));
    if (!isFree) await new Promise((resolve) => watched.peer.socket.once('drain', resolve));
  }
  watched.peer.raw(frame(BINARY, 'end'));
  await watched.until(() => watched.text === 'end');
  resumeSocket(watched.peer.socket);
  const isLast = (): boolean =>
    watched.peer.others
      .at(-1)
      ?.payload.toString()
      .startsWith(String(count - 1).padStart(8, '0')) ?? false;
  await watched.peer.until(isLast);
  expect(watched.peer.others.every(({ opcode }) => opcode === PONG)).toBe(true);
  expect(watched.peer.others.length).toBeLessThan(count);
});

test('what a WebSocket keeps counts among the unfinished reads of a server', async () => {
  await using server = createTestBridge();
  const listener = await listenForOne();
  using peer = await WebSocketPeer.open(listener.port);
  server.attach(await listener.accepted);
  await peer.line();
  const text = `PUB a 500000\r\n${'x'.repeat(500_000)}\r\n`;
  const whole = frame(BINARY, text);
  peer.raw(whole.subarray(0, 400_000));
  await expect.poll(() => server.bridge.heldBytes.inbound).toBeGreaterThan(400_000);
  peer.raw(whole.subarray(400_000));
  await expect.poll(() => server.bridge.heldBytes.inbound).toBe(0);
  listener.close();
});

test('who keeps frames from others without progress is given up', async () => {
  // Room for one that is read to its end, and little more.
  const inboundMax = 4 * MIB;
  await using server = createTestBridge({ inboundMax, maxConnections: 100 });
  const peers: WebSocketPeer[] = [];
  for (let i = 0; i < 20; i++) {
    const listener = await listenForOne();
    const peer = await WebSocketPeer.open(listener.port);
    peers.push(peer);
    server.attach(await listener.accepted);
    listener.close();
    await peer.line();
    peer.raw(frame(BINARY, 'x'.repeat(200_000), { length: 2 * MIB }));
  }
  await expect.poll(() => server.bridge.heldBytes.inbound).toBeGreaterThan(inboundMax / 4);
  await turns(100);
  expect(server.bridge.heldBytes.inbound).toBeLessThan(inboundMax);
  server.clock.advance(10_001);
  await expect.poll(() => server.bridge.endedConnections().length).toBeGreaterThan(0);
  expect(server.log.some((line) => line.includes('made no progress'))).toBe(true);
  for (const peer of peers) peer.destroy();
});
