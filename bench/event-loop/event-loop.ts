// How late the event loop of a program becomes that embeds the server, while others load it. Each case has a
// host of its own, and is measured twice: with the server in the program's thread, and in a worker thread.

import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { MacroOptions } from '../macro/macro.ts';
import { compileNative, type NativePrograms } from '../macro/native.ts';
import { Child } from '../shared/child.ts';
import { readEnvironment } from '../shared/machine.ts';
import { writeResult } from '../shared/results.ts';
import { type Spread, spreadOf } from '../shared/statistics.ts';
import { formatNumber, formatTable } from '../shared/table.ts';
import { formatJudgements, type Judgement, judge } from '../shared/targets.ts';
import { LOOP_CASES, type LoopCase } from './cases.ts';
import type { HostDelay, HostPorts } from './host.ts';

const run = promisify(execFile);

const LOADGEN_MS = 120_000;
const REST_MS = 300;
const ROUNDS = 5;
const QUICK_ROUNDS = 1;
const SECONDS = 2;
const QUICK_SECONDS = 0.5;

/** Where the server runs, seen from the loop that is watched. */
const PLACES = ['thread', 'worker'] as const;
type Place = (typeof PLACES)[number];

interface PlaceReport {
  readonly place: Place;
  readonly figures: Readonly<Record<keyof HostDelay, Spread>>;
  readonly samples: readonly HostDelay[];
}

interface LoopReport {
  readonly name: string;
  readonly places: readonly PlaceReport[];
}

/** Runs it, prints the table and writes the result. */
export async function runEventLoop(options: MacroOptions): Promise<void> {
  const environment = readEnvironment();
  const native = compileNative();
  const { isQuick, pattern } = options;
  const rounds = options.rounds ?? (isQuick ? QUICK_ROUNDS : ROUNDS);
  const seconds = options.seconds ?? (isQuick ? QUICK_SECONDS : SECONDS);
  const cases = LOOP_CASES.filter(({ name }) => pattern?.test(name) ?? true);
  if (cases.length === 0) return;
  const reports: LoopReport[] = [];
  for (const loopCase of cases) {
    process.stderr.write(`event-loop ${reports.length + 1}/${cases.length}: ${loopCase.name}\n`);
    const places: PlaceReport[] = [];
    for (const place of PLACES) {
      const samples: HostDelay[] = [];
      for (let round = 0; round < rounds; round++) {
        samples.push(await measure(loopCase, place, seconds, native));
      }
      places.push({ place, figures: figuresOf(samples), samples });
    }
    reports.push({ name: loopCase.name, places });
  }
  const targets = judgements(reports);
  const path = writeResult(options.resultName ?? (isQuick ? 'event-loop-quick' : 'event-loop'), {
    bench: 'event-loop',
    environment,
    effort: { rounds, seconds },
    targets,
    cases: reports,
  });
  const parts = [formatReport(reports), formatJudgements(targets), `written to ${path}`];
  process.stdout.write(`${parts.filter((part) => part !== '').join('\n\n')}\n`);
}

/** How much later timers may be at p99 while a stream stores what comes in than while the core routes it; ms. */
const STREAM_LATER_MS = 10;

function judgements(reports: readonly LoopReport[]): readonly Judgement[] {
  const p99sOf = (name: string): readonly number[] | undefined =>
    reports.find((report) => report.name === name)?.places[0]?.samples.map(({ p99 }) => p99);
  const kinds = ['stream', 'file stream'];
  const cases = ['16 B', '1 KiB'].flatMap((size) => kinds.map((kind) => [kind, size] as const));
  return cases.map(([kind, size]) => {
    const name = `${kind} publish ${size}, 4096 in flight`;
    const target = { bound: 'at most', limit: STREAM_LATER_MS, unit: 'ms' } as const;
    const stored = p99sOf(name);
    const routed = p99sOf(`pub ${size}`);
    const later = stored?.map((p99, round) => p99 - (routed?.[round] ?? Number.NaN));
    const isMeasured = later !== undefined && routed !== undefined;
    const spread = isMeasured ? spreadOf(later) : undefined;
    return judge({ what: `${name}: p99 above that of pub ${size}`, ...target }, spread);
  });
}

async function measure(
  { load }: LoopCase,
  place: Place,
  seconds: number,
  native: NativePrograms,
): Promise<HostDelay> {
  const children: Child[] = [];
  const start = (name: string, words: readonly string[] = []): Child => {
    const child = new Child(native.leash, `event-loop/${name}`, words);
    children.push(child);
    return child;
  };
  try {
    const host = start('host', place === 'worker' ? ['worker'] : []);
    const ports = (await host.next()) as HostPorts;
    if (load.kind === 'crowd') return await measureCrowd(load, host, ports, start('crowd'));
    let loaded = ports.port;
    if (load.kind === 'loadgen' && load.isNeighbour === true) {
      loaded = ((await start('host').next()) as HostPorts).port;
    }
    const work = async (): Promise<void> => {
      if (load.kind === 'nothing') await delay(seconds * 1000);
      else await generate(native, [load.mode, ...load.flags], loaded, seconds);
    };
    await work(); // Unmeasured: what is hot gets compiled.
    return await watched(host, work);
  } finally {
    for (const child of children.reverse()) await child.close();
  }
}

async function generate(
  native: NativePrograms,
  words: readonly string[],
  port: number,
  seconds: number,
): Promise<void> {
  const flags = ['--port', String(port), '--seconds', String(seconds)];
  await run(native.leash, [native.loadgen, ...words, ...flags], {
    timeout: LOADGEN_MS,
    killSignal: 'SIGKILL',
  });
}

async function measureCrowd(
  load: LoopCase['load'] & { readonly kind: 'crowd' },
  host: Child,
  { port, monitoringPort }: HostPorts,
  crowd: Child,
): Promise<HostDelay> {
  const { readers, subscriptions, bytes, messages, ahead, measured, path = '' } = load;
  const steps = {
    come: { do: 'come', port, readers, subscriptions },
    publish: { do: 'publish', bytes, messages, ahead },
    go: { do: 'go' },
    ask: { do: 'ask', url: `http://127.0.0.1:${monitoringPort}${path}` },
  } as const;
  if (measured === 'come') return watched(host, () => crowd.ask(steps.come));
  await crowd.ask(steps.come);
  if (messages > 0) await crowd.ask({ ...steps.publish, messages: ahead });
  return watched(host, () => crowd.ask(steps[measured]));
}

async function watched(host: Child, work: () => Promise<unknown>): Promise<HostDelay> {
  await delay(REST_MS);
  await host.ask('begin');
  await work();
  return (await host.ask('end')) as HostDelay;
}

function figuresOf(samples: readonly HostDelay[]): PlaceReport['figures'] {
  const names = Object.keys(samples[0] as HostDelay) as (keyof HostDelay)[];
  const entries = names.map((name) => [name, spreadOf(samples.map((sample) => sample[name]))]);
  return Object.fromEntries(entries) as PlaceReport['figures'];
}

function formatReport(reports: readonly LoopReport[]): string {
  const rows = reports.map(({ name, places }) => [
    name,
    ...places.flatMap(({ figures }) => [
      formatNumber(figures.p50.median),
      formatNumber(figures.p99.median),
      `${formatNumber(figures.max.median)} [${formatNumber(figures.max.min)} ${formatNumber(figures.max.max)}]`,
    ]),
    formatNumber((places[0] as PlaceReport).figures.gcMax.median),
    formatNumber(100 * (places[0] as PlaceReport).figures.utilization.median),
  ]);
  const head = ['p50 ms', 'p99 ms', 'max ms'];
  const beside = head.map((title) => `worker: ${title}`);
  return formatTable(['while the server does', ...head, ...beside, 'gc max ms', 'busy %'], rows);
}
