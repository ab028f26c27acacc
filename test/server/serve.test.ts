// A bus on the network: listeners, files, and the end, over real sockets.
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, connect as openSocket, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect, wsconnect } from '@nats-io/transport-node';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { createBus } from '../../src/index.ts';
import { enableJetStream } from '../../src/jetstream/jetstream.ts';
import { type ServeOptions, type Server, serve } from '../../src/server/index.ts';
import { createLogger, type Logger } from '../../src/shared/logger.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { useScratch } from '../support/scratch.ts';

// Node 20 has none of its own.
globalThis.WebSocket ??= WebSocket as unknown as typeof globalThis.WebSocket;

const scratch = useScratch('serve');
const { ends } = scratch;
let logged: string[];
let logger: Logger;

beforeEach(() => {
  logged = [];
  logger = createLogger({
    write: (line) => void logged.push(line.trimEnd()),
    now: () => 0,
    hasTime: false,
  });
});

async function start(options: ServeOptions = {}): Promise<Server> {
  const bus = createBus();
  ends.push(() => bus.close());
  const server = await serve(bus, { port: 0, logger, ...options });
  ends.push(() => server.close());
  return server;
}

/** A peer of plain text: its first INFO, and the socket. */
async function greet(port: number): Promise<{ info: Record<string, unknown>; socket: Socket }> {
  const socket = openSocket(port, '127.0.0.1');
  ends.push(() => socket.destroy());
  const text = await new Promise<string>((resolve, reject) => {
    socket.once('data', (bytes) => resolve(String(bytes)));
    socket.once('error', reject);
  });
  return { info: JSON.parse(text.slice('INFO '.length)), socket };
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.resume().once('close', () => resolve());
  });
}

/** A listener on a port of its own, so that the port is taken. */
async function takePort(): Promise<number> {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  ends.push(() => taken.close());
  return (taken.address() as { port: number }).port;
}

describe('a served bus', () => {
  test('tells where it listens, and peers who it is', async () => {
    const server = await start({ serverName: 'east' });
    expect(server.port).toBeGreaterThan(0);
    expect(server.url).toBe(`nats://127.0.0.1:${server.port}`);
    expect(server.addresses).toEqual([`127.0.0.1:${server.port}`]);
    expect([server.monitoringPort, server.monitoringUrl]).toEqual([undefined, undefined]);
    const { info } = await greet(server.port);
    expect(info).toMatchObject({
      server_id: server.id,
      server_name: 'east',
      version: '2.15.3',
      host: '127.0.0.1',
      port: server.port,
      max_payload: 1_048_576,
      headers: true,
    });
    expect(info.go).toMatch(/^node/);
    expect(info).not.toHaveProperty('jetstream');
  });

  test('is named by its id unless told otherwise, and tells the bus', async () => {
    const bus = createBus();
    const server = await serve(bus, { port: 0 });
    try {
      expect(server.name).toBe(server.id);
      expect(bus.info).toMatchObject({ server_id: server.id, port: server.port });
    } finally {
      await server.close();
      expect(bus.info).toMatchObject({ port: 0 });
      await bus.close();
    }
  });

  test('joins the program and its peers on the same subjects', async () => {
    const bus = createBus();
    ends.push(() => bus.close());
    const server = await serve(bus, { port: 0 });
    ends.push(() => server.close());
    const client = await connect({ servers: server.url, name: 'visitor' });
    ends.push(() => client.close());
    bus.subscribe('add', (message) => {
      const [a = 0, b = 0] = message.json<number[]>();
      message.respond(String(a + b));
    });
    expect((await client.request('add', '[1,2]')).string()).toBe('3');
    client.subscribe('upper', {
      callback: (_, message) => void message.respond(message.string().toUpperCase()),
    });
    await client.flush();
    expect((await bus.request('upper', 'abc')).string()).toBe('ABC');
    expect(server.connections()).toMatchObject([{ name: 'visitor', subscriptions: 2 }]);
  });

  test('listens for no clients by TCP where it is told not to', async () => {
    const server = await start({
      ...{ dontListen: true, websocket: {}, monitoring: {} },
      portsFileDir: scratch.folder,
    });
    expect([server.url, server.port, server.addresses]).toEqual(['', 0, []]);
    const client = await wsconnect({ servers: server.websocketUrl as string });
    ends.push(() => client.close());
    await client.flush();
    expect(server.connections()).toHaveLength(1);
    const file = join(scratch.folder, `ganglion_${process.pid}.ports`);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      nats: [],
      monitoring: [server.monitoringUrl],
      websocket: [server.websocketUrl],
    });
    expect(logged.join()).not.toContain('Listening for client connections');
    await expect(server.reload({ websocket: {}, monitoring: {}, logger })).rejects.toThrow(
      'config reload not supported for DontListen: old=true, new=false',
    );
  });

  test('refuses a bus that is closed', async () => {
    const closed = createBus();
    await closed.close();
    await expect(serve(closed, { port: 0 })).rejects.toThrow('closed connection');
  });

  test('logs what harnesses wait for, in the order of nats-server', async () => {
    const server = await start({ monitoring: {} });
    await server.close();
    expect(logged).toEqual([
      '[INF] Starting nats-server',
      '[INF]   Version:  2.15.3',
      expect.stringMatching(/^\[INF\] {3}Ganglion: \d/),
      `[INF]   Name:     ${server.id}`,
      `[INF]   ID:       ${server.id}`,
      expect.stringMatching(/^\[INF\] Starting http monitor on 127\.0\.0\.1:\d+$/),
      expect.stringMatching(/^\[INF\] Listening for client connections on 127\.0\.0\.1:\d+$/),
      '[INF] Server is ready',
      '[INF] Initiating Shutdown...',
      '[INF] Server Exiting..',
    ]);
  });

  test('shows live counters under /varz', async () => {
    const server = await start({ monitoring: { port: -1 } });
    const client = await connect({ servers: server.url });
    ends.push(() => client.close());
    client.subscribe('a');
    client.publish('a', 'hello');
    await client.flush();
    const answer = await fetch(`${server.monitoringUrl}/varz`);
    const varz = (await answer.json()) as Record<string, unknown>;
    expect(varz).toMatchObject({
      server_id: server.id,
      port: server.port,
      http_port: -1,
      connections: 1,
      total_connections: 1,
      // The client's, and those of the system's four requests.
      subscriptions: 5,
      in_msgs: 1,
      in_bytes: 5,
      out_msgs: 1,
      out_bytes: 5,
    });
    expect(varz.mem).toBeGreaterThan(1_000_000);
  });
});

describe('files of a server', () => {
  test('the ports file lists the listeners until the end, the pid file stays', async () => {
    const pidFile = join(scratch.folder, 'pid');
    const server = await start({ monitoring: {}, portsFileDir: scratch.folder, pidFile });
    const path = join(scratch.folder, `ganglion_${process.pid}.ports`);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({
      nats: [server.url],
      monitoring: [server.monitoringUrl],
    });
    await server.close();
    expect(readdirSync(scratch.folder)).toEqual(['pid']);
  });

  test('two servers have no ports file together', async () => {
    const portsFileDir = join(scratch.folder, 'ports');
    mkdirSync(portsFileDir);
    const first = await start({ portsFileDir });
    const path = join(portsFileDir, `ganglion_${process.pid}.ports`);
    const reason = `'portsFileDir' or executableName must be another: a server of this process writes ${path}`;
    const again = { portsFileDir: `${scratch.folder}/./ports/` };
    await expect(start(again)).rejects.toThrow(reason);
    const second = await start({ portsFileDir, executableName: 'second' });
    const third = await start();
    await expect(third.reload(again)).rejects.toThrow(reason);
    expect(readdirSync(portsFileDir).sort()).toEqual([
      `ganglion_${process.pid}.ports`,
      `second_${process.pid}.ports`,
    ]);
    await first.reload({});
    await third.reload(again);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ nats: [third.url] });
    await third.close();
    await start({ portsFileDir });
    await second.close();
  });

  test('a start that fails gives its ports file back', async () => {
    const port = await takePort();
    const given = { portsFileDir: scratch.folder };
    await expect(start({ ...given, port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    const server = await start(given);
    await server.close();
  });

  test('a ports directory that is not there is an error in the log alone', async () => {
    const portsFileDir = join(scratch.folder, 'nowhere');
    const server = await start({ portsFileDir, executableName: 'some' });
    await server.close();
    const path = join(portsFileDir, `some_${process.pid}.ports`);
    expect(logged.filter((line) => line.startsWith('[ERR]'))).toEqual([
      `[ERR] Error writing ports file (${path}): open ${path}: no such file or directory`,
      `[ERR] Error cleaning up ports file ${path}: remove ${path}: no such file or directory`,
    ]);
  });

  test('a pid file that cannot be written is no start', async () => {
    const pidFile = join(scratch.folder, 'nowhere', 'pid');
    await expect(start({ pidFile })).rejects.toMatchObject({ code: 'ENOENT' });
    expect(logged.at(-1)).toBe(
      `[FTL] Could not write pidfile: open ${pidFile}: no such file or directory`,
    );
  });
});

describe('a start that fails', () => {
  test('names a busy client port, and leaves no monitoring behind', async () => {
    const port = await takePort();
    const monitoringPort = await takePort();
    await ends.pop()?.();
    const failing = start({ port, monitoring: { port: monitoringPort } });
    await expect(failing).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(logged.at(-1)).toBe(
      `[FTL] Error listening on port: 127.0.0.1:${port}, "listen tcp 127.0.0.1:${port}: bind: address already in use"`,
    );
    const second = await start({ monitoring: { port: monitoringPort } });
    expect(second.monitoringPort).toBe(monitoringPort);
  });

  test('names a busy monitoring port, and leaves the client port free', async () => {
    const port = await takePort();
    await expect(start({ monitoring: { port } })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(logged.at(-1)).toBe(
      `[FTL] Can't start monitoring: can't listen to the monitor port: listen tcp 127.0.0.1:${port}: bind: address already in use`,
    );
  });

  test('gives everything back though one part of it does not end', async () => {
    const bus = createBus();
    ends.push(() => bus.close());
    const running = await enableJetStream(bus);
    const port = await takePort();
    const given = { portsFileDir: scratch.folder, jetstream: true };
    const close = vi.spyOn(Object.getPrototypeOf(running), 'close');
    close.mockRejectedValueOnce(new Error('it stays'));
    await expect(start({ ...given, port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    close.mockRestore();
    await (await start(given)).close();
  });

  test('leaves the bus fit to be served again', async () => {
    const bus = createBus();
    ends.push(() => bus.close());
    const port = await takePort();
    await expect(serve(bus, { port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    const server = await serve(bus, { port: 0 });
    ends.push(() => server.close());
    const { info } = await greet(server.port);
    expect(info.server_id).toBe(server.id);
  });
});

describe('the end of a server', () => {
  test('closes its peers and its listeners, once', async () => {
    const server = await start({ monitoring: {} });
    const { socket } = await greet(server.port);
    const gone = closed(socket);
    expect(server.connections()).toHaveLength(1);
    await Promise.all([server.close(), server.close(), gone]);
    await server[Symbol.asyncDispose]();
    expect(server.connections()).toEqual([]);
    await expect(greet(server.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await expect(fetch(`${server.monitoringUrl}/varz`)).rejects.toThrow();
    expect(logged.filter((line) => line === '[INF] Server Exiting..')).toHaveLength(1);
  });

  test('as a lame duck it refuses new peers, warns the others and ends after its time', async () => {
    const clock = new FakeClock();
    const server = await start({ clock, monitoring: {} });
    const { socket } = await greet(server.port);
    const lines: string[] = [];
    const gone = closed(socket);
    const told = new Promise<void>((resolve) => {
      socket.on('data', (bytes) => {
        lines.push(String(bytes));
        if (lines.join('').includes('"ldm":true')) resolve();
      });
    });
    const ready = new Promise<void>((resolve) => {
      socket.on('data', (bytes) => String(bytes).includes('PONG') && resolve());
    });
    socket.write('CONNECT {"protocol":1,"verbose":false}\r\nPING\r\n');
    await ready;
    const end = server.lameDuck();
    await told;
    await expect(greet(server.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    const health = await fetch(`${server.monitoringUrl}/healthz`);
    expect(health.status).toBe(500);
    clock.advance(9_999);
    expect(server.connections()).toHaveLength(1);
    clock.advance(110_001);
    await Promise.all([end, gone]);
    expect(logged).toContain('[INF] Entering lame duck mode, stop accepting new clients');
    expect(logged.slice(-2)).toEqual(['[INF] Initiating Shutdown...', '[INF] Server Exiting..']);
  });

  test('a lame duck without peers ends at once, and may be closed meanwhile', async () => {
    const server = await start({ clock: new FakeClock() });
    const end = server.lameDuck();
    await server.close();
    await end;
    expect(logged.filter((line) => line.endsWith('Initiating Shutdown...'))).toHaveLength(1);
  });
});
