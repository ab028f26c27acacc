// Text in double quotes as Go's %q writes it: nats-server quotes subjects so, and clients read them back. Whatever the
// bytes are, a megabyte of them takes some ten milliseconds: what is plain is taken in runs, nothing is thrown.
import { codePoint, sequenceLength } from './utf8.ts';

const ESCAPES: Readonly<Record<number, string>> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
  34: '\\"',
  92: '\\\\',
};
const DELETE = 0x7f;
/** From so many bytes on a decoder is sooner done with a run. */
const RUN_LEAST = 16;
const ascii = new TextDecoder();
// Made when they are wanted, and no literals: V8 puts the ranges of such a class together wherever it reads one, which was
// a twelfth of what a start of the bin takes.
const LETTERS = String.raw`\p{L}\p{M}\p{N}\p{P}\p{S} `;
let printable: RegExp | undefined;
let escapedParts: RegExp | undefined;

/** How each byte looks: as it is, or, when it is no part of printable text, escaped. */
const BYTES: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 0x20 && byte < DELETE) return ESCAPES[byte] ?? String.fromCharCode(byte);
  return ESCAPES[byte] ?? `\\x${hex(byte, 2)}`;
});

/** `bytes` in double quotes; what is not valid UTF-8 byte by byte as `\xNN`, what cannot be printed escaped. */
export function quoteGo(bytes: Uint8Array): string {
  return `"${escapeGo(bytes)}"`;
}

/** The same of a text, of which half of a surrogate pair stands for a byte that was no UTF-8. */
export function quoteGoText(text: string): string {
  escapedParts ??= new RegExp(String.raw`["\\]|[^${LETTERS}]`, 'gu');
  const escaped = text.replace(escapedParts, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) return BYTES[code] as string;
    return code >= 0xd800 && code <= 0xdfff ? (BYTES[code & 0xff] as string) : quoteRune(code);
  });
  return `"${escaped}"`;
}

/** The same of the first `max` bytes, with three dots in place of the others, as nats-server cuts what it traces. */
export function quoteGoStart(bytes: Uint8Array, max: number): string {
  return bytes.length <= max ? quoteGo(bytes) : `"${escapeGo(bytes.subarray(0, max))}..."`;
}

function escapeGo(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const end = plainEnd(bytes, at);
    if (end - at >= RUN_LEAST) {
      text += ascii.decode(bytes.subarray(at, end));
      at = end;
      continue;
    }
    for (; at < end; at++) text += BYTES[bytes[at] as number] as string;
    if (at === bytes.length) break;
    const byte = bytes[at] as number;
    const length = byte < 0x80 ? 1 : sequenceLength(bytes, at);
    text += length < 2 ? (BYTES[byte] as string) : quoteRune(codePoint(bytes, at, length));
    at += Math.max(1, length);
  }
  return text;
}

/** The end of the printable ASCII at `at` that needs no escape. */
function plainEnd(bytes: Uint8Array, at: number): number {
  let end = at;
  for (; end < bytes.length; end++) {
    const byte = bytes[end] as number;
    if (byte < 0x20 || byte >= DELETE || byte === 34 || byte === 92) break;
  }
  return end;
}

function quoteRune(code: number): string {
  const rune = String.fromCodePoint(code);
  printable ??= new RegExp(`[${LETTERS}]`, 'u');
  if (printable.test(rune)) return rune;
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
