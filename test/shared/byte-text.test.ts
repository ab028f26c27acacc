// Texts of bytes that need not be UTF-8.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf, textOf, trimmed, wellFormedTextOf } from '../../src/shared/byte-text.ts';
import { goJson } from '../../src/shared/go-json.ts';

const bytes = (...said: (number | string)[]): Uint8Array =>
  Buffer.concat(
    said.map((each) => (typeof each === 'string' ? Buffer.from(each) : Buffer.of(each))),
  );

describe('a text of bytes', () => {
  test('is what UTF-8 says, with a mark of the order of bytes', () => {
    for (const text of ['', 'plain', 'ü€😀', '\ufeffa', 'a\ufffdb', '\u0000']) {
      expect(textOf(bytes(text))).toBe(text);
      expect(wellFormedTextOf(bytes(text))).toBe(text);
      expect([...bytesOf(text)]).toEqual([...bytes(text)]);
    }
  });

  test('tells any two apart, and gives each back', () => {
    const some = fc.array(
      fc.oneof(fc.constantFrom('a', '€', '😀', '\ufffd'), fc.integer({ min: 0, max: 255 })),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(some, (said) => {
        const before = bytes(...said);
        expect([...bytesOf(textOf(before))]).toEqual([...before]);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['a byte that begins nothing', [0x61, 0xff], 'a\ufffd'],
    ['a character that is cut off, byte by byte', [0xe2, 0x82], '\ufffd\ufffd'],
    ['one that is longer than it need be', [0xc0, 0x80, 0x62], '\ufffd\ufffdb'],
    ['half of a pair', [0xed, 0xa0, 0x80], '\ufffd\ufffd\ufffd'],
    ['what lies beyond the last', [0xf4, 0x90, 0x80, 0x80], '\ufffd\ufffd\ufffd\ufffd'],
  ])('has U+FFFD, as Go reads it, for %s', (_, said, text) => {
    expect(wellFormedTextOf(Uint8Array.from(said))).toBe(text);
  });

  test('of a megabyte is made at once', () => {
    const large = new Uint8Array(1 << 20).fill(0xff);
    expect(wellFormedTextOf(large)).toBe('\ufffd'.repeat(1 << 20));
    expect(bytesOf(textOf(large)).every((byte) => byte === 0xff)).toBe(true);
  });
});

test('JSON shows stray bytes as Go does, and no backslash that is text', () => {
  expect(goJson({ a: textOf(bytes('s.', 0xff)) }, 0)).toBe('{"a":"s.\\ufffd"}');
  expect(goJson(['\\udcff', '\\\\udcff', '"\\udcff', '\ufffd<'], 0)).toBe(
    '["\\\\udcff","\\\\\\\\udcff","\\"\\\\udcff","\ufffd\\u003c"]',
  );
});

test('blanks around a text are those of Go', () => {
  expect(trimmed(' \t\u0085\u00a0 a b\u3000\n')).toBe('a b');
  expect(trimmed('\ufeffa')).toBe('\ufeffa');
  expect(trimmed(' \n ')).toBe('');
});
