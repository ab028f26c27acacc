// The programs of the README and of examples/, run against the built package. They end with status 0, write
// nothing to standard error, and print what they promise.
import { readdirSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type DocumentProgram, programsOf, ROOT, readDocument } from './markdown.ts';
import { buildPackage, runFile, runText } from './program.ts';

const BUILD_TIMEOUT_MS = 120_000;
const PROGRAM_TIMEOUT_MS = 40_000;

const programs = programsOf('README.md');
const pages = readdirSync(`${ROOT}docs`).filter((name) => name.endsWith('.md'));
const examples = readdirSync(`${ROOT}examples`).filter((name) => name.endsWith('.mjs'));

beforeAll(buildPackage, BUILD_TIMEOUT_MS);

describe('the README', () => {
  it('has a program for each door, and they open nothing else of ours', () => {
    const text = programs.map((program) => program.text).join('');
    const doors = [...text.matchAll(/from '(ganglion[^']*)'/g)].map((match) => match[1]);
    expect([...new Set(doors)].sort()).toEqual([
      'ganglion',
      'ganglion/jetstream',
      'ganglion/server',
      'ganglion/sublist',
      'ganglion/testing',
    ]);
  });

  it.each(programs)('has a program that runs: $title', expectToRun, PROGRAM_TIMEOUT_MS);
});

describe.each(pages)('docs/%s', (name) => {
  const all = programsOf(`docs/${name}`);

  it('has programs, and each says what it prints', () => {
    expect(all).not.toEqual([]);
    expect(all.filter(({ output }) => output === undefined)).toEqual([]);
  });

  it.each(all)('has a program that runs: $title', expectToRun, PROGRAM_TIMEOUT_MS);
});

async function expectToRun({ text, output }: DocumentProgram): Promise<void> {
  const { status, stdout, stderr } = await runText(text);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  if (output !== undefined) expect(stdout).toBe(output);
}

describe('examples/', () => {
  it.each(examples)(
    '%s runs and prints what it says',
    async (name) => {
      const path = `examples/${name}`;
      const isTest = name.endsWith('.test.mjs');
      const flags = isTest ? ['--test', '--test-reporter=tap'] : [];
      const { status, stdout, stderr } = await runFile(path, flags);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      if (isTest) expect(stdout).toMatch(/^# pass [1-9]\d*$[\s\S]*^# fail 0$/m);
      else expect(stdout).toBe(promisedOutput(readDocument(path)));
    },
    PROGRAM_TIMEOUT_MS,
  );
});

/** What stands behind `// Output:` at the end of a program. */
function promisedOutput(text: string): string {
  const [, promise] = text.split('\n// Output:\n');
  return (promise ?? '').replace(/^\/\/ ?/gm, '');
}
