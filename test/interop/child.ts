// Child processes of the interoperation tests: output as lines one can wait for, and an end for each of them,
// whatever the test does. A child leads a process group of its own, which is swept when it is closed and when
// this process exits; where the system has setpriv, the kernel ends the child with its parent, too.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Writable } from 'node:stream';

export interface ChildOptions {
  readonly cwd?: string;
  /** Added to the environment of this process; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child {
  readonly pid: number;
  readonly stdin: Writable;
  readonly exited: Promise<ChildExit>;
  /** Everything printed so far; both streams, as they came. */
  output(): string;
  stdout(): string;
  /** The first line of either stream, past or future, that matches; rejects when the child ends without it. */
  line(pattern: RegExp, timeoutMs?: number): Promise<string>;
  signal(name: NodeJS.Signals): void;
  /** Asks with SIGTERM, insists after 5 s, and sweeps the process group. */
  close(): Promise<ChildExit>;
}

interface Waiter {
  readonly pattern: RegExp;
  resolve(line: string): void;
  reject(error: Error): void;
}

const KILL_AFTER_MS = 5_000;
const SETPRIV = '/usr/bin/setpriv';
const living = new Set<ChildProcess>();

process.on('exit', () => {
  for (const child of living) sweep(child);
});

/** Starts a program; `onLine` sees each line of standard output. */
export function startChild(
  command: string,
  args: readonly string[],
  options: ChildOptions = {},
  onLine?: (line: string) => void,
): Child {
  const guarded = existsSync(SETPRIV);
  const child = spawn(
    guarded ? SETPRIV : command,
    guarded ? ['--pdeathsig', 'KILL', '--', command, ...args] : [...args],
    {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    },
  );
  living.add(child);
  const log = new Log(`${command} ${args.join(' ')}`);
  const exited = watchEnd(child, log);
  child.stdin.on('error', () => {});
  readLines(child.stdout, (line) => {
    onLine?.(line);
    log.add(line, true);
  });
  readLines(child.stderr, (line) => log.add(line, false));
  return {
    pid: child.pid ?? 0,
    stdin: child.stdin,
    exited,
    output: () => log.lines.join('\n'),
    stdout: () => log.stdout.join('\n'),
    line: (pattern, timeoutMs = 20_000) => log.line(pattern, timeoutMs),
    signal: (name) => {
      child.kill(name);
    },
    close: () => closeChild(child, exited),
  };
}

/** Runs a program to its end; `timeoutMs` ends it by force (its code is null then). */
export async function runChild(
  command: string,
  args: readonly string[],
  options: ChildOptions & { readonly timeoutMs?: number; readonly input?: string } = {},
): Promise<ChildExit & { readonly stdout: string; readonly output: string }> {
  const child = startChild(command, args, options);
  child.stdin.end(options.input ?? '');
  const timer = setTimeout(() => child.signal('SIGKILL'), options.timeoutMs ?? 30_000);
  const exit = await child.exited;
  clearTimeout(timer);
  return { ...exit, stdout: child.stdout(), output: child.output() };
}

class Log {
  readonly lines: string[] = [];
  readonly stdout: string[] = [];
  readonly #title: string;
  readonly #waiters = new Set<Waiter>();
  #ended: Error | undefined;

  constructor(title: string) {
    this.#title = title;
  }

  add(line: string, isStdout: boolean): void {
    this.lines.push(line);
    if (isStdout) this.stdout.push(line);
    for (const waiter of this.#waiters) if (waiter.pattern.test(line)) waiter.resolve(line);
  }

  end(reason: string): void {
    this.#ended = new Error(`${this.#title} ${reason}`);
    for (const waiter of this.#waiters) waiter.reject(this.#ended);
  }

  line(pattern: RegExp, timeoutMs: number): Promise<string> {
    const seen = this.lines.find((line) => pattern.test(line));
    if (seen !== undefined) return Promise.resolve(seen);
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        done();
        reject(new Error(`no line ${pattern}: ${error.message}\n${this.lines.join('\n')}`));
      };
      const timer = setTimeout(() => fail(new Error(`${timeoutMs} ms passed`)), timeoutMs);
      const waiter: Waiter = {
        pattern,
        resolve: (line) => {
          done();
          resolve(line);
        },
        reject: fail,
      };
      const done = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
      };
      this.#waiters.add(waiter);
      if (this.#ended !== undefined) fail(this.#ended);
    });
  }
}

function watchEnd(child: ChildProcess, log: Log): Promise<ChildExit> {
  return new Promise((resolve) => {
    child.on('error', (error) => {
      living.delete(child);
      log.end(`could not be started: ${error.message}`);
      resolve({ code: 127, signal: null });
    });
    child.on('close', (code, signal) => {
      log.end(`ended with ${signal ?? code}`);
      resolve({ code, signal });
    });
  });
}

async function closeChild(child: ChildProcess, exited: Promise<ChildExit>): Promise<ChildExit> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => sweep(child), KILL_AFTER_MS);
  const exit = await exited;
  clearTimeout(timer);
  sweep(child);
  living.delete(child);
  return exit;
}

/** Ends what is left of the child's process group. */
function sweep(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group is empty already.
  }
}

function readLines(stream: NodeJS.ReadableStream | null, onLine: (line: string) => void): void {
  let rest: string[] = [];
  stream?.setEncoding('utf8');
  stream?.on('data', (text: string) => {
    const parts = text.split('\n');
    const last = parts.pop() ?? '';
    for (const part of parts) {
      onLine(rest.join('') + part);
      rest = [];
    }
    if (last !== '') rest.push(last);
  });
  stream?.on('end', () => {
    if (rest.length > 0) onLine(rest.join(''));
  });
}
