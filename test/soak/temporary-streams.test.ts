// Streams on file without a directory leave nothing behind a process that ends by itself; and while there are streams in
// memory alone, nothing is loaded that reaches files.
import { readdirSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { runChild } from '../interop/child.ts';
import { bundleFile, type Program } from '../support/bundle.ts';
import { newDirectory, removeDirectories } from '../support/file-stores.ts';

let program: Program;
beforeAll(async () => {
  program = await bundleFile('test/support/file-stream-program.ts');
}, 60_000);
afterAll(() => program?.remove());
afterEach(removeDirectories);

const STORED = '{"stream":"memory","seq":1}';

test.each([
  ['its last work', 0],
  ['exit', 0],
  ['throw', 1],
  ['reject', 1],
])('a process that ends by %s leaves no directory', async (ending, status) => {
  const tmp = newDirectory();
  const { code, output } = await runChild(process.execPath, [program.path, ending], {
    env: { TMPDIR: tmp },
  });
  expect([code, output.split('\n')[0]]).toEqual([status, `memory ${STORED}`]);
  expect(readdirSync(tmp)).toEqual([]);
});

test('what reaches files is loaded with the first stream on file', async () => {
  // Said by the thread of the hooks itself, at once.
  const says = `import { writeSync } from 'node:fs'; export async function resolve(name, context, next) { if (/^(node:)?fs(\\/|$)/.test(name)) writeSync(1, 'LOADED '); return next(name, context); }`;
  const script = (text: string): string => `data:text/javascript,${encodeURIComponent(text)}`;
  const hook = `import { register } from 'node:module'; register(${JSON.stringify(script(says))});`;
  const args = ['--import', script(hook), program.path, 'exit'];
  const { output } = await runChild(process.execPath, args, { env: { TMPDIR: newDirectory() } });
  const [before = '', after = ''] = output.split(STORED);
  expect(before).toBe('memory ');
  expect(after.split('file {')[0]).toContain('LOADED');
});
