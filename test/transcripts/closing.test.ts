// Every error text that the server knows is heard in some transcript. What needs time or a
// clock is no transcript: those words are heard in a test of `test/bridge/`.

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CLOSINGS, type Closing } from '../../src/bridge/closing.ts';
import { loadTranscripts } from './load.ts';

/** Rows whose cause is time. */
const BY_THE_CLOCK: ReadonlySet<string> = new Set([
  'stale',
  'authenticationTimeout',
  'authenticationExpired',
]);

const BRIDGE_TESTS = `${import.meta.dirname}/../bridge`;

const rows = Object.entries<Closing>(CLOSINGS).flatMap(([name, { text }]) =>
  text === undefined ? [] : [{ name, text }],
);

/** Every `-ERR` line that our server says in a transcript. */
function heard(): string[] {
  return loadTranscripts()
    .flatMap(({ conversation }) => conversation.steps)
    .flatMap((step) => (step.kind === 'receive' ? [step.parts.join('…')] : []))
    .filter((line) => line.startsWith('-ERR '));
}

/** The words of a row with any quoted text where a value is filled in. */
function pattern(text: string): RegExp {
  const literal = text.replace(/[.*+?^$()|[\]\\]/g, '\\$&');
  return new RegExp(`^-ERR '${literal.replace(/\{\w+\}/g, '"[^"]*"')}'\r\n$`);
}

describe('the words', () => {
  const lines = heard();
  for (const { name, text } of rows.filter((row) => !BY_THE_CLOCK.has(row.name))) {
    test(`"${text}" are heard in a transcript`, () => {
      expect(
        lines.filter((line) => pattern(text).test(line)),
        name,
      ).not.toEqual([]);
    });
  }
  for (const { name, text } of rows.filter((row) => BY_THE_CLOCK.has(row.name))) {
    test(`"${text}" are heard in a test of the bridge`, () => {
      const tests = readdirSync(BRIDGE_TESTS)
        .filter((file) => file.endsWith('.test.ts'))
        .map((file) => readFileSync(`${BRIDGE_TESTS}/${file}`, 'utf8'));
      expect(
        tests.some((source) => source.includes(text)),
        name,
      ).toBe(true);
    });
  }
});

test('no transcript hears words that the server does not know', () => {
  const known = rows.map(({ text }) => pattern(text));
  const strange = heard().filter((line) => {
    const last = line.split('\r\n').at(-2) ?? '';
    return !known.some((words) => words.test(`${last}\r\n`)) && !last.includes('\\');
  });
  expect(strange).toEqual([]);
});
