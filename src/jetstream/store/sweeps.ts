// What looks at very many rows, in pieces, while the store goes on: rows are gone through in the order of their sequences,
// and what changes behind the place that was reached is told.
//
//   rows   from ──── counted ────►│ at ─ ─ ─ ─ ─ ─►       one that leaves is taken out of the count on this side only,
//                                                         one that comes is met
import type { Work } from '../work.ts';
import type { Filters } from './filters.ts';
import type { Acceptor, Rows } from './rows.ts';
import type { SubjectTable } from './subject-table.ts';

/** Rows that are looked at between two yields, and matches: some tenths of a millisecond. */
const ROWS_A_PIECE = 2048;
const MATCHES_A_PIECE = 512;

/** A count under way. */
interface Tally {
  readonly wanted: Judge;
  readonly from: number;
  /** Where it goes on. */
  at: number;
  count: number;
}

export class Sweeps {
  readonly #rows: Rows;
  #subjects: SubjectTable;
  readonly #judges = new Set<Judge>();
  readonly #tallies = new Set<Tally>();

  constructor(rows: Rows, subjects: SubjectTable) {
    this.#rows = rows;
    this.#subjects = subjects;
  }

  /** All messages have gone, and with them the table of their subjects. */
  begin(subjects: SubjectTable): void {
    this.#subjects = subjects;
    for (const judge of this.#judges) judge.begin(subjects);
    for (const tally of this.#tallies) tally.count = 0;
  }

  /** A message leaves, and its subject's id still stands for its subject. */
  removing(seq: number, subjectId: number): void {
    // Every removal comes by here.
    if (this.#tallies.size === 0) return;
    for (const tally of this.#tallies) if (isCounted(tally, seq, subjectId)) tally.count--;
  }

  /** One is there again. */
  restored(seq: number, subjectId: number): void {
    for (const tally of this.#tallies) if (isCounted(tally, seq, subjectId)) tally.count++;
  }

  /** The subject is gone: its id may come again with another. */
  forget(subjectId: number): void {
    if (this.#judges.size === 0) return;
    for (const judge of this.#judges) judge.forget(subjectId);
  }

  /** Messages from `from` on and below `below` that match, when it is at its end. */
  *count(filters: Filters, from: number, below: number): Work<number> {
    const rows = this.#rows;
    const wanted = this.#judge(filters);
    const tally = { wanted, from, at: from, count: 0 };
    this.#tallies.add(tally);
    try {
      for (;;) {
        const at = rows.next(tally.at);
        if (at === 0 || at >= below) return tally.count;
        tally.at = Math.min(at + ROWS_A_PIECE, below);
        tally.count += rows.tally(at, tally.at, wanted);
        // What comes behind the end within this piece would be passed over.
        if (rows.next(tally.at) === 0) return tally.count;
        yield;
      }
    } finally {
      this.#tallies.delete(tally);
      this.#judges.delete(wanted);
    }
  }

  /** The first message at or above `from` that matches; 0 = none. */
  next(filters: Filters, from: number): Work<number> {
    return this.#find(filters, from, (at, wanted) => this.#rows.search(at, ROWS_A_PIECE, wanted));
  }

  /** The last message at or below `from` that matches; 0 = none. */
  last(filters: Filters, from: number): Work<number> {
    const rows = this.#rows;
    return this.#find(filters, from, (at, wanted) => rows.searchBack(at, ROWS_A_PIECE, wanted));
  }

  /** @param look looks at a piece of the rows, from there on */
  *#find(
    filters: Filters,
    from: number,
    look: (at: number, wanted: Judge) => number,
  ): Work<number> {
    const wanted = this.#judge(filters);
    try {
      for (let at = from; ; ) {
        const found = look(at, wanted);
        at = this.#rows.resumeSeq;
        if (found > 0 || at === 0) return found;
        yield;
      }
    } finally {
      this.#judges.delete(wanted);
    }
  }

  /** The last message of each subject that matches, of those that are there at the beginning; in ascending order. */
  *lasts(filters: Filters): Work<number[]> {
    const rows = this.#rows;
    const wanted = this.#judge(filters);
    const end = rows.previous(Number.MAX_SAFE_INTEGER);
    const found: number[] = [];
    try {
      let looked = 0;
      for (let at = rows.first(); at > 0 && at <= end; ) {
        const seq = rows.search(at, ROWS_A_PIECE, wanted);
        const { resumeSeq } = rows;
        if (seq > end) break;
        if (seq > 0 && this.#isLast(seq, end)) found.push(seq);
        at = seq > 0 ? seq + 1 : resumeSeq;
        if (seq === 0 || ++looked % MATCHES_A_PIECE === 0) yield;
      }
      return found;
    } finally {
      this.#judges.delete(wanted);
    }
  }

  /** No other message on its subject is above it, up to `end`. */
  #isLast(seq: number, end: number): boolean {
    const rows = this.#rows;
    if (!rows.find(seq)) return false;
    this.#subjects.locate(rows.subjectId);
    return this.#subjects.last === seq || rows.nextOf(seq) > end;
  }

  #judge(filters: Filters): Judge {
    const judge = new Judge(this.#subjects, filters);
    this.#judges.add(judge);
    return judge;
  }
}

/** It stands in front of where the count has come to. */
function isCounted({ from, at, wanted }: Tally, seq: number, subjectId: number): boolean {
  return seq >= from && seq < at && wanted.accepts(subjectId);
}

/** Whether filters match subjects: each subject is compared once. */
class Judge implements Acceptor {
  #subjects: SubjectTable;
  readonly #filters: Filters;
  /** By id: 0 = not known, 1 = no, 2 = yes. Of those that have come since nothing is kept. */
  #answers: Uint8Array;

  constructor(subjects: SubjectTable, filters: Filters) {
    this.#subjects = subjects;
    this.#filters = filters;
    this.#answers = new Uint8Array(subjects.idsEnd);
  }

  begin(subjects: SubjectTable): void {
    this.#subjects = subjects;
    this.#answers = new Uint8Array(0);
  }

  accepts(subjectId: number): boolean {
    const answers = this.#answers;
    const isKept = subjectId < answers.length;
    const known = isKept ? (answers[subjectId] as number) : 0;
    if (known !== 0) return known === 2;
    const { bytes, at, length } = this.#subjects.placeOf(subjectId);
    const isMatch = this.#filters.isAll || this.#filters.matches(bytes, at, length);
    if (isKept) answers[subjectId] = isMatch ? 2 : 1;
    return isMatch;
  }

  forget(subjectId: number): void {
    if (subjectId < this.#answers.length) this.#answers[subjectId] = 0;
  }
}
