// Child processes of the measures: one that ends by itself, and a server that says when it is ready.

import { spawn } from 'node:child_process';
import { ROOT } from '../shared/root.ts';

/** A process that takes longer has failed. */
const LIMIT_MS = 120_000;
/** More certificates, which a machine may have each Node read before it does anything: 40 ms that are no server's. */
const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;

const running = new Set<number>();
process.on('exit', () => {
  for (const pid of running) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
});

/** A server that serves. Whoever started it stops it. */
export interface MeasuredServer {
  readonly pid: number;
  readonly port: number;
  /** From the call that started it until it said to be ready. */
  readonly readyMs: number;
  stop(): Promise<void>;
}

/** What a process has printed when it has ended, and how long that took. */
export interface Finished {
  readonly stdout: string;
  readonly ms: number;
}

/** Runs node to its end. Throws with what it printed when that is no good one. */
export function runNode(args: readonly string[]): Promise<Finished> {
  const startMs = performance.now();
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: [...stdio] });
  const { pid = 0 } = child;
  running.add(pid);
  const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  let stdout = '';
  child.stdout.on('data', (bytes) => {
    stdout += bytes;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(limit);
      running.delete(pid);
      if (code === 0) resolve({ stdout, ms: performance.now() - startMs });
      else reject(new Error(`node ${args.join(' ')} ended with ${code}`));
    });
  });
}

const READY = 'Server is ready';
const PORT = /Listening for client connections on \S+:(\d+)/;

/** Starts a server that logs as nats-server does, on a free loopback port. */
export function startServer(command: readonly string[]): Promise<MeasuredServer> {
  const [path = '', ...args] = [...command, '-a', '127.0.0.1', '-p', '-1'];
  const startMs = performance.now();
  const child = spawn(path, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const { pid = 0 } = child;
  running.add(pid);
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      running.delete(pid);
      resolve();
    });
  });
  const stop = (): Promise<void> => {
    child.kill('SIGTERM');
    return ended;
  };
  let log = '';
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    void ended.then(() => reject(new Error(`${path} ended before it was ready:\n${log}`)));
    child.stderr.on('data', (bytes) => {
      const readyMs = performance.now() - startMs;
      const wasReady = log.includes(READY);
      log += bytes;
      if (wasReady || !log.includes(READY)) return;
      resolve({ pid, port: Number(PORT.exec(log)?.[1]), readyMs, stop });
    });
  });
}
