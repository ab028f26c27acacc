// The root door in headless Chromium: the packed package, bundled, in a page and in a worker of it; and what a page
// is told whose Content-Security-Policy forbids WebAssembly.
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { runChild } from './child.ts';
import { titled } from './clients.ts';
import { emptyProject } from './packed-install.ts';
import { openPage } from './page.ts';
import { repositoryDir } from './paths.ts';
import { BROWSER_PROGRAM, REFUSED_PROGRAM, SUCCESS } from './root-program.ts';
import { missing, pathOf } from './tools.ts';

const { chromium } = inject('tools');
const reason = missing(chromium);
const BIN = join(repositoryDir, 'node_modules', '.bin');

/** Each leaves `out.js`, and fails when something of Node is asked for. */
const BUNDLERS: Readonly<Record<string, readonly string[]>> = {
  esbuild: ['--bundle', '--platform=browser', '--format=esm', '--minify', '--outfile=out.js'],
  rolldown: ['--platform', 'browser', '--format', 'esm', '--file', 'out.js'],
};
const WITH_WORKER = `<!doctype html><title>a bus</title>
<script type="module">
  new Worker('/main.js', { type: 'module' });
</script>
<script type="module" src="/main.js"></script>`;
const PLAIN = '<!doctype html><title>a bus</title><script type="module" src="/main.js"></script>';

describe.skipIf(reason !== undefined)(titled('in a browser the root door', reason), () => {
  let folder: string;
  let project: string;

  beforeAll(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'ganglion-browser-')));
    project = await emptyProject(folder);
  }, 120_000);
  afterAll(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  /** A program of the project and all that it imports, as one script. */
  async function bundle(bundler: string, program: string): Promise<string> {
    writeFileSync(join(project, 'main.js'), program);
    const args = ['main.js', ...(BUNDLERS[bundler] ?? [])];
    const options = { cwd: project, timeoutMs: 55_000 };
    const { code, output } = await runChild(join(BIN, bundler), args, options);
    expect(code, output).toBe(0);
    const text = readFileSync(join(project, 'out.js'), 'utf8');
    expect(text).not.toMatch(/(?:from|import|require\()\s*["'](?:node:|ganglion)/);
    return text;
  }

  test.each(Object.keys(BUNDLERS))('works when it was bundled by %s', async (bundler) => {
    const script = await bundle(bundler, BROWSER_PROGRAM);
    const reports = await openPage({
      chromium: pathOf(chromium),
      html: WITH_WORKER,
      scripts: { 'main.js': script },
      reports: ['page', 'worker'],
    });
    expect(reports).toEqual({ page: SUCCESS, worker: SUCCESS });
  });

  test('says what to add to a policy without wasm-unsafe-eval', async () => {
    const { page } = await openPage({
      chromium: pathOf(chromium),
      html: PLAIN,
      scripts: { 'main.js': await bundle('esbuild', REFUSED_PROGRAM) },
      policy: "default-src 'self'; script-src 'self'",
      reports: ['page'],
    });
    const error = JSON.parse(page ?? '') as Record<string, string>;
    expect(error).toMatchObject({ code: 'ERR_WASM_UNAVAILABLE', obstacle: 'forbidden' });
    expect(error.message).toMatch(/add 'wasm-unsafe-eval' to script-src .*Content.Security.Policy/);
  });

  test('works under a policy that has it', async () => {
    const reports = await openPage({
      chromium: pathOf(chromium),
      html: PLAIN,
      scripts: { 'main.js': await bundle('esbuild', REFUSED_PROGRAM) },
      policy: "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'",
      reports: ['page'],
    });
    expect(reports).toEqual({ page: SUCCESS });
  });
});
