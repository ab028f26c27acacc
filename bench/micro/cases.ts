// The cases of the micro bench: which subscriptions exist and which subjects are published.

/** Subjects published by one call of a measured function. */
export const BATCH = 1024;

/** One case. */
export interface MicroCase {
  /** `--case` is matched against it. */
  readonly name: string;
  /** Filters in NATS's spelling, one for each subscription. */
  readonly filters: readonly string[];
  /** Published round and round, BATCH at a time; its length is a multiple of BATCH. */
  readonly subjects: readonly string[];
  /** Deliveries that one walk over `subjects` makes. */
  readonly deliveries: number;
  readonly hasWildcards: boolean;
}

/** All cases in the order of the report; a function each, because the large ones are dear to keep. */
export const MICRO_CASES: Readonly<Record<string, () => MicroCase>> = {
  '10 subjects, 1 sub': () => literal('10 subjects, 1 sub', 10, 1),
  '10 subjects, 10 subs each': () => literal('10 subjects, 10 subs each', 10, 10),
  '1000 subjects, 1 sub': () => literal('1000 subjects, 1 sub', 1000, 1),
  '1000 subjects, 10 subs each': () => literal('1000 subjects, 10 subs each', 1000, 10),
  '10 subjects, 1 wildcard': () => wildcard('10 subjects, 1 wildcard', 10, 1),
  '1000 subjects, 1 wildcard': () => wildcard('1000 subjects, 1 wildcard', 1000, 1),
  '1000 subjects, 10 wildcards': () => wildcard('1000 subjects, 10 wildcards', 1000, 10),
  '100k unique, 1 wildcard': () => wildcard('100k unique, 1 wildcard', 98 * BATCH, 1),
  '100k unique, 100k subs': uniqueAmongMany,
};

/** Subjects of three tokens, as programs name them, in a scattered order. */
function makeSubjects(distinct: number): readonly string[] {
  const names = Array.from({ length: distinct }, (_, index) => `orders.r${index % 16}.id${index}`);
  const length = Math.max(16 * BATCH, distinct);
  return Array.from({ length }, (_, index) => names[(index * 7919) % distinct]!);
}

function literal(name: string, distinct: number, subscriptions: number): MicroCase {
  const subjects = makeSubjects(distinct);
  const filters = [...new Set(subjects)].flatMap((subject) =>
    Array.from({ length: subscriptions }, () => subject),
  );
  const deliveries = subjects.length * subscriptions;
  return { name, filters, subjects, deliveries, hasWildcards: false };
}

function wildcard(name: string, distinct: number, subscriptions: number): MicroCase {
  const subjects = makeSubjects(distinct);
  const filters = Array.from({ length: subscriptions }, () => 'orders.*.*');
  const deliveries = subjects.length * subscriptions;
  return { name, filters, subjects, deliveries, hasWildcards: true };
}

/** Each subject meets one literal subscription; a fifth of all subscriptions are wildcards beside it. */
function uniqueAmongMany(): MicroCase {
  const subjects = makeSubjects(98 * BATCH);
  const others = Array.from({ length: 20_000 }, (_, index) => `stock.*.item${index}`);
  return {
    name: '100k unique, 100k subs',
    filters: [...subjects, ...others],
    subjects,
    deliveries: subjects.length,
    hasWildcards: true,
  };
}
