// Where log lines go: standard error, or a file that can be reopened after it was moved away, and that is moved away
// when it has grown. Lines are written at once, so that the last one before an end is there. What cannot be written (a
// full disk) is no reason to end: that is told once, the lines that are lost are counted, and once they are written again
// the log says how many there were.
// Source of the rotation: nats-server 2.15.3, logger/log.go, fileLogger.
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

export interface LogSink {
  /** Takes a whole line. Never throws. */
  write(line: string): void;
  /** Is told, in a line for the log, that the file was moved away. */
  rotated: ((text: string) => void) | undefined;
  /** Opens the file again under its name; false when there is none. Throws when it cannot be opened. */
  reopen(): boolean;
  close(): void;
}

/** Who is told what becomes of a log that cannot be written. */
export interface LogTrouble {
  /** A line could not be written; told once until the log is reopened. */
  failed(error: Error): void;
  /** Lines are written again, and so many before them were lost. It may log. */
  resumed(lost: number): void;
}

export interface LogFileOptions {
  /** Bytes beyond which the file is moved away and another one begun (default 0: never). */
  readonly sizeLimit?: number;
  /** Files that are kept, the one at hand included (default 0: all). */
  readonly filesMax?: number;
}

const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants;
const STANDARD_ERROR = 2;
const STAMP = /^\d{4}(?:\.\d\d){5}\.\d{1,9}$/;

/** Appends to the file, which is made (mode 0640) when it is not there. Throws when it cannot be opened. */
export function openLogFile(
  path: string,
  trouble: LogTrouble,
  options: LogFileOptions = {},
): LogSink {
  return new FileLog(path, trouble, options);
}

/** Standard error, if that is a file or a device and not somebody who reads; else undefined. */
export function standardErrorFile(trouble: LogTrouble): LogSink | undefined {
  try {
    const kind = fstatSync(STANDARD_ERROR);
    if (!kind.isFile() && !kind.isCharacterDevice()) return undefined;
  } catch {
    return undefined;
  }
  return new FileLog(undefined, trouble, {});
}

// A file is never waited for. A pipe that nobody reads must not hold up the server either.
function openToAppend(path: string): number {
  return openSync(path, O_APPEND | O_CREAT | O_WRONLY | (O_NONBLOCK ?? 0), 0o640);
}

class FileLog implements LogSink {
  rotated: ((text: string) => void) | undefined;
  readonly #path: string | undefined;
  readonly #trouble: LogTrouble;
  readonly #sizeLimit: number;
  readonly #filesMax: number;
  #file: number;
  #bytes: number;
  #lost = 0;
  #isTold = false;
  /** The last line ends in the middle. */
  #isTorn = false;
  #isRotating = false;

  /** @param path undefined for standard error, which stays */
  constructor(path: string | undefined, trouble: LogTrouble, options: LogFileOptions) {
    const { sizeLimit = 0, filesMax = 0 } = options;
    this.#path = path;
    this.#trouble = trouble;
    this.#sizeLimit = sizeLimit;
    this.#filesMax = filesMax;
    this.#file = path === undefined ? STANDARD_ERROR : openToAppend(path);
    this.#bytes = fstatSync(this.#file).size;
  }

  write(line: string): void {
    try {
      this.#writeAll(this.#isTorn ? `\n${line}` : line);
    } catch (error) {
      this.#lost += 1;
      if (this.#isTold) return;
      this.#isTold = true;
      this.#trouble.failed(error as Error);
      return;
    }
    const lost = this.#lost;
    this.#lost = 0;
    if (lost > 0) this.#trouble.resumed(lost);
    // What is said of a rotation must not bring about another one.
    if (this.#sizeLimit <= 0 || this.#bytes <= this.#sizeLimit || this.#isRotating) return;
    this.#isRotating = true;
    try {
      this.#rotate();
    } finally {
      this.#isRotating = false;
    }
  }

  reopen(): boolean {
    if (this.#path === undefined) return false;
    const next = openToAppend(this.#path);
    this.close();
    this.#file = next;
    this.#bytes = fstatSync(next).size;
    this.#isTold = false;
    this.#isTorn = false;
    return true;
  }

  close(): void {
    if (this.#path === undefined) return;
    try {
      closeSync(this.#file);
    } catch {
      // What was written late and is lost has been told by then, or nobody can be told.
    }
  }

  /** Throws the system's error. */
  #writeAll(text: string): void {
    const bytes = Buffer.from(text);
    let at = 0;
    try {
      while (at < bytes.length) at += writeSync(this.#file, bytes, at);
      this.#isTorn = false;
    } catch (error) {
      if (at > 0) this.#isTorn = true;
      throw error;
    } finally {
      this.#bytes += at;
    }
  }

  #rotate(): void {
    const path = this.#path as string;
    const backup = `${path}.${stamp()}`;
    let isMoved = false;
    try {
      isMoved = moveAway(path, backup);
      this.reopen();
    } catch {
      // The log goes on where it is, and tries again as much later.
      this.#bytes = 0;
    }
    if (!isMoved) return;
    this.rotated?.(`Rotated log, backup saved as ${JSON.stringify(backup)}`);
    if (this.#filesMax > 0) this.#purge(path);
  }

  /** The oldest go, by the time in their names. */
  #purge(path: string): void {
    const folder = dirname(path);
    const start = `${basename(path)}.`;
    try {
      const backups = readdirSync(folder)
        .filter((name) => name.startsWith(start) && STAMP.test(name.slice(start.length)))
        .sort();
      for (const name of backups.slice(0, Math.max(0, backups.length - this.#filesMax + 1))) {
        unlinkSync(join(folder, name));
        this.rotated?.(`Purged log file ${JSON.stringify(name)}`);
      }
    } catch {
      // What is left is purged the next time.
    }
  }
}

/** False: there is none, because somebody else has moved it away. Throws the system's error. */
function moveAway(path: string, backup: string): boolean {
  try {
    renameSync(path, backup);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** `2026.11.23.11.40.14.828921671`, local time. */
function stamp(): string {
  const now = performance.timeOrigin + performance.now();
  const date = new Date(now);
  const two = (value: number): string => String(value).padStart(2, '0');
  const nanos = Math.floor((now % 1000) * 1e6);
  const fields = [date.getMonth() + 1, date.getDate(), date.getHours(), date.getMinutes()];
  const day = [date.getFullYear(), ...fields.map(two), two(date.getSeconds())].join('.');
  return `${day}.${String(nanos).padStart(9, '0')}`;
}
