// One process for a directory: it listens on a socket in it, as long as it lives. A socket that nobody answers on was left
// by one that was killed, and is taken away: under another name first, so that of two who do so at once neither removes
// what the other has made meanwhile.
import { StorageError } from '../../shared/errors.ts';
import { fileErrorText } from '../../shared/file-error.ts';
import { randomBase62 } from '../../shared/nuid.ts';
import type { Disk } from '../store/file/disk.ts';

/** What is asked of the network. */
export interface LocalSockets {
  /** Bytes of the longest path. */
  readonly pathMost: number;
  holdPath(path: string): Promise<{ close(): void }>;
  isAnswered(path: string): Promise<boolean>;
}

export interface DirectoryLock {
  /** Another may have the directory. */
  release(): void;
}

const NAME = 'lock.sock';
/** Others may take it away and make it at the same time. */
const TRIES = 5;

/**
 * Holds a directory that is there.
 *
 * @param shortDir where a short name for a long path is made for a moment
 * Rejects with StorageError: another process has it, or it cannot be told.
 */
export async function lockDirectory(
  disk: Disk,
  dir: string,
  sockets: LocalSockets,
  shortDir: string,
): Promise<DirectoryLock> {
  const isLong = new TextEncoder().encode(`${dir}/${NAME}`).length > sockets.pathMost;
  const short = isLong ? `${shortDir}/ganglion-${randomBase62(16)}` : dir;
  if (isLong) disk.link(dir, short);
  try {
    return await hold(disk, dir, short, sockets);
  } catch (error) {
    if (error instanceof StorageError) throw error;
    throw new StorageError(fileErrorText(error, 'listen', `${dir}/${NAME}`), { cause: error });
  } finally {
    if (isLong) disk.remove(short);
  }
}

async function hold(
  disk: Disk,
  dir: string,
  short: string,
  { holdPath, isAnswered }: LocalSockets,
): Promise<DirectoryLock> {
  for (let tries = 0; tries < TRIES; tries++) {
    const held = await holdPath(`${short}/${NAME}`).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') throw error;
    });
    if (held !== undefined) {
      return {
        release: () => {
          held.close();
          if (disk.list(dir).includes(NAME)) disk.remove(`${dir}/${NAME}`);
        },
      };
    }
    if (await isAnswered(`${short}/${NAME}`)) break;
    const left = `${NAME}.${randomBase62(8)}`;
    try {
      disk.rename(`${dir}/${NAME}`, `${dir}/${left}`);
    } catch {
      // Another has done so.
      continue;
    }
    const isLive = await isAnswered(`${short}/${left}`);
    if (isLive) disk.rename(`${dir}/${left}`, `${dir}/${NAME}`);
    else disk.remove(`${dir}/${left}`);
  }
  throw new StorageError(`store directory ${dir} is in use`);
}
