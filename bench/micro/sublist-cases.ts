// `ganglion/sublist` alone: inserting, removing, matching and memory among so many filters.

import { matchingSubject, mixedFilter } from './mixed-filters.ts';
import type { Matcher } from './sublist-contenders.ts';
import type { MicroCase, Workload, WorkloadLane } from './workload.ts';

/** Operations of one call of a measured function. */
const BATCH = 1024;
/** With fewer filters the garbage of the filling is more than what is to be weighed. */
const WEIGHED_MIN = 10_000;
/** Four times what the match cache of the core holds. */
const SUBJECTS_MAX = 65_536;

export const SUBLIST_CASES: Readonly<Record<string, MicroCase>> = {
  'sublist, 1k filters': sublistCase('1k filters', 1024, mixedFilter),
  'sublist, 100k filters': sublistCase('100k filters', 100_000, mixedFilter),
  'sublist, 1M filters': sublistCase('1M filters', 1_000_000, mixedFilter),
  'sublist, 100k literals': sublistCase('100k literals', 100_000, matchingSubject),
};

function sublistCase(
  label: string,
  filterCount: number,
  filterAt: (index: number) => string,
): MicroCase {
  return { group: 'sublist', open: () => open(label, filterCount, filterAt) };
}

type Facts = Readonly<Record<string, number>>;

interface Filled {
  readonly matcher: Matcher;
  readonly facts: Facts;
}

async function open(
  label: string,
  filterCount: number,
  filterAt: (index: number) => string,
): Promise<readonly Workload[]> {
  const { loadMatchers } = await import('./sublist-contenders.ts');
  const hasWildcards = filterAt(16).includes('*');
  const makers = (await loadMatchers()).filter((make) => !hasWildcards || make().hasWildcards);
  const filled = makers.map((make) => fill(make(), filterCount, filterAt));
  const subjects = askedSubjects(filterCount);
  const matchers = filled.map(({ matcher }) => matcher);
  const workloads: Workload[] = [
    {
      name: `${label}: insert and remove`,
      lanes: matchers.map((matcher) => changingLane(matcher, filterAt, filterCount)),
      facts: filterCount < WEIGHED_MIN ? {} : factsOf(filled),
    },
    askingWorkload(`${label}: match`, matchers, subjects, ({ match }) => match),
    askingWorkload(`${label}: matchInto`, matchers, subjects, ({ matchInto }) => matchInto),
    askingWorkload(`${label}: has`, matchers, subjects, ({ has }) => has),
  ];
  return workloads;
}

function factsOf(filled: readonly Filled[]): Readonly<Record<string, Facts>> {
  return Object.fromEntries(filled.map(({ matcher, facts }) => [matcher.name, facts]));
}

/** Bytes that live in V8's heap, garbage apart. */
function heapBytes(): number {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc');
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

function fill(matcher: Matcher, filterCount: number, filterAt: (index: number) => string): Filled {
  const before = heapBytes();
  const startedAt = process.hrtime.bigint();
  for (let index = 0; index < filterCount; index += 1) matcher.insert(filterAt(index));
  const elapsed = Number(process.hrtime.bigint() - startedAt);
  const bytes = heapBytes() - before + matcher.ownBytes();
  const facts = {
    // The making of the text included, which is the same for all.
    nsPerInsertFromEmpty: elapsed / filterCount,
    bytesPerFilter: bytes / filterCount,
  };
  return { matcher, facts };
}

/** Strings as a program has them that reads them from somewhere: flat, and none of them a constant. */
function askedSubjects(filterCount: number): readonly string[] {
  const count = Math.min(SUBJECTS_MAX, filterCount - (filterCount % BATCH));
  const texts = Array.from({ length: count }, (_, at) => {
    return matchingSubject((at * 7_368_787) % filterCount);
  });
  return Buffer.from(texts.join(' '), 'latin1').toString('latin1').split(' ');
}

function changingLane(
  matcher: Matcher,
  filterAt: (index: number) => string,
  filterCount: number,
): WorkloadLane {
  const filters = Array.from({ length: BATCH }, (_, at) => filterAt(filterCount + at));
  const inserted: unknown[] = filters.map(() => undefined);
  const run = (): void => {
    for (let at = 0; at < BATCH; at += 1) inserted[at] = matcher.insert(filters[at]!);
    for (let at = 0; at < BATCH; at += 1) matcher.remove(filters[at]!, inserted[at]);
  };
  run();
  for (const filter of filters.slice(0, 16)) {
    if (matcher.match(filter) !== 0) throw new Error(`${matcher.name} has kept ${filter}`);
  }
  return { name: matcher.name, isOurs: matcher.isOurs, operations: BATCH, run };
}

type Ask = (subject: string) => number | boolean;

function askingWorkload(
  name: string,
  matchers: readonly Matcher[],
  subjects: readonly string[],
  choose: (matcher: Matcher) => Ask | undefined,
): Workload {
  const lanes = matchers.flatMap((matcher) => {
    const ask = choose(matcher);
    return ask === undefined ? [] : [askingLane(matcher, subjects, ask)];
  });
  return { name, lanes };
}

function askingLane(matcher: Matcher, subjects: readonly string[], ask: Ask): WorkloadLane {
  let start = 0;
  const run = (): void => {
    let found = 0;
    for (let at = start; at < start + BATCH; at += 1) found += Number(ask(subjects[at]!));
    if (found !== BATCH) throw new Error(`${matcher.name} found ${found} of ${BATCH}`);
    start += BATCH;
    if (start === subjects.length) start = 0;
  };
  for (let walked = 0; walked < subjects.length; walked += BATCH) run();
  return { name: matcher.name, isOurs: matcher.isOurs, operations: BATCH, run };
}
