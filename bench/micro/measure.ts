// Measures one case in this process and prints the samples as JSON; micro.ts starts it, once per case.
//
//   node --expose-gc measure.mjs CASE ROUNDS SECONDS

import { createRequire } from 'node:module';
import type BenchmarkClass from 'benchmark';
import { MICRO_CASES } from './cases.ts';
import type { Measurement, MicroLane, Workload, WorkloadLane } from './workload.ts';

const Benchmark = createRequire(import.meta.url)('benchmark') as typeof BenchmarkClass;

async function main(): Promise<void> {
  const [caseName = '', rounds = '1', seconds = '0.1'] = process.argv.slice(2);
  const microCase = MICRO_CASES[caseName];
  if (microCase === undefined) throw new Error(`no micro case "${caseName}"`);
  const workloads = await microCase.open();
  const measured: Measurement[] = [];
  for (const each of workloads) {
    measured.push(await measure(each, Number(rounds), Number(seconds)));
  }
  process.stdout.write(JSON.stringify(measured));
}

async function measure(
  { name, lanes, facts = {} }: Workload,
  rounds: number,
  seconds: number,
): Promise<Measurement> {
  const samples = new Map<WorkloadLane, number[]>(lanes.map((lane) => [lane, []]));
  for (const lane of lanes) await measureOnce(lane, seconds); // Warms up; not kept.
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? lanes : [...lanes].reverse();
    for (const lane of order) samples.get(lane)!.push(await measureOnce(lane, seconds));
  }
  const taken = lanes.map((lane): MicroLane => {
    return { name: lane.name, isOurs: lane.isOurs, samples: samples.get(lane)! };
  });
  return { name, lanes: taken, facts };
}

/** Nanoseconds per operation: the median of the samples of some time. */
async function measureOnce(lane: WorkloadLane, seconds: number): Promise<number> {
  const { name, run, operations } = lane;
  const first = run();
  const samples =
    first === undefined ? sample(lane, seconds) : await sampleCalls(first, lane, seconds);
  const median = samples.sort((a, b) => a - b)[samples.length >> 1];
  if (median === undefined) throw new Error(`${name} has no samples`);
  return (median / operations) * 1e9;
}

/** Seconds of a run, by benchmark. */
function sample({ name, run }: WorkloadLane, seconds: number): number[] {
  const bench = new Benchmark(name, run, { maxTime: seconds, minSamples: 5 });
  bench.run({ async: false });
  // An error does not throw here: benchmark keeps it.
  if (bench.error !== undefined) throw bench.error;
  return [...bench.stats.sample];
}

/** The same of runs that are awaited; `first` is under way. */
async function sampleCalls(
  first: Promise<void>,
  { run }: WorkloadLane,
  seconds: number,
): Promise<number[]> {
  await first;
  const samples: number[] = [];
  const end = performance.now() + seconds * 1000;
  while (samples.length < 5 || performance.now() < end) {
    const start = performance.now();
    await run();
    samples.push((performance.now() - start) / 1000);
  }
  return samples;
}

await main();
