// A bus that is served by WebSocket as well: clients, what they are told, and how they end.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wsconnect } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createBus } from '../../src/index.ts';
import { type ServeOptions, type Server, serve } from '../../src/server/index.ts';
import { createLogger } from '../../src/shared/logger.ts';
import { startServer } from '../../src/testing/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { BINARY, frame } from '../support/websocket-client.ts';
import { WebSocketPeer } from '../support/websocket-peer.ts';

const ends: (() => unknown)[] = [];
let logged: string[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  logged = [];
});

// Node 20 has none of its own, and a client takes the one that it finds.
globalThis.WebSocket = WebSocket as unknown as typeof globalThis.WebSocket;

interface Served {
  readonly server: Server;
  readonly port: number;
}

async function start(options: ServeOptions = {}): Promise<Served> {
  const bus = createBus();
  ends.push(() => bus.close());
  const logger = createLogger({
    write: (line) => void logged.push(line.trimEnd()),
    now: () => 0,
    hasTime: false,
  });
  const server = await serve(bus, { port: 0, logger, websocket: {}, ...options });
  ends.push(() => server.close());
  return { server, port: Number(new URL(server.websocketUrl ?? '').port) };
}

async function open(port: number, headers: readonly string[] = []): Promise<WebSocketPeer> {
  const peer = await WebSocketPeer.open(port, headers);
  ends.push(() => peer.destroy());
  return peer;
}

test('monitoring tells how clients come by WebSocket', async () => {
  const users = [{ user: 'u', pass: 'p' }];
  const options = { advertise: 'a.b:7', noAuthUser: 'u', authTimeoutMs: 1500 };
  const websocket = { ...options, cookies: { jwt: 'c' } };
  const { server, port } = await start({ websocket, authorization: { users }, monitoring: {} });
  const response = await fetch(`${server.monitoringUrl}/varz`);
  const varz = (await response.json()) as Record<string, unknown>;
  expect(varz.websocket).toEqual({
    host: '127.0.0.1',
    port,
    advertise: 'a.b:7',
    no_auth_user: 'u',
    jwt_cookie: 'c',
    auth_timeout: 1.5,
    no_tls: true,
  });
  await expect(start({ websocket: { advertise: 'a:b:c' } })).rejects.toThrow(
    '\'websocket.advertise\' cannot be "a:b:c": address a:b:c: too many colons in address',
  );
});

describe('a client by WebSocket', () => {
  test.each([false, true])('joins clients by TCP, with compression %s', async (compression) => {
    const { server } = await start({ websocket: { compression } });
    const web = await wsconnect({ servers: server.websocketUrl ?? '', name: 'page' });
    ends.push(() => web.close());
    const plain = await connect({ servers: server.url });
    ends.push(() => plain.close());
    plain.subscribe('double', {
      callback: (_, message) => void message.respond(message.data.map((byte) => byte * 2)),
    });
    await plain.flush();
    const sizes = [0, 1, 63, 64, 65, 125, 126, 4096, 4097, 65_535, 65_536, 1_000_000, 1_048_576];
    for (const size of sizes) {
      const payload = new Uint8Array(size).map((_, i) => i % 100);
      const answer = await web.request('double', payload, { timeout: 10_000 });
      expect(
        Buffer.compare(
          answer.data,
          payload.map((byte) => byte * 2),
        ),
      ).toBe(0);
    }
    const connections = server.connections();
    expect(connections.map(({ type, ip }) => [type, ip])).toEqual([
      ['websocket', '127.0.0.1'],
      ['nats', '127.0.0.1'],
    ]);
  });

  test('gets many messages in order', async () => {
    const { server } = await start();
    const [a, b] = await Promise.all(
      [1, 2].map(() => wsconnect({ servers: server.websocketUrl ?? '' })),
    );
    ends.push(
      () => a?.close(),
      () => b?.close(),
    );
    const count = 50_000;
    const subscription = a!.subscribe('n', { max: count });
    await a!.flush();
    for (let i = 0; i < count; i++) b!.publish('n', String(i));
    let next = 0;
    for await (const message of subscription) {
      if (message.string() !== String(next)) break;
      next += 1;
    }
    expect(next).toBe(count);
  });

  test('is told of the listener that it came by, at first and later', async () => {
    const { server, port } = await start();
    const peer = await open(port);
    const first = await peer.greet({ protocol: 1 });
    const second = JSON.parse((await peer.line()).slice('INFO '.length));
    for (const info of [first, second]) {
      expect(info).toMatchObject({ host: '127.0.0.1', port, client_ip: '127.0.0.1' });
      expect(info).not.toHaveProperty('connect_urls');
    }
    expect(server.port).not.toBe(port);
  });

  test.each([
    ['of a browser in frames of 4,096 bytes', ['User-Agent: Mozilla/5.0'], 4096],
    ['of anybody else in one', [], 100_022],
  ])('%s is sent a large message', async (_, headers, most) => {
    const { server, port } = await start();
    const peer = await open(port, headers);
    await peer.greet();
    peer.send('SUB a 1\r\nPING\r\n');
    await peer.expectLines('PONG');
    const sizes: number[] = [];
    peer.socket.on('data', (bytes) => {
      if (sizes.length === 0) sizes.push(bytes[1] === 126 ? bytes.readUInt16BE(2) : 0x10000);
    });
    server.connections();
    const publisher = await connect({ servers: server.url });
    ends.push(() => publisher.close());
    publisher.publish('a', 'x'.repeat(100_000));
    await peer.until(() => peer.received.length === 100_018);
    expect(sizes[0]).toBe(most === 4096 ? 4096 : 0x10000);
  });

  test('that agreed on no masks sends none', async () => {
    const { port } = await start();
    const peer = await open(port, ['Nats-No-Masking: true']);
    await peer.line();
    peer.raw(frame(BINARY, 'CONNECT {"verbose":false}\r\nPING\r\n', { isMasked: false }));
    await peer.expectLines('PONG');
    peer.raw(frame(BINARY, 'PING\r\n'));
    expect(await peer.ended()).toMatchObject({ status: 1002 });
  });
});

describe('the end of a client by WebSocket', () => {
  test('is 1000 when it ends its side without a close frame, and what it said is answered', async () => {
    const { port } = await start();
    const peer = await open(port);
    await peer.line();
    peer.send('CONNECT {"verbose":false}\r\nPING\r\n');
    peer.socket.end();
    expect(await peer.ended()).toEqual({ status: 1000, text: 'Client Closed' });
    expect(peer.received).toBe('PONG\r\n');
  });

  test('is 1001 when the server shuts down', async () => {
    const { server, port } = await start();
    const peer = await open(port);
    await peer.greet();
    const [end] = await Promise.all([peer.ended(), server.close()]);
    expect(end).toEqual({ status: 1001, text: 'Server Shutdown' });
  });

  test('is 1001 in lame duck, after INFO without a place to go to', async () => {
    const { server, port } = await start({ lameDuckGraceMs: 0, lameDuckDurationMs: 50 });
    const peer = await open(port);
    await peer.greet({ protocol: 1 });
    await peer.line();
    const done = server.lameDuck();
    expect(JSON.parse((await peer.line()).slice('INFO '.length))).toMatchObject({
      ldm: true,
      port,
    });
    expect(await peer.ended()).toEqual({ status: 1001, text: 'Server Shutdown' });
    await done;
    await expect(WebSocketPeer.open(port)).rejects.toThrow();
  });

  test('is 1008 for one too many', async () => {
    const { port } = await start({ maxConnections: 1 });
    await (await open(port)).greet();
    const peer = await open(port);
    expect(await peer.ended()).toEqual({ status: 1008, text: 'Maximum Connections Exceeded' });
    expect(peer.received).toMatch(/^INFO .*\r\n-ERR 'maximum connections exceeded'\r\n$/);
  });

  test('is 1001 for a stale one', async () => {
    const clock = new FakeClock();
    const { port } = await start({ clock, pingIntervalMs: 1000, pingMax: 0 });
    const peer = await open(port);
    await peer.greet();
    for (let i = 0; i < 100 && !peer.isEnded; i++) {
      clock.advance(500);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await peer.ended()).toEqual({ status: 1001, text: 'Stale Connection' });
  });

  test('comes by its own interval of PINGs', async () => {
    const clock = new FakeClock();
    const { port } = await start({ clock, websocket: { pingIntervalMs: 500 }, pingMax: 0 });
    const peer = await open(port);
    await peer.greet();
    for (let i = 0; i < 100 && !peer.isEnded; i++) {
      clock.advance(10);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await peer.ended()).toEqual({ status: 1001, text: 'Stale Connection' });
  });

  test('is without a word for one that does not read', async () => {
    const { server, port } = await start({ maxPending: 100_000 });
    const peer = await open(port);
    await peer.greet();
    peer.send('SUB a 1\r\nPING\r\n');
    await peer.expectLines('PONG');
    peer.socket.pause();
    const publisher = await connect({ servers: server.url });
    ends.push(() => publisher.close());
    while (server.connections().length > 1) {
      for (let i = 0; i < 10; i++) publisher.publish('a', 'x'.repeat(50_000));
      await publisher.flush();
    }
    peer.socket.resume();
    expect(await peer.ended()).toBeUndefined();
  });
});

describe('a server by WebSocket', () => {
  test('says so where nats-server does', async () => {
    const { port } = await start();
    expect(logged.slice(5)).toEqual([
      `[INF] Listening for websocket clients on ws://127.0.0.1:${port}`,
      '[WRN] Websocket not configured with TLS. DO NOT USE IN PRODUCTION!',
      expect.stringMatching(/^\[INF\] Listening for client connections on 127\.0\.0\.1:\d+$/),
      '[INF] Server is ready',
    ]);
  });

  test('logs who is refused', async () => {
    const { port } = await start();
    await (await fetch(`http://127.0.0.1:${port}/`)).text();
    expect(logged.at(-1)).toMatch(
      /^\[ERR\] 127\.0\.0\.1:\d+ - websocket handshake error: invalid value for header 'Upgrade'$/,
    );
  });

  test('writes its port into the ports file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ganglion-websocket-'));
    ends.push(() => rmSync(folder, { recursive: true, force: true }));
    const { server } = await start({ portsFileDir: folder });
    const [name = ''] = readdirSync(folder);
    expect(JSON.parse(readFileSync(join(folder, name), 'utf8'))).toEqual({
      nats: [server.url],
      websocket: [server.websocketUrl],
    });
  });

  test('does not start when its port is taken, and leaves nothing behind', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    ends.push(() => taken.close());
    const { port } = taken.address() as { port: number };
    await expect(start({ websocket: { port } })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(logged.at(-1)).toBe(
      `[FTL] Unable to listen for websocket connections: listen tcp 127.0.0.1:${port}: bind: address already in use`,
    );
  });

  test('is there for a test suite', async () => {
    await using server = await startServer({ websocket: { port: -1 } });
    const client = await wsconnect({ servers: server.websocketUrl ?? '' });
    await client.flush();
    await client.close();
    await using other = await startServer();
    expect(other.websocketUrl).toBeUndefined();
  });

  test('lets in the pages that it is told to', async () => {
    const { port } = await start({ websocket: { allowedOrigins: ['https://one.com'] } });
    await expect(open(port, ['Origin: https://two.com'])).rejects.toThrow('403');
    expect((await open(port, ['Origin: https://one.com'])).answer[0]).toContain('101');
    const same = await start({ websocket: { sameOrigin: true, headers: { 'X-A': 'b' } } });
    await expect(open(same.port, ['Origin: https://one.com'])).rejects.toThrow('403');
    expect((await open(same.port)).answer).toContain('X-A: b');
  });

  test.each([
    [{ port: 70_000 }, /websocket\.port/],
    [{ host: 7 }, /websocket\.host/],
    [{ compression: 1 }, /websocket\.compression/],
    [{ sameOrigin: 'yes' }, /websocket\.sameOrigin/],
    [{ handshakeTimeoutMs: 0 }, /websocket\.handshakeTimeoutMs/],
    [{ allowedOrigins: ['ws://a'] }, /websocket\.allowedOrigins.*http or https/],
    [{ headers: { Upgrade: 'x' } }, /websocket\.headers.*"Upgrade"/],
    [{ headers: { 'Sec-WebSocket-X': 'x' } }, /websocket\.headers.*"Sec-WebSocket-X"/],
    [{ headers: { 'a b': 'x' } }, /websocket\.headers.*"a b"/],
    [{ headers: { a: 'x\r\nb: c' } }, /websocket\.headers/],
    [{ cookies: { user: 1 } }, /websocket\.cookies/],
  ])('refuses %j', async (websocket, text) => {
    await expect(start({ websocket } as unknown as ServeOptions)).rejects.toThrow(text);
  });
});
