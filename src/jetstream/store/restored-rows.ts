// Rows of messages that are there again: they had been removed to make room for others, which could not be kept. That is
// rare; so it may look everything up again.
import { HAS_HEADERS, ROW_AT, ROW_BODY, ROW_SLAB, ROW_SUBJECT } from './row-chunk.ts';
import type { Rows } from './rows.ts';
import type { SubjectTable } from './subject-table.ts';

/** A message whose body lies somewhere, and has no row. */
export interface FoundMessage {
  readonly seq: number;
  readonly timeMs: number;
  readonly subject: Uint8Array;
  readonly bodyBytes: number;
  readonly hasHeaders: boolean;
  /** Words of the row: where it lies. */
  readonly slab: number;
  readonly at: number;
}

/**
 * Gives them rows again. Mostly each was the first of its subject when it was removed.
 *
 * @param found ascending
 */
export function restoreRows(
  found: readonly FoundMessage[],
  rows: Rows,
  subjects: SubjectTable,
): void {
  rows.insert(found.map(({ seq }) => seq));
  for (const each of [...found].reverse()) link(each, rows, subjects);
}

function link(each: FoundMessage, rows: Rows, subjects: SubjectTable): void {
  const { seq, subject } = each;
  let id = subjects.find(subject, subject.length);
  let next = 0;
  let previous = 0;
  if (id < 0) {
    id = subjects.add(subject, 0, subject.length, seq);
  } else {
    if (subjects.scans.size > 0) subjects.changing(id);
    subjects.locate(id);
    const { first, last } = subjects;
    for (next = first; next !== 0 && next < seq; next = next === last ? 0 : rows.nextOf(next)) {
      previous = next;
      rows.find(next);
    }
    if (previous === 0) subjects.first = seq;
    if (next === 0) subjects.last = seq;
    subjects.messages++;
  }
  rows.find(seq);
  fill(rows, each, id);
  if (next > 0) rows.setNext(seq, next);
  if (previous > 0) rows.setPrevious(seq, previous);
  if (next > 0 && rows.find(next)) rows.setPrevious(next, seq);
  if (previous > 0 && rows.find(previous)) rows.setNext(previous, seq);
}

function fill(rows: Rows, each: FoundMessage, id: number): void {
  const { words, times } = rows.chunk;
  const { word } = rows;
  times[word >>> 1] = each.timeMs;
  words[word + ROW_SLAB] = each.slab;
  words[word + ROW_AT] = each.at;
  words[word + ROW_BODY] = each.hasHeaders ? each.bodyBytes + HAS_HEADERS : each.bodyBytes;
  words[word + ROW_SUBJECT] = id;
}
