// A place in a configuration file. The text is held as bytes, one character each, because lines and columns are
// counted in bytes and a file need not be valid UTF-8; `decode` makes text of a piece of it.
// Columns begin at 0 on the first line and at 1 on later ones: those are counted from their line feed, and a line
// feed that was only looked at counts already. Source: nats-server 2.15.3, conf/lex.go, next, backup, emit.

/** What `next` gives at the end; a NUL byte looks the same. */
export const END = 0;

const REPLACEMENT = 0xfffd;
/** Where bytes that are no UTF-8 go, so that they are still told apart: lone surrogates. */
const STRAY_BASE = 0xdc00;
const DECIMAL_DIGIT = String.raw`\p{Nd}`;
let decimalDigit: RegExp | undefined;

export class Cursor {
  readonly input: string;
  /** Bytes before the next one. */
  pos = 0;
  /** Where the item at hand begins. */
  start = 0;
  line = 1;
  #width = 0;
  #lineStart = 0;
  #itemLineStart = 0;

  constructor(input: string) {
    this.input = input;
  }

  /** The next code point, consumed. */
  next(): number {
    const { input, pos } = this;
    if (pos >= input.length) {
      this.#width = 0;
      return END;
    }
    const byte = input.charCodeAt(pos);
    if (byte === 0x0a) {
      this.line++;
      this.#lineStart = pos;
    }
    if (byte < 0x80) {
      this.#width = 1;
      this.pos = pos + 1;
      return byte;
    }
    this.#width = widthAt(input, pos);
    this.pos = pos + this.#width;
    return codePointAt(input, pos, this.#width);
  }

  /** One code point back, as wide as the last one that was read. */
  backup(): void {
    this.pos -= this.#width;
    if (this.pos < this.input.length && this.input.charCodeAt(this.pos) === 0x0a) this.line--;
  }

  peek(): number {
    const code = this.next();
    this.backup();
    return code;
  }

  /** The item begins here. */
  ignore(): void {
    this.start = this.pos;
    this.#itemLineStart = this.#lineStart;
  }

  /** The bytes of the item. */
  taken(): string {
    return this.input.slice(this.start, this.pos);
  }

  /** The column of an item that ends here and has `length` bytes. */
  column(length: number): number {
    return this.pos - this.#itemLineStart - length;
  }
}

/** Bytes of the code point at `pos`; 1 where there is none. */
function widthAt(input: string, pos: number): number {
  const first = input.charCodeAt(pos);
  const width = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 1;
  for (let i = 1; i < width; i++) {
    // NaN behind the end fails the test, too.
    if ((input.charCodeAt(pos + i) & 0xc0) !== 0x80) return 1;
  }
  const second = input.charCodeAt(pos + 1);
  const isOverlong = (first === 0xe0 && second < 0xa0) || (first === 0xf0 && second < 0x90);
  const isOutside = (first === 0xed && second > 0x9f) || (first === 0xf4 && second > 0x8f);
  return isOverlong || isOutside ? 1 : width;
}

function codePointAt(input: string, pos: number, width: number): number {
  if (width === 1) return REPLACEMENT;
  let code = input.charCodeAt(pos) & (0xff >> (width + 1));
  for (let i = 1; i < width; i++) code = (code << 6) | (input.charCodeAt(pos + i) & 0x3f);
  return code;
}

/** Text of bytes. A byte that is no part of a character becomes a lone surrogate. */
export function decode(bytes: string): string {
  if (/^[\0-\x7f]*$/.test(bytes)) return bytes;
  // A text may be as long as the file, so it is not put together from strings.
  const units = new Uint16Array(bytes.length);
  let count = 0;
  for (let pos = 0; pos < bytes.length; ) {
    const byte = bytes.charCodeAt(pos);
    const width = byte < 0x80 ? 1 : widthAt(bytes, pos);
    const stray = byte < 0x80 ? byte : STRAY_BASE + byte;
    const code = width === 1 ? stray : codePointAt(bytes, pos, width);
    if (code > 0xffff) units[count++] = 0xd800 + ((code - 0x10000) >> 10);
    units[count++] = code > 0xffff ? 0xdc00 + (code & 0x3ff) : code;
    pos += width;
  }
  return Buffer.from(units.buffer, 0, 2 * count).toString('utf16le');
}

/** The bytes of a text. */
export function encode(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** As Go's unicode.IsSpace. */
export function isSpace(code: number): boolean {
  if (code < 0x80) return code === 0x20 || (code >= 0x09 && code <= 0x0d);
  if (code === 0x85 || code === 0xa0 || code === 0x1680 || code === 0x3000) return true;
  return (code >= 0x2000 && code <= 0x200a) || /^[\u2028\u2029\u202f\u205f]$/.test(show(code));
}

/** As Go's unicode.IsDigit: a decimal digit of any script. */
export function isDigit(code: number): boolean {
  if (code < 0x80) return code >= 0x30 && code <= 0x39;
  decimalDigit ??= new RegExp(`^${DECIMAL_DIGIT}$`, 'u');
  return decimalDigit.test(show(code));
}

export function isNewLine(code: number): boolean {
  return code === 0x0a || code === 0x0d;
}

export function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** A code point as errors show it. */
export function show(code: number): string {
  return code === 0x0a ? '\\n' : String.fromCodePoint(code);
}
