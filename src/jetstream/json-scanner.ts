// Walks over a JSON text: judges values without recursion, so that a million brackets cost no stack, and reads what
// lies at a place that has been judged. The grammar and the bound of nesting are those of Go's encoding/json.

/** Arrays and objects within each other. Source: Go 1.25, encoding/json, maxNestingDepth. */
const DEPTH_MAX = 10_000;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LONE_SURROGATE = /[\ud800-\udfff]/gu;

/** Text that is no JSON, or does not fit what is asked for. */
export class JsonError extends Error {
  override readonly name = 'JsonError';
}

export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'bool' | 'null';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const HEX = /^[\da-fA-F]{4}$/;
const WORDS = ['true', 'false', 'null'];

const KINDS: ReadonlyMap<number, JsonKind> = new Map<number, JsonKind>([
  [OPEN_OBJECT, 'object'],
  [OPEN_LIST, 'array'],
  [QUOTE, 'string'],
  ['t'.charCodeAt(0), 'bool'],
  ['f'.charCodeAt(0), 'bool'],
  ['n'.charCodeAt(0), 'null'],
]);

export class JsonScanner {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** Whether nothing but blanks follows. */
  get isAtEnd(): boolean {
    this.skipBlanks();
    return this.at >= this.text.length;
  }

  /** What the value at this place is, which has been judged. */
  get kind(): JsonKind {
    return KINDS.get(this.text.charCodeAt(this.at)) ?? 'number';
  }

  skipBlanks(): void {
    const { text } = this;
    while (isBlank(text.charCodeAt(this.at))) this.at++;
  }

  /** Moves behind a character and the blanks around it, if it is there. */
  take(char: string): boolean {
    return this.#takeCode(char.charCodeAt(0));
  }

  #takeCode(code: number): boolean {
    this.skipBlanks();
    if (this.text.charCodeAt(this.at) !== code) return false;
    this.at++;
    this.skipBlanks();
    return true;
  }

  /** Moves behind a value and judges it. Throws JsonError. */
  skipValue(): void {
    const { text } = this;
    /** The ends of what is open. */
    const open: number[] = [];
    for (;;) {
      this.skipBlanks();
      const start = text.charCodeAt(this.at);
      if (start === OPEN_OBJECT || start === OPEN_LIST) {
        if (open.length === DEPTH_MAX) throw new JsonError('exceeded max depth');
        this.at++;
        const end = start === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_LIST;
        this.skipBlanks();
        if (text.charCodeAt(this.at) !== end) {
          open.push(end);
          if (end === CLOSE_OBJECT) this.#skipKey();
          continue;
        }
        this.at++;
      } else if (start === QUOTE) {
        this.#skipString();
      } else {
        this.#skipWord();
      }
      if (this.#isWhole(open)) return;
    }
  }

  /** Behind a value: closes what ends here, or goes on to the next one. */
  #isWhole(open: number[]): boolean {
    while (open.length > 0) {
      const end = open[open.length - 1] as number;
      if (this.#takeCode(COMMA)) {
        if (end === CLOSE_OBJECT) this.#skipKey();
        return false;
      }
      if (this.text.charCodeAt(this.at) !== end) throw this.#unexpected();
      this.at++;
      open.pop();
    }
    return true;
  }

  #skipKey(): void {
    this.skipBlanks();
    if (this.text.charCodeAt(this.at) !== QUOTE) throw this.#unexpected();
    this.#skipString();
    if (!this.#takeCode(COLON)) throw this.#unexpected();
  }

  /** A number, or what has a name. */
  #skipWord(): void {
    const { text, at } = this;
    for (const word of WORDS) {
      if (!text.startsWith(word, at)) continue;
      this.at += word.length;
      return;
    }
    NUMBER.lastIndex = at;
    if (!NUMBER.test(text)) throw this.#unexpected();
    this.at = NUMBER.lastIndex;
  }

  #skipString(): void {
    const { text } = this;
    let at = this.at + 1;
    for (; ; at++) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) break;
      // NaN behind the end.
      if (!(code >= 0x20)) throw this.#unexpected(at);
      if (code === BACKSLASH) at = this.#skipEscape(at + 1);
    }
    this.at = at + 1;
  }

  /** @returns the last place of the escape whose letter is there */
  #skipEscape(at: number): number {
    const char = this.text[at] ?? '';
    if (char !== '' && '"\\/bfnrt'.includes(char)) return at;
    if (char !== 'u' || !HEX.test(this.text.slice(at + 1, at + 5))) throw this.#unexpected(at);
    return at + 4;
  }

  #unexpected(at: number = this.at): JsonError {
    const { text } = this;
    if (at >= text.length) return new JsonError('unexpected EOF');
    const char = String.fromCodePoint(text.codePointAt(at) as number);
    return new JsonError(`invalid character ${JSON.stringify(char)} at offset ${at + 1}`);
  }

  /** The text of a value that has been judged, as it stands. */
  readRaw(): string {
    const start = this.at;
    this.skipValue();
    return this.text.slice(start, this.at);
  }

  /** A string that has been judged. Half a surrogate pair becomes U+FFFD. */
  readString(): string {
    const raw = this.readRaw();
    if (!raw.includes('\\')) return raw.slice(1, -1);
    return (JSON.parse(raw) as string).replace(LONE_SURROGATE, '\ufffd');
  }
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}
