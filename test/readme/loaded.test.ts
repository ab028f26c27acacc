// What the doors of the built package load when they are opened, by what their files import.
import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { ROOT } from './markdown.ts';
import { buildPackage } from './program.ts';

beforeAll(buildPackage, 120_000);

/** At once: what is loaded later stands within something. */
const IMPORT =
  /^(?:import\b[^"'\n]*|(?:const|let) [^=\n]+ = (?:require_rolldown_runtime\.\w+\()?require\()["']([^"']+)["']/gm;

/** Modules of Node, and files of ours. */
function loadedWith(name: string, all: Set<string> = new Set()): Set<string> {
  if (all.has(name)) return all;
  all.add(name);
  const text = readFileSync(`${ROOT}dist/${name}`, 'utf8');
  for (const [, path = ''] of text.matchAll(IMPORT)) {
    if (path.startsWith('./')) loadedWith(path.slice(2), all);
    else all.add(path);
  }
  return all;
}

test.each(['mjs', 'cjs'])(
  'streams in memory load nothing that reaches files, nor a server (%s)',
  (kind) => {
    const loaded = [...loadedWith(`jetstream.${kind}`)];
    // It is read what they load.
    expect(loaded.some((name) => name.startsWith('bus-'))).toBe(true);
    expect(
      loaded.filter((name) => /^(node:)?(fs|net|zlib|dns|path|stream|http)\b/.test(name)),
    ).toEqual([]);
    expect(loaded.filter((name) => name.startsWith('server'))).toEqual([]);
  },
);

test('what stores on disk loads nothing of a server', () => {
  const [, open = ''] =
    /import\("\.\/(open-[^"]+)"\)/.exec(textOf(loadedWith('jetstream.mjs'))) ?? [];
  const loaded = [...loadedWith(open)];
  expect(loaded).toContain('node:fs');
  expect(loaded.filter((name) => name.startsWith('server'))).toEqual([]);
});

function textOf(names: ReadonlySet<string>): string {
  const own = [...names].filter((name) => name.endsWith('.mjs'));
  return own.map((name) => readFileSync(`${ROOT}dist/${name}`, 'utf8')).join('\n');
}
