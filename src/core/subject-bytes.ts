// Text to bytes of linear memory, checked once where it enters. Short ASCII is written by a loop: below
// some 24 characters that beats `encodeInto`.

const encoder = new TextEncoder();
const LONE_SURROGATE = /[\ud800-\udfff]/u;
const SPACE = 32;
const NUL = 0;
const DOT = 46;
const LOOP_MAX = 24;

/** Writes a subject at `ptr`; as `writeWord`, and -1 also for NUL and for an empty token. */
export function writeSubject(u8: Uint8Array, ptr: number, bytesMax: number, text: string): number {
  return writeText(u8, ptr, bytesMax, text, true);
}

/**
 * Writes at `ptr` what can stand on a control line: a reply, which may be whatever a peer has named, or a queue name.
 *
 * @param bytesMax room there
 * @returns bytes written, or -1: no text, empty, too long, a blank, CR, LF or a lone surrogate
 */
export function writeWord(u8: Uint8Array, ptr: number, bytesMax: number, text: string): number {
  return writeText(u8, ptr, bytesMax, text, false);
}

function writeText(
  u8: Uint8Array,
  ptr: number,
  bytesMax: number,
  text: string,
  isSubject: boolean,
): number {
  if (typeof text !== 'string') return -1;
  const { length } = text;
  if (length === 0 || length > bytesMax) return -1;
  let before = DOT;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80 || (i === LOOP_MAX && length > LOOP_MAX * 2)) {
      return writeLong(u8, ptr, bytesMax, text, isSubject);
    }
    if (code <= SPACE && isForbidden(code, isSubject)) return -1;
    if (code === DOT && before === DOT && isSubject) return -1;
    u8[ptr + i] = code;
    before = code;
  }
  return before === DOT && isSubject ? -1 : length;
}

function writeLong(
  u8: Uint8Array,
  ptr: number,
  bytesMax: number,
  text: string,
  isSubject: boolean,
): number {
  if (LONE_SURROGATE.test(text)) return -1;
  const { read, written } = encoder.encodeInto(text, u8.subarray(ptr, ptr + bytesMax));
  if (read !== text.length) return -1;
  let before = DOT;
  for (let at = ptr; at < ptr + written; at++) {
    const byte = u8[at] as number;
    if (byte <= SPACE && isForbidden(byte, isSubject)) return -1;
    if (byte === DOT && before === DOT && isSubject) return -1;
    before = byte;
  }
  return before === DOT && isSubject ? -1 : written;
}

// Blanks, CR and LF would tear a control line; a NUL is no part of a subject that the program says.
function isForbidden(code: number, isSubject: boolean): boolean {
  return code === SPACE || code === 9 || code === 10 || code === 13 || (code === NUL && isSubject);
}
