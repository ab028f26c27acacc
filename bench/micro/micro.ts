// The micro bench: what happens inside one process, beside the peers and beside a router in JavaScript.
// bench/README.md states the method.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readEnvironment } from '../shared/machine.ts';
import { writeResult } from '../shared/results.ts';
import { ROOT } from '../shared/root.ts';
import { formatJudgements } from '../shared/targets.ts';
import { MICRO_CASES } from './cases.ts';
import { formatReports, type MicroReport, reportMeasurement } from './report.ts';
import { judgeMicro } from './targets.ts';
import type { Measurement } from './workload.ts';

const run = promisify(execFile);

/** A case that takes longer than this has failed. */
const CASE_MS = 300_000;

const PACKAGES = [
  'eventemitter3',
  'mitt',
  'eventemitter2',
  'emittery',
  'mqemitter',
  'qlobber',
  'benchmark',
];

/** What the command line says about the micro bench. */
export interface MicroOptions {
  readonly isQuick: boolean;
  /** Only the cases whose name it matches. */
  readonly pattern: RegExp | undefined;
  readonly rounds: number | undefined;
  /** Name of the file in bench/results/, without its ending. */
  readonly resultName: string | undefined;
}

/** Runs it, prints the tables and writes the result. Any error fails the run. */
export async function runMicro(options: MicroOptions): Promise<void> {
  const environment = readEnvironment();
  const rounds = options.rounds ?? (options.isQuick ? 1 : 7);
  const seconds = options.isQuick ? 0.05 : 0.25;
  const names = Object.keys(MICRO_CASES).filter((name) => options.pattern?.test(name) ?? true);
  if (names.length === 0) return;
  if (names.some((name) => name.startsWith('parse'))) await buildParser();
  const reports: MicroReport[] = [];
  for (const [index, name] of names.entries()) {
    process.stderr.write(`micro ${index + 1}/${names.length}: ${name}\n`);
    const { group } = MICRO_CASES[name]!;
    const measured = await measureCase(name, rounds, seconds);
    reports.push(...measured.map((row) => reportMeasurement(group, row)));
  }
  const targets = judgeMicro(reports);
  const path = writeResult(options.resultName ?? (options.isQuick ? 'micro-quick' : 'micro'), {
    bench: 'micro',
    environment,
    versions: Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)])),
    effort: { rounds, seconds },
    cases: reports,
    targets,
  });
  const parts = [formatReports(reports), formatJudgements(targets), `written to ${path}`];
  process.stdout.write(`${parts.filter((part) => part !== '').join('\n\n')}\n\n`);
}

async function measureCase(
  name: string,
  rounds: number,
  seconds: number,
): Promise<readonly Measurement[]> {
  const script = join(import.meta.dirname, 'measure.mjs');
  const flags = ['--expose-gc', script, name, String(rounds), String(seconds)];
  const { stdout } = await run(process.execPath, flags, {
    timeout: CASE_MS,
    killSignal: 'SIGKILL',
    maxBuffer: 16 << 20,
  });
  return JSON.parse(stdout) as readonly Measurement[];
}

/** The release build with the parser's own door beside the others: what ships cannot parse alone. */
async function buildParser(): Promise<void> {
  const { PARSER_WASM } = await import('./wasm-router.ts');
  const asc = join(ROOT, 'node_modules', 'assemblyscript', 'bin', 'asc.js');
  const target = ['--target', 'release', '--textFile', `${PARSER_WASM}.wat`];
  await run(process.execPath, [asc, 'assembly/testing.ts', ...target, '--outFile', PARSER_WASM], {
    cwd: ROOT,
  });
}

function versionOf(name: string): string {
  const manifest = readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { readonly version: string }).version;
}
