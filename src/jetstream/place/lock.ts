// One process for a directory. Each that wants it listens on a socket of its own in it, as long as it lives, and looks for
// those of others only then: of two, one at least sees the other. Who has it says so, and of those who want it at the same
// time the first by name may. Names are never used again; so what nobody answers on, left by a process that was killed, is
// removed by whoever finds it.
//
//   lock.k3Vq….new ──listening──► lock.k3Vq….sock ──nobody else──► held
import { StorageError } from '../../shared/errors.ts';
import { fileErrorText } from '../../shared/file-error.ts';
import { randomBase62 } from '../../shared/nuid.ts';
import type { Disk } from '../store/file/disk.ts';

/** What is asked of the network. */
export interface LocalSockets {
  /** Bytes of the longest path. */
  readonly pathMost: number;
  answerAt(path: string, word: () => string): Promise<{ close(): void }>;
  /** '' = who is there says nothing, undefined = nobody is. */
  askAt(path: string): Promise<string | undefined>;
}

export interface DirectoryLock {
  /** Another may have the directory. */
  release(): void;
}

const WANTS = 'wants';
const HAS = 'has';
const SOCKET = /^lock\.\w+\.sock$/;
/** Letters of a name that nobody else has. */
const NAME_LEN = 16;

/**
 * Holds a directory that is there.
 *
 * @param shortDir where a short name for a long path is made for a moment
 * @param shownDir what it is called
 * Rejects with StorageError: another process has it, or it cannot be told.
 */
export async function lockDirectory(
  disk: Disk,
  dir: string,
  sockets: LocalSockets,
  shortDir: string,
  shownDir: string = dir,
): Promise<DirectoryLock> {
  const name = `lock.${randomBase62(NAME_LEN)}.sock`;
  const isLong = new TextEncoder().encode(`${dir}/${name}`).length > sockets.pathMost;
  const short = isLong ? `${shortDir}/ganglion-${randomBase62(NAME_LEN)}` : dir;
  if (isLong) disk.link(dir, short);
  try {
    return await new Attempt(disk, dir, short, name, shownDir).run(sockets);
  } catch (error) {
    if (error instanceof StorageError) throw error;
    throw new StorageError(fileErrorText(error, 'listen', `${dir}/${name}`), { cause: error });
  } finally {
    if (isLong) disk.remove(short);
  }
}

class Attempt {
  readonly #disk: Disk;
  readonly #dir: string;
  /** The same directory by a name that is short enough. */
  readonly #short: string;
  readonly #name: string;
  readonly #shownDir: string;
  #word = WANTS;

  constructor(disk: Disk, dir: string, short: string, name: string, shownDir: string) {
    this.#disk = disk;
    this.#dir = dir;
    this.#short = short;
    this.#name = name;
    this.#shownDir = shownDir;
  }

  async run({ answerAt, askAt }: LocalSockets): Promise<DirectoryLock> {
    const made = this.#name.replace('.sock', '.new');
    const held = await answerAt(`${this.#short}/${made}`, () => this.#word);
    const release = (): void => {
      held.close();
      this.#remove(this.#name);
    };
    try {
      // From now on others see it, and somebody answers.
      this.#disk.rename(`${this.#dir}/${made}`, `${this.#dir}/${this.#name}`);
      for (const other of this.#disk.list(this.#dir)) {
        if (other !== this.#name && SOCKET.test(other)) await this.#meet(other, askAt);
      }
    } catch (error) {
      release();
      throw error;
    }
    this.#word = HAS;
    return { release };
  }

  async #meet(other: string, askAt: LocalSockets['askAt']): Promise<void> {
    const word = await askAt(`${this.#short}/${other}`);
    if (word === undefined) this.#remove(other);
    else if (word !== WANTS || other < this.#name) {
      throw new StorageError(`store directory ${this.#shownDir} is in use`);
    }
  }

  #remove(name: string): void {
    if (this.#disk.list(this.#dir).includes(name)) this.#disk.remove(`${this.#dir}/${name}`);
  }
}
