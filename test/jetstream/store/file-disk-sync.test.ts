// A write-back that has failed is told once by the system, to whoever syncs the file first: whoever else syncs it is told, too.
import { rejects } from 'node:assert/strict';
import { fstatSync, statSync } from 'node:fs';
import { afterAll, describe, it, vi } from 'vitest';
import { systemDisk } from '../../../src/jetstream/store/file/disk.ts';
import { newDirectory, removeDirectories } from '../../support/file-stores.ts';

type Done = (error: Error | null) => void;

/** The files of which a write-back has failed, by their numbers on the disk. */
const failed = vi.hoisted(() => new Set<number>());

vi.mock('node:fs', async (original) => {
  const fdatasync = (descriptor: number, done: Done): void => {
    const isFailed = failed.delete(fstatSync(descriptor).ino);
    const error = Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });
    setImmediate(() => done(isFailed ? error : null));
  };
  return { ...(await original<typeof import('node:fs')>()), fdatasync };
});

afterAll(removeDirectories);

describe('a sync that fails', () => {
  it('is told to who has asked for one, when another was under way to make room', async () => {
    const disk = systemDisk(8);
    const dir = newDirectory();
    const files = Array.from({ length: 9 }, (_, i) => {
      const file = disk.create(`${dir}/${i}`);
      file.write(Uint8Array.of(i), 0, 1, 0);
      return file;
    });
    // The last one has made too many: those before it are being synced.
    const [first] = files;
    failed.add(statSync(`${dir}/0`).ino);
    await rejects(first?.sync() ?? Promise.resolve(), /input\/output error/);
    await rejects(first?.sync() ?? Promise.resolve(), /input\/output error/);
    for (const file of files) file.close();
  });
});
