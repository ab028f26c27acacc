// A file system of a few MiB, in memory, that only the processes see that are started in it; somebody takes all its room
// and gives it back.
import {
  closeSync,
  mkdtempSync,
  openSync,
  rmdirSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, runChild, startChild } from '../../interop/child.ts';

const MOUNT = 'mount -t tmpfs -o size="$1" tmpfs "$0"';

export class SmallDisk {
  /** What those call it that are started with the prefix. */
  readonly dir: string;
  /** Put before a command line, it runs the command where the disk is. */
  readonly prefix: readonly string[];
  readonly #holder: Child;
  /** The same directory, for everybody. */
  readonly #outside: string;

  /** Why there cannot be one; undefined: there can. */
  static async problem(): Promise<string | undefined> {
    const { code, output } = await runChild('unshare', ['-m', 'sh', '-c', MOUNT, tmpdir(), '1m']);
    return code === 0 ? undefined : `no file system can be mounted: ${output}`;
  }

  static async open(size: string): Promise<SmallDisk> {
    const dir = mkdtempSync(join(tmpdir(), 'ganglion-small-'));
    const script = `${MOUNT} && echo ready && exec cat`;
    const holder = startChild('unshare', ['-m', 'sh', '-c', script, dir, size]);
    await holder.line(/^ready$/);
    return new SmallDisk(dir, holder);
  }

  private constructor(dir: string, holder: Child) {
    this.dir = dir;
    this.#holder = holder;
    this.prefix = ['nsenter', '-t', String(holder.pid), '-m', '--'];
    this.#outside = `/proc/${holder.pid}/root${dir}`;
  }

  /** Somebody takes all but so many bytes. */
  fill(left: number): void {
    const { bavail, bsize } = statfsSync(this.#outside);
    const file = openSync(`${this.#outside}/taken`, 'a');
    try {
      writeSync(file, new Uint8Array(Math.max(0, bavail * bsize - left)));
    } catch (error) {
      // The server was faster.
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      closeSync(file);
    }
  }

  free(): void {
    rmSync(`${this.#outside}/taken`, { force: true });
  }

  async close(): Promise<void> {
    await this.#holder.close();
    rmdirSync(this.dir);
  }
}
