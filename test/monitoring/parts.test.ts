// The small parts of monitoring: sorting in slices, JSON in pieces, subjects against filters.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonList, jsonPieces } from '../../src/monitoring/json.ts';
import { PackedSubscriptions } from '../../src/monitoring/packed.ts';
import { readQuery } from '../../src/monitoring/query.ts';
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

describe('packed subscriptions', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 12 });
  const subscription = fc.record({
    sid: text,
    subject: fc.oneof(text, fc.constant('s'.repeat(600_000))),
    queue: fc.option(text, { nil: undefined }),
    delivered: fc.nat(),
    max: fc.nat(),
  });

  test('come out as they went in, in the order of the bytes of sid and subject', () => {
    fc.assert(
      fc.property(fc.array(subscription, { maxLength: 20 }), (list) => {
        const packed = new PackedSubscriptions();
        const places = list.map((each) => packed.add(each));
        expect(places.map((place) => packed.read(place))).toEqual(list);
        const bytes = (each: (typeof list)[number]): Buffer[] => [
          Buffer.from(each.sid),
          Buffer.from(each.subject),
        ];
        const ordered = list.toSorted((a, b) => {
          const [[aSid, aSubject], [bSid, bSubject]] = [bytes(a), bytes(b)];
          return Buffer.compare(aSid!, bSid!) || Buffer.compare(aSubject!, bSubject!);
        });
        const read = places.sort(packed.compare).map((place) => packed.read(place));
        return JSON.stringify(read) === JSON.stringify(ordered);
      }),
      { numRuns: 25 },
    );
  });

  test('longer than a block have one to themselves', () => {
    const packed = new PackedSubscriptions();
    const sizes = [1, 3_000_000, 2, 1_048_576, 3];
    const list = sizes.map((size, at) => ({
      sid: String(at),
      subject: 'x'.repeat(size),
      queue: 'q',
      delivered: 2 ** 40,
      max: 0,
    }));
    const places = list.map((each) => packed.add(each));
    expect(places.map((place) => packed.read(place))).toEqual(list);
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

describe('a query', () => {
  test.each<[string, [string, string][]]>([
    ['', []],
    [
      'a=b&&c',
      [
        ['a', 'b'],
        ['c', ''],
      ],
    ],
    [
      'a=b=c&a=d+e',
      [
        ['a', 'b=c'],
        ['a', 'd e'],
      ],
    ],
    ['a=1%&b%zz=2&c=%3', []],
    ['a;b=1&c=1;2&d', [['d', '']]],
    [
      '%61=%c3%A4&b=\u00c3\u00a4&c=%ff',
      [
        ['a', '\u00e4'],
        ['b', '\u00e4'],
        ['c', '\ufffd'],
      ],
    ],
  ])('%j is read as Go reads it', (text, pairs) => {
    expect([...readQuery(text)]).toEqual(pairs);
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
