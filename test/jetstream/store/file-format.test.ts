// A store that was written by an older version is read for ever: format-1/ is one, of the first, and format-1-indexed/ one
// with indexes beside its segments, made of what was synced; those of format-1-marked/ end in marks that say so, and those of
// format-1-compact/ have compact rows, too. All were written by `makeStore` on a simulated disk; a format that comes gets a
// directory of its own, and these stay.
import { deepStrictEqual, ok } from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { openStore } from '../../support/file-stores.ts';
import { contents, makeStore } from '../../support/format-fixture.ts';
import { SimDisk } from '../../support/sim-disk.ts';

/** A simulated disk with the files of the fixture; the test may not change those. */
function diskOf(fixture: string, isWanted: (name: string) => boolean): SimDisk {
  const folder = join(import.meta.dirname, fixture);
  const names = readdirSync(folder).filter(isWanted);
  return new SimDisk(
    1,
    new Map(names.map((name) => [`/s/${name}`, new Uint8Array(readFileSync(join(folder, name)))])),
  );
}

describe('a store of format 1', () => {
  it.each([
    ['with what was beside its log', 'format-1', () => true],
    ['without', 'format-1', (name: string) => name.endsWith('.log')],
    ['with indexes', 'format-1-indexed', () => true],
    ['with indexes that have marks', 'format-1-marked', () => true],
    ['with indexes of compact rows', 'format-1-compact', () => true],
    ['without indexes', 'format-1-indexed', (name: string) => name.endsWith('.log')],
  ])('is read %s', async (_, fixture, isWanted) => {
    const disk = new SimDisk();
    const expected = contents(await makeStore(disk, '/s', () => disk.settle()));
    const warnings: string[] = [];
    const warn = (text: string): void => void warnings.push(text);
    const old = diskOf(fixture, isWanted);
    const indexes = [...old.names].filter(([name]) => name.endsWith('.idx'));
    const sizes = indexes.map(([, { bytes }]) => bytes.length);
    const { store, lost } = openStore({ disk: old, dir: '/s', warn });
    deepStrictEqual(contents(store), expected);
    deepStrictEqual([lost, warnings], [[], []]);
    ok(old.names.size >= 2, 'it has more than one file');
    // What does not hold would have been cut.
    deepStrictEqual(
      indexes.map(([name]) => old.names.get(name)?.bytes.length),
      sizes,
    );
  });
});
