// How errors show what they are about.
import { expect, test } from 'vitest';
import { readConfig } from '../../src/config/read.ts';
import { quoteGoText } from '../../src/shared/go-quote.ts';

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
  expect(quoteGoText(text)).toBe(shown);
});

const SEED = 'SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY';
test.each([
  `accounts { A { nkey: ${SEED} } }`,
  `authorization { auth_callout { issuer: ${SEED}, auth_users: [ a ] } }`,
])('a seed in the place of a public key is not shown: %s', (text) => {
  const read = (): unknown =>
    readConfig(
      'a.conf',
      () => undefined,
      () => text,
    );
  expect(read).toThrow('[REDACTED]');
  expect(read).not.toThrow(SEED);
});
