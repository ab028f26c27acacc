// Names of streams and accounts as names of directories: what any file system takes and does not fold. Small letters,
// digits, `_` and `-` stay, all other bytes are written as `%xx`; of a long name the begin is there, and a checksum.
import { checksum } from '../../shared/checksum.ts';

/** File systems take 255 bytes; something is put behind. */
const NAME_MOST = 200;

export function directoryName(name: string): string {
  let text = '';
  for (const byte of new TextEncoder().encode(name)) {
    const char = String.fromCharCode(byte);
    text += /[a-z0-9_-]/.test(char) ? char : `%${byte.toString(16).padStart(2, '0')}`;
  }
  if (text.length <= NAME_MOST) return text;
  return `${text.slice(0, NAME_MOST - 9)}~${checksum(name).toString(16).padStart(8, '0')}`;
}

/** What a directory is named for; of a long name the begin. */
export function streamName(directory: string): string {
  try {
    return decodeURIComponent(directory);
  } catch {
    return directory;
  }
}
