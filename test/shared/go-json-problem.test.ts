// Texts that are no JSON, with what nats-server 2.15.3 has logged of each as the argument of a CONNECT.
import { expect, it } from 'vitest';
import { goJsonProblem, goTypeProblem, goWholeProblem } from '../../src/shared/go-json-problem.ts';

it.each([
  ['{"a":}', "invalid character '}' looking for beginning of value"],
  ['{', 'unexpected end of JSON input'],
  ['', 'unexpected end of JSON input'],
  ['x', "invalid character 'x' looking for beginning of value"],
  ['{"pass":"s"', 'unexpected end of JSON input'],
  ['{"pass":"s', 'unexpected end of JSON input'],
  ["{'a':1}", "invalid character '\\'' looking for beginning of object key string"],
  ['{"a":tru}', "invalid character '}' in literal true (expecting 'e')"],
  ['{"a":fals1}', "invalid character '1' in literal false (expecting 'e')"],
  ['nul', "invalid character ' ' in literal null (expecting 'l')"],
  ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
  ['{"a":"\\x"}', "invalid character 'x' in string escape code"],
  ['{"a":"\\ud8"}', "invalid character '\"' in \\u hexadecimal character escape"],
  ['{"a":"\x01"}', "invalid character '\\x01' in string literal"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a":1 "b"}', "invalid character '\"' after object key:value pair"],
  ['{"a":[1,}', "invalid character '}' looking for beginning of value"],
  ['{"a":[1 2]}', "invalid character '2' after array element"],
  ['1 2', "invalid character '2' after top-level value"],
  ['{} x', "invalid character 'x' after top-level value"],
  ['{"a":-}', "invalid character '}' in numeric literal"],
  ['{"a":01}', "invalid character '1' after object key:value pair"],
  ['{"a":1.}', "invalid character '}' after decimal point in numeric literal"],
  ['{"a":1e}', "invalid character '}' in exponent of numeric literal"],
])('%j is refused as Go refuses it', (text, problem) => {
  expect(goJsonProblem(text)).toBe(problem);
});

it.each(['{}', ' {"a":[1,-2.5e3,"\\u00e9\\n",{"b":null}]} ', '"x"', '0', 'true'])(
  '%j is JSON',
  (text) => {
    expect(goJsonProblem(text)).toBeUndefined();
  },
);

it('a text that is nested very deeply is looked at without harm', () => {
  expect(goJsonProblem('['.repeat(5000))).toBe('unexpected end of JSON input');
  expect(goJsonProblem('['.repeat(20_000))).toBe('exceeded max depth');
});

it('a value of the wrong type is named by its kind', () => {
  const of = (value: unknown, type: string): string => goTypeProblem(value, 'T.f', type);
  expect(of(1, 'bool')).toBe('json: cannot unmarshal number into Go struct field T.f of type bool');
  expect(of(1.5, 'int')).toMatch('unmarshal number 1.5 into');
  expect(of([], 'int')).toMatch('unmarshal array into');
  expect(of(true, 'string')).toMatch('unmarshal bool into');
  expect(of({}, 'string')).toMatch('unmarshal object into');
  expect(goWholeProblem('s', 'server.T')).toBe(
    'json: cannot unmarshal string into Go value of type server.T',
  );
});
