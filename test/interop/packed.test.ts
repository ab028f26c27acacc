// The package as its users get it: packed, installed into a project far from our sources, and used there by the
// tests of that project under node:test, vitest and Jest.
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { runChild } from './child.ts';
import { titled } from './clients.ts';
import { installInto, packInto } from './packed-install.ts';
import { packedPrograms } from './packed-programs.ts';
import { isForeignServer } from './server.ts';
import { missing, pathOf } from './tools.ts';

const { consumer } = inject('tools');
const reason = isForeignServer() ? 'another server is under test' : missing(consumer);
const OUTER_RUNNER = {
  NODE_OPTIONS: undefined,
  NODE_ENV: undefined,
  TEST: undefined,
  VITEST: undefined,
  VITEST_MODE: undefined,
  VITEST_POOL_ID: undefined,
  VITEST_WORKER_ID: undefined,
};

describe.skipIf(reason !== undefined)(titled('the packed install', reason), () => {
  let folder: string;
  let project: string;

  beforeAll(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'ganglion-packed-')));
    project = join(folder, 'project');
    mkdirSync(project);
    cpSync(pathOf(consumer), project, { recursive: true, verbatimSymlinks: true });
    await installInto(project, await packInto(folder));
  }, 180_000);
  afterAll(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  test.each(packedPrograms())('startServer() works under $title', async (program) => {
    writeFileSync(join(project, program.file), program.text);
    const { code, output } = await runChild(process.execPath, program.args, {
      cwd: project,
      // Of the runner around this test nothing may reach the runners inside.
      env: { ...OUTER_RUNNER, NO_COLOR: '1' },
      timeoutMs: 60_000,
    });
    expect(output).toMatch(program.success);
    expect(output).not.toMatch(/did not exit|open handle/i);
    expect(code, output).toBe(0);
  });

  test('import and require give the same class', async () => {
    const script = `const { createRequire } = await import('node:module');
      const required = createRequire(process.cwd() + '/x.js')('ganglion');
      const imported = await import('ganglion');
      console.log(required.createBus === imported.createBus, typeof imported.createBus);`;
    const { output } = await runChild(process.execPath, ['--input-type=module', '-e', script], {
      cwd: project,
    });
    expect(output).toBe('true function');
  });

  test('npx ganglion answers --version', async () => {
    const { code, output } = await runChild('npx', ['--no-install', 'ganglion', '--version'], {
      cwd: project,
    });
    expect(output).toMatch(/: v\d+\.\d+\.\d+/);
    expect(code).toBe(0);
  });
});
