// The bin with a configuration file: flags over it, what it refuses to start without, what it only warns of, -t,
// --signal, and SIGHUP. Where nats-server is found, the same command lines are given to both.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { connect as openSocket } from 'node:net';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { type Child, runChild, startChild } from '../interop/child.ts';
import { findReference } from '../reference.ts';
import { useCommand } from '../support/command.ts';
import { useScratch } from '../support/scratch.ts';

// A start takes a moment on a busy machine, and some cases have two.
const TIMEOUT_MS = 30_000;
vi.setConfig({ testTimeout: TIMEOUT_MS, expect: { poll: { timeout: TIMEOUT_MS } } });

const program = useCommand();
const scratch = useScratch('configure');
const { ends } = scratch;
let file: string;
const named = { env: { GANGLION_EXECUTABLE: 'nats-server', LIMIT: '2KB' } };

beforeEach(() => {
  file = join(scratch.folder, 'server.conf');
});

function start(...args: string[]): Child {
  const child = startChild(process.execPath, [program.path, '-a', '127.0.0.1', ...args], named);
  ends.push(() => child.close());
  return child;
}

function run(...args: string[]) {
  return runChild(process.execPath, [program.path, ...args], named);
}

/** Starts from a file of that text and resolves when it is ready. */
async function startFile(text: string, ...args: string[]): Promise<Child> {
  writeFileSync(file, text);
  const child = start('-c', file, ...args);
  await child.line(/Server is ready/);
  return child;
}

/** The log without process numbers and times. */
function texts(output: string): string[] {
  return output.split('\n').map((line) => line.replace(/^\[\d+\] [\d/]+ [\d:.]+ /, ''));
}

function portIn(child: Child, words: string): number {
  return Number(new RegExp(`${words} \\S+:(\\d+)`).exec(child.output())?.[1]);
}

/** Everything that a port says until it closes. */
function saidBy(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const socket = openSocket(port, '127.0.0.1');
    socket.on('data', (data) => {
      said += data;
    });
    socket.on('close', () => resolve(said));
    socket.on('error', reject);
  });
}

/** The first line that a client is told. */
function infoOf(port: number): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const socket = openSocket(port, '127.0.0.1');
    socket.once('data', (data) => {
      socket.destroy();
      resolve(JSON.parse(String(data).slice('INFO '.length)));
    });
    socket.on('error', reject);
  });
}

describe('a server from a file', () => {
  test('has what the file says, with flags over it', async () => {
    const child = await startFile(
      'port: 4333\nhttp: "127.0.0.1:-1"\nserver_name: file\nmax_payload: $LIMIT\nserver_tags: [a, b]\n' +
        'server_metadata { k: v }\nmax_connections: 7\nping_interval: "30s"\nwrite_deadline: "1s"',
      '-p',
      '-1',
      '-n',
      'flag',
    );
    const { server_name, max_payload, port } = await infoOf(portIn(child, 'client connections on'));
    expect({ server_name, max_payload }).toEqual({ server_name: 'flag', max_payload: 2048 });
    expect(port).not.toBe(4333);
    const monitor = portIn(child, 'http monitor on');
    const varz = (await (await fetch(`http://127.0.0.1:${monitor}/varz`)).json()) as object;
    const digest = /server\.conf \((sha256:[0-9a-f]{64})\)/.exec(child.output())?.[1];
    expect(varz).toMatchObject({
      tags: ['a', 'b'],
      metadata: { k: 'v' },
      max_connections: 7,
      ping_interval: 30e9,
      write_deadline: 1e9,
      config_digest: digest,
    });
  });

  test('logs as the file says: into a file, without times, moved away when it has grown', async () => {
    const log = join(scratch.folder, 'log');
    writeFileSync(
      file,
      `port: -1\nlog_file: "${log}"\nlogtime: false\ndebug: true\nlog_size_limit: 300\nlog_max_num: 2`,
    );
    const child = start('-c', file);
    await expect
      .poll(() => existsSync(log) && readFileSync(log, 'utf8'))
      .toMatch(/Rotated log, backup saved as ".*log\.\d{4}(\.\d\d){5}\.\d{9}"/);
    await expect
      .poll(() => readdirSync(scratch.folder).filter((name) => name.startsWith('log.')).length)
      .toBe(1);
    child.signal('SIGTERM');
    await child.exited;
    const all = readdirSync(scratch.folder).filter((name) => name.startsWith('log'));
    const kept = all.map((name) => readFileSync(join(scratch.folder, name), 'utf8')).join('');
    expect(kept).toMatch(/^\[\d+\] \[INF\]/);
    expect(child.output()).toBe('');
  });

  test('opens the port for leaf nodes and refuses who dials', async () => {
    const child = await startFile('port: -1\nleafnodes { listen: "127.0.0.1:-1" }');
    const said = await saidBy(portIn(child, 'leafnode connections on'));
    expect(said).toBe("-ERR 'leaf nodes are not supported'\r\n");
  });

  test('listens for WebSocket clients where the file says, as it says', async () => {
    const child = await startFile(
      'port: -1\nwebsocket { listen: "127.0.0.1:-1", no_tls: true, compression: true, headers { x-who: me } }',
    );
    const port = portIn(child, 'websocket clients on');
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-key': Buffer.alloc(16).toString('base64'),
        'sec-websocket-version': '13',
        'sec-websocket-extensions': 'permessage-deflate',
      };
      const asked = get({ host: '127.0.0.1', port, headers });
      asked.once('upgrade', (response, socket) => {
        socket.destroy();
        resolve(response);
      });
      asked.once('error', reject);
    });
    expect(answer.statusCode).toBe(101);
    expect(answer.headers).toMatchObject({
      'x-who': 'me',
      'sec-websocket-extensions': expect.stringContaining('permessage-deflate'),
    });
  });

  test('does not start without what decides who may do what, and names all of it in one line', async () => {
    writeFileSync(
      file,
      'port: -1\nauthorization { token: secret, permissions { publish: a } }\ntls {}\nwebsocket { port: -1, no_tls: true, authorization { token: secret } }\n' +
        'accounts { A {} }\nmappings { a: b }\njetstream { key: secret }\ncluster { name: a }',
    );
    const { code, output } = await run('-c', file, '-ms', '1');
    expect(code).toBe(1);
    expect(texts(output)).toEqual([
      '[FTL] Not supported yet, and nothing to start without: authorization.permissions, tls, ' +
        'accounts, mappings, jetstream.key, --https_port',
    ]);
    expect(output).not.toContain('secret');
    expect((await run('-t', '-c', file)).output).toMatch(/is valid \(sha256:[0-9a-f]{64}\)$/);
  });

  test.each([
    [
      'authorization { users: [ { user: a, password: p, permissions { publish: a } } ] }',
      'authorization.users.permissions',
    ],
    [
      'authorization { users: [ { user: a, password: p } ], permissions { subscribe: [] } }',
      'authorization.permissions',
    ],
    [
      'authorization { users: [ { nkey: UD653AKAOANYPMB6JLKKSZXGGC3A32G5IZX5KE5D43UMCWQFOVJROJ57 } ] }',
      'authorization.users.nkey',
    ],
    [
      'authorization { users: [ { user: a, password: p, allowed_connection_types: [ WEBSOCKET ] } ] }',
      'authorization.users.allowed_connection_types',
    ],
    [
      'authorization { users: [ { user: a, password: p, proxy_required: true } ] }',
      'authorization.users.proxy_required',
    ],
    ['authorization { token: t, proxy_required: true }', 'authorization.proxy_required'],
    [
      'authorization { users: [ { user: a, password: p } ], auth_callout { issuer: ADBKJM2762YS6BISIO3KZLP6CNJIAY4QBZJUTAOXTZ22HFUYDPXDS2J4, auth_users: [ a ] } }',
      'authorization.auth_callout',
    ],
    [
      'accounts { A { users: [ { user: a, password: p, permissions { publish: a } } ] } }',
      'accounts',
    ],
    ['accounts: [ A ]', 'accounts'],
    ['system_account: SYS', 'system_account'],
    ['trusted_keys: OAHPM27CZM3X3K62FTHXQKMIYSOB6WJISMFRTQXXUY5I2WH723SCGUTH', 'trusted'],
    ['resolver: MEMORY', 'resolver'],
    ['https_port: 1', 'https_port'],
    ['https: "127.0.0.1:1"', 'https'],
    ['proxy_protocol: true', 'proxy_protocol'],
    [
      'proxies { trusted: [ { key: OAHPM27CZM3X3K62FTHXQKMIYSOB6WJISMFRTQXXUY5I2WH723SCGUTH } ] }',
      'proxies',
    ],
    ['jetstream { tpm { pcr: 1 } }', 'jetstream.tpm'],
    ['jetstream { encryption_key: s }', 'jetstream.key'],
    ['jetstream { ek: s, cipher: aes }', 'jetstream.key, jetstream.cipher'],
    ['jetstream { cipher: chacha }', 'jetstream.cipher'],
    ['jetstream { prev_encryption_key: s }', 'jetstream.prev_key'],
    ['mappings { a: b }', 'mappings'],
    [
      'resolver_pinned_accounts: [ ADBKJM2762YS6BISIO3KZLP6CNJIAY4QBZJUTAOXTZ22HFUYDPXDS2J4 ]',
      'resolver_pinned_accounts',
    ],
  ])('%j is no start', async (text, name) => {
    writeFileSync(file, `port: -1\n${text}`);
    const { code, output } = await run('-c', file);
    expect([code, texts(output).at(-1)]).toEqual([
      1,
      `[FTL] Not supported yet, and nothing to start without: ${name}`,
    ]);
  });

  test.each([
    [['-ms', '1'], '--https_port'],
    [['--tls', '--tlscert', 'a', '--tlskey', 'b'], '--tls, --tlscert, --tlskey'],
  ])('%j is no start', async (args, name) => {
    const { code, output } = await run('-p', '-1', ...args);
    expect(code).toBe(1);
    expect(texts(output)).toEqual([
      `[FTL] Not supported yet, and nothing to start without: ${name}`,
    ]);
  });

  test.each([
    [
      'client_advertise: "a:b:c"',
      'Error setting server INFO with ClientAdvertise value of a:b:c, err=address a:b:c: too many colons in address',
    ],
    [
      'websocket { port: -1, no_tls: true, advertise: ":x" }',
      'Unable to get websocket connect URLs: strconv.Atoi: parsing "x": invalid syntax',
    ],
  ])('an address that is none, %j, is no start', async (text, line) => {
    writeFileSync(file, `port: -1\n${text}`);
    const { code, output } = await run('-c', file);
    expect([code, texts(output).at(-1)]).toEqual([1, `[FTL] ${line}`]);
  });

  test('starts with what asks for nothing, and warns once of the rest by name', async () => {
    const child = await startFile(
      'port: -1\nauthorization { timeout: 3 }\nwebsocket { no_tls: true }\nsystem_account: "$SYS"\n' +
        'proxy_protocol: false\naccounts {}\nmappings {}\nhttps_port: 0\njetstream: disabled\n' +
        'no_system: true\ngateway { name: a, port: -1 }\nmqtt { }\nleafnodes { remotes: [ { url: "nats://a:1" } ], tls {} }',
      '-js',
      '-n=x',
      `-sd=${scratch.folder}/x`,
      '--routes',
      '',
      '--cluster',
      'nats://127.0.0.1:-1',
    );
    const warnings = texts(child.output()).filter((line) => line.startsWith('[WRN]'));
    expect(warnings).toEqual([
      ...['no_system_account', 'gateway', 'leafnodes.remotes', 'leafnodes.tls', '--cluster'].map(
        (name) => `[WRN] Not supported yet, and ignored: ${name}`,
      ),
    ]);
    expect(readdirSync(join(scratch.folder, 'x'))).toEqual(['ganglion']);
  });

  test('is not taken for nats-server alone: a link of that name starts it, too', async () => {
    writeFileSync(file, 'port: x');
    const link = join(scratch.folder, 'nats-server');
    symlinkSync(program.path, link);
    const { code, output } = await runChild(process.execPath, [link, '-c', file], {
      env: { GANGLION_EXECUTABLE: undefined },
    });
    expect([code, output.split(': ')[0]]).toEqual([1, 'nats-server']);
  });

  test('does not load what reads files when there is none', () => {
    const folderOf = program.path.slice(0, program.path.lastIndexOf('/'));
    const reader = readdirSync(folderOf).filter((name) =>
      readFileSync(join(folderOf, name), 'utf8').includes('Expected a top-level value'),
    );
    expect(reader).toHaveLength(1);
    // Said by the thread of the hooks itself, at once: its console would go through a thread that may end before.
    const says = `import { existsSync, writeSync } from 'node:fs'; export async function load(url, context, next) { if (url.includes('${reader[0]}')) writeSync(1, 'LOADED'); return next(url, context); }`;
    const script = (text: string): string => `data:text/javascript,${encodeURIComponent(text)}`;
    const hook = `import { register } from 'node:module'; register(${JSON.stringify(script(says))});`;
    const args = ['--import', script(hook), program.path];
    const loads = (more: string[]): boolean =>
      execFileSync(process.execPath, [...args, ...more], { stdio: 'pipe' }).includes('LOADED');
    writeFileSync(file, 'port: 1');
    expect(loads(['-t', '-c', file])).toBe(true);
    expect(loads(['-p', '-1', '-v'])).toBe(false);
  });
});

describe('--signal', () => {
  test('ends the server whose number is named, or stands in a file', async () => {
    const pidFile = join(scratch.folder, 'pid');
    const child = await startFile(`port: -1\npid_file: "${pidFile}"`);
    expect(await run('--signal', `ldm=${pidFile}`)).toMatchObject({ code: 0, output: '' });
    expect(await child.exited).toMatchObject({ code: 0 });
    expect(child.output()).toContain('Entering lame duck mode');
    const other = await startFile('port: -1');
    expect((await run('-sl', `quit=${other.pid}`)).code).toBe(0);
    expect(await other.exited).toMatchObject({ code: 0 });
  });
});

const binary = findReference();
const reason = binary === undefined ? ' (nats-server was not found)' : '';
describe.skipIf(binary === undefined)(`beside nats-server${reason}`, () => {
  /** Status and output of both for one command line that starts no server. `FILE` is a file of that text. */
  async function both(args: readonly string[], text: string) {
    writeFileSync(file, text);
    const line = args.map((arg) => arg.replace('FILE', file));
    const [ours, theirs] = await Promise.all([run(...line), runChild(binary!, line)]);
    // The original goes through its maps in any order.
    const lines = (output: string) => output.replace('nats-server: ', '').split('\n').toSorted();
    return [ours, theirs].map(({ code, output }) => ({ code, lines: lines(output) }));
  }

  test.each<[string, ...string[]]>([
    ['', '-t', '-c', 'FILE'],
    ['', '-t'],
    ['', '-t', '-c', ''],
    ['', '-c', '/nowhere/file'],
    ['', '-t', '--config=/nowhere/file'],
    ['port: 1\nhost: "::"', '-t', '-c', 'FILE'],
    ['port: 1', '-t', '-config', 'FILE', '-p', '99999', '-D', '--js=false'],
    ['foo: 1\nbar { }', '-c', 'FILE', '-p', '-1'],
    ['a: [', '-c', 'FILE'],
    ['a: [', '-t', '-c', 'FILE'],
    ['write_deadline: 10', '-t', '-c', 'FILE'],
    ['max_payload: 100MB', '-c', 'FILE', '-p', '-1'],
    ['max_payload: 100MB', '-t', '-c', 'FILE'],
    ['server_name: a', '-t', '-c', 'FILE', '-n', 'a b'],
    ['jetstream: true', '-t', '-c', 'FILE', '--cluster', 'nats://127.0.0.1:-1'],
    ['jetstream { domain: "a.b" }', '-t', '-c', 'FILE', '-js'],
    ['', '--test_reload', 'FILE'],
    ['port: 1', '-t', '-c', 'FILE', '--test_reload', 'FILE'],
    ['port: 1', '-t', '-c', 'FILE', '--test_reload', '/nowhere/file'],
    ['port: 1', '-t', '-c', 'FILE', '-p', '2', '--test_reload', 'FILE'],
    ['', '--signal', 'foo=1'],
    ['', '--signal', 'stop=999999999'],
    ['', '-sl=stop=x'],
    ['', '--signal=a=b=c=d'],
    ['12\n', '--signal', 'stop=FILE'],
    ['', '--tls'],
    ['', '--tls=false', '--tlscert', 'a', '-t'],
    ['', '--tlsverify', '--tlscert', 'a'],
    ['', '--tlsverify=Optional', '--tlscert', 'a'],
    ['', '--tlskey', 'a'],
    ['', '-t', '-c', 'FILE', '--tlscert', '/nowhere/a', '--tlskey', '/nowhere/b'],
    ['port: 1', '-t', '-c', 'FILE', '--tlscert', '/nowhere/a', '--tlskey', '/nowhere/b'],
    ['port: 1', '-t', '-c', 'FILE', '--tls=false', '--tlscert', '/nowhere/a', '--tlskey', 'b'],
    ['port: 1', '-t', '-c', 'FILE', '--cluster_name', 'a b'],
    ['server_name: s', '-t', '-c', 'FILE', '-js', '--cluster', 'nats://h:-1'],
    [
      'server_name: s',
      '-t',
      '-c',
      'FILE',
      '-js',
      '--cluster',
      'nats://h:-1',
      '--cluster_name',
      'c',
    ],
    ['', '--routes', 'nats://a:1'],
    ['', '--routes', 'nats://a:1', '--cluster', ''],
    ['', '--cluster', 'x'],
    ['', '--cluster_listen', 'nats://a'],
    ['', '-cluster', 'nats://u@a:1'],
    ['', '-p', '-1', 'c'],
  ])('%j %j %j %j %j %j ends alike', async (text, ...args) => {
    const [ours, theirs] = await both(args, text);
    expect(ours).toEqual(theirs);
  });

  test.each([
    ['--tlsverify=maybe'],
    ['-connect_retries', 'x'],
    ['--no_advertise=x'],
    ['-log_size_limit'],
    ['--js=1.5'],
    ['-profile=a'],
  ])('%j is the same mistake', async (...args) => {
    const [ours, theirs] = await both(args, '');
    const first = (result: typeof ours) => [
      result?.code,
      result?.lines.find((line) => /^(?:invalid|flag)/.test(line)),
    ];
    expect(first(ours)).toEqual(first(theirs));
    expect(first(ours)[1]).toBeDefined();
  });
});
