// A disk for tests of the file store: it forgets what was not synced, stops at any step, and fails when it is told to.
//
//   write, create, rename, unlink ─► what is there now ──sync──► what survives a power loss
//
// What is asked of the pool waits until the test lets it happen: `step` does one thing, `settle` all.
import type { Disk, DiskFile } from '../../src/jetstream/store/file/disk.ts';
import { StorageError } from '../../src/shared/errors.ts';

/** What a file holds, whatever its name is. */
interface Content {
  bytes: Uint8Array;
  /** Of what survives a power loss. */
  synced: Uint8Array;
}

type DirChange = (names: Map<string, Content>) => void;
export type Verb =
  | 'create'
  | 'open'
  | 'read'
  | 'write'
  | 'truncate'
  | 'sync'
  | 'syncDir'
  | 'rename'
  | 'unlink'
  | 'list'
  | 'mkdir';

/** Pages are small, so that little is much. */
const PAGE_BYTES = 64;

export class SimDisk implements Disk {
  readonly names: Map<string, Content>;
  #syncedNames: Map<string, Content>;
  #dirChanges: DirChange[] = [];
  #waiting: (() => void)[] = [];
  /** Changes that have been made; with the one of that number it stops, and what is asked then fails. */
  changes = 0;
  stopsAt: number = Number.POSITIVE_INFINITY;
  /** Answers the code of an error for what is to fail. */
  fails: (verb: Verb, path: string) => string | undefined = () => undefined;
  readonly random: () => number;

  constructor(seed = 1, names: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.random = randomOf(seed);
    const all = [...names].map(
      ([name, bytes]) => [name, { bytes, synced: bytes.slice() }] as const,
    );
    this.names = new Map(all);
    this.#syncedNames = new Map(all);
  }

  get isStopped(): boolean {
    return this.changes >= this.stopsAt;
  }

  makeDir(path: string): void {
    this.check('mkdir', path);
  }

  list(path: string): readonly string[] {
    this.check('list', path);
    const prefix = `${path}/`;
    const within = [...this.names.keys()].filter((name) => name.startsWith(prefix));
    // Of a file in a directory below, that directory.
    return [...new Set(within.map((name) => name.slice(prefix.length).split('/')[0] as string))];
  }

  open(path: string): DiskFile {
    this.check('open', path);
    const content = this.names.get(path);
    if (content === undefined) throw failure('open', path, 'ENOENT');
    return new SimFile(this, path, content);
  }

  create(path: string): DiskFile {
    this.check('create', path);
    if (this.names.has(path)) throw failure('open', path, 'EEXIST');
    const content = { bytes: new Uint8Array(0), synced: new Uint8Array(0) };
    if (!this.change()) throw failure('open', path, 'EIO');
    this.changeDir((names) => void names.set(path, content));
    return new SimFile(this, path, content);
  }

  remove(path: string): void {
    this.check('unlink', path);
    if (!this.change()) throw failure('unlink', path, 'EIO');
    this.changeDir((names) => void names.delete(path));
  }

  removeLater(path: string): Promise<void> {
    return this.later('unlink', path, () => this.changeDir((names) => void names.delete(path)));
  }

  rename(from: string, to: string): void {
    this.check('rename', from);
    const content = this.names.get(from);
    if (content === undefined) throw failure('rename', from, 'ENOENT');
    if (!this.change()) throw failure('rename', from, 'EIO');
    this.changeDir((names) => {
      names.delete(from);
      names.set(to, content);
    });
  }

  link(_dir: string, path: string): void {
    throw failure('symlink', path, 'ENOTSUP');
  }

  /** Directories are there as long as something is in them. */
  removeDir(path: string): void {
    this.check('unlink', path);
  }

  syncDir(path: string): Promise<void> {
    const { length } = this.#dirChanges;
    return this.later('syncDir', path, () => {
      for (const change of this.#dirChanges.splice(0, length)) change(this.#syncedNames);
    });
  }

  /** Does it when the test says so. */
  later(verb?: Verb, path = '', work: () => void = () => {}): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        try {
          if (verb !== undefined) {
            this.check(verb, path);
            if (!this.change()) throw failure(verb, path, 'EIO');
          }
          work();
          resolve();
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** Does one thing that waits, some one of them. @returns whether there was one */
  async step(): Promise<boolean> {
    const { length } = this.#waiting;
    if (length === 0) return false;
    const [work] = this.#waiting.splice(Math.floor(this.random() * length), 1);
    work?.();
    await new Promise(setImmediate);
    return true;
  }

  async settle(): Promise<void> {
    await new Promise(setImmediate);
    while (await this.step()) {
      // One after the other.
    }
  }

  check(verb: Verb, path: string): void {
    const code = this.fails(verb, path);
    if (code !== undefined) throw failure(verb, path, code);
  }

  /** Counts a change; false: the machine has stopped before it. */
  change(): boolean {
    if (this.isStopped) return false;
    this.changes++;
    return true;
  }

  changeDir(change: DirChange): void {
    change(this.names);
    this.#dirChanges.push(change);
  }

  /** The disk as another process finds it after this one has ended. */
  afterEnd(): SimDisk {
    const all = [...this.names].map(([name, { bytes }]) => [name, bytes.slice()] as const);
    return new SimDisk(Math.floor(this.random() * 2 ** 31), new Map(all));
  }

  /** The disk after a power loss: what was synced, and of all other changes some half, pages torn in the middle. */
  afterPowerLoss(): SimDisk {
    const names = new Map(this.#syncedNames);
    for (const change of this.#dirChanges) if (this.random() < 0.5) change(names);
    const all = [...names].map(([name, content]) => [name, this.#partOf(content)] as const);
    return new SimDisk(Math.floor(this.random() * 2 ** 31), new Map(all));
  }

  #partOf({ bytes, synced }: Content): Uint8Array {
    const size = this.random() < 0.5 ? bytes.length : synced.length;
    const part = new Uint8Array(size);
    part.set(synced.subarray(0, size));
    for (let at = 0; at < size; at += PAGE_BYTES) {
      const choice = this.random();
      if (choice < 0.4) continue;
      const share = choice < 0.6 ? this.random() : 1;
      const end = Math.min(size, at + Math.floor(share * PAGE_BYTES));
      part.set(bytes.subarray(at, end), at);
    }
    return part;
  }
}

class SimFile implements DiskFile {
  readonly #disk: SimDisk;
  readonly #content: Content;
  path: string;

  constructor(disk: SimDisk, path: string, content: Content) {
    this.#disk = disk;
    this.path = path;
    this.#content = content;
  }

  size(): number {
    return this.#content.bytes.length;
  }

  read(target: Uint8Array, at: number, length: number, position: number): number {
    this.#disk.check('read', this.path);
    const part = this.#content.bytes.subarray(position, position + length);
    target.set(part, at);
    return part.length;
  }

  write(source: Uint8Array, at: number, length: number, position: number): void {
    const isFailing = this.#disk.fails('write', this.path);
    const isDone = isFailing === undefined && this.#disk.change();
    // Of one that fails, a part may be there.
    const isStopping = isFailing !== undefined || (isDone && this.#disk.isStopped);
    const part = isStopping ? Math.floor(this.#disk.random() * length) : length;
    if (isDone || isFailing !== undefined) this.#put(source.subarray(at, at + part), position);
    if (!isDone || isStopping) throw failure('write', this.path, isFailing ?? 'EIO');
  }

  #put(part: Uint8Array, position: number): void {
    const content = this.#content;
    const end = position + part.length;
    if (end > content.bytes.length) content.bytes = resized(content.bytes, end);
    content.bytes.set(part, position);
  }

  truncate(bytes: number): void {
    this.#disk.check('truncate', this.path);
    if (!this.#disk.change()) throw failure('truncate', this.path, 'EIO');
    this.#content.bytes = resized(this.#content.bytes, bytes);
  }

  readLater(target: Uint8Array, position: number): Promise<void> {
    return this.#disk.later('read', this.path, () => {
      this.read(target, 0, target.length, position);
    });
  }

  writeLater(source: Uint8Array, position: number): Promise<void> {
    const bytes = source.slice();
    return this.#disk.later('write', this.path, () => this.#put(bytes, position));
  }

  sync(): Promise<void> {
    // What is written while it works is not covered by it.
    const bytes = this.#content.bytes.slice();
    return this.#disk.later('sync', this.path, () => {
      const isShorter = this.#content.bytes.length < bytes.length;
      this.#content.synced = isShorter ? this.#content.bytes.slice() : bytes;
    });
  }

  rename(path: string): Promise<void> {
    const from = this.path;
    return this.#disk.later('rename', from, () => {
      this.#disk.changeDir((names) => {
        const content = names.get(from) ?? this.#content;
        names.delete(from);
        names.set(path, content);
      });
      this.path = path;
    });
  }

  unlink(): Promise<void> {
    const { path } = this;
    const content = this.#content;
    return this.#disk.later('unlink', path, () => {
      this.#disk.changeDir((names) => {
        if (names.get(path) === content) names.delete(path);
      });
    });
  }

  hold(): void {}

  close(): void {}
}

function resized(bytes: Uint8Array, length: number): Uint8Array {
  const target = new Uint8Array(length);
  target.set(bytes.subarray(0, length));
  return target;
}

function failure(verb: string, path: string, code: string): StorageError {
  const cause = Object.assign(new Error(`${code} of the test`), { code });
  return new StorageError(`${verb} ${path}: ${code}`, { cause });
}

/** mulberry32: numbers from 0 to 1. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
