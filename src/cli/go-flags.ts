// Command lines as Go's flag package reads them: one or two dashes, `-p 4222` or `-p=4222`, booleans alone or
// with `=`; the first word that is not a flag, or `--`, ends them. The errors have Go's texts.
// Source: Go, src/flag/flag.go, parseOne; strconv.ParseInt with base 0; strconv.ParseBool.
import { quoteGoText } from '../shared/go-quote.ts';

/** What a flag takes. */
export type FlagKind = 'boolean' | 'integer' | 'string';

/** One flag under all its spellings. */
export interface FlagSpec<Name extends string = string> {
  /** Key in the result. */
  readonly name: Name;
  /** Without dashes. */
  readonly spellings: readonly string[];
  readonly kind: FlagKind;
  /** A word that a boolean may have for its value, besides true and false. */
  readonly also?: string;
}

export type FlagValue = boolean | number | string;

export interface ParsedFlags<Name extends string = string> {
  /** What was given; of a flag given twice the last. */
  readonly values: Readonly<Partial<Record<Name, FlagValue>>>;
  /** The words from the first that is no flag on. */
  readonly words: readonly string[];
}

/** The command line is wrong; the message is what Go prints. */
export class FlagError extends Error {
  override readonly name: string = 'FlagError';
}

/** Reads `args`; throws FlagError at the first mistake. */
export function parseFlags<Name extends string>(
  specs: readonly FlagSpec<Name>[],
  args: readonly string[],
): ParsedFlags<Name> {
  const bySpelling = new Map<string, FlagSpec<Name>>();
  for (const spec of specs) for (const text of spec.spellings) bySpelling.set(text, spec);
  const values: Partial<Record<Name, FlagValue>> = {};
  let index = 0;
  while (index < args.length) {
    const arg = args[index] ?? '';
    if (arg.length < 2 || !arg.startsWith('-')) break;
    index++;
    if (arg === '--') break;
    const { spelling, value } = split(arg);
    const spec = bySpelling.get(spelling);
    if (spec === undefined) throw new FlagError(`flag provided but not defined: -${spelling}`);
    if (spec.kind === 'boolean') {
      values[spec.name] = value === undefined ? true : parseBoolean(spelling, value, spec.also);
      continue;
    }
    const text = value ?? args[index++];
    if (text === undefined) throw new FlagError(`flag needs an argument: -${spelling}`);
    values[spec.name] = spec.kind === 'integer' ? parseInteger(spelling, text) : text;
  }
  return { values, words: args.slice(index) };
}

/** `--name=value` in its parts; the value is undefined when there is no `=`. */
function split(arg: string): { spelling: string; value: string | undefined } {
  const text = arg.slice(arg.startsWith('--') ? 2 : 1);
  if (text === '' || text.startsWith('-') || text.startsWith('=')) {
    throw new FlagError(`bad flag syntax: ${arg}`);
  }
  const equals = text.indexOf('=');
  if (equals < 0) return { spelling: text, value: undefined };
  return { spelling: text.slice(0, equals), value: text.slice(equals + 1) };
}

const TRUE: readonly string[] = ['1', 't', 'T', 'TRUE', 'true', 'True'];
const FALSE: readonly string[] = ['0', 'f', 'F', 'FALSE', 'false', 'False'];

function parseBoolean(spelling: string, text: string, also: string | undefined): FlagValue {
  if (TRUE.includes(text)) return true;
  if (FALSE.includes(text)) return false;
  if (also !== undefined && text.toLowerCase() === also) return also;
  const parse = `strconv.ParseBool: parsing ${quoteGoText(text)}: invalid syntax`;
  const reason = also === undefined ? 'parse error' : `expected true, false, or ${also}: ${parse}`;
  throw new FlagError(`invalid boolean value ${quoteGoText(text)} for -${spelling}: ${reason}`);
}

// Underscores may separate digits, and stand behind a base's prefix; a bare leading 0 means octal.
const DECIMAL = /^(?:0|[1-9](?:_?[0-9])*)$/;
const HEX = /^0[xX](?:_?[0-9a-fA-F])+$/;
const OCTAL = /^0[oO]?(?:_?[0-7])+$/;
const BINARY = /^0[bB](?:_?[01])+$/;
const INT64_MAX = 2n ** 63n - 1n;

function parseInteger(spelling: string, text: string): number {
  const isNegative = text.startsWith('-');
  const digits = text.replace(/^[+-]/, '');
  const plain = digits.replaceAll('_', '');
  let value: bigint;
  if (DECIMAL.test(digits) || HEX.test(digits) || BINARY.test(digits)) value = BigInt(plain);
  else if (OCTAL.test(digits)) value = BigInt(`0o${plain.replace(/^0[oO]?/, '')}`);
  else throw new FlagError(`invalid value ${quoteGoText(text)} for flag -${spelling}: parse error`);
  if (value > (isNegative ? INT64_MAX + 1n : INT64_MAX)) {
    throw new FlagError(
      `invalid value ${quoteGoText(text)} for flag -${spelling}: value out of range`,
    );
  }
  return Number(isNegative ? -value : value);
}
