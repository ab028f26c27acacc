// The files a bench leaves in bench/results/.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { ROOT } from './root.ts';

/** Writes `result` as bench/results/NAME.json and returns the path relative to the repository. */
export function writeResult(name: string, result: object): string {
  const path = join(ROOT, 'bench', 'results', `${name}.json`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, formatResult(result));
  return relative(ROOT, path);
}

/** JSON with a line for each property, and for each element of a list: a case is a line. */
function formatResult(result: object): string {
  const properties = Object.entries(result).map(([name, value]) => {
    const text = Array.isArray(value)
      ? `[\n${value.map((element) => `    ${JSON.stringify(element)}`).join(',\n')}\n  ]`
      : JSON.stringify(value);
    return `  ${JSON.stringify(name)}: ${text}`;
  });
  return `{\n${properties.join(',\n')}\n}\n`;
}
