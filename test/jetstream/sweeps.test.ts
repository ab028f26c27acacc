// What looks at very many messages is done in pieces, and is right whatever changes between them.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Ahead } from '../../src/jetstream/consumer/ahead.ts';
import type { ConsumerConfig } from '../../src/jetstream/consumer/config.ts';
import { Cursor, FAR_AHEAD } from '../../src/jetstream/consumer/cursor.ts';
import { findStart } from '../../src/jetstream/consumer/start.ts';
import { createMemoryStore } from '../../src/jetstream/store/memory-store.ts';
import type { Store } from '../../src/jetstream/store/store.ts';
import { purgeStore } from '../../src/jetstream/stream/purge.ts';
import { type Work, wholly } from '../../src/jetstream/work.ts';
import { matches } from '../model/matches.ts';
import { incoming } from '../support/stored.ts';

/** Messages on many subjects: a.n0.x, b.n1.x and so on. */
function filled(count: number, subjects = count): Store {
  const store = createMemoryStore({ storage: 'memory' });
  for (let i = 0; i < count; i++) store.append(incoming(subjectOf(i % subjects)), i + 1);
  return store;
}

function subjectOf(i: number): string {
  return `${'ab'[i % 2]}.n${i}.${i % 3}`;
}

function apart<T>(work: Work<T>, between: (piece: number) => void = () => {}): [T, number] {
  for (let piece = 1; ; piece++) {
    const step = work.next();
    if (step.done) return [step.value, piece];
    between(piece);
  }
}

function naively(store: Store, filters: readonly string[], from = 1): number[] {
  const found: number[] = [];
  for (let seq = store.next(from); seq > 0; seq = store.next(seq + 1)) {
    const subject = store.subjectText(store.subjectIdOf(seq));
    if (filters.some((filter) => matches(subject, filter))) found.push(seq);
  }
  return found;
}

const WIDE = ['a.*.*', 'b.*.1'];
const COUNT = 12_000;

describe('among very many messages', () => {
  const change = fc.record({
    kind: fc.constantFrom('append', 'append', 'remove', 'remove', 'below', 'clear'),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
  });

  test('a count is right when it is done, whatever has changed meanwhile', () => {
    const program = fc.record({
      subjects: fc.constantFrom(COUNT, 5000),
      from: fc.constantFrom(1, 3000, 9000),
      changes: fc.array(change, { minLength: 1, maxLength: 12 }),
    });
    const isRight = fc.property(program, ({ subjects, from, changes }) => {
      const store = filled(COUNT, subjects);
      const [count] = apart(store.counting(WIDE, from), () => {
        for (const { kind, at } of changes) {
          const { lastSeq } = store.state;
          const seq = Math.ceil(at * lastSeq);
          if (kind === 'append') store.append(incoming(subjectOf(seq)), 1);
          else if (kind === 'remove') store.remove(seq);
          else if (kind === 'below') store.removeBelow(Math.floor(seq / 50));
          else if (at > 0.9) store.clear();
        }
      });
      return count === naively(store, WIDE, from).length;
    });
    fc.assert(isRight, { numRuns: Number(process.env.PROPERTY_RUNS ?? 5) });
  });

  test.each([['a.*.*'], ['*.*.none'], ['*.n11999.*'], ['*.*.2']])(
    'what %s matches is found in pieces',
    (filter) => {
      const store = filled(COUNT);
      for (let seq = 3; seq < COUNT - 1000; seq++) if (seq % 3 === 0) store.remove(seq);
      const found = naively(store, [filter]);
      const middle = naively(store, [filter], 5000);
      expect(wholly(store.findNext([filter], 1))).toBe(found[0] ?? 0);
      expect(wholly(store.findNext([filter], 5000))).toBe(middle[0] ?? 0);
      expect(wholly(store.findLast([filter]))).toBe(found.at(-1) ?? 0);
      expect(wholly(store.counting([filter], 5000, 11_000))).toBe(
        middle.filter((seq) => seq < 11_000).length,
      );
      expect(wholly(store.lasts([filter]))).toEqual(found);
    },
  );

  test('a search that finds nothing takes several pieces', () => {
    const store = filled(24_000);
    const pieces = [store.findNext(['*.*.none'], 1), store.findLast(['*.*.none'])].map(
      (work) => apart(work)[1],
    );
    expect(Math.min(...pieces)).toBeGreaterThan(4);
    expect(store.lastWithin(['*.*.none'])).toBe(-1);
  });

  test('the last messages of all subjects are those of the moment when they were asked for', () => {
    const store = filled(40_000, 18_000);
    const before = naively(store, WIDE).filter((seq) => seq > 22_000);
    const [lasts, pieces] = apart(store.lasts(WIDE), (piece) => {
      store.append(incoming(subjectOf(piece)), 1);
      store.append(incoming(subjectOf(17_990 - piece)), 1);
    });
    expect(pieces).toBeGreaterThan(4);
    expect(lasts).toEqual(before);
  });

  test('a consumer comes to a message far ahead by and by', () => {
    const store = filled(24_000);
    const far = store.append(incoming('a.far.none'), 1);
    const filters = ['*.*.none'];
    const config = { name: 'C', deliver_policy: 'all' } as unknown as ConsumerConfig;
    const cursor = new Cursor(
      store,
      new Ahead(),
      filters,
      wholly(findStart(store, config, filters, -1)),
    );
    expect(cursor.pending).toBe(1);
    let looks = 1;
    while (cursor.peek(far) === FAR_AHEAD) looks++;
    expect(looks).toBeGreaterThan(2);
    expect(cursor.peek(far)).toBe(far);
  });

  test('filters that a consumer gets while it is counted anew are those that count', () => {
    const store = filled(COUNT);
    const start = { next: 1, lasts: new Float64Array(0), resume: 0, pending: 0 };
    const cursor = new Cursor(store, new Ahead(), WIDE, start);
    const [, pieces] = apart(cursor.recount(), (piece) => {
      if (piece === 2) cursor.setFilters(['a.*.1'], wholly(cursor.counting(['a.*.1'])));
    });
    expect(pieces).toBeGreaterThan(2);
    expect(cursor.pending).toBe(naively(store, ['a.*.1']).length);
  });

  test('a purge of all but the last spares them though others leave meanwhile', () => {
    const store = filled(3000);
    const request = { filter: undefined, seq: undefined, keep: 600 };
    apart(purgeStore(store, request), () => {
      store.removeBelow(Math.min(2000, store.state.firstSeq + 100));
    });
    expect(store.state).toMatchObject({ messages: 600, firstSeq: 2401 });
  });
});
