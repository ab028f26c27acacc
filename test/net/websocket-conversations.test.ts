// What peers hear by WebSocket of what they send, over a served bus.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBus } from '../../src/index.ts';
import { type Server, serve } from '../../src/server/index.ts';
import { createLogger } from '../../src/shared/logger.ts';
import { BINARY, closeFrame, frame, PING } from '../support/websocket-client.ts';
import { CONVERSATIONS, differences, play } from '../support/websocket-conversations.ts';
import { WebSocketPeer } from '../support/websocket-peer.ts';

const bus = createBus({ maxPayload: 1024 });
const logged: string[] = [];
let server: Server;
let port: number;

beforeAll(async () => {
  const logger = createLogger({
    write: (line) => void logged.push(line.trimEnd()),
    now: () => 0,
    hasTime: false,
    isDebug: true,
  });
  server = await serve(bus, { port: 0, maxPayload: 1024, websocket: {}, logger });
  port = Number(new URL(server.websocketUrl ?? '').port);
});
afterAll(async () => {
  await server.close();
  await bus.close();
});

describe('a peer by WebSocket that sends', () => {
  test.each(CONVERSATIONS)('$name', async (conversation) => {
    expect(differences(conversation, await play(port, conversation))).toEqual([]);
  });
});

/** A conversation that needs all of it to have been read right, on a subject of its own. */
function whole(subject: string): Buffer {
  return Buffer.concat([
    frame(BINARY, `CONNECT {"verbose":false}\r\nSUB ${subject} 1\r\n`),
    frame(BINARY, `PUB ${subject} 300\r\n${'x'.repeat(100)}`, { isFinal: false }),
    frame(PING, 'p'),
    frame(0, `${'y'.repeat(200)}\r\n`),
    frame(BINARY, `PUB ${subject} 2\r\nhi\r\nPING\r\n`),
    closeFrame(1000, 'bye'),
  ]);
}

async function hear(subject: string, ...pieces: Uint8Array[]): Promise<void> {
  using peer = await WebSocketPeer.open(port);
  await peer.line();
  for (const piece of pieces) {
    peer.raw(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await peer.ended()).toEqual({ status: 1000, text: 'bye' });
  const payload = `${'x'.repeat(100)}${'y'.repeat(200)}`;
  const heard = `MSG ${subject} 1 300\r\n${payload}\r\nMSG ${subject} 1 2\r\nhi\r\nPONG\r\n`;
  expect(peer.received).toBe(heard);
}

test.each([1, 2, 3, 5, 7, 64])('frames cut every %i bytes are read as they were', async (size) => {
  const subject = `by.${size}`;
  const all = whole(subject);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < all.length; at += size) pieces.push(all.subarray(at, at + size));
  await hear(subject, ...pieces);
});

test('frames cut once, anywhere in their heads, are read as they were', async () => {
  const { length } = whole('cut.00');
  const cuts = [...Array(20).keys(), 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, length - 3];
  await Promise.all(
    cuts.map((cut, i) => {
      const subject = `cut.${10 + i}`;
      const all = whole(subject);
      return hear(subject, all.subarray(0, cut), all.subarray(cut));
    }),
  );
});

test('what breaks the rules of frames is logged in the words of nats-server', async () => {
  using peer = await WebSocketPeer.open(port);
  await peer.line();
  const name = `127.0.0.1:${peer.socket.localPort} - wid:`;
  peer.raw(frame(BINARY, 'PING\r\n', { isMasked: false }));
  await peer.ended();
  const lines = (): string[] =>
    logged
      .filter((line) => line.includes(name))
      .map((line) => line.replace(/ \S+ - wid:\d+/, ' PEER'));
  await expect.poll(() => lines().length).toBe(4);
  expect(lines()).toEqual([
    '[DBG] PEER - Client connection created',
    '[DBG] PEER - Reads are copied into linear memory',
    '[ERR] PEER - read error: mask bit missing',
    '[DBG] PEER - Client connection closed: Read Error',
  ]);
});

test('a peer for which a proxy speaks is logged with its address', async () => {
  using peer = await WebSocketPeer.open(port, ['X-Forwarded-For: ::2']);
  await peer.line();
  const name = `[DBG] [::2]/127.0.0.1:${peer.socket.localPort} - wid:`;
  expect(logged.find((line) => line.startsWith(name))).toMatch(/- Client connection created$/);
});
