// Walks over a JSON text: judges values without recursion, so that a million brackets cost no stack, and reads what
// lies at a place that has been judged. The grammar and the bound of nesting are those of Go's encoding/json.

/** Arrays and objects within each other. Source: Go 1.25, encoding/json, maxNestingDepth. */
const DEPTH_MAX = 10_000;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LONE_SURROGATE = /\p{Surrogate}/gu;

/** Text that is no JSON, or does not fit what is asked for. */
export class JsonError extends Error {
  override readonly name = 'JsonError';
}

export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'bool' | 'null';

const KINDS: Readonly<Record<string, JsonKind>> = {
  '{': 'object',
  '[': 'array',
  '"': 'string',
  t: 'bool',
  f: 'bool',
  n: 'null',
};

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
    return KINDS[this.text[this.at] as string] ?? 'number';
  }

  skipBlanks(): void {
    const { text } = this;
    while (isBlank(text.charCodeAt(this.at))) this.at++;
  }

  /** Moves behind `char` and the blanks around it, if it is there. */
  take(char: string): boolean {
    this.skipBlanks();
    if (this.text[this.at] !== char) return false;
    this.at++;
    this.skipBlanks();
    return true;
  }

  /** Moves behind a value and judges it. Throws JsonError. */
  skipValue(): void {
    /** The ends of what is open. */
    const open: string[] = [];
    for (;;) {
      this.skipBlanks();
      const start = this.text[this.at];
      if (start === '{' || start === '[') {
        if (open.length === DEPTH_MAX) throw new JsonError('exceeded max depth');
        this.at++;
        const end = start === '{' ? '}' : ']';
        this.skipBlanks();
        if (this.text[this.at] !== end) {
          open.push(end);
          if (end === '}') this.#skipKey();
          continue;
        }
        this.at++;
      } else {
        this.#skipScalar();
      }
      if (this.#isWhole(open)) return;
    }
  }

  /** Behind a value: closes what ends here, or goes on to the next one. */
  #isWhole(open: string[]): boolean {
    for (;;) {
      const end = open.at(-1);
      if (end === undefined) return true;
      if (this.take(',')) {
        if (end === '}') this.#skipKey();
        return false;
      }
      if (this.text[this.at] !== end) throw this.#unexpected();
      this.at++;
      open.pop();
    }
  }

  #skipKey(): void {
    this.skipBlanks();
    if (this.text[this.at] !== '"') throw this.#unexpected();
    this.#skipString();
    if (!this.take(':')) throw this.#unexpected();
  }

  #skipScalar(): void {
    const { text, at } = this;
    if (text[at] === '"') {
      this.#skipString();
      return;
    }
    for (const word of ['true', 'false', 'null']) {
      if (text.startsWith(word, at)) {
        this.at += word.length;
        return;
      }
    }
    NUMBER.lastIndex = at;
    if (!NUMBER.test(text)) throw this.#unexpected();
    this.at = NUMBER.lastIndex;
  }

  #skipString(): void {
    const { text } = this;
    for (this.at++; ; this.at++) {
      const code = text.charCodeAt(this.at);
      if (code === 0x22) break;
      // NaN behind the end.
      if (!(code >= 0x20)) throw this.#unexpected();
      if (code === 0x5c) this.#skipEscape();
    }
    this.at++;
  }

  #skipEscape(): void {
    this.at++;
    const char = this.text[this.at] ?? '';
    if (char === 'u') {
      if (!/^[\da-fA-F]{4}$/.test(this.text.slice(this.at + 1, this.at + 5))) {
        throw this.#unexpected();
      }
      this.at += 4;
    } else if (char === '' || !'"\\/bfnrt'.includes(char)) {
      throw this.#unexpected();
    }
  }

  #unexpected(): JsonError {
    const { text, at } = this;
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
