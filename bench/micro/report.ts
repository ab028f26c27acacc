// The tables of the micro bench, and what its result file says of each row.

import { type Spread, spreadOf, spreadOfRatios } from '../shared/statistics.ts';
import { formatNumber, formatTable } from '../shared/table.ts';
import type { Measurement, MicroGroup, MicroLane } from './workload.ts';

/** One row with its ratios. */
export interface MicroReport {
  readonly group: MicroGroup;
  readonly name: string;
  readonly contenders: readonly (MicroLane & { readonly nsPerOperation: Spread })[];
  /** By our contender and by peer: the peer's time ÷ ours, how many times as fast ours is. */
  readonly timesAsFast: Readonly<Record<string, Readonly<Record<string, Spread>>>>;
  readonly facts: Measurement['facts'];
}

const TITLES: Readonly<Record<MicroGroup, string>> = {
  bus: 'Nanoseconds per publish',
  calls: 'Nanoseconds per call that is awaited',
  router: 'The core: nanoseconds per published message (parse, PUB) or per subject asked for',
  sublist: 'Matchers: nanoseconds per operation',
};

export function reportMeasurement(
  group: MicroGroup,
  { name, lanes, facts }: Measurement,
): MicroReport {
  const peers = lanes.filter(({ isOurs }) => !isOurs);
  const compare = (ours: MicroLane): [string, Record<string, Spread>] => [
    ours.name,
    Object.fromEntries(
      peers.map((peer) => [peer.name, spreadOfRatios(peer.samples, ours.samples)]),
    ),
  ];
  return {
    group,
    name,
    contenders: lanes.map((lane) => ({ ...lane, nsPerOperation: spreadOf(lane.samples) })),
    timesAsFast: Object.fromEntries(lanes.filter(({ isOurs }) => isOurs).map(compare)),
    facts,
  };
}

/** All tables, one after the other. */
export function formatReports(reports: readonly MicroReport[]): string {
  const groups = Object.keys(TITLES) as MicroGroup[];
  return groups
    .map((group) => reports.filter((report) => report.group === group))
    .filter((rows) => rows.length > 0)
    .map(formatGroup)
    .join('\n\n');
}

function formatGroup(reports: readonly MicroReport[]): string {
  const lanes = reports.flatMap(({ contenders }) => contenders);
  const namesOf = (isOurs: boolean): readonly string[] => [
    ...new Set(lanes.filter((lane) => lane.isOurs === isOurs).map(({ name }) => name)),
  ];
  const [ours, peers] = [namesOf(true), namesOf(false)];
  const times = reports.map(({ name, contenders }) => [
    name,
    ...[...ours, ...peers].map((wanted) =>
      formatMedian(contenders.find((lane) => lane.name === wanted)?.nsPerOperation),
    ),
  ]);
  const ratioTables = ours.map((subject) => {
    const rows = reports.map(({ name, timesAsFast }) => [
      name,
      ...peers.map((peer) => formatSpread(timesAsFast[subject]?.[peer])),
    ]);
    return `${subject}: times as fast as\n\n${formatTable(['case', ...peers], rows)}`;
  });
  const title = TITLES[reports[0]!.group];
  const table = formatTable(['case', ...ours, ...peers], times);
  return [`${title}\n\n${table}`, ...ratioTables, ...formatFacts(reports)].join('\n\n');
}

/** Figures that are not times of operations: memory, and how long it took to fill. */
function formatFacts(reports: readonly MicroReport[]): readonly string[] {
  const rows = reports.flatMap(({ name, facts }) =>
    Object.entries(facts).map(([lane, figures]) => ({ name, lane, figures })),
  );
  const kinds = [...new Set(rows.flatMap(({ figures }) => Object.keys(figures)))];
  if (kinds.length === 0) return [];
  const cells = rows.map(({ name, lane, figures }) => [
    `${name.split(':')[0]}, ${lane}`,
    ...kinds.map((kind) => (figures[kind] === undefined ? '' : formatNumber(figures[kind]))),
  ]);
  return [`Taken once\n\n${formatTable(['case', ...kinds], cells)}`];
}

function formatMedian(spread: Spread | undefined): string {
  return spread === undefined ? '' : formatNumber(spread.median);
}

function formatSpread(spread: Spread | undefined): string {
  if (spread === undefined) return '';
  return `${formatNumber(spread.median)} (${formatNumber(spread.min)}-${formatNumber(spread.max)})`;
}
