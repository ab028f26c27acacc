// Opens the place of one account's streams: in a directory of this machine's that is named, for this process alone, or in
// one of its own that is gone when it is closed.
//
//   <directory>/ganglion/<account>/   lock.….sock   held as long as it is open (lock.ts)
//                                     streams/      its streams (disk-place.ts)
import { tmpdir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { answerAt, askAt, LOCAL_PATH_MOST } from '../../net/local-socket.ts';
import { atExit } from '../../shared/at-exit.ts';
import type { Clock } from '../../shared/clock.ts';
import { toError } from '../../shared/errors.ts';
import { type MachineDisk, systemDisk } from '../store/file/disk.ts';
import { streamClass } from '../stream-code.ts';
import { diskCode } from './disk-code.ts';
import { DiskPlace } from './disk-place.ts';
import { type LocalSockets, lockDirectory } from './lock.ts';
import { directoryName } from './names.ts';
import type { OpenedPlace } from './place.ts';

export interface OpenOptions {
  readonly storeDir: string;
  readonly account: string;
  readonly sync: number | 'always';
  readonly clock: Clock;
  readonly warn: (text: string) => void;
}

/** Ours lies beside what nats-server makes, and neither touches the other's. */
const OWN_DIR = 'ganglion';
const OTHERS_DIR = 'jetstream';
/** For temporary files where TMPDIR names a long path. */
const SHORTEST_DIR = '/tmp';
const SOCKETS: LocalSockets = { pathMost: LOCAL_PATH_MOST, answerAt, askAt };

/** Rejects with StorageError: the directory cannot be made or written, or another process has it. */
export async function openPlace(
  { storeDir, account, sync, clock, warn }: OpenOptions,
  sockets: LocalSockets = SOCKETS,
): Promise<OpenedPlace> {
  const disk = systemDisk();
  const root = resolve(storeDir, OWN_DIR);
  const others = resolve(storeDir, OTHERS_DIR);
  if (!disk.isThere(root) && disk.isThere(others)) {
    warn(`${others} was made by nats-server and is left alone: streams are kept in ${root}`);
  }
  const dir = `${root}/${directoryName(account)}`;
  const streamsDir = `${dir}/streams`;
  const isNew = !disk.isThere(streamsDir);
  // Read while it is not known yet whether the directory is ours.
  if (!isNew && disk.list(streamsDir).length > 0) loadForStreams().catch(() => {});
  disk.makeDir(root);
  disk.makeDir(dir);
  const shortDirs = [tmpdir(), SHORTEST_DIR];
  const lock = await lockDirectory(disk, dir, sockets, shortDirs, root, warn);
  try {
    const place = new DiskPlace({ disk, clock, dir: streamsDir, sync, warn });
    if (place.mayHaveStreams) await loadForStreams();
    if (isNew) await syncNames(disk, dir, warn);
    return {
      place,
      directory: root,
      freeBytes: () => disk.freeBytes(dir),
      close: async () => lock.release(),
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** What the streams are made of that are found. */
async function loadForStreams(): Promise<void> {
  await Promise.all([diskCode.load(), streamClass.load()]);
}

/**
 * The same in a directory that is gone when it is closed, or when the process ends by itself; nothing in it is synced.
 * Rejects with StorageError.
 */
export async function openTemporaryPlace(
  options: Omit<OpenOptions, 'storeDir' | 'sync'>,
): Promise<OpenedPlace> {
  const { account, ...others } = options;
  const disk = systemDisk(undefined, true);
  const root = disk.makeTemporaryDir(`${tmpdir()}/ganglion-`);
  const leave = (): void => removeQuietly(disk, root);
  const stay = atExit(leave);
  const dir = `${root}/${directoryName(account)}/streams`;
  let place: DiskPlace;
  try {
    place = new DiskPlace({ ...others, disk, dir, sync: NEVER_MS, indexBytes: NEVER_BYTES });
    await place.load();
  } catch (error) {
    stay();
    leave();
    throw error;
  }
  return {
    place,
    directory: root,
    freeBytes: () => undefined,
    close: async () => {
      await disk.removeTreeLater(root);
      stay();
    },
  };
}

/** What has been made down to a directory survives a power loss then. Who may not look above ours cannot say more of that. */
async function syncNames(
  disk: MachineDisk,
  dir: string,
  warn: (text: string) => void,
): Promise<void> {
  const root = dirname(dir);
  for (const own of [dir, root]) {
    await disk.syncDir(own).catch((error: unknown) => warn(toError(error).message));
  }
  for (const above of [dirname(root), dirname(dirname(root))]) {
    await disk.syncDir(above).catch(() => {});
  }
}

/** A day: no sync of these does anything. */
const NEVER_MS: number = 24 * 3_600_000;
/** No start reads an index of these. */
const NEVER_BYTES: number = Number.POSITIVE_INFINITY;

/** At the end of a process nobody is told any more. */
function removeQuietly(disk: MachineDisk, dir: string): void {
  try {
    disk.removeTree(dir);
  } catch {}
}
