// The subjects of a store that was read from disk, whose tree is made when a filter is first asked for, against a list: while
// subjects come and go, and at every stage of its being made.

import fc from 'fast-check';
import { describe, it } from 'vitest';
import { Filter, Filters } from '../../src/jetstream/store/filters.ts';
import { Memory } from '../../src/jetstream/store/memory.ts';
import { findSubjects } from '../../src/jetstream/store/subject-scan.ts';
import { SubjectTable } from '../../src/jetstream/store/subject-table.ts';
import { TIRED } from '../../src/jetstream/store/subject-tree.ts';
import { type Work, wholly } from '../../src/jetstream/work.ts';
import { CapacityError } from '../../src/shared/errors.ts';
import { matches } from '../model/matches.ts';
import { check, takeTime } from './check.ts';

takeTime();

const FILTERS = ['>', 'a.>', 'a.*', '*.n7', 'a.b.*', '*.b.n3', 'b.*.>', 'c.>', 'a.n1', '*'];

/** Subjects with numbers: of some each is another, of some they share what is in front, or behind. */
function subjectOf(number: number): string {
  const stem = ['a.n', 'b.n', 'a.b.n', 'c.b.n', 'd'][number % 5] as string;
  return `${stem}${Math.floor(number / 5)}`;
}

const added = fc.integer({ min: 500, max: 2500 });
const operation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('add' as const), at: added }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('delete' as const), at: fc.nat(2000) }) },
  // Most of a chunk, so that it is packed, or all.
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('thin' as const), at: fc.nat(40) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('ask' as const), at: fc.nat(9) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('grow' as const), at: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('expect' as const), at: fc.nat(5000) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

const program = fc.record({
  begin: fc.constantFrom(0, 3, 1000, 1020, 1500),
  heldMax: fc.constantFrom(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 260_000, 400_000),
  operations: fc.array(operation, { minLength: 10, maxLength: 60, size: 'max' }),
});

class Run {
  readonly #model = new Map<string, number>();
  readonly #table: SubjectTable;
  /** Memory may end. */
  readonly #isTight: boolean;
  #work: Work<void> | undefined;

  constructor(heldMax: number) {
    this.#isTight = heldMax < Number.POSITIVE_INFINITY;
    const options = { slabBytes: 1024, inBackground: (work: Work<void>) => this.#begin(work) };
    this.#table = new SubjectTable(new Memory(heldMax), options, 0);
  }

  #begin(work: Work<void>): void {
    this.#work = work;
    this.#step();
  }

  #step(): void {
    if (this.#work?.next().done) this.#work = undefined;
  }

  fill(count: number): void {
    try {
      wholly(this.#table.expecting(count));
      for (let i = 0; i < count; i++) this.#add(i);
    } catch (error) {
      if (!(error instanceof CapacityError)) throw error;
    }
  }

  isRightAfter({ kind, at }: Operation): boolean {
    const texts = [...this.#model.keys()];
    try {
      if (kind === 'add') for (let i = at; i < at + 20; i++) this.#add(i);
      if (kind === 'delete' && texts.length > 0) this.#delete(texts[at % texts.length] as string);
      if (kind === 'thin')
        for (const [i, text] of texts.entries()) if (i % 40 !== at) this.#delete(text);
      if (kind === 'expect') wholly(this.#table.expecting(at));
      if (kind === 'grow') for (let i = 0; i < at; i++) this.#step();
    } catch (error) {
      if (!(error instanceof CapacityError)) throw error;
    }
    return kind !== 'ask' || this.#isRight(FILTERS[at % FILTERS.length] as string);
  }

  /** The same when the tree is whole, and when all have gone. */
  isRightAtEnd(): boolean {
    for (const filter of FILTERS) this.#walked(filter);
    while (this.#work !== undefined) this.#step();
    if (!FILTERS.every((filter) => this.#isRight(filter))) return false;
    const isWhole = this.#walked('>') !== undefined;
    for (const text of [...this.#model.keys()]) this.#delete(text);
    return (isWhole || this.#isTight) && FILTERS.every((filter) => this.#isRight(filter));
  }

  #add(number: number): void {
    const text = subjectOf(number);
    if (this.#model.has(text)) return;
    const bytes = new TextEncoder().encode(text);
    if (this.#table.find(bytes, bytes.length) !== -1) throw new Error(`${text} is there`);
    this.#model.set(text, this.#table.add(bytes, 0, bytes.length, number + 1));
  }

  #delete(text: string): void {
    this.#table.delete(this.#model.get(text) as number);
    this.#model.delete(text);
  }

  #isRight(filter: string): boolean {
    const table = this.#table;
    const ids = [...this.#model].filter(([text]) => matches(text, filter)).map(([, id]) => id);
    const wanted = sorted(ids);
    const walked = this.#walked(filter);
    const few = table.few(new Filters([filter, 'c.b.*']), 100_000);
    const isFew = few === undefined || isWithin(ids, new Set(few));
    const found = sorted(wholly(findSubjects(table, new Filter(filter))));
    return (
      isFew && found === wanted && (walked ?? wanted) === wanted && table.count === this.#model.size
    );
  }

  /** undefined: there is no tree yet. */
  #walked(filter: string): string | undefined {
    const walk = this.#table.walk(new Filter(filter));
    const ids: number[] = [];
    let id = walk.next();
    for (; id >= 0; id = walk.next()) ids.push(id);
    return id === TIRED ? undefined : sorted(ids);
  }
}

function isWithin(some: readonly number[], others: ReadonlySet<number>): boolean {
  return some.every((id) => others.has(id));
}

function sorted(ids: readonly number[]): string {
  return [...ids].sort((a, b) => a - b).join();
}

describe('subjects whose tree is made late', () => {
  it('are found as if it had been there from the beginning', () => {
    check(
      60,
      fc.property(program, ({ begin, heldMax, operations }) => {
        const run = new Run(heldMax);
        run.fill(begin);
        return operations.every((each) => run.isRightAfter(each)) && run.isRightAtEnd();
      }),
    );
  });
});
