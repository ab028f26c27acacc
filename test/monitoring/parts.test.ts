// The small parts of monitoring: sorting in slices, JSON in pieces, subjects against filters.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonList, jsonPieces } from '../../src/monitoring/json.ts';
import { sortInSlices } from '../../src/monitoring/sorted.ts';
import { collide, isLiteral, reaches } from '../../src/monitoring/subjects.ts';
import { goJson } from '../../src/shared/go-json.ts';
import { matches } from '../model/matches.ts';

describe('sorting in slices', () => {
  const run = <T>(steps: Generator<undefined, T>): [T, number] => {
    for (let pauses = 0; ; pauses++) {
      const step = steps.next();
      if (step.done === true) return [step.value, pauses];
    }
  };

  test('puts items in order, equal ones as they were, with pauses', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 3000 }), (numbers) => {
        const items = numbers.map((key, at) => ({ key, at }));
        const compare = (a: { key: number }, b: { key: number }): number => a.key - b.key;
        const [sorted, pauses] = run(sortInSlices([...items], compare));
        expect(sorted).toEqual(items.sort(compare));
        return pauses >= Math.floor(numbers.length / 256);
      }),
    );
  });
});

describe('JSON in pieces', () => {
  function* items(list: readonly unknown[]): Generator<unknown> {
    for (const item of list) {
      yield undefined;
      yield item;
    }
  }
  const text = (value: unknown, indent: number): string => [...jsonPieces(value, indent)].join('');

  test.each([0, 2])('is what the whole would be, indented by %d', (indent) => {
    const lists = [[], [1], ['<a>', { b: [1, { c: 'x\ny' }], d: {} }, null, [[]]]];
    for (const list of lists) {
      expect(text(new JsonList(items(list)), indent)).toBe(goJson(list, indent));
      const nested = { a: { b: new JsonList(items(list)), c: undefined }, d: 1 };
      expect(text(nested, indent)).toBe(goJson({ a: { b: list }, d: 1 }, indent));
    }
    const deep = new JsonList(items([{ k: new JsonList(items([1, 2])) }, { k: 3 }]));
    expect(text(deep, indent)).toBe(goJson([{ k: [1, 2] }, { k: 3 }], indent));
  });
});

describe('subjects', () => {
  const token = fc.constantFrom('a', 'b', '*', '>');
  const literal = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 4 });
  /** The full wildcard stands at the end. */
  const filter = fc
    .array(token, { minLength: 1, maxLength: 4 })
    .filter((tokens) => !tokens.slice(0, -1).includes('>'));

  test('reach the filters that the model says', () => {
    fc.assert(
      fc.property(literal, filter, (subject, tokens) => {
        const [a, b] = [subject.join('.'), tokens.join('.')];
        return reaches(a, b) === matches(a, b);
      }),
    );
  });

  test('of two filters are common when a message could reach both', () => {
    const subjects: string[] = [];
    const grow = (tokens: string[]): void => {
      if (tokens.length > 0) subjects.push(tokens.join('.'));
      if (tokens.length < 5) for (const next of ['a', 'b']) grow([...tokens, next]);
    };
    grow([]);
    fc.assert(
      fc.property(filter, filter, (left, right) => {
        const [a, b] = [left.join('.'), right.join('.')];
        return collide(a, b) === subjects.some((each) => matches(each, a) && matches(each, b));
      }),
    );
  });

  test.each(['a', 'a.b', 'a.b*', 'a>.b'])('%s may be published on', (subject) => {
    expect(isLiteral(subject)).toBe(true);
  });
  test.each(['', '.', 'a..b', '.a', 'a.', 'a.*', '>', 'a b'])('%j may not', (subject) => {
    expect(isLiteral(subject)).toBe(false);
  });
});
