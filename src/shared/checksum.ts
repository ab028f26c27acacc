// The checksum of names and small files. Node's zlib, which has it, is loaded when the first is wanted: a start that finds
// nothing on disk wants none. Not by `import()`, since whoever wants one has it at once.
import type * as Zlib from 'node:zlib';

/** CRC-32 of bytes, or of a text as UTF-8. */
export function checksum(data: string | Uint8Array): number {
  return (process.getBuiltinModule('node:zlib') as typeof Zlib).crc32(data);
}
