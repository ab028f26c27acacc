// The configuration of a stream on disk: two lines of JSON, the first with a checksum of the second. A new one is written
// beside the old one, synced, and renamed over it: there is one of them at any moment, and whole. That of a stream that is
// deleted gets another name: a directory is to be emptied when it says so, and not when a file is missing.
//
//   meta.json   {"format":1,"created":1700000000000,"sum":1234567}
//               {"name":"ORDERS","subjects":["orders.>"], …}
//   meta.gone   the same, of a stream that was deleted
import { checksum } from '../../shared/checksum.ts';
import { StorageError, toError } from '../../shared/errors.ts';
import { goJsonExact } from '../../shared/go-json.ts';
import type { Disk } from '../store/file/disk.ts';
import { readStreamConfig, type StreamConfig } from '../stream/config.ts';
import { isValidName } from '../subjects.ts';

export const META_NAME = 'meta.json';
export const NEW_NAME = 'meta.tmp';
export const GONE_NAME = 'meta.gone';
const FORMAT = 1;
/** No configuration has more bytes. */
const BYTES_MOST: number = 16 << 20;
/** The last moment of a date. */
const TIME_MOST = 8.64e15;
/** What every configuration says. */
const KEYS: readonly (keyof StreamConfig)[] = [
  'name',
  'subjects',
  'retention',
  'max_consumers',
  'max_msgs',
  'max_bytes',
  'max_age',
  'max_msgs_per_subject',
  'max_msg_size',
  'discard',
  'num_replicas',
  'compression',
  'allow_direct',
  'mirror_direct',
  'sealed',
  'deny_delete',
  'deny_purge',
  'allow_rollup_hdrs',
  'consumer_limits',
  'allow_msg_ttl',
];

export interface StreamMeta {
  readonly config: StreamConfig;
  readonly createdMs: number;
}

export class MetaFile {
  readonly #disk: Disk;
  readonly #dir: string;
  /** What is being written, one after the other. */
  #saving: Promise<void>;
  #count = 0;
  /** Why the last that was saved is not; told once. */
  #failure: Error | undefined;
  /** What is saved, as far as it is known. */
  #saved: Uint8Array | undefined;
  #isForgotten = false;

  /** @param before what is to happen before anything is saved */
  constructor(disk: Disk, dir: string, before: Promise<void> = Promise.resolve()) {
    this.#disk = disk;
    this.#dir = dir;
    this.#saving = before;
  }

  /** What is there has been read. */
  found(meta: StreamMeta): void {
    this.#saved = bytesOf(meta);
  }

  /** Begins to save it; whoever commits waits for that. */
  save(meta: StreamMeta): void {
    const bytes = bytesOf(meta);
    this.#count++;
    this.#saving = this.#saving.then(async () => {
      this.#failure = await this.#write(bytes);
      if (this.#failure === undefined) this.#saved = bytes;
      this.#count--;
    });
  }

  /** Saves another one. Rejected with StorageError: then the one before is what the next start finds. */
  async replace(meta: StreamMeta): Promise<void> {
    const bytes = bytesOf(meta);
    const saving = this.#saving.then(async () => {
      const failure = await this.#write(bytes);
      if (failure === undefined) this.#saved = bytes;
      // It may have its name by now.
      else if (this.#saved !== undefined) await this.#write(this.#saved);
      return failure;
    });
    this.#saving = saving.then(() => {});
    const failure = await saving;
    if (failure !== undefined) throw failure;
  }

  /** Calls `done` when what has been saved survives a power loss, or with the reason why it does not. */
  commit(done: (failure?: Error) => void): void {
    const end = (): void => {
      const failure = this.#failure;
      this.#failure = undefined;
      done(failure);
    };
    if (this.#count === 0) end();
    else void this.#saving.then(end);
  }

  /** No start finds the stream again, when this resolves. Rejected with StorageError: then it may, and goes on. */
  async forget(): Promise<void> {
    const disk = this.#disk;
    const dir = this.#dir;
    this.#isForgotten = true;
    let isRenamed = false;
    try {
      // What is being saved would bring it back.
      await this.#saving;
      if (!disk.list(dir).includes(META_NAME)) return;
      disk.rename(`${dir}/${META_NAME}`, `${dir}/${GONE_NAME}`);
      isRenamed = true;
      await disk.syncDir(dir);
    } catch (error) {
      // What could not be made to last is taken back, or the stream is gone for the next start.
      if (isRenamed && !this.#isThereAgain()) return;
      this.#isForgotten = false;
      throw error;
    }
  }

  #isThereAgain(): boolean {
    try {
      this.#disk.rename(`${this.#dir}/${GONE_NAME}`, `${this.#dir}/${META_NAME}`);
      return true;
    } catch {
      return false;
    }
  }

  /** @returns why it is not there */
  async #write(bytes: Uint8Array): Promise<Error | undefined> {
    const disk = this.#disk;
    const dir = this.#dir;
    try {
      if (this.#isForgotten) return undefined;
      if (disk.list(dir).includes(NEW_NAME)) disk.remove(`${dir}/${NEW_NAME}`);
      const file = disk.create(`${dir}/${NEW_NAME}`);
      try {
        file.write(bytes, 0, bytes.length, 0);
        await file.sync();
        await file.rename(`${dir}/${META_NAME}`);
      } finally {
        file.close();
      }
      await disk.syncDir(dir);
      await disk.syncDir(dir.slice(0, dir.lastIndexOf('/')));
      return undefined;
    } catch (error) {
      return toError(error);
    }
  }
}

function bytesOf({ config, createdMs }: StreamMeta): Uint8Array {
  const text = goJsonExact(config);
  const head = `{"format":${FORMAT},"created":${createdMs},"sum":${sumOf(createdMs, text)}}`;
  return new TextEncoder().encode(`${head}\n${text}\n`);
}

function sumOf(createdMs: number, text: string): number {
  return checksum(`${createdMs}\n${text}`);
}

/** Reads what a directory says of its stream. Throws StorageError with the name of the file. */
export function readMeta(disk: Disk, dir: string): StreamMeta {
  const path = `${dir}/${META_NAME}`;
  const text = readText(disk, path);
  const end = text.indexOf('\n');
  const { format, created, sum } = headOf(end < 0 ? text : text.slice(0, end), path);
  if (format > FORMAT) {
    const versions = `format ${format}, and this version knows ${FORMAT}`;
    throw new StorageError(`${path} was written by a newer version: it has ${versions}`);
  }
  const config = text.endsWith('\n') && end >= 0 ? text.slice(end + 1, -1) : '';
  if (format !== FORMAT || sumOf(created, config) !== sum) {
    throw new StorageError(`${path} is damaged`);
  }
  try {
    return { config: completeConfig(config), createdMs: created };
  } catch (cause) {
    throw new StorageError(`${path} cannot be read: ${toError(cause).message}`, { cause });
  }
}

function readText(disk: Disk, path: string): string {
  const file = disk.open(path);
  try {
    const size = file.size();
    if (size > BYTES_MOST) throw new StorageError(`${path} is damaged: it has ${size} bytes`);
    const bytes = new Uint8Array(size);
    const count = file.read(bytes, 0, size, 0);
    return new TextDecoder().decode(bytes.subarray(0, count));
  } finally {
    file.close();
  }
}

function headOf(line: string, path: string): { format: number; created: number; sum: number } {
  try {
    const head = JSON.parse(line);
    const { format, created } = head;
    if (typeof format === 'number' && created >= 0 && created <= TIME_MOST) return head;
  } catch {
    // It is none of ours, or damaged.
  }
  throw new StorageError(`${path} is damaged, or was written by another program`);
}

function completeConfig(text: string): StreamConfig {
  const config = readStreamConfig(text);
  const missing = KEYS.find((key) => config[key] === undefined);
  if (missing !== undefined) throw new StorageError(`it does not say ${missing}`);
  if (!isValidName(config.name)) throw new StorageError('no stream has such a name');
  if (config.storage !== 'file') throw new StorageError('it is of a stream in memory');
  return config;
}
