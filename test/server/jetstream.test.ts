// JetStream of a server: what it says when it starts, what clients read, and how it ends.
import { wsconnect } from '@nats-io/nats-core';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createBus } from '../../src/index.ts';
import { serveOptionsOf } from '../../src/server/file-options.ts';
import { serve } from '../../src/server/index.ts';
import { createLogger, type Logger } from '../../src/shared/logger.ts';
import { manualClock, startServer, type TestServer } from '../../src/testing/index.ts';
import { newDirectory, removeDirectories } from '../support/file-stores.ts';

let logged: string[];
let logger: Logger;
const ends: (() => unknown)[] = [];

beforeEach(() => {
  logged = [];
  const write = (line: string): void => void logged.push(line.trimEnd());
  logger = createLogger({ write, now: () => 0, hasTime: false });
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  removeDirectories();
});

// Node 20 has none of its own, and a client takes the one that it finds.
globalThis.WebSocket = WebSocket as unknown as typeof globalThis.WebSocket;

async function open(jetstream: object | boolean): Promise<[TestServer, NatsConnection]> {
  const server = await startServer({ jetstream, logger });
  ends.push(() => server.close());
  const connection = await connect({ servers: server.url, reconnect: false });
  ends.push(() => connection.close());
  return [server, connection];
}

/** `C`, of a stream `S` of the subject `s`. */
async function addConsumer(connection: NatsConnection): Promise<void> {
  const config = { name: 'S', subjects: ['s'], storage: 'memory' };
  await connection.request('$JS.API.STREAM.CREATE.S', JSON.stringify(config));
  const consumer = { stream_name: 'S', config: { durable_name: 'C', ack_policy: 'explicit' } };
  await connection.request('$JS.API.CONSUMER.CREATE.S.C', JSON.stringify(consumer));
}

test('clients read that it is there, in a version whose features it has', async () => {
  const [server, connection] = await open({ domain: 'hub' });
  expect(connection.info).toMatchObject({ jetstream: true, version: '2.10.29', domain: 'hub' });
  expect(connection.info).not.toHaveProperty('api_lvl');
  expect(server.bus.info).toMatchObject({ jetstream: true, version: '2.10.29' });
  const answer = await connection.request('$JS.hub.API.INFO');
  expect(answer.json()).toMatchObject({ domain: 'hub', api: { level: 0 } });
  expect(logged).toEqual(
    expect.arrayContaining([
      '[INF]   Version:  2.15.3',
      '[INF] Starting JetStream',
      '[INF] ---------------- JETSTREAM ----------------',
      '[INF]   Strict:          true',
      '[INF]   Domain:          hub',
      '[INF]   API Level:       0',
      expect.stringMatching(/^\[INF\] {3}Max Memory: {6}[\d.]+ [KMGT]?B$/),
      expect.stringMatching(/^\[INF\] Took [\d.]+ms to start JetStream$/),
    ]),
  );
});

test('without it clients read nothing of it', async () => {
  const [, connection] = await open(false);
  expect(connection.info?.version).toBe('2.15.3');
  expect(connection.info).not.toHaveProperty('jetstream');
  await expect(connection.request('$JS.API.INFO')).rejects.toThrow('no responders');
});

test('streams take what clients and the program publish', async () => {
  const [server, connection] = await open(true);
  const config = { name: 'S', subjects: ['s.*'], storage: 'memory' };
  await connection.request('$JS.API.STREAM.CREATE.S', JSON.stringify(config));
  expect((await connection.request('s.a', 'x')).string()).toBe('{"stream":"S","seq":1}');
  expect((await server.bus.request('s.b', 'x')).string()).toBe('{"stream":"S","seq":2}');
  await server.close();
  expect(logged.slice(-4)).toEqual([
    '[INF] Initiating Shutdown...',
    '[INF] Initiating JetStream Shutdown...',
    '[INF] JetStream Shutdown',
    '[INF] Server Exiting..',
  ]);
});

test('an hour goes by when the test says so', async () => {
  const clock = manualClock();
  await using server = await startServer({ jetstream: true, clock });
  const config = { name: 'S', subjects: ['s'], storage: 'memory', max_age: 3_600_000_000_000 };
  await server.bus.request('$JS.API.STREAM.CREATE.S', JSON.stringify(config));
  await server.bus.request('s', 'x');
  clock.advance(3_600_000);
  const info = await server.bus.request('$JS.API.STREAM.INFO.S');
  expect(JSON.parse(info.string()).state).toMatchObject({ messages: 0, last_seq: 1 });
});

test('pulls are told when it ends', async () => {
  const [server, connection] = await open(true);
  await addConsumer(connection);
  const heard: string[] = [];
  connection.subscribe('inbox', {
    callback: (_, { headers }) =>
      void heard.push(
        `${headers?.code} ${headers?.description} ${headers?.get('Nats-Pending-Messages')}`,
      ),
  });
  connection.publish('$JS.API.CONSUMER.MSG.NEXT.S.C', '{"batch":7}', { reply: 'inbox' });
  await connection.flush();
  await Promise.all([server.close(), connection.closed()]);
  expect(heard).toEqual(['409 Server Shutdown 7']);
});

test('a lame duck serves streams on, and its clients are closed without a word to their pulls', async () => {
  const clock = manualClock();
  const grace = { lameDuckGraceMs: 1000, lameDuckDurationMs: 3000 };
  const server = await startServer({ jetstream: true, clock, ...grace });
  ends.push(() => server.close());
  const connection = await connect({ servers: server.url, reconnect: false });
  await addConsumer(connection);
  const heard: string[] = [];
  connection.subscribe('inbox', {
    callback: (_, message) => void heard.push(`${message.headers?.code ?? 0} ${message.string()}`),
  });
  connection.publish('$JS.API.CONSUMER.MSG.NEXT.S.C', '{"batch":7}', { reply: 'inbox' });
  await connection.flush();
  const left = server.lameDuck();
  expect((await connection.request('s', 'late')).string()).toBe('{"stream":"S","seq":1}');
  await connection.flush();
  expect(heard).toEqual(['0 late']);
  const closed = connection.closed();
  clock.advance(1000);
  await closed;
  await left;
  expect(heard).toEqual(['0 late']);
});

test('a reload leaves streams, consumers and pulls as they are', async () => {
  const bus = createBus();
  ends.push(() => bus.close());
  const options = { port: 0, jetstream: true, logger };
  const server = await serve(bus, options);
  ends.push(() => server.close());
  const connection = await connect({ servers: server.url });
  ends.push(() => connection.close());
  const config = { name: 'S', subjects: ['s'], storage: 'memory' };
  await connection.request('$JS.API.STREAM.CREATE.S', JSON.stringify(config));
  for (let i = 0; i < 10_000; i++) connection.publish('s', `${i}`);
  const consumer = {
    stream_name: 'S',
    config: { durable_name: 'C', ack_policy: 'explicit', deliver_policy: 'new' },
  };
  await connection.request('$JS.API.CONSUMER.CREATE.S.C', JSON.stringify(consumer));
  const heard: string[] = [];
  connection.subscribe('inbox', { callback: (_, message) => void heard.push(message.string()) });
  connection.publish('$JS.API.CONSUMER.MSG.NEXT.S.C', '{"batch":7}', { reply: 'inbox' });
  await connection.flush();
  await server.reload({ ...options, maxPayload: 2_000_000 });
  expect((await connection.request('s', 'after')).string()).toBe('{"stream":"S","seq":10001}');
  await connection.flush();
  expect(heard).toEqual(['after']);
});

test('clients by WebSocket use it, and are told apart in what is told of their requests', async () => {
  const server = await startServer({ jetstream: true, websocket: {} });
  ends.push(() => server.close());
  const plain = await connect({ servers: server.url });
  ends.push(() => plain.close());
  const web = await wsconnect({ servers: server.websocketUrl ?? '', name: 'page' });
  ends.push(() => web.close());
  const told: unknown[] = [];
  plain.subscribe('$JS.EVENT.ADVISORY.API', {
    callback: (_, message) => void told.push((message.json() as { client: unknown }).client),
  });
  await plain.flush();
  const config = { name: 'S', subjects: ['s'], storage: 'memory' };
  await web.request('$JS.API.STREAM.CREATE.S', JSON.stringify(config));
  expect((await web.request('s', 'x')).string()).toBe('{"stream":"S","seq":1}');
  await plain.request('$JS.API.STREAM.INFO.S');
  await plain.flush();
  expect(told).toMatchObject([
    { name: 'page', kind: 'Client', client_type: 'websocket' },
    { kind: 'Client', client_type: 'nats' },
  ]);
});

test('wrong options stop the start', async () => {
  const started = startServer({ jetstream: { maxMemory: -1 }, logger });
  await expect(started).rejects.toThrow("'maxMemory' must be a whole number from 0 on");
  expect(logged.at(-1)).toContain("[FTL] Can't start JetStream: 'maxMemory'");
  const jetstream = 'yes' as unknown as boolean;
  await expect(startServer({ jetstream })).rejects.toThrow("'jetstream' must be a boolean");
});

test('a server that cannot start leaves the bus as it was', async () => {
  await using taken = await startServer();
  const bus = createBus();
  ends.push(() => bus.close());
  const before = { ...bus.info };
  const options = { port: taken.port, serverName: 'failed', jetstream: true };
  await expect(serve(bus, options)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  expect(bus.info).toEqual(before);
});

test('a directory of streams is had before clients are let in, and until all is closed', async () => {
  const storeDir = newDirectory();
  const [server, connection] = await open({ storeDir });
  const config = JSON.stringify({ name: 'S', subjects: ['s'] });
  await connection.request('$JS.API.STREAM.CREATE.S', config);
  await connection.request('s', 'x');
  expect(logged).toContain(`[INF]   Store Directory: "${storeDir}/ganglion"`);
  const other = startServer({ jetstream: { storeDir }, logger });
  await expect(other).rejects.toMatchObject({ code: 'ERR_STORAGE' });
  const text = `store directory ${storeDir}/ganglion is in use`;
  expect(logged.at(-1)).toBe(`[FTL] Can't start JetStream: ${text}`);
  // Who has a directory and cannot listen gives it back.
  await server.close();
  await using taken = await startServer();
  const { port } = taken;
  await expect(startServer({ port, jetstream: { storeDir } })).rejects.toThrow('EADDRINUSE');
  const [, again] = await open({ storeDir });
  expect((await again.request('s', 'y')).string()).toBe('{"stream":"S","seq":2}');
  expect(logged).toEqual(
    expect.arrayContaining([
      "[INF]   Starting restore for stream '$G > S'",
      expect.stringMatching(/^\[INF\] {3}Restored 1 messages for stream '\$G > S' in \d+m?s$/),
    ]),
  );
});

test('a directory that cannot be had stops the start, and is named', async () => {
  const started = startServer({ jetstream: { storeDir: '/dev/null' }, logger });
  await expect(started).rejects.toThrow('mkdir /dev/null/ganglion: not a directory');
  expect(logged.at(-1)).toBe(
    "[FTL] Can't start JetStream: mkdir /dev/null/ganglion: not a directory",
  );
});

test('what a file says becomes options', () => {
  const read = (jetstream: object | false, storeDir?: string): unknown =>
    serveOptionsOf({ jetstream, ...(storeDir !== undefined && { storeDir }) } as object).jetstream;
  expect(read(false)).toBeUndefined();
  expect(read({ isEnabled: true })).toEqual({});
  expect(
    read({ maxMemory: 5, maxFile: -1, domain: 'd', isStrict: false, storeDir: '/a' }, '/b'),
  ).toEqual({ maxMemory: 5, domain: 'd', strict: false, storeDir: '/b' });
  expect(read({ syncMs: 0 })).toEqual({});
  expect(read({ syncMs: 0.4 })).toEqual({ syncInterval: 1 });
  expect(read({ syncMs: 'always', limits: { maxAckPending: 3, duplicateWindowMs: 1000 } })).toEqual(
    { syncInterval: 'always', limits: { maxAckPending: 3, duplicateWindowMs: 1000 } },
  );
});
