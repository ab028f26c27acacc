// Where log lines go: standard error, or a file that can be reopened after it was moved away. Lines are written
// at once, so that the last one before an end is there. What cannot be written (a full disk) is no reason to end: that
// is told once, the lines that are lost are counted, and once they are written again the log says how many there were.
import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';

export interface LogSink {
  /** Takes a whole line. Never throws. */
  write(line: string): void;
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

const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants;
const STANDARD_ERROR = 2;

/** Appends to the file, which is made (mode 0640) when it is not there. Throws when it cannot be opened. */
export function openLogFile(path: string, trouble: LogTrouble): LogSink {
  // A file is never waited for. A pipe that nobody reads must not hold up the server either.
  const flags = O_APPEND | O_CREAT | O_WRONLY | (O_NONBLOCK ?? 0);
  return new FileLog(() => openSync(path, flags, 0o640), trouble);
}

/** Standard error, if that is a file or a device and not somebody who reads; else undefined. */
export function standardErrorFile(trouble: LogTrouble): LogSink | undefined {
  try {
    const kind = fstatSync(STANDARD_ERROR);
    if (!kind.isFile() && !kind.isCharacterDevice()) return undefined;
  } catch {
    return undefined;
  }
  return new FileLog(undefined, trouble);
}

class FileLog implements LogSink {
  readonly #open: (() => number) | undefined;
  readonly #trouble: LogTrouble;
  #file: number;
  #lost = 0;
  #isTold = false;
  /** The last line ends in the middle. */
  #isTorn = false;

  /** @param open opens it again; undefined for standard error, which stays */
  constructor(open: (() => number) | undefined, trouble: LogTrouble) {
    this.#open = open;
    this.#trouble = trouble;
    this.#file = open === undefined ? STANDARD_ERROR : open();
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
  }

  reopen(): boolean {
    if (this.#open === undefined) return false;
    const next = this.#open();
    this.close();
    this.#file = next;
    this.#isTold = false;
    this.#isTorn = false;
    return true;
  }

  close(): void {
    if (this.#open === undefined) return;
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
    }
  }
}
