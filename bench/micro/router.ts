// What the router cases ask of the core and of those beside it. All are fed the same reads, each from its own
// inbox, and everything they queue for a session is taken and given back at once, as by a socket that takes all.

/** Sessions that a case may use; number 0 is the one that publishes. */
export const SESSIONS = 11;

export interface Router {
  readonly name: string;
  readonly isOurs: boolean;
  /** Feeds protocol text of a session; it ends with an op. */
  say(session: number, text: string): void;
  /** Puts a read into the inbox, and there it stays. */
  load(bytes: Uint8Array): void;
  /** Routes the read as session 0's, and answers how many bytes that has given the sessions. */
  route(): number;
  /** Parses the read and answers how many ops it has. */
  parse(): number;
  /** Puts subjects where they can be asked for by number. */
  place(subjects: readonly string[]): void;
  /** How many of the placed subjects from `start` up to but without `end` have a match, the cache passed by. */
  match(start: number, end: number): number;
  /** How many of them have a result, which comes from the cache if it holds it. */
  lookUp(start: number, end: number): number;
}

/** Subjects one after the other, as one text with the place of each. */
export interface Placed {
  readonly bytes: Uint8Array;
  readonly offsets: Int32Array;
  readonly lengths: Int32Array;
}

/** Lays subjects out, eight bytes apart at least. */
export function layOut(subjects: readonly string[]): Placed {
  const texts = subjects.map((subject) => Buffer.from(subject, 'latin1'));
  const offsets = new Int32Array(texts.length);
  const lengths = Int32Array.from(texts, ({ length }) => length);
  let end = 0;
  texts.forEach(({ length }, index) => {
    offsets[index] = end;
    end += length + 8;
  });
  const bytes = new Uint8Array(end);
  texts.forEach((text, index) => void bytes.set(text, offsets[index]));
  return { bytes, offsets, lengths };
}
