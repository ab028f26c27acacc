// Matchers: `ganglion/sublist` beside qlobber, and beside a Map of sets where there are no wildcards.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../shared/root.ts';

const load = createRequire(import.meta.url);

export interface Matcher {
  readonly name: string;
  readonly isOurs: boolean;
  readonly hasWildcards: boolean;
  /** Adds a filter; the answer removes it again. */
  insert(filter: string): unknown;
  remove(filter: string, inserted: unknown): void;
  /** How many filters match, each named in an array of its own. */
  match(subject: string): number;
  /** The same into an array that is used again, where there is such a way. */
  readonly matchInto?: (subject: string) => number;
  readonly has?: (subject: string) => boolean;
  /** Bytes outside the heap of V8 that it says it occupies. */
  readonly ownBytes: () => number;
}

interface Sublist {
  readonly bytes: number;
  insert(filter: string): number;
  remove(id: number): boolean;
  match(subject: string): number[];
  matchInto(subject: string, target: Uint32Array): number;
  has(subject: string): boolean;
}

interface QlobberMatcher {
  add(filter: string, value: number): unknown;
  remove(filter: string, value: number): unknown;
  match(subject: string): readonly number[];
  test(subject: string, value: number): boolean;
}

interface QlobberOptions {
  readonly separator: string;
  readonly wildcard_one: string;
  readonly wildcard_some: string;
}

/** All of them, each a function that makes one. Throws when the package has not been built. */
export async function loadMatchers(): Promise<readonly (() => Matcher)[]> {
  const path = join(ROOT, 'dist', 'sublist.mjs');
  if (!existsSync(path)) throw new Error(`${path} is missing: run "npm run build" first`);
  const door = (await import(pathToFileURL(path).href)) as { readonly Sublist: new () => Sublist };
  return [() => sublist(new door.Sublist()), qlobber, mapOfSets];
}

function sublist(list: Sublist): Matcher {
  const target = new Uint32Array(64);
  const atFirst = list.bytes;
  return {
    name: 'ganglion/sublist',
    isOurs: true,
    hasWildcards: true,
    insert: (filter) => list.insert(filter),
    remove: (_, id) => void list.remove(id as number),
    match: (subject) => list.match(subject).length,
    matchInto: (subject) => list.matchInto(subject, target),
    has: (subject) => list.has(subject),
    ownBytes: () => list.bytes - atFirst,
  };
}

function qlobber(): Matcher {
  const { Qlobber } = load('qlobber') as {
    readonly Qlobber: new (options: QlobberOptions) => QlobberMatcher;
  };
  const matcher = new Qlobber({ separator: '.', wildcard_one: '*', wildcard_some: '>' });
  let value = 0;
  return {
    name: 'qlobber',
    isOurs: false,
    hasWildcards: true,
    insert: (filter) => {
      value += 1;
      matcher.add(filter, value);
      return value;
    },
    remove: (filter, inserted) => void matcher.remove(filter, inserted as number),
    match: (subject) => matcher.match(subject).length,
    ownBytes: () => 0,
  };
}

function mapOfSets(): Matcher {
  const sets = new Map<string, Set<number>>();
  let value = 0;
  return {
    name: 'Map of sets',
    isOurs: false,
    hasWildcards: false,
    insert: (filter) => {
      value += 1;
      const set = sets.get(filter);
      if (set === undefined) sets.set(filter, new Set([value]));
      else set.add(value);
      return value;
    },
    remove: (filter, inserted) => {
      const set = sets.get(filter);
      if (set?.delete(inserted as number) === true && set.size === 0) sets.delete(filter);
    },
    match: (subject) => [...(sets.get(subject) ?? [])].length,
    has: (subject) => sets.has(subject),
    ownBytes: () => 0,
  };
}
