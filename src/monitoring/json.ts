// JSON texts as Go's encoder writes them: two blanks of indentation, `<`, `>` and `&` escaped.

const HTML: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

/** One value as text; `indent` blanks per level, 0 for a compact one. */
export function goJson(value: unknown, indent: number): string {
  return JSON.stringify(value, undefined, indent).replace(
    /[<>&\u2028\u2029]/g,
    (char) => HTML[char] ?? char,
  );
}
