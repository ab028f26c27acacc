// What `npm run check` starts is gone when it ends, whatever ends it: scripts/process-group.mjs.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';

const script = new URL('../../scripts/process-group.mjs', import.meta.url).href;

/** Listens, and says where: its socket is there as long as the process is. */
const WORKER = `
  if (process.argv.includes('stubborn')) process.on('SIGTERM', () => {});
  const server = require('node:net').createServer();
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;
/** Starts a worker, and ends without it. */
const RUNNER = `
  const args = ['-e', process.env.WORKER, ...process.argv.slice(1)];
  require('node:child_process').spawn(process.execPath, args, { stdio: 'inherit' });
  process.on('SIGTERM', () => process.exit());
`;
const PROGRAM = `
  import { endAll, endWithThis, ProcessGroup } from ${JSON.stringify(script)};
  endWithThis();
  const args = ['-e', process.env.RUNNER, ...process.argv.slice(1)];
  new ProcessGroup(args, { stdio: 'inherit' });
  process.on('SIGUSR2', async () => {
    await endAll();
    process.exit(9);
  });
  setInterval(() => {}, 1000);
`;

async function start(...words: string[]): Promise<{ program: ChildProcess; port: number }> {
  const args = ['--input-type=module', '-e', PROGRAM, ...words];
  const program = spawn(process.execPath, args, {
    env: { ...process.env, RUNNER, WORKER },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = await once(createInterface(program.stdout), 'line');
  return { program, port: Number(port) };
}

function isThere(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      resolve(true);
      socket.destroy();
    });
    socket.on('error', () => resolve(false));
  });
}

it.each<[string, NodeJS.Signals, number, ...string[]]>([
  ['a timeout', 'SIGTERM', 143],
  ['Ctrl-C', 'SIGINT', 130],
  ['the end of its terminal', 'SIGHUP', 129],
  ['another that has failed', 'SIGUSR2', 9],
  ['one that has failed, also when it does not want to go', 'SIGUSR2', 9, 'stubborn'],
])('%s ends whatever a program has started', async (_, signal, code, ...words) => {
  const { program, port } = await start(...words);
  expect(await isThere(port)).toBe(true);
  program.kill(signal);
  expect(await once(program, 'exit')).toEqual([code, null]);
  expect(await isThere(port)).toBe(false);
});

it('a second Ctrl-C waits for nobody', async () => {
  const { program, port } = await start('stubborn');
  program.kill('SIGINT');
  program.kill('SIGTERM');
  expect((await once(program, 'exit'))[1]).toBe(null);
  await expect.poll(() => isThere(port)).toBe(false);
});
