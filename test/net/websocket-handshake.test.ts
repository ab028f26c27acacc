// Handshakes: who is let in, with what, and what the others are told.
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Listener } from '../../src/net/tcp.ts';
import type { Transport } from '../../src/net/transport.ts';
import { listenWebSocket } from '../../src/net/websocket.ts';
import { playHandshake, shortcomings } from '../support/handshake-play.ts';
import { HANDSHAKES } from '../support/handshakes.ts';
import { shakeHands } from '../support/websocket-client.ts';

let listener: Listener;
const accepted: Transport[] = [];
const refused: string[] = [];
const TIMEOUT_MS = 400;

function listenFor(handshakeTimeoutMs: number, socketsMax: number): Promise<Listener> {
  return listenWebSocket({
    host: '127.0.0.1',
    port: 0,
    compression: true,
    origins: { sameOrigin: true, allowed: [] },
    headers: new Map([['X-Served', 'yes']]),
    cookies: { user: 'user', pass: 'pass' },
    messageMax: () => 1000,
    handshakeTimeoutMs,
    socketsMax: () => socketsMax,
    onConnection: (transport) => accepted.push(transport),
    onRefused: (text) => refused.push(text),
    onError: (error) => expect.fail(error.message),
  });
}

beforeAll(async () => {
  listener = await listenFor(TIMEOUT_MS, 0);
});
afterAll(() => {
  listener.close();
  for (const transport of accepted) transport.destroy();
});

describe('a handshake with', () => {
  it.each(HANDSHAKES)('$name', async (played) => {
    refused.length = 0;
    const answer = await playHandshake(listener.port, played);
    expect(shortcomings(played, answer)).toEqual([]);
    const { reason } = played;
    expect(refused).toEqual(
      reason === undefined
        ? []
        : [expect.stringMatching(/^127\.0\.0\.1:\d+ - websocket handshake error: /)],
    );
    if (reason !== undefined) expect(refused[0]).toContain(`error: ${reason}`);
  });
});

async function peerOf(...headers: string[]): Promise<Transport['peer']> {
  accepted.length = 0;
  const { socket } = await shakeHands(listener.port, headers);
  socket.destroy();
  return accepted[0]!.peer;
}

it('a peer is known by its address, and by the listener that it came by', async () => {
  expect(await peerOf()).toEqual({
    address: '127.0.0.1',
    port: expect.any(Number),
    type: 'websocket',
    listener: { host: '127.0.0.1', port: listener.port },
  });
});

it.each([
  [['X-Forwarded-For: 10.0.0.9'], '10.0.0.9'],
  [['X-Forwarded-For: ::2', 'X-Forwarded-For: 10.0.0.8'], '::2'],
  [['X-Forwarded-For: 10.0.0.9, 10.0.0.8'], undefined],
  [['X-Forwarded-For: fe80::1%eth0'], undefined],
  [['X-Forwarded-For: somebody'], undefined],
])('%j names an address only if it is one', async (headers, address) => {
  expect((await peerOf(...headers)).forwardedFor).toBe(address);
});

it('cookies are kept if they were asked for', async () => {
  const { cookies } = await peerOf('Cookie: a=1; user="joe"; pass=a=b', 'Cookie: user=pam');
  expect(cookies).toEqual({ user: 'pam', pass: 'a=b' });
});

it('a leaf node is let in, and told to go', async () => {
  refused.length = 0;
  const answer = await playHandshake(listener.port, {
    name: 'leaf',
    lines: (port) => ['GET /x/leafnode HTTP/1.1', ...linesBehind(port)],
    status: 101,
  });
  expect(answer.status).toBe(101);
  expect(refused).toEqual(['Not configured to accept leaf node connections']);
});

function linesBehind(port: number): string[] {
  return [
    `Host: 127.0.0.1:${port}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    'Sec-WebSocket-Version: 13',
  ];
}

it.each([
  ['says nothing', ''],
  ['does not finish', 'GET / HTTP/1.1\r\nHost: a\r\n'],
])('who %s is closed when the time is over', async (_, text) => {
  const socket = connect(listener.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  if (text !== '') socket.write(text);
  await once(socket, 'close');
});

it('what is no HTTP at all is refused', async () => {
  const socket = connect(listener.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write('\x01\x02\x03\r\n\r\n');
  const [bytes] = await once(socket, 'data');
  expect(String(bytes)).toMatch(/^HTTP\/1\.1 400 /);
  socket.destroy();
});

it('so many sockets are there at a time, whatever they say', async () => {
  const few = await listenFor(60_000, 20);
  const sockets = Array.from({ length: 40 }, () => connect(few.port, '127.0.0.1'));
  let closed = 0;
  for (const socket of sockets) {
    socket.on('error', () => {});
    socket.resume();
    socket.once('close', () => {
      closed += 1;
    });
  }
  await expect.poll(() => closed).toBe(20);
  few.close();
  await expect.poll(() => closed).toBe(40);
});
