// JSON texts as Go's encoder writes them: `<`, `>` and `&` escaped, bytes that were no UTF-8 (byte-text.ts) too, integers of
// any size.

const HTML: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

/** A value that is JSON already, compact, and escaped. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** One value as text; `indent` blanks per level, 0 for a compact one. It may hold bigints. */
export function goJson(value: unknown, indent: number): string {
  try {
    return escapeHtml(JSON.stringify(value, undefined, indent));
  } catch {
    return textOf(value, indent);
  }
}

/**
 * The same, compact, of values that are likely to hold bigints: those are written as the integers they are. Members that
 * are undefined are left out, in arrays they are `null`.
 */
export function goJsonExact(value: unknown): string {
  return textOf(value, 0);
}

function textOf(value: unknown, indent: number, depth = 0): string {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'string') return escapeHtml(JSON.stringify(value));
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (value instanceof JsonText) return value.text;
  const inner = (item: unknown): string => textOf(item, indent, depth + 1);
  if (Array.isArray(value)) return enclosed('[', value.map(inner), ']', indent, depth);
  const members: string[] = [];
  const colon = indent === 0 ? ':' : ': ';
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined) members.push(`${inner(key)}${colon}${inner(member)}`);
  }
  return enclosed('{', members, '}', indent, depth);
}

function enclosed(
  open: string,
  items: readonly string[],
  close: string,
  indent: number,
  depth: number,
): string {
  if (indent === 0 || items.length === 0) return `${open}${items.join(',')}${close}`;
  const line = `\n${' '.repeat(indent * (depth + 1))}`;
  return `${open}${line}${items.join(`,${line}`)}\n${' '.repeat(indent * depth)}${close}`;
}

/** What is escaped beside what JSON itself escapes. A backslash that is shown is two, and begins nothing. */
const SPECIAL = /[<>&\u2028\u2029]|\\\\|\\ud[89a-f][\da-f]{2}/g;

function escapeHtml(json: string): string {
  return json.replace(SPECIAL, (said) => (said.length > 2 ? '\\ufffd' : (HTML[said] ?? said)));
}
