// Which files are open, of all stores of this process: more than a system gives would fail whoever opens the next one, be
// it a socket's. One that has been written and not synced stays open as long as there is room, since the system tells of a
// failed write-back to who has it open then; when there are too many such, the oldest are synced and closed.

import { descriptorLimit } from '../../../shared/descriptor-limit.ts';
import { Turns } from '../../../shared/turns.ts';

export interface OpenFile {
  /** Somebody is at it: it must stay open. */
  readonly isHeld: boolean;
  /** It has been written since it was synced. */
  readonly isDirty: boolean;
  /** Syncs it; does not reject: whoever syncs it next is told. */
  settle(): Promise<void>;
  /** Closes it until somebody asks something of it. */
  shut(): void;
}

/** What is open above the bound while files are being synced: a part of it. */
const SPARE_SHARE = 4;
/** Files that are synced, or closed, in one go. */
const AT_ONCE = 32;
/** Files that the pool is at, at a time: each is open then. It has four threads. */
const CALLS_MOST = 32;
const LEAST = 8;
const MOST = 512;
/** Of the descriptors of a process; sockets need the others. */
const SHARE = 3;

/** How many may be open, of a process with those limits (`/proc/self/limits`). */
export function openMost(limits: string): number {
  return Math.max(LEAST, Math.min(MOST, Math.floor(descriptorLimit(limits) / SHARE)));
}

export class OpenFiles {
  /** It is lowered when the system gives fewer. */
  #most: number;
  /** The one that was used longest ago first. */
  readonly #files = new Set<OpenFile>();
  #isSettling = false;
  /** Of those that ask the pool for something that has a file open. */
  readonly turns: Turns = new Turns(CALLS_MOST);

  constructor(most: number) {
    this.#most = most;
  }

  /** It is open, and used now. */
  used(file: OpenFile): void {
    this.#files.delete(file);
    this.#files.add(file);
  }

  /** It has been opened: another is closed when there are too many. */
  opened(file: OpenFile): void {
    this.used(file);
    if (this.#files.size <= this.#most) return;
    const clean = this.#oldest((each) => each !== file && !each.isDirty);
    if (clean !== undefined) {
      clean.shut();
      return;
    }
    if (!this.#isSettling) void this.#settle();
    if (this.#files.size > this.#most + this.#most / SPARE_SHARE) {
      this.#oldest((each) => each !== file)?.shut();
    }
  }

  closed(file: OpenFile): void {
    this.#files.delete(file);
  }

  /** The system gives no more: closes some. @returns whether there were any */
  makeRoom(): boolean {
    let count = 0;
    while (count < AT_ONCE) {
      const file = this.#oldest((each) => !each.isDirty) ?? this.#oldest(() => true);
      if (file === undefined) break;
      file.shut();
      count++;
    }
    this.#most = Math.max(LEAST, Math.min(this.#most, this.#files.size));
    return count > 0;
  }

  #oldest(fits: (file: OpenFile) => boolean): OpenFile | undefined {
    for (const file of this.#files) if (!file.isHeld && fits(file)) return file;
    return undefined;
  }

  async #settle(): Promise<void> {
    this.#isSettling = true;
    while (this.#files.size > this.#most) {
      const dirty = [...this.#files].filter(({ isHeld, isDirty }) => isDirty && !isHeld);
      const oldest = dirty.slice(0, AT_ONCE);
      if (oldest.length === 0) break;
      await Promise.all(oldest.map((file) => file.settle()));
      for (const file of oldest) {
        if (this.#files.size > this.#most && !file.isHeld && !file.isDirty) file.shut();
      }
      // Where it cannot be synced it stays dirty: others are not tried again and again for it.
      if (oldest.every(({ isDirty }) => isDirty)) break;
    }
    this.#isSettling = false;
  }
}
