// Subject transforms: what a filter matches is made into another subject, by wildcards and functions of its tokens.
//
//   orders.*.>  →  {{wildcard(1)}}.{{partition(4,1)}}.>        orders.eu.new.7  →  eu.2.new.7
//
// Subjects have a character for each byte, so that lengths and hashes are those of their bytes.
// Source: nats-server 2.15.3, server/subject_transform.go; server/sublist.go, ValidateMapping.
import { sequenceLength } from './utf8.ts';

/** The transform cannot be; the message is the original's. */
export class TransformMistake extends Error {
  override readonly name: string = 'TransformMistake';
}

/** A token of the destination: as it is, or made of tokens of the source; undefined: it would be of too many bytes of it. */
type Part = (tokens: readonly string[], subject: string) => string | undefined;

const INVALID = 'invalid mapping destination';
const INVALID_SUBJECT = 'invalid subject';
const TOO_FEW = `${INVALID}: not enough arguments passed to the function`;
const TOO_MANY = `${INVALID}: too many arguments passed to the function`;
const WRONG = `${INVALID}: function argument is invalid or in the wrong format`;
const OUT_OF_RANGE = `${INVALID}: wildcard index out of range`;
const UNKNOWN = `${INVALID}: unknown function`;
const NOT_FOR_IMPORTS = `${INVALID}: the only mapping function allowed for import transforms is {{Wildcard()}}`;
const NOT_ALL_WILDCARDS = `${INVALID}: not using all of the token wildcard(s)`;
const NOT_HERE = `${INVALID}: function is not available in this context`;

/** Bytes of a source, of a destination, of what is made and is hashed: a few could ask for megabytes of each message. */
const BYTES_MAX = 4096;
const INT32_MAX = 0x7fffffff;
const INT64_MAX = 2n ** 63n - 1n;

/** Those of one token and a number, from 1 on and below the length of the token; of other numbers the token stays. */
const OF_TOKEN: Readonly<Record<string, (token: string, count: number) => string>> = {
  splitFromLeft: (token, count) => parted(token, count),
  splitFromRight: (token, count) => parted(token, token.length - count),
  sliceFromLeft: (token, count) => sliced(token, count, count),
  sliceFromRight: (token, count) => sliced(token, count, token.length % count || count),
  right: (token, count) => token.slice(-count),
  left: (token, count) => token.slice(0, count),
};

/** In the order in which the original looks for them. */
const NAMES = ['wildcard', 'partition', ...Object.keys(OF_TOKEN), 'split', 'random'];
const ACCOUNT_NAMES = ['account-hash', 'account-hash-import', 'account-hash-leaf-remote'] as const;

/** The first letter of each word of a name may be small or not. */
function matcherOf(name: string): RegExp {
  const letters = name.replace(/^[a-z]|[A-Z]|(?<=-)[a-z]/g, (letter) => {
    return `[${letter.toLowerCase()}${letter.toUpperCase()}]`;
  });
  return new RegExp(
    `\\{\\{[\\t\\n\\f\\r ]*${letters}[\\t\\n\\f\\r ]*\\(([^\\n]*)\\)[\\t\\n\\f\\r ]*\\}\\}`,
  );
}

const FUNCTIONS: ReadonlyMap<string, RegExp> = new Map(
  NAMES.map((name) => [name, matcherOf(name)]),
);
const ACCOUNT_FUNCTIONS: readonly RegExp[] = ACCOUNT_NAMES.map(matcherOf);

/** A number from 0 on and below that; of 0, 0. */
export type RandomBelow = (below: number) => number;

export class SubjectTransform {
  readonly #source: string;
  readonly #sourceTokens: readonly string[];
  readonly #destination: string;
  readonly #parts: readonly Part[];
  readonly #endsOpen: boolean;

  /** Texts with a character for each byte; no source is `>`. Throws TransformMistake. */
  constructor(source: string, destination: string, random: RandomBelow) {
    this.#source = source === '' ? '>' : source;
    this.#destination = destination;
    if (isBeyond(this.#source) || isBeyond(destination)) throw mistake();
    const from = subjectTokens(this.#source);
    const to = subjectTokens(destination);
    if (from === undefined || to === undefined || to.tokens.includes('*')) throw mistake();
    if (from.isOpen !== to.isOpen) throw mistake();
    this.#sourceTokens = from.tokens;
    const wildcards = from.tokens.flatMap((token, at) => (token === '*' ? [at] : []));
    const hasWildcards = wildcards.length > 0 || from.isOpen;
    this.#endsOpen = to.isOpen;
    const named = to.isOpen ? to.tokens.slice(0, -1) : to.tokens;
    this.#parts = named.map((token) => partOf(token, { wildcards, hasWildcards, random }));
  }

  /** What the subject becomes; undefined: it is not matched, is no subject of a message, or would take too much of it. */
  apply(subject: string): string | undefined {
    if (this.#source === '>' && this.#destination === '>') return subject;
    const tokens = subject.split('.');
    if (tokens.some((token) => token === '' || token === '*' || token === '>')) return undefined;
    if (!this.#matches(tokens)) return undefined;
    const made: string[] = [];
    let bytes = -1;
    for (const part of this.#parts) {
      const token = part(tokens, subject);
      if (token === undefined) return undefined;
      made.push(token);
      bytes += token.length + 1;
      if (bytes > BYTES_MAX) return undefined;
    }
    if (this.#endsOpen) made.push(...tokens.slice(this.#sourceTokens.length - 1));
    const text = made.join('.');
    return text.length > BYTES_MAX ? undefined : text;
  }

  #matches(tokens: readonly string[]): boolean {
    const wanted = this.#sourceTokens;
    for (const [at, want] of wanted.entries()) {
      const token = tokens[at];
      if (token === undefined) return false;
      if (want === '>') return true;
      if (want !== '*' && want !== token) return false;
    }
    return tokens.length === wanted.length;
  }
}

/** What is wrong with a destination before it is looked at beside its source. Throws TransformMistake. */
export function checkDestination(destination: string): void {
  if (destination === '') return;
  // Before anything looks for functions in it: that takes the square of its length.
  if (isBeyond(destination)) throw mistake();
  const tokens = destination.split('.');
  for (const [at, token] of tokens.entries()) {
    if (token === '' || tokens[at - 1] === '>') {
      throw mistake(token, `${INVALID}: invalid transform`);
    }
    if (isFunction(token)) {
      if (ACCOUNT_FUNCTIONS.some((matcher) => matcher.test(token))) throw mistake(token, NOT_HERE);
      const isKnown = [...FUNCTIONS.values()].some((matcher) => matcher.test(token));
      if (!isKnown) throw mistake(token, UNKNOWN);
    } else if (/[\t\n\f\r ]/.test(token)) {
      throw mistake('', `${INVALID}: invalid transform`);
    }
  }
}

/** Functions that stand for an account, and are put in where a subject is configured. */
export type AccountFunction = (typeof ACCOUNT_NAMES)[number];

/**
 * The subject with what those functions stand for; one that is known later stays. Throws TransformMistake for one that
 * is not to be had there.
 */
export function withAccountFunctions(
  subject: string,
  values: Readonly<Partial<Record<AccountFunction, string | 'later'>>>,
): string {
  if (!subject.includes('{{') || isBeyond(subject)) return subject;
  return subject
    .split('.')
    .map((token) => {
      const at = isFunction(token) ? ACCOUNT_FUNCTIONS.findIndex((each) => each.test(token)) : -1;
      if (at < 0) return token;
      const given = ACCOUNT_FUNCTIONS[at]?.exec(token)?.[1] ?? '';
      if (given.trim() !== '') throw mistake(token, TOO_MANY);
      const value = values[ACCOUNT_NAMES[at] as AccountFunction];
      if (value === undefined) throw mistake(token, NOT_HERE);
      return value === 'later' ? token : value;
    })
    .join('.');
}

/**
 * Whether that may be done to what an import takes, so that it can be undone: the tokens of all wildcards, and nothing
 * else of its source. Throws TransformMistake.
 */
export function checkImportTransform(source: string, destination: string): void {
  new SubjectTransform(source, destination, () => 0);
  let used = 0;
  for (const token of destination.split('.')) {
    if (/^\$[+-]?[0-9]+$/.test(token) || isWildcardFunction(token)) used += 1;
    else if (isFunction(token)) throw mistake(token, NOT_FOR_IMPORTS);
  }
  const wildcards = source.split('.').filter((token) => token === '*');
  if (used < wildcards.length) throw mistake(destination, NOT_ALL_WILDCARDS);
}

/** Wildcards as the numbers that stand for them, `a.*` as `a.$1`. */
export function withPlaceholders(subject: string): string {
  let count = 0;
  return mapTokens(subject, (token) => {
    if (token !== '*') return token;
    count += 1;
    return `$${count}`;
  });
}

/** And back. */
export function withoutPlaceholders(subject: string): string {
  return mapTokens(subject, (token) => {
    return /^\$[1-9]/.test(token) || isWildcardFunction(token) ? '*' : token;
  });
}

function isWildcardFunction(token: string): boolean {
  return isFunction(token) && (FUNCTIONS.get('wildcard')?.test(token) ?? false);
}

function mapTokens(subject: string, change: (token: string) => string): string {
  return subject.split('.').map(change).join('.');
}

/** It is more than a subject of this process can be. */
function isBeyond(text: string): boolean {
  return text.length > BYTES_MAX || text.includes('\0');
}

function subjectTokens(subject: string): { tokens: string[]; isOpen: boolean } | undefined {
  const tokens = subject.split('.');
  const open = tokens.indexOf('>');
  if (tokens.includes('') || (open !== -1 && open !== tokens.length - 1)) return undefined;
  return { tokens, isOpen: open !== -1 };
}

function isFunction(token: string): boolean {
  return token.length > 4 && token.startsWith('{{') && token.endsWith('}}');
}

interface Source {
  /** The places of its partial wildcards. */
  readonly wildcards: readonly number[];
  readonly hasWildcards: boolean;
  readonly random: RandomBelow;
}

function partOf(token: string, source: Source): Part {
  const literal = (): string => token;
  if (token.length > 1 && token.startsWith('$')) {
    const index = integer(token.slice(1));
    return index === undefined ? literal : wildcard(token, index, source);
  }
  if (!isFunction(token)) return literal;
  if (ACCOUNT_FUNCTIONS.some((matcher) => matcher.test(token))) throw mistake(token, NOT_HERE);
  for (const [name, matcher] of FUNCTIONS) {
    const list = matcher.exec(token)?.[1];
    if (list !== undefined) return functionOf(name, token, list.split(/,[\t\n\f\r ]*/), source);
  }
  throw mistake(token, UNKNOWN);
}

function functionOf(name: string, token: string, args: readonly string[], source: Source): Part {
  if (name === 'wildcard') {
    if (args.length > 1) throw mistake(token, TOO_MANY);
    if (args[0] === '') throw mistake(token, TOO_FEW);
    return wildcard(token, argument(token, args[0]), source);
  }
  if (name === 'partition') return partition(token, args, source);
  if (name === 'random') {
    if (args.length !== 1) throw mistake(token, TOO_FEW);
    const below = argument(token, args[0], INT32_MAX);
    return () => String(below === 0 ? 0 : source.random(Math.abs(below)));
  }
  if (args.length < 2) throw mistake(token, TOO_FEW);
  if (args.length > 2) throw mistake(token, TOO_MANY);
  const index = argument(token, args[0]);
  if (name === 'split') {
    const by = args[1] as string;
    if (/[ .]/.test(by)) throw mistake(token, WRONG);
    const place = placeOf(token, index, source);
    return (tokens) => split(tokens[place] as string, by);
  }
  const count = argument(token, args[1], INT32_MAX, -INT32_MAX - 1);
  const place = placeOf(token, index, source);
  const make = OF_TOKEN[name] as (token: string, count: number) => string;
  return (tokens) => {
    const from = tokens[place] as string;
    return isWithin(from, count) ? make(from, count) : from;
  };
}

function wildcard(token: string, index: number, source: Source): Part {
  const place = placeOf(token, index, source);
  return (tokens) => tokens[place] as string;
}

function partition(token: string, args: readonly string[], source: Source): Part {
  const [size, ...indexes] = args;
  const buckets = argument(token, size, INT32_MAX) >>> 0;
  const numbers = indexes.map((index) => argument(token, index));
  // Of a source without wildcards it is the whole subject that counts.
  const places = source.hasWildcards ? numbers.map((index) => placeOf(token, index, source)) : [];
  return (tokens, subject) => {
    if (buckets === 0) return '0';
    if (places.length === 0) return String(fnv1a(subject) % buckets);
    let key = '';
    for (const place of places) {
      key += tokens[place];
      if (key.length > BYTES_MAX) return undefined;
    }
    return String(fnv1a(key) % buckets);
  };
}

/** Where the wildcard of that number stands; what is below one is the first token, as with the original. */
function placeOf(token: string, index: number, { wildcards, hasWildcards }: Source): number {
  if (!hasWildcards) throw mistake(token, OUT_OF_RANGE);
  if (index > wildcards.length) throw mistake(`${token}: [${index}]`, OUT_OF_RANGE);
  return wildcards[index - 1] ?? 0;
}

function argument(token: string, text = '', most = Infinity, least = -Infinity): number {
  const value = integer(text.replace(/^ +| +$/g, ''));
  if (value === undefined || value > most || value < least) throw mistake(token, WRONG);
  return value;
}

function integer(text: string): number | undefined {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined;
  const value = BigInt(text.replace('+', ''));
  return value > INT64_MAX || value < -INT64_MAX - 1n ? undefined : Number(value);
}

function isWithin(token: string, count: number): boolean {
  return count > 0 && count < token.length;
}

function parted(token: string, at: number): string {
  return `${token.slice(0, at)}.${token.slice(at)}`;
}

/** Pieces of `size`; the first is of `first`. */
function sliced(token: string, size: number, first: number): string {
  const pieces = [token.slice(0, first)];
  for (let at = first; at < token.length; at += size) pieces.push(token.slice(at, at + size));
  return pieces.join('.');
}

/** Source: subject_transform.go, Split: an empty piece is left out, and what would stand before it with its dot. */
function split(token: string, by: string): string {
  const pieces = by === '' ? characters(token) : token.split(by);
  let made = '';
  for (const [at, piece] of pieces.entries()) {
    made += piece;
    const next = pieces[at + 1] ?? '';
    if (next !== '' && !(at === 0 && piece === '')) made += '.';
  }
  return made;
}

/** Bytes that are no UTF-8 are one each. */
function characters(token: string): string[] {
  const bytes = Uint8Array.from(token, (each) => each.charCodeAt(0));
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = (bytes[at] as number) < 0x80 ? 1 : sequenceLength(bytes, at);
    const end = at + Math.max(1, length);
    pieces.push(token.slice(at, end));
    at = end;
  }
  return pieces;
}

function fnv1a(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) {
    hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  }
  return hash >>> 0;
}

function mistake(token = '', text = INVALID_SUBJECT): TransformMistake {
  return new TransformMistake(token === '' ? text : `${text} in ${token}`);
}
