// What the documents and the examples say about types, judged by the compiler against the built package.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { fences, ROOT, readDocument } from './markdown.ts';
import { buildPackage } from './program.ts';

const TIMEOUT_MS = 120_000;
const DOCUMENTS = ['README.md', 'docs/decisions/bus.md'];
/** What a fragment is taken to have imported. */
const IMPORTS = "import { createBus, type Rpc, type TypedBus } from 'ganglion';\n";

const WRONG = "createBus<{ 'a.b': number }>().publish('a.b', 'text');\n";

beforeAll(buildPackage, TIMEOUT_MS);

/** What the compiler says of files; an empty text is nothing. `more`: without a page's names, but with those of Node. */
function judge(paths: readonly string[], more = '--allowJs --skipLibCheck'): string {
  const flags =
    '--noEmit --strict --target es2023 --lib es2024,esnext.disposable --module nodenext --types node';
  const args = [
    'node_modules/typescript/bin/tsc',
    '--ignoreConfig',
    ...flags.split(' '),
    ...more.split(' '),
    ...paths,
  ];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
  return stdout + stderr;
}

/** The same of texts, each a module of its own, and of other files. */
function judgeTexts(
  texts: readonly string[],
  others: readonly string[] = [],
  more?: string,
): string {
  mkdirSync(join(ROOT, 'build'), { recursive: true });
  const folder = mkdtempSync(join(ROOT, 'build/types-'));
  try {
    const paths = texts.map((text, index) => {
      const path = join(folder, `fragment-${index}.mts`);
      writeFileSync(path, IMPORTS + text);
      return path;
    });
    return judge([...paths, ...others], more);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('the compiler takes', () => {
  it(
    'every fragment of TypeScript in the documents and the example that names types, and not what the map does not have',
    () => {
      const found = DOCUMENTS.map((path) =>
        fences(readDocument(path)).filter(({ language }) => language === 'ts'),
      );
      expect(found.map(({ length }) => length > 0)).toEqual(DOCUMENTS.map(() => true));
      const texts = [WRONG, ...found.flat().map(({ text }) => text)];
      // To start the compiler takes longer than what it does here.
      const said = judgeTexts(texts, ['examples/monolith.mjs']);
      expect(said.match(/error TS\d+/g)).toEqual(['error TS2345']);
      expect(said).toMatch(/fragment-0\.mts\(2,/);
    },
    TIMEOUT_MS,
  );

  it(
    'the declarations of every door, looked at as closely as what uses them',
    () => {
      const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
      const doors = Object.keys(exports).filter((door) => !door.endsWith('.json'));
      expect(doors.length).toBeGreaterThan(1);
      const texts = doors.map((door) => `export * from 'ganglion${door.slice(1)}';\n`);
      expect(judgeTexts(texts, [], '--skipLibCheck false')).toBe('');
    },
    TIMEOUT_MS,
  );
});
