// Where log lines go: standard error, or a file that can be reopened after it was moved away, and that is moved away
// when it has grown. Lines are written at once, so that the last one before an end is there.
// Source: nats-server 2.15.3, logger/log.go, fileLogger.
import {
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

export interface LogSink {
  /** Takes a whole line. */
  write(line: string): void;
  /** Is told, in a line for the log, that the file was moved away. */
  rotated: ((text: string) => void) | undefined;
  /** Opens the file again under its name; false when there is none. Throws when it cannot be opened. */
  reopen(): boolean;
  close(): void;
}

export interface LogFileOptions {
  /** Bytes beyond which the file is moved away and another one begun (default 0: never). */
  readonly sizeLimit?: number;
  /** Files that are kept, the one at hand included (default 0: all). */
  readonly filesMax?: number;
}

/** Appends to the file, which is made (mode 0640) when it is not there. Throws when it cannot be opened. */
export function openLogFile(path: string, options: LogFileOptions = {}): LogSink {
  return new LogFile(path, options);
}

class LogFile implements LogSink {
  rotated: ((text: string) => void) | undefined;
  readonly #path: string;
  readonly #sizeLimit: number;
  readonly #filesMax: number;
  #file: number;
  #bytes: number;
  #isRotating = false;

  constructor(path: string, { sizeLimit = 0, filesMax = 0 }: LogFileOptions) {
    this.#path = path;
    this.#sizeLimit = sizeLimit;
    this.#filesMax = filesMax;
    this.#file = openSync(path, 'a', 0o640);
    this.#bytes = fstatSync(this.#file).size;
  }

  write(line: string): void {
    this.#bytes += writeSync(this.#file, line);
    // What is said of a rotation must not bring about another one.
    if (this.#sizeLimit <= 0 || this.#bytes <= this.#sizeLimit || this.#isRotating) return;
    this.#isRotating = true;
    this.#rotate();
    this.#isRotating = false;
  }

  reopen(): boolean {
    const next = openSync(this.#path, 'a', 0o640);
    closeSync(this.#file);
    this.#file = next;
    this.#bytes = fstatSync(next).size;
    return true;
  }

  close(): void {
    closeSync(this.#file);
  }

  #rotate(): void {
    const backup = `${this.#path}.${stamp()}`;
    try {
      renameSync(this.#path, backup);
      this.reopen();
    } catch {
      // The log goes on where it is, and tries again as much later.
      this.#bytes = 0;
      return;
    }
    this.rotated?.(`Rotated log, backup saved as ${JSON.stringify(backup)}`);
    if (this.#filesMax > 0) this.#purge();
  }

  /** The oldest go, by the time in their names. */
  #purge(): void {
    const folder = dirname(this.#path);
    const start = `${basename(this.#path)}.`;
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

const STAMP = /^\d{4}(?:\.\d\d){5}\.\d{1,9}$/;

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
