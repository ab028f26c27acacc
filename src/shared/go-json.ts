// JSON texts as Go's encoder writes them: `<`, `>` and `&` escaped, integers of any size.

const HTML: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

/** One value as text; `indent` blanks per level, 0 for a compact one. */
export function goJson(value: unknown, indent: number): string {
  return escapeHtml(JSON.stringify(value, undefined, indent));
}

/**
 * The same, compact, of values that hold bigints: those are written as the integers they are. Members that are undefined
 * are left out, in arrays they are `null`.
 */
export function goJsonExact(value: unknown): string {
  return escapeHtml(textOf(value));
}

function textOf(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(textOf).join(',')}]`;
  const members: string[] = [];
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${textOf(member)}`);
  }
  return `{${members.join(',')}}`;
}

function escapeHtml(json: string): string {
  return json.replace(/[<>&\u2028\u2029]/g, (char) => HTML[char] ?? char);
}
