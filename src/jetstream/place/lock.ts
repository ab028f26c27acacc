// One process for a directory. Each that wants it listens on a socket of its own in it, as long as it lives, and looks for
// those of others only then: of two, one at least sees the other. Who has it says so, and of those who want it at the same
// time the first by name may. One that is let past by others has it when it sees no more of them: who has come meanwhile
// may have let it be the other's turn. Names are never used again; so what nobody answers on, left by a process that was
// killed, is removed by whoever finds it.
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
/** Times that one is asked who says nothing. */
const ASKED_MOST = 3;
/** There is nowhere to listen on such a file system; nats-server, which locks nothing, serves there, too. */
const NO_SOCKETS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP']);
/** Letters of a name that nobody else has. */
const NAME_LEN = 16;
/** Letters of a link's, which is there for a moment; macOS' directories of temporary files leave room for so many. */
const LINK_LEN = 8;

/**
 * Holds a directory that is there.
 *
 * @param shortDirs where a short name for a long path may be made for a moment, the best first
 * @param shownDir what it is called
 * @param warn told when nobody can be kept away
 * Rejects with StorageError: another process has it, or it cannot be told.
 */
export async function lockDirectory(
  disk: Disk,
  dir: string,
  sockets: LocalSockets,
  shortDirs: readonly string[],
  shownDir: string = dir,
  warn: (text: string) => void = () => {},
): Promise<DirectoryLock> {
  const name = `lock.${randomBase62(NAME_LEN)}.sock`;
  const isLong = !fits(`${dir}/${name}`, sockets);
  const short = isLong ? linked(disk, dir, name, sockets, shortDirs) : dir;
  try {
    return await new Attempt(disk, dir, short, name, shownDir).run(sockets);
  } catch (error) {
    if (error instanceof StorageError) throw error;
    const text = fileErrorText(error, 'listen', `${dir}/${name}`);
    if (!NO_SOCKETS.has((error as NodeJS.ErrnoException).code ?? '')) {
      throw new StorageError(text, { cause: error });
    }
    warn(`store directory ${shownDir} is not locked, and must be this process's alone: ${text}`);
    return { release: () => {} };
  } finally {
    if (isLong) removeQuietly(disk, short);
  }
}

/** A link to the directory in the first place that has room for one: where temporary files are may be long, too. */
function linked(
  disk: Disk,
  dir: string,
  name: string,
  sockets: LocalSockets,
  shortDirs: readonly string[],
): string {
  let failure: unknown;
  for (const place of shortDirs) {
    const short = `${place}/ganglion-${randomBase62(LINK_LEN)}`;
    try {
      if (!fits(`${short}/${name}`, sockets)) {
        throw new StorageError(`${short}/${name}: the path is too long for a socket`);
      }
      disk.link(dir, short);
      return short;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** A longer path is cut without a word. */
function fits(path: string, { pathMost }: LocalSockets): boolean {
  return new TextEncoder().encode(path).length <= pathMost;
}

/** Others may do so, too; what stays is nobody's. */
function removeQuietly(disk: Disk, path: string): void {
  try {
    disk.remove(path);
  } catch {}
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
      removeQuietly(this.#disk, `${this.#dir}/${this.#name}`);
    };
    try {
      // From now on others see it, and somebody answers.
      this.#disk.rename(`${this.#dir}/${made}`, `${this.#dir}/${this.#name}`);
      await this.#meetAll(askAt);
    } catch (error) {
      release();
      throw error;
    }
    return { release };
  }

  async #meetAll(askAt: LocalSockets['askAt']): Promise<void> {
    const met = new Set([this.#name]);
    for (;;) {
      const others = this.#disk
        .list(this.#dir)
        .filter((name) => SOCKET.test(name) && !met.has(name));
      if (others.length === 0) break;
      for (const other of others) {
        await this.#meet(other, askAt);
        met.add(other);
      }
    }
    // In the same turn: whoever is told another word than before has not been seen, and sees this one.
    this.#word = HAS;
  }

  async #meet(other: string, askAt: LocalSockets['askAt']): Promise<void> {
    const path = `${this.#dir}/${other}`;
    let word: string | undefined = '';
    // One that is leaving says nothing, and is gone then.
    for (let asked = 0; word === '' && asked < ASKED_MOST; asked++) {
      word = await askAt(`${this.#short}/${other}`).catch((cause: unknown) => {
        throw new StorageError(fileErrorText(cause, 'connect', path), { cause });
      });
    }
    if (word === undefined) removeQuietly(this.#disk, path);
    else if (word !== WANTS || other < this.#name) {
      throw new StorageError(`store directory ${this.#shownDir} is in use`);
    }
  }
}
