// What the loop has to do with the disk: what a turn says is written once, a MiB at a time, and synced by the pool alone; a
// segment that is full is synced at once, whatever is promised, and the rest when its time has come.
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { describe, it } from 'vitest';
import type { DiskFile } from '../../../src/jetstream/store/file/disk.ts';
import type { Store } from '../../../src/jetstream/store/store.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { openStore } from '../../support/file-stores.ts';
import { SimDisk } from '../../support/sim-disk.ts';
import { incoming } from '../../support/stored.ts';

const MIB = 1 << 20;

/** Notes how much is written in each call, and which files are synced. */
class NotingDisk extends SimDisk {
  readonly writes: number[] = [];
  readonly syncs: string[] = [];

  override create(path: string): DiskFile {
    const file = super.create(path);
    const write = file.write.bind(file);
    file.write = (source, at, length, position) => {
      this.writes.push(length);
      write(source, at, length, position);
    };
    return file;
  }

  override later(...args: Parameters<SimDisk['later']>): Promise<void> {
    const [verb, path = ''] = args;
    if (verb === 'sync') this.syncs.push(path.slice(-5, -4));
    return super.later(...args);
  }
}

async function opened(segmentBytes: number) {
  const disk = new NotingDisk();
  const clock = new FakeClock();
  const { store } = openStore({ disk, dir: '/s', clock, segmentBytes, sync: 120_000 });
  await disk.settle();
  disk.writes.length = 0;
  disk.syncs.length = 0;
  return { disk, clock, store };
}

function fill(store: Store, count: number, bytes: number): void {
  for (let i = 0; i < count; i++) store.append(incoming('a', 'x'.repeat(bytes)), 1);
}

describe('what is said in a turn of the loop', () => {
  it('is written once, when it is committed', async () => {
    const { disk, store } = await opened(64 * MIB);
    fill(store, 1000, 100);
    for (let seq = 1; seq < 1000; seq += 2) store.remove(seq);
    deepStrictEqual(disk.writes, []);
    store.commit(() => {});
    strictEqual(disk.writes.length, 1);
    store.commit(() => {});
    strictEqual(disk.writes.length, 1);
  });

  it('is written a MiB at a time, and a larger message by itself', async () => {
    const { disk, store } = await opened(64 * MIB);
    fill(store, 5000, 1024);
    store.commit(() => {});
    ok(disk.writes.length >= 5 && disk.writes.every((bytes) => bytes <= MIB), `${disk.writes}`);
    disk.writes.length = 0;
    fill(store, 3, 100);
    fill(store, 1, 2 * MIB);
    fill(store, 3, 100);
    store.commit(() => {});
    const [before = 0, large = 0, after = 0] = disk.writes;
    ok(before < 1000 && after < 1000 && large < 2 * MIB + 100, `${disk.writes}`);
  });
});

describe('what has been written', () => {
  it('is synced when its segment is full, and otherwise when its time has come', async () => {
    const { disk, clock, store } = await opened(1000);
    fill(store, 4, 150);
    store.commit(() => {});
    await disk.settle();
    deepStrictEqual(disk.syncs, []);
    fill(store, 1, 150);
    store.commit(() => {});
    await disk.settle();
    deepStrictEqual(disk.syncs.slice(0, 1), ['1']);
    disk.syncs.length = 0;
    fill(store, 1, 150);
    store.commit(() => {});
    clock.advance(119_000);
    await disk.settle();
    deepStrictEqual(disk.syncs, []);
    clock.advance(1000);
    await disk.settle();
    deepStrictEqual(disk.syncs, ['2']);
  });
});
