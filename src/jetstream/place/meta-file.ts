// The configuration of a stream on disk: two lines of JSON, the first with a checksum of the second. A new one is written
// beside the old one, synced, and renamed over it: there is one of them at any moment, and whole.
//
//   meta.json   {"format":1,"created":1700000000000,"sum":1234567}
//               {"name":"ORDERS","subjects":["orders.>"], …}
import { crc32 } from 'node:zlib';
import { StorageError, toError } from '../../shared/errors.ts';
import { goJsonExact } from '../../shared/go-json.ts';
import type { Disk } from '../store/file/disk.ts';
import { readStreamConfig, type StreamConfig } from '../stream/config.ts';

export const META_NAME = 'meta.json';
const NEW_NAME = 'meta.tmp';
const FORMAT = 1;
/** No configuration has more bytes. */
const BYTES_MOST: number = 16 << 20;

export interface StreamMeta {
  readonly config: StreamConfig;
  readonly createdMs: number;
}

export class MetaFile {
  readonly #disk: Disk;
  readonly #dir: string;
  /** What is being written, one after the other. */
  #saving: Promise<void> = Promise.resolve();
  #count = 0;
  /** Why the last that was saved is not; told once. */
  #failure: Error | undefined;

  constructor(disk: Disk, dir: string) {
    this.#disk = disk;
    this.#dir = dir;
  }

  /** Begins to save it; whoever commits waits for that. */
  save({ config, createdMs }: StreamMeta): void {
    const text = goJsonExact(config);
    const head = `{"format":${FORMAT},"created":${createdMs},"sum":${crc32(text)}}`;
    const bytes = new TextEncoder().encode(`${head}\n${text}\n`);
    this.#count++;
    this.#saving = this.#saving.then(() => this.#write(bytes));
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

  async #write(bytes: Uint8Array): Promise<void> {
    const disk = this.#disk;
    const dir = this.#dir;
    try {
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
      this.#failure = undefined;
    } catch (error) {
      this.#failure = toError(error);
    } finally {
      this.#count--;
    }
  }
}

/** Reads what a directory says of its stream. Throws StorageError with the name of the file. */
export function readMeta(disk: Disk, dir: string): StreamMeta {
  const path = `${dir}/${META_NAME}`;
  const file = disk.open(path);
  let text: string;
  try {
    const bytes = new Uint8Array(Math.min(file.size(), BYTES_MOST));
    file.read(bytes, 0, bytes.length, 0);
    text = new TextDecoder().decode(bytes);
  } finally {
    file.close();
  }
  const [first = '', second = ''] = text.split('\n');
  const { format, created, sum } = headOf(first, path);
  if (format !== FORMAT) {
    throw new StorageError(`${path} is of format ${format}: this version knows ${FORMAT} alone`);
  }
  if (crc32(second) !== sum) throw new StorageError(`${path} is damaged`);
  try {
    return { config: readStreamConfig(second), createdMs: created };
  } catch (cause) {
    throw new StorageError(`${path} cannot be read: ${toError(cause).message}`, { cause });
  }
}

function headOf(line: string, path: string): { format: number; created: number; sum: number } {
  try {
    const head = JSON.parse(line);
    if (typeof head?.format === 'number' && typeof head.created === 'number') return head;
  } catch {
    // It is none of ours, or damaged.
  }
  throw new StorageError(`${path} is damaged, or was written by another program`);
}
