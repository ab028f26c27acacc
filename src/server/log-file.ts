// Where log lines go: standard error, or a file that can be reopened after it was moved away. Lines are written
// at once, so that the last one before an end is there.
import { closeSync, openSync, writeSync } from 'node:fs';

export interface LogSink {
  /** Takes a whole line. */
  write(line: string): void;
  /** Opens the file again under its name; false when there is none. Throws when it cannot be opened. */
  reopen(): boolean;
  close(): void;
}

/** Appends to the file, which is made (mode 0640) when it is not there. Throws when it cannot be opened. */
export function openLogFile(path: string): LogSink {
  const open = (): number => openSync(path, 'a', 0o640);
  let file = open();
  return {
    write: (line) => void writeSync(file, line),
    reopen: () => {
      const next = open();
      closeSync(file);
      file = next;
      return true;
    },
    close: () => closeSync(file),
  };
}
