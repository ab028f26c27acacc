// From rounds to figures: medians with their range for each server, and the ratios of the first
// server to each other one, taken round by round.

import { type Spread, spreadOf, spreadOfRatios } from '../shared/statistics.ts';
import { formatCount, formatNumber, formatTable } from '../shared/table.ts';
import type { Sample, ServerRounds } from './rounds.ts';

/** The figures that a sample yields, each a number per round. */
const MEASURES = {
  messagesPerSecond: (sample: Sample): number => sample.messages / sample.seconds,
  serverCpuNsPerMessage: (sample: Sample): number => sample.serverCpuNs / sample.messages,
  /** 1: the load generator's thread was never idle, and may have been the bottleneck. */
  loadgenBusy: (sample: Sample): number =>
    (sample.loadgenCpuNs ?? Number.NaN) / 1e9 / sample.seconds,
  rssMiB: (sample: Sample): number => sample.rssKib / 1024,
  peakRssMiB: (sample: Sample): number => sample.peakRssKib / 1024,
  p50Us: (sample: Sample): number => sample.p50Us ?? Number.NaN,
  p90Us: (sample: Sample): number => sample.p90Us ?? Number.NaN,
  p99Us: (sample: Sample): number => sample.p99Us ?? Number.NaN,
} as const;

/** The name of a figure. */
export type Measure = keyof typeof MEASURES;

/** What is known of one server in one case. */
export interface ServerReport {
  readonly name: string;
  readonly restMiB: number;
  readonly failure?: string;
  readonly figures: Partial<Record<Measure, Spread>>;
  readonly samples: readonly Sample[];
}

/** What is known of one case. */
export interface CaseReport {
  readonly name: string;
  readonly servers: readonly ServerReport[];
  /** First server ÷ the named one, per figure. */
  readonly ratios: Readonly<Record<string, Partial<Record<Measure, Spread>>>>;
}

/** Whether some server failed in some case. */
export function hasFailure(cases: readonly CaseReport[]): boolean {
  return cases.some(({ servers }) => servers.some(({ failure }) => failure !== undefined));
}

/** Computes the figures of one case. */
export function reportCase(name: string, servers: readonly ServerRounds[]): CaseReport {
  const [subject, ...others] = servers;
  const ratios: Record<string, Partial<Record<Measure, Spread>>> = {};
  for (const other of others) {
    if (subject === undefined) continue;
    ratios[other.name] = figuresOf((measure) => {
      const a = valuesOf(subject, measure);
      const b = valuesOf(other, measure);
      return a.length > 0 && b.length > 0 ? spreadOfRatios(a, b) : undefined;
    });
  }
  return { name, servers: servers.map(reportServer), ratios };
}

function reportServer(server: ServerRounds): ServerReport {
  return {
    name: server.name,
    restMiB: server.restKib / 1024,
    ...(server.failure === undefined ? {} : { failure: server.failure }),
    figures: figuresOf((measure) => {
      const values = valuesOf(server, measure);
      return values.length > 0 ? spreadOf(values) : undefined;
    }),
    samples: server.samples,
  };
}

function valuesOf(server: ServerRounds, measure: Measure): readonly number[] {
  return server.samples.map(MEASURES[measure]).filter((value) => Number.isFinite(value));
}

function figuresOf(
  compute: (measure: Measure) => Spread | undefined,
): Partial<Record<Measure, Spread>> {
  const figures: Partial<Record<Measure, Spread>> = {};
  for (const measure of Object.keys(MEASURES) as Measure[]) {
    const spread = compute(measure);
    if (spread !== undefined) figures[measure] = spread;
  }
  return figures;
}

const TABLES: readonly (readonly [title: string, measure: Measure])[] = [
  ['Messages per second (published)', 'messagesPerSecond'],
  ['Server CPU per message, ns', 'serverCpuNsPerMessage'],
  ['Memory after a round, MiB', 'rssMiB'],
  ['Memory at its peak, MiB', 'peakRssMiB'],
  ['Latency p50, us', 'p50Us'],
  ['Latency p99, us', 'p99Us'],
  ['Load generator busy (1: never idle)', 'loadgenBusy'],
];

/** All tables as text: a column for each server and, behind it, the first server's ratio to it. */
export function formatReport(cases: readonly CaseReport[]): string {
  const names = [...new Set(cases.flatMap((report) => report.servers.map(({ name }) => name)))];
  const tables = TABLES.map(([title, measure]) => formatMeasure(title, measure, cases, names));
  return [...tables, formatRest(cases, names), formatFailures(cases)]
    .filter((text) => text !== '')
    .join('\n\n');
}

function formatRest(cases: readonly CaseReport[], names: readonly string[]): string {
  const rests = names.map((name) => {
    const values = cases
      .flatMap(({ servers }) => servers)
      .filter((server) => server.name === name && server.restMiB > 0)
      .map(({ restMiB }) => restMiB);
    return `${name} ${values.length > 0 ? formatNumber(spreadOf(values).median) : '-'}`;
  });
  return `Memory at rest, MiB: ${rests.join(', ')}`;
}

function formatMeasure(
  title: string,
  measure: Measure,
  cases: readonly CaseReport[],
  names: readonly string[],
): string {
  const [subject, ...others] = names;
  const hasRatios = measure !== 'loadgenBusy';
  const rows = cases
    .filter((report) => report.servers.some((server) => server.figures[measure] !== undefined))
    .map((report) => [
      report.name,
      ...names.map((name) => formatFigure(report, name, measure)),
      ...(hasRatios ? others.map((name) => formatRatio(report.ratios[name]?.[measure])) : []),
    ]);
  if (rows.length === 0) return '';
  const ratioTitles = hasRatios ? others.map((name) => `${subject} / ${name}`) : [];
  return `${title}\n\n${formatTable(['case', ...names, ...ratioTitles], rows)}`;
}

function formatFigure(report: CaseReport, name: string, measure: Measure): string {
  const server = report.servers.find((candidate) => candidate.name === name);
  const spread = server?.figures[measure];
  if (spread === undefined) return server?.failure === undefined ? '' : 'failed';
  return measure === 'messagesPerSecond' ? formatCount(spread.median) : formatNumber(spread.median);
}

function formatRatio(spread: Spread | undefined): string {
  if (spread === undefined) return '';
  const [median, min, max] = [spread.median, spread.min, spread.max].map(formatNumber);
  return `${median} (${min}-${max})`;
}

function formatFailures(cases: readonly CaseReport[]): string {
  const lines = cases.flatMap((report) =>
    report.servers
      .filter((server) => server.failure !== undefined)
      .map((server) => `${report.name}, ${server.name}: ${server.failure}`),
  );
  return lines.length === 0 ? '' : `Failures\n\n${lines.join('\n')}`;
}
