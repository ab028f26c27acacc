// Texts of bytes that need not be UTF-8, as subjects and header values are. A byte that is no part of a character stands in
// the text as half of a surrogate pair, which no well-formed text has: so it is told apart from every other, and found again
// when the text becomes bytes. JSON that is read knows no such bytes: there each is U+FFFD, as Go reads it.
import { codePoint, sequenceLength } from './utf8.ts';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();
const REPLACEMENT = '\ufffd';
const STRAY = /[\ud800-\udfff]/gu;
const HAS_STRAY = /[\ud800-\udfff]/u;
/** Source: Go, unicode.IsSpace. */
const SPACE = /[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;
/** A stray byte is that much more. */
const STRAY_BASE = 0xdc00;
/** Characters that are made at once: each is an argument. */
const UNITS_AT_ONCE = 8192;

/** The text of bytes, of which `bytesOf` makes the same bytes again. */
export function textOf(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  return text.includes(REPLACEMENT) ? strayText(bytes) : text;
}

/** The text of bytes as Go reads JSON: U+FFFD for each byte that is no part of a character. */
export function wellFormedTextOf(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  return text.includes(REPLACEMENT) ? strayText(bytes).replace(STRAY, REPLACEMENT) : text;
}

/** The bytes of a text; stray ones as they were. */
export function bytesOf(text: string): Uint8Array {
  if (!HAS_STRAY.test(text)) return encoder.encode(text);
  const pieces = text.split(STRAY);
  const strays = text.match(STRAY) ?? [];
  const bytes: number[] = [];
  for (const [i, piece] of pieces.entries()) {
    for (const byte of encoder.encode(piece)) bytes.push(byte);
    const stray = strays[i];
    if (stray !== undefined) bytes.push(stray.charCodeAt(0) & 0xff);
  }
  return Uint8Array.from(bytes);
}

/** A text without the blanks around it, as Go knows them. */
export function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && SPACE.test(text[start] as string)) start++;
  while (end > start && SPACE.test(text[end - 1] as string)) end--;
  return text.slice(start, end);
}

function strayText(bytes: Uint8Array): string {
  const units = new Uint16Array(bytes.length);
  let count = 0;
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] as number;
    const length = byte < 0x80 ? 1 : sequenceLength(bytes, at);
    const code = length > 1 ? codePoint(bytes, at, length) : byte + (length === 1 ? 0 : STRAY_BASE);
    if (code > 0xffff) units[count++] = 0xd800 + ((code - 0x10000) >> 10);
    units[count++] = code > 0xffff ? 0xdc00 + (code & 0x3ff) : code;
    at += Math.max(1, length);
  }
  const pieces: string[] = [];
  for (let at = 0; at < count; at += UNITS_AT_ONCE) {
    pieces.push(String.fromCharCode(...units.subarray(at, Math.min(count, at + UNITS_AT_ONCE))));
  }
  return pieces.join('');
}
