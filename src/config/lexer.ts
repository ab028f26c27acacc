// Splits a configuration file into items: keys, values, the brackets around lists and maps, includes. It is a state
// machine with a stack of what follows the value at hand, so nesting costs memory and no depth of calls:
//
//   a { b: [1, 2] }     key a · mapStart · key b · arrayStart · integer · integer · arrayEnd · mapEnd
//     stack behind `[`:   topEnd, mapEnd          (a's end, then b's)
//
// The language is the original's to the letter, oddities included: a lone `/` separates values of a list, a `{` does
// not end a bare key, the braces around a whole file may stay open.
// Source: nats-server 2.15.3, conf/lex.go.
import { Cursor, END, isBlank, isDigit, isNewLine, isSpace, show } from './cursor.ts';
import {
  bareString,
  block,
  codeOf,
  doubleQuotedString,
  emit,
  endOrMistake,
  type Item,
  negativeNumber,
  numberLike,
  quotedString,
  SyntaxMistake,
} from './scalars.ts';

/** What is expected next. */
type Mode =
  | 'top'
  | 'topEnd'
  | 'block'
  | 'blockEnd'
  | 'blockClose'
  | 'keyEnd'
  | 'map'
  | 'mapKeyEnd'
  | 'mapEnd'
  | 'array'
  | 'arrayEnd';

/** Lists and maps within each other; the original knows no bound. */
export const DEPTH_MAX = 1000;

const isSeparator = (code: number): boolean => code === codeOf('=') || code === codeOf(':');
const isTerminator = (code: number): boolean => code === codeOf(';') || code === codeOf(',');
const OPEN_BRACE = codeOf('{');
const CLOSE_BRACE = codeOf('}');
const OPEN_BRACKET = codeOf('[');
const CLOSE_BRACKET = codeOf(']');
const QUOTE = codeOf("'");
const DOUBLE_QUOTE = codeOf('"');
const MAP_END_WANTED = 'Expected a map value terminator "," or a map terminator "}"';
const ARRAY_END_WANTED = 'Expected an array value terminator "," or an array terminator "]"';

export class Lexer {
  readonly #cursor: Cursor;
  #mode: Mode = 'top';
  readonly #stack: Mode[] = [];

  /** @param bytes the file, one character each byte */
  constructor(bytes: string) {
    this.#cursor = new Cursor(bytes);
  }

  /** The next item; `end` for ever at the end. Throws SyntaxMistake. */
  next(): Item {
    for (;;) {
      const item = this.#step();
      if (item !== undefined) return item;
    }
  }

  #step(): Item | undefined {
    switch (this.#mode) {
      case 'top':
        return this.#top();
      case 'topEnd':
        return this.#topEnd();
      case 'block':
        return this.#block();
      case 'blockEnd':
        return this.#blockEnd();
      case 'blockClose':
        return this.#blockClose();
      case 'keyEnd':
        return this.#keyEnd();
      case 'map':
        return this.#map();
      case 'mapKeyEnd':
        return this.#mapKeyEnd();
      case 'mapEnd':
        return this.#mapEnd();
      case 'array':
        return this.#array();
      case 'arrayEnd':
        return this.#arrayEnd();
    }
  }

  // The file itself, and braces around it.

  #top(): Item | undefined {
    const code = this.#nextBehindSpace();
    if (code === OPEN_BRACE) return this.#open('top', 'block');
    const isSlash = code === codeOf('/');
    if (this.#skipComment(code)) return undefined;
    if (isSlash || code === END) return endOrMistake(this.#cursor);
    this.#cursor.backup();
    this.#push('topEnd');
    return this.#key();
  }

  #topEnd(): undefined {
    const code = this.#cursor.next();
    if (this.#skipComment(code)) {
      this.#mode = 'top';
    } else if (isNewLine(code) || isTerminator(code) || code === END || code === CLOSE_BRACE) {
      this.#cursor.ignore();
      this.#mode = 'top';
    } else if (!isBlank(code) && code !== codeOf('/')) {
      const wanted = 'Expected a top-level value to end with a new line, comment or EOF';
      throw this.#mistake(`${wanted}, but got '${show(code)}' instead.`);
    }
  }

  #block(): Item | undefined {
    const code = this.#nextBehindSpace();
    if (code === OPEN_BRACE) return this.#open('blockClose', 'block');
    if (code === CLOSE_BRACE) {
      this.#cursor.ignore();
      this.#pop();
      return undefined;
    }
    const isSlash = code === codeOf('/');
    if (this.#skipComment(code)) return undefined;
    if (isSlash || code === END) return endOrMistake(this.#cursor);
    this.#cursor.backup();
    this.#push('blockEnd');
    return this.#key();
  }

  #blockEnd(): undefined {
    const code = this.#cursor.next();
    if (this.#skipComment(code)) return;
    if (isNewLine(code) || isTerminator(code)) {
      this.#cursor.ignore();
      this.#mode = 'block';
    } else if (code === CLOSE_BRACE) {
      this.#cursor.backup();
      this.#mode = 'blockClose';
    } else if (!isBlank(code) && code !== codeOf('/')) {
      const wanted = 'Expected a block-level value to end with a new line, comment or EOF';
      throw this.#mistake(`${wanted}, but got '${show(code)}' instead.`);
    }
  }

  #blockClose(): undefined {
    const code = this.#cursor.next();
    if (this.#skipComment(code)) {
      this.#mode = 'block';
    } else if (isTerminator(code)) {
      this.#cursor.ignore();
      this.#mode = 'block';
    } else if (code === CLOSE_BRACE) {
      this.#cursor.ignore();
      this.#pop();
    } else if (!isNewLine(code) && !isBlank(code) && code !== codeOf('/')) {
      const wanted = "Expected a block-level to end with a '}'";
      throw this.#mistake(`${wanted}, but got '${show(code)}' instead.`);
    }
  }

  /** A key outside of maps. */
  #key(): Item {
    const cursor = this.#cursor;
    const code = cursor.peek();
    if (isSeparator(code)) throw this.#mistake(`Unexpected key separator '${show(code)}'`);
    if (code === DOUBLE_QUOTE || code === QUOTE) {
      cursor.next();
      return this.#quotedKey(code, 'keyEnd', () => endOrMistake(cursor));
    }
    cursor.ignore();
    cursor.next();
    for (;;) {
      const after = cursor.peek();
      if (isSpace(after)) {
        if (this.#isInclude()) return this.#include();
        break;
      }
      if (isSeparator(after) || after === END) break;
      cursor.next();
    }
    this.#mode = 'keyEnd';
    return emit(cursor, 'key');
  }

  #quotedKey(quote: number, mode: Mode, atEnd: () => Item): Item {
    const cursor = this.#cursor;
    cursor.ignore();
    for (;;) {
      const code = cursor.peek();
      if (code === END) return atEnd();
      if (code === quote) break;
      cursor.next();
    }
    const item = emit(cursor, 'key');
    cursor.next();
    cursor.ignore();
    this.#mode = mode;
    return item;
  }

  #keyEnd(): Item {
    const code = this.#nextBehindSpace();
    if (code === END) return emit(this.#cursor, 'end');
    if (isSeparator(code)) this.#cursor.ignore();
    else this.#cursor.backup();
    return this.#value();
  }

  // Maps.

  #map(): Item | undefined {
    const cursor = this.#cursor;
    const code = this.#nextBehindSpace();
    if (isSeparator(code)) throw this.#mistake(`Unexpected key separator '${show(code)}'.`);
    if (code === CLOSE_BRACKET) throw this.#mistake("Unexpected array end ']' processing map.");
    if (code === END) throw this.#mistake('Unexpected EOF processing map.');
    if (code === CLOSE_BRACE) return this.#close('mapEnd');
    if (code === DOUBLE_QUOTE || code === QUOTE) {
      const which = code === QUOTE ? 'quoted' : 'double quoted';
      return this.#quotedKey(code, 'mapKeyEnd', () => {
        throw this.#mistake(`Unexpected EOF processing ${which} map key.`);
      });
    }
    const isSlash = code === codeOf('/');
    if (this.#skipComment(code)) return undefined;
    // A lone slash is no part of the key behind it.
    if (!isSlash) cursor.backup();
    cursor.ignore();
    cursor.next();
    return this.#mapKey();
  }

  #mapKey(): Item {
    const cursor = this.#cursor;
    for (;;) {
      const code = cursor.peek();
      if (code === END) throw this.#mistake('Unexpected EOF processing map key.');
      if (isSpace(code)) {
        if (!this.#isInclude()) break;
        this.#push('mapEnd');
        return this.#include();
      }
      if (isSeparator(code)) break;
      cursor.next();
    }
    this.#mode = 'mapKeyEnd';
    return emit(cursor, 'key');
  }

  #mapKeyEnd(): Item {
    const cursor = this.#cursor;
    let code = this.#nextBehindSpace();
    if (isSeparator(code)) {
      cursor.ignore();
      code = this.#nextBehindSpace();
    }
    if (code === codeOf(',')) throw this.#mistake('Unexpected map value terminator ",".');
    if (code === CLOSE_BRACE) return this.#close('mapEnd');
    cursor.backup();
    this.#push('mapEnd');
    return this.#value();
  }

  #mapEnd(): Item | undefined {
    const code = this.#nextBehindBlank();
    const isSlash = code === codeOf('/');
    if (this.#skipComment(code)) return undefined;
    if (code === CLOSE_BRACE) return this.#close('mapEnd');
    if (!isSlash && !isTerminator(code) && !isNewLine(code)) {
      throw this.#mistake(`${MAP_END_WANTED}, but got '${show(code)}' instead.`);
    }
    this.#cursor.ignore();
    this.#mode = 'map';
    return undefined;
  }

  // Lists.

  #array(): Item | undefined {
    const code = this.#nextBehindSpace();
    const isSlash = code === codeOf('/');
    if (this.#skipComment(code)) return undefined;
    if (isSlash || code === codeOf(',')) {
      throw this.#mistake("Unexpected array value terminator ','.");
    }
    if (code === CLOSE_BRACKET) return this.#close('arrayEnd');
    this.#cursor.backup();
    this.#push('arrayEnd');
    return this.#value();
  }

  #arrayEnd(): Item | undefined {
    const code = this.#nextBehindBlank();
    const isSlash = code === codeOf('/');
    if (this.#skipComment(code)) return undefined;
    if (code === CLOSE_BRACKET) return this.#close('arrayEnd');
    if (!isSlash && code !== codeOf(',') && !isNewLine(code)) {
      throw this.#mistake(`${ARRAY_END_WANTED}, but got '${show(code)}' instead.`);
    }
    this.#cursor.ignore();
    this.#mode = 'array';
    return undefined;
  }

  /** A value, or the beginning of one. */
  #value(): Item {
    const cursor = this.#cursor;
    const code = this.#nextBehindBlank();
    if (code === OPEN_BRACKET || code === OPEN_BRACE) {
      cursor.ignore();
      const isArray = code === OPEN_BRACKET;
      this.#mode = isArray ? 'array' : 'map';
      return emit(cursor, isArray ? 'arrayStart' : 'mapStart');
    }
    const item = this.#scalar(code);
    this.#pop();
    return item;
  }

  #scalar(code: number): Item {
    const cursor = this.#cursor;
    if (code === QUOTE || code === DOUBLE_QUOTE || code === codeOf('(')) cursor.ignore();
    if (code === QUOTE) return quotedString(cursor);
    if (code === DOUBLE_QUOTE) return doubleQuotedString(cursor);
    if (code === codeOf('(')) return block(cursor);
    if (code === codeOf('-')) return negativeNumber(cursor);
    if (code === codeOf('.')) throw this.#mistake('Floats must start with a digit');
    if (isNewLine(code)) throw this.#mistake('Expected value but found new line');
    cursor.backup();
    return isDigit(code) ? numberLike(cursor) : bareString(cursor);
  }

  // The word `include`, and the name of a file behind it.

  #isInclude(): boolean {
    return this.#cursor.taken().toLowerCase() === 'include';
  }

  #include(): Item {
    const cursor = this.#cursor;
    cursor.ignore();
    const code = this.#nextBehindBlank();
    const found = INCLUDE_MISTAKES.get(code);
    if (found !== undefined || isDigit(code)) {
      throw this.#mistake(`Expected include value but found ${found ?? 'start of a number'}`);
    }
    const isQuoted = code === QUOTE || code === DOUBLE_QUOTE;
    if (isQuoted) cursor.ignore();
    else cursor.backup();
    const item = isQuoted ? this.#includeQuoted(code) : this.#includeBare();
    this.#pop();
    return item;
  }

  #includeQuoted(quote: number): Item {
    const cursor = this.#cursor;
    for (;;) {
      const code = cursor.next();
      if (code === quote) break;
      if (code !== END) continue;
      const which = quote === QUOTE ? 'quoted' : 'double quoted';
      throw this.#mistake(`Unexpected EOF in ${which} include`);
    }
    return this.#emitBeforeQuote();
  }

  #includeBare(): Item {
    const cursor = this.#cursor;
    for (;;) {
      const code = cursor.next();
      if (code === QUOTE) return this.#emitBeforeQuote();
      const isEnd = code === END || code === codeOf(';') || code === CLOSE_BRACE;
      if (!isEnd && !isNewLine(code) && !isBlank(code)) continue;
      cursor.backup();
      return emit(cursor, 'include');
    }
  }

  #emitBeforeQuote(): Item {
    const cursor = this.#cursor;
    cursor.backup();
    const item = emit(cursor, 'include');
    cursor.next();
    cursor.ignore();
    return item;
  }

  // What they share.

  #nextBehindSpace(): number {
    for (;;) {
      const code = this.#cursor.next();
      if (!isSpace(code)) return code;
      this.#cursor.ignore();
    }
  }

  #nextBehindBlank(): number {
    for (;;) {
      const code = this.#cursor.next();
      if (!isBlank(code)) return code;
      this.#cursor.ignore();
    }
  }

  /** Skips a comment to the end of its line when `code`, just read, begins one. */
  #skipComment(code: number): boolean {
    const cursor = this.#cursor;
    if (code === codeOf('/')) {
      if (cursor.next() !== code) {
        cursor.backup();
        return false;
      }
    } else if (code !== codeOf('#')) {
      return false;
    }
    for (;;) {
      const next = cursor.peek();
      if (isNewLine(next) || next === END) break;
      cursor.next();
    }
    cursor.ignore();
    return true;
  }

  #open(after: Mode, mode: Mode): undefined {
    this.#cursor.ignore();
    this.#push(after);
    this.#mode = mode;
  }

  #close(kind: 'mapEnd' | 'arrayEnd'): Item {
    this.#cursor.ignore();
    const item = emit(this.#cursor, kind);
    this.#pop();
    return item;
  }

  #push(mode: Mode): void {
    if (this.#stack.length >= DEPTH_MAX) {
      throw this.#mistake(`Lists and maps are nested more than ${DEPTH_MAX} deep.`);
    }
    this.#stack.push(mode);
  }

  #pop(): void {
    this.#mode = this.#stack.pop() ?? 'top';
  }

  #mistake(message: string): SyntaxMistake {
    return new SyntaxMistake(this.#cursor, message);
  }
}

const INCLUDE_MISTAKES: ReadonlyMap<number, string> = new Map([
  [OPEN_BRACKET, 'start of an array'],
  [OPEN_BRACE, 'start of a map'],
  [codeOf('('), 'start of a block'],
  [codeOf('-'), 'start of a number'],
  [codeOf('\\'), 'escape sequence'],
  [codeOf('\n'), 'new line'],
  [codeOf('\r'), 'new line'],
]);
