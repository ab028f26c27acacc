// File stores for tests: in directories of their own on this machine's disk, or on one that is simulated.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemDisk } from '../../src/jetstream/store/file/disk.ts';
import {
  type FileStoreOptions,
  type OpenedStore,
  openFileStore,
} from '../../src/jetstream/store/file/file-store.ts';
import { FakeClock } from './fake-clock.ts';

const directories: string[] = [];

/** A directory that is empty. */
export function newDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'ganglion-store-'));
  directories.push(path);
  return path;
}

export function removeDirectories(): void {
  for (const path of directories.splice(0))
    rmSync(path, { recursive: true, force: true, maxRetries: 3 });
}

/** Options that a test need not name. */
export type StoreOptions = Partial<FileStoreOptions>;

/** Opens a store; unless it says otherwise on this machine's disk, in a new directory. */
export function openStore(options: StoreOptions = {}): OpenedStore {
  return openFileStore({
    disk: options.disk ?? systemDisk(),
    dir: options.dir ?? newDirectory(),
    storage: 'file',
    clock: new FakeClock(),
    sync: 120_000,
    warn: () => {},
    ...options,
  });
}

export function closed(store: OpenedStore['store']): Promise<void> {
  return new Promise((resolve) => store.close(resolve));
}
