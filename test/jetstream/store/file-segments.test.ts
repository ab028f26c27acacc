// Segments that cannot be made, left, given back or written anew: nothing is lost, and it is tried again.
import { deepStrictEqual, match, ok, strictEqual, throws } from 'node:assert/strict';
import { describe, it } from 'vitest';
import { openingFileStore } from '../../../src/jetstream/store/file/file-store.ts';
import type { PlaceList } from '../../../src/jetstream/store/file/places.ts';
import { type Segment, Segments } from '../../../src/jetstream/store/file/segments.ts';
import { Syncing } from '../../../src/jetstream/store/file/syncing.ts';
import { Tail } from '../../../src/jetstream/store/file/tail.ts';
import type { IndexedStore } from '../../../src/jetstream/store/indexed-store.ts';
import { createMemoryStore } from '../../../src/jetstream/store/memory-store.ts';
import { committed, kept, keptAfterwards, scene } from '../../support/failing-store.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { openStore } from '../../support/file-stores.ts';
import { SimDisk, type Verb } from '../../support/sim-disk.ts';
import { incoming } from '../../support/stored.ts';

describe('a segment that cannot be made', () => {
  it('is told, and made by who comes when there is room', async () => {
    const { publish, fail, store, disk } = scene({ segmentBytes: 300 });
    for (let i = 0; i < 3; i++) strictEqual(await publish('x'.repeat(40)), '');
    fail('create', 'EMFILE');
    let told = '';
    while (told === '') told = await publish('x'.repeat(40));
    match(told, /^create \/s\/\d+\.log: EMFILE$/);
    strictEqual(store.failure?.message, told);
    fail();
    strictEqual(await publish('y'), '');
    deepStrictEqual(kept(store).slice(-1), [`${store.state.lastSeq}:y`]);
    deepStrictEqual(keptAfterwards(disk), kept(store));
  });

  it('leaves no file behind, whoever comes how often', async () => {
    const { publish, fail, store, disk } = scene();
    fail('write', 'ENOSPC');
    ok((await publish('one')) !== '');
    for (let i = 0; i < 100; i++) throws(() => store.append(incoming('a', 'x'), 1));
    deepStrictEqual([...disk.names.keys()], ['/s/00000001.log']);
  });
});

describe('a segment that is full', () => {
  it('is not written beyond what a position can say while its directory cannot be synced', async () => {
    const disk = new SimDisk();
    const others = { dir: '/s', clock: new FakeClock(), sync: 1000, warn: () => {} };
    const options = { disk, segmentBytes: 400, ...others };
    const segments = new Segments();
    const syncing = new Syncing(options, segments, { synced() {}, failed() {} });
    const owner = { left: () => {}, restore: (places: PlaceList) => places };
    const tail = new Tail(options, segments, syncing, owner);
    tail.owner = createMemoryStore({ storage: 'file' }) as IndexedStore;
    tail.begin(false);
    const add = (bytes: number): void =>
      tail.add(incoming('a', 'x'.repeat(bytes)), new DataView(Uint8Array.of(97).buffer), 1, 1);
    const full = tail.segment as Segment;
    full.bytes = 0xc000_0000 - 200;
    // The disk keeps all of a file, and this one is said to have three gigabytes.
    const write = full.file.write.bind(full.file);
    full.file.write = (source, at, length, position) => write(source, at, length, position % 4096);
    add(50);
    const message = '/s/00000001.log is full, and its directory is not synced yet';
    throws(() => add(100), { code: 'ERR_STORAGE', message });
    await disk.settle();
    add(100);
    strictEqual(tail.segment?.number, 2);
  });
});

describe('a segment that is not given back', () => {
  it.each<Verb>(['unlink', 'rename', 'syncDir'])(
    '%s: nothing is lost, and it is said',
    async (verb) => {
      const { publish, fail, store, warnings, disk } = scene({ segmentBytes: 400 });
      for (let i = 0; i < 20; i++) await publish(`${i}`.repeat(20));
      fail(verb);
      for (let seq = 1; seq < 15; seq++) if (seq % 5 !== 0) store.remove(seq);
      for (let seq = 1; seq < 4; seq++) store.remove(seq);
      await committed(store);
      await disk.settle();
      ok(
        warnings.some((text) => text.startsWith('room is not given back: ')) || verb === 'syncDir',
      );
      deepStrictEqual(keptAfterwards(disk), kept(store));
      fail();
      // It is tried again when a segment is full.
      for (let i = 0; i < 10; i++) await publish('x'.repeat(40));
      store.removeBelow(store.state.lastSeq);
      await committed(store);
      await disk.settle();
      for (let i = 0; i < 3; i++) await publish('x'.repeat(40));
      await disk.settle();
      ok(disk.names.size <= 4, `${[...disk.names.keys()]}`);
      deepStrictEqual(keptAfterwards(disk), kept(store));
    },
  );
});

describe('segments that are given back', () => {
  it('are none as long as the log is being read', async () => {
    const before = new SimDisk();
    const options = { dir: '/s', segmentBytes: 100_000 };
    const { store: first } = openStore({ ...options, disk: before });
    await before.settle();
    for (let i = 1; i <= 400; i++) {
      first.append(incoming('a', `${i} `.padEnd(1000, 'x')), 1);
      // The first segment is sparse long before it has been read.
      if (i === 80) for (let seq = 1; seq <= 70; seq++) first.remove(seq);
      first.commit(() => {});
      if (i % 50 === 0) await before.settle();
    }
    const expected = kept(first).map((each) => each.slice(0, 8));
    strictEqual(expected.length, 330);
    const disk = before.afterEnd();
    const { store, reading } = openingFileStore({
      ...options,
      disk,
      storage: 'file',
      clock: new FakeClock(),
      sync: 1000,
      warn: () => {},
    });
    for (let step = reading.next(); !step.done; step = reading.next()) await disk.settle();
    await disk.settle();
    deepStrictEqual(
      kept(store).map((each) => each.slice(0, 8)),
      expected,
    );
    deepStrictEqual(keptAfterwards(disk), kept(store));
  });

  it('wait for a directory that could not be synced', async () => {
    const { store, disk, publish } = scene({ segmentBytes: 400 });
    const verbs: Verb[] = [];
    const removed = async (from: number): Promise<void> => {
      for (let seq = from; seq < from + 3; seq++) store.remove(seq);
      store.commit(() => {});
      await disk.settle();
    };
    for (let i = 0; i < 9; i++) strictEqual(await publish('x'.repeat(200)), '');
    let isFailing = true;
    disk.fails = (verb) => {
      if (verb !== 'syncDir' && verb !== 'unlink') return undefined;
      verbs.push(verb);
      if (verb === 'unlink' || !verbs.includes('unlink') || !isFailing) return undefined;
      isFailing = false;
      return 'EIO';
    };
    await removed(1);
    const begun = verbs.length;
    await removed(4);
    const next = verbs.slice(begun);
    ok(!isFailing && next.includes('unlink'));
    ok(next.indexOf('syncDir') < next.indexOf('unlink'), next.join());
  });

  it('are so of a few stores at a time', async () => {
    const disk = new SimDisk();
    const stores = [1, 2, 3, 4, 5, 6, 7, 8].map(
      (each) => openStore({ disk, dir: `/${each}`, segmentBytes: 1000 }).store,
    );
    for (const bytes of [700, 20, 700, 20]) {
      await disk.settle();
      for (const store of stores) {
        store.append(incoming('a', 'x'.repeat(bytes)), 1);
        store.commit(() => {});
      }
    }
    await disk.settle();
    for (const store of stores) {
      store.remove(1);
      store.commit(() => {});
    }
    let most = 0;
    while (await disk.step()) {
      const now = [...disk.names.keys()].filter((name) => name.endsWith('.tmp'));
      most = Math.max(most, now.length);
    }
    strictEqual(most, 4);
    for (const name of [1, 2, 3, 4, 5, 6, 7, 8]) {
      ok((disk.names.get(`/${name}/00000001.log`)?.bytes.length ?? 999) < 500, `${name}`);
    }
  });
});

describe('a segment that is rewritten', () => {
  it('is given back when everything is removed in the middle of that', async () => {
    const disk = new SimDisk();
    const { store } = openStore({ disk, dir: '/s', segmentBytes: 1_000_000 });
    const commit = async (): Promise<void> => {
      store.commit(() => {});
      await disk.settle();
    };
    // The first segment is full of one message; in the next many live, and few.
    store.append(incoming('a', 'x'.repeat(1_000_000)), 1);
    await commit();
    for (let i = 0; i < 20_000; i++) store.append(incoming('a', ''), 1);
    await commit();
    store.append(incoming('a', 'x'.repeat(1_000_000)), 1);
    await commit();
    for (let seq = 2; seq < 11_000; seq++) store.remove(seq);
    store.commit(() => {});
    const isRewritten = (): boolean => (disk.names.get('/s/00000002.log')?.bytes.length ?? 0) < 5e5;
    while (!isRewritten()) ok(await disk.step(), 'it was never rewritten');
    // Rows are led to the new file: of 9,000 not all in one turn.
    await disk.step();
    await disk.step();
    store.clear();
    await commit();
    deepStrictEqual([...disk.names.keys()], ['/s/00000004.log']);
  });

  it('waits, and holds nobody, while what may come back to it cannot be read', async () => {
    const { store, disk, publish } = scene({ segmentBytes: 1000 });
    for (const bytes of [700, 20, 150, 150]) await publish('x'.repeat(bytes));
    store.remove(1);
    store.commit(() => {});
    const isBeingWritten = (): boolean => disk.names.has('/s/00000001.tmp');
    while (!isBeingWritten()) ok(await disk.step(), 'it is not rewritten');
    // Nothing of it lives any more, when it has been copied.
    store.remove(2);
    store.commit(() => {});
    let isRenaming = false;
    disk.fails = (verb) => {
      isRenaming ||= verb === 'rename';
      return undefined;
    };
    while (!isRenaming) ok(await disk.step(), 'it is not renamed');
    disk.fails = (verb) => (verb === 'write' || verb === 'read' ? 'EIO' : undefined);
    store.append(incoming('a', 'next'), 1);
    store.evict(3);
    store.commit(() => {});
    for (let i = 0; i < 20; i++) await disk.step();
    disk.fails = () => undefined;
    await disk.settle();
    strictEqual(await publish('last'), '');
    deepStrictEqual(kept(store).at(-1)?.slice(-4), 'last');
    deepStrictEqual(keptAfterwards(disk), kept(store));
  });

  it('keeps the last sequence and its time, whoever is gone', async () => {
    const { store, disk } = scene({ segmentBytes: 400 });
    store.append(incoming('a', ''), 1000);
    store.append(incoming('a', 'x'.repeat(250)), 2000);
    store.commit(() => {});
    await disk.settle();
    // The segment is full; the next one begins with what removes it.
    store.remove(2);
    store.commit(() => {});
    await disk.settle();
    ok((disk.names.get('/s/00000001.log')?.bytes.length ?? 999) < 300, 'it was rewritten');
    const reopened = openStore({ disk: disk.afterEnd(), dir: '/s' }).store;
    deepStrictEqual({ ...reopened.state }, { ...store.state });
    strictEqual(reopened.state.lastTimeMs, 2000);
  });
});
