// A store that was written by an older version is read for ever: format-1/ is one, of the first. It was written by
// `makeStore` on a simulated disk; a format that comes gets a directory of its own, and this one stays.
import { deepStrictEqual, ok } from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { openStore } from '../../support/file-stores.ts';
import { contents, makeStore } from '../../support/format-fixture.ts';
import { SimDisk } from '../../support/sim-disk.ts';

const folder = join(import.meta.dirname, 'format-1');

/** A simulated disk with the files of the fixture; the test may not change those. */
function diskOf(isWanted: (name: string) => boolean): SimDisk {
  const names = readdirSync(folder).filter(isWanted);
  return new SimDisk(
    1,
    new Map(names.map((name) => [`/s/${name}`, new Uint8Array(readFileSync(join(folder, name)))])),
  );
}

describe('a store of format 1', () => {
  it.each([
    ['with its snapshot', () => true],
    ['without', (name: string) => name.endsWith('.log')],
  ])('is read %s', async (_, isWanted) => {
    const disk = new SimDisk();
    const expected = contents(await makeStore(disk, '/s', () => disk.settle()));
    const warnings: string[] = [];
    const warn = (text: string): void => void warnings.push(text);
    const old = diskOf(isWanted);
    const { store, lost } = openStore({ disk: old, dir: '/s', warn });
    deepStrictEqual(contents(store), expected);
    deepStrictEqual([lost, warnings], [[], []]);
    ok(old.names.size >= 2, 'it has more than one file');
  });
});
