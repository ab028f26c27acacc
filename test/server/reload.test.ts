// `Server.reload`: other options while it runs, for those who are there as well.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect as openSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import { hashSync } from 'bcryptjs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { type Bus, connect as connectBus, createBus } from '../../src/index.ts';
import { jetStreamsOf } from '../../src/jetstream/enabled.ts';
import type { JetStream } from '../../src/jetstream/jetstream.ts';
import {
  type Authenticate,
  type ServeOptions,
  type Server,
  serve,
} from '../../src/server/index.ts';
import { createLogger } from '../../src/shared/logger.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { newDirectory, removeDirectories } from '../support/file-stores.ts';
import { answer, IN, OUT, said } from '../support/login.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Served {
  readonly bus: Bus;
  readonly server: Server;
  log(): string[];
}

async function start(options: ServeOptions = {}): Promise<Served> {
  const lines: string[] = [];
  const logger = createLogger({
    write: (line) => lines.push(line.trim()),
    now: () => 0,
    hasTime: false,
  });
  const bus = createBus();
  ends.push(() => bus.close());
  const server = await serve(bus, { port: 0, logger, ...options });
  ends.push(() => server.close());
  return { bus, server, log: () => lines };
}

/** A client that stays, and what it hears of its end. */
async function stay(port: number, options: object = {}): Promise<{ heard(): string }> {
  let text = '';
  const socket = openSocket(port, '127.0.0.1');
  ends.push(() => socket.destroy());
  socket.on('data', (data) => {
    text += data;
  });
  socket.on('close', () => {
    text += 'CLOSED';
  });
  socket.on('error', () => {});
  socket.write(`CONNECT ${JSON.stringify({ verbose: false, ...options })}\r\nPING\r\n`);
  await expect.poll(() => text).toContain('PONG\r\n');
  text = '';
  return { heard: () => text.trim() };
}

async function info(port: number): Promise<Record<string, unknown>> {
  const text = await said(port, '', /\r\n/);
  return JSON.parse(text.slice(5));
}

describe('limits', () => {
  test('reach who is there', async () => {
    const { server } = await start();
    const peer = openSocket(server.port, '127.0.0.1');
    ends.push(() => peer.destroy());
    let text = '';
    peer.on('data', (data) => {
      text += data;
    });
    peer.write('CONNECT {"verbose":false}\r\nPING\r\n');
    await expect.poll(() => text).toContain('PONG');
    await server.reload({ maxPayload: 5 });
    expect(await info(server.port)).toMatchObject({ max_payload: 5 });
    peer.write('PUB a 6\r\n123456\r\n');
    await expect.poll(() => text).toContain("-ERR 'Maximum Payload Violation'");
  });

  test('max_payload is that of the bus, too, from its start to its end', async () => {
    const { bus, server } = await start({ maxPayload: 100 });
    const connection = await connectBus({ bus });
    const tooLong = (bytes: number): unknown => {
      try {
        connection.publish('a', new Uint8Array(bytes));
        return undefined;
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect([tooLong(100), tooLong(101)]).toEqual([
      undefined,
      expect.stringContaining('max_payload'),
    ]);
    expect(connection.info?.max_payload).toBe(100);
    await server.reload({ maxPayload: 10 });
    expect([tooLong(10), tooLong(11)]).toEqual([undefined, expect.stringContaining('max_payload')]);
    await server.reload({});
    expect(tooLong(101)).toBe(undefined);
    await server.reload({ maxPayload: 10 });
    await server.close();
    expect(tooLong(101)).toBe(undefined);
  });

  test('a ping interval holds for those who are there', async () => {
    const clock = new FakeClock();
    const { server } = await start({ clock, pingIntervalMs: 1000 });
    const peer = await stay(server.port);
    await server.reload({ pingIntervalMs: 60_000, pingMax: 1 });
    clock.advance(1500);
    await expect.poll(peer.heard).toBe('PING');
    clock.advance(59_000);
    expect(peer.heard()).toBe('PING');
    clock.advance(2000);
    await expect.poll(peer.heard).toContain("-ERR 'Stale Connection'");
  });

  test('a write deadline holds for those who are held already', async () => {
    const clock = new FakeClock();
    const { bus, server } = await start({ clock });
    const peer = openSocket(server.port, '127.0.0.1');
    ends.push(() => peer.destroy());
    peer.on('error', () => {});
    peer.write('CONNECT {"verbose":false}\r\nSUB a 1\r\n');
    await expect.poll(() => server.connections()[0]?.subscriptions).toBe(1);
    peer.pause();
    for (let message = 0; message < 30; message++) bus.publish('a', new Uint8Array(1_000_000));
    await expect.poll(() => server.connections()[0]?.pendingBytes).toBeGreaterThan(0);
    await server.reload({ writeDeadlineMs: 500 });
    // As far as two seconds, and not ten.
    await expect
      .poll(() => {
        clock.advance(100);
        return server.connections();
      })
      .toEqual([]);
  });
});

describe('all or nothing', () => {
  test.each<[ServeOptions, ServeOptions, string]>([
    [{}, { port: 1 }, 'config reload not supported for Port: old='],
    [{ host: '127.0.0.1' }, { host: '0.0.0.0' }, 'Host: old=127.0.0.1, new=0.0.0.0'],
    [{ serverName: 'a' }, { serverName: 'b' }, 'ServerName: old=a, new=b'],
    [{}, { monitoring: {} }, 'HTTPPort: old=0, new=-1'],
    [{ monitoring: {} }, { monitoring: { basePath: '/a' } }, 'HTTPBasePath: old=, new=a'],
    [{ monitoring: {} }, { monitoring: { hosts: ['a'] } }, 'monitoring.hosts: old=[], new=["a"]'],
    [{}, { maxClosedClients: 3 }, 'MaxClosedClients: old=10000, new=3'],
    [
      { jetstream: { maxMemory: 5 } },
      { jetstream: { maxMemory: 4 } },
      'decreasing jetstream max memory and store',
    ],
    [{ jetstream: { maxFile: 5 } }, { jetstream: {} }, 'jetstream max memory and max store'],
    [{ jetstream: {} }, { jetstream: { maxFile: 5 } }, 'jetstream dynamic max memory and store'],
    [{ jetstream: {} }, { jetstream: { domain: 'd' } }, 'JetStreamDomain: old=, new=d'],
    [{ jetstream: {} }, { jetstream: { strict: false } }, 'NoJetStreamStrict: old=false, new=true'],
    [{ jetstream: {} }, { jetstream: { storeDir: '/a' } }, 'jetstream storage directory'],
    [{ jetstream: {} }, { jetstream: { syncInterval: 1000 } }, 'SyncInterval: old=2m0s, new=1s'],
    [{ jetstream: {} }, { jetstream: { syncInterval: 'always' } }, 'SyncAlways: old=false'],
    [{}, { outboundMax: 1 }, 'outboundMax: old='],
    [{}, { executableName: 'x' }, 'executableName: old=ganglion, new=x'],
    [{}, { clock: new FakeClock() }, 'config reload not supported for clock'],
    [
      { websocket: { authorization: { user: 'a', pass: 'secret' } } },
      { websocket: { authorization: { user: 'a', pass: 'other' } } },
      'Websocket: authorization of it would change',
    ],
    [{ websocket: {} }, { websocket: { compression: true } }, 'Websocket: compression of it'],
    [
      { leafnodes: {} },
      { leafnodes: undefined } as object,
      'LeafNode: field "Host": old=127.0.0.1, new=',
    ],
    [{}, { authorization: { token: '' } }, "'authorization.token' cannot be empty"],
    [{}, { maxPayload: -1 }, "'maxPayload' must be a whole number"],
    [{}, { maxPayloads: 3 } as ServeOptions, "'maxPayloads' is not an option"],
  ])('from %j to %j is refused: %s', async (before, after, text) => {
    const { server, log } = await start(before);
    const lines = log().length;
    const failure = await server
      .reload({ ...before, pingMax: 7, ...after })
      .catch((error: Error) => error);
    expect(failure).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    expect((failure as Error).message).toContain(text);
    expect((failure as Error).message).not.toMatch(/secret|other/);
    expect(log().slice(lines)).toEqual([]);
  });

  test('ports that were free to choose, and where it listens, may be left as they are', async () => {
    const options = { websocket: {}, leafnodes: {}, monitoring: {} };
    const { server } = await start(options);
    const { port, websocketUrl, leafnodesPort } = server;
    await server.reload({ ...options, port: -1, host: '127.0.0.1' });
    await server.reload(options);
    expect([server.port, server.websocketUrl, server.leafnodesPort]).toEqual([
      port,
      websocketUrl,
      leafnodesPort,
    ]);
  });

  test('JetStream goes on when it is the same', async () => {
    const { bus, server } = await start({ jetstream: { domain: 'hub', maxMemory: 1000 } });
    const config = { name: 'S', subjects: ['s'], storage: 'memory' };
    await bus.request('$JS.API.STREAM.CREATE.S', JSON.stringify(config));
    await server.reload({ jetstream: { maxMemory: 1000, domain: 'hub' }, pingMax: 7 });
    expect((await bus.request('s', 'x')).string()).toContain('"seq":1');
    expect(await info(server.port)).toMatchObject({ jetstream: true, domain: 'hub' });
  });

  test('JetStream is started and stopped, and its streams on disk are there again', async () => {
    const storeDir = newDirectory();
    ends.push(removeDirectories);
    const { bus, server, log } = await start();
    const ask = async (subject: string, body = ''): Promise<string> =>
      (await bus.request(subject, body)).string();
    await server.reload({ jetstream: { storeDir } });
    expect(log()).toContain('[INF] Reloaded: JetStream');
    await ask('$JS.API.STREAM.CREATE.S', '{"name":"S","subjects":["s"]}');
    expect(await ask('s')).toContain('"seq":1');
    expect(await info(server.port)).toMatchObject({ jetstream: true, version: '2.10.29' });
    await server.reload({});
    await expect(ask('s')).rejects.toMatchObject({ code: 'ERR_NO_RESPONDERS' });
    expect(await info(server.port)).toMatchObject({ version: '2.15.3' });
    // What cannot be had is told, and tried again by the next.
    await server.reload({ jetstream: { storeDir: '/dev/null' } });
    const text = "[WRN] Can't start JetStream: mkdir /dev/null/ganglion: not a directory";
    expect(log()).toContain(text);
    await server.reload({ jetstream: { storeDir } });
    expect(await ask('s')).toContain('"seq":2');
  });

  test('JetStream that does not end as it should keeps the rest of a reload from nothing', async () => {
    const { bus, server, log } = await start({ jetstream: true });
    const [running] = jetStreamsOf(internalsOf(bus));
    ends.push(() => running?.close());
    const close = vi.spyOn(running as JetStream, 'close').mockRejectedValue(new Error('it stays'));
    await server.reload({ maxPayload: 1000 });
    close.mockRestore();
    expect(log()).toContain("[WRN] Can't stop JetStream: it stays");
    expect(await info(server.port)).toMatchObject({ max_payload: 1000 });
  });

  test('its bounds grow, and other limits hold for what is made then', async () => {
    const jetstream = { maxMemory: 1000, maxFile: 1000 };
    const { bus, server, log } = await start({ jetstream });
    const create = async (name: string, more: object): Promise<unknown> => {
      const body = JSON.stringify({ name, subjects: [name], storage: 'memory', ...more });
      return (await bus.request(`$JS.API.STREAM.CREATE.${name}`, body)).json();
    };
    expect(await create('S', { max_bytes: 1500 })).toMatchObject({ error: { err_code: 10028 } });
    const limits = { duplicateWindowMs: 5000 };
    await server.reload({ jetstream: { maxMemory: 2048, maxFile: 1000, limits } });
    expect(log().filter((line) => line.startsWith('[INF] Reloaded: JetStream'))).toEqual([
      '[INF] Reloaded: JetStream max_mem_store = 2.00 KB',
      '[INF] Reloaded: JetStream limits',
    ]);
    expect(await create('S', { max_bytes: 1500 })).toMatchObject({
      config: { duplicate_window: 5_000_000_000 },
    });
  });

  test('a server that closes meanwhile leaves no ports file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ganglion-ports-'));
    ends.push(() => rmSync(folder, { recursive: true }));
    const { server } = await start();
    const write = (line: string): void => {
      if (line.includes('ports_file_dir')) void server.close();
    };
    const logger = createLogger({ write, now: () => 0, hasTime: false });
    await server.reload({ portsFileDir: folder, logger });
    await server.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('one at a time, in order, and none after the end', async () => {
    const { server, log } = await start();
    await Promise.all([
      server.reload({ maxPayload: 1 }),
      expect(server.reload({ port: 1 })).rejects.toThrow('Port'),
      server.reload({ maxPayload: 2 }),
    ]);
    const lines = log().filter((line) => line.includes('max_payload'));
    expect(lines).toEqual(['[INF] Reloaded: max_payload = 1', '[INF] Reloaded: max_payload = 2']);
    await server.close();
    await expect(server.reload({})).rejects.toThrow('the server is closed');
  });
});

describe('who may come in', () => {
  test('a hash that has changed lets nobody in by the password before', async () => {
    const authorization = (pass: string) => ({
      users: [
        { user: 'a', pass: hashSync(pass, 4) },
        { user: 'b', pass: 'q' },
      ],
    });
    const { server } = await start({ authorization: authorization('p') });
    const guests = await Promise.all(
      [1, 2, 3].map(() => stay(server.port, { user: 'a', pass: 'p' })),
    );
    const other = await stay(server.port, { user: 'b', pass: 'q' });
    // Other salts, the same passwords.
    await server.reload({ authorization: authorization('p') });
    expect(await answer(server.port, { user: 'a', pass: 'p' })).toEqual(IN);
    expect(guests.map((guest) => guest.heard())).toEqual(['', '', '']);
    await server.reload({ authorization: authorization('x') });
    for (const guest of guests) {
      await expect.poll(guest.heard).toBe("-ERR 'Authorization Violation'\r\nCLOSED");
    }
    expect(await answer(server.port, { user: 'a', pass: 'p' })).toEqual(OUT);
    expect(await answer(server.port, { user: 'a', pass: 'x' })).toEqual(IN);
    expect(other.heard()).toBe('');
  });

  test('is asked again of the program, which may take a while; who is in stays in meanwhile', async () => {
    const verdicts: ((verdict: object | null) => void)[] = [];
    const authenticate: Authenticate = () => new Promise((resolve) => verdicts.push(resolve));
    const { bus, server } = await start({ authenticate: () => ({}) });
    const [stays, goes] = [await stay(server.port), await stay(server.port)];
    await server.reload({ authenticate });
    await expect.poll(() => verdicts.length).toBe(2);
    const got: string[] = [];
    bus.subscribe('a', (message) => got.push(message.string()));
    expect([stays.heard(), goes.heard()]).toEqual(['', '']);
    verdicts[0]?.({});
    verdicts[1]?.(null);
    await expect.poll(goes.heard).toBe("-ERR 'Authorization Violation'\r\nCLOSED");
    expect(stays.heard()).toBe('');
  });

  test('whoever is being asked about is asked about anew', async () => {
    const aborted: boolean[] = [];
    const { server, log } = await start({
      authenticate: ({ signal }) => {
        signal.addEventListener('abort', () => aborted.push(true));
        return new Promise(() => {});
      },
    });
    const [first, second] = [
      answer(server.port, { user: 'a', pass: 'p' }),
      answer(server.port, { user: 'a', pass: 'x' }),
    ];
    await expect.poll(() => server.connections().length).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await server.reload({ authorization: { users: [{ user: 'a', pass: 'p' }] } });
    expect(await first).toEqual(IN);
    expect(await second).toEqual(OUT);
    expect([aborted, log().filter((line) => line.includes('failed'))]).toEqual([[true, true], []]);
  });

  test('an official client comes in again after its password has changed', async () => {
    const { server } = await start({ authorization: { users: [{ user: 'a', pass: 'p' }] } });
    let pass = 'p';
    const client = await connect({
      servers: server.url,
      reconnectTimeWait: 10,
      authenticator: () => ({ user: 'a', pass }),
    });
    ends.push(() => client.close());
    pass = 'q';
    await server.reload({ authorization: { users: [{ user: 'a', pass: 'q' }] } });
    await expect.poll(() => server.connections().map(({ cid }) => cid)).toEqual([2]);
    await client.flush();
  });

  test('nobody any more, and everybody again', async () => {
    const { server } = await start();
    const guest = await stay(server.port);
    await server.reload({ authorization: { token: 't' } });
    await expect.poll(guest.heard).toContain("-ERR 'Authorization Violation'");
    expect(await answer(server.port, { auth_token: 't' })).toEqual(IN);
    await server.reload({});
    expect((await answer(server.port, {}))[1]).toBe('PONG');
  });
});
