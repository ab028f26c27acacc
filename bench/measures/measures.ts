// Figures that are no rates: how much memory, how soon, how small. Each is taken in processes of its own; what is
// a difference or stands beside a peer is taken in alternating rounds.

import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { readEnvironment } from '../shared/machine.ts';
import { readResident } from '../shared/resident.ts';
import { writeResult } from '../shared/results.ts';
import { ROOT } from '../shared/root.ts';
import { type Spread, spreadOf } from '../shared/statistics.ts';
import { formatNumber, formatTable } from '../shared/table.ts';
import { formatJudgements, type Judgement, judge, type Target } from '../shared/targets.ts';
import { halfRateTimes } from './half-rate.ts';
import { pingTimes, type Way } from './pings.ts';
import { runNode, startServer } from './process.ts';
import { type Before, startedMs } from './starts.ts';
import { type FileStoreFigure, fileStoreFigure, type StoreFigure, storeFigure } from './stores.ts';
import { type Command, narrowTimes, publishNs, storedBytes } from './streams.ts';
import { accountBytes, serverBytes, sublistBytes } from './subscriptions.ts';

/** What the command line says about the measures. */
export interface MeasuresOptions {
  readonly isQuick: boolean;
  /** Only the measures whose name it matches. */
  readonly pattern: RegExp | undefined;
  readonly rounds: number | undefined;
  /** Name of the file in bench/results/, without its ending. */
  readonly resultName: string | undefined;
}

/** One measure: what is taken in a round, of us and for comparison. */
interface Measure {
  readonly name: string;
  readonly unit: string;
  /** Undefined: for the reader's information. */
  readonly atMost: number | undefined;
  /** Rounds of a full run. */
  readonly rounds: number;
  take(): Promise<number>;
}

const DIST = join(ROOT, 'dist');
const OURS: readonly string[] = [process.execPath, join(DIST, 'cli.cjs')];
/** A server that has been idle for so long is at rest. */
const REST_MS = 1000;

/** What nats.js's own test suite starts each of its servers from. */
const SUITE_FILE = join(ROOT, 'bench', 'measures', 'suite.conf');

const REFERENCE = findReference();

/** What a store on disk takes, which one in memory stands beside. */
const FILE_STORES: readonly (readonly [string, string, FileStoreFigure])[] = [
  ['storing, 1,024 a turn', 'ns', 'append ns'],
  ['memory a message', 'B', 'memory bytes'],
  ['storing, one a turn', 'ns', 'append one ns'],
  ['storing, 1,024 a turn, synced always', 'ns', 'append always ns'],
  ['reading one after the other', 'ns', 'read ns'],
  ['reading here and there', 'ns', 'jump ns'],
  ['opening after a kill', 'ms', 'open ms'],
  ['opening after a clean end', 'ms', 'open closed ms'],
];

const MEASURES: readonly Measure[] = [
  ...eachServer('idle server', 'MiB', 70, 5, idleMiB),
  {
    name: 'bytes a subscription at 1M, matcher',
    unit: 'B',
    atMost: 300,
    rounds: 1,
    take: () => sublistBytes(doorUrl('sublist.mjs')),
  },
  ...eachServer('bytes a subscription at 1M, server', 'B', 300, 3, serverBytes),
  {
    name: 'bytes an account of 10 subscriptions, at 10,000',
    unit: 'B',
    atMost: undefined,
    rounds: 3,
    take: () => accountBytes(doorUrl('index.mjs')),
  },
  {
    name: 'the bin to ready, above node',
    unit: 'ms',
    atMost: 65,
    rounds: 15,
    take: () => startMs(),
  },
  {
    name: "the bin to ready from a suite's file, above node",
    unit: 'ms',
    atMost: 100,
    rounds: 15,
    take: () => startMs(['-c', SUITE_FILE]),
  },
  { name: 'import and createBus()', unit: 'ms', atMost: 15, rounds: 15, take: importMs },
  { name: 'require and createBus()', unit: 'ms', atMost: 15, rounds: 15, take: requireMs },
  ...eachStore('bytes a stored message beyond 128 B, 1,000 subjects', 'B', 48, 'message bytes'),
  ...eachStore('bytes a stored subject beside its text, at 1M', 'B', 160, 'subject bytes'),
  ...eachStore('storing a message of 128 B, at 5M', 'ns', 667, 'append ns'),
  ...eachStore('reading one after the other, at 5M', 'ns', 500, 'read ns'),
  ...eachStore('longest pause of storing 5M and turning 1M over', 'ms', 20, 'pause ms'),
  ...eachStore('5,000 left of 5M, beyond twice their bytes', 'MiB', 8, 'sparse MiB'),
  ...FILE_STORES.map(([name, unit, figure]) => ({
    name: `on disk, 1M of 128 B: ${name}`,
    unit,
    atMost: undefined,
    rounds: 3,
    take: () => fileStoreFigure(figure),
  })),
  ...eachStart({ isKilled: true, isWithin: true }, 1),
  ...eachStart({ isKilled: true, isWithin: false }, 1),
  ...eachStart({ isKilled: false, isWithin: true }, 0.5),
  ...eachStart({ isKilled: false, isWithin: false }, undefined),
  ...eachStream(),
  ...eachPing('push', 'while 200 MB are pushed to another'),
  ...eachPing('pull', 'while another pulls 1M of 200 B'),
  ...eachHalfRate(),
  { name: 'root door, minified and gzipped', unit: 'kB', atMost: 41, rounds: 1, take: doorKb },
];

/** Names of all measures. */
export const MEASURE_NAMES: readonly string[] = MEASURES.map(({ name }) => name);

/** Takes them all, prints them beside their targets and writes the result. */
export async function runMeasures(options: MeasuresOptions): Promise<void> {
  const measures = MEASURES.filter(({ name }) => options.pattern?.test(name) ?? true);
  if (measures.length === 0) return;
  if (!existsSync(join(DIST, 'cli.cjs'))) {
    throw new Error(`${DIST} is missing: run "npm run build" first`);
  }
  const environment = readEnvironment();
  const samples = new Map<string, number[]>(measures.map(({ name }) => [name, []]));
  const roundsOf = ({ rounds }: Measure): number =>
    options.isQuick ? Math.ceil(rounds / 5) : Math.min(options.rounds ?? rounds, rounds);
  const most = Math.max(...measures.map(roundsOf));
  for (let round = 0; round < most; round += 1) {
    const order = round % 2 === 0 ? measures : [...measures].reverse();
    for (const measure of order) {
      if (round >= roundsOf(measure)) continue;
      process.stderr.write(`measures, round ${round + 1}/${most}: ${measure.name}\n`);
      samples.get(measure.name)?.push(await measure.take());
    }
  }
  const spreads = new Map([...samples].map(([name, values]) => [name, spreadOf(values)]));
  const targets = judgements(measures, spreads);
  const path = writeResult(
    options.resultName ?? (options.isQuick ? 'measures-quick' : 'measures'),
    {
      bench: 'measures',
      environment,
      targets,
      measures: measures.map(({ name, unit }) => ({
        name,
        unit,
        ...spreads.get(name),
        samples: samples.get(name),
      })),
    },
  );
  const parts = [formatPlain(measures, spreads), formatJudgements(targets), `written to ${path}`];
  process.stdout.write(`${parts.filter((part) => part !== '').join('\n\n')}\n\n`);
}

function judgements(
  measures: readonly Measure[],
  spreads: ReadonlyMap<string, Spread>,
): readonly Judgement[] {
  return measures.flatMap(({ name, unit, atMost }) => {
    if (atMost === undefined) return [];
    const target: Target = { what: name, bound: 'at most', limit: atMost, unit };
    return [judge(target, spreads.get(name))];
  });
}

/** What has no target: the reference's figures. */
function formatPlain(measures: readonly Measure[], spreads: ReadonlyMap<string, Spread>): string {
  const rows = measures.flatMap(({ name, unit, atMost }) => {
    const spread = spreads.get(name);
    if (atMost !== undefined || spread === undefined) return [];
    const [median, min, max] = [spread.median, spread.min, spread.max].map(formatNumber);
    return [[name, `${median} ${unit} (${min}-${max})`]];
  });
  return rows.length === 0 ? '' : `For comparison\n\n${formatTable(['measure', 'measured'], rows)}`;
}

/** The measure of our server, and the same of nats-server where it is found. */
function eachServer(
  name: string,
  unit: string,
  atMost: number,
  rounds: number,
  take: (command: readonly string[]) => Promise<number>,
): readonly Measure[] {
  const ours: Measure = { name, unit, atMost, rounds, take: () => take(OURS) };
  if (REFERENCE === undefined) return [ours];
  const command = [REFERENCE];
  const theirs = { name: `${name} (nats-server)`, unit, rounds, take: () => take(command) };
  return [ours, { ...theirs, atMost: undefined }];
}

/** A measure of the store of messages, and the same of objects in a Map. */
function eachStore(
  name: string,
  unit: string,
  atMost: number,
  figure: StoreFigure,
): readonly Measure[] {
  const take = (): Promise<number> => storeFigure('store', figure);
  const theirs = { name: `${name} (Map of objects)`, unit, atMost: undefined, rounds: 1 };
  return [
    { name, unit, atMost, rounds: 3, take },
    { ...theirs, take: () => storeFigure('objects', figure) },
  ];
}

/** Streams of our server, and of nats-server where it is found: the ratio is what has a target. */
function eachStream(): readonly Measure[] {
  const crowd = inRounds(async () => [await publishNs(OURS, 10_000), await publishNs(OURS, 1)]);
  const crowded = 'ns a publish beside 10,000 consumers of other subjects / beside one';
  const alone: Measure = {
    name: crowded,
    unit: 'x',
    atMost: 1.2,
    rounds: 3,
    take: crowd(([many = 0, one = 0]) => many / one),
  };
  const spread = inRounds(async () => [
    await publishNs(OURS, 10_000, 10_000),
    await publishNs(OURS, 1, 10_000),
  ]);
  const each: Measure = {
    name: 'ns a publish on 10,000 subjects, each of another consumer / one of a consumer',
    unit: 'x',
    atMost: undefined,
    rounds: 3,
    take: spread(([many = 0, one = 0]) => many / one),
  };
  if (REFERENCE === undefined) return [alone, each];
  const reference = [REFERENCE];
  const both = <T>(take: (command: Command) => Promise<T>): (() => Promise<readonly [T, T]>) => {
    return async () => [await take(OURS), await take(reference)];
  };
  const bytes = inRounds(both(storedBytes));
  const times = inRounds(both(narrowTimes));
  const among = 'among 1M subjects';
  return [
    ...compared('bytes a message in a stream of 1M beyond 128 B', 'B', 0.25, bytes, (b) => b),
    ...compared(`create a consumer of 1,000, ${among}`, 'ms', 2, times, (t) => t.create),
    ...compared(`the last message of 1,000, ${among}`, 'ms', 2, times, (t) => t.last),
    ...compared(`count 1,000, ${among}`, 'ms', 2, times, (t) => t.count),
    ...compared(`purge 1,000, ${among}`, 'ms', 2, times, (t) => t.purge),
    alone,
    each,
  ];
}

/** A start with a stream on disk, of our server and of nats-server where it is found. */
function eachStart(before: Before, ratioMost: number | undefined): readonly Measure[] {
  const end = before.isKilled ? 'a kill' : 'a clean end';
  const ids = before.isWithin ? 'all' : 'none';
  const name = `to the first answer with 1M of 128 B on disk, ${ids} within the window of duplicates, after ${end}`;
  const ours = (): Promise<number> => startedMs(OURS, before);
  if (REFERENCE === undefined) {
    return [{ name, unit: 'ms', atMost: undefined, rounds: 9, take: ours }];
  }
  const reference = [REFERENCE];
  const both = inRounds(async () => [await ours(), await startedMs(reference, before)] as const);
  return compared(name, 'ms', ratioMost, both, (ms) => ms, 9);
}

/** A client's PING while a stream is read by another, of our server and of nats-server where it is found. */
function eachPing(way: Way, when: string): readonly Measure[] {
  const ours = inRounds(() => pingTimes(OURS, way, false));
  const info = { unit: 'ms', rounds: 5 };
  const name = `the longest PING ${when}`;
  const usual = `the median PING ${when}`;
  const mine: readonly Measure[] = [
    { ...info, name, atMost: 20, take: ours(({ longest }) => longest) },
    { ...info, name: usual, atMost: 2, take: ours(({ median }) => median) },
  ];
  if (REFERENCE === undefined) return mine;
  const reference = [REFERENCE];
  // It has been seen to close such a reader, with 64 MiB pending.
  const theirs = inRounds(() => pingTimes(reference, way, true));
  const beside = { ...info, atMost: undefined };
  return [
    ...mine,
    { ...beside, name: `${name} (nats-server)`, take: theirs(({ longest }) => longest) },
    { ...beside, name: `${usual} (nats-server)`, take: theirs(({ median }) => median) },
  ];
}

/** A pair at half the rate of the machine. nats-server lets nobody in while so many guess: a PONG takes more than 10 s. */
function eachHalfRate(): readonly Measure[] {
  const times = inRounds(() => halfRateTimes(OURS));
  const info = { unit: 'ms', rounds: 5 };
  const name = 'p99 of a pair at half the rate';
  const guessed = `${name}, beside 50 wrong passwords a second`;
  const others = `${guessed}: busy with others`;
  return [
    { ...info, name, atMost: undefined, take: times(({ alone }) => alone) },
    { ...info, name: guessed, atMost: 20, take: times((each) => each.guessed) },
    {
      ...info,
      name: others,
      unit: 'processors',
      atMost: undefined,
      take: times((each) => each.others),
    },
  ];
}

/** Ours, theirs and the ratio, of the same rounds. */
function compared<T>(
  name: string,
  unit: string,
  ratioMost: number | undefined,
  rounds: Rounds<readonly [T, T]>,
  figureOf: (taken: T) => number,
  count = 3,
): readonly Measure[] {
  const info = { unit, atMost: undefined, rounds: count };
  const take = rounds(([ours, theirs]) => figureOf(ours) / figureOf(theirs));
  return [
    { name, ...info, take: rounds(([ours]) => figureOf(ours)) },
    { name: `${name} (nats-server)`, ...info, take: rounds(([, theirs]) => figureOf(theirs)) },
    { name: `${name} / nats-server`, unit: 'x', atMost: ratioMost, rounds: count, take },
  ];
}

/** Gives figures of what is taken once a round. */
type Rounds<T> = (figureOf: (taken: T) => number) => () => Promise<number>;

function inRounds<T>(take: () => Promise<T>): Rounds<T> {
  const rounds: Promise<T>[] = [];
  return (figureOf) => {
    let round = 0;
    return async () => {
      rounds[round] ??= take();
      return figureOf(await (rounds[round++] as Promise<T>));
    };
  };
}

async function idleMiB(command: readonly string[]): Promise<number> {
  const server = await startServer(command);
  try {
    await delay(REST_MS);
    return readResident(server.pid).nowMiB;
  } finally {
    await server.stop();
  }
}

/** A bare node first, then the bin: one right after the other. */
async function startMs(flags: readonly string[] = []): Promise<number> {
  const bare = await runNode(['-e', '0']);
  const server = await startServer([...OURS, ...flags]);
  await server.stop();
  return server.readyMs - bare.ms;
}

/** Measured inside the process, so that the start of node does not count. */
async function importMs(): Promise<number> {
  const script = `
    const start = performance.now();
    const { createBus } = await import(${JSON.stringify(doorUrl('index.mjs'))});
    createBus();
    console.log(performance.now() - start);
  `;
  return Number((await runNode(['--input-type=module', '-e', script])).stdout);
}

async function requireMs(): Promise<number> {
  const script = `
    const start = performance.now();
    require(${JSON.stringify(join(DIST, 'index.cjs'))}).createBus();
    console.log(performance.now() - start);
  `;
  return Number((await runNode(['-e', script])).stdout);
}

/** As the check of the package measures it, in kB of 1,000 bytes. */
async function doorKb(): Promise<number> {
  const sizeLimit = join(ROOT, 'node_modules', 'size-limit', 'bin.js');
  const { stdout } = await runNode([sizeLimit, '--json']);
  const [door] = JSON.parse(stdout) as readonly { readonly size: number }[];
  return (door?.size ?? Number.NaN) / 1000;
}

function doorUrl(name: string): string {
  return pathToFileURL(join(DIST, name)).href;
}

function findReference(): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), join(homedir(), 'go', 'bin')];
  return folders.map((folder) => join(folder, 'nats-server')).find((path) => existsSync(path));
}
