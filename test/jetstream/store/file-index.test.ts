// Indexes of segments: when they are made, what a start reads then, and that they go with their segments. That nothing is
// lost by them the properties show, and the tests of damaged and forged files.
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { describe, it } from 'vitest';
import type { Store } from '../../../src/jetstream/store/store.ts';
import { closed, openStore } from '../../support/file-stores.ts';
import { contents } from '../../support/format-fixture.ts';
import { SimDisk } from '../../support/sim-disk.ts';
import { incoming } from '../../support/stored.ts';

const SETTING = { dir: '/s', segmentBytes: 2000, indexBytes: 0, sync: 'always' as const };

async function fill(store: Store, disk: SimDisk, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    store.append(incoming(`a.${i % 3}`, `m${i}`), i + 1);
    if (i % 10 !== 9) continue;
    store.remove(store.state.lastSeq - 5);
    store.commit(() => {});
    await disk.settle();
  }
}

function namesOf({ names }: SimDisk, ending: string): string[] {
  const chosen = [...names.keys()].filter((name) => name.endsWith(ending));
  return chosen.map((name) => name.replace(ending, '')).sort();
}

describe('the index of a segment', () => {
  it('is made while the store is in use, so that a start after a kill reads heads and indexes', async () => {
    const disk = new SimDisk();
    const { store } = openStore({ ...SETTING, disk });
    await fill(store, disk, 200);
    const killed = disk.afterEnd();
    ok(namesOf(killed, '.log').length > 3);
    deepStrictEqual(namesOf(killed, '.idx'), namesOf(killed, '.log'));
    const reads = new Map<string, number>();
    killed.fails = (verb, path) => {
      if (verb === 'read') reads.set(path, (reads.get(path) ?? 0) + 1);
      return undefined;
    };
    const again = openStore({ ...SETTING, disk: killed }).store;
    for (const name of namesOf(killed, '.log')) strictEqual(reads.get(`${name}.log`), 1);
    deepStrictEqual(contents(again), contents(store));
  });

  it('goes on where it ended before a start, and with what is stored behind it', async () => {
    const disk = new SimDisk();
    const { store } = openStore({ ...SETTING, disk });
    await fill(store, disk, 50);
    const again = disk.afterEnd();
    const reopened = openStore({ ...SETTING, disk: again }).store;
    const before = new Map([...again.names].map(([name, { bytes }]) => [name, bytes.slice()]));
    await fill(reopened, again, 50);
    const end = closed(reopened);
    await again.settle();
    await end;
    for (const name of namesOf(again, '.idx')) {
      const old = before.get(`${name}.idx`) ?? new Uint8Array(0);
      const { bytes } = again.names.get(`${name}.idx`) as { bytes: Uint8Array };
      deepStrictEqual(bytes.subarray(0, old.length), old);
    }
    const third = openStore({ ...SETTING, disk: again.afterEnd() }).store;
    const { messages, lastSeq, subjects } = third.state;
    deepStrictEqual([messages, lastSeq, subjects], [90, 100, 3]);
  });

  it('goes when its segment does, and is another when that is rewritten', async () => {
    const disk = new SimDisk();
    const { store } = openStore({ ...SETTING, disk });
    await fill(store, disk, 200);
    for (let seq = 1; seq <= 150; seq++) if (seq < 60 || seq % 10 > 0) store.remove(seq);
    store.commit(() => {});
    await disk.settle();
    // Two in a row: the last that is said is synced by the next.
    await fill(store, disk, 40);
    const logs = namesOf(disk, '.log');
    ok(!logs.includes('/s/00000001'));
    deepStrictEqual(namesOf(disk, '.idx'), logs);
    deepStrictEqual(
      contents(openStore({ ...SETTING, disk: disk.afterEnd() }).store),
      contents(store),
    );
  });

  it('that cannot be written is told, and the store goes on', async () => {
    const disk = new SimDisk();
    const warnings: string[] = [];
    const warn = (text: string): void => void warnings.push(text);
    disk.fails = (_, path) => (path.endsWith('.idx') ? 'ENOSPC' : undefined);
    const { store } = openStore({ ...SETTING, disk, warn });
    await fill(store, disk, 100);
    ok(warnings.length > 1);
    for (const each of warnings) ok(each.startsWith('the next start takes longer: '), each);
    deepStrictEqual(
      contents(openStore({ ...SETTING, disk: disk.afterEnd() }).store),
      contents(store),
    );
  });

  it('takes no more memory than the store before, where long runs of rows and short ones take turns', async () => {
    const disk = new SimDisk();
    const setting = { disk, dir: '/s', indexBytes: 0, chunkRows: 256 };
    const { store } = openStore(setting);
    for (let seq = 1; seq <= 4000; seq++) {
      store.append(incoming('a', ''), seq);
      // A record of what is gone ends a run.
      if (seq % 80 === 0 || seq % 80 === 64) store.remove(seq - 4);
    }
    const { heldBytes } = store;
    const end = closed(store);
    await disk.settle();
    await end;
    const again = openStore({ ...setting, disk: disk.afterEnd(), heldMax: 1.5 * heldBytes }).store;
    strictEqual(again.state.messages, 3900);
  });
});
