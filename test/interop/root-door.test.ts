// The root door alone: the packed package in a project without any other, in every runtime, as ES module and as
// CommonJS module, and its types in every way that TypeScript resolves them.
import { mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { runChild } from './child.ts';
import { titled } from './clients.ts';
import { emptyProject } from './packed-install.ts';
import { repositoryDir } from './paths.ts';
import { ROOT_PROGRAMS, SUCCESS, TYPED_PROGRAMS } from './root-program.ts';
import { NODE_LINES, type RuntimeName } from './runtimes.ts';
import { missing } from './tools.ts';

const { runtimes } = inject('tools');
const reason = missing(runtimes);
/** What a page has: nothing of Node. */
const LIB = 'ES2023,ESNext.Disposable,DOM';
const FILES = ['root.mjs', 'root.cjs'] as const;
const TSC = join(repositoryDir, 'node_modules', 'typescript', 'bin', 'tsc');

function executable(name: RuntimeName): string {
  if ('missing' in runtimes) throw new Error(runtimes.missing);
  return runtimes[name];
}

let folder: string;
let project: string;

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'ganglion-root-')));
  project = await emptyProject(folder);
  for (const [name, text] of Object.entries({ ...ROOT_PROGRAMS, ...TYPED_PROGRAMS })) {
    writeFileSync(join(project, name), text);
  }
}, 120_000);
afterAll(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

/** Runs a program of the project to its end, which it must reach by itself. */
async function run(command: string, ...args: string[]): Promise<string> {
  const env = { NODE_OPTIONS: undefined, NO_COLOR: '1' };
  const { code, output } = await runChild(command, args, { cwd: project, env, timeoutMs: 55_000 });
  expect(code, output).toBe(0);
  return output;
}

test('the package brings no other', () => {
  const names = readdirSync(join(project, 'node_modules')).filter((name) => name[0] !== '.');
  expect(names).toEqual(['ganglion']);
});

describe.skipIf(reason !== undefined)(titled('the root door', reason), () => {
  for (const file of FILES) {
    test.each(NODE_LINES)(`${file} runs in Node %s`, async (line) => {
      expect(await run(executable(`node${line}`), file)).toBe(SUCCESS);
    });

    test(`${file} runs in Bun`, async () => {
      expect(await run(executable('bun'), file)).toBe(SUCCESS);
    });

    test(`${file} runs in Deno, which asks for no permission but to read`, async () => {
      const args = ['run', '--cached-only', '--no-prompt', '--allow-read', file];
      expect(await run(executable('deno'), ...args)).toBe(SUCCESS);
    });
  }
});

describe('its types', () => {
  const ways: [module: string, file: keyof typeof TYPED_PROGRAMS][] = [
    ['nodenext', 'typed.mts'],
    ['nodenext', 'typed.cts'],
    ['bundler', 'typed.ts'],
  ];

  test.each(ways)('are found by %s in %s', async (resolution, file) => {
    const module = resolution === 'bundler' ? 'esnext' : resolution;
    const options = ['--module', module, '--moduleResolution', resolution, '--lib', LIB];
    const strict = ['--strict', '--noEmit', '--target', 'es2023', '--pretty', 'false'];
    // Without skipLibCheck: the declarations themselves are checked, without Node's.
    const args = [TSC, '--ignoreConfig', ...options, ...strict, '--exactOptionalPropertyTypes'];
    expect(await run(process.execPath, ...args, file)).toBe('');
  });
});
