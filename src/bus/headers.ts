// Header blocks: `NATS/1.0[ code[ description]]CRLF (name: value CRLF)* CRLF`. The names, the rules for names
// and values and the three ways to compare are nats-core's (nats-core 3.4.0, headers). What a program sets
// is checked here; what a peer sent is kept as it came and checked only when it is to be sent again.
//
// A block that is sent stays with its message as it was then, and costs no copy: publisher, message and recipients
// share the entries until one of them changes its block, which then gets entries of its own.
//
//   publisher's block ──► entries ◄── sent: what the message holds, which nobody changes
//                            ▲ ▲
//     one recipient's block ─┘ └─ another's

import { InvalidArgumentError, kindOf, quoted } from '../shared/errors.ts';
import { Match, type MsgHdrs } from './types.ts';

const VERSION_LINE = 'NATS/1.0';
const EMPTY = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** CR, LF and NUL would end the line or the text for somebody; lone surrogates have no UTF-8. */
const BAD_VALUE = /[\r\n\0]|\p{Surrogate}/u;
/** Printable ASCII without the colon. */
const GOOD_NAME = /^[!-9;-~]+$/;

type Entries = Map<string, string[]>;

/** In the place of a block whose state is taken: texts that nobody has checked. */
const UNCHECKED: unique symbol = Symbol('unchecked');

/** Made by this package: it has entries, and tells who shares them. */
let isOurs: (block: object) => block is MessageHeaders;
/** All texts have passed the checks when they were set. */
let isChecked: (block: MessageHeaders) => boolean;
/** The block of the same entries that nobody changes. */
let sentBlock: (block: MessageHeaders) => MessageHeaders;

export class MessageHeaders implements MsgHdrs {
  // Own properties, all there is: comparing and printing see them.
  readonly code: number;
  readonly description: string;
  /** For looking at; `set`, `append` and `delete` change it. */
  readonly entries: ReadonlyMap<string, readonly string[]>;
  readonly #isChecked: boolean;
  // Holds the same entries, and is never changed; undefined while they are this block's alone.
  #sent: MessageHeaders | undefined;

  static {
    isOurs = (block) => #sent in block;
    isChecked = (block) => block.#isChecked;
    sentBlock = (block) => {
      if (block.#sent === undefined) {
        block.#sent = new MessageHeaders(block.code, block.description, block);
        block.#sent.#sent = block.#sent;
      }
      return block.#sent;
    };
  }

  /**
   * An empty block. Throws InvalidArgumentError for a status that a block cannot hold.
   *
   * @param origin the package's own: a block to share the entries with
   */
  constructor(code = 0, description = '', origin?: MessageHeaders | typeof UNCHECKED) {
    if (origin === undefined) checkStatus(code, description);
    const isShared = typeof origin === 'object';
    this.code = code;
    this.description = description;
    this.entries = isShared ? origin.entries : new Map();
    this.#isChecked = isShared ? origin.#isChecked : origin === undefined;
    this.#sent = isShared ? origin : undefined;
  }

  /** Reads a block as it is on the wire. Lines without a colon are passed over, nothing is refused. */
  static decode(block: Uint8Array): MessageHeaders {
    const lines = decoder.decode(block).split('\r\n');
    const status = (lines[0] ?? '').slice(VERSION_LINE.length).trim();
    const digits = /^\d+/.exec(status)?.[0] ?? '';
    const headers = new MessageHeaders(
      digits === '' ? 0 : Number.parseInt(digits, 10),
      status.slice(digits.length).trim(),
      UNCHECKED,
    );
    for (let i = 1; i < lines.length; i++) {
      const line = lines[i] as string;
      const colon = line.indexOf(':');
      if (colon > 0) headers.#add(line.slice(0, colon), line.slice(colon + 1).trim());
    }
    return headers;
  }

  /** One name with one value, or several, each. Throws InvalidArgumentError for text that a block cannot hold. */
  static fromRecord(record: Readonly<Record<string, string | readonly string[]>>): MessageHeaders {
    const headers = new MessageHeaders();
    for (const [name, values] of Object.entries(record)) {
      const all: readonly string[] = Array.isArray(values) ? values : [values];
      for (const value of all) headers.append(name, value);
    }
    return headers;
  }

  get status(): string {
    return `${this.code} ${this.description}`.trim();
  }

  get hasError(): boolean {
    return this.code >= 300;
  }

  *[Symbol.iterator](): IterableIterator<[string, string[]]> {
    for (const [name, values] of this.entries) yield [name, [...values]];
  }

  size(): number {
    return this.entries.size;
  }

  keys(): string[] {
    return [...this.entries.keys()];
  }

  /** The first value, or an empty string. */
  get(k: string, match: Match = Match.Exact): string {
    const [name] = this.#find(k, match);
    return (name === undefined ? undefined : this.entries.get(name)?.[0]) ?? '';
  }

  /** The last value, or an empty string. */
  last(k: string, match: Match = Match.Exact): string {
    const [name] = this.#find(k, match);
    return (name === undefined ? undefined : this.entries.get(name)?.at(-1)) ?? '';
  }

  has(k: string, match: Match = Match.Exact): boolean {
    return this.#find(k, match).length > 0;
  }

  values(k: string, match: Match = Match.Exact): string[] {
    return this.#find(k, match).flatMap((name) => this.entries.get(name) ?? []);
  }

  /** Replaces all values. Throws InvalidArgumentError for text that a block cannot hold. */
  set(k: string, v: string, match: Match = Match.Exact): void {
    checkName(k);
    checkValue(k, v);
    this.delete(k, match);
    this.append(k, v, match);
  }

  /** Adds a value. Throws InvalidArgumentError for text that a block cannot hold. */
  append(k: string, v: string, match: Match = Match.Exact): void {
    checkName(k);
    checkValue(k, v);
    const name = this.#find(k, match)[0] ?? (match === Match.CanonicalMIME ? canonicalName(k) : k);
    this.#add(name, v.trim());
  }

  delete(k: string, match: Match = Match.Exact): void {
    for (const name of this.#find(k, match)) this.#own().delete(name);
  }

  toRecord(): Record<string, string[]> {
    return Object.fromEntries(this);
  }

  /** As `toRecord`; a status stands under a name that no header has. */
  toJSON(): Record<string, string[]> {
    return { ...(this.code > 0 && { ':status': [this.status] }), ...this.toRecord() };
  }

  toString(): string {
    return blockText(this);
  }

  encode(): Uint8Array {
    return encodeHeaders(this);
  }

  #add(name: string, value: string): void {
    const entries = this.#own();
    const values = entries.get(name);
    if (values === undefined) entries.set(name, [value]);
    else values.push(value);
  }

  /** The entries, to be changed: nobody shares them any more. */
  #own(): Entries {
    if (this.#sent !== undefined) {
      this.#sent = undefined;
      const own: Entries = new Map();
      fill(own, this.entries);
      (this as { entries: MessageHeaders['entries'] }).entries = own;
    }
    return this.entries as Entries;
  }

  #find(k: string, match: Match): string[] {
    checkText(k);
    if (match === Match.IgnoreCase) {
      const lower = k.toLowerCase();
      return this.keys().filter((name) => name.toLowerCase() === lower);
    }
    const name = match === Match.CanonicalMIME ? canonicalName(k) : k;
    return this.entries.has(name) ? [name] : [];
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
 * The block as it is now, whatever is done to the given one later: what a message holds, not to be changed.
 * Throws InvalidArgumentError for what is no block.
 */
export function sentHeaders(block: MsgHdrs): MessageHeaders {
  if (typeof block === 'object' && block !== null) {
    if (isOurs(block)) return sentBlock(block);
    // Of nats-core, or of another copy of this package.
    if (typeof block.code === 'number' && typeof block[Symbol.iterator] === 'function') {
      const { code, description } = block;
      const copy = new MessageHeaders(code, description, UNCHECKED);
      fill(copy.entries as Entries, block);
      return copy;
    }
  }
  throw InvalidArgumentError.format('headers', `must be made by headers(), not ${kindOf(block)}`);
}

function fill(copy: Entries, entries: Iterable<readonly [string, readonly string[]]>): void {
  for (const [name, values] of entries) copy.set(name, [...values]);
}

/** What one recipient gets of a block that was sent: to keep, and to change. */
export function receivedHeaders(sent: MessageHeaders): MessageHeaders {
  return new MessageHeaders(sent.code, sent.description, sent);
}

/**
 * The block as it goes on the wire; no bytes at all for a block without status and entries.
 * Throws InvalidArgumentError for text that a block cannot hold, whoever made the object.
 */
export function encodeHeaders(block: MsgHdrs): Uint8Array {
  const sent = sentHeaders(block);
  checkHeaders(sent);
  const text = blockText(sent);
  return text === '' ? EMPTY : encoder.encode(text);
}

function blockText({ code, status, entries }: MessageHeaders): string {
  let lines = '';
  for (const [name, values] of entries) {
    for (const value of values) lines += `\r\n${name}: ${value}`;
  }
  if (lines === '' && code === 0) return '';
  return `${VERSION_LINE}${code === 0 ? '' : ` ${status}`}${lines}\r\n\r\n`;
}

/** Throws InvalidArgumentError for text that a block cannot hold. */
export function checkHeaders(sent: MessageHeaders): void {
  if (isChecked(sent)) return;
  checkStatus(sent.code, sent.description);
  for (const [name, values] of sent.entries) {
    checkName(name);
    for (const value of values) checkValue(name, value);
  }
}

function checkStatus(code: number, description: string): void {
  if (!Number.isInteger(code) || code < 0) {
    throw InvalidArgumentError.format('code', 'must be a whole number');
  }
  checkValue('description', description);
}

function checkName(name: string): void {
  checkText(name);
  if (!GOOD_NAME.test(name)) {
    throw InvalidArgumentError.format('header', `name ${quoted(name)} holds an invalid character`);
  }
}

function checkText(name: string): void {
  if (typeof name !== 'string') throw InvalidArgumentError.format('header', `name ${quoted(name)}`);
}

function checkValue(name: string, value: string): void {
  if (typeof value !== 'string') {
    throw InvalidArgumentError.format('header', `${quoted(name)} has ${quoted(value)}`);
  }
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
