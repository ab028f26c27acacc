// A configuration file in a program: loadConfig, serve and startServer with what it says; the port for leaf nodes.
import { connect as openSocket, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createBus } from '../../src/index.ts';
import { loadConfig, type ServeOptions, serve } from '../../src/server/index.ts';
import { createLogger } from '../../src/shared/logger.ts';
import { startServer } from '../../src/testing/index.ts';
import { useScratch } from '../support/scratch.ts';

const scratch = useScratch('load');
const { ends, write } = scratch;

async function load(text: string): Promise<ServeOptions> {
  const { configuration, ...options } = await loadConfig(write(text));
  expect(configuration).toMatchObject({ digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) });
  return options;
}

describe('loadConfig', () => {
  test('gives options that mean what the file means', async () => {
    expect(await load('debug: true')).toEqual({ host: '0.0.0.0', port: 4222 });
    expect(await load('port: 0\nhost: ""')).toEqual({ host: '0.0.0.0', port: 4222 });
    expect(await load('listen: "127.0.0.1:-1"\nport: 5\nhttp: 0')).toEqual({
      host: '127.0.0.1',
      port: 5,
    });
    expect(
      await load(
        'net: "::1"\nport: -1\nhttp_port: 8222\nserver_name: a\nmax_payload: 2KB\nmax_pending: 8GB\n' +
          'max_control_line: 1k\nmax_conn: 0\nmax_subs: -1\nmax_sub_tokens: 9\nping_interval: "1.5s"\n' +
          'ping_max: 3\nwrite_deadline: 300ms\nlame_duck_duration: "40s"\nlame_duck_grace_period: "5s"\n' +
          'no_header_support: true\nleaf { port: -1 }\nserver_tags: a\nserver_metadata { a: b }\n' +
          'pidfile: p\nports_file_dir: d',
      ),
    ).toEqual({
      host: '::1',
      port: -1,
      monitoring: { host: '::1', port: 8222 },
      serverName: 'a',
      maxPayload: 2048,
      maxPending: 0x7fffffff,
      maxControlLine: 1000,
      maxConnections: 0,
      maxSubscriptions: 0,
      maxSubTokens: 9,
      pingIntervalMs: 1500,
      pingMax: 3,
      writeDeadlineMs: 300,
      lameDuckDurationMs: 40_000,
      lameDuckGraceMs: 5000,
      noHeaderSupport: true,
      leafnodes: { host: '0.0.0.0', port: -1 },
      serverTags: ['a'],
      serverMetadata: { a: 'b' },
      pidFile: 'p',
      portsFileDir: 'd',
    });
  });

  test('reads variables from the environment', async () => {
    process.env.GANGLION_TEST_PORT = '4567';
    ends.push(() => delete process.env.GANGLION_TEST_PORT);
    expect(await load('port: $GANGLION_TEST_PORT')).toMatchObject({ port: 4567 });
  });

  test('rejects with everything that is wrong', async () => {
    const file = write('port: x\nfoo: 1');
    await expect(loadConfig(file)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      problems: [
        `${file}:1:0: "port" must be an integer, not a string`,
        `${file}:2:1: unknown field "foo"`,
      ],
    });
    await expect(loadConfig(join(scratch.folder, 'none'))).rejects.toThrow(
      /^open .*: no such file or/,
    );
    await expect(loadConfig(write('max_payload: 100MB'))).rejects.toThrow(/higher than max_pend/);
  });

  test('rejects what a server must not start without, and warns of the rest', async () => {
    await expect(loadConfig(write('accounts { A {} }\ntls {}'))).rejects.toThrow(
      'Not supported yet, and nothing to start without: accounts, tls',
    );
    const { configuration } = await loadConfig(write('cluster { name: a }\nping_interval: 10'));
    expect(configuration?.warnings).toEqual([
      `${join(scratch.folder, 'server.conf')}:2:1: invalid use of field "ping_interval": ping_interval should be converted to a duration`,
      'Not supported yet, and ignored: cluster',
    ]);
  });
});

describe('a server with what a file says', () => {
  test('serves where it says, and logs which it was and what it ignores', async () => {
    const logged: string[] = [];
    const logger = createLogger({
      write: (line) => logged.push(line),
      now: () => 0,
      hasTime: false,
    });
    const bus = createBus();
    ends.push(() => bus.close());
    const file = write('listen: "127.0.0.1:-1"\nserver_name: east\ncluster { port: -1 }');
    const server = await serve(bus, { ...(await loadConfig(file)), logger });
    ends.push(() => server.close());
    expect([server.name, server.url]).toEqual(['east', `nats://127.0.0.1:${server.port}`]);
    expect(logged.join('')).toMatch(/\[INF\] Using configuration file: .*server\.conf \(sha256:/);
    expect(logged).toContain('[WRN] Not supported yet, and ignored: cluster\n');
  });

  test('starts for a test, with other options over it', async () => {
    const server = await startServer({
      config: write('host: "127.0.0.1"\nport: -1\nserver_name: a\nmax_payload: 100'),
      serverName: 'b',
    });
    ends.push(() => server.close());
    expect(server.bus.info).toMatchObject({ server_name: 'b', max_payload: 100 });
    await expect(startServer({ config: write('port: x') })).rejects.toThrow(/must be an integer/);
  });

  test('says that a large payload is discouraged', async () => {
    const logged: string[] = [];
    const logger = createLogger({
      write: (line) => logged.push(line),
      now: () => 0,
      hasTime: false,
    });
    const server = await startServer({ maxPayload: 9 * 1024 * 1024, logger });
    ends.push(() => server.close());
    expect(logged.join('')).toContain('Maximum payloads over 8.00 MB are generally discouraged');
  });
});

describe('the port for leaf nodes', () => {
  function dial(port: number): { socket: Socket; said: Promise<string> } {
    const socket = openSocket(port, '127.0.0.1');
    ends.push(() => socket.destroy());
    let text = '';
    socket.on('data', (data) => {
      text += data;
    });
    const said = new Promise<string>((resolve) => socket.on('close', () => resolve(text)));
    socket.on('error', () => {});
    return { socket, said };
  }

  const REFUSAL = "-ERR 'leaf nodes are not supported'\r\n";

  test('refuses whoever dials, also one who talks first or who does not go', async () => {
    const bus = createBus();
    ends.push(() => bus.close());
    const server = await serve(bus, { port: 0, leafnodes: {} });
    ends.push(() => server.close());
    const port = server.leafnodesPort ?? 0;
    const silent = dial(port);
    const talker = dial(port);
    talker.socket.write('CONNECT {}\r\nPING\r\n');
    expect(await silent.said).toBe(REFUSAL);
    expect(await talker.said).toBe(REFUSAL);
    const stubborn = openSocket({ port, host: '127.0.0.1', allowHalfOpen: true });
    ends.push(() => stubborn.destroy());
    const closed = new Promise((resolve) => stubborn.on('close', resolve));
    stubborn.on('error', () => {});
    stubborn.resume();
    // More than it may say, so that it is cut off.
    const flood = Buffer.alloc(16_384);
    const pour = (): void => {
      while (stubborn.writable && stubborn.write(flood));
    };
    stubborn.on('drain', pour);
    pour();
    await closed;
    await server.close();
    const after = dial(port);
    expect(await after.said).toBe('');
  });

  test('is not opened unless asked for; one that is taken is no start, and leaves nothing', async () => {
    const bus = createBus();
    ends.push(() => bus.close());
    const first = await serve(bus, { port: 0, leafnodes: { port: 0 } });
    ends.push(() => first.close());
    const logged: string[] = [];
    const logger = createLogger({
      write: (line) => logged.push(line),
      now: () => 0,
      hasTime: false,
    });
    const other = createBus();
    ends.push(() => other.close());
    const taken = first.leafnodesPort ?? 0;
    await expect(
      serve(other, { port: 0, leafnodes: { port: taken }, logger }),
    ).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(logged.at(-1)).toBe(
      `[FTL] Error listening on leafnode port: ${taken} - listen tcp 127.0.0.1:${taken}: bind: address already in use\n`,
    );
    const plain = await serve(other, { port: 0 });
    ends.push(() => plain.close());
    expect(plain.leafnodesPort).toBeUndefined();
    await expect(serve(createBus(), { leafnodes: { port: 70_000 } })).rejects.toThrow(
      "'leafnodes.port' must be a whole number from -1 to 65535, not 70000",
    );
  });
});
