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

import { InvalidArgumentError, quoted } from '../shared/errors.ts';
import { wrong } from './arguments.ts';
import { Match, type MsgHdrs } from './types.ts';

const VERSION_LINE = 'NATS/1.0';
const EMPTY = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** CR, LF and NUL would end the line or the text for somebody; lone surrogates have no UTF-8. */
const BAD_VALUE = /[\r\n\0]|[\ud800-\udfff]/u;
/** Printable ASCII without the colon. */
const GOOD_NAME = /^[!-9;-~]+$/;

type Entries = Map<string, string[]>;

/** In the place of a block that is shared: entries of its own, which nobody has checked. */
const UNCHECKED = null;

/** Of a block of this package: all texts have passed the checks when they were set. */
let isChecked: (block: MessageHeaders) => boolean;
/** The block of the same entries that nobody changes, of one that is ours. */
let sentBlock: (block: object) => MessageHeaders | undefined;
/** The entries, to be changed: nobody shares them any more. */
let ownEntries: (block: MessageHeaders) => Entries;

/** It has no private methods: the brand of those is a word, and a store, in every block. */
export class MessageHeaders implements MsgHdrs {
  // Own properties, all there is: comparing and printing see them. Declared alone, or they would be set twice.
  declare readonly code: number;
  declare readonly description: string;
  /** For looking at; `set`, `append` and `delete` change it. */
  declare readonly entries: ReadonlyMap<string, readonly string[]>;
  // Who holds the same entries, and is never changed. Of one that shares none undefined when all of them have passed
  // the checks, else UNCHECKED.
  #sent: MessageHeaders | typeof UNCHECKED | undefined;

  static {
    const markOf = (block: MessageHeaders): typeof UNCHECKED | undefined =>
      block.#sent ? markOf(block.#sent) : block.#sent;
    const share = (block: MessageHeaders): MessageHeaders => {
      const sent = new MessageHeaders(block.code, block.description, block);
      sent.#sent = markOf(block);
      block.#sent = sent;
      return sent;
    };
    isChecked = (block) => markOf(block) === undefined;
    sentBlock = (block) => (#sent in block ? block.#sent || share(block) : undefined);
    ownEntries = (block) => {
      if (block.#sent) {
        block.#sent = markOf(block);
        const own: Entries = new Map();
        fill(own, block.entries);
        (block as { entries: MessageHeaders['entries'] }).entries = own;
      }
      return block.entries as Entries;
    };
  }

  /**
   * An empty block. Throws InvalidArgumentError for a status that a block cannot hold.
   *
   * @param sent the package's own: a block to share the entries with, that is never changed
   */
  constructor(code = 0, description = '', sent?: MessageHeaders | typeof UNCHECKED) {
    if (sent === undefined) checkStatus(code, description);
    this.code = code;
    this.description = description;
    this.entries = sent ? sent.entries : new Map();
    this.#sent = sent;
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
      if (colon > 0) add(headers, line.slice(0, colon), line.slice(colon + 1).trim());
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
    const [name] = find(this, k, match);
    return (name === undefined ? undefined : this.entries.get(name)?.[0]) ?? '';
  }

  /** The last value, or an empty string. */
  last(k: string, match: Match = Match.Exact): string {
    const [name] = find(this, k, match);
    return (name === undefined ? undefined : this.entries.get(name)?.at(-1)) ?? '';
  }

  has(k: string, match: Match = Match.Exact): boolean {
    return find(this, k, match).length > 0;
  }

  values(k: string, match: Match = Match.Exact): string[] {
    return find(this, k, match).flatMap((name) => this.entries.get(name) ?? []);
  }

  /** Replaces all values. Throws InvalidArgumentError for text that a block cannot hold. */
  set(k: string, v: string, match: Match = Match.Exact): void {
    checkName(k);
    checkValue(k, v);
    this.delete(k, match);
    ownEntries(this).set(match === Match.CanonicalMIME ? canonicalName(k) : k, [v.trim()]);
  }

  /** Adds a value. Throws InvalidArgumentError for text that a block cannot hold. */
  append(k: string, v: string, match: Match = Match.Exact): void {
    checkName(k);
    checkValue(k, v);
    const name = find(this, k, match)[0] ?? (match === Match.CanonicalMIME ? canonicalName(k) : k);
    add(this, name, v.trim());
  }

  delete(k: string, match: Match = Match.Exact): void {
    for (const name of find(this, k, match)) ownEntries(this).delete(name);
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
}

function add(block: MessageHeaders, name: string, value: string): void {
  const entries = ownEntries(block);
  const values = entries.get(name);
  if (values === undefined) entries.set(name, [value]);
  else values.push(value);
}

function find({ entries }: MessageHeaders, k: string, match: Match): string[] {
  checkText(k);
  if (match === Match.IgnoreCase) {
    const lower = k.toLowerCase();
    return [...entries.keys()].filter((name) => name.toLowerCase() === lower);
  }
  const name = match === Match.CanonicalMIME ? canonicalName(k) : k;
  return entries.has(name) ? [name] : [];
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
  return (typeof block === 'object' && block !== null && sentBlock(block)) || copyOf(block);
}

/** Of a block of nats-core, or of another copy of this package. */
function copyOf(block: MsgHdrs): MessageHeaders {
  const { code, description } = Object(block) as MsgHdrs;
  if (typeof code !== 'number' || typeof block[Symbol.iterator] !== 'function') {
    throw wrong('headers', 'made by headers()', block);
  }
  const copy = new MessageHeaders(code, description, UNCHECKED);
  fill(copy.entries as Entries, block);
  return copy;
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
