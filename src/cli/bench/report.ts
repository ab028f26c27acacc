// What the bench found: as JSON, whose shape is a promise, and as a table that fits the terminal.
import type { CaseResult, Lane, Sample } from './contender.ts';
import { type Spread, spreadOf, spreadOfRatios } from './statistics.ts';

/** Changes when the shape of the JSON does. */
const SHAPE_VERSION = 1;

/** Who a server says to be. */
export interface ServerIdentity {
  readonly url: string;
  readonly id: string;
  /** The id, unless somebody has given it a name. */
  readonly name: string;
  readonly version: string;
}

/** Where and how it was measured. */
export interface Circumstances {
  readonly ganglion: string;
  readonly runtime: string;
  readonly cpu: string;
  readonly cores: number;
  /** Over the minute before the first round; 0 where the system does not say. */
  readonly loadAverage: number;
  readonly date: string;
  readonly mode: 'in-process' | 'server';
  readonly servers: readonly ServerIdentity[];
  readonly rounds: number;
  readonly secondsPerRound: number;
}

interface LaneReport {
  readonly name: string;
  readonly operationsPerSecond: Spread;
  readonly p50Us?: Spread;
  readonly p99Us?: Spread;
  readonly samples: readonly Sample[];
}

interface CaseReport {
  readonly name: string;
  readonly contenders: readonly LaneReport[];
  /** By the name of each other contender: how many times its operations per second the first one has. */
  readonly ratios: Readonly<Record<string, Spread>>;
}

/** The results as JSON. */
export function formatJson(circumstances: Circumstances, results: readonly CaseResult[]): string {
  const cases = results.map(reportCase);
  return `${JSON.stringify({ shape: SHAPE_VERSION, ...circumstances, cases }, null, 2)}\n`;
}

/** The results for people; no line is longer than `columns`, if that can be. */
export function formatText(
  circumstances: Circumstances,
  results: readonly CaseResult[],
  columns: number,
): string {
  const { ganglion, runtime, cpu, cores, mode, servers, rounds, secondsPerRound } = circumstances;
  const cases = results.map(reportCase);
  const where =
    mode === 'in-process'
      ? ['inside this process; "vs": how many times as fast as that']
      : servers.map(formatServer);
  const what =
    mode === 'in-process' ? 'publishes (or requests)' : 'messages published (or requests)';
  return [
    `ganglion ${ganglion}, ${runtime}, ${cpu}, ${cores} cores`,
    ...where,
    `${what} per second; ${rounds === 1 ? 'one round' : `medians of ${rounds} rounds`} of ${secondsPerRound} s`,
    '',
    ...formatTable(cases, columns),
    ...warnings(circumstances),
    '',
  ].join('\n');
}

function warnings({ cores, loadAverage }: Circumstances): readonly string[] {
  if (loadAverage <= cores) return [];
  const load = loadAverage.toFixed(1);
  return [
    '',
    `busy machine (load average ${load}, ${cores} cores): measure again when it is quiet`,
  ];
}

function formatServer({ url, id, name, version }: ServerIdentity): string {
  return `${url}: version ${version}${name === id ? '' : `, ${name}`}`;
}

function reportCase({ name, lanes }: CaseResult): CaseReport {
  const [first, ...others] = lanes;
  const rates = (lane: Lane): number[] =>
    lane.samples.map(({ operations, seconds }) => operations / seconds);
  const ratios = others.map((other) => [
    other.name,
    spreadOfRatios(first === undefined ? [] : rates(first), rates(other)),
  ]);
  const contenders = lanes.map((lane) => ({
    name: lane.name,
    operationsPerSecond: spreadOf(rates(lane)),
    ...latency('p50Us', lane.samples),
    ...latency('p99Us', lane.samples),
    samples: lane.samples,
  }));
  return { name, contenders, ratios: Object.fromEntries(ratios) };
}

function latency<Key extends 'p50Us' | 'p99Us'>(
  key: Key,
  samples: readonly Sample[],
): Partial<Record<Key, Spread>> {
  const values = samples.map((sample) => sample[key]).filter((value) => value !== undefined);
  return values.length === 0 ? {} : ({ [key]: spreadOf(values) } as Record<Key, Spread>);
}

interface Layout {
  /** The rates of others than the first. */
  readonly hasOthers: boolean;
  readonly hasRanges: boolean;
}

const LAYOUTS: readonly Layout[] = [
  { hasOthers: true, hasRanges: true },
  { hasOthers: false, hasRanges: true },
  { hasOthers: false, hasRanges: false },
];

function formatTable(cases: readonly CaseReport[], columns: number): readonly string[] {
  let lines: readonly string[] = [];
  for (const layout of LAYOUTS) {
    lines = align(tableOf(cases, layout));
    if (lines.every((line) => line.length <= columns)) return lines;
  }
  return (lines[0]?.length ?? 0) <= columns ? lines : stacked(cases);
}

function tableOf(
  cases: readonly CaseReport[],
  { hasOthers, hasRanges }: Layout,
): readonly string[][] {
  const names = [...new Set(cases.flatMap(({ contenders }) => contenders.map(({ name }) => name)))];
  const shown = hasOthers ? names : names.slice(0, 1);
  const others = names.slice(1);
  const isAlone = others.length === 0;
  const hasLatency = cases.some(({ contenders }) => contenders.some(({ p50Us }) => p50Us));
  const ratio = (spread: Spread | undefined): string =>
    formatSpread(spread, hasRanges, formatRatio);
  const rate = (spread: Spread | undefined): string =>
    formatSpread(spread, hasRanges && isAlone, formatCount);
  const latencyOf = (lane: LaneReport | undefined): string =>
    lane?.p50Us === undefined || lane.p99Us === undefined
      ? ''
      : `${formatCount(lane.p50Us.median)} / ${formatCount(lane.p99Us.median)}`;
  const head = [
    'case',
    ...shown.map((name) => shorten(name)),
    ...others.map((name) => `vs ${shorten(name)}`),
    ...(hasLatency ? shown.map((name) => (isAlone ? 'p50 / p99 us' : `us, ${shorten(name)}`)) : []),
  ];
  const rows = cases.map(({ name, contenders, ratios }) => {
    const find = (wanted: string): LaneReport | undefined =>
      contenders.find((lane) => lane.name === wanted);
    return [
      name,
      ...shown.map((wanted) => rate(find(wanted)?.operationsPerSecond)),
      ...others.map((wanted) => ratio(ratios[wanted])),
      ...(hasLatency ? shown.map((wanted) => latencyOf(find(wanted))) : []),
    ];
  });
  return [head, ...rows];
}

/** A server is shown without its scheme. */
function shorten(name: string): string {
  return name.replace(/^nats:\/\//, '');
}

function align(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}

/** A line for each figure, where no table fits. */
function stacked(cases: readonly CaseReport[]): readonly string[] {
  return cases.flatMap(({ name, contenders, ratios }) => [
    name,
    ...contenders.map(
      (lane) => `  ${formatCount(lane.operationsPerSecond.median)} ${shorten(lane.name)}`,
    ),
    ...Object.entries(ratios).map(
      ([other, spread]) => `  ${formatRatio(spread.median)} vs ${shorten(other)}`,
    ),
  ]);
}

function formatSpread(
  spread: Spread | undefined,
  hasRange: boolean,
  format: (value: number) => string,
): string {
  if (spread === undefined) return '';
  const median = format(spread.median);
  return hasRange ? `${median} (${format(spread.min)}-${format(spread.max)})` : median;
}

function formatRatio(value: number): string {
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** Three digits, with k or M behind them: 1234567 is `1.23M`. */
function formatCount(value: number): string {
  if (value >= 999_500) return `${threeDigits(value / 1e6)}M`;
  return value >= 999.5 ? `${threeDigits(value / 1e3)}k` : threeDigits(value);
}

function threeDigits(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}
