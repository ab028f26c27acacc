// What a server says, fit for a terminal and a report: text that comes from a socket may hold escape sequences,
// which move the cursor, rename the window or write what was never printed.

const NO_PRINT = String.raw`\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}`;
/** Controls, what is invisible or turns the direction of writing, and half characters. */
const UNPRINTABLE = new RegExp(`[${NO_PRINT}]`, 'gu');
/** Longer than any text of nats-server. */
const CHARACTERS_MAX = 256;

/** The text with each unprintable character as `\u{…}`; what is beyond 256 characters is left out. */
export function printable(text: string): string {
  // Cut first: the whole may be as long as a line may be.
  const characters = Array.from(text.slice(0, CHARACTERS_MAX * 2));
  const isLong = text.length > CHARACTERS_MAX * 2 || characters.length > CHARACTERS_MAX;
  const shown = characters.slice(0, CHARACTERS_MAX).join('').replace(UNPRINTABLE, escaped);
  return isLong ? `${shown}…` : shown;
}

function escaped(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`;
}
