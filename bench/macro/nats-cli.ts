// A second opinion: `nats bench` of the nats command line against the same servers, in turn, as our own macro
// bench has them. Its clients are nats.go's; they, not the server, are often what limits a case.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { firstLine } from '../shared/machine.ts';
import type { Sample } from './rounds.ts';
import type { RunningServer } from './servers.ts';

const run = promisify(execFile);

/** A case that takes longer has failed: messages were lost, or the server hangs. */
const CASE_MS = 60_000;
/** How long after its first line a subscriber or responder is sure to have subscribed. */
const SETTLE_MS = 300;

/** One case, as flags of `nats bench`. */
export interface NatsBenchCase {
  readonly name: string;
  readonly payloadLen: number;
  readonly messages: number;
  /** Subscribers, or for requests requesters. */
  readonly clients: number;
  readonly mode: 'pub' | 'pub-sub' | 'request';
}

/** All cases; a quick run sends a tenth. */
export const NATS_BENCH_CASES: readonly NatsBenchCase[] = [
  { name: 'nats bench pub 128 B', payloadLen: 128, messages: 2_000_000, clients: 0, mode: 'pub' },
  pubSub('nats bench 1-1 16 B', 16, 1, 2_000_000),
  pubSub('nats bench 1-1 128 B', 128, 1, 1_000_000),
  pubSub('nats bench 1-1 1 KiB', 1024, 1, 400_000),
  pubSub('nats bench 1-5 128 B', 128, 5, 300_000),
  { ...requests('nats bench request, 1 client', 1), messages: 10_000 },
  requests('nats bench request, 50 clients', 50),
];

function pubSub(
  name: string,
  payloadLen: number,
  clients: number,
  messages: number,
): NatsBenchCase {
  return { name, payloadLen, messages, clients, mode: 'pub-sub' };
}

function requests(name: string, clients: number): NatsBenchCase {
  return { name, payloadLen: 16, messages: 50_000, clients, mode: 'request' };
}

/** The nats command line on the PATH or in ~/go/bin, and its version. */
export interface NatsCli {
  readonly path: string;
  readonly version: string;
}

/** Finds the nats command line, or returns undefined. */
export function findNatsCli(): NatsCli | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), join(homedir(), 'go', 'bin')];
  for (const folder of folders) {
    const path = join(folder, 'nats');
    if (folder === '' || !existsSync(path)) continue;
    const version = firstLine(path, ['--version']);
    if (version !== undefined) return { path, version };
  }
  return undefined;
}

/** Runs one case once against one server. Throws when it does not end by itself. */
export async function measureByCli(
  cli: NatsCli,
  server: RunningServer,
  natsCase: NatsBenchCase,
): Promise<Sample> {
  const folder = mkdtempSync(join(tmpdir(), 'ganglion-nats-bench-'));
  const cpuBefore = cpuNs(server.pid);
  try {
    const csv = join(folder, 'figures.csv');
    await runCommands(cli, server, natsCase, csv);
    const rows = readCsv(csv);
    return {
      messages: natsCase.messages,
      deliveries: natsCase.messages * Math.max(1, natsCase.clients),
      seconds: natsCase.messages / ratePerSecond(rows, natsCase),
      serverCpuNs: cpuNs(server.pid) - cpuBefore,
      rssKib: statusKib(server.pid, 'VmRSS'),
      peakRssKib: statusKib(server.pid, 'VmHWM'),
      ...(natsCase.mode === 'request' ? latencies(rows) : {}),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runCommands(
  cli: NatsCli,
  { port }: RunningServer,
  { mode, clients, messages, payloadLen }: NatsBenchCase,
  csv: string,
): Promise<void> {
  const common = [
    ...['--server', `nats://127.0.0.1:${port}`, '--no-context', '--no-progress'],
    ...['--size', `${payloadLen}B`, '--msgs', String(messages)],
  ];
  const bench = (...words: string[]): Promise<unknown> =>
    run(cli.path, ['bench', ...words, ...common], { timeout: CASE_MS, killSignal: 'SIGKILL' });
  if (mode === 'pub') {
    await bench('pub', 'bench.cli', '--csv', csv);
    return;
  }
  const other =
    mode === 'pub-sub'
      ? ['sub', 'bench.cli', '--clients', String(clients), '--csv', csv]
      : ['service', 'serve', 'bench.cli'];
  await using partner = await startPartner(cli.path, ['bench', ...other, ...common]);
  if (mode === 'request') {
    await bench('service', 'request', 'bench.cli', '--clients', String(clients), '--csv', csv);
    return;
  }
  await bench('pub', 'bench.cli');
  await partner.ended();
}

interface Partner extends AsyncDisposable {
  /** Resolves when it has ended well. */
  ended(): Promise<void>;
}

/** The subscriber or responder of a case, ready to get messages. */
async function startPartner(path: string, words: readonly string[]): Promise<Partner> {
  const child: ChildProcess = spawn(path, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const started = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (bytes) => {
        output += bytes;
        resolve();
      });
    }
  });
  const exit = new Promise<number | null>((resolve) => {
    child.once('close', resolve);
    child.once('error', () => resolve(null));
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), CASE_MS);
  await Promise.race([started, exit]);
  await delay(SETTLE_MS);
  return {
    ended: async () => {
      const code = await exit;
      if (code !== 0) throw new Error(`nats ${words.join(' ')} ended with ${code}: ${output}`);
    },
    [Symbol.asyncDispose]: async () => {
      clearTimeout(limit);
      child.kill('SIGKILL');
      await exit;
    },
  };
}

type Row = Readonly<Record<string, string>>;

/** A line for each client. Columns are found by name, so that another version may have more. */
function readCsv(path: string): readonly Row[] {
  const [head = '', ...lines] = readFileSync(path, 'utf8').trim().split('\n');
  const names = head.replace(/^#/, '').split(',');
  return lines.map((line) => {
    const cells = line.split(',');
    return Object.fromEntries(names.map((name, column) => [name, cells[column] ?? '']));
  });
}

/** Of messages as published, so subscribers, who each get all of them, count as one. */
function ratePerSecond(rows: readonly Row[], { mode }: NatsBenchCase): number {
  const rates = rows.map(({ MsgsPerSec }) => Number(MsgsPerSec));
  const total = rates.reduce((sum, rate) => sum + rate, 0);
  const rate = mode === 'pub-sub' ? total / rates.length : total;
  if (!(rate > 0)) throw new Error('nats bench has written no MsgsPerSec');
  return rate;
}

/** The middle client's, in microseconds. */
function latencies(rows: readonly Row[]): Pick<Sample, 'p50Us' | 'p90Us' | 'p99Us'> {
  const middle = (column: string): number => {
    const sorted = rows.map((row) => Number(row[column])).sort((a, b) => a - b);
    return sorted[sorted.length >> 1] ?? Number.NaN;
  };
  return {
    p50Us: middle('P50LatencyMicroSecs'),
    p90Us: middle('P90LatencyMicroSecs'),
    p99Us: middle('P99LatencyMicroSecs'),
  };
}

/** On-CPU time of all threads of a process so far. */
function cpuNs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce((sum, thread) => {
    return sum + Number(readThread(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]);
  }, 0);
}

/** Of a thread that has ended meanwhile: nothing. */
function readThread(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '0';
  }
}

function statusKib(pid: number, field: string): number {
  const found = new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(
    readFileSync(`/proc/${pid}/status`, 'utf8'),
  );
  return Number(found?.[1] ?? 0);
}
