// The bin where the system refuses it something: a full disk, a log that nobody reads, descriptors that run out.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { useCommand } from '../support/command.ts';
import { useScratch } from '../support/scratch.ts';

const TIMEOUT_MS = 60_000;
vi.setConfig({ testTimeout: TIMEOUT_MS, expect: { poll: { timeout: 20_000 } } });

const FULL = '/dev/full';
const hasSystem = process.platform === 'linux' && existsSync(FULL) && existsSync('/bin/sh');

const program = useCommand();
const scratch = useScratch('system');
const { ends } = scratch;

interface Started {
  readonly child: ChildProcess;
  readonly port: number;
}

/** Starts the bin in a shell, under what stands in front of it, and waits for its ports file. */
async function start(before: string, args: string, behind = ''): Promise<Started> {
  const flags = `-a 127.0.0.1 -p -1 -m -1 --ports_file_dir ${scratch.folder} ${args}`;
  const command = `${before} exec ${process.execPath} ${program.path} ${flags} ${behind}`;
  const child = spawn('/bin/sh', ['-c', command], { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  ends.push(async () => {
    child.stderr?.resume();
    child.kill('SIGKILL');
    await exited;
  });
  const file = (): string | undefined =>
    readdirSync(scratch.folder).find((name) => name.endsWith('.ports'));
  await expect.poll(file).toBeDefined();
  const { nats } = JSON.parse(readFileSync(join(scratch.folder, file() as string), 'utf8'));
  return { child, port: Number(new URL(nats[0]).port) };
}

/** What a client hears until it has said PING and heard PONG, or until the end. */
function hear(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let heard = '';
    const done = (): void => resolve(heard);
    ends.push(() => socket.destroy());
    socket.setEncoding('latin1').on('data', (text: string) => {
      if (heard === '') socket.write('CONNECT {"verbose":false}\r\nPING\r\n');
      heard += text;
      if (heard.includes('PONG')) done();
    });
    socket.on('error', done).on('close', done);
  });
}

function rssMib(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

function textOf({ child }: Started): { text: string } {
  const log = { text: '' };
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log.text += text;
  });
  return log;
}

describe.skipIf(!hasSystem)('the bin', () => {
  test('goes on when its log file is on a full disk, and says so once', async () => {
    const server = await start('', `-DV -l ${FULL}`);
    const log = textOf(server);
    for (let i = 0; i < 3; i++) expect(await hear(server.port)).toContain('PONG');
    const told = 'error writing log file /dev/full: ENOSPC: no space left on device, write';
    await expect.poll(() => log.text).toContain(told);
    expect(log.text.split('error writing').length).toBe(2);
    expect(server.child.exitCode).toBeNull();
  });

  test('goes on when its standard error is on a full disk', async () => {
    const server = await start('', '-DV', `2>${FULL}`);
    for (let i = 0; i < 3; i++) expect(await hear(server.port)).toContain('PONG');
    expect(server.child.exitCode).toBeNull();
  });

  test('drops lines of its log while nobody reads it, and says how many', async () => {
    const server = await start('', '-DV');
    await hear(server.port);
    const before = rssMib(server.child.pid);
    const socket = connect(server.port, '127.0.0.1');
    ends.push(() => socket.destroy());
    let heard = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      heard += text;
    });
    socket.write('CONNECT {"verbose":false}\r\n');
    const message = `PUB a 3000\r\n${'x'.repeat(3000)}\r\n`;
    for (let i = 0; i < 40; i++) socket.write(message.repeat(500));
    socket.write('PING\r\n');
    await expect.poll(() => heard).toContain('PONG');
    // 60 MB of lines.
    expect(rssMib(server.child.pid) - before).toBeLessThan(40);
    const log = textOf(server);
    await expect.poll(() => log.text).toMatch(/\[WRN\] \d+ lines of the log could not be written/);
  });

  test('says no when descriptors run out, in words and in the log, and lets others in later', async () => {
    const server = await start('ulimit -n 120;', '');
    const log = textOf(server);
    const all = await Promise.all(Array.from({ length: 150 }, () => hear(server.port)));
    const served = all.filter((text) => text.includes('PONG')).length;
    const told = all.filter((text) => text.includes("-ERR 'maximum connections exceeded'")).length;
    expect(served).toBeGreaterThan(40);
    expect(told).toBeGreaterThan(0);
    const silent = all.filter((text) => !/PONG|-ERR/.test(text)).length;
    const logged = (): number => log.text.split('maximum connections exceeded').length - 1;
    await expect.poll(logged).toBe(told + silent);
    expect(readdirSync(`/proc/${server.child.pid}/fd`).length).toBeLessThan(120 - 8);
    for (const end of ends.splice(1)) await end();
    await expect.poll(async () => hear(server.port)).toContain('PONG');
    expect(server.child.exitCode).toBeNull();
  });
});
