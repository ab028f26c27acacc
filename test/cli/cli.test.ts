// The bin as a child process: what it prints, how it ends, which files it makes. Where nats-server is found, the
// same command lines are given to both.
import { existsSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { createServer, connect as openSocket, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { VERSION } from '../../src/shared/version.ts';
import { type Child, runChild, startChild } from '../interop/child.ts';
import { findReference } from '../reference.ts';
import { useCommand } from '../support/command.ts';
import { useScratch } from '../support/scratch.ts';

// A start takes a moment on a busy machine, and some cases have two.
const TIMEOUT_MS = 30_000;
vi.setConfig({ testTimeout: TIMEOUT_MS, expect: { poll: { timeout: TIMEOUT_MS } } });

const program = useCommand();
const scratch = useScratch('cli');
const { ends } = scratch;

/** Under which name the program believes to have been started. */
const named = (name: string) => ({ env: { GANGLION_EXECUTABLE: name } });

function start(args: readonly string[], name = 'ganglion'): Child {
  const child = startChild(process.execPath, [program.path, ...args], named(name));
  ends.push(() => child.close());
  return child;
}

/** A server on loopback that is ready, and its port. */
async function startReady(...args: string[]): Promise<{ child: Child; port: number }> {
  const child = start(['-a', '127.0.0.1', '-p', '-1', ...args]);
  await child.line(/Server is ready/);
  return { child, port: portIn(child, 'client connections on') };
}

function portIn({ output }: Child, words: string): number {
  return Number(new RegExp(`${words} \\S+:(\\d+)`).exec(output())?.[1]);
}

async function run(...args: string[]) {
  return runChild(process.execPath, [program.path, ...args], named('ganglion'));
}

/** The log without process numbers and times. */
function texts(output: string): string[] {
  return output.split('\n').map((line) => line.replace(/^\[\d+\] [\d/]+ [\d:.]+ /, ''));
}

async function greet(port: number): Promise<Socket> {
  const socket = openSocket(port, '127.0.0.1');
  ends.push(() => socket.destroy());
  await new Promise((resolve, reject) => {
    socket.once('data', resolve);
    socket.once('error', reject);
  });
  return socket;
}

describe('the command line', () => {
  test.each([['-v'], ['--version'], ['version'], ['-D', 'VERSION']])(
    '%s prints the version that suites look for',
    async (...args) => {
      const { code, stdout } = await run(...args);
      expect([code, stdout]).toEqual([0, 'nats-server: v2.15.3']);
    },
  );

  test.each([['-h'], ['--help'], ['Help']])('%s prints the help', async (...args) => {
    const { code, stdout } = await run(...args);
    expect(code).toBe(0);
    expect(stdout).toContain('Usage: ganglion [options]');
    expect(stdout).toContain('--ports_file_dir <dir>');
    expect(stdout).toContain(`Ganglion ${VERSION}, with the behaviour of nats-server 2.15.3`);
  });

  test('a name with a blank is refused', async () => {
    expect(await run('-n', 'a b', '-p', '-1')).toMatchObject({
      code: 1,
      output: 'ganglion: server name cannot contain spaces',
    });
  });

  test('a log file that cannot be opened is no start', async () => {
    const { code, output } = await run('-p', '-1', '-l', join(scratch.folder, 'nowhere', 'log'));
    expect(code).toBe(1);
    expect(output).toMatch(
      /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d error opening file: open .*: no such file or directory$/,
    );
  });
});

describe('without memory for its core', () => {
  // As under a limit of virtual memory, where less is given than it needs to begin with.
  test('it says so in one line and ends', async () => {
    const args = ['--wasm-max-mem-pages=8', program.path, '-a', '127.0.0.1', '-p', '-1'];
    const { code, stdout, output } = await runChild(process.execPath, args, named('ganglion'));
    expect([code, stdout]).toEqual([1, '']);
    expect(output.trimEnd()).toMatch(
      /^ganglion: WebAssembly cannot be used: its memory cannot be reserved.*$/,
    );
  });
});

describe('a server', () => {
  test('serves where it is told to, under the name it is given', async () => {
    const { child, port } = await startReady('-m', '-1', '-n', 'east');
    const monitor = portIn(child, 'http monitor on');
    const answer = await fetch(`http://127.0.0.1:${monitor}/varz`);
    expect(await answer.json()).toMatchObject({ server_name: 'east', port, http_port: -1 });
    expect(texts(child.output())).toContain('[INF]   Name:     east');
  });

  test('says once that anybody may use it, unless only this machine can', async () => {
    const { child } = await startReady();
    const open = start(['-p', '-1']);
    await open.line(/No authorization is set/);
    expect(portIn(open, 'client connections on 0\\.0\\.0\\.0')).toBeNaN();
    expect(open.output()).toMatch(/Listening for client connections on 0\.0\.0\.0:\d+/);
    await greet(portIn(open, 'client connections on'));
    await Promise.all([child.close(), open.close()]);
    const warnings = (output: string) => texts(output).filter((line) => line.startsWith('[WRN]'));
    expect(warnings(child.output())).toEqual([]);
    expect(warnings(open.output())).toHaveLength(1);
  });

  test('logs debug and trace lines with -DV', async () => {
    const { child, port } = await startReady('-DV');
    const socket = await greet(port);
    socket.write('CONNECT {"verbose":false,"pass":"secret"}\r\nSUB foo 1\r\nPUB foo 2\r\nhi\r\n');
    await child.line(/\[DBG\] 127\.0\.0\.1:\d+ - cid:1 - Client connection created/);
    await child.line(/\[TRC\] .* - <<- \[CONNECT \{"verbose":false,"pass":"\[REDACTED\]"\}\]/);
    await child.line(/\[TRC\] .* - <<- \[SUB foo/);
    await child.line(/\[TRC\] .* - <<- \[PUB foo 2\]/);
    await child.line(/\[TRC\] .* - ->> \[MSG foo 1 2\]/);
    expect(child.output()).not.toContain('secret');
  });

  test('logs without times with -T=false, into a file with -l', async () => {
    const log = join(scratch.folder, 'server.log');
    const child = start([
      '-a',
      '127.0.0.1',
      '-p',
      '-1',
      '-T=false',
      '-l',
      log,
      '-P',
      join(scratch.folder, 'pid'),
    ]);
    await expect
      .poll(() => existsSync(log) && readFileSync(log, 'utf8'))
      .toContain('Server is ready');
    expect(readFileSync(join(scratch.folder, 'pid'), 'utf8')).toBe(
      /^\[(\d+)\] \[INF\] Starting nats-server\n/.exec(readFileSync(log, 'utf8'))?.[1],
    );
    expect(statSync(log).mode & 0o777).toBe(0o640);
    await child.close();
    expect(child.output()).toBe('');
  });

  test('writes a ports file under the name that suites wait for, and removes it', async () => {
    const { folder } = scratch;
    const child = start(['-a', '127.0.0.1', '-p', '-1', '-m', '-1', '--ports_file_dir', folder]);
    await child.line(/Server is ready/);
    const find = () =>
      readdirSync(scratch.folder).find((file) => /^nats-server_\d+\.ports$/.test(file));
    await expect.poll(find).toBeDefined();
    const name = find() ?? '';
    expect(JSON.parse(readFileSync(join(scratch.folder, name), 'utf8'))).toEqual({
      nats: [`nats://127.0.0.1:${portIn(child, 'client connections on')}`],
      monitoring: [`http://127.0.0.1:${portIn(child, 'http monitor on')}`],
    });
    await child.close();
    expect(readdirSync(scratch.folder)).toEqual([]);
  });
});

describe('signals', () => {
  test.each([
    ['SIGINT', 'interrupt'],
    ['SIGTERM', 'terminated'],
  ] as const)('%s ends the server in order, also with peers', async (signal, name) => {
    const { child, port } = await startReady('-m', '-1');
    const socket = await greet(port);
    const gone = new Promise((resolve) => socket.resume().once('close', resolve));
    child.signal(signal);
    await gone;
    expect(await child.exited).toEqual({ code: 0, signal: null });
    expect(texts(child.output()).slice(-3)).toEqual([
      `[INF] Trapped "${name}" signal`,
      '[INF] Initiating Shutdown...',
      '[INF] Server Exiting..',
    ]);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s tells pulls what they will not get',
    async (signal) => {
      const { child, port } = await startReady('-js', '-sd', scratch.folder);
      const socket = await greet(port);
      let text = '';
      socket.on('data', (bytes) => {
        text += bytes;
      });
      const publish = (subject: string, body: object, reply = 'none'): void => {
        const json = JSON.stringify(body);
        socket.write(`PUB ${subject} ${reply} ${json.length}\r\n${json}\r\n`);
      };
      socket.write('CONNECT {"verbose":false,"headers":true}\r\nSUB inbox 1\r\n');
      publish('$JS.API.STREAM.CREATE.S', { name: 'S', subjects: ['s'] });
      const config = { durable_name: 'C', ack_policy: 'explicit' };
      publish('$JS.API.CONSUMER.CREATE.S.C', { stream_name: 'S', config }, 'inbox');
      await expect.poll(() => text).toContain('"name":"C"');
      publish('$JS.API.CONSUMER.MSG.NEXT.S.C', { batch: 7, max_bytes: 9 }, 'inbox');
      socket.write('PING\r\n');
      await expect.poll(() => text).toContain('PONG');
      const gone = new Promise((resolve) => socket.once('close', resolve));
      child.signal(signal);
      await gone;
      const rest = 'Nats-Pending-Messages: 7\r\nNats-Pending-Bytes: 9\r\n\r\n';
      expect(text).toContain(`NATS/1.0 409 Server Shutdown\r\n${rest}`);
      expect(await child.exited).toEqual({ code: 0, signal: null });
    },
  );

  test('SIGQUIT ends it at once with status 2', async () => {
    const { child } = await startReady();
    child.signal('SIGQUIT');
    expect(await child.exited).toEqual({ code: 2, signal: null });
    expect(child.output()).not.toContain('Initiating Shutdown');
  });

  test('SIGUSR1 continues the log under its name', async () => {
    const log = join(scratch.folder, 'server.log');
    const child = start(['-a', '127.0.0.1', '-p', '-1', '-l', log]);
    const content = () => (existsSync(log) ? readFileSync(log, 'utf8') : '');
    await expect.poll(content).toContain('Server is ready');
    renameSync(log, `${log}.old`);
    child.signal('SIGUSR1');
    await expect.poll(content).toContain('File log re-opened');
    expect(content()).not.toContain('Server is ready');
    await child.close();
  });

  test('SIGUSR1 without a log file and SIGHUP without a configuration change nothing', async () => {
    const { child, port } = await startReady();
    child.signal('SIGUSR1');
    await child.line(/File log re-open ignored, not a file logger/);
    child.signal('SIGHUP');
    await child.line(/Failed to reload server configuration: can only reload config when a file/);
    await greet(port);
  });

  test('SIGUSR2 makes it a lame duck, which SIGTERM does not hurry and SIGINT ends', async () => {
    const { child, port } = await startReady();
    const socket = await greet(port);
    const told = new Promise<void>((resolve) => {
      socket.on('data', (bytes) => String(bytes).includes('"ldm":true') && resolve());
    });
    const ready = new Promise((resolve) => socket.once('data', resolve));
    socket.write('CONNECT {"protocol":1,"verbose":false}\r\nPING\r\n');
    await ready;
    child.signal('SIGUSR2');
    await told;
    await child.line(/Entering lame duck mode, stop accepting new clients/);
    await expect(greet(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    child.signal('SIGTERM');
    await child.line(/Trapped "terminated" signal/);
    expect(child.output()).not.toContain('Initiating Shutdown');
    child.signal('SIGINT');
    expect(await child.exited).toEqual({ code: 0, signal: null });
    expect(child.output()).toContain('Server Exiting..');
  });

  test('SIGUSR2 without peers ends it', async () => {
    const { child } = await startReady();
    child.signal('SIGUSR2');
    expect(await child.exited).toEqual({ code: 0, signal: null });
  });
});

const binary = findReference();
const reason = binary === undefined ? ' (nats-server was not found)' : '';
describe.skipIf(binary === undefined)(`beside nats-server${reason}`, () => {
  /** Status and texts of both for one command line that starts no server, or fails to. */
  async function both(args: readonly string[]) {
    const [ours, theirs] = await Promise.all([
      runChild(process.execPath, [program.path, ...args], named('nats-server')),
      runChild(binary!, args),
    ]);
    return [ours, theirs].map(({ code, stdout, output }) => ({ code, stdout, output }));
  }

  test.each([
    ['-v'],
    ['--version=true'],
    ['version', 'foo'],
    ['-h=false', '-v'],
    ['-v', '-h'],
    ['-v', 'foo'],
    ['foo'],
    ['foo', 'version'],
    ['-p', '-1', 'a"b'],
    ['-D', '0'],
    ['-'],
    [''],
    ['--', '-v'],
    ['-n', 'a b'],
  ])('%j %j ends alike', async (...args) => {
    const [ours, theirs] = await both(args);
    expect(ours).toEqual(theirs);
  });

  test.each([
    ['-x'],
    ['--xyz=1'],
    ['-p'],
    ['-p', 'abc'],
    ['-p='],
    ['-p', '99999999999999999999'],
    ['-m', '1.5'],
    ['-D=maybe'],
    ['-VV=3'],
    ['---p', '3'],
    ['-=3'],
    ['--='],
    ['-v', '-x'],
  ])('%j %j is the same mistake', async (...args) => {
    const [ours, theirs] = await both(args);
    const [first, ...rest] = [ours, theirs].map((result) => ({
      code: result?.code,
      // The help differs: it lists what there is.
      isHelpOnStdout: result?.stdout.includes('Usage: nats-server [options]'),
      mistake: result?.output
        .split('\n')
        .find((line) => /flag|value/.test(line) && !/^ /.test(line)),
    }));
    expect(first).toEqual(rest[0]);
    expect(first?.mistake).toBeDefined();
  });

  test.each([
    ['-p', '70000'],
    ['-p', '-5'],
    ['-p', '-1', '-m', '70000'],
    ['-p', '-1', '-m', '-5'],
    ['-p', '-1', '-a', '192.0.2.1'],
    ['-p', '-1', '-P', '/nowhere/pid'],
    ['-a', '127.0.0.1', '-p', 'TAKEN'],
    ['-p', 'TAKEN'],
    ['-a', '127.0.0.1', '-p', '-1', '-m', 'TAKEN'],
  ])('%j %j %j %j %j %j is the same failure', async (...args) => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    try {
      const [ours, theirs] = await both(args.map((arg) => (arg === 'TAKEN' ? String(port) : arg)));
      const last = (result: typeof ours) => [result?.code, texts(result?.output ?? '').at(-1)];
      expect(last(ours)).toEqual(last(theirs));
    } finally {
      taken.close();
    }
  });
});

describe('streams on disk', () => {
  /** What a request is answered. */
  async function ask(port: number, subject: string, body: object | string): Promise<string> {
    const socket = await greet(port);
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const answer = new Promise<string>((resolve) => {
      let said = '';
      socket.on('data', (bytes) => {
        said += bytes;
        const [, json] = /MSG [^\r]*\r\n(.*)\r\n/.exec(said) ?? [];
        if (json !== undefined) resolve(json);
      });
    });
    socket.write(`CONNECT {"verbose":false}\r\nSUB inbox 1\r\n`);
    socket.write(`PUB ${subject} inbox ${text.length}\r\n${text}\r\n`);
    return answer;
  }

  test('lie where those of nats-server would, are one process’s, and survive its being killed', async () => {
    const env = { ...named('ganglion').env, TMPDIR: scratch.folder };
    const begin = (): Child => {
      const args = [program.path, '-a', '127.0.0.1', '-p', '-1', '-js'];
      const child = startChild(process.execPath, args, { env });
      ends.push(() => child.close());
      return child;
    };
    const first = begin();
    await first.line(/Server is ready/);
    const directory = join(scratch.folder, 'nats', 'ganglion');
    expect(texts(first.output())).toEqual(
      expect.arrayContaining([
        '[WRN] Temporary storage directory used, data could be lost on system reboot',
        `[INF]   Store Directory: "${directory}"`,
      ]),
    );
    const port = portIn(first, 'client connections on');
    await ask(port, '$JS.API.STREAM.CREATE.S', { name: 'S', subjects: ['s'] });
    expect(await ask(port, 's', 'x')).toBe('{"stream":"S","seq":1}');
    const second = begin();
    expect(await second.exited).toEqual({ code: 1, signal: null });
    const text = `store directory ${directory} is in use`;
    expect(texts(second.output()).at(-1)).toBe(`[FTL] Can't start JetStream: ${text}`);
    first.signal('SIGKILL');
    await first.exited;
    const third = begin();
    await third.line(/Server is ready/);
    const portAfter = portIn(third, 'client connections on');
    expect(await ask(portAfter, 's', 'y')).toBe('{"stream":"S","seq":2}');
    third.signal('SIGTERM');
    expect(await third.exited).toEqual({ code: 0, signal: null });
  });

  test('are told of a directory in which none can be made', async () => {
    const args = [program.path, '-a', '127.0.0.1', '-p', '-1', '-js', '-sd', '/proc/none'];
    const child = startChild(process.execPath, args, named('ganglion'));
    ends.push(() => child.close());
    expect(await child.exited).toEqual({ code: 1, signal: null });
    const text = 'mkdir /proc/none/ganglion: no such file or directory';
    expect(texts(child.output()).at(-1)).toBe(`[FTL] Can't start JetStream: ${text}`);
  });
});
