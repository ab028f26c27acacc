// A text in quotes as Go writes it in its errors.

const NAMED_ESCAPES: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '"': '\\"',
  '\\': '\\\\',
};

/** As Go's %q: what does not print is escaped, and a byte that was no UTF-8 is a byte. */
export function quoted(text: string): string {
  const escaped = text.replace(/["\\]|[^ \p{L}\p{M}\p{N}\p{P}\p{S}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    const hex = code.toString(16);
    if (/\p{Surrogate}/u.test(character)) return `\\x${hex.slice(-2)}`;
    const named = NAMED_ESCAPES[character];
    if (named !== undefined) return named;
    if (code < 0x80) return `\\x${hex.padStart(2, '0')}`;
    return code > 0xffff ? `\\U${hex.padStart(8, '0')}` : `\\u${hex.padStart(4, '0')}`;
  });
  return `"${escaped}"`;
}
