// Header blocks: `NATS/1.0[ code[ description]]CRLF (name: value CRLF)* CRLF`. The names, the rules for names
// and values and the three ways to compare are nats-core's (nats-core 3.4.0, headers). What a program sets
// is checked here; what a peer sent is kept as it came and checked only when it is to be sent again.

import { InvalidArgumentError } from '../shared/errors.ts';
import { Match, type MsgHdrs } from './types.ts';

const VERSION_LINE = 'NATS/1.0';
const EMPTY = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** CR, LF and NUL would end the line or the text for somebody; lone surrogates have no UTF-8. */
const BAD_VALUE = /[\r\n\0]|\p{Surrogate}/u;
/** Printable ASCII without the colon. */
const GOOD_NAME = /^[!-9;-~]+$/;

export class MessageHeaders implements MsgHdrs {
  readonly #entries = new Map<string, string[]>();
  readonly #code: number;
  readonly #description: string;
  /** All texts have passed the checks. */
  readonly isChecked: boolean;

  constructor(code = 0, description = '', isChecked = true) {
    if (isChecked) checkStatus(code, description);
    this.#code = code;
    this.#description = description;
    this.isChecked = isChecked;
  }

  /** Reads a block as it is on the wire. Lines without a colon are passed over, nothing is refused. */
  static decode(block: Uint8Array): MessageHeaders {
    const lines = decoder.decode(block).split('\r\n');
    const status = (lines[0] ?? '').slice(VERSION_LINE.length).trim();
    const digits = /^\d+/.exec(status)?.[0] ?? '';
    const headers = new MessageHeaders(
      digits === '' ? 0 : Number.parseInt(digits, 10),
      status.slice(digits.length).trim(),
      false,
    );
    for (let i = 1; i < lines.length; i++) {
      const line = lines[i] as string;
      const colon = line.indexOf(':');
      if (colon > 0) headers.#add(line.slice(0, colon), line.slice(colon + 1).trim());
    }
    return headers;
  }

  /** One name with one value, or several, each. */
  static fromRecord(record: Readonly<Record<string, string | readonly string[]>>): MessageHeaders {
    const headers = new MessageHeaders();
    for (const [name, values] of Object.entries(record)) {
      for (const value of typeof values === 'string' ? [values] : values) {
        headers.append(name, value);
      }
    }
    return headers;
  }

  get code(): number {
    return this.#code;
  }

  get description(): string {
    return this.#description;
  }

  get status(): string {
    return `${this.#code} ${this.#description}`.trim();
  }

  get hasError(): boolean {
    return this.#code >= 300;
  }

  [Symbol.iterator](): IterableIterator<[string, string[]]> {
    return this.#entries.entries();
  }

  size(): number {
    return this.#entries.size;
  }

  keys(): string[] {
    return [...this.#entries.keys()];
  }

  /** The first value, or an empty string. */
  get(k: string, match: Match = Match.Exact): string {
    const [name] = this.#find(k, match);
    return (name === undefined ? undefined : this.#entries.get(name)?.[0]) ?? '';
  }

  /** The last value, or an empty string. */
  last(k: string, match: Match = Match.Exact): string {
    const [name] = this.#find(k, match);
    return (name === undefined ? undefined : this.#entries.get(name)?.at(-1)) ?? '';
  }

  has(k: string, match: Match = Match.Exact): boolean {
    return this.#find(k, match).length > 0;
  }

  values(k: string, match: Match = Match.Exact): string[] {
    return this.#find(k, match).flatMap((name) => this.#entries.get(name) ?? []);
  }

  /** Replaces all values. Throws InvalidArgumentError for text that a block cannot hold. */
  set(k: string, v: string, match: Match = Match.Exact): void {
    checkName(k);
    checkValue(v);
    this.delete(k, match);
    this.append(k, v, match);
  }

  /** Adds a value. Throws InvalidArgumentError for text that a block cannot hold. */
  append(k: string, v: string, match: Match = Match.Exact): void {
    checkName(k);
    checkValue(v);
    const name = this.#find(k, match)[0] ?? (match === Match.CanonicalMIME ? canonicalName(k) : k);
    this.#add(name, v.trim());
  }

  delete(k: string, match: Match = Match.Exact): void {
    for (const name of this.#find(k, match)) this.#entries.delete(name);
  }

  toRecord(): Record<string, string[]> {
    return Object.fromEntries(Array.from(this.#entries, ([name, values]) => [name, [...values]]));
  }

  toString(): string {
    return blockText(this);
  }

  encode(): Uint8Array {
    return encodeHeaders(this);
  }

  #add(name: string, value: string): void {
    const values = this.#entries.get(name);
    if (values === undefined) this.#entries.set(name, [value]);
    else values.push(value);
  }

  #find(k: string, match: Match): string[] {
    if (match === Match.IgnoreCase) {
      const lower = k.toLowerCase();
      return this.keys().filter((name) => name.toLowerCase() === lower);
    }
    const name = match === Match.CanonicalMIME ? canonicalName(k) : k;
    return this.#entries.has(name) ? [name] : [];
  }
}

/**
 * An empty header block, with a status when `code` is given (then `description` is needed, too).
 * Throws InvalidArgumentError when only one of the two is given.
 */
export function headers(code = 0, description = ''): MessageHeaders {
  if (code === 0 && description !== '') throw InvalidArgumentError.format('code', 'is required');
  if (code > 0 && description === '') {
    throw InvalidArgumentError.format('description', 'is required');
  }
  return new MessageHeaders(code, description);
}

/** `content-type` → `Content-Type`. Throws InvalidArgumentError for what is no header name. */
export function canonicalMIMEHeaderKey(name: string): string {
  checkName(name);
  return canonicalName(name);
}

/**
 * The block as it goes on the wire; no bytes at all for a block without status and entries.
 * Throws InvalidArgumentError for text that a block cannot hold, whoever made the object.
 */
export function encodeHeaders(block: MsgHdrs): Uint8Array {
  if (!(block instanceof MessageHeaders && block.isChecked)) check(block);
  const text = blockText(block);
  return text === '' ? EMPTY : encoder.encode(text);
}

function blockText(block: MsgHdrs): string {
  let entries = '';
  for (const [name, values] of block) {
    for (const value of values) entries += `\r\n${name}: ${value}`;
  }
  if (entries === '' && block.code === 0) return '';
  const status = block.code === 0 ? '' : ` ${`${block.code} ${block.description}`.trim()}`;
  return `${VERSION_LINE}${status}${entries}\r\n\r\n`;
}

function check(block: MsgHdrs): void {
  checkStatus(block.code, block.description);
  for (const [name, values] of block) {
    checkName(name);
    for (const value of values) checkValue(value);
  }
}

function checkStatus(code: number, description: string): void {
  if (!Number.isInteger(code) || code < 0) {
    throw InvalidArgumentError.format('code', 'must be a whole number');
  }
  checkValue(description);
}

function checkName(name: string): void {
  if (!GOOD_NAME.test(name)) {
    throw InvalidArgumentError.format('header', `name '${name}' holds an invalid character`);
  }
}

function checkValue(value: string): void {
  if (BAD_VALUE.test(value)) {
    throw InvalidArgumentError.format(
      'header',
      'values cannot contain \\r, \\n, NUL or half pairs',
    );
  }
}

function canonicalName(name: string): string {
  return name.toLowerCase().replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
}
