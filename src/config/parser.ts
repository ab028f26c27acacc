// From the items of a configuration file to its values. Includes are read at their place and variables put in where
// they are used: from the maps around the reference, then from the environment, whose text is parsed as a value.
// A file may come from anybody, so everything is bounded: bytes, files, depth, and the size of the values with all
// variables put in, which by naming each twice could grow without end.
// Source: nats-server 2.15.3, conf/parse.go.
import { decode, encode } from './cursor.ts';
import { DEPTH_MAX, Lexer } from './lexer.ts';
import { type Item, SyntaxMistake } from './scalars.ts';
import { ConfigError, type ConfigMap, type ConfigValue, type Place, wellFormed } from './value.ts';

/** Where texts come from. */
export interface Sources {
  /** The bytes of a file, one character each; throws an error whose message says why not. */
  readonly read: (path: string) => string;
  readonly environment: (name: string) => string | undefined;
}

/** Bytes of a file with all that it includes. A user with a password and ten permissions takes 300. */
export const BYTES_MAX: number = 16 * 1024 * 1024;
/** Files included within each other; the original's stack overflows at a cycle. */
export const INCLUDE_DEPTH_MAX = 64;
const INCLUDES_MAX = 10_000;
/** Units of `weigh`, for what is read and, on its own, for the result. */
const WEIGHT_MAX: number = 32 * 1024 * 1024;
/** A value beside its text, in bytes. */
const VALUE_WEIGHT = 16;

type Container = ConfigValue[] | Map<string, ConfigValue>;
type Mutable = { -readonly [K in keyof ConfigValue]: ConfigValue[K] };
/** What is given for a scalar. */
type Scalar =
  Exclude<ConfigValue, { kind: 'list' | 'map' }> extends infer T
    ? T extends { kind: infer K; value: infer V }
      ? { readonly kind: K; readonly value: V }
      : never
    : never;

/** What one reading of a configuration has used up. */
interface Budget {
  bytes: number;
  includes: number;
  weight: number;
  /** Paths that are being read, outermost first. */
  readonly files: string[];
  /** Weight of lists and maps with all that is in them. */
  readonly weights: WeakMap<Container | ConfigMap, number>;
  /** How deep lists and maps go. */
  readonly depths: WeakMap<Container | ConfigMap, number>;
}

/** Parses a file. Throws ConfigError with one problem, in the original's words. */
export function parseFile(path: string, sources: Sources): ConfigMap {
  const budget = {
    bytes: 0,
    includes: 0,
    weight: 0,
    files: [],
    weights: new WeakMap(),
    depths: new WeakMap(),
  };
  return parsePath(path, sources, budget);
}

function parsePath(path: string, sources: Sources, budget: Budget): ConfigMap {
  if (budget.files.includes(path)) {
    throw new ConfigError([`include cycle: ${[...budget.files, path].join(' includes ')}`]);
  }
  if (budget.files.length > INCLUDE_DEPTH_MAX) {
    throw new ConfigError([`files include each other more than ${INCLUDE_DEPTH_MAX} deep`]);
  }
  const bytes = sources.read(path);
  budget.bytes += bytes.length;
  if (budget.bytes > BYTES_MAX) throw tooLarge();
  budget.files.push(path);
  const { mapping } = new Parser(bytes, path, sources, budget, new Set());
  budget.files.pop();
  return mapping;
}

function tooLarge(): ConfigError {
  return new ConfigError([`configuration is larger than ${BYTES_MAX} bytes`]);
}

class Parser {
  readonly mapping: Map<string, ConfigValue> = new Map();
  readonly #file: string;
  readonly #sources: Sources;
  readonly #budget: Budget;
  /** Names that are being looked up in the environment. */
  readonly #lookups: Set<string>;
  readonly #contexts: Container[] = [this.mapping];
  /** Keys that wait for their value; one that gets none stays, as in the original. */
  readonly #keys: Item[] = [];

  constructor(bytes: string, file: string, sources: Sources, budget: Budget, lookups: Set<string>) {
    this.#file = file;
    this.#sources = sources;
    this.#budget = budget;
    this.#lookups = lookups;
    this.#parse(new Lexer(bytes));
  }

  #parse(lexer: Lexer): void {
    let before: Item | undefined;
    for (;;) {
      const item = next(lexer);
      if (item.kind === 'end') {
        // A closing brace alone is a key without a value, and is let pass.
        if (before?.kind !== 'key' || before.text === '}') return;
        throw new ConfigError([`config is invalid (${this.#file}:${item.line}:${item.column})`]);
      }
      before = item;
      this.#take(item);
    }
  }

  #take(item: Item): void {
    switch (item.kind) {
      case 'key':
        this.#keys.push(item);
        return;
      case 'mapStart':
      case 'arrayStart':
        this.#contexts.push(item.kind === 'mapStart' ? new Map() : []);
        return;
      case 'mapEnd':
      case 'arrayEnd':
        this.#close(item);
        return;
      case 'variable':
        this.#variable(item);
        return;
      case 'include':
        this.#include(decode(item.text));
        return;
      default: {
        const scalar = scalarOf(item);
        if (scalar !== undefined) this.#set(item, scalar);
      }
    }
  }

  #close(item: Item): void {
    const value = this.#contexts.pop() ?? [];
    if (Array.isArray(value)) this.#set(item, { kind: 'list', value });
    else this.#set(item, { kind: 'map', value });
  }

  #variable(item: Item): void {
    const name = decode(item.text);
    const found = this.#lookUp(name, item.line);
    if (found === undefined) {
      const text = `variable reference for '${wellFormed(name)}' on line ${item.line}`;
      throw new ConfigError([`${text} can not be found`]);
    }
    (found as Mutable).isVariable = true;
    this.#set(item, found);
  }

  #lookUp(name: string, line: number): ConfigValue | undefined {
    // A hash of bcrypt, which need not be quoted.
    if (name.startsWith('2a$')) {
      return { kind: 'string', value: `$${name}`, place: this.#place(0, 0), isVariable: false };
    }
    for (let i = this.#contexts.length - 1; i >= 0; i--) {
      const context = this.#contexts[i];
      const found = context instanceof Map ? context.get(name) : undefined;
      if (found !== undefined) return found;
    }
    try {
      return this.#fromEnvironment(name);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const text = `variable reference for '${wellFormed(name)}' on line ${line} could not be parsed: `;
      throw new ConfigError([text + error.problems[0]]);
    }
  }

  #fromEnvironment(name: string): ConfigValue | undefined {
    if (this.#lookups.has(name)) {
      throw new ConfigError([`variable reference cycle for '${name}'`]);
    }
    const text = this.#sources.environment(name);
    if (text === undefined) return undefined;
    if (this.#lookups.size >= INCLUDE_DEPTH_MAX) {
      throw new ConfigError([`variables refer to each other more than ${INCLUDE_DEPTH_MAX} deep`]);
    }
    this.#lookups.add(name);
    const bytes = encode(`pk=${text}`);
    this.#budget.bytes += bytes.length;
    if (this.#budget.bytes > BYTES_MAX) throw tooLarge();
    const parser = new Parser(bytes, '', this.#sources, this.#budget, this.#lookups);
    this.#lookups.delete(name);
    return parser.mapping.get('pk');
  }

  #include(name: string): void {
    this.#budget.includes++;
    try {
      if (this.#budget.includes > INCLUDES_MAX) {
        throw new ConfigError([`more than ${INCLUDES_MAX} files are included`]);
      }
      const path = joined(folderOf(this.#file), wellFormed(name));
      for (const [key, value] of parsePath(path, this.#sources, this.#budget)) {
        this.#keys.push({ kind: 'key', text: encode(key), ...value.place });
        this.#put(value, value.place);
      }
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      throw new ConfigError([
        `error parsing include file '${wellFormed(name)}', ${error.problems[0]}`,
      ]);
    }
  }

  /** The value of a key in a map, or one more in a list. */
  #set(
    item: Item,
    content:
      | ConfigValue
      | Scalar
      | { kind: 'list'; value: ConfigValue[] }
      | { kind: 'map'; value: ConfigMap },
  ): void {
    const value = {
      kind: content.kind,
      value: content.value,
      isVariable: false,
      place: this.#place(item.line, item.column),
    };
    this.#budget.weight += VALUE_WEIGHT + item.text.length;
    if (this.#budget.weight > WEIGHT_MAX) throw tooMuch();
    this.#put(value as ConfigValue, undefined);
  }

  #put(value: ConfigValue, place: Place | undefined): void {
    const context = this.#contexts.at(-1) ?? this.mapping;
    const { weights, depths } = this.#budget;
    const weight = (weights.get(context) ?? 0) + this.#weigh(value);
    if (weight > WEIGHT_MAX) throw tooMuch();
    weights.set(context, weight);
    const depth = Math.max(depths.get(context) ?? 0, 1 + this.#depthOf(value));
    if (depth > DEPTH_MAX + 1) throw tooMuch();
    depths.set(context, depth);
    if (Array.isArray(context)) {
      context.push(value);
      return;
    }
    const key = this.#keys.pop();
    if (key === undefined) return;
    (value as Mutable).place = place ?? this.#place(key.line, key.column);
    context.set(decode(key.text), value);
  }

  #weigh({ kind, value }: ConfigValue): number {
    if (kind === 'list' || kind === 'map') {
      return VALUE_WEIGHT + (this.#budget.weights.get(value as Container) ?? 0);
    }
    return VALUE_WEIGHT + (kind === 'string' ? value.length : 0);
  }

  /** Variables put whole trees in: brackets alone do not tell. */
  #depthOf({ kind, value }: ConfigValue): number {
    if (kind !== 'list' && kind !== 'map') return 0;
    return this.#budget.depths.get(value as Container) ?? 1;
  }

  #place(line: number, column: number): Place {
    return { file: this.#file, line, column };
  }
}

function tooMuch(): ConfigError {
  return new ConfigError(['configuration has too many values, with all variables put in']);
}

function next(lexer: Lexer): Item {
  try {
    return lexer.next();
  } catch (error) {
    if (!(error instanceof SyntaxMistake)) throw error;
    throw new ConfigError([`Parse error on line ${error.line}: '${wellFormed(error.message)}'`]);
  }
}

/** The value of an item; undefined for a number with a unit that there is not, which counts for nothing. */
function scalarOf({ kind, text }: Item): Scalar | undefined {
  switch (kind) {
    case 'boolean':
      return { kind, value: /^(?:true|yes|on)$/i.test(text) };
    case 'integer':
      return integer(text);
    case 'float': {
      const value = Number(text);
      if (Number.isFinite(value)) return { kind, value };
      const isDigits = /^[-0-9.]+$/.test(text);
      throw new ConfigError([
        isDigits
          ? `float '${text}' is out of the range`
          : `expected float, but got '${wellFormed(decode(text))}'`,
      ]);
    }
    case 'date': {
      const value = new Date(text);
      // A day or an hour that there is not: JavaScript moves on to the next.
      if (!Number.isNaN(value.getTime()) && value.toISOString().startsWith(text.slice(0, -1))) {
        return { kind, value };
      }
      throw new ConfigError([
        `expected Zulu formatted DateTime, but got '${wellFormed(decode(text))}'`,
      ]);
    }
    default:
      return { kind: 'string', value: decode(text) };
  }
}

const UNITS: ReadonlyMap<string, bigint> = new Map([
  ['', 1n],
  ...[...'kmgtpe'].flatMap((unit, index): [string, bigint][] => {
    const binary = 1024n ** BigInt(index + 1);
    return [
      [unit, 1000n ** BigInt(index + 1)],
      [`${unit}b`, binary],
      [`${unit}i`, binary],
      [`${unit}ib`, binary],
    ];
  }),
]);
const INT64_MAX = 2n ** 63n - 1n;

function integer(text: string): Scalar | undefined {
  const parts = /^(-?[0-9]+)([a-zA-Z]*)$/.exec(text);
  if (parts === null) {
    throw new ConfigError([`expected integer, but got '${wellFormed(decode(text))}'`]);
  }
  const value = BigInt(parts[1] ?? '');
  if (value > INT64_MAX || value < -INT64_MAX - 1n) {
    throw new ConfigError([`integer '${text}' is out of the range`]);
  }
  const unit = UNITS.get((parts[2] ?? '').toLowerCase());
  // What does not fit is cut, as in the original.
  if (unit !== undefined) return { kind: 'integer', value: BigInt.asIntN(64, value * unit) };
  return undefined;
}

// Paths, as Go's filepath: an include is always relative to the file that names it.

function folderOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return cleaned(slash < 0 ? '.' : path.slice(0, slash + 1));
}

function joined(folder: string, name: string): string {
  return cleaned(name === '' ? folder : `${folder}/${name}`);
}

function cleaned(path: string): string {
  const isAbsolute = path.startsWith('/');
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (!isAbsolute) parts.push('..');
  }
  const text = (isAbsolute ? '/' : '') + parts.join('/');
  return text === '' ? '.' : text;
}
