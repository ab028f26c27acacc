// How late a pair's messages are at half the rate that the server reaches, and how late they are while others try wrong
// passwords, of which it has a bcrypt hash. The pair is a C program, the attackers are a process of their own: what is
// late is late because of the server.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { compileNative } from '../macro/native.ts';
import { startServer } from './process.ts';
import type { Command } from './streams.ts';

export interface HalfRateTimes {
  /** Milliseconds after a message was due, at the 99th percentile. */
  readonly alone: number;
  readonly guessed: number;
  /** Processors that were busy with neither the server nor the pair during `guessed`: with those who guess, and strangers. */
  readonly others: number;
}

/** Of `bench`, the load generator's password. */
const HASH = '$2b$11$FBhn2BXBAu4B6/S14HpCTub.5D3wwQcgULYLjeGPtdXF6gyUK6IGG';
const PAYLOAD = ['--payload', '128'];
const GUESSES_A_SECOND = 50;
/** Those who guess are elsewhere. */
const GUESSING_ADDRESS = '127.0.0.2';

const runFile = promisify(execFile);

export async function halfRateTimes(command: Command): Promise<HalfRateTimes> {
  const { loadgen } = compileNative();
  const server = await startServer([...command, '--user', 'bench', '--pass', HASH]);
  const common = ['--port', `${server.port}`, '--pid', `${server.pid}`, ...PAYLOAD];
  const measure = async (mode: string, ...flags: readonly string[]): Promise<LoadgenReport> => {
    const words = [mode, ...common, ...flags];
    return JSON.parse((await runFile(loadgen, words)).stdout);
  };
  try {
    const whole = await measure('throughput', '--subscribers', '1', '--seconds', '2');
    const rate = String(Math.round(whole.messages / whole.seconds / 2));
    const alone = await measure('paced', '--rate', rate, '--seconds', '3');
    const guessers = spawn(
      process.execPath,
      [fileURLToPath(import.meta.url), String(server.port)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    try {
      // To start a process costs the machine more than what it does then.
      await once(guessers.stdout, 'data');
      const [startMs, startIdleMs] = [performance.now(), idleMs()];
      const guessed = await measure('paced', '--rate', rate, '--seconds', '4');
      const ownMs = (guessed.serverCpuNs + guessed.loadgenCpuNs) / 1e6;
      const knownMs = idleMs() - startIdleMs + ownMs;
      if (guessers.exitCode !== null) throw new Error('those who guess have ended');
      const others = cpus().length - knownMs / (performance.now() - startMs);
      return { alone: alone.p99, guessed: guessed.p99, others };
    } finally {
      guessers.kill('SIGKILL');
    }
  } finally {
    await server.stop();
  }
}

interface LoadgenReport {
  readonly messages: number;
  readonly seconds: number;
  readonly p99: number;
  readonly serverCpuNs: number;
  readonly loadgenCpuNs: number;
}

/** How long processors have been idle, in sum. */
function idleMs(): number {
  return cpus().reduce((sum, { times }) => sum + times.idle, 0);
}

/** The guessers' process, which says when the first of them has been refused. */
function guess(port: number): void {
  let count = 0;
  let isUnderWay = false;
  setInterval(() => {
    count += 1;
    const socket = connect({ port, host: '127.0.0.1', localAddress: GUESSING_ADDRESS });
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      if (!isUnderWay && bytes.includes('-ERR')) process.stdout.write('refused\n');
      isUnderWay ||= bytes.includes('-ERR');
    });
    socket.write(`CONNECT {"verbose":false,"user":"bench","pass":"guess ${count}"}\r\nPING\r\n`);
  }, 1000 / GUESSES_A_SECOND);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) guess(Number(process.argv[2]));
