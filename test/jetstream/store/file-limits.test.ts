// A process may have few files open, and stores more.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openMost } from '../../../src/jetstream/store/file/open-files.ts';
import { bundleFile, type Program } from '../../support/bundle.ts';
import { newDirectory, removeDirectories } from '../../support/file-stores.ts';

/** How many there are only Linux says. */
const LEFT = process.platform === 'linux' ? '20' : '0';

let program: Program;
beforeAll(async () => {
  program = await bundleFile('test/support/many-stores.ts');
}, 60_000);
afterAll(() => {
  program.remove();
  removeDirectories();
});

test.each([
  ['twice as many stores as files that may be open store all the same', '200', '', '0'],
  ['very many stores leave some of what may be open to others', '200', '', LEFT],
  ['a sync waits for a file that may be opened', '5', 'taken', '0'],
])(
  '%s',
  async (_, stores, ...others) => {
    const args = [process.execPath, program.path, newDirectory(), stores, ...others];
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

test.each([
  [512, 'Max open files            1048576              1048576              files'],
  [
    341,
    'Max cpu time  unlimited\nMax open files            1024                 524288               files',
  ],
  [8, 'Max open files            12                   12                   files'],
  [512, 'Max open files            unlimited            unlimited            files'],
  [512, ''],
])('%i files may be open where the limits are %o', (most, limits) => {
  expect(openMost(limits)).toBe(most);
});
