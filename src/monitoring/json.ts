// Documents whose long lists are written piece by piece, so that nobody has to wait for, or hold, the whole.
import { goJson } from '../shared/go-json.ts';

/**
 * A list whose items are made as they are asked for. An undefined one is none: whoever makes them has worked for a
 * moment, and gives others theirs.
 */
export class JsonList {
  readonly items: Iterable<unknown>;

  constructor(items: Iterable<unknown>) {
    this.items = items;
  }
}

/** The text of a document in pieces; JsonLists may be it, or stand in its objects and in their items. Pieces may be empty. */
export function* jsonPieces(value: unknown, indent: number, depth = 0): Generator<string, void> {
  if (value instanceof JsonList) yield* listPieces(value, indent, depth);
  else if (hasList(value)) yield* objectPieces(value, indent, depth);
  else yield indented(goJson(value, indent), indent, depth);
}

function* listPieces(list: JsonList, indent: number, depth: number): Generator<string, void> {
  let start = `[${lineEnd(indent, depth + 1)}`;
  let count = 0;
  for (const item of list.items) {
    if (item === undefined) {
      yield '';
      continue;
    }
    // Most items are plain, and there are many: each is one piece.
    if (hasList(item)) {
      yield start;
      yield* jsonPieces(item, indent, depth + 1);
    } else yield start + indented(goJson(item, indent), indent, depth + 1);
    if (count++ === 0) start = `,${lineEnd(indent, depth + 1)}`;
  }
  yield count === 0 ? '[]' : `${lineEnd(indent, depth)}]`;
}

function* objectPieces(value: object, indent: number, depth: number): Generator<string, void> {
  let text = '{';
  const colon = indent === 0 ? ':' : ': ';
  for (const [key, field] of Object.entries(value)) {
    if (field === undefined) continue;
    const comma = text === '{' ? '' : ',';
    text += `${comma}${lineEnd(indent, depth + 1)}${goJson(key, 0)}${colon}`;
    if (field instanceof JsonList || hasList(field)) {
      yield text;
      yield* jsonPieces(field, indent, depth + 1);
      text = '';
    } else text += indented(goJson(field, indent), indent, depth + 1);
  }
  yield `${text}${lineEnd(indent, depth)}}`;
}

function hasList(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).some((field) => field instanceof JsonList || hasList(field));
}

function lineEnd(indent: number, depth: number): string {
  return indent === 0 ? '' : `\n${' '.repeat(indent * depth)}`;
}

function indented(text: string, indent: number, depth: number): string {
  return indent === 0 || depth === 0 ? text : text.replaceAll('\n', lineEnd(indent, depth));
}
