// What a result must carry so that it can be judged later: the commit, the machine and the versions.

import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { ROOT } from './root.ts';

/** Where and with what a bench ran. */
export interface Environment {
  readonly date: string;
  readonly commit: string;
  /** Files differed from the commit. */
  readonly dirty: boolean;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly os: string;
  readonly node: string;
  readonly v8: string;
  /** Load averages over 1, 5 and 15 minutes before the first round. */
  readonly loadAverages: readonly number[];
}

/** Reads the environment now. */
export function readEnvironment(): Environment {
  return {
    date: new Date().toISOString(),
    commit: firstLine('git', ['-C', ROOT, 'rev-parse', 'HEAD']) ?? 'unknown',
    dirty: (firstLine('git', ['-C', ROOT, 'status', '--porcelain']) ?? '') !== '',
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${type()} ${release()}`,
    node: process.version,
    v8: process.versions.v8,
    loadAverages: loadavg().map((load) => Math.round(load * 100) / 100),
  };
}

/** The first line a command prints, or undefined when it fails. */
export function firstLine(command: string, words: readonly string[]): string | undefined {
  try {
    const output = execFileSync(command, words, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 10_000,
    });
    return output.split('\n')[0]?.trim();
  } catch {
    return undefined;
  }
}
