// Starting and ending the measured servers. Each runs on a leash (it dies with the bench), on a
// loopback port of its own choice that it writes into a ports file, as nats-server does.

import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readResident } from '../shared/resident.ts';

export const FOLDER = '{folder}';
const READY_MS = 15_000;
const END_MS = 5_000;
/** How long a started server is left alone before its memory at rest is read. */
const REST_MS = 300;
/** So much of the end of a log is shown. */
const LOG_BYTES = 2000;

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
  /** Of its monitoring, when the flags ask for it. */
  readonly monitorPort: number | undefined;
  readonly restKiB: number;
  /** The end of what it printed; nothing when nobody reads it. */
  log(): string;
  /** How it has ended; undefined while it runs. */
  ended(): string | undefined;
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

  /**
   * Resolves when the server accepts connections. Throws with its log when it does not. FOLDER in a flag stands for the
   * server's own folder.
   *
   * @param output where it prints to: a file, or a pipe that nobody reads
   */
  async start(
    command: ServerCommand,
    flags: readonly string[] = [],
    output: 'file' | 'unread' = 'file',
  ): Promise<RunningServer> {
    this.#started += 1;
    const folder = join(this.#folder, String(this.#started));
    mkdirSync(folder);
    const logPath = join(folder, 'log');
    const log = openSync(logPath, 'w');
    const place = ['-a', '127.0.0.1', '-p', '-1', '--ports_file_dir', folder];
    const target = output === 'file' ? log : 'pipe';
    const more = flags.map((flag) => flag.replace(FOLDER, folder));
    const child = spawn(this.#leash, [...command.words, ...place, ...more], {
      stdio: ['ignore', target, target],
    });
    closeSync(log);
    this.#children.add(child);
    child.once('close', () => this.#children.delete(child));
    child.once('error', () => this.#children.delete(child));
    const readLog = (): string => readEnd(logPath, LOG_BYTES);
    try {
      const ports = await waitForPorts(child, folder);
      await delay(REST_MS);
      const pid = child.pid!;
      return {
        command,
        pid,
        ...ports,
        restKiB: readResident(pid).nowMiB * 1024,
        log: readLog,
        ended: () => (hasEnded(child) ? howEnded(child) : undefined),
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

function howEnded({ exitCode, signalCode }: ChildProcess): string {
  return signalCode ?? `exit ${exitCode}`;
}

type Ports = Pick<RunningServer, 'port' | 'monitorPort'>;

async function waitForPorts(child: ChildProcess, folder: string): Promise<Ports> {
  const deadline = Date.now() + READY_MS;
  while (Date.now() < deadline) {
    if (hasEnded(child)) throw new Error(`it ended with ${howEnded(child)}`);
    const ports = readPorts(folder);
    if (ports !== undefined) return ports;
    await delay(10);
  }
  throw new Error(`no ports file within ${READY_MS} ms`);
}

/** What the ports file says, or undefined while there is none or a half-written one. */
function readPorts(folder: string): Ports | undefined {
  const name = readdirSync(folder).find((entry) => entry.endsWith('.ports'));
  if (name === undefined) return undefined;
  const text = readFileSync(join(folder, name), 'utf8');
  const portOf = (scheme: string): number | undefined => {
    const found = new RegExp(`"${scheme}://[^"]*:(\\d+)"`).exec(text);
    return found === null ? undefined : Number(found[1]);
  };
  const port = portOf('nats');
  // Half a file may lack the second one: a whole one ends in a brace.
  if (port === undefined || !text.trimEnd().endsWith('}')) return undefined;
  return { port, monitorPort: portOf('http') };
}

/** The last bytes of a file that may be large. */
function readEnd(path: string, bytes: number): string {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(bytes);
    const start = Math.max(0, fstatSync(file).size - bytes);
    return buffer.toString('utf8', 0, readSync(file, buffer, 0, bytes, start));
  } finally {
    closeSync(file);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.kill('SIGTERM');
  const impatience = setTimeout(() => child.kill('SIGKILL'), END_MS);
  await ended;
  clearTimeout(impatience);
}
