// The reference: the real nats-server, at the one version that this project is measured against.
// Versions differ in what they say on the wire, so another version is treated as not found.
// It runs as a child process on loopback ports of its own choice.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export const REFERENCE_VERSION = '2.15.3';

/** How to get the binary where it is missing. */
export const REFERENCE_INSTALL: string = `go install github.com/nats-io/nats-server/v2@v${REFERENCE_VERSION}`;

/** Ended with this process by one listener: with more than ten Node warns of a leak. */
const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/** A running nats-server. Whoever started it closes it. */
export interface Reference {
  readonly host: string;
  readonly port: number;
  /** Base address of the monitoring endpoints, without a slash at the end. */
  readonly monitorUrl: string;
  /** What the server has logged so far. */
  log(): string;
  /** Ends the process and removes its files; resolves when it is gone. */
  close(): Promise<void>;
}

/** The path of a nats-server of the pinned version, on PATH or in ~/go/bin, or undefined. */
export function findReference(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  for (const folder of [...folders, join(homedir(), 'go', 'bin')]) {
    const path = join(folder, 'nats-server');
    if (folder === '' || !existsSync(path)) continue;
    const answer = spawnSync(path, ['--version'], { encoding: 'utf8' });
    if (answer.stdout?.trim() === `nats-server: v${REFERENCE_VERSION}`) return path;
  }
  return undefined;
}

/**
 * Starts a nats-server on free loopback ports and resolves when it accepts clients.
 *
 * @param config text in the NATS configuration language, added to the listening part
 * @throws when the binary is not there, or when it ends before it is ready: its log is the message
 */
export async function startReference(config = ''): Promise<Reference> {
  const binary = findReference();
  if (binary === undefined) throw new Error(`nats-server ${REFERENCE_VERSION} was not found`);
  const folder = mkdtempSync(join(tmpdir(), 'reference-'));
  const path = join(folder, 'server.conf');
  writeFileSync(path, `listen: "127.0.0.1:-1"\nhttp: "127.0.0.1:-1"\n${config}\n`);
  const child = spawn(binary, ['-c', path], { stdio: ['ignore', 'ignore', 'pipe'] });
  living.add(child);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const cleanUp = (): void => {
    living.delete(child);
    rmSync(folder, { recursive: true, force: true });
  };
  const log: string[] = [];
  try {
    await readUntilReady(child, log);
  } catch (cause) {
    cleanUp();
    throw cause;
  }
  const text = log.join('');
  return {
    host: '127.0.0.1',
    port: portAfter(text, 'Listening for client connections on'),
    monitorUrl: `http://127.0.0.1:${portAfter(text, 'Starting http monitor on')}`,
    log: () => log.join(''),
    close: async () => {
      child.kill('SIGKILL');
      await ended;
      cleanUp();
    },
  };
}

function readUntilReady(child: ChildProcess, log: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => reject(new Error(`nats-server ended early:\n${log.join('')}`)));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log.push(text);
      if (log.join('').includes('Server is ready')) resolve();
    });
  });
}

function portAfter(log: string, words: string): number {
  const found = new RegExp(`${words} 127\\.0\\.0\\.1:(\\d+)`).exec(log)?.[1];
  if (found === undefined) throw new Error(`no line "${words}" in the log:\n${log}`);
  return Number(found);
}
