// All that the file store asks of a file system: the one room with `node:fs`, so that a test can put another disk in its
// place, which fails or loses what was not synced. What the loop waits for is short (a write to the page cache, a read of
// a block); syncs, renames and unlinks go through the pool.
//
// Files are opened when they are asked for. At most 512 are open; one that has been written and not synced stays open,
// since the system tells of a failed write-back to who has it open then.
import * as fs from 'node:fs';
import {
  closeSync,
  existsSync,
  fdatasync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  read,
  readdirSync,
  readSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  write,
  writeSync,
} from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { resolve } from 'node:path';
import { defer } from '../../../shared/defer.ts';
import { StorageError } from '../../../shared/errors.ts';
import { fileErrorText } from '../../../shared/file-error.ts';

/** What fails throws StorageError, or is rejected with it: the system's text with the path. */
export interface Disk {
  /** Makes a directory and those above it. */
  makeDir(path: string): void;
  /** Names in a directory. */
  list(path: string): readonly string[];
  /** A file that is there. */
  open(path: string): DiskFile;
  /** A file that is not there yet. */
  create(path: string): DiskFile;
  remove(path: string): void;
  /** The same by the pool: of a large file it takes its time. */
  removeLater(path: string): Promise<void>;
  /** At once, over whatever has that name. */
  rename(from: string, to: string): void;
  /** Another name for a directory. */
  link(dir: string, path: string): void;
  /** A directory that is empty. */
  removeDir(path: string): void;
  /** What has been made, renamed and removed in a directory survives a power loss then. */
  syncDir(path: string): Promise<void>;
  /** A later turn of the loop. */
  later(): Promise<void>;
}

export interface DiskFile {
  readonly path: string;
  size(): number;
  /** @returns bytes that have been read; fewer than `length` at the end of the file alone */
  read(target: Uint8Array, at: number, length: number, position: number): number;
  write(source: Uint8Array, at: number, length: number, position: number): void;
  truncate(bytes: number): void;
  /** The same by the pool: for long work that nobody waits for. */
  readLater(target: Uint8Array, position: number): Promise<void>;
  writeLater(source: Uint8Array, position: number): Promise<void>;
  /** What has been written survives a power loss then. */
  sync(): Promise<void>;
  rename(path: string): Promise<void>;
  unlink(): Promise<void>;
  /** It is opened, and stays open until it is closed: its name is about to go to another. */
  hold(): void;
  close(): void;
}

/** The disk of a machine, beside what a store asks of it. */
export interface MachineDisk extends Disk {
  isThere(path: string): boolean;
  /** Makes a directory of its own, whose name begins so. @returns its path */
  makeTemporaryDir(begin: string): string;
  /** Removes a directory with all that is in it. */
  removeTree(path: string): void;
  /** What a program may still write there; undefined: the system does not say. */
  freeBytes(path: string): number | undefined;
}

const OPEN_MOST = 512;
/** Where a system cannot open a directory, as Windows, its names are as safe as it makes them. */
const NO_DIRECTORIES: ReadonlySet<string> = new Set(['EISDIR', 'EPERM']);

/**
 * The file system of this machine.
 *
 * @param openMost files that may be open at a time
 * @param isPassing nothing is to survive the process: syncs do nothing
 */
export function systemDisk(openMost: number = OPEN_MOST, isPassing = false): MachineDisk {
  return new SystemDisk(openMost, isPassing);
}

class SystemDisk implements MachineDisk {
  readonly #openMost: number;
  readonly isPassing: boolean;
  /** Those that are open, the one that was used longest ago first. */
  readonly #open = new Set<SystemFile>();

  constructor(openMost: number, isPassing: boolean) {
    this.#openMost = openMost;
    this.isPassing = isPassing;
  }

  isThere(path: string): boolean {
    return existsSync(path);
  }

  makeTemporaryDir(begin: string): string {
    return told('mkdir', begin, () => mkdtempSync(begin));
  }

  removeTree(path: string): void {
    told('remove', path, () => rmSync(path, { recursive: true, force: true }));
  }

  freeBytes(path: string): number | undefined {
    try {
      // Not every runtime has it, and one that has not must be able to load this.
      const { bavail, bsize } = fs.statfsSync(path);
      return bavail * bsize;
    } catch {
      return undefined;
    }
  }

  makeDir(path: string): void {
    told('mkdir', path, () => mkdirSync(path, { recursive: true, mode: 0o750 }));
  }

  list(path: string): readonly string[] {
    return told('open', path, () => readdirSync(path));
  }

  open(path: string): DiskFile {
    const file = new SystemFile(this, path);
    file.descriptor('r+');
    return file;
  }

  create(path: string): DiskFile {
    const file = new SystemFile(this, path);
    file.descriptor('wx+');
    return file;
  }

  remove(path: string): void {
    told('unlink', path, () => unlinkSync(path));
  }

  removeLater(path: string): Promise<void> {
    return later('unlink', path, () => unlink(path));
  }

  rename(from: string, to: string): void {
    told('rename', from, () => renameSync(from, to));
  }

  link(dir: string, path: string): void {
    told('symlink', path, () => symlinkSync(resolve(dir), path));
  }

  removeDir(path: string): void {
    told('rmdir', path, () => rmdirSync(path));
  }

  async syncDir(path: string): Promise<void> {
    if (this.isPassing) return;
    await later('sync', path, async () => {
      const handle = await open(path, 'r').catch((error: unknown) => {
        if (!NO_DIRECTORIES.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      });
      try {
        await handle?.sync();
      } finally {
        await handle?.close();
      }
    });
  }

  later(): Promise<void> {
    return new Promise(defer);
  }

  /** Notes that a file is used; another is closed when there are too many. */
  use(file: SystemFile): void {
    this.#open.delete(file);
    this.#open.add(file);
    if (this.#open.size <= this.#openMost) return;
    for (const each of this.#open) {
      if (each === file || each.isHeld) continue;
      each.close();
      return;
    }
  }

  forget(file: SystemFile): void {
    this.#open.delete(file);
  }
}

class SystemFile implements DiskFile {
  readonly #disk: SystemDisk;
  path: string;
  #fd = -1;
  /** Calls that the pool works on. */
  #calls = 0;
  #isDirty = false;
  #isKept = false;
  #isLeaving = false;

  constructor(disk: SystemDisk, path: string) {
    this.#disk = disk;
    this.path = path;
  }

  /** It must stay open. */
  get isHeld(): boolean {
    return this.#calls > 0 || this.#isDirty || this.#isKept;
  }

  descriptor(flags = 'r+'): number {
    if (this.#fd < 0) this.#fd = told('open', this.path, () => openSync(this.path, flags, 0o640));
    this.#disk.use(this);
    return this.#fd;
  }

  size(): number {
    const fd = this.descriptor();
    return told('stat', this.path, () => fstatSync(fd).size);
  }

  read(target: Uint8Array, at: number, length: number, position: number): number {
    const fd = this.descriptor();
    return told('read', this.path, () => {
      let count = 0;
      while (count < length) {
        const bytes = readSync(fd, target, at + count, length - count, position + count);
        if (bytes === 0) break;
        count += bytes;
      }
      return count;
    });
  }

  write(source: Uint8Array, at: number, length: number, position: number): void {
    const fd = this.descriptor();
    this.#isDirty = true;
    told('write', this.path, () => {
      for (let count = 0; count < length; ) {
        count += writeSync(fd, source, at + count, length - count, position + count);
      }
    });
  }

  truncate(bytes: number): void {
    const fd = this.descriptor();
    this.#isDirty = true;
    told('truncate', this.path, () => ftruncateSync(fd, bytes));
  }

  readLater(target: Uint8Array, position: number): Promise<void> {
    return this.#call('read', (fd, end) => {
      const step = (count: number): void => {
        read(fd, target, count, target.length - count, position + count, (error, bytes) => {
          if (error !== null || count + bytes === target.length) end(error);
          else if (bytes === 0) end(new Error('unexpected end of file'));
          else step(count + bytes);
        });
      };
      step(0);
    });
  }

  writeLater(source: Uint8Array, position: number): Promise<void> {
    this.#isDirty = true;
    return this.#call('write', (fd, end) => {
      const step = (count: number): void => {
        write(fd, source, count, source.length - count, position + count, (error, bytes) => {
          if (error !== null || count + bytes === source.length) end(error);
          else step(count + bytes);
        });
      };
      step(0);
    });
  }

  sync(): Promise<void> {
    // What is written while it works is not covered by it.
    this.#isDirty = false;
    if (this.#disk.isPassing) return Promise.resolve();
    return this.#call('sync', fdatasync);
  }

  async rename(path: string): Promise<void> {
    await later('rename', this.path, () => rename(this.path, path));
    this.path = path;
  }

  async unlink(): Promise<void> {
    await later('unlink', this.path, () => unlink(this.path));
    this.close();
  }

  hold(): void {
    this.descriptor();
    this.#isKept = true;
  }

  close(): void {
    const fd = this.#fd;
    this.#isLeaving = this.#calls > 0;
    if (fd < 0 || this.#isLeaving) return;
    this.#fd = -1;
    this.#isKept = false;
    this.#disk.forget(this);
    closeSync(fd);
  }

  async #call(
    verb: string,
    work: (fd: number, end: (error: Error | null) => void) => void,
  ): Promise<void> {
    const fd = this.descriptor();
    this.#calls++;
    try {
      await later(verb, this.path, () => {
        return new Promise<void>((resolve, reject) => {
          work(fd, (error) => (error === null ? resolve() : reject(error)));
        });
      });
    } catch (error) {
      this.#isDirty = true;
      throw error;
    } finally {
      this.#calls--;
      if (this.#isLeaving) this.close();
    }
  }
}

function told<T>(verb: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw failure(verb, path, error);
  }
}

async function later(verb: string, path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw failure(verb, path, error);
  }
}

function failure(verb: string, path: string, cause: unknown): StorageError {
  return new StorageError(fileErrorText(cause, verb, path), { cause });
}
