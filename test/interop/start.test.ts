// `npm ci && npm start` in a fresh copy of the repository: it serves 127.0.0.1:4222 and monitoring on 8222 until
// a signal, and stopping npm stops the server.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { runChild, startChild } from './child.ts';
import { titled } from './clients.ts';
import { type Namespace, openNamespace } from './namespace.ts';
import { repositoryDir } from './paths.ts';
import { isForeignServer } from './server.ts';
import { missing } from './tools.ts';

const reason = isForeignServer()
  ? 'another server is under test'
  : missing(inject('tools').namespace);
const INSTALL_TIMEOUT_MS = 240_000;

describe.skipIf(reason !== undefined)(titled('npm start', reason), () => {
  let copy: string;
  let namespace: Namespace;

  beforeAll(async () => {
    copy = mkdtempSync(join(tmpdir(), 'ganglion-start-'));
    copyTree(copy);
    const install = await runChild('npm', ['ci', '--prefer-offline'], {
      cwd: copy,
      timeoutMs: INSTALL_TIMEOUT_MS,
    });
    expect(install.code, install.output).toBe(0);
    namespace = await openNamespace();
  }, INSTALL_TIMEOUT_MS);
  afterAll(async () => {
    await namespace?.close();
    rmSync(copy, { recursive: true, force: true });
  });

  test.each<NodeJS.Signals>(['SIGTERM', 'SIGINT'])(
    'serves until npm gets %s, which ends the server, too',
    async (signal) => {
      const [program = '', ...args] = [...namespace.prefix, 'npm', 'start'];
      const npm = startChild(program, args, { cwd: copy });
      try {
        const ready = await npm.line(/Server is ready/, 120_000);
        const serverPid = Number(/^\[(\d+)\]/.exec(ready)?.[1]);
        expect(isAlive(serverPid)).toBe(true);
        expect(await ask(namespace, info(4222))).toMatch(/^INFO \{.*"port":4222/);
        expect(await ask(namespace, varz(8222))).toContain('200 4222');
        npm.signal(signal);
        await npm.exited;
        await expect.poll(() => isAlive(serverPid)).toBe(false);
        expect(npm.output()).toContain('Server Exiting..');
      } finally {
        await npm.close();
      }
    },
    180_000,
  );
});

/** Copies what git tracks or would track. */
function copyTree(target: string): void {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'];
  const names = execFileSync('git', args, { cwd: repositoryDir, encoding: 'utf8' });
  for (const name of names.split('\0').filter((path) => path !== '')) {
    cpSync(join(repositoryDir, name), join(target, name), { recursive: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function ask(namespace: Namespace, script: string): Promise<string> {
  const [program = '', ...args] = [...namespace.prefix, process.execPath, '-e', script];
  return (await runChild(program, args)).output;
}

function info(port: number): string {
  return `const socket = require('net').connect(${port}, '127.0.0.1');
    socket.once('data', (bytes) => { console.log(String(bytes)); socket.destroy(); });`;
}

function varz(port: number): string {
  return `fetch('http://127.0.0.1:${port}/varz')
    .then(async (answer) => console.log(answer.status, (await answer.json()).port));`;
}
