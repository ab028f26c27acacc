// Runs a program of an official client that asks for restarts of its server: it says `-- restart`, and goes on when it is
// told, by a line, that this has been done.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, startChild } from './child.ts';
import { repositoryDir } from './paths.ts';
import type { Restart, StoredServer } from './stored-server.ts';

export interface Run {
  readonly code: number | null;
  readonly output: string;
  readonly restarts: number;
}

const RUN_MS = 120_000;
/** What is said of a clock. */
const TIMES = /\d{4}-\d\d-\d\dT[\d:.]+Z/g;

export async function runRestarting(
  command: string,
  args: readonly string[],
  server: StoredServer,
  how: Restart,
): Promise<Run> {
  let restarts = 0;
  let failure: unknown;
  const env = { STORAGE: 'file', RESTART: '1', PYTHONDONTWRITEBYTECODE: '1' };
  const child: Child = startChild(command, [...args, server.url], { env }, (line) => {
    if (line !== '-- restart') return;
    restarts++;
    server.restart(how).then(
      () => child.stdin.write('\n'),
      (error: unknown) => {
        failure = error;
        child.signal('SIGKILL');
      },
    );
  });
  const timer = setTimeout(() => child.signal('SIGKILL'), RUN_MS);
  const { code } = await child.exited;
  clearTimeout(timer);
  if (failure !== undefined) throw failure;
  return { code, output: child.output().replace(TIMES, 'TIME'), restarts };
}

/** A text as a module that finds what the repository has; calls `use` with its path. */
export async function withModule<T>(text: string, use: (path: string) => Promise<T>): Promise<T> {
  mkdirSync(join(repositoryDir, 'build'), { recursive: true });
  const folder = mkdtempSync(join(repositoryDir, 'build', 'restarting-'));
  try {
    const path = join(folder, 'program.mjs');
    writeFileSync(path, text);
    return await use(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
