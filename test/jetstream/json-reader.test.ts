// Requests in JSON are read as the original's decoder reads them: what it takes and refuses was tried on it.
import { describe, expect, test } from 'vitest';
import {
  BOOL,
  type Fields,
  INT32,
  INT64,
  MAP,
  oneOf,
  readObject,
  STRING,
  STRINGS,
  UINT64,
} from '../../src/jetstream/json-reader.ts';

const FIELDS: Fields = {
  name: STRING,
  names: STRINGS,
  count: INT64,
  size: INT32,
  seq: UINT64,
  flag: BOOL,
  words: MAP,
  kind: oneOf({ one: 'one', two: 'two' }),
  inner: { is: 'object', fields: { count: INT64, name: STRING } },
  maybe: { is: 'object', fields: { name: STRING }, nullable: true },
};

function read(text: string, isStrict = true): Record<string, unknown> {
  return { ...readObject<Record<string, unknown>>(text, FIELDS, isStrict) };
}

function whole(text: string): unknown {
  return JSON.parse(JSON.stringify(read(text)));
}

describe('integers', () => {
  test('of 64 bits are exact, and numbers where a number is', () => {
    expect(read('{"count":9223372036854775807}').count).toBe(9223372036854775807n);
    expect(read('{"count":-9223372036854775808}').count).toBe(-9223372036854775808n);
    expect(read('{"seq":18446744073709551615}').seq).toBe(18446744073709551615n);
    expect(read('{"count":9007199254740991}').count).toBe(9007199254740991);
    expect(read('{"count":-0}').count).toBe(0);
  });

  test.each([
    ...['{"count":1.0}', '{"count":1e3}', '{"count":"1"}', '{"count":9223372036854775808}'],
    ...['{"size":2147483648}', '{"seq":-1}', '{"seq":-0}', '{"count":[]}', '{"count":true}'],
  ])('that do not fit are refused: %s', (text) => {
    expect(() => read(text)).toThrow('json: cannot unmarshal');
  });
});

describe('keys', () => {
  test('match in any case, and the exact one is no better', () => {
    expect(whole('{"NAME":"a","Flag":true}')).toEqual({ name: 'a', flag: true });
    expect(whole('{"name":"a","NAME":"b"}')).toEqual({ name: 'b' });
    expect(whole('{"nameſ":["long s"]}')).toEqual({ names: ['long s'] });
  });

  test('that are unknown are named as Go quotes them, or passed over', () => {
    expect(() => read('{"x\\n\\u0000":1}')).toThrow('json: unknown field "x\\n\\x00"');
    expect(() => read('{"inner":{"y":1}}')).toThrow('json: unknown field "y"');
    expect(read('{"x":[{"y":[1,"]"]}],"name":"a"}', false)).toEqual({ name: 'a' });
  });

  test('are no way to the prototype', () => {
    expect(() => read('{"__proto__":{"polluted":1}}')).toThrow('unknown field "__proto__"');
    expect(() => read('{"constructor":1}')).toThrow('unknown field "constructor"');
    const { words } = read('{"words":{"__proto__":"a","toString":"b"}}');
    expect(Object.entries(words as object)).toEqual([
      ['__proto__', 'a'],
      ['toString', 'b'],
    ]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  test('that are said twice: the last wins, objects and maps are put together', () => {
    expect(whole('{"name":"a","name":"b"}')).toEqual({ name: 'b' });
    expect(whole('{"names":["a","b"],"names":["c"]}')).toEqual({ names: ['c'] });
    expect(whole('{"words":{"a":"1"},"words":{"b":"2"}}')).toEqual({ words: { a: '1', b: '2' } });
    expect(whole('{"inner":{"count":1},"inner":{"name":"x"}}')).toEqual({
      inner: { count: 1, name: 'x' },
    });
  });
});

describe('null', () => {
  test('leaves a value as it is, and takes away lists, maps and what may be missing', () => {
    const before = '"name":"a","count":1,"names":["b"],"words":{"a":"b"},"maybe":{"name":"x"}';
    const after = '"name":null,"count":null,"names":null,"words":null,"maybe":null,"inner":null';
    expect(whole(`{${before},${after}}`)).toEqual({ name: 'a', count: 1 });
  });

  test('is no word, and in a list or map it is an empty text', () => {
    expect(() => read('{"kind":null}')).toThrow('can not unmarshal "null"');
    expect(whole('{"names":[null],"words":{"a":null}}')).toEqual({
      names: [''],
      words: { a: '' },
    });
  });
});

describe('what is no JSON', () => {
  test.each([
    ...[
      '{',
      '{"name"}',
      '{"name":}',
      '{"name":"a",}',
      '{"name":"a"}x',
      '\ufeff{}',
      '{"name":\'a\'}',
    ],
    ...['{"name":"\n"}', '{"name":"\\x"}', '{"name":"\\u12"}', '{"count":01}', '{"count":+1}'],
    ...['{"count":.5}', '{"count":1.}', '{"flag":True}', '[', '{"names":["a",]}', '{"names":["a"}'],
    ...['{"name":"a" "count":1}', '{,}', 'nul', '"', '{"name":"a'],
  ])('is refused: %s', (text) => {
    expect(() => read(text)).toThrow(/invalid character|unexpected EOF/);
  });

  test('is told before what does not fit', () => {
    expect(() => read('{"count":"1"')).toThrow('unexpected EOF');
  });

  test('a wrong word is told before an unknown key', () => {
    expect(() => read('{"x":1,"kind":"three"}')).toThrow('can not unmarshal "\\"three\\""');
  });
});

describe('depth', () => {
  test('is bounded as the original does it, whatever the stack', () => {
    const nested = (depth: number): string => `{"x":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    expect(read(nested(9_999), false)).toEqual({});
    expect(() => read(nested(10_000), false)).toThrow('exceeded max depth');
    expect(() => read(`{"x":${'[{"a":'.repeat(170_000)}`)).toThrow('exceeded max depth');
  });
});

describe('texts', () => {
  test('have their escapes, and half a pair is replaced', () => {
    expect(read('{"name":"\\u0041\\n\\"\\/\\ud83d\\ude00"}').name).toBe('A\n"/😀');
    expect(read('{"name":"\\ud800x"}').name).toBe('\ufffdx');
  });
});

test('several objects in a row are put together, and nothing is an empty one', () => {
  expect(whole('{"name":"a"} {"count":2}')).toEqual({ name: 'a', count: 2 });
  expect(whole('')).toEqual({});
  expect(whole(' null ')).toEqual({});
  expect(() => read('5')).toThrow('json: cannot unmarshal number');
  expect(() => read('{"x":1} {}', false)).toThrow('after top-level value');
});
