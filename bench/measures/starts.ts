// How long a server takes with a stream on disk, from the start of its process until it has answered a request of the API:
// after a clean end, and after a kill. What it is started on is a fresh copy of the same directory each time, which is in
// the page cache. Of messages within the window of duplicates a server looks for their ids, so that it matters how old they
// are: here all are within, or none.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { type MeasuredServer, startServer } from './process.ts';
import { StreamClient } from './stream-client.ts';
import type { Command } from './streams.ts';

/** How the server before has ended, and whether the messages are within the window of duplicates. */
export interface Before {
  readonly isKilled: boolean;
  readonly isWithin: boolean;
}

const MESSAGES = 1_000_000;
const PAYLOAD_BYTES = 128;
const SUBJECTS = 100;
/** A server may do in the background what makes its next start short. */
const SETTLE_MS = 1500;
const HOUR_NS = 3_600_000_000_000;
/** The least that there is. */
const MOMENT_NS = 100_000_000;

const DIR = mkdtempSync(join(tmpdir(), 'ganglion-bench-starts-'));
process.on('exit', () => rmSync(DIR, { recursive: true, force: true }));

/** By the command and what was before: the directory that such a server has left. */
const left = new Map<string, Promise<string>>();

/** Milliseconds of a start. */
export async function startedMs(command: Command, before: Before): Promise<number> {
  const key = JSON.stringify([command, before]);
  const found = left.get(key) ?? leave(command, before, join(DIR, `left-${left.size}`));
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

async function leave(command: Command, before: Before, dir: string): Promise<string> {
  const server = await startServer([...command, '-js', '-sd', dir]);
  const client = new StreamClient(server.port);
  await client.confirm();
  const duplicate_window = before.isWithin ? HOUR_NS : MOMENT_NS;
  const config = { name: 'S', subjects: ['m.>'], storage: 'file', duplicate_window };
  await client.api('STREAM.CREATE.S', config);
  await client.fill(MESSAGES, (i) => `m.${i % SUBJECTS}`, PAYLOAD_BYTES);
  await delay(SETTLE_MS);
  client.close();
  if (before.isKilled) await kill(server);
  else await server.stop();
  return dir;
}

function kill(server: MeasuredServer): Promise<void> {
  process.kill(server.pid, 'SIGKILL');
  return server.stop();
}
