// This machine's disk: errors name the file, few files are open, and what is done later is done.
import { deepStrictEqual, ok, rejects, strictEqual, throws } from 'node:assert/strict';
import {
  chmodSync,
  closeSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { afterAll, describe, it } from 'vitest';
import { type Disk, type DiskFile, systemDisk } from '../../../src/jetstream/store/file/disk.ts';
import { closed, newDirectory, openStore, removeDirectories } from '../../support/file-stores.ts';
import { SimDisk } from '../../support/sim-disk.ts';
import { incoming, readTexts } from '../../support/stored.ts';

afterAll(removeDirectories);

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

describe('the disk of this machine', () => {
  it('says in its errors what it was about', async () => {
    const disk = systemDisk();
    const dir = newDirectory();
    writeFileSync(`${dir}/file`, 'x');
    const none = `open ${dir}/none: no such file or directory`;
    throws(() => disk.open(`${dir}/none`), { code: 'ERR_STORAGE', message: none });
    throws(() => disk.list(`${dir}/file`), { message: `open ${dir}/file: not a directory` });
    throws(() => disk.makeDir(`${dir}/file/x`), { code: 'ERR_STORAGE' });
    throws(() => disk.create(`${dir}/file`), { code: 'ERR_STORAGE' });
    throws(() => disk.remove(`${dir}/none`), { code: 'ERR_STORAGE' });
    await rejects(disk.syncDir(`${dir}/none`), { code: 'ERR_STORAGE' });
    const file = disk.open(`${dir}/file`);
    disk.remove(`${dir}/file`);
    await rejects(file.unlink(), { message: `unlink ${dir}/file: no such file or directory` });
    await rejects(file.rename(`${dir}/other`), { code: 'ERR_STORAGE' });
    await rejects(file.readLater(new Uint8Array(9), 0), { message: /unexpected end of file/ });
    file.close();
  });

  it('reads, writes, cuts and renames', async () => {
    const disk = systemDisk();
    const dir = newDirectory();
    const file = disk.create(`${dir}/a`);
    file.write(text('hello'), 0, 5, 0);
    await file.writeLater(text(' world'), 5);
    file.truncate(9);
    await file.sync();
    await file.rename(`${dir}/b`);
    await disk.syncDir(dir);
    strictEqual(file.path, `${dir}/b`);
    strictEqual(file.size(), 9);
    const target = new Uint8Array(20);
    strictEqual(file.read(target, 1, 12, 2), 7);
    strictEqual(Buffer.from(target.subarray(1, 8)).toString(), 'llo wor');
    file.close();
    strictEqual(readFileSync(`${dir}/b`, 'utf8'), 'hello wor');
    await disk.open(`${dir}/b`).unlink();
    deepStrictEqual(readdirSync(dir), []);
    await disk.later();
  });

  it('tells who syncs it next of a file that could not be closed', async () => {
    const disk = systemDisk();
    const path = `${newDirectory()}/a`;
    const file = disk.create(path);
    file.write(text('x'), 0, 1, 0);
    const descriptor = descriptorOf(path);
    // Somebody else has closed it.
    if (descriptor !== undefined) closeSync(descriptor);
    file.close();
    if (descriptor === undefined) await file.sync();
    else
      await rejects(file.sync(), { message: `close ${path}: EBADF: bad file descriptor, close` });
  });

  it('has few files open, and reads all', async () => {
    const disk = systemDisk(3);
    const dir = newDirectory();
    const files = Array.from({ length: 20 }, (_, i) => disk.create(`${dir}/${i}`));
    for (const [i, file] of files.entries()) {
      file.write(text(`${i}`), 0, `${i}`.length, 0);
      await file.sync();
    }
    ok(openIn(dir) <= 3, `${openIn(dir)}`);
    for (const [i, file] of files.entries()) {
      const target = new Uint8Array(2);
      const count = file.read(target, 0, 2, 0);
      strictEqual(Buffer.from(target.subarray(0, count)).toString(), `${i}`);
    }
    for (const file of files) file.close();
    await isClosed(disk, dir);
  });

  it('syncs and closes the oldest when too many have been written', async () => {
    const disk = systemDisk(8);
    const dir = newDirectory();
    const files = Array.from({ length: 100 }, (_, i) => disk.create(`${dir}/${i}`));
    for (let round = 0; round < 3; round++) {
      for (const [i, file] of files.entries()) {
        file.write(text(`${i % 10}`), 0, 1, round);
        ok(openIn(dir) <= 11, `${openIn(dir)}`);
      }
      await disk.later();
    }
    await Promise.all(files.map((file) => file.sync()));
    for (const [i, file] of files.entries()) {
      strictEqual(readFileSync(file.path, 'utf8'), `${i % 10}`.repeat(3));
      file.close();
    }
    await isClosed(disk, dir);
  });

  it('has few files open while very many are being synced', async () => {
    const disk = systemDisk(8);
    const dir = newDirectory();
    const files = Array.from({ length: 200 }, (_, i) => disk.create(`${dir}/${i}`));
    for (const file of files) file.write(text('x'), 0, 1, 0);
    let most = 0;
    const works = files.flatMap((file) => [file.sync(), disk.syncDir(dir)]);
    let isOver = false;
    const all = Promise.all(works).then(() => {
      isOver = true;
    });
    while (!isOver) {
      most = Math.max(most, openIn(dir));
      await disk.later();
    }
    await all;
    ok(most <= 64, `${most}`);
    // What is asked of one that is gone, or being closed, is asked of nobody.
    const [first, second] = files as [DiskFile, DiskFile];
    const late = [first.unlink(), second.sync()];
    second.close();
    await Promise.all(late);
    await first.sync();
    for (const file of files) file.close();
    await isClosed(disk, dir);
  });

  it('keeps a file whose name another has got', async () => {
    const disk = systemDisk(1);
    const dir = newDirectory();
    const old = disk.create(`${dir}/a`);
    old.write(text('old'), 0, 3, 0);
    await old.sync();
    old.hold();
    const other = disk.create(`${dir}/b`);
    other.write(text('new'), 0, 3, 0);
    await other.sync();
    await other.rename(`${dir}/a`);
    const target = new Uint8Array(3);
    old.read(target, 0, 3, 0);
    strictEqual(Buffer.from(target).toString(), 'old');
    old.close();
    other.close();
  });
});

/** Files that this process has open. */
function descriptorOf(path: string): number | undefined {
  const all = existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd') : [];
  const isIt = (each: string): boolean => {
    const link = `/proc/self/fd/${each}`;
    return existsSync(link) && readlinkSync(link) === path;
  };
  const found = all.find(isIt);
  return found === undefined ? undefined : Number(found);
}

/** How many files of a directory, or it, this process has open. */
function openIn(dir: string): number {
  const all = existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd') : [];
  return all.filter((each) => {
    try {
      return readlinkSync(`/proc/self/fd/${each}`).startsWith(dir);
    } catch {
      return false;
    }
  }).length;
}

/** What the pool is at is closed when it has done that. */
async function isClosed(disk: Disk, dir: string): Promise<void> {
  for (let turns = 0; openIn(dir) > 0; turns++) {
    ok(turns < 1000, `${openIn(dir)} are open`);
    await disk.later();
  }
}

describe('a store on the disk of this machine', () => {
  it('is there again after a clean end, with and without its indexes', async () => {
    const dir = newDirectory();
    let store = openStore({ dir, indexBytes: 0, segmentBytes: 20_000 }).store;
    for (let i = 1; i <= 1000; i++) store.append(incoming(`a.${i % 7}`, `m${i}`), i);
    store.commit(() => {});
    for (let seq = 2; seq <= 1000; seq += 3) store.remove(seq);
    await closed(store);
    const indexes = readdirSync(dir).filter((name) => name.endsWith('.idx'));
    strictEqual(indexes.length, readdirSync(dir).length / 2);
    const warnings: string[] = [];
    const spoil = (): void => indexes.forEach((name) => void writeFileSync(`${dir}/${name}`, 'x'));
    for (const change of [() => {}, spoil]) {
      change();
      store = openStore({ dir, indexBytes: 1e9, warn: (each) => warnings.push(each) }).store;
      const { messages, firstSeq, lastSeq, subjects } = store.state;
      deepStrictEqual([messages, firstSeq, lastSeq, subjects], [667, 1, 1000, 7]);
      strictEqual(readTexts(store, 999)?.payload, 'm999');
      strictEqual(store.nextOnSubject(1), 15);
      await closed(store);
    }
    deepStrictEqual(warnings, []);
  });

  it('gives back the room of what is removed', async () => {
    const dir = newDirectory();
    const { store } = openStore({ dir, segmentBytes: 20_000, sync: 'always' });
    for (let i = 1; i <= 2000; i++) {
      store.append(incoming('a', 'x'.repeat(100)), i);
      if (i % 50 === 0) await new Promise<void>((resolve) => store.commit(() => resolve()));
    }
    const before = readdirSync(dir).length;
    for (let seq = 1; seq <= 2000; seq++) if (seq % 100 !== 0) store.remove(seq);
    await closed(store);
    const reopened = openStore({ dir, segmentBytes: 20_000 }).store;
    // What a stop has left undone, the next start does.
    while (readdirSync(dir).length > 3) await systemDisk().later();
    ok(before > 10, `${before}`);
    strictEqual(reopened.state.messages, 20);
    strictEqual(readTexts(reopened, 1900)?.payload.length, 100);
    await closed(reopened);
    strictEqual(openStore({ dir }).store.state.messages, 20);
  });

  it('keeps one large message in memory, whichever were read', () => {
    const { store } = openStore({ dir: newDirectory() });
    for (let i = 0; i < 6; i++) store.append(incoming('a', 'x'.repeat(1_000_000)), 1);
    store.commit(() => {});
    for (let seq = 1; seq <= 6; seq++) strictEqual(readTexts(store, seq)?.payload.length, 1e6);
    ok(store.heldBytes < 3e6, `${store.heldBytes}`);
  });

  it('is read in large pieces by who goes through it', () => {
    const disk = new SimDisk();
    let reads = 0;
    disk.fails = (verb) => {
      if (verb === 'read') reads++;
      return undefined;
    };
    const { store } = openStore({ disk, dir: '/s' });
    for (let i = 1; i <= 10_000; i++) {
      store.append(incoming('a', `${i}`.padEnd(16)), 1);
      if (i % 1000 === 0) store.commit(() => {});
    }
    reads = 0;
    for (let seq = 1; seq <= 10_000; seq++) {
      strictEqual(readTexts(store, seq)?.payload, `${seq}`.padEnd(16));
    }
    // Some 450 KB: a short one, and those of 64 KiB.
    ok(reads <= 10, `${reads}`);
  });

  it('cannot be opened where nothing may be read', () => {
    const dir = newDirectory();
    writeFileSync(`${dir}/00000001.log`, 'x');
    chmodSync(`${dir}/00000001.log`, 0);
    // Root reads everything; then it is no segment.
    throws(() => openStore({ dir }), { code: 'ERR_STORAGE', message: new RegExp(dir) });
  });
});

/** A disk that says how many syncs have been under way at once. */
class CountingDisk extends SimDisk {
  #syncs = 0;
  mostSyncs = 0;

  override async later(...args: Parameters<SimDisk['later']>): Promise<void> {
    const syncs = args[0] === 'sync' ? 1 : 0;
    this.#syncs += syncs;
    this.mostSyncs = Math.max(this.mostSyncs, this.#syncs);
    await super.later(...args).finally(() => {
      this.#syncs -= syncs;
    });
  }
}

describe('a store of many segments', () => {
  it('has few of them open when a start has all of them synced', async () => {
    const first = new SimDisk();
    const { store } = openStore({ disk: first, dir: '/s', segmentBytes: 400 });
    for (let i = 0; i < 100; i++) {
      store.append(incoming('a', 'x'.repeat(400)), 1);
      store.commit(() => {});
      await first.settle();
    }
    ok(first.names.size >= 100, `${first.names.size}`);
    const files = [...first.names].map(([name, { bytes }]) => [name, bytes] as const);
    const disk = new CountingDisk(1, new Map(files));
    const reopened = openStore({ disk, dir: '/s', sync: 'always' }).store;
    let isDone = false;
    reopened.append(incoming('a', 'y'), 1);
    reopened.commit(() => {
      isDone = true;
    });
    await disk.settle();
    ok(isDone);
    ok(disk.mostSyncs > 0 && disk.mostSyncs <= 8, `${disk.mostSyncs}`);
  });
});
