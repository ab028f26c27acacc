// Configuration files beside nats-server: the same texts are valid, with the same digest, and the same are refused, in
// the same words but for those of Go's run time. Each file goes to its binary with -t, and to our reader in this
// process.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { readConfig } from '../../src/config/read.ts';
import { brokenRule } from '../../src/config/validate.ts';
import { ConfigError } from '../../src/config/value.ts';
import { BLOCKS, CANDIDATES, keysOf } from '../config/blocks.ts';
import { RULE_TEXTS, WRONG_TEXTS } from '../config/wrong-texts.ts';
import { runChild } from './child.ts';
import { titled } from './clients.ts';
import { missing, pathOf } from './tools.ts';

const { reference } = inject('tools');

interface Verdict {
  readonly isValid: boolean;
  /** Lines, sorted: the original goes through its maps in any order. */
  readonly lines: readonly string[];
}

/** What random texts are made of. No key that is known, so that what is read shows in what is unknown. */
const PIECES: readonly string[] = [
  ...[
    'foo',
    'bar',
    'a',
    'include ',
    '"q"',
    "'s'",
    '"e\\n\\x41"',
    '"\\q"',
    '$foo',
    '$HOME',
    '$2a$11$abc',
  ],
  ...['1', '-5', '1k', '2Mb', '1kbi', '5e7bcd', '1.5', '1.2.3.4:42', '12a', '1..2', '-', '.', '9e'],
  ...['99999999999999999999', '2020-01-02T03:04:05Z', '2020-13-02T03:04:05Z', 'true', 'OFF'],
  ...[
    '{',
    '}',
    '[',
    ']',
    ':',
    '=',
    ' ',
    ' ',
    '\n',
    '\n',
    ',',
    ';',
    '/',
    '\t',
    '\\',
    '"',
    "'",
    '(',
    ')',
  ],
  ...['#c', '//c', '(\nblk\n)\n', 'é', '\u2003', '\ufeff', '\r\n', 'x: 1\n', 'y { z: [p, q] }\n'],
];

let folder: string;
let count = 0;

/** Ours of a file. */
function ours(file: string): Verdict {
  try {
    const { values, digest, warnings } = readConfig(file, (name) => process.env[name]);
    const broken = warnings.length > 0 ? undefined : brokenRule(values);
    const lines = broken === undefined ? warnings : [broken];
    if (lines.length > 0) return { isValid: false, lines: lines.toSorted() };
    return { isValid: true, lines: [`configuration file ${file} is valid (${digest})`] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { isValid: false, lines: [...error.warnings, ...error.problems].toSorted() };
  }
}

async function theirs(file: string): Promise<Verdict> {
  const { code, output } = await runChild(pathOf(reference), ['-t', '-c', file]);
  const lines = output.replace(/^nats-server: /, '').split('\n');
  return { isValid: code === 0, lines: lines.filter((line) => line !== '').toSorted() };
}

async function both(text: string): Promise<{ our: Verdict; their: Verdict; file: string }> {
  const file = join(folder, `${count++}.conf`);
  writeFileSync(file, text);
  return { our: ours(file), their: await theirs(file), file };
}

/** Texts of Go's run time, and values as Go prints them, are ours. */
function comparable(line: string): string {
  // In blocks of OCSP the original calls a key with a wrong value an unknown one.
  const wrong = /interface conversion|must be (?:a|an|true|false)\b|unknown field \[/;
  if (wrong.test(line)) return '(wrong type)';
  return line.replace(/got .*|(?<=nkey for an account: ).*/, '(a value)');
}

describe.skipIf(missing(reference) !== undefined)(
  titled('configuration beside nats-server', missing(reference)),
  () => {
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'ganglion-config-'));
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    const texts = [...WRONG_TEXTS.map(([text]) => text), ...RULE_TEXTS];
    test.each(texts)('%j is judged alike', async (text) => {
      const { our, their } = await both(text);
      if (!isSame(our, their)) expect(our).toEqual(their);
    });

    test('any text is judged alike', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.constantFrom(...PIECES), { maxLength: 14 }),
          async (pieces) => {
            const { our, their } = await both(pieces.join(''));
            return isSame(our, their);
          },
        ),
        { numRuns: 300 },
      );
    }, 120_000);

    test.each(BLOCKS.map((block) => [block.title, block] as const))(
      'keys of %s take and refuse the same',
      async (_title, { table, wrap }) => {
        const different: unknown[] = [];
        for (const name of keysOf(table).flatMap(({ names }) => names.slice(0, 1))) {
          const entries = fewOf(name, wrap);
          for (const { entry, our, their } of await Promise.all(entries.map(judge))) {
            if (!isAlike(our, their)) different.push({ entry, our: our.lines, their: their.lines });
          }
        }
        expect(different).toEqual([]);
      },
      300_000,
    );
  },
);

async function judge(entry: string) {
  return { entry, ...(await both(entry)) };
}

/** Two values that we take, and three that we do not. */
function fewOf(name: string, wrap: (entry: string) => string): string[] {
  const entries = CANDIDATES.map((value) => wrap(`${name}: ${value}`));
  const taken = entries.filter((entry) => judgeText(entry));
  const refused = entries.filter((entry) => !taken.includes(entry));
  return [...taken.slice(0, 2), ...refused.slice(0, 3)];
}

function judgeText(text: string): boolean {
  const file = join(folder, 'candidate.conf');
  writeFileSync(file, text);
  return ours(file).isValid;
}

/** The same to the letter; where the original says no place, ours may. */
function isSame(our: Verdict, their: Verdict): boolean {
  const theirLines = their.lines.map(comparable);
  const ourLines = our.lines.map(comparable).map((line) => {
    const bare = line.replace(/^.*?:-?\d+:-?\d+: /, '');
    return theirLines.includes(bare) ? bare : line;
  });
  const isEqual = JSON.stringify(ourLines.toSorted()) === JSON.stringify(theirLines.toSorted());
  return our.isValid === their.isValid && isEqual;
}

/** Both take it, with one digest, or both refuse it, and one of the original's reasons is among ours. */
function isAlike(our: Verdict, their: Verdict): boolean {
  if (our.isValid || their.isValid) return isSame(our, their);
  const bare = (line: string) => comparable(line).replace(/^.*:-?\d+:-?\d+: /, '');
  return their.lines.some((line) => our.lines.map(bare).includes(bare(line)));
}
