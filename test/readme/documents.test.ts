// What can be checked of the documents: links and paths lead somewhere, tables say what the code says.
import { existsSync, readdirSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FLAGS } from '../../src/cli/options.ts';
import { DEFAULT_LIMITS } from '../../src/shared/limits.ts';
import { LAYERS } from '../tidy/layers.ts';
import { listFiles } from '../tidy/source.ts';
import {
  anchorOf,
  headings,
  type LocalLink,
  localLinks,
  namedFiles,
  namedPaths,
  ROOT,
  readDocument,
  tableRows,
} from './markdown.ts';

const README_LINES_MAX = 325;
const MAP_LINES_MAX = 250;
const PAGE_LINES_MAX = 200;
const pagesIn = (folder: string): string[] =>
  readdirSync(ROOT + folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`);
const decisions = pagesIn('docs/decisions');
const documents = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'bench/README.md',
  'test/jetstream/DIVERGENCES.md',
  ...pagesIn('docs'),
  ...decisions,
];
const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  s: 1000,
  min: 60_000,
};

describe.each(documents)('%s', (document) => {
  const text = readDocument(document);

  it('links to files and headings that exist', () => {
    expect(localLinks(text).filter((link) => !leadsSomewhere(document, link))).toEqual([]);
  });

  it('names files that exist', () => {
    // Made by a build, so absent from a fresh checkout.
    const made = [
      'src/core/program.generated.ts',
      'src/core/whole.generated.ts',
      'src/server/bcrypt-worker.generated.ts',
      'bench/results/',
    ];
    const paths = namedPaths(text).filter((path) => !made.includes(path));
    expect(paths.filter((path) => !existsSync(ROOT + path))).toEqual([]);
    const files = listFiles().concat(made);
    const isThere = (name: string): boolean =>
      files.some((path) => `/${path}`.endsWith(`/${name}`));
    expect(namedFiles(text).filter((name) => !isThere(name))).toEqual([]);
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
  it('is short enough to be a map', () => {
    const lineCount = readDocument('ARCHITECTURE.md').split('\n').length - 1;
    expect(lineCount).toBeLessThanOrEqual(MAP_LINES_MAX);
  });

  it('leads to every page of decisions', () => {
    const linked = localLinks(readDocument('ARCHITECTURE.md')).map(({ path }) => path);
    expect(decisions.filter((page) => !linked.includes(page))).toEqual([]);
  });

  it('has the table of imports that the tidy test holds', () => {
    const modules = LAYERS.map(({ module }) => module).filter(isThere);
    const rows = tableRows(readDocument('ARCHITECTURE.md'));
    const shown = rows.filter(([module]) => modules.includes(module ?? ''));
    expect(Object.fromEntries(shown)).toEqual(
      Object.fromEntries(LAYERS.filter(({ module }) => isThere(module)).map(rowOf)),
    );
  });
});

describe('docs/decisions/', () => {
  it.each(decisions)('%s is a short page', (page) => {
    expect(readDocument(page).split('\n').length - 1).toBeLessThanOrEqual(PAGE_LINES_MAX);
  });
});

describe('what the checks look for', () => {
  it('a link to a heading is resolved as GitHub resolves it', () => {
    const text = "# A\n\n```\n# b\n```\n## It is `serve`, and the peer's own\n";
    expect(headings(text).map(anchorOf)).toEqual(['a', 'it-is-serve-and-the-peers-own']);
    expect(headings(text, 2)).toHaveLength(1);
    expect(localLinks('[x](a/b.md#c) [y](#d) [z](https://e#f)')).toEqual([
      { path: 'a/b.md', anchor: 'c' },
      { path: '', anchor: 'd' },
    ]);
  });

  it('a link that leads nowhere is seen', () => {
    const from = 'docs/decisions/flow.md';
    const there = { path: '../../README.md', anchor: 'limits' };
    expect(leadsSomewhere(from, there)).toBe(true);
    expect(leadsSomewhere(from, { ...there, anchor: 'limit' })).toBe(false);
    expect(leadsSomewhere(from, { ...there, path: 'README.md' })).toBe(false);
  });

  it('a file is seen where a drawing or a sentence names it', () => {
    const text = '│ a.ts: x (b/c-d.ts), `src/e.ts`. Not *.ts, nor f.tsx';
    expect(namedFiles(text)).toEqual(['a.ts', 'b/c-d.ts', 'src/e.ts']);
  });
});

function leadsSomewhere(document: string, { path, anchor }: LocalLink): boolean {
  const target = path === '' ? document : posix.join(posix.dirname(document), path);
  if (!existsSync(ROOT + target)) return false;
  return anchor === '' || headings(readDocument(target)).map(anchorOf).includes(anchor);
}

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
