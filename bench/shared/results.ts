// The files a bench leaves in bench/results/.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { ROOT } from './root.ts';

/** Writes `result` as bench/results/NAME.json and returns the path relative to the repository. */
export function writeResult(name: string, result: object): string {
  const path = join(ROOT, 'bench', 'results', `${name}.json`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`);
  return relative(ROOT, path);
}
