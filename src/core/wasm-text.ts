// Wasm as text, which compresses better than base64 and is faster to read (scripts/build-wasm.mjs writes it).

export interface WasmText {
  /** The low seven bits of the bytes, each turned. */
  readonly text: string;
  /** What turns them back: to be added to each, without its carry. */
  readonly turn: number;
  /** How far it is from one byte with the eighth bit to the next; 127 goes as far to none. */
  readonly gaps: string;
}

/** The bytes: all at once, turned four at a time, and then the eighth bit of the few that have it. */
export function bytesOf({ text, turn, gaps }: WasmText): Uint8Array<ArrayBuffer> {
  const { length } = text;
  const words = new Uint32Array((length + 3) >> 2);
  const bytes = new Uint8Array(words.buffer, 0, length);
  new TextEncoder().encodeInto(text, bytes);
  const turns = turn * 0x01010101;
  for (let i = 0; i < words.length; i++) words[i] = ((words[i] as number) + turns) & 0x7f7f7f7f;
  let at = -1;
  for (let i = 0; i < gaps.length; i++) {
    const gap = gaps.charCodeAt(i);
    at += gap;
    if (gap < 127) bytes[at] = (bytes[at] as number) | 128;
  }
  return bytes;
}
