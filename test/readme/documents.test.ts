// What can be checked of the documents: links and paths lead somewhere, tables say what the code says.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FLAGS } from '../../src/cli/options.ts';
import { DEFAULT_LIMITS } from '../../src/shared/limits.ts';
import { LAYERS } from '../tidy/layers.ts';
import { localLinks, namedPaths, ROOT, readDocument, tableRows } from './markdown.ts';

const README_LINES_MAX = 270;
const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'bench/README.md'];
const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  s: 1000,
  min: 60_000,
};

describe.each(documents)('%s', (document) => {
  it('links to files that exist', () => {
    const links = localLinks(readDocument(document));
    const missing = links.filter((link) => !existsSync(join(ROOT, dirname(document), link)));
    expect(missing).toEqual([]);
  });

  it('names files that exist', () => {
    // Made by a build, so absent from a fresh checkout.
    const made = ['src/core/wasm.generated.ts', 'bench/results/'];
    const paths = namedPaths(readDocument(document)).filter((path) => !made.includes(path));
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});

describe('README.md', () => {
  it('is short enough to be read', () => {
    expect(readDocument('README.md').split('\n').length).toBeLessThanOrEqual(README_LINES_MAX);
  });

  it('has every limit with its default', () => {
    const rows = tableRows(readDocument('README.md')).map(([name, value]) => [name, value]);
    const shown = rows.filter(([name]) => name !== undefined && name in DEFAULT_LIMITS);
    const values = shown.map(([name, value]) => [name, numberOf(value ?? '')]);
    expect(Object.fromEntries(values)).toEqual(DEFAULT_LIMITS);
  });

  it('names only flags that there are', () => {
    const spellings = FLAGS.flatMap((flag) => flag.spellings);
    const lines = readDocument('README.md').matchAll(/`ganglion( -[^`]*)`/g);
    const named = [...lines].flatMap(([, flags]) => [...(flags ?? '').matchAll(/ --?([\w]+)/g)]);
    expect(named.map((match) => match[1]).filter((flag) => !spellings.includes(flag!))).toEqual([]);
  });
});

describe('ARCHITECTURE.md', () => {
  it('has the table of imports that the tidy test holds', () => {
    const modules = LAYERS.map(({ module }) => module).filter(isThere);
    const rows = tableRows(readDocument('ARCHITECTURE.md'));
    const shown = rows.filter(([module]) => modules.includes(module ?? ''));
    expect(Object.fromEntries(shown)).toEqual(
      Object.fromEntries(LAYERS.filter(({ module }) => isThere(module)).map(rowOf)),
    );
  });
});

function isThere(module: string): boolean {
  return existsSync(ROOT + module);
}

function rowOf({ module, uses, typesOfAll, packages = [] }: (typeof LAYERS)[number]): string[] {
  const parts = [...uses.filter(isThere), ...packages.filter(isInstalled)];
  if (typesOfAll === true) parts.push('types of all of src/');
  return [module, parts.join(', ') || 'nothing of ours'];
}

/** The table of layers also names packages that are not in use yet. */
function isInstalled(name: string): boolean {
  const { dependencies = {}, devDependencies = {} } = JSON.parse(readDocument('package.json'));
  return name in dependencies || name in devDependencies;
}

/** `64 MiB`, `2 min`, `65,536`, `none` (a count without limit). */
function numberOf(text: string): number {
  if (text === 'none') return 0;
  const [, digits, unit] = /^([\d,.]+) ?(\w*)$/.exec(text) ?? [];
  return Number(digits?.replaceAll(',', '')) * (UNITS[unit ?? ''] ?? Number.NaN);
}
