// Publishing inside one process, beside the peers: which subscriptions exist and which subjects are published.

import type { Contender, Counter } from './contender.ts';
import type { MicroCase, Workload, WorkloadLane } from './workload.ts';

/** Subjects published by one call of a measured function. */
export const BATCH = 1024;

const VALUE: object = { id: 1, text: 'a value that is passed on by reference' };

interface BusCase {
  readonly name: string;
  /** Filters in NATS's spelling, one for each subscription. */
  readonly filters: readonly string[];
  /** Published round and round, BATCH at a time; its length is a multiple of BATCH. */
  readonly subjects: readonly string[];
  /** Deliveries that one walk over `subjects` makes. */
  readonly deliveries: number;
  readonly hasWildcards: boolean;
}

export const BUS_CASES: Readonly<Record<string, MicroCase>> = Object.fromEntries([
  literal('10 subjects, 1 sub', 10, 1),
  literal('10 subjects, 10 subs each', 10, 10),
  literal('1000 subjects, 1 sub', 1000, 1),
  literal('1000 subjects, 10 subs each', 1000, 10),
  wildcard('10 subjects, 1 wildcard', 10, 1),
  wildcard('1000 subjects, 1 wildcard', 1000, 1),
  wildcard('1000 subjects, 10 wildcards', 1000, 10),
  wildcard('100k unique, 1 wildcard', 98 * BATCH, 1),
  uniqueAmongMany('100k unique, 100k subs'),
]);

type Entry = readonly [name: string, microCase: MicroCase];

function entry(name: string, make: () => Omit<BusCase, 'name'>): Entry {
  return [name, { group: 'bus', open: () => open({ name, ...make() }) }];
}

/**
 * Subjects of three tokens, in a scattered order. The strings are what constants of a program are: flat, and
 * the one copy that the engine keeps of a property name.
 */
function makeSubjects(distinct: number): readonly string[] {
  const named = Object.fromEntries(
    Array.from({ length: distinct }, (_, index) => [`orders.r${index % 16}.id${index}`, index]),
  );
  const names = Object.keys(named);
  const length = Math.max(16 * BATCH, distinct);
  return Array.from({ length }, (_, index) => names[(index * 7919) % distinct]!);
}

function literal(name: string, distinct: number, subscriptions: number): Entry {
  return entry(name, () => {
    const subjects = makeSubjects(distinct);
    const filters = [...new Set(subjects)].flatMap((subject) =>
      Array.from({ length: subscriptions }, () => subject),
    );
    const deliveries = subjects.length * subscriptions;
    return { filters, subjects, deliveries, hasWildcards: false };
  });
}

function wildcard(name: string, distinct: number, subscriptions: number): Entry {
  return entry(name, () => {
    const subjects = makeSubjects(distinct);
    const filters = Array.from({ length: subscriptions }, () => 'orders.*.*');
    const deliveries = subjects.length * subscriptions;
    return { filters, subjects, deliveries, hasWildcards: true };
  });
}

/** Each subject meets one literal subscription; a fifth as many wildcard subscriptions lie beside them. */
function uniqueAmongMany(name: string): Entry {
  return entry(name, () => {
    const subjects = makeSubjects(98 * BATCH);
    const others = Array.from({ length: 20_000 }, (_, index) => `stock.*.item${index}`);
    const filters = [...subjects, ...others];
    return { filters, subjects, deliveries: subjects.length, hasWildcards: true };
  });
}

async function open(busCase: BusCase): Promise<readonly Workload[]> {
  const [{ loadOurs }, { PEERS }] = await Promise.all([import('./ours.ts'), import('./peers.ts')]);
  const contenders = [...(await loadOurs()), ...PEERS].filter(
    ({ hasWildcards }) => hasWildcards || !busCase.hasWildcards,
  );
  const lanes = contenders.map((contender) => openLane(contender, busCase));
  return [{ name: busCase.name, lanes }];
}

/** Walks over all subjects once: a contender that delivers too little or too much is not comparable. */
function openLane(
  { name, isOurs, create }: Contender,
  { subjects, filters, deliveries }: BusCase,
): WorkloadLane {
  const counter: Counter = { deliveries: 0 };
  const instance = create();
  for (const filter of filters) instance.subscribe(filter, counter);
  instance.publishAll(subjects, 0, subjects.length, VALUE);
  if (counter.deliveries !== deliveries) {
    throw new Error(`${name} delivered ${counter.deliveries} messages, expected ${deliveries}`);
  }
  let start = 0;
  const run = (): void => {
    instance.publishAll(subjects, start, start + BATCH, VALUE);
    start += BATCH;
    if (start === subjects.length) start = 0;
  };
  return { name, isOurs, operations: BATCH, run };
}
