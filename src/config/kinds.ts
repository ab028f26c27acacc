// What kinds of values keys have, and how a block of keys is read by its table. A kind takes a value, reports what
// is wrong with it at its place, and gives what it means. All mistakes of a file are reported, not the first alone.
// Where the original's text is one of Go's run time (a wrong type), ours says what was wanted.
// Source: nats-server 2.15.3, server/opts.go.
import { DurationMistake, parseDuration } from '../shared/go-duration.ts';
import { quoteGoText } from '../shared/go-quote.ts';
import { type ConfigMap, type ConfigValue, located, typeName, wellFormed } from './value.ts';

/** What becomes of a key that is valid and that nothing here carries out yet. */
export type Effect =
  /** It decides who may do what, what is encrypted or where a message goes: no start without it. */
  | 'refused'
  /** Said once, by name. */
  | 'warned';

/** Something that a file or a flag asks for and that is not carried out. */
export interface Demand {
  /** `tls`, `jetstream.key`. */
  readonly name: string;
  readonly effect: Effect;
}

/** What one reading of a file finds. */
export interface Reading {
  readonly errors: string[];
  readonly warnings: string[];
  readonly demands: Demand[];
}

/** Reads one value. `key` is the name as it stands in the file; undefined: reported as wrong, or nothing. */
export type Kind<T> = (
  value: ConfigValue,
  key: string,
  reading: Reading,
  path: string,
) => T | undefined;

/** One key under all its names. */
export interface Key<T> {
  /** In lower case; any case is read. */
  readonly names: readonly string[];
  readonly kind: Kind<T>;
  /** One sentence for whoever reads the table. */
  readonly about: string;
  readonly effect?: Effect;
  /** Whether the value asks for something (default: it is not nothing, none or no). */
  readonly asks?: (value: T) => boolean;
}

/** The keys of a block, by the name that we give their value. */
export type Block<T> = { readonly [Name in keyof T]-?: Key<Exclude<T[Name], undefined>> };

/** Says that a value is wrong. */
export function mistake(reading: Reading, { place }: ConfigValue, text: string): undefined {
  reading.errors.push(located(place, text));
}

function wrongType(value: ConfigValue, key: string, reading: Reading, wanted: string): undefined {
  return mistake(reading, value, `${quoteGoText(key)} must be ${wanted}, not ${NOUNS[value.kind]}`);
}

const NOUNS: Readonly<Record<ConfigValue['kind'], string>> = {
  string: 'a string',
  boolean: 'true or false',
  integer: 'an integer',
  float: 'a number with a fraction',
  date: 'a date',
  list: 'a list',
  map: 'a map',
};

// Single values.

export const text: Kind<string> = (value, key, reading) => {
  if (value.kind === 'string') return wellFormed(value.value);
  return wrongType(value, key, reading, 'a string');
};

export const flag: Kind<boolean> = (value, key, reading) => {
  return value.kind === 'boolean' ? value.value : wrongType(value, key, reading, 'true or false');
};

/** A whole number. Beyond 2^53 the last digits are lost, where they mean nothing. */
export const integer: Kind<number> = (value, key, reading) => {
  if (value.kind === 'integer') return Number(value.value);
  return wrongType(value, key, reading, 'an integer');
};

const INT32_MAX = 2 ** 31 - 1;

export const integer32: Kind<number> = (value, key, reading, path) => {
  const number = integer(value, key, reading, path);
  if (number === undefined || number <= INT32_MAX) return number;
  return mistake(reading, value, `${key} value is too big`);
};

/** An integer where anything else is called no size. */
export const count: Kind<number> = (value, key, reading) => {
  if (value.kind === 'integer') return Number(value.value);
  const got = printed(value);
  return mistake(reading, value, `Expected a parseable size for ${quoteGoText(key)}, got ${got}`);
};

const SIZE_UNITS: Readonly<Record<string, number>> = { K: 10, M: 20, G: 30, T: 40 };

/** Bytes: an integer, or a string that ends in K, M, G or T. `label` begins the errors. */
export function size(label?: string): Kind<number> {
  return (value, key, reading) => {
    const name = label ?? key.toLowerCase();
    if (value.kind === 'integer') return Number(value.value);
    if (value.kind !== 'string') return mistake(reading, value, `${name} must be int64 or string`);
    if (value.value === '') return 0;
    const digits = value.value.slice(0, -1);
    if (!/^[-+]?[0-9]+$/.test(digits)) {
      const reason = `strconv.ParseInt: parsing ${quoteGoText(digits)}: invalid syntax`;
      return mistake(reading, value, `${name} ${reason}`);
    }
    const unit = SIZE_UNITS[value.value.slice(-1)];
    if (unit !== undefined) return Number(digits) * 2 ** unit;
    return mistake(reading, value, `${name} sizes defined as strings must end in K, M, G, T`);
  };
}

/** Milliseconds of a duration as text; `before` and the reason are the error, at `at` when that is given. */
export function durationText(before: string, at?: ConfigValue): Kind<number> {
  return (value, key, reading) => {
    if (value.kind !== 'string') return wrongType(value, key, reading, 'a duration such as "2s"');
    try {
      return Number(parseDuration(value.value)) / 1e6;
    } catch (error) {
      if (!(error instanceof DurationMistake)) throw error;
      return mistake(reading, at ?? value, before + error.message);
    }
  };
}

/** Milliseconds: a duration, or seconds, which is doubtful. `field` is the name that messages have. */
export function duration(field?: string): Kind<number> {
  return (value, key, reading, path) => {
    const name = field ?? key;
    if (value.kind === 'string') {
      return durationText(`error parsing ${name}: `)(value, key, reading, path);
    }
    const reason = `${name} should be converted to a duration`;
    const warning = `invalid use of field ${quoteGoText(name)}: ${reason}`;
    reading.warnings.push(located(value.place, warning));
    if (value.kind === 'integer') return Number(value.value) * 1000;
    return wrongType(value, key, reading, 'a duration such as "2s"');
  };
}

/** Milliseconds: seconds as any number, or a duration. `where` is in the errors; other types give nothing then. */
export function timeout(where: string): Kind<number> {
  return (value, key, reading, path) => {
    if (value.kind === 'integer' || value.kind === 'float') return Number(value.value) * 1000;
    if (value.kind === 'string') return durationText(`${where} `)(value, key, reading, path);
    return mistake(reading, value, `${where} wrong type`);
  };
}

export interface HostPort {
  readonly host?: string;
  readonly port: number;
}

/** A port, or `host:port`. */
export const listen: Kind<HostPort> = (value, _key, reading) => {
  if (value.kind === 'integer') return { port: Number(value.value) };
  if (value.kind !== 'string') {
    return mistake(reading, value, `expected port or host:port, got ${typeName(value)}`);
  }
  const shown = quoteGoText(value.value);
  // The last colon; an IPv6 address is in brackets.
  const parts = /^(?:\[([^[\]]*)\]|([^:[\]]*)):([^:[\]]*)$/.exec(value.value);
  if (parts === null) return mistake(reading, value, `could not parse address string ${shown}`);
  const port = parts[3] ?? '';
  if (!/^[-+]?[0-9]+$/.test(port)) {
    return mistake(reading, value, `could not parse port ${quoteGoText(port)}`);
  }
  return { host: parts[1] ?? parts[2] ?? '', port: Number(port) };
};

/** One of these words, in any case when `fold`; else `wrong` of the word. */
export function oneOf<T>(
  words: Readonly<Record<string, T>>,
  wrong: (word: string) => string,
  fold = false,
): Kind<T> {
  return (value, key, reading) => {
    if (value.kind !== 'string') return wrongType(value, key, reading, 'a string');
    const word = fold ? value.value.toLowerCase() : value.value;
    if (Object.hasOwn(words, word)) return words[word];
    return mistake(reading, value, wrong(value.value));
  };
}

// Lists and maps.

/** A string or a list of them. `what` is in the errors. */
export function texts(what: string): Kind<readonly string[]> {
  return (value, _key, reading) => {
    if (value.kind === 'string') return [wellFormed(value.value)];
    if (value.kind !== 'list') {
      return mistake(reading, value, `error parsing ${what}: unsupported type ${typeName(value)}`);
    }
    return value.value.flatMap((element) => {
      if (element.kind === 'string') return [wellFormed(element.value)];
      const text = `error parsing ${what}: unsupported type in array ${typeName(element)}`;
      mistake(reading, element, text);
      return [];
    });
  };
}

/** A list; `wrong` says what anything else is. */
export function list<T>(
  kind: Kind<T>,
  wrong?: (value: ConfigValue, key: string) => string,
): Kind<readonly T[]> {
  return (value, key, reading, path) => {
    if (value.kind === 'list') {
      return value.value.flatMap((element) => kind(element, key, reading, path) ?? []);
    }
    if (wrong === undefined) return wrongType(value, key, reading, 'a list');
    return mistake(reading, value, wrong(value, key));
  };
}

/** A map with any keys. */
export function mapOf<T>(
  kind: Kind<T>,
  wrong?: (value: ConfigValue, key: string) => string,
): Kind<ReadonlyMap<string, T>> {
  return (value, key, reading, path) => {
    if (value.kind !== 'map') {
      if (wrong === undefined) return wrongType(value, key, reading, 'a map');
      return mistake(reading, value, wrong(value, key));
    }
    const result = new Map<string, T>();
    for (const [name, element] of value.value) {
      const read = kind(element, name, reading, path);
      if (read !== undefined) result.set(wellFormed(name), read);
    }
    return result;
  };
}

/** How a block differs from most. */
export interface BlockRules<T> {
  /** What anything but a map is. */
  readonly wrong?: (value: ConfigValue, key: string) => string;
  /** What a key is that nobody knows. */
  readonly unknown?: (key: string) => string;
  /** What the keys say together, when each of them is right. */
  readonly check?: (read: T, value: ConfigValue, reading: Reading) => void;
}

/** A map with the keys of a table. The table may be a function where blocks refer to each other. */
export function block<T extends object>(table: Block<T>, rules: BlockRules<T> = {}): Kind<T> {
  return (value, key, reading, path) => {
    if (value.kind !== 'map') {
      if (rules.wrong === undefined) return wrongType(value, key, reading, 'a map');
      return mistake(reading, value, rules.wrong(value, key));
    }
    const before = reading.errors.length;
    const read = readKeys(table, value.value, reading, path, rules.unknown);
    if (reading.errors.length === before) rules.check?.(read, value, reading);
    return read;
  };
}

/** Where one of these keys stands in a map; the last that is there. */
export function keyPlace(value: ConfigValue, ...names: readonly string[]): ConfigValue {
  if (value.kind !== 'map') return value;
  const found = [...value.value].filter(([key]) => names.includes(key.toLowerCase()));
  return found.at(-1)?.[1] ?? value;
}

/** The last key of a map: where the original says that it lacks something. */
export function lastKey(value: ConfigValue): ConfigValue {
  return value.kind === 'map' ? ([...value.value.values()].at(-1) ?? value) : value;
}

type AnyKey = Key<unknown> & { readonly target: string };
const indexes = new WeakMap<object, ReadonlyMap<string, AnyKey>>();

/** Reads the keys of a map by their table. Of a key under two names the last counts. */
export function readKeys<T extends object>(
  table: Block<T>,
  map: ConfigMap,
  reading: Reading,
  path: string,
  unknown: (key: string) => string = (key) => `unknown field ${quoteGoText(key)}`,
): T {
  const index = indexOf(table);
  const read: Record<string, unknown> = {};
  for (const [name, value] of map) {
    const key = index.get(name.toLowerCase());
    if (key === undefined) {
      if (!value.isVariable) mistake(reading, value, unknown(name));
      continue;
    }
    const fullName = path === '' ? (key.names[0] ?? '') : `${path}.${key.names[0]}`;
    const demandCount = reading.demands.length;
    const result = key.kind(value, name, reading, fullName);
    if (result === undefined) continue;
    read[key.target] = result;
    if (key.effect !== undefined && (key.asks ?? asksForSomething)(result)) {
      // The name of the whole says it all.
      if (key.effect === 'refused') reading.demands.length = demandCount;
      reading.demands.push({ name: fullName, effect: key.effect });
    }
  }
  return read as T;
}

function indexOf(table: object): ReadonlyMap<string, AnyKey> {
  const known = indexes.get(table);
  if (known !== undefined) return known;
  const index = new Map<string, AnyKey>();
  for (const [target, key] of Object.entries(table) as [string, Key<unknown>][]) {
    for (const name of key.names) index.set(name, { ...key, target });
  }
  indexes.set(table, index);
  return index;
}

/** Nothing, none and no ask for nothing. */
function asksForSomething(result: unknown): boolean {
  if (result === false || result === 0 || result === '') return false;
  if (Array.isArray(result)) return result.length > 0;
  if (result instanceof Map) return result.size > 0;
  return typeof result !== 'object' || result === null || Object.keys(result).length > 0;
}

/** A value as an error shows it: nothing of what is in a list or a map. */
export function printed(value: ConfigValue): string {
  if (value.kind === 'list' || value.kind === 'map') return NOUNS[value.kind];
  if (value.kind !== 'date') return String(value.value);
  return `${value.value.toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`;
}
