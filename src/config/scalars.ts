// Single values of the configuration language: strings bare, quoted or in a block, numbers with their units, dates,
// variables. Each function has read the first character or its sign, and returns the item that it is.
// Digits that go on as something else (`2m`, `127.0.0.1:4222`) are strings.
// Source: nats-server 2.15.3, conf/lex.go.
import { type Cursor, decode, END, isBlank, isDigit, isNewLine, show } from './cursor.ts';

export type ItemKind =
  | 'end'
  | 'key'
  | 'string'
  | 'boolean'
  | 'integer'
  | 'float'
  | 'date'
  | 'variable'
  | 'include'
  | 'arrayStart'
  | 'arrayEnd'
  | 'mapStart'
  | 'mapEnd';

export interface Item {
  readonly kind: ItemKind;
  /** Bytes, one character each. */
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

/** The text cannot be split into items. The message is the original's. */
export class SyntaxMistake extends Error {
  override readonly name: string = 'SyntaxMistake';
  readonly line: number;

  constructor(cursor: Cursor, message: string) {
    super(message);
    this.line = cursor.line;
  }
}

/** The item that was read since the last; `text` is it when it is not what stands there. */
export function emit(cursor: Cursor, kind: ItemKind, text: string = cursor.taken()): Item {
  const item = { kind, text, line: cursor.line, column: cursor.column(text.length) };
  cursor.ignore();
  return item;
}

/** The end within something that was begun: a mistake, unless not one character of it was there. */
export function endOrMistake(cursor: Cursor, text?: string): Item {
  if (cursor.pos > cursor.start) throw new SyntaxMistake(cursor, 'Unexpected EOF.');
  return emit(cursor, 'end', text);
}

const BACKSLASH = 0x5c;
const DOT = 0x2e;
const MINUS = 0x2d;
const QUOTE = 0x27;
const DOUBLE_QUOTE = 0x22;
const NEVER = -1;

/** Behind an opening `'`. */
export function quotedString(cursor: Cursor): Item {
  for (;;) {
    const code = cursor.next();
    if (code === END) return endOrMistake(cursor);
    if (code !== QUOTE) continue;
    cursor.backup();
    const item = emit(cursor, 'string');
    cursor.next();
    cursor.ignore();
    return item;
  }
}

/** Behind an opening `"`. */
export function doubleQuotedString(cursor: Cursor): Item {
  const parts: string[] = [];
  for (;;) {
    const code = cursor.next();
    if (code === BACKSLASH) takeEscape(cursor, parts);
    else if (code === END) return endOrMistake(cursor, parts.join(''));
    else if (code === DOUBLE_QUOTE) {
      cursor.backup();
      const item = emit(cursor, 'string', parts.join('') + cursor.taken());
      cursor.next();
      cursor.ignore();
      return item;
    }
  }
}

const BARE_ENDS: ReadonlySet<number> = new Set([END, ...[...';,]}'].map(codeOf)]);
const BOOLEAN = /^(?:true|false|on|off|yes|no)$/i;

/** A string without quotes: a boolean or a variable when it looks like one. */
export function bareString(cursor: Cursor): Item {
  const parts: string[] = [];
  for (;;) {
    const code = cursor.next();
    if (code === BACKSLASH) {
      takeEscape(cursor, parts);
    } else if (code === QUOTE) {
      cursor.backup();
      const item = emit(cursor, 'string', parts.join('') + cursor.taken());
      cursor.next();
      cursor.ignore();
      return item;
    } else if (BARE_ENDS.has(code) || isNewLine(code) || isBlank(code)) {
      cursor.backup();
      return bareItem(cursor, parts);
    }
  }
}

function bareItem(cursor: Cursor, parts: readonly string[]): Item {
  const text = cursor.taken();
  if (parts.length > 0) return emit(cursor, 'string', parts.join('') + text);
  if (BOOLEAN.test(text)) return emit(cursor, 'boolean');
  if (!text.startsWith('$')) return emit(cursor, 'string');
  return emit(cursor, 'variable', text.slice(1));
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['t', '\t'],
  ['n', '\n'],
  ['r', '\r'],
  ['"', '"'],
  ['\\', '\\'],
]);

/** Behind a `\`: what stood before it and what it means are added to `parts`. */
function takeEscape(cursor: Cursor, parts: string[]): void {
  parts.push(cursor.input.slice(cursor.start, cursor.pos - 1));
  cursor.start = cursor.pos;
  const code = cursor.next();
  const meaning = code === codeOf('x') ? hexByte(cursor) : ESCAPES.get(show(code));
  if (meaning === undefined) {
    throw new SyntaxMistake(
      cursor,
      `Invalid escape character '${show(code)}'. Only the following ` +
        'escape characters are allowed: \\xXX, \\t, \\n, \\r, \\", \\\\.',
    );
  }
  parts.push(meaning);
  cursor.start = cursor.pos;
}

function hexByte(cursor: Cursor): string {
  for (let i = 0; i < 2; i++) {
    if (!isNewLine(cursor.next())) continue;
    const text = "Expected two hexadecimal digits after '\\x', but hit end of line";
    throw new SyntaxMistake(cursor, text);
  }
  const digits = cursor.input.slice(cursor.pos - 2, cursor.pos);
  if (/^[0-9a-fA-F]{2}$/.test(digits)) return String.fromCharCode(Number.parseInt(digits, 16));
  const text = `Expected two hexadecimal digits after '\\x', but got '${decode(digits)}'`;
  throw new SyntaxMistake(cursor, text);
}

/**
 * Behind a `(`: everything up to a `)` that stands on a line of its own. At the end of the file that `)` belongs to
 * the text.
 */
export function block(cursor: Cursor): Item {
  for (;;) {
    const code = cursor.next();
    if (code === END) throw new SyntaxMistake(cursor, 'Unexpected EOF processing block.');
    if (code !== codeOf(')') || cursor.input[cursor.pos - 2] !== '\n') continue;
    const after = cursor.next();
    const isEnd = after === END;
    if (!isEnd) cursor.backup();
    if (!isEnd && after !== 0x0a) continue;
    if (!isEnd) cursor.pos--;
    const item = emit(cursor, 'string');
    cursor.next();
    cursor.ignore();
    return item;
  }
}

const NUMBER_ENDS: ReadonlySet<number> = new Set([END, ...[...'},;'].map(codeOf)]);
const SUFFIXES: ReadonlySet<number> = new Set([...'kKmMgGtTpPeE'].map(codeOf));
const SUFFIX_ENDS: ReadonlySet<number> = new Set([...'bBiI'].map(codeOf));
/** Bytes of `2006-`. */
const YEAR_BYTES = 5;

/** At a digit: an integer, a float, a date, an address, or a string that begins with a digit. */
export function numberLike(cursor: Cursor): Item {
  for (;;) {
    const code = cursor.next();
    if (isDigit(code)) continue;
    if (code === MINUS) return date(cursor);
    if (code === DOT) return float(cursor);
    if (SUFFIXES.has(code)) return withSuffix(cursor);
    if (!NUMBER_ENDS.has(code) && !isNewLine(code) && !isBlank(code)) return bareString(cursor);
    cursor.backup();
    return emit(cursor, 'integer');
  }
}

/** Behind a `-`. */
export function negativeNumber(cursor: Cursor): Item {
  const first = cursor.next();
  if (!isDigit(first)) {
    const isDot = first === DOT;
    const got = `Expected a digit but got '${show(first)}'.`;
    throw new SyntaxMistake(cursor, isDot ? "Floats must start with a digit, not '.'." : got);
  }
  let code: number;
  do code = cursor.next();
  while (isDigit(code));
  if (code === DOT) return float(cursor);
  if (SUFFIXES.has(code)) return withSuffix(cursor);
  cursor.backup();
  return emit(cursor, 'integer');
}

/** Behind the first letter of a unit. */
function withSuffix(cursor: Cursor): Item {
  let code: number;
  do code = cursor.next();
  while (SUFFIX_ENDS.has(code));
  cursor.backup();
  const isNumber = NUMBER_ENDS.has(code) || isNewLine(code) || isBlank(code);
  return isNumber ? emit(cursor, 'integer') : bareString(cursor);
}

/** Behind the dot. */
function float(cursor: Cursor): Item {
  const first = cursor.next();
  if (!isDigit(first)) {
    const text = `Floats must have a digit after the '.', but got '${show(first)}' instead.`;
    throw new SyntaxMistake(cursor, text);
  }
  let code: number;
  do code = cursor.next();
  while (isDigit(code));
  if (code === DOT) return address(cursor);
  cursor.backup();
  return emit(cursor, 'float');
}

/** Behind the second dot. */
function address(cursor: Cursor): Item {
  let code: number;
  do code = cursor.next();
  while (isDigit(code) || code === DOT || code === MINUS || code === codeOf(':'));
  cursor.backup();
  return emit(cursor, 'string');
}

/** Behind the dash that follows the year. */
function date(cursor: Cursor): Item {
  if (cursor.pos - cursor.start !== YEAR_BYTES) {
    throw new SyntaxMistake(cursor, 'All ISO8601 dates must be in full Zulu form.');
  }
  for (const wanted of '00-00T00:00:00Z') {
    const code = cursor.next();
    if (wanted === '0' ? isDigit(code) : code === codeOf(wanted)) continue;
    const what = wanted === '0' ? 'digit' : `'${wanted}'`;
    const text = `Expected ${what} in ISO8601 datetime, but found '${show(code)}' instead.`;
    throw new SyntaxMistake(cursor, text);
  }
  return emit(cursor, 'date');
}

/** The code point of a character. */
export function codeOf(character: string): number {
  return character.codePointAt(0) ?? NEVER;
}
