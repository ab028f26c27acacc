// Header blocks as bytes: their lines, one value of them, and blocks that are kept otherwise than they came.
// Source: nats-server 2.15.3, server/client.go, sliceHeader, removeHeaderStatusIfPresent, removeHeaderIfPresent, genHeader.
import { textOf } from '../../shared/byte-text.ts';

const encoder = new TextEncoder();
const COLON = 0x3a;
const BLANK = 0x20;
const CR = 0x0d;
const LF = 0x0a;
const VERSION_BYTES = 'NATS/1.0'.length;
/** The version, its end of line and the empty line. */
const EMPTY_BLOCK_BYTES: number = VERSION_BYTES + 4;
const REQUEST_INFO = 'Nats-Request-Info';

/** Where the next line begins. */
export function lineEnd(block: Uint8Array, from: number): number {
  for (let at = block.indexOf(CR, from); at >= 0; at = block.indexOf(CR, at + 1)) {
    if (block[at + 1] === LF) return at + 2;
  }
  return block.length;
}

/** A text with a character for each byte. */
export function bytesText(bytes: Uint8Array, from = 0, end: number = bytes.length): string {
  let text = '';
  for (let at = from; at < end; at++) text += String.fromCharCode(bytes[at] as number);
  return text;
}

/** The bytes of such a text. */
export function textBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (each) => each.charCodeAt(0));
}

/** They as UTF-8 would show them. */
export function shownText(text: string): string {
  return textOf(textBytes(text));
}

/** The first value of that key, in which blanks before it are left out; empty: there is none. */
export function headerOf(block: Uint8Array | undefined, key: string): string {
  if (block === undefined) return '';
  for (let at = lineEnd(block, 0); at < block.length; ) {
    const end = lineEnd(block, at);
    if (isOf(block, at, key)) {
      let from = at + key.length + 1;
      while (block[from] === BLANK) from++;
      return textOf(block.subarray(from, end - 2));
    }
    at = end;
  }
  return '';
}

/** The block has a status behind its version, which is not kept. */
export function hasStatus(block: Uint8Array): boolean {
  return block[VERSION_BYTES] !== CR && block.indexOf(CR) > VERSION_BYTES;
}

/** The block as it is kept: without its status and without who has asked; empty when nothing is left. */
export function keptBlock(block: Uint8Array): Uint8Array {
  return without(block, REQUEST_INFO);
}

/** The block with that value alone for the key, at its end. */
export function withHeader(block: Uint8Array, key: string, value: string): Uint8Array {
  const others = without(block, key);
  const head = others.length === 0 ? 'NATS/1.0\r\n' : bytesText(others, 0, others.length - 2);
  return textBytes(`${head}${bytesText(encoder.encode(`${key}: ${value}`))}\r\n\r\n`);
}

function without(block: Uint8Array, key: string): Uint8Array {
  const lines: Uint8Array[] = [];
  let bytes = 0;
  for (let at = 0; at < block.length; ) {
    const end = lineEnd(block, at);
    const isVersion = at === 0 && hasStatus(block);
    const line = isVersion ? versionLine(block) : block.subarray(at, end);
    if (!isOf(block, at, key)) {
      lines.push(line);
      bytes += line.length;
    }
    at = end;
  }
  if (bytes <= EMPTY_BLOCK_BYTES) return new Uint8Array(0);
  const kept = new Uint8Array(bytes);
  let at = 0;
  for (const line of lines) {
    kept.set(line, at);
    at += line.length;
  }
  return kept;
}

function versionLine(block: Uint8Array): Uint8Array {
  const version = block.slice(0, VERSION_BYTES + 2);
  version[VERSION_BYTES] = CR;
  version[VERSION_BYTES + 1] = LF;
  return version;
}

/** The line that begins there is one of that key. */
function isOf(block: Uint8Array, at: number, key: string): boolean {
  const end = at + key.length;
  return block[end] === COLON && bytesText(block, at, end) === key;
}

/** What the disk says, as the status of an answer. */
export function storageStatus({ message }: Error): string {
  return `500 ${message.replace(/[\r\n]+/g, ' ')}`;
}
