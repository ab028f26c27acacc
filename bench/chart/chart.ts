// The chart for the README, drawn from the results of the macro bench.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { CaseReport } from '../macro/report.ts';
import type { Environment } from '../shared/machine.ts';
import { ROOT } from '../shared/root.ts';
import { type ChartRow, drawChart } from './svg.ts';

/** Whom the chart compares ours with. */
const REFERENCE = 'nats-server';

/** What the command line says about the chart. */
export interface ChartOptions {
  readonly isQuick: boolean;
  /** The results of another run: bench/results/NAME.json; the chart is NAME.svg then. */
  readonly resultName: string | undefined;
}

interface MacroResult {
  readonly environment: Environment;
  readonly versions: Readonly<Record<string, string>>;
  readonly effort: { readonly rounds: number };
  readonly cases: readonly CaseReport[];
}

/** Draws bench/results/chart.svg (chart-quick.svg of a quick run). Throws when there are no results to draw. */
export function runChart({ isQuick, resultName }: ChartOptions): void {
  const folder = join(ROOT, 'bench', 'results');
  const source = join(folder, `${resultName ?? (isQuick ? 'macro-quick' : 'macro')}.json`);
  if (!existsSync(source)) {
    throw new Error(`${relative(ROOT, source)} is missing: run "npm run bench -- macro" first`);
  }
  const result = JSON.parse(readFileSync(source, 'utf8')) as MacroResult;
  const rows = result.cases.flatMap(rowOf);
  if (rows.length === 0) {
    throw new Error(`${relative(ROOT, source)} has no case with ganglion and ${REFERENCE}`);
  }
  const { environment, versions, effort } = result;
  const svg = drawChart({
    title: `Ganglion beside ${REFERENCE} ${versions[REFERENCE] ?? ''}, over loopback`,
    rows,
    footer: [
      `Medians of ${effort.rounds} alternating rounds; lines reach from the lowest to the highest.`,
      `${environment.cores} × ${environment.cpu}, ${environment.os}, node ${environment.node}, ` +
        `${environment.date.slice(0, 10)}, commit ${environment.commit.slice(0, 9)}` +
        `${isQuick ? ', quick run' : ''}`,
    ],
  });
  const target = join(folder, `${resultName ?? (isQuick ? 'chart-quick' : 'chart')}.svg`);
  writeFileSync(target, svg);
  process.stdout.write(`drawn to ${relative(ROOT, target)}\n`);
}

function rowOf({ name, servers, ratios }: CaseReport): readonly ChartRow[] {
  if (servers[0]?.name !== 'ganglion') return [];
  const { messagesPerSecond, serverCpuNsPerMessage } = ratios[REFERENCE] ?? {};
  if (messagesPerSecond === undefined || serverCpuNsPerMessage === undefined) return [];
  return [{ name, speed: messagesPerSecond, cpu: serverCpuNsPerMessage }];
}
