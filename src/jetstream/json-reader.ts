// Reads JSON as the server's decoder does: exact 64-bit integers, keys in any case, the last of equal keys, what an
// array or an object says twice put together. What is read is told by tables of fields.
//
// Source: nats-server 2.15.3, server/jetstream_api.go, unmarshalRequest; Go 1.25, encoding/json.
import { quoteGoText } from '../shared/go-quote.ts';
import { JsonError, JsonScanner } from './json-scanner.ts';

/** A whole number: a bigint where a number would not be exact. */
export type Int = number | bigint;

/** What a value may be. `null` leaves all of them as they are, but a list, a map and what is `nullable`. */
export type Shape =
  | { readonly is: 'string' | 'bool' | 'map' }
  | { readonly is: 'int'; readonly min: bigint; readonly max: bigint }
  | { readonly is: 'list'; readonly of: Shape }
  | { readonly is: 'object'; readonly fields: Fields; readonly nullable?: boolean }
  /** Judges the text itself, `null` too; what it throws ends the reading. */
  | { readonly is: 'text'; readonly read: (raw: string) => unknown; readonly nullable?: boolean };

/** The keys of an object. */
export type Fields = Readonly<Record<string, Shape>>;

export const STRING: Shape = { is: 'string' };
export const STRINGS: Shape = { is: 'list', of: STRING };
export const BOOL: Shape = { is: 'bool' };
/** An object whose values are strings. */
export const MAP: Shape = { is: 'map' };
export const INT32: Shape = { is: 'int', min: -(2n ** 31n), max: 2n ** 31n - 1n };
export const INT64: Shape = { is: 'int', min: -(2n ** 63n), max: 2n ** 63n - 1n };
export const UINT64: Shape = { is: 'int', min: 0n, max: 2n ** 64n - 1n };

/** One of these words, each written exactly so. `words` may have others that mean the same. */
export function oneOf(words: Readonly<Record<string, string>>): Shape {
  const byText = new Map(Object.entries(words).map(([word, value]) => [`"${word}"`, value]));
  return {
    is: 'text',
    read: (raw) => {
      const value = byText.get(raw);
      if (value === undefined) throw new JsonError(`can not unmarshal ${quoteGoText(raw)}`);
      return value;
    },
  };
}

type Values = Record<string, unknown>;

/**
 * Reads an object of that shape; several in a row are put together, and no text at all is an empty one. Unknown keys are
 * refused, and when `isStrict` is false, passed over. Throws JsonError.
 */
export function readObject<T>(text: string, fields: Fields, isStrict: boolean): Partial<T> {
  const values: Values = Object.create(null);
  try {
    const reader = new Reader(text, true);
    while (!reader.isAtEnd) reader.readNext(fields, values);
  } catch (error) {
    if (isStrict || !(error instanceof JsonError)) throw error;
    // As the original: once more, over what was read.
    readWhole(text, fields, values);
  }
  return values as Partial<T>;
}

/** Reads one object of that shape, which the text must have, and nothing behind it; passes over unknown keys. Throws JsonError. */
export function readOneObject<T>(text: string, fields: Fields): Partial<T> {
  const values: Values = Object.create(null);
  readWhole(text, fields, values);
  return values as Partial<T>;
}

/** Source: Go 1.25, encoding/json, Unmarshal. */
function readWhole(text: string, fields: Fields, values: Values): void {
  const reader = new Reader(text, false);
  reader.readNext(fields, values);
  if (!reader.isAtEnd) throw new JsonError('invalid character after top-level value');
}

class Reader {
  readonly #scanner: JsonScanner;
  readonly #isStrict: boolean;
  /** The first thing that did not fit. It is told when the value has been read to its end. */
  #misfit: JsonError | undefined;

  constructor(text: string, isStrict: boolean) {
    this.#scanner = new JsonScanner(text);
    this.#isStrict = isStrict;
  }

  get isAtEnd(): boolean {
    return this.#scanner.isAtEnd;
  }

  readNext(fields: Fields, values: Values): void {
    const scanner = this.#scanner;
    scanner.skipBlanks();
    const start = scanner.at;
    scanner.skipValue();
    scanner.at = start;
    this.#readValue('', { is: 'object', fields }, values);
    if (this.#misfit !== undefined) throw this.#misfit;
  }

  /** @returns what the value is now; `before` is what it has been */
  #readValue(key: string, shape: Shape, before: unknown): unknown {
    const scanner = this.#scanner;
    const { kind } = scanner;
    if (shape.is === 'text') {
      const raw = scanner.readRaw();
      return kind === 'null' && shape.nullable ? undefined : shape.read(raw);
    }
    if (kind === 'null') {
      scanner.skipValue();
      const isGone = shape.is === 'list' || shape.is === 'map';
      return isGone || (shape.is === 'object' && shape.nullable) ? undefined : before;
    }
    if (kind === 'object' && shape.is === 'object') return this.#readFields(shape.fields, before);
    if (kind === 'object' && shape.is === 'map') return this.#readMap(key, before);
    if (kind === 'array' && shape.is === 'list') return this.#readList(key, shape.of, before);
    if (kind === 'string' && shape.is === 'string') return scanner.readString();
    const raw = scanner.readRaw();
    if (kind === 'bool' && shape.is === 'bool') return raw === 'true';
    const int = kind === 'number' && shape.is === 'int' ? intOf(raw, shape) : undefined;
    if (int === undefined) this.#note(`cannot unmarshal ${kind} into ${key} of type ${shape.is}`);
    return int ?? before;
  }

  #readFields(fields: Fields, before: unknown): Values {
    const values = (before as Values | undefined) ?? Object.create(null);
    this.#eachMember((said) => {
      const key = keyOf(fields, said);
      if (key !== undefined) {
        const value = this.#readValue(key, fields[key] as Shape, values[key]);
        if (value === undefined) delete values[key];
        else values[key] = value;
        return;
      }
      if (this.#isStrict) this.#note(`unknown field ${quoteGoText(said)}`);
      this.#scanner.skipValue();
    });
    return values;
  }

  #readMap(key: string, before: unknown): Values {
    const values = (before as Values | undefined) ?? Object.create(null);
    this.#eachMember((name) => {
      values[name] = this.#readValue(key, STRING, '');
    });
    return values;
  }

  #readList(key: string, shape: Shape, before: unknown): unknown[] {
    const scanner = this.#scanner;
    const list: unknown[] = [];
    const old = (before as unknown[] | undefined) ?? [];
    scanner.take('[');
    while (!scanner.take(']')) {
      list.push(this.#readValue(key, shape, old[list.length]) ?? zeroOf(shape));
      scanner.take(',');
    }
    return list;
  }

  /** Calls `read` for each key, at its value. */
  #eachMember(read: (key: string) => void): void {
    const scanner = this.#scanner;
    scanner.take('{');
    while (!scanner.take('}')) {
      const key = scanner.readString();
      scanner.take(':');
      read(key);
      scanner.take(',');
    }
  }

  #note(text: string): void {
    this.#misfit ??= new JsonError(`json: ${text}`);
  }
}

/** The field of that name, or of one that differs in case only. All our keys are lower case. */
function keyOf(fields: Fields, said: string): string | undefined {
  if (Object.hasOwn(fields, said)) return said;
  // Long s and the Kelvin sign are folded to letters, too: they are the only others.
  const folded = said.toLowerCase().replaceAll('\u017f', 's').replaceAll('\u212a', 'k');
  return Object.hasOwn(fields, folded) ? folded : undefined;
}

function intOf(raw: string, { min, max }: { min: bigint; max: bigint }): Int | undefined {
  if (!/^-?\d+$/.test(raw) || raw.length > 20) return undefined;
  const value = BigInt(raw);
  // An unsigned number takes no sign, not even that of zero.
  if (value < min || value > max || (min === 0n && raw.startsWith('-'))) return undefined;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function zeroOf(shape: Shape): unknown {
  if (shape.is === 'string') return '';
  return shape.is === 'int' ? 0 : undefined;
}
