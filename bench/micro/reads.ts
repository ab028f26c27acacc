// The reads of the router cases: PUBs over a hundred subjects, one after the other, as many as a busy socket brings.

/** As much as one read of a busy socket. */
const READ_BYTES = 131_072;
export const HOT_SUBJECTS = 100;

/** A read of whole PUBs, and how many they are. */
export interface Read {
  readonly read: Buffer;
  readonly messages: number;
}

/** The subject of a message by its number. */
export function hotSubject(message: number): string {
  const index = (message * 37) % HOT_SUBJECTS;
  return `orders.r${index % 16}.id${index}`;
}

/** A read of messages with so many bytes each; `prefix` stands in front of every subject. */
export function makeRead(
  bytes: number,
  { prefix = '', reply = '' }: { readonly prefix?: string; readonly reply?: string } = {},
): Read {
  const payload = 'x'.repeat(bytes);
  const behind = reply === '' ? `${bytes}` : `${reply} ${bytes}`;
  let text = '';
  let messages = 0;
  for (; text.length < READ_BYTES - bytes - 128; messages += 1) {
    text += `PUB ${prefix}${hotSubject(messages)} ${behind}\r\n${payload}\r\n`;
  }
  return { read: Buffer.from(text, 'latin1'), messages };
}
