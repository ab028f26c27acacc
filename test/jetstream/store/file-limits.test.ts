// A process may have few files open, and stores more.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleFile, type Program } from '../../support/bundle.ts';
import { newDirectory, removeDirectories } from '../../support/file-stores.ts';

let program: Program;
beforeAll(async () => {
  program = await bundleFile('test/support/many-stores.ts');
}, 60_000);
afterAll(() => {
  program.remove();
  removeDirectories();
});

test.each([
  ['twice as many stores as files that may be open store all the same', '200', ''],
  ['a sync waits for a file that may be opened', '5', 'taken'],
])(
  '%s',
  async (_, stores, taken) => {
    const args = [process.execPath, program.path, newDirectory(), stores, taken];
    const { stdout } = await promisify(execFile)('sh', [
      '-c',
      'ulimit -n 100; exec "$@"',
      'sh',
      ...args,
    ]);
    expect(stdout).toBe(`${3 * Number(stores)}\n`);
  },
  60_000,
);
