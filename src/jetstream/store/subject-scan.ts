// What a filter matched at one moment, read in pieces while the table goes on changing: whoever is about to be changed
// before it has been read is read at once. Subjects that came later are passed over.
//
//   ids    0 ────────── read ──────────►│ at            before a change of one on this side it is read, and passed then
import { type Work, wholly } from '../work.ts';
import type { Filter } from './filters.ts';
import type { SubjectState } from './store.ts';
import type { SubjectTable } from './subject-table.ts';

/** A subject, and how many messages it had. */
export type CountedSubject = readonly [subject: string, messages: number];

/** What of the tree is walked at once, and ids that are looked at between two yields: some tenths of a millisecond. */
const STEPS_AT_ONCE = 4096;
const IDS_A_PIECE = 512;

/** Counts the messages of each subject, as it is when this is begun. */
export function* countSubjects(
  subjects: SubjectTable,
  filter: Filter,
): Work<readonly CountedSubject[]> {
  const few = subjects.within(filter, STEPS_AT_ONCE);
  if (few !== undefined) {
    return few.map((id) => {
      const text = subjects.textOf(id);
      return [text, subjects.messages] as const;
    });
  }
  const scan = new SubjectScan(subjects, filter);
  try {
    while (scan.step(IDS_A_PIECE)) yield;
  } finally {
    scan.close();
  }
  return scan.entries;
}

/** The subjects that match: nothing may be changed meanwhile. */
export function* walkSubjects(subjects: SubjectTable, filter: Filter): Iterable<SubjectState> {
  const ids = subjects.within(filter, Number.POSITIVE_INFINITY);
  for (const id of ids ?? wholly(findSubjects(subjects, filter))) {
    subjects.locate(id);
    const { messages, first: firstSeq, last: lastSeq } = subjects;
    yield {
      id,
      messages,
      firstSeq,
      lastSeq,
      // Few ask for it, and to make it takes longer than all the rest.
      get subject() {
        return subjects.textOf(id);
      },
    };
  }
}

/** The ids of all that are there from the beginning to the end; who comes or goes meanwhile is met or not. */
export function* findSubjects(subjects: SubjectTable, filter: Filter): Work<readonly number[]> {
  const few = subjects.within(filter, STEPS_AT_ONCE);
  if (few !== undefined) return few;
  const ids: number[] = [];
  for (let id = 0; id < subjects.idsEnd; id += IDS_A_PIECE) {
    subjects.scan([filter], id, id + IDS_A_PIECE, ids);
    yield;
  }
  return ids;
}

export class SubjectScan {
  readonly entries: CountedSubject[] = [];
  readonly #table: SubjectTable;
  readonly #filter: Filter;
  /** Of the last subject of that moment. */
  readonly #generation: number;
  readonly #early = new Set<number>();
  #at = 0;

  constructor(table: SubjectTable, filter: Filter) {
    this.#table = table;
    this.#filter = filter;
    this.#generation = table.generation;
    table.scans.add(this);
  }

  /** Reads the next `most` ids. False: that was all. */
  step(most: number): boolean {
    const end = Math.min(this.#at + most, this.#table.idsEnd);
    for (; this.#at < end; this.#at++) if (!this.#early.delete(this.#at)) this.#read(this.#at);
    if (end < this.#table.idsEnd) return true;
    this.close();
    return false;
  }

  /** That subject is about to be changed, or to go. */
  before(id: number): void {
    if (id < this.#at || this.#early.has(id)) return;
    this.#early.add(id);
    this.#read(id);
  }

  #read(id: number): void {
    const table = this.#table;
    // Generations count up, and begin again after 2^32 of them.
    if (((this.#generation - table.generationOf(id)) | 0) < 0 || !table.locate(id)) return;
    const { bytes, at, length } = table.placeOf(id);
    if (!this.#filter.matches(bytes, at, length)) return;
    table.locate(id);
    const { messages } = table;
    this.entries.push([table.textOf(id), messages]);
  }

  close(): void {
    this.#table.scans.delete(this);
  }
}
