// SIGHUP: what of a file is taken while the server runs, what becomes of those who are there, and what the log says.
// Where nats-server is found, the same files and the same peers are given to both.
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect as openSocket, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import type { Child } from '../interop/child.ts';
import { findReference } from '../reference.ts';
import { useCommand } from '../support/command.ts';
import { useScratch } from '../support/scratch.ts';

const TIMEOUT_MS = 30_000;
vi.setConfig({ testTimeout: TIMEOUT_MS });

const program = useCommand();
const scratch = useScratch('reload');
const { ends } = scratch;
let count = 0;

interface Started {
  readonly child: Child;
  readonly file: string;
  readonly port: number;
  /** Gives it another file, and resolves with what the log says of it, without what differs from time to time. */
  reload(text: string): Promise<string[]>;
}

/** Ours, or the one whose path is given, when it is ready. */
async function start(text: string, path?: string, flags: readonly string[] = []): Promise<Started> {
  count += 1;
  const file = join(scratch.folder, `${count}.conf`);
  writeFileSync(file, text);
  const args = ['-a', '127.0.0.1', '-p', '-1', '-c', file, ...flags];
  const child = await program.start(args, path);
  ends.push(() => child.close());
  const port = Number(/client connections on \S+:(\d+)/.exec(child.output())?.[1]);
  return { child, file, port, reload: (next) => reload(child, file, next) };
}

async function reload(child: Child, file: string, text: string): Promise<string[]> {
  const before = child.output().length;
  writeFileSync(file, text);
  child.signal('SIGHUP');
  const after = (): string => child.output().slice(before);
  await expect
    .poll(after, { timeout: 10_000 })
    .toMatch(/Reloaded server configuration|Failed to reload/);
  return after()
    .replaceAll(file, 'FILE')
    .replace(/sha256:\w+/g, 'DIGEST')
    .split('\n')
    .flatMap((line) => /\[(?:INF|WRN)\] (?:Reloaded|Closed).*|\[ERR\] Failed.*/.exec(line) ?? []);
}

interface Peer {
  readonly socket: Socket;
  said: string;
  isClosed: boolean;
}

/** Somebody who has had the answer to his PING, or only INFO when he says nothing. */
async function come(port: number, connect: object | undefined): Promise<Peer> {
  const socket = openSocket(port, '127.0.0.1');
  ends.push(() => socket.destroy());
  const peer: Peer = { socket, said: '', isClosed: false };
  socket.on('data', (data) => {
    peer.said += data;
  });
  socket.on('close', () => {
    peer.isClosed = true;
  });
  socket.on('error', () => {});
  const options = { verbose: false, protocol: 0, ...connect };
  if (connect !== undefined) socket.write(`CONNECT ${JSON.stringify(options)}\r\nPING\r\n`);
  await expect.poll(() => peer.said).toContain(connect === undefined ? 'INFO ' : 'PONG\r\n');
  peer.said = '';
  return peer;
}

/** What he has heard since; who is still there answers for himself. */
async function fate(peer: Peer, isIn: boolean): Promise<string> {
  if (isIn && !peer.isClosed) peer.socket.write('PING\r\n');
  const done = (): boolean => peer.isClosed || peer.said.includes('PONG');
  if (isIn) await expect.poll(done).toBe(true);
  return `${peer.said.trim()}${peer.isClosed ? ' closed' : ''}`.trim();
}

const A = { user: 'a', pass: 'p' };
const USERS = 'authorization { users: [ {user: a, password: p}, {user: b, password: p} ] }';

/** A file, the next one, those who came by the first, and what becomes of each. */
const FATES: readonly [string, string, (object | undefined)[], string[]][] = [
  ['', 'max_payload: 1000', [undefined, {}, { auth_token: 't' }], ['', 'PONG', 'PONG']],
  [
    'authorization { token: t }',
    'authorization { token: t }\nmax_payload: 1000',
    [{ auth_token: 't' }],
    ['PONG'],
  ],
  [
    'authorization { token: t }',
    'authorization { token: x }',
    [{ auth_token: 't' }],
    ["-ERR 'Authorization Violation' closed"],
  ],
  [
    'authorization { user: a, password: p }',
    'authorization { user: a, password: q }',
    [A],
    ['closed'],
  ],
  [
    'authorization { users: [ {user: a, password: p}, {user: b, password: p}, {user: c, password: p} ] }',
    'authorization { users: [ {user: b, password: q}, {user: c, password: p} ] }',
    [A, { user: 'b', pass: 'p' }, { user: 'c', pass: 'p' }],
    ['closed', "-ERR 'Authorization Violation' closed", 'PONG'],
  ],
  [USERS, '', [A], ['closed']],
  [
    '',
    USERS,
    [{}, A, { user: 'a', pass: 'x' }, { user: 'c' }],
    [
      "-ERR 'Authorization Violation' closed",
      'PONG',
      "-ERR 'Authorization Violation' closed",
      'closed',
    ],
  ],
  [
    `${USERS}\nno_auth_user: a`,
    `${USERS}\nno_auth_user: a\nmax_payload: 10`,
    [{}, A],
    ['PONG', 'PONG'],
  ],
  [`${USERS}\nno_auth_user: a`, `${USERS}\nno_auth_user: b`, [{}, A], ['PONG', 'PONG']],
  ['', 'client_advertise: "1.2.3.4:5"', [{}], ['PONG']],
  ['', 'max_connections: 1', [{}], ['PONG']],
];

const HASHES = `$2a$04$${'x'.repeat(53)}`;

/** A file, the next one, and what the log says. */
const LOGS: readonly [string, string, string[]][] = [
  ['server_name: a', 'server_name: b', ['ServerName: old=a, new=b']],
  ['', 'http_port: 8333', ['HTTPPort: old=0, new=8333']],
  ['http: "127.0.0.1:-1"', 'http: "localhost:-1"', ['HTTPHost: old=127.0.0.1, new=localhost']],
  ['', 'max_subscriptions: 3', ['MaxSubs: old=0, new=3']],
  ['', 'max_sub_tokens: 3', ['MaxSubTokens: old=0, new=3']],
  ['', 'max_pending: 3000000', ['MaxPending: old=67108864, new=3000000']],
  ['', 'lame_duck_duration: "60s"', ['LameDuckDuration: old=2m0s, new=1m0s']],
  ['', 'lame_duck_grace_period: "5s"', ['LameDuckGracePeriod: old=10s, new=5s']],
  ['', 'no_header_support: true', ['NoHeaderSupport: old=false, new=true']],
  ['', 'logfile_size_limit: 1000000', ['LogSizeLimit: old=0, new=1000000']],
  ['', 'logfile_max_num: 10', ['LogMaxFiles: old=0, new=10']],
  ['', 'max_closed_clients: 3', ['MaxClosedClients: old=10000, new=3']],
  [
    'http: "127.0.0.1:-1"',
    'http: "127.0.0.1:-1"\nhttp_base_path: a',
    ['HTTPBasePath: old=, new=a'],
  ],
  ['', 'leafnodes { port: -1 }', ['LeafNode: field "Host": old=, new=0.0.0.0']],
  ['', 'max_pending: 3000000\nmax_subscriptions: 5', ['MaxSubs: old=0, new=5']],
  [`${USERS}\nno_auth_user: a`, USERS, ['NoAuthUser: old=a, new=']],
];

describe.each([
  ['ours', undefined],
  ['nats-server', findReference()],
])('%s', (name, path) => {
  const skipped = name !== 'ours' && path === undefined;

  test.skipIf(skipped).each(FATES)('%j, then %j', async (before, after, peers, expected) => {
    const server = await start(before, path);
    const come1 = await Promise.all(peers.map((peer) => come(server.port, peer)));
    await server.reload(after);
    const fates = await Promise.all(
      come1.map((peer, index) => fate(peer, peers[index] !== undefined)),
    );
    expect(fates).toEqual(expected);
  });

  test.skipIf(skipped).each(LOGS)('%j, then %j, is refused', async (before, after, [text]) => {
    const server = await start(before, path);
    expect(await server.reload(after)).toEqual([
      `[ERR] Failed to reload server configuration: config reload not supported for ${text}`,
    ]);
    // All or nothing, and another time it may be something else.
    expect(await server.reload(before)).toContain('[INF] Reloaded server configuration (DIGEST)');
  });

  test.skipIf(skipped)('says what it has taken, in one order', async () => {
    const server = await start('', path);
    const lines = await server.reload(
      `max_payload: 1000
       max_control_line: 2000
       ping_interval: "3s"
       ping_max: 5
       write_deadline: "1m30s"
       max_connections: 77
       authorization { timeout: 1.5, user: a, password: "${HASHES}" }
       server_tags: [a]
       server_metadata: { x: y }
       debug: true
       pid_file: "${scratch.folder}/pid"`,
    );
    expect(lines).toEqual(
      [
        'debug = true',
        'max_connections = 77',
        'authorization users',
        'accounts',
        'authorization username',
        'authorization password',
        'ping_interval = 3s',
        'ping_max = 5',
        'authorization timeout = 1.5',
        'max_control_line = 2000',
        'max_payload = 1000',
        `pid_file = ${scratch.folder}/pid`,
        'write_deadline = 1m30s',
        'tags',
        'metadata',
      ]
        .map((line) => `[INF] Reloaded: ${line}`)
        .concat('[INF] Reloaded server configuration (DIGEST)'),
    );
    expect(readFileSync(`${scratch.folder}/pid`, 'utf8')).toBe(String(server.child.pid));
    const info = await come(server.port, undefined).then(() => saidFirst(server.port));
    expect(info).toMatchObject({ max_payload: 1000, auth_required: true });
  });

  test.skipIf(skipped)('what a file does not say any more has its default again', async () => {
    const server = await start('max_payload: 2000000\nmax_control_line: 2000', path);
    expect(await server.reload('')).toEqual(
      expect.arrayContaining([
        '[INF] Reloaded: max_control_line = 4096',
        '[INF] Reloaded: max_payload = 1048576',
      ]),
    );
    expect(await saidFirst(server.port)).toMatchObject({ max_payload: 1_048_576 });
  });

  test.skipIf(skipped)('a file that is wrong changes nothing', async () => {
    const server = await start('max_payload: 500', path);
    expect(await server.reload('max_payload: 1000\nfoo: 3')).toEqual([
      '[ERR] Failed to reload server configuration: FILE:2:1: unknown field "foo"',
    ]);
    expect(await saidFirst(server.port)).toMatchObject({ max_payload: 500 });
  });

  test.skipIf(skipped)('who is too many is told so, and closed', async () => {
    const server = await start('', path);
    const peers = await Promise.all([{}, {}, {}].map((peer) => come(server.port, peer)));
    expect(await server.reload('max_connections: 2')).toContain(
      '[INF] Closed 1 connections to fall within max_connections',
    );
    const fates = await Promise.all(peers.map((peer) => fate(peer, true)));
    expect(fates.sort()).toEqual(["-ERR 'maximum connections exceeded' closed", 'PONG', 'PONG']);
  });
});

/** The INFO that a port says. */
async function saidFirst(port: number): Promise<object> {
  return new Promise((resolve, reject) => {
    const socket = openSocket(port, '127.0.0.1');
    socket.once('data', (data) => {
      socket.destroy();
      resolve(JSON.parse(String(data).slice(5).split('\r\n')[0] as string));
    });
    socket.on('error', reject);
  });
}

describe('ours alone', () => {
  // There it closes whoever has said a user that stands in no list, also when nobody was asked, and everybody when there
  // is no limit of connections any more.
  test.each([
    ['', 'max_payload: 1000', A],
    [
      'authorization { user: a, password: p }',
      'authorization { user: a, password: p }\nping_max: 3',
      A,
    ],
    [USERS, `${USERS}\nping_max: 3`, A],
    ['max_connections: 100', 'max_connections: 0', {}],
  ])('%j, then %j: whose credentials hold stays', async (before, after, peer) => {
    const server = await start(before);
    const guest = await come(server.port, peer);
    await server.reload(after);
    expect(await fate(guest, true)).toBe('PONG');
  });

  test('flags stay over the file', async () => {
    const server = await start('max_payload: 10', undefined, ['--auth', 't', '-D']);
    const lines = await server.reload('max_payload: 20\nauthorization { token: x }\ndebug: false');
    expect(lines).toEqual([
      '[INF] Reloaded: authorization users',
      '[INF] Reloaded: accounts',
      '[INF] Reloaded: max_payload = 20',
      '[INF] Reloaded server configuration (DIGEST)',
    ]);
    await come(server.port, { auth_token: 't' });
  });

  test('the log goes on in another file, and traces who is there', async () => {
    const server = await start('');
    const peer = await come(server.port, {});
    const log = join(scratch.folder, 'log');
    const done = server.child.line(/Reloaded: log_file/);
    writeFileSync(server.file, `log_file: "${log}"\ntrace: true`);
    server.child.signal('SIGHUP');
    await done;
    await expect.poll(() => readFileSync(log, 'utf8')).toContain('Reloaded server configuration');
    peer.socket.write('SUB traced 1\r\n');
    await expect.poll(() => readFileSync(log, 'utf8')).toContain('<<- [SUB traced 1]');
  });

  test('a log that cannot be opened changes nothing', async () => {
    const server = await start('');
    expect((await server.reload('log_file: "/nowhere/log"\nmax_payload: 9'))[0]).toBe(
      '[ERR] Failed to reload server configuration: error opening file: open /nowhere/log: no such file or directory',
    );
    expect(await saidFirst(server.port)).toMatchObject({ max_payload: 1_048_576 });
  });

  test('a number of the process that cannot be written is told, and the rest is taken', async () => {
    const server = await start('');
    const lines = await server.reload('pid_file: "/nowhere/pid"\nmax_payload: 9');
    expect(lines).toContain(
      '[ERR] Failed to write pidfile: open /nowhere/pid: no such file or directory',
    );
    expect(await saidFirst(server.port)).toMatchObject({ max_payload: 9 });
  });

  test('a pipe in the place of the file does not hold it up', async () => {
    const server = await start('');
    rmSync(server.file);
    execFileSync('mkfifo', [server.file]);
    server.child.signal('SIGHUP');
    await server.child.line(/Failed to reload server configuration: .* is no file/);
    await come(server.port, {});
  });

  test('permissions that it does not know yet refuse all', async () => {
    const server = await start('');
    const next =
      'max_payload: 9\nauthorization { users: [ {user: a, password: p, permissions: {publish: x}} ] }';
    expect((await server.reload(next))[0]).toContain('Not supported yet, and nothing to start');
    expect(await saidFirst(server.port)).toMatchObject({ max_payload: 1_048_576 });
  });

  test('signals in a row are done one after the other', async () => {
    const server = await start('');
    for (const [index, bytes] of [100, 200, 300].entries()) {
      writeFileSync(server.file, `max_payload: ${bytes}`);
      server.child.signal('SIGHUP');
      await server.child.line(/Trapped "hangup"/);
      if (index < 2) continue;
      await server.child.line(/max_payload = 300/);
    }
    expect(await saidFirst(server.port)).toMatchObject({ max_payload: 300 });
  });

  test('--test_reload says what a running server would', () => {
    const [before, after] = [join(scratch.folder, 'a.conf'), join(scratch.folder, 'b.conf')];
    writeFileSync(before, 'port: 1');
    const run = (text: string): string => {
      writeFileSync(after, text);
      const args = [program.path, '-t', '-c', before, '--test_reload', after];
      try {
        execFileSync(process.execPath, args, { stdio: 'pipe' });
        return '0';
      } catch (error) {
        const { status, stderr } = error as { status: number; stderr: Buffer };
        return `${status} ${stderr}`.trim();
      }
    };
    expect(run('port: 1\nmax_payload: 5')).toBe('0');
    expect(run('port: 2')).toMatch(/^3 \S+: config reload not supported for Port: old=1, new=2$/);
    expect(run('port: x')).toMatch(/^1 .*must be an integer/);
  });
});
