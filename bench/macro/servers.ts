// Starting and ending the measured servers. Each runs on a leash (it dies with the bench), on a
// loopback port of its own choice that it writes into a ports file, as nats-server does.

import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const READY_MS = 15_000;
const END_MS = 5_000;
/** How long a started server is left alone before its memory at rest is read. */
const REST_MS = 300;

/** How to start a server: a command that takes nats-server's flags. */
export interface ServerCommand {
  readonly name: string;
  readonly words: readonly string[];
  readonly version: string;
  /** It forwards bytes and does not know the protocol. */
  readonly isRelay: boolean;
}

/** A server that accepts connections. Whoever started it stops it. */
export interface RunningServer {
  readonly command: ServerCommand;
  readonly pid: number;
  readonly port: number;
  readonly restKiB: number;
  /** The end of what it printed. */
  log(): string;
  stop(): Promise<void>;
}

/** Starts servers, keeps their files in one folder, and ends whatever still runs. */
export class ServerYard {
  readonly #leash: string;
  readonly #folder: string = mkdtempSync(join(tmpdir(), 'ganglion-bench-'));
  readonly #children: Set<ChildProcess> = new Set();
  #started = 0;

  constructor(leash: string) {
    this.#leash = leash;
  }

  /** Resolves when the server accepts connections. Throws with its log when it does not. */
  async start(command: ServerCommand, flags: readonly string[] = []): Promise<RunningServer> {
    this.#started += 1;
    const folder = join(this.#folder, String(this.#started));
    mkdirSync(folder);
    const logPath = join(folder, 'log');
    const log = openSync(logPath, 'w');
    const place = ['-a', '127.0.0.1', '-p', '-1', '--ports_file_dir', folder];
    const child = spawn(this.#leash, [...command.words, ...place, ...flags], {
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.#children.add(child);
    child.once('close', () => this.#children.delete(child));
    child.once('error', () => this.#children.delete(child));
    const readLog = (): string => readFileSync(logPath, 'utf8').slice(-2000);
    try {
      const port = await waitForPort(child, folder);
      await delay(REST_MS);
      const pid = child.pid!;
      return {
        command,
        pid,
        port,
        restKiB: residentKiB(pid),
        log: readLog,
        stop: () => end(child),
      };
    } catch (cause) {
      await end(child);
      throw new Error(`${command.name} did not start: ${String(cause)}\n${readLog()}`);
    }
  }

  /** Ends all processes at once, without waiting, and removes the files. */
  close(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Gives `use` a yard, and closes it however that ends: also when the process exits meanwhile. */
export async function withYard(
  leash: string,
  use: (yard: ServerYard) => Promise<void>,
): Promise<void> {
  const yard = new ServerYard(leash);
  const cleanUp = (): void => yard.close();
  process.once('exit', cleanUp);
  try {
    await use(yard);
  } finally {
    process.removeListener('exit', cleanUp);
    cleanUp();
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

async function waitForPort(child: ChildProcess, folder: string): Promise<number> {
  const deadline = Date.now() + READY_MS;
  while (Date.now() < deadline) {
    if (hasEnded(child)) throw new Error(`it ended with ${child.exitCode ?? child.signalCode}`);
    const port = readPort(folder);
    if (port !== undefined) return port;
    await delay(10);
  }
  throw new Error(`no ports file within ${READY_MS} ms`);
}

/** The client port of the ports file, or undefined while there is none or a half-written one. */
function readPort(folder: string): number | undefined {
  const name = readdirSync(folder).find((entry) => entry.endsWith('.ports'));
  if (name === undefined) return undefined;
  const found = /"nats:\/\/[^"]*:(\d+)"/.exec(readFileSync(join(folder, name), 'utf8'));
  return found === null ? undefined : Number(found[1]);
}

function residentKiB(pid: number): number {
  const found = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(found?.[1] ?? 0);
}

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.kill('SIGTERM');
  const impatience = setTimeout(() => child.kill('SIGKILL'), END_MS);
  await ended;
  clearTimeout(impatience);
}
