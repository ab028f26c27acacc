// What each test of a file has to itself: a folder, and a list of what is to be ended behind it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';

export interface Scratch {
  /** There while a test runs. */
  readonly folder: string;
  /** Called behind the test, the last one first. */
  readonly ends: (() => unknown)[];
  /** Writes a file there, and returns its path. */
  write(text: string, name?: string): string;
}

/** For the tests of a file; to be called when it is read. */
export function useScratch(title: string): Scratch {
  let folder = '';
  const ends: (() => unknown)[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), `ganglion-${title}-`));
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    get folder() {
      return folder;
    },
    ends,
    write: (text, name = 'server.conf') => {
      const file = join(folder, name);
      writeFileSync(file, text);
      return file;
    },
  };
}
