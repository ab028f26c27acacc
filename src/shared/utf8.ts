// Where characters of UTF-8 begin and end among bytes that may be anything.

/** Length of the valid UTF-8 sequence of more than one byte at `at`, 0 when there is none. */
export function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + length > bytes.length) return 0;
  for (let i = at + 1; i < at + length; i++) {
    if (((bytes[i] as number) & 0xc0) !== 0x80) return 0;
  }
  // Neither longer than it need be, nor half of a pair, nor beyond the last one.
  const code = codePoint(bytes, at, length);
  if (length === 3 && (code < 0x800 || (code >= 0xd800 && code <= 0xdfff))) return 0;
  if (length === 4 && (code < 0x10000 || code > 0x10ffff)) return 0;
  return length;
}

/** Of the sequence of that length at `at`. */
export function codePoint(bytes: Uint8Array, at: number, length: number): number {
  let code = (bytes[at] as number) & (0xff >> (length + 1));
  for (let i = at + 1; i < at + length; i++) code = (code << 6) | ((bytes[i] as number) & 0x3f);
  return code;
}
