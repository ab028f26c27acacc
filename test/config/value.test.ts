// How errors show what they are about.
import { expect, test } from 'vitest';
import { quoted } from '../../src/config/value.ts';

// As fmt.Sprintf("%q", …) of Go 1.25 has them.
test.each([
  ['a b', '"a b"'],
  ['é€😀', '"é€😀"'],
  ['"\\', '"\\"\\\\"'],
  ['\n\t\r\b\f\v\x07', '"\\n\\t\\r\\b\\f\\v\\a"'],
  ['\0\x1f\x7f', '"\\x00\\x1f\\x7f"'],
  ['\u00a0\u2028\ufeff', '"\\u00a0\\u2028\\ufeff"'],
  ['\u{e0001}', '"\\U000e0001"'],
  ['\udcff', '"\\xff"'],
])('%j is shown as %s', (text, shown) => {
  expect(quoted(text)).toBe(shown);
});
