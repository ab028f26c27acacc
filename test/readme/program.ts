// Runs a program as a user of the package would: a file inside the repository, so that `ganglion` is the built
// package and the official clients are found, in a process of its own that has to end by itself.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './markdown.ts';

export interface Outcome {
  /** Exit status, or the signal that ended it. */
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that has not ended by then never will. */
const DEADLINE_MS = 30_000;

/** Makes dist/; costs little when it is fresh. Throws when the build fails. */
export function buildPackage(): void {
  for (const script of [
    'scripts/build-wasm.mjs',
    'scripts/build-worker.mjs',
    'scripts/build-dist.mjs',
  ]) {
    const { status, stderr } = spawnSync(process.execPath, [script], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${script} failed\n${stderr}`);
  }
}

/** Runs a file, with flags of Node before it. */
export function runFile(path: string, flags: readonly string[] = []): Promise<Outcome> {
  const child = spawn(process.execPath, [...flags, path], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
    // The runner of node:test prints otherwise when it is a child of another one.
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, NO_COLOR: '1' },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ status: code ?? signal ?? '', stdout, stderr }));
  });
}

/** Runs a text as an ES module. */
export async function runText(text: string): Promise<Outcome> {
  mkdirSync(join(ROOT, 'build'), { recursive: true });
  const folder = mkdtempSync(join(ROOT, 'build/readme-'));
  try {
    const path = join(folder, 'program.mjs');
    writeFileSync(path, text);
    return await runFile(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
