// Subject transforms: the results and refusals are those of nats-server 2.15.3.
import { describe, expect, test } from 'vitest';
import { checkDestination, SubjectTransform } from '../../src/shared/subject-transform.ts';

function make(source: string, destination: string): SubjectTransform {
  return new SubjectTransform(source, destination, (below) => below - 1);
}

describe('a transform', () => {
  test.each([
    ['foo.*.bar', 'x.$1', 'foo.a.bar', 'x.a'],
    ['*.*', '$2.$1', 'a.b', 'b.a'],
    ['*.*', '{{wildcard(2)}}.{{ Wildcard( 1 ) }}', 'a.b', 'b.a'],
    ['a.>', 'b.>', 'a.x.y', 'b.x.y'],
    ['', 'b.>', 'a.x', 'b.a.x'],
    ['>', '>', 'a.x', 'a.x'],
    ['orders.*.>', '$1.>', 'orders.eu.new.7', 'eu.new.7'],
    ['a', 'b.c', 'a', 'b.c'],
    ['*', '{{splitfromleft(1,2)}}', 'abcde', 'ab.cde'],
    ['*', '{{splitFromRight(1,2)}}', 'abcde', 'abc.de'],
    ['*', '{{SliceFromLeft(1,2)}}', 'abcde', 'ab.cd.e'],
    ['*', '{{sliceFromRight(1,2)}}', 'abcde', 'a.bc.de'],
    ['*', '{{left(1,2)}}', 'abcde', 'ab'],
    ['*', '{{right(1,2)}}', 'abcde', 'de'],
    ['*', '{{left(1,2)}}{{right(1,2)}}', 'abcde', 'de'],
    ['*', '{{right(1,9)}}', 'abcde', 'abcde'],
    ['*', '{{split(1,-)}}', '-abc-def--ghi-', 'abc.def.ghi'],
    ['*', '{{split(1,)}}', 'ab\xc3\xa9\xc3c', 'a.b.\xc3\xa9.\xc3.c'],
    ['*.*', 'p.{{partition(10,1,2)}}', 'foo.bar', 'p.0'],
    ['a.b', 'p.{{partition(10)}}', 'a.b', 'p.2'],
    ['*', 'p.{{partition(0)}}', 'a', 'p.0'],
    ['*', 'r.{{random(7)}}', 'a', 'r.6'],
    ['*', '$x.$', 'a', '$x.$'],
    ['*.*', '$0', 'a.b', 'a'],
  ])('%s → %s makes of %s %s', (source, destination, subject, made) => {
    expect(make(source, destination).apply(subject)).toBe(made);
  });

  test('hashes no more of a subject than it can have, however often it is named', () => {
    const twice = make('*', `p.{{partition(10${',1'.repeat(2)})}}`);
    expect(twice.apply('a'.repeat(2048))).toMatch(/^p\.\d$/);
    expect(twice.apply('a'.repeat(2049))).toBe(undefined);
  });

  test.each([
    ['a.*', 'b'],
    ['a.*', 'a.b.c'],
    ['>', 'a.*'],
    ['>', 'a..b'],
  ])('of %s leaves %s alone', (source, subject) => {
    const destination = source === '>' ? 'x.>' : 'x';
    expect(make(source, destination).apply(subject)).toBe(undefined);
  });

  test.each([
    ['a', 'b.>', 'invalid subject'],
    ['a.*', 'b.*', 'invalid subject'],
    ['a..b', 'b', 'invalid subject'],
    ['a.*', 'b.$2', 'invalid mapping destination: wildcard index out of range in $2: [2]'],
    ['a', 'b.$1', 'invalid mapping destination: wildcard index out of range in $1'],
    [
      '*',
      '{{wildcard()}}',
      'invalid mapping destination: not enough arguments passed to the function in {{wildcard()}}',
    ],
    [
      '*',
      '{{left(1,2,3)}}',
      'invalid mapping destination: too many arguments passed to the function in {{left(1,2,3)}}',
    ],
    [
      '*',
      '{{left(1,x)}}',
      'invalid mapping destination: function argument is invalid or in the wrong format in {{left(1,x)}}',
    ],
    ['*', '{{nothing(1)}}', 'invalid mapping destination: unknown function in {{nothing(1)}}'],
    [
      '*',
      '{{account-hash()}}',
      'invalid mapping destination: function is not available in this context in {{account-hash()}}',
    ],
  ])('of %s to %s is refused', (source, destination, text) => {
    expect(() => make(source, destination)).toThrow(text);
  });
});

test('nothing is made that is longer than a subject can be', () => {
  const many = new Array(1000).fill('$1').join('.');
  expect(make('*', many).apply('abc')).toHaveLength(3999);
  expect(make('*', many).apply('abcd')).toBe(undefined);
  expect(make('a.>', 'b.>').apply(`a.${'x'.repeat(4094)}`)).toHaveLength(4096);
  expect(make('a.>', 'bb.>').apply(`a.${'x'.repeat(4094)}`)).toBe(undefined);
  for (const [source, destination] of [
    ['*', `a.${'x'.repeat(4095)}`],
    ['x'.repeat(4097), 'a'],
    ['*', 'a\0'],
  ]) {
    expect(() => make(source as string, destination as string)).toThrow('invalid subject');
  }
});

test('a destination is looked at by itself first', () => {
  expect(() => checkDestination('a b')).toThrow(/^invalid mapping destination: invalid transform$/);
  expect(() => checkDestination('>.a')).toThrow('invalid transform in a');
  expect(() => checkDestination('{{foo(1)}}')).toThrow('unknown function in {{foo(1)}}');
  expect(() => checkDestination('a.{{random(2)}}.>')).not.toThrow();
  // What no subject can be is looked at no further: these would take minutes.
  const long = `{{${'{{left('.repeat(150_000)})}a}}`;
  expect(() => checkDestination(long)).toThrow(/^invalid subject$/);
});
