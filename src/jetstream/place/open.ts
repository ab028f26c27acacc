// Opens the place of one account's streams in a directory of this machine's, for this process alone.
//
//   <directory>/ganglion/   lock.….sock            held as long as it is open (lock.ts)
//                           <account>/streams/     its streams (disk-place.ts)
import { tmpdir } from 'node:os';
import type { Clock } from '../../shared/clock.ts';
import { systemDisk } from '../store/file/disk.ts';
import { DiskPlace } from './disk-place.ts';
import { type LocalSockets, lockDirectory } from './lock.ts';
import { directoryName } from './names.ts';
import type { Place } from './place.ts';

export interface OpenOptions {
  readonly storeDir: string;
  readonly account: string;
  readonly sync: number | 'always';
  readonly clock: Clock;
  readonly warn: (text: string) => void;
}

export interface OpenedPlace {
  readonly place: Place;
  /** Everything in it has been closed. */
  close(): void;
}

/** Ours lies beside what nats-server makes, and neither touches the other's. */
const OWN_DIR = 'ganglion';

/** Rejects with StorageError: the directory cannot be made, or another process has it. */
export async function openPlace(
  { storeDir, account, sync, clock, warn }: OpenOptions,
  sockets: LocalSockets,
): Promise<OpenedPlace> {
  const disk = systemDisk();
  const root = `${storeDir}/${OWN_DIR}`;
  disk.makeDir(root);
  const lock = await lockDirectory(disk, root, sockets, tmpdir());
  try {
    const dir = `${root}/${directoryName(account)}/streams`;
    return { place: new DiskPlace({ disk, clock, dir, sync, warn }), close: () => lock.release() };
  } catch (error) {
    lock.release();
    throw error;
  }
}
