// The tables of keys: complete beside the original's source, each name read where it stands, each with a value that
// fits and with one that does not.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ReadConfig, readConfig } from '../../src/config/read.ts';
import { ConfigError } from '../../src/config/value.ts';
import { REFERENCE_VERSION } from '../reference.ts';
import { BLOCKS, CANDIDATES, keysOf } from './blocks.ts';

function read(text: string): ReadConfig {
  return readConfig(
    'f',
    () => undefined,
    () => text,
  );
}

/** What is wrong with the text, without the place of each. */
function problems(text: string): string[] {
  try {
    read(text);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => problem.replace('f:', ''));
  }
}

/** The names in the `case`s of a function of the original. */
function casesOf(source: string, reader: string): Set<string> {
  const start = source.indexOf(reader);
  const end = source.indexOf(reader.startsWith('for') ? '\n\t\t\t\t}\n' : '\n}\n', start);
  const names = new Set<string>();
  for (const [, list = ''] of source.slice(start, end).matchAll(/^\t+case ("[^:]*):/gm)) {
    for (const [, name = ''] of list.matchAll(/"([^"]*)"/g)) names.add(name);
  }
  return names;
}

/** Where Go keeps the original's source, if it does. */
function sourceFolder(): string | undefined {
  const { stdout } = spawnSync('go', ['env', 'GOMODCACHE'], { encoding: 'utf8' });
  const module = `github.com/nats-io/nats-server/v2@v${REFERENCE_VERSION}/server`;
  const path = join(stdout?.trim() || '/nowhere', module);
  return existsSync(path) ? path : undefined;
}

const source = sourceFolder();
const reason = source === undefined ? ' (its source was not found)' : '';
describe.skipIf(source === undefined)(`beside the source of nats-server${reason}`, () => {
  const texts = ['opts.go', 'ocsp_peer.go', 'ocsp_responsecache.go'];
  const text =
    source === undefined
      ? ''
      : texts.map((name) => readFileSync(join(source, name), 'utf8')).join('\n');

  test.each(BLOCKS.map((block) => [block.title, block] as const))(
    'the keys of %s are the same',
    (_title, { table, reader, otherWords = [] }) => {
      expect(text).toContain(reader);
      const ours = keysOf(table).flatMap(({ names }) => names);
      const theirs = [...casesOf(text, reader)].filter((name) => !otherWords.includes(name));
      const shared = ours.filter((name) => !otherWords.includes(name));
      expect(shared.toSorted()).toEqual(theirs.toSorted());
      expect(new Set(ours).size).toBe(ours.length);
    },
  );

  test('every function that reads keys has its table', () => {
    const readers = [...text.matchAll(/^func (?:\(o \*Options\) )?(parse\w+|process\w+)\(/gm)]
      .filter(([start]) => casesOf(text, start).size > 0)
      .map(([, name]) => name ?? '');
    const known = BLOCKS.map(({ reader }) => /(\w+)\($/.exec(reader)?.[1] ?? '');
    // Those of words that are values.
    const values = ['parseWriteDeadlinePolicy'];
    expect(readers.filter((name) => !known.includes(name) && !values.includes(name))).toEqual([]);
  });
});

describe.each(BLOCKS.map((block) => [block.title, block] as const))('%s', (_title, block) => {
  test('knows no other key, and says where it stands', () => {
    expect(problems(block.wrap('nothing_of_ours: 1')).join('\n')).toMatch(
      /^1:\d+: .*nothing_of_ours/m,
    );
  });

  test.each(keysOf(block.table).map((key) => [key.names[0] ?? '', key] as const))(
    '%s is read in any case and has values that fit and some that do not',
    (_name, { names, about }) => {
      expect(about).toMatch(/^[^ ].*\.$/);
      const [name = '', ...aliases] = names;
      for (const alias of aliases) {
        const found = problems(block.wrap(`${alias.toUpperCase()}: "2s"`)).join('\n');
        expect(found).not.toMatch(/unknown field|is not supported for proxy/i);
      }
      const found = CANDIDATES.map((value) => {
        const list = problems(block.wrap(`${name.toUpperCase()}: ${value}`));
        return list.filter((problem) => !LACKS.test(problem));
      });
      const fits = found.filter((list) => list.length === 0).length;
      expect(fits > 0 || takesNone.has(name), `${name} takes nothing`).toBe(true);
      expect(fits < found.length || takesAll.has(name), `${name} takes all`).toBe(true);
    },
  );
});

/** What is missing beside the key, which is another matter. */
const LACKS =
  /requires|require |Expect an account|Missing weight|missing '|must both be|no such file|Nkey users do not/;
/** Keys that no value fits here, in the original neither: of Windows' stores. */
const takesNone: ReadonlySet<string> = new Set(['cert_store', 'cert_match_by', 'cert_match']);
/** Keys whose value is never wrong in the original either. */
const takesAll: ReadonlySet<string> = new Set(['consumer_replicas', 'accounts']);
