// What Go says of a text that is no JSON: its own words for the first byte that cannot stand there.
// Source: Go, encoding/json/scanner.go.

const encoder = new TextEncoder();
const END = 'unexpected end of JSON input';
const LITERALS: Readonly<Record<string, string>> = { t: 'true', f: 'false', n: 'null' };
const ESCAPES = '"\\/bfnrt';
/** Source: the same, maxNestingDepth. */
const DEPTH_MAX = 10_000;

/** The problem, undefined when the text is JSON. */
export function goJsonProblem(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch {
    return new Scanner(text).problem();
  }
}

/** Where a value may stand, and what may follow it. */
type Place = 'value' | 'first' | 'key' | 'firstKey' | 'colon' | 'behind';

class Scanner {
  readonly #bytes: Uint8Array;
  #at = 0;

  /** A blank behind the text ends what is open, as in the original. */
  constructor(text: string) {
    this.#bytes = encoder.encode(`${text} `);
  }

  problem(): string {
    const open: ('{' | '[')[] = [];
    let place: Place = 'value';
    while (true) {
      const char = this.#visible();
      if (char === undefined) return END;
      let next: Place | string;
      if (place === 'value' || place === 'first') {
        next = place === 'first' && char === ']' ? this.#close(open) : this.#value(char, open);
      } else if (place === 'key' || place === 'firstKey') {
        next = place === 'firstKey' && char === '}' ? this.#close(open) : this.#key(char);
      } else if (place === 'colon') {
        next = char === ':' ? this.#step('value') : wrong(char, 'after object key');
      } else next = this.#behind(char, open);
      if (!isPlace(next)) return next;
      place = next;
    }
  }

  #value(char: string, open: ('{' | '[')[]): Place | string {
    if (char === '{' || char === '[') {
      if (open.push(char) > DEPTH_MAX) return 'exceeded max depth';
      return this.#step(char === '{' ? 'firstKey' : 'first');
    }
    if (char === '"') return this.#string('behind');
    if (char === '-' || /\d/.test(char)) return this.#number();
    const literal = LITERALS[char];
    return literal === undefined
      ? wrong(char, 'looking for beginning of value')
      : this.#literal(literal);
  }

  #key(char: string): Place | string {
    if (char === '"') return this.#string('colon');
    return wrong(char, 'looking for beginning of object key string');
  }

  #behind(char: string, open: ('{' | '[')[]): Place | string {
    switch (open.at(-1)) {
      case '{':
        if (char === ',') return this.#step('key');
        return char === '}' ? this.#close(open) : wrong(char, 'after object key:value pair');
      case '[':
        if (char === ',') return this.#step('value');
        return char === ']' ? this.#close(open) : wrong(char, 'after array element');
      default:
        return wrong(char, 'after top-level value');
    }
  }

  #close(open: ('{' | '[')[]): Place {
    open.pop();
    return this.#step('behind');
  }

  #string(then: Place): Place | string {
    this.#at += 1;
    for (let char = this.#char(); char !== '"'; char = this.#char()) {
      if (this.#at >= this.#bytes.length - 1 && char === ' ') return END;
      if (char < ' ') return wrong(char, 'in string literal');
      this.#at += 1;
      if (char !== '\\') continue;
      const code = this.#char();
      this.#at += 1;
      if (code !== 'u' && !ESCAPES.includes(code)) return wrong(code, 'in string escape code');
      for (let digits = code === 'u' ? 4 : 0; digits > 0; digits--) {
        const digit = this.#char();
        if (!/[\da-fA-F]/.test(digit)) return wrong(digit, 'in \\u hexadecimal character escape');
        this.#at += 1;
      }
    }
    return this.#step(then);
  }

  #number(): Place | string {
    if (this.#char() === '-') this.#at += 1;
    if (this.#char() === '0') this.#at += 1;
    else if (!this.#digits()) return wrong(this.#char(), 'in numeric literal');
    if (this.#char() === '.') {
      this.#at += 1;
      if (!this.#digits()) return wrong(this.#char(), 'after decimal point in numeric literal');
    }
    if (/[eE]/.test(this.#char())) {
      this.#at += 1;
      if (/[+-]/.test(this.#char())) this.#at += 1;
      if (!this.#digits()) return wrong(this.#char(), 'in exponent of numeric literal');
    }
    return 'behind';
  }

  #digits(): boolean {
    const start = this.#at;
    while (/\d/.test(this.#char())) this.#at += 1;
    return this.#at > start;
  }

  #literal(literal: string): Place | string {
    for (const wanted of literal) {
      const char = this.#char();
      if (char !== wanted) return wrong(char, `in literal ${literal} (expecting '${wanted}')`);
      this.#at += 1;
    }
    return 'behind';
  }

  #step(place: Place): Place {
    this.#at += 1;
    return place;
  }

  /** The byte at hand, as the character of that number. */
  #char(): string {
    return String.fromCharCode(this.#bytes[this.#at] ?? 32);
  }

  /** The next one that is no blank. */
  #visible(): string | undefined {
    while (this.#at < this.#bytes.length && ' \t\r\n'.includes(this.#char())) this.#at += 1;
    return this.#at < this.#bytes.length ? this.#char() : undefined;
  }
}

const PLACES: readonly string[] = ['value', 'first', 'key', 'firstKey', 'colon', 'behind'];

function isPlace(next: string): next is Place {
  return PLACES.includes(next);
}

const SHORT: Readonly<Record<string, string>> = {
  "'": "\\'",
  '"': '"',
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

function wrong(char: string, where: string): string {
  const code = char.charCodeAt(0);
  const isHidden = code < 32 || (code >= 127 && code < 161) || code === 0xad;
  const hex = `\\${code < 128 ? 'x' : 'u00'}${code.toString(16).padStart(2, '0')}`;
  return `invalid character '${SHORT[char] ?? (isHidden ? hex : char)}' ${where}`;
}

/** What Go says of a value that does not fit a field of that type. Source: Go, encoding/json, UnmarshalTypeError. */
export function goTypeProblem(value: unknown, field: string, type: string): string {
  return `json: cannot unmarshal ${kindOf(value, type)} into Go struct field ${field} of type ${type}`;
}

/** The same of a whole document that is no object. */
export function goWholeProblem(value: unknown, type: string): string {
  return `json: cannot unmarshal ${kindOf(value, type)} into Go value of type ${type}`;
}

/** Of a number that is one of the wrong kind its text is told. */
function kindOf(value: unknown, type: string): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'number' && NUMBERS.test(type) ? `number ${value}` : typeof value;
}

const NUMBERS = /^(?:u?int\d*|server\.ConnState)$/;
