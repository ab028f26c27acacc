// The micro bench: publishing inside one process, beside the peers. bench/README.md states the method.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readEnvironment } from '../shared/machine.ts';
import { writeResult } from '../shared/results.ts';
import { ROOT } from '../shared/root.ts';
import { type Spread, spreadOf, spreadOfRatios } from '../shared/statistics.ts';
import { formatNumber, formatTable } from '../shared/table.ts';
import { MICRO_CASES } from './cases.ts';
import type { MicroLane } from './measure.ts';

const run = promisify(execFile);

/** A case that takes longer than this has failed. */
const CASE_MS = 300_000;

const PACKAGES = ['eventemitter3', 'mitt', 'eventemitter2', 'mqemitter', 'qlobber', 'benchmark'];

/** What the command line says about the micro bench. */
export interface MicroOptions {
  readonly isQuick: boolean;
  /** Only the cases whose name it matches. */
  readonly pattern: RegExp | undefined;
  readonly rounds: number | undefined;
  /** Name of the file in bench/results/, without its ending. */
  readonly resultName: string | undefined;
}

interface MicroReport {
  readonly name: string;
  readonly contenders: readonly (MicroLane & { readonly nsPerMessage: Spread })[];
  /** By our contender and by peer: the peer's time ÷ ours, how many times as fast ours is. */
  readonly timesAsFast: Readonly<Record<string, Readonly<Record<string, Spread>>>>;
}

/** Runs it, prints the table and writes the result. Any error fails the run. */
export async function runMicro(options: MicroOptions): Promise<void> {
  const environment = readEnvironment();
  const rounds = options.rounds ?? (options.isQuick ? 1 : 7);
  const seconds = options.isQuick ? 0.05 : 0.3;
  const names = Object.keys(MICRO_CASES).filter((name) => options.pattern?.test(name) ?? true);
  const reports: MicroReport[] = [];
  for (const name of names) {
    process.stderr.write(`micro ${reports.length + 1}/${names.length}: ${name}\n`);
    reports.push(reportCase(name, await measureCase(name, rounds, seconds)));
  }
  if (reports.length === 0) return;
  const path = writeResult(options.resultName ?? (options.isQuick ? 'micro-quick' : 'micro'), {
    bench: 'micro',
    environment,
    versions: Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)])),
    effort: { rounds, seconds },
    cases: reports,
  });
  process.stdout.write(`${formatReport(reports)}\n\nwritten to ${path}\n\n`);
}

async function measureCase(
  name: string,
  rounds: number,
  seconds: number,
): Promise<readonly MicroLane[]> {
  const script = join(import.meta.dirname, 'measure.mjs');
  const { stdout } = await run(process.execPath, [script, name, String(rounds), String(seconds)], {
    timeout: CASE_MS,
    killSignal: 'SIGKILL',
  });
  return JSON.parse(stdout) as readonly MicroLane[];
}

function reportCase(name: string, lanes: readonly MicroLane[]): MicroReport {
  const peers = lanes.filter(({ isOurs }) => !isOurs);
  const compare = (ours: MicroLane): [string, Record<string, Spread>] => [
    ours.name,
    Object.fromEntries(
      peers.map((peer) => [peer.name, spreadOfRatios(peer.samples, ours.samples)]),
    ),
  ];
  return {
    name,
    contenders: lanes.map((lane) => ({ ...lane, nsPerMessage: spreadOf(lane.samples) })),
    timesAsFast: Object.fromEntries(lanes.filter(({ isOurs }) => isOurs).map(compare)),
  };
}

function formatReport(reports: readonly MicroReport[]): string {
  const lanes = reports.flatMap(({ contenders }) => contenders);
  const namesOf = (isOurs: boolean): readonly string[] => [
    ...new Set(lanes.filter((lane) => lane.isOurs === isOurs).map(({ name }) => name)),
  ];
  const [ours, peers] = [namesOf(true), namesOf(false)];
  const times = reports.map(({ name, contenders }) => [
    name,
    ...[...ours, ...peers].map((wanted) =>
      formatMedian(contenders.find((lane) => lane.name === wanted)?.nsPerMessage),
    ),
  ]);
  const ratioTables = ours.map((subject) => {
    const rows = reports.map(({ name, timesAsFast }) => [
      name,
      ...peers.map((peer) => formatSpread(timesAsFast[subject]?.[peer])),
    ]);
    return `${subject}: times as fast as\n\n${formatTable(['case', ...peers], rows)}`;
  });
  const head = ['case', ...ours, ...peers];
  return [`Nanoseconds per publish\n\n${formatTable(head, times)}`, ...ratioTables].join('\n\n');
}

function formatMedian(spread: Spread | undefined): string {
  return spread === undefined ? '' : formatNumber(spread.median);
}

function formatSpread(spread: Spread | undefined): string {
  if (spread === undefined) return '';
  return `${formatNumber(spread.median)} (${formatNumber(spread.min)}-${formatNumber(spread.max)})`;
}

function versionOf(name: string): string {
  const manifest = readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { readonly version: string }).version;
}
