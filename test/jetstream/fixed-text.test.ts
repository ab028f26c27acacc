// Text that is copied by words.
import { expect, test } from 'vitest';
import { FIXED_TEXT_SLACK, FixedText } from '../../src/jetstream/fixed-text.ts';

test('a text stands where it was written, and what was in front stays', () => {
  for (let length = 1; length <= 13; length++) {
    const text = 'ABCDEFGHIJKLM'.slice(0, length);
    for (let at = 0; at < 9; at++) {
      const bytes = new Uint8Array(32).fill(0x2e);
      const data = new DataView(bytes.buffer);
      const end = new FixedText(text).write({ bytes, data }, at);
      expect(end).toBe(at + length);
      const written = Buffer.from(bytes).toString('latin1');
      expect(written.slice(0, end)).toBe('.'.repeat(at) + text);
      expect(written.slice(end + FIXED_TEXT_SLACK)).toMatch(/^\.*$/);
    }
  }
});
