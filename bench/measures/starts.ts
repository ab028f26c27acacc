// How long a server takes with a stream on disk, from the start of its process until it has answered a request of the API:
// after a clean end, and after a kill. What it is started on is a fresh copy of the same directory each time, which is in
// the page cache.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { type MeasuredServer, startServer } from './process.ts';
import { StreamClient } from './stream-client.ts';
import type { Command } from './streams.ts';

/** How the server before has ended. */
export type End = 'clean' | 'killed';

const MESSAGES = 1_000_000;
const PAYLOAD_BYTES = 128;
const SUBJECTS = 100;
/** A server may do in the background what makes its next start short. */
const SETTLE_MS = 1500;

const DIR = mkdtempSync(join(tmpdir(), 'ganglion-bench-starts-'));
process.on('exit', () => rmSync(DIR, { recursive: true, force: true }));

/** By the command and the end: the directory that such a server has left. */
const left = new Map<string, Promise<string>>();

/** Milliseconds of a start. */
export async function startedMs(command: Command, end: End): Promise<number> {
  const key = `${command.join(' ')} ${end}`;
  const found = left.get(key) ?? leave(command, end, join(DIR, `left-${left.size}`));
  left.set(key, found);
  const copy = join(DIR, 'copy');
  rmSync(copy, { recursive: true, force: true });
  execFileSync('cp', ['-a', await found, copy]);
  const startMs = performance.now();
  const server = await startServer([...command, '-js', '-sd', copy]);
  const client = new StreamClient(server.port);
  try {
    await client.api('INFO', {});
    const ms = performance.now() - startMs;
    const { state } = await client.api<{ state: { messages: number } }>('STREAM.INFO.S', {});
    if (state.messages !== MESSAGES) throw new Error('something was not kept');
    return ms;
  } finally {
    client.close();
    await kill(server);
  }
}

async function leave(command: Command, end: End, dir: string): Promise<string> {
  const server = await startServer([...command, '-js', '-sd', dir]);
  const client = new StreamClient(server.port);
  await client.confirm();
  await client.api('STREAM.CREATE.S', { name: 'S', subjects: ['m.>'], storage: 'file' });
  await client.fill(MESSAGES, (i) => `m.${i % SUBJECTS}`, PAYLOAD_BYTES);
  await delay(SETTLE_MS);
  client.close();
  if (end === 'clean') await server.stop();
  else await kill(server);
  return dir;
}

function kill(server: MeasuredServer): Promise<void> {
  process.kill(server.pid, 'SIGKILL');
  return server.stop();
}
