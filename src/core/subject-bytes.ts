// Text to bytes of linear memory, checked once where it enters. Short ASCII is written by a loop: below
// some 24 characters that beats `encodeInto`.

const encoder = new TextEncoder();
const LONE_SURROGATE = /\p{Surrogate}/u;
const SPACE = 32;
const DOT = 46;
const LOOP_MAX = 24;

/**
 * Writes a subject or a queue name at `ptr`.
 *
 * @param bytesMax room there
 * @param wantsTokens no token may be empty
 * @returns bytes written, or -1: no text, empty, too long, a blank, CR, LF, NUL, a lone surrogate or an empty token
 */
export function writeSubject(
  u8: Uint8Array,
  ptr: number,
  bytesMax: number,
  text: string,
  wantsTokens: boolean,
): number {
  if (typeof text !== 'string') return -1;
  const { length } = text;
  if (length === 0 || length > bytesMax) return -1;
  let before = DOT;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80 || (i === LOOP_MAX && length > LOOP_MAX * 2)) {
      return writeLong(u8, ptr, bytesMax, text, wantsTokens);
    }
    if (code <= SPACE && isForbidden(code)) return -1;
    if (code === DOT && before === DOT && wantsTokens) return -1;
    u8[ptr + i] = code;
    before = code;
  }
  return before === DOT && wantsTokens ? -1 : length;
}

function writeLong(
  u8: Uint8Array,
  ptr: number,
  bytesMax: number,
  text: string,
  wantsTokens: boolean,
): number {
  if (LONE_SURROGATE.test(text)) return -1;
  const { read, written } = encoder.encodeInto(text, u8.subarray(ptr, ptr + bytesMax));
  if (read !== text.length) return -1;
  let before = DOT;
  for (let at = ptr; at < ptr + written; at++) {
    const byte = u8[at] as number;
    if (byte <= SPACE && isForbidden(byte)) return -1;
    if (byte === DOT && before === DOT && wantsTokens) return -1;
    before = byte;
  }
  return before === DOT && wantsTokens ? -1 : written;
}

// Blanks, CR, LF and NUL: what would tear a control line.
function isForbidden(code: number): boolean {
  return code === SPACE || code === 9 || code === 10 || code === 13 || code === 0;
}
