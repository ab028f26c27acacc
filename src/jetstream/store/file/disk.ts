// All that the file store asks of a file system: the one room with `node:fs`, so that a test can put another disk in its
// place, which fails or loses what was not synced. What the loop waits for is short (a write to the page cache, a read of
// a block); syncs, renames and unlinks go through the pool.
//
// Files are opened when they are asked for, and few are open at a time (open-files.ts).
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
  readFileSync,
  readSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  write,
  writeSync,
} from 'node:fs';
import { open, rename, rm, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { defer } from '../../../shared/defer.ts';
import { StorageError, toError } from '../../../shared/errors.ts';
import { fileErrorText } from '../../../shared/file-error.ts';
import { type OpenFile, OpenFiles, openMost } from './open-files.ts';

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
  /** Removes a directory with all that is in it, at once or by the pool. */
  removeTree(path: string): void;
  removeTreeLater(path: string): Promise<void>;
  /** What a program may still write there; undefined: the system does not say. */
  freeBytes(path: string): number | undefined;
}

/** Of all disks of this process that do not say otherwise. */
const everyone = new OpenFiles(openMost(limitsOfProcess()));
/** The process, or the machine, has too many files open. */
const TOO_MANY: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE']);
/** Turns of the loop in which one that is needed may be given back. */
const TURNS_MOST = 1000;
/** Where a system cannot open a directory, as Windows, its names are as safe as it makes them. */
const NO_DIRECTORIES: ReadonlySet<string> = new Set(['EISDIR', 'EPERM']);

/**
 * The file system of this machine.
 *
 * @param openMost files of it that may be open at a time (default: 512 of all disks, or a third of the descriptors)
 * @param isPassing nothing is to survive the process: syncs do nothing
 */
export function systemDisk(openMost?: number, isPassing = false): MachineDisk {
  return new SystemDisk(openMost === undefined ? everyone : new OpenFiles(openMost), isPassing);
}

class SystemDisk implements MachineDisk {
  readonly openFiles: OpenFiles;
  readonly isPassing: boolean;

  constructor(openFiles: OpenFiles, isPassing: boolean) {
    this.openFiles = openFiles;
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

  removeTreeLater(path: string): Promise<void> {
    return later('remove', path, () => rm(path, { recursive: true, force: true }));
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
    told('mkdir', path, () => makeDirs(path));
  }

  list(path: string): readonly string[] {
    return told('open', path, () => this.give(() => readdirSync(path)));
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
    await this.openFiles.turns.take();
    try {
      await later('sync', path, () => this.#syncDir(path));
    } finally {
      this.openFiles.turns.done();
    }
  }

  async #syncDir(path: string): Promise<void> {
    const opening = this.giveSoon(() => open(path, 'r'));
    const handle = await opening.catch((error: unknown) => {
      if (!NO_DIRECTORIES.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      return undefined;
    });
    try {
      await handle?.sync();
    } finally {
      await handle?.close();
    }
  }

  later(): Promise<void> {
    return new Promise(defer);
  }

  /** The same for who may wait until others have closed theirs: a sync that fails is the end of a store. */
  async giveSoon<T>(open: () => T | Promise<T>): Promise<T> {
    for (let turns = 1; ; turns++) {
      try {
        return await open();
      } catch (error) {
        const { cause = error } = error as { cause?: unknown };
        if (!isTooMany(cause) || turns === TURNS_MOST) throw error;
        if (turns === 1) this.openFiles.makeRoom();
        await this.later();
      }
    }
  }

  /** Opens something at once; when the system gives no more, another is closed for it. */
  give<T>(open: () => T): T {
    try {
      return open();
    } catch (error) {
      if (!isTooMany(error) || !this.openFiles.makeRoom()) throw error;
      return open();
    }
  }
}

function isTooMany(error: unknown): boolean {
  return TOO_MANY.has((error as NodeJS.ErrnoException).code ?? '');
}

class SystemFile implements DiskFile, OpenFile {
  readonly #disk: SystemDisk;
  path: string;
  #fd = -1;
  /** Calls that the pool works on, and those that wait for it, too. */
  #calls = 0;
  #asked = 0;
  isDirty = false;
  #isKept = false;
  #isLeaving = false;
  #isGone = false;
  /** Nobody has been told of it yet who has asked for a sync. */
  #failure: unknown;
  /** A sync to make room, under way or done. */
  #settling: Promise<void> | undefined;

  constructor(disk: SystemDisk, path: string) {
    this.#disk = disk;
    this.path = path;
  }

  get isHeld(): boolean {
    return this.#calls > 0 || this.#isKept;
  }

  descriptor(flags = 'r+'): number {
    const { openFiles } = this.#disk;
    if (this.#fd >= 0) {
      openFiles.used(this);
      return this.#fd;
    }
    const open = (): number => openSync(this.path, flags, 0o640);
    this.#fd = told('open', this.path, () => this.#disk.give(open));
    openFiles.opened(this);
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
    this.isDirty = true;
    told('write', this.path, () => {
      for (let count = 0; count < length; ) {
        count += writeSync(fd, source, at + count, length - count, position + count);
      }
    });
  }

  truncate(bytes: number): void {
    const fd = this.descriptor();
    this.isDirty = true;
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
    this.isDirty = true;
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

  async sync(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    await this.#sync();
    // The system tells of a failed write-back once: it may have told who was making room meanwhile.
    await this.#settling;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async settle(): Promise<void> {
    // For the same reason nobody else is under way.
    if (this.#asked > 0) return;
    this.#settling = this.#sync().catch((error: unknown) => {
      this.#failure = error;
    });
    await this.#settling;
  }

  async #sync(): Promise<void> {
    // What is written while it works is not covered by it.
    this.isDirty = false;
    if (!this.#disk.isPassing) await this.#call('sync', fdatasync);
  }

  async rename(path: string): Promise<void> {
    await later('rename', this.path, () => rename(this.path, path));
    this.path = path;
  }

  async unlink(): Promise<void> {
    await later('unlink', this.path, () => unlink(this.path));
    this.#isGone = true;
    this.close();
  }

  hold(): void {
    this.descriptor();
    this.#isKept = true;
  }

  close(): void {
    this.#isLeaving = this.#asked > 0;
    if (this.#isLeaving) return;
    this.#isKept = false;
    this.shut();
  }

  shut(): void {
    const fd = this.#fd;
    if (fd < 0) return;
    this.#fd = -1;
    this.#disk.openFiles.closed(this);
    try {
      closeSync(fd);
    } catch (error) {
      // What was written may not be there then: whoever syncs it next is told.
      if (this.isDirty) this.#failure ??= failure('close', this.path, error);
    }
  }

  async #call(
    verb: string,
    work: (fd: number, end: (error: Error | null) => void) => void,
  ): Promise<void> {
    const { turns } = this.#disk.openFiles;
    this.#asked++;
    await turns.take();
    try {
      if (this.#isGone && this.#fd < 0) return;
      const fd = await this.#disk.giveSoon(() => {
        const opened = this.descriptor();
        this.#calls++;
        return opened;
      });
      await later(verb, this.path, () => {
        return new Promise<void>((resolve, reject) => {
          work(fd, (error) => (error === null ? resolve() : reject(error)));
        });
      }).finally(() => this.#calls--);
    } catch (error) {
      this.isDirty = true;
      throw error;
    } finally {
      turns.done();
      this.#asked--;
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

/** Node's own `recursive` goes round for ever where a directory is there in which none can be made, as in /proc. */
function makeDirs(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  const parent = dirname(path);
  if (parent !== path && !existsSync(parent)) makeDirs(parent);
  try {
    mkdirSync(path, { mode: 0o750 });
  } catch (error) {
    // Another process may have made it meanwhile. That a file is there Go says otherwise (os.MkdirAll).
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) throw error;
    if (!found.isDirectory()) throw Object.assign(toError(error), { code: 'ENOTDIR' });
  }
}

function failure(verb: string, path: string, cause: unknown): StorageError {
  return new StorageError(fileErrorText(cause, verb, path), { cause });
}

/** What Linux says; nothing elsewhere. */
function limitsOfProcess(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
}
