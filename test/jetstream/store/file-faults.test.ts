// What happens when the disk refuses: the store says why, what it had is read as before, nothing is half kept, and it goes
// on when it can.
import { deepStrictEqual, ok, strictEqual, throws } from 'node:assert/strict';
import { describe, it } from 'vitest';
import { committed, kept, keptAfterwards, scene } from '../../support/failing-store.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { closed, openStore } from '../../support/file-stores.ts';
import { SimDisk, type Verb } from '../../support/sim-disk.ts';
import { incoming, readTexts } from '../../support/stored.ts';

describe('a write that fails', () => {
  it('is told to who waits, takes back what was in it, and is followed by a new segment', async () => {
    const { store, publish, fail, disk, warnings, removed } = scene();
    strictEqual(await publish('one'), '');
    fail('write', 'ENOSPC');
    strictEqual(await publish('two'), 'write /s/00000001.log: ENOSPC');
    strictEqual(store.failure?.message, 'write /s/00000001.log: ENOSPC');
    deepStrictEqual(removed, [2]);
    deepStrictEqual(kept(store), ['1:one']);
    strictEqual(await publish('three'), 'write /s/00000002.log: ENOSPC');
    deepStrictEqual(keptAfterwards(disk), ['1:one']);
    fail();
    strictEqual(await publish('four'), '');
    strictEqual(store.failure, undefined);
    // A sequence that was given is not given again.
    deepStrictEqual(kept(store), ['1:one', '3:four']);
    deepStrictEqual(keptAfterwards(disk), ['1:one', '3:four']);
    deepStrictEqual(warnings, ['nothing can be stored: write /s/00000001.log: ENOSPC']);
  });

  it('keeps what is removed meanwhile removed, when there is a place again', async () => {
    const { store, publish, fail, disk } = scene();
    for (const text of ['one', 'two', 'three', 'four']) await publish(text);
    fail('write');
    ok((await publish('five')) !== '');
    store.remove(2);
    store.remove(4);
    // Whoever wants it removed is told that it is not, for another process.
    const told = committed(store);
    await disk.settle();
    ok((await told) !== '');
    // And so is whoever asks then.
    ok((await committed(store)) !== '');
    fail();
    await disk.settle();
    await committed(store);
    deepStrictEqual(kept(store), ['1:one', '3:three']);
    deepStrictEqual(keptAfterwards(disk), ['1:one', '3:three']);
    strictEqual(await publish('six'), '');
    deepStrictEqual(keptAfterwards(disk), ['1:one', '3:three', '6:six']);
  });

  it('on a full disk waits for what a purge gives back', async () => {
    const { store, publish, disk } = scene({ segmentBytes: 400 });
    for (let i = 0; i < 20; i++) await publish('x'.repeat(60));
    let isFull = true;
    disk.fails = (verb) => {
      if (verb === 'unlink') isFull = false;
      return isFull && (verb === 'write' || verb === 'create') ? 'ENOSPC' : undefined;
    };
    ok((await publish('more')) !== '');
    store.remove(3);
    const removed = committed(store);
    await disk.settle();
    ok((await removed) !== '');
    store.clear();
    const purged = committed(store);
    const later = committed(store);
    await disk.settle();
    deepStrictEqual([await purged, await later], ['', '']);
    const { state } = openStore({ disk: disk.afterEnd(), dir: '/s' }).store;
    deepStrictEqual([state.messages, state.lastSeq], [0, store.state.lastSeq]);
  });

  it('on a full disk, that a purge is the first to meet, is told to nobody when that gives room', async () => {
    const { store, publish, disk, warnings } = scene({ segmentBytes: 400 });
    for (let i = 0; i < 20; i++) await publish('x'.repeat(60));
    let isFull = true;
    disk.fails = (verb) => {
      if (verb === 'unlink') isFull = false;
      return isFull && (verb === 'write' || verb === 'create') ? 'ENOSPC' : undefined;
    };
    store.clear();
    const purged = committed(store);
    await disk.settle();
    strictEqual(await purged, '');
    strictEqual(warnings.length, 1);
    const { state } = openStore({ disk: disk.afterEnd(), dir: '/s' }).store;
    deepStrictEqual([state.messages, state.lastSeq], [0, store.state.lastSeq]);
  });

  it('is told to who asks while another waits for room, too', async () => {
    const { store, publish, fail, disk } = scene({ sync: 'always' });
    for (const text of ['one', 'two']) strictEqual(await publish(text), '');
    disk.fails = (verb) => (verb === 'write' || verb === 'create' ? 'ENOSPC' : undefined);
    store.remove(1);
    const removed = committed(store);
    fail();
    store.append(incoming('a', 'three'), 1);
    const third = committed(store);
    fail('write', 'ENOSPC');
    await disk.settle();
    deepStrictEqual([await removed, await third], Array(2).fill('write /s/00000002.log: ENOSPC'));
    deepStrictEqual(kept(store), ['2:two']);
    fail();
    strictEqual(await publish('four'), '');
    deepStrictEqual(keptAfterwards(disk), ['2:two', '4:four']);
  });

  it('takes back what cannot be cut from the file either', async () => {
    const { publish, fail, disk, store } = scene();
    await publish('one');
    disk.fails = (verb) => (verb === 'write' || verb === 'truncate' ? 'EIO' : undefined);
    for (let i = 0; i < 5; i++) store.append(incoming('a', `x${i}`), 1);
    ok((await committed(store)) !== '');
    fail();
    strictEqual(await publish('two'), '');
    deepStrictEqual(kept(store), ['1:one', '7:two']);
    deepStrictEqual(keptAfterwards(disk), ['1:one', '7:two']);
  });

  it('gives back what has made room also when that cannot be read at once', async () => {
    const { store, publish, disk } = scene();
    await publish('one');
    disk.fails = (verb) => (verb === 'write' || verb === 'read' ? 'EIO' : undefined);
    store.append(incoming('a', 'two'), 1);
    store.evict(1);
    ok((await committed(store)) !== '');
    deepStrictEqual([store.has(1), store.has(2)], [false, false]);
    disk.fails = () => undefined;
    await disk.settle();
    // Nothing is stored before it is there again.
    throws(() => store.append(incoming('a', 'three'), 1), { code: 'ERR_STORAGE' });
    for (let i = 0; i < 5; i++) strictEqual(await publish(`${i}`), '');
    const found = ['1:one', ...[0, 1, 2, 3, 4].map((i) => `${i + 3}:${i}`)];
    deepStrictEqual(kept(store), found);
    deepStrictEqual([store.state.messages, store.state.firstTimeMs], [6, 1]);
    deepStrictEqual(keptAfterwards(disk), found);
  });

  it('brings nothing back that has made room, when all has been removed since', async () => {
    const disk = new SimDisk();
    const { store } = openStore({ disk, dir: '/s', onCleared: () => {} });
    const put = (text: string): number => store.append(incoming('a', text), 1);
    for (const text of ['one', 'two']) put(text);
    store.commit(() => {});
    await disk.settle();
    put('three');
    store.evict(1);
    store.clear();
    disk.fails = (verb) => (verb === 'write' ? 'EIO' : undefined);
    const told = committed(store);
    await disk.settle();
    disk.fails = () => undefined;
    ok((await told) !== '');
    deepStrictEqual(kept(store), []);
    put('four');
    strictEqual(await committed(store), '');
    deepStrictEqual(kept(store), ['4:four']);
    deepStrictEqual(keptAfterwards(disk), ['4:four']);
  });

  it('in the middle of a turn is told at its end, too', async () => {
    const { store, fail, disk } = scene();
    await disk.settle();
    const large = 'x'.repeat(700_000);
    store.append(incoming('a', large), 1);
    fail('write', 'ENOSPC');
    throws(() => store.append(incoming('a', large), 1), { code: 'ERR_STORAGE' });
    fail();
    store.append(incoming('a', 'after'), 1);
    strictEqual(await committed(store), 'write /s/00000001.log: ENOSPC');
    deepStrictEqual(kept(store), ['2:after']);
  });

  it('is followed by a new segment when the name of the one before is safe, also when it is closed then', async () => {
    const { store, publish, fail, disk } = scene();
    fail('write');
    throws(
      () =>
        store.append(incoming('a', 'x'.repeat(2 ** 21)), 1) && store.append(incoming('a', ''), 1),
    );
    fail();
    throws(() => store.append(incoming('a', 'too soon'), 1), {
      message: 'write /s/00000001.log: EIO',
    });
    deepStrictEqual([...disk.names.keys()], ['/s/00000001.log']);
    await disk.settle();
    strictEqual(await publish('then'), 'write /s/00000001.log: EIO');
    strictEqual(await publish('now'), '');
    deepStrictEqual(keptAfterwards(disk), kept(store));
  });

  it('in the middle of a removal leaves the removal as it was', async () => {
    const { store, fail, disk, publish } = scene({ segmentBytes: 400 });
    for (let i = 0; i < 4; i++) store.append(incoming('a', 'x'.repeat(60)), 1);
    fail('write');
    // The tombstones fill the segment, and what is before is to be written.
    for (let i = 0; i < 3; i++) store.remove(4 - i);
    const told = committed(store);
    await disk.settle();
    ok((await told) !== '');
    fail();
    await disk.settle();
    strictEqual(await publish('next'), '');
    deepStrictEqual(kept(store), keptAfterwards(disk));
  });
});

describe('what is removed while nothing can be written', () => {
  it('from the front is gone for who comes next, when there is a place again', async () => {
    const { store, publish, fail, disk } = scene();
    for (const text of ['one', 'two', 'three']) await publish(text);
    fail('write');
    store.removeBelow(3);
    const told = committed(store);
    await disk.settle();
    strictEqual(await told, 'write /s/00000002.log: EIO');
    fail();
    strictEqual(await committed(store), '');
    deepStrictEqual(keptAfterwards(disk), ['3:three']);
  });

  it('is gone when the write before it was done by its tombstone', async () => {
    const { store, publish, fail, disk } = scene();
    for (const text of ['one', 'two']) await publish(text);
    // One more record and there is a whole piece to write.
    store.append(incoming('a', 'x'.repeat(2 ** 20 - 110)), 1);
    store.remove(2);
    fail('write');
    const told = committed(store);
    await disk.settle();
    strictEqual(await told, 'write /s/00000002.log: EIO');
    fail();
    strictEqual(await publish('next'), '');
    const begins = (found: string[]): string[] => found.map((each) => each.slice(0, 5));
    deepStrictEqual(begins(kept(store)), ['1:one', '3:xxx', '4:nex']);
    deepStrictEqual(begins(keptAfterwards(disk)), begins(kept(store)));
  });
});

describe('a sync that fails', () => {
  it('ends what is stored until the next start, and reads go on', async () => {
    const { publish, fail, store, warnings } = scene({ sync: 'always' });
    strictEqual(await publish('one'), '');
    fail('sync');
    strictEqual(await publish('two'), 'sync /s/00000001.log: EIO');
    fail();
    strictEqual(await publish('three'), 'sync /s/00000001.log: EIO');
    strictEqual(store.failure?.message, 'sync /s/00000001.log: EIO');
    deepStrictEqual(kept(store), ['1:one']);
    strictEqual(await committed(store), 'sync /s/00000001.log: EIO');
    const text = 'nothing more is stored until the next start: sync /s/00000001.log: EIO';
    deepStrictEqual(warnings, [text]);
  });

  it('is told to who removes something, too, and to whom sequences are used up', async () => {
    const { publish, fail, store, disk, clock } = scene();
    for (const text of ['one', 'two', 'three']) strictEqual(await publish(text), '');
    fail('sync');
    clock.advance(120_000);
    await disk.settle();
    fail();
    store.remove(2);
    let told: unknown[] = [];
    store.commit((...failures) => {
      told = failures.map((each) => each?.message);
    });
    deepStrictEqual(told, [undefined, 'sync /s/00000001.log: EIO']);
    store.skipTo(9);
    strictEqual(await committed(store), 'sync /s/00000001.log: EIO');
    deepStrictEqual(keptAfterwards(disk), ['1:one', '2:two', '3:three']);
  });

  it('is not forgotten when everything is removed', async () => {
    const { publish, fail, store, disk } = scene({ sync: 'always', segmentBytes: 400 });
    strictEqual(await publish('one'), '');
    fail('sync');
    ok((await publish('two')) !== '');
    fail();
    for (let i = 0; i < 2; i++) store.clear();
    await disk.settle();
    strictEqual(store.failure?.message, 'sync /s/00000001.log: EIO');
    throws(() => store.append(incoming('a', 'three'), 1), { message: store.failure?.message });
  });

  it('of the directory is as bad', async () => {
    const { publish, fail } = scene({ sync: 'always' });
    fail('syncDir');
    strictEqual(await publish('one'), 'syncDir /s: EIO');
  });
});

describe('a read that fails', () => {
  it('is told, once in a while, and the message is there when it can be read', async () => {
    const { publish, fail, store, warnings } = scene();
    await publish('one');
    fail('read');
    for (let i = 0; i < 2; i++) throws(() => readTexts(store, 1), { code: 'ERR_STORAGE' });
    deepStrictEqual(warnings, ['message 1 cannot be read: read /s/00000001.log: EIO']);
    fail();
    strictEqual(readTexts(store, 1)?.payload, 'one');
  });
});

describe('a write that takes long', () => {
  it('is told, but not each time', () => {
    const disk = new SimDisk();
    const clock = new FakeClock();
    const warnings: string[] = [];
    const { store } = openStore({
      disk,
      dir: '/s',
      clock,
      warn: (text) => void warnings.push(text),
    });
    // Each asks the disk whether it fails, and that takes a while.
    const write = (ms: number): void => {
      disk.fails = (verb) => void (verb === 'write' && clock.advance(ms));
      store.append(incoming('a', 'one'), 1);
      store.commit(() => {});
    };
    for (const ms of [19, 25, 25, 9990, 30]) write(ms);
    deepStrictEqual(warnings, [
      '/s/00000001.log: writing 64 bytes has held the loop for 25 ms',
      '/s/00000001.log: writing 64 bytes has held the loop for 9990 ms',
    ]);
  });
});

describe('a store that is opened or closed', () => {
  it.each<Verb>(['mkdir', 'list', 'create', 'write'])('%s that fails is an error', (verb) => {
    const disk = new SimDisk();
    disk.fails = (each) => (each === verb ? 'EACCES' : undefined);
    throws(() => openStore({ disk, dir: '/s' }), { code: 'ERR_STORAGE' });
  });

  it('is read on a full disk, too, when its end was torn, and takes what comes when there is room', async () => {
    const before = scene();
    for (const text of ['one', 'two']) strictEqual(await before.publish(text), '');
    const disk = before.disk.afterEnd();
    const [content] = disk.names.values();
    if (content !== undefined) content.bytes = content.bytes.slice(0, -3);
    disk.fails = (verb) => (verb === 'create' ? 'ENOSPC' : undefined);
    const { store } = openStore({ disk, dir: '/s' });
    deepStrictEqual(kept(store), ['1:one']);
    strictEqual(store.failure?.message, 'create /s/00000002.log: ENOSPC');
    throws(() => store.append(incoming('a', 'three'), 1), { code: 'ERR_STORAGE' });
    disk.fails = () => undefined;
    store.append(incoming('a', 'three'), 1);
    strictEqual(await committed(store), '');
    strictEqual(store.failure, undefined);
    deepStrictEqual(keptAfterwards(disk), kept(store));
    deepStrictEqual(kept(store), ['1:one', '2:three']);
  });

  it.each<Verb>(['write', 'sync', 'rename', 'create'])(
    '%s that fails does not keep it from closing',
    async (verb) => {
      const disk = new SimDisk();
      const { store } = openStore({ disk, dir: '/s', indexBytes: 0 });
      store.append(incoming('a', 'one'), 1);
      store.commit(() => {});
      disk.fails = (each) => (each === verb ? 'EIO' : undefined);
      const end = closed(store);
      await disk.settle();
      await end;
      disk.fails = () => undefined;
      deepStrictEqual(keptAfterwards(disk), ['1:one']);
    },
  );
});
