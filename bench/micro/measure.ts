// Measures one case in this process and prints the samples as JSON; micro.ts starts it, once per case.
//
//   node measure.mjs CASE ROUNDS SECONDS

import { createRequire } from 'node:module';
import type BenchmarkClass from 'benchmark';
import { BATCH, MICRO_CASES, type MicroCase } from './cases.ts';
import type { Contender, Counter, Instance } from './contender.ts';
import { loadOurs } from './ours.ts';
import { PEERS } from './peers.ts';

const Benchmark = createRequire(import.meta.url)('benchmark') as typeof BenchmarkClass;

const VALUE: object = { id: 1, text: 'a value that is passed on by reference' };

/** What one contender needed in one case. */
export interface MicroLane {
  readonly name: string;
  readonly isOurs: boolean;
  /** Nanoseconds per published message, one for each round. */
  readonly samples: readonly number[];
}

interface Lane extends MicroLane {
  readonly publishBatch: () => void;
  readonly samples: number[];
}

async function main(): Promise<void> {
  const [caseName = '', rounds = '1', seconds = '0.1'] = process.argv.slice(2);
  const makeCase = MICRO_CASES[caseName];
  if (makeCase === undefined) throw new Error(`no micro case "${caseName}"`);
  const microCase = makeCase();
  const contenders = [...(await loadOurs()), ...PEERS].filter(
    ({ hasWildcards }) => hasWildcards || !microCase.hasWildcards,
  );
  const lanes = contenders.map((contender) => openLane(contender, microCase));
  for (const lane of lanes) measureOnce(lane, Number(seconds)); // Warms up; not kept.
  for (let round = 0; round < Number(rounds); round += 1) {
    const order = round % 2 === 0 ? lanes : [...lanes].reverse();
    for (const lane of order) lane.samples.push(measureOnce(lane, Number(seconds)));
  }
  process.stdout.write(JSON.stringify(lanes));
}

function openLane(contender: Contender, microCase: MicroCase): Lane {
  const { subjects, filters } = microCase;
  const counter: Counter = { deliveries: 0 };
  const instance = contender.create();
  for (const filter of filters) instance.subscribe(filter, counter);
  checkDeliveries(contender.name, instance, counter, microCase);
  let start = 0;
  const publishBatch = (): void => {
    instance.publishAll(subjects, start, start + BATCH, VALUE);
    start += BATCH;
    if (start === subjects.length) start = 0;
  };
  return { name: contender.name, isOurs: contender.isOurs, publishBatch, samples: [] };
}

/** One walk over all subjects: a contender that delivers too little or too much is not comparable. */
function checkDeliveries(
  name: string,
  instance: Instance,
  counter: Counter,
  { subjects, deliveries }: MicroCase,
): void {
  instance.publishAll(subjects, 0, subjects.length, VALUE);
  if (counter.deliveries === deliveries) return;
  throw new Error(`${name} delivered ${counter.deliveries} messages, expected ${deliveries}`);
}

/** Nanoseconds per message: the median of benchmark's own samples. */
function measureOnce({ name, publishBatch }: Lane, seconds: number): number {
  const bench = new Benchmark(name, publishBatch, { maxTime: seconds, minSamples: 5 });
  bench.run({ async: false });
  // An error does not throw here: benchmark keeps it.
  if (bench.error !== undefined) throw bench.error;
  const samples = [...bench.stats.sample].sort((a, b) => a - b);
  const median = samples[samples.length >> 1];
  if (median === undefined) throw new Error(`${name} has no samples`);
  return (median / BATCH) * 1e9;
}

await main();
