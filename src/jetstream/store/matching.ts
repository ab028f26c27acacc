// Which messages do filters match? Three ways lead there, and which is the shortest is not known before:
//
//   scan     row after row, and each row's subject is judged; short where every few messages one matches
//   subjects all subjects that match, and the first message of each; short where few match
//   chain    from message to message of one subject; short where a subject has few
//
// So they are gone in turn, a piece of each, and the first that arrives has the answer: that costs at most a few times
// the shortest. Where that takes longer than some milliseconds, sweeps.ts goes on along the rows, in pieces. Verdicts about
// subjects are remembered, for the last few sets of filters, by the subjects' ids.
import type { Work } from '../work.ts';
import { Filters } from './filters.ts';
import type { Acceptor, Rows } from './rows.ts';
import type { IdWalk, SubjectTable } from './subject-table.ts';
import { Sweeps } from './sweeps.ts';

/** Rows that are looked at before anything else: most consumers find what is next there. */
const FIRST_ROWS = 256;
/** Rows and subjects that are looked at in turn; one takes some 5 to 80 ns. */
const ROWS_A_TURN = 64;
const SUBJECTS_A_TURN = 64;
const STEPS_A_WALK = 256;
/** A step in a chain costs as much as looking at so many rows: it goes anywhere in memory. */
const STEP_ROWS = 16;
const STEPS_A_TURN = 4;
/** Subjects whose messages lie on both sides; with more of them, the rows are scanned. */
const STRADDLING_MAX = 1024;
/** Turns of a search in one go, some 2 ms; steps in the tree, and rows, of a count in one go. */
const TURNS_AT_ONCE = 128;
const STEPS_AT_ONCE = 16_384;
const ROWS_AT_ONCE = 4096;
/**
 * Rows that are unfolded in one go, some 2 ms with those of the last turn: behind a start each step along a chain may be into a
 * cold chunk.
 */
const UNFOLDED_AT_ONCE = 32_768;
/** A search has gone all its turns, a count would take more than its steps. */
const TIRED = -1;
/** Sets of filters whose verdicts are remembered, and how many of each. */
const VERDICTS_KEPT = 4;
const VERDICTS = 4096;

export class Matching {
  readonly #rows: Rows;
  #subjects: SubjectTable;
  readonly #sweeps: Sweeps;
  readonly #ready = new WeakMap<readonly string[], Filters>();
  #verdicts: Verdicts[] = [];
  readonly #one: OneSubject = new OneSubject();
  /** Where a search that is tired goes on. */
  #resumeSeq = 0;

  constructor(rows: Rows, subjects: SubjectTable) {
    this.#rows = rows;
    this.#subjects = subjects;
    this.#sweeps = new Sweeps(rows, subjects);
  }

  /** All messages have gone, and with them the table of their subjects. */
  begin(subjects: SubjectTable): void {
    this.#subjects = subjects;
    this.#verdicts = [];
    this.#sweeps.begin(subjects);
  }

  /** The first message at or above `seq` that one of the filters matches, as far as some milliseconds lead; below 0: it has come to that sequence, and there it goes on. */
  nextWithin(texts: readonly string[], seq: number): number {
    const found = this.#next(this.#prepare(texts), seq);
    return found === TIRED ? -this.#resumeSeq : found;
  }

  /** The same in pieces. */
  *findNext(texts: readonly string[], seq: number): Work<number> {
    const filters = this.#prepare(texts);
    const found = this.#next(filters, seq);
    return found === TIRED ? yield* this.#sweeps.next(filters, this.#resumeSeq) : found;
  }

  #next(filters: Filters, seq: number): number {
    if (filters.isAll) return this.#rows.next(seq);
    const [first] = filters.list;
    if (filters.list.length === 1 && first?.isLiteral === true) {
      const id = this.#subjects.find(first.bytes, first.bytes.length);
      return id < 0 ? 0 : this.#nextOn(id, seq, this.#rows.unfolded + UNFOLDED_AT_ONCE);
    }
    const verdicts = this.#verdictsOf(filters);
    const found = this.#rows.search(seq, FIRST_ROWS, verdicts);
    if (found > 0 || this.#rows.resumeSeq === 0) return found;
    return this.#race(filters, verdicts, seq);
  }

  /** The last message that one of the filters matches, if it is found within some milliseconds; 0 = none, -1 = it is not. */
  lastWithin(texts: readonly string[]): number {
    return this.#last(this.#prepare(texts));
  }

  /** The same in pieces. */
  *findLast(texts: readonly string[]): Work<number> {
    const filters = this.#prepare(texts);
    const found = this.#last(filters);
    return found === TIRED ? yield* this.#sweeps.last(filters, this.#resumeSeq) : found;
  }

  /** Rows from the end, and subjects, in turn. */
  #last(filters: Filters): number {
    const rows = this.#rows;
    const end = rows.previous(Number.MAX_SAFE_INTEGER);
    if (filters.isAll || end === 0) return end;
    const subjects = this.#subjects;
    const walk = subjects.walkAll(filters, STEPS_A_WALK);
    const verdicts = this.#verdictsOf(filters);
    let best = 0;
    let at = end;
    for (let turn = 0; turn < TURNS_AT_ONCE; turn++) {
      const found = rows.searchBack(at, ROWS_A_TURN, verdicts);
      if (found > 0 || rows.resumeSeq === 0) return found;
      at = rows.resumeSeq;
      for (let left = SUBJECTS_A_TURN; left > 0; left--) {
        const id = walk.next();
        if (id === -1) return best;
        if (id < 0) break;
        subjects.locate(id);
        best = Math.max(best, subjects.last);
      }
    }
    this.#resumeSeq = at;
    return TIRED;
  }

  /** Messages from `seq` on, and below `below`, that match, when it is at its end: it counts in pieces. */
  *counting(
    texts: readonly string[],
    seq: number,
    below: number = Number.POSITIVE_INFINITY,
  ): Work<number> {
    const filters = this.#prepare(texts);
    const rows = this.#rows;
    if (filters.isAll) {
      return rows.countFrom(seq) - (Number.isFinite(below) ? rows.countFrom(below) : 0);
    }
    const few = Number.isFinite(below) ? TIRED : this.#countFew(filters, seq);
    return few === TIRED ? yield* this.#sweeps.count(filters, seq, below) : few;
  }

  /** By few rows, or by few subjects; TIRED: there are too many of both. */
  #countFew(filters: Filters, seq: number): number {
    const rows = this.#rows;
    if (rows.countFrom(seq) <= ROWS_AT_ONCE) {
      return rows.tally(seq, Number.POSITIVE_INFINITY, this.#verdictsOf(filters));
    }
    const subjects = this.#subjects;
    const ids = subjects.few(filters, STEPS_AT_ONCE);
    if (ids === undefined) return TIRED;
    let count = 0;
    let steps = 0;
    const straddling: number[] = [];
    for (const id of ids) {
      subjects.locate(id);
      if (subjects.first >= seq) count += subjects.messages;
      else if (subjects.last >= seq) {
        steps += subjects.messages;
        straddling.push(id);
      }
    }
    if (steps > STEPS_AT_ONCE) return TIRED;
    const most = rows.unfolded + UNFOLDED_AT_ONCE;
    for (const id of straddling) {
      const counted = this.#countOn(id, seq, most);
      if (counted === TIRED) return TIRED;
      count += counted;
    }
    return count;
  }

  /** The last message of each subject that matches, of those that are there at the beginning; ascending, in pieces. */
  *lasts(texts: readonly string[]): Work<readonly number[]> {
    const filters = this.#prepare(texts);
    const subjects = this.#subjects;
    const ids = filters.isAll ? undefined : subjects.few(filters, STEPS_AT_ONCE);
    if (ids === undefined) return yield* this.#sweeps.lasts(filters);
    const found: number[] = [];
    for (const id of ids) {
      subjects.locate(id);
      found.push(subjects.last);
    }
    return found.sort((a, b) => a - b);
  }

  /** A message leaves, and its subject's id still stands for its subject. */
  removing(seq: number, subjectId: number): void {
    this.#sweeps.removing(seq, subjectId);
  }

  /** One is there again. */
  restored(seq: number, subjectId: number): void {
    this.#sweeps.restored(seq, subjectId);
  }

  /** The subject is gone: its id may come again with another. */
  forget(subjectId: number): void {
    for (const verdicts of this.#verdicts) verdicts.forget(subjectId);
    this.#sweeps.forget(subjectId);
  }

  #prepare(texts: readonly string[]): Filters {
    const kept = this.#ready.get(texts);
    if (kept !== undefined) return kept;
    const alike = this.#verdicts.find(({ filters }) => isSame(filters.texts, texts));
    const filters = alike?.filters ?? new Filters(texts);
    this.#ready.set(texts, filters);
    return filters;
  }

  #verdictsOf(filters: Filters): Verdicts {
    const [latest] = this.#verdicts;
    if (latest?.filters === filters) return latest;
    let verdicts = this.#verdicts.find((each) => each.filters === filters);
    verdicts ??= new Verdicts(this.#subjects, filters);
    const others = this.#verdicts.filter((each) => each !== verdicts);
    this.#verdicts = [verdicts, ...others].slice(0, VERDICTS_KEPT);
    return verdicts;
  }

  /** Scans rows and asks subjects in turn, from where the search of rows has ended; from `seq` up to there nothing matches. */
  #race(filters: Filters, verdicts: Verdicts, seq: number): number {
    const rows = this.#rows;
    const start = rows.resumeSeq;
    const subjects = new Candidates(this.#subjects, filters, start);
    // Who goes from one to the next mostly asks from right behind the last, and its subject's next is known.
    if (rows.find(seq - 1)) subjects.know(rows, seq - 1);
    let at = start;
    for (let turn = 0; !subjects.isDone; turn++) {
      if (turn === TURNS_AT_ONCE) return this.#tired(at);
      subjects.turn();
      const found = rows.search(at, ROWS_A_TURN, verdicts);
      if (found > 0 || rows.resumeSeq === 0) return found;
      at = rows.resumeSeq;
    }
    const { best, straddling, steps } = subjects;
    if (straddling.length === 0) return best;
    // Their chains cost about as much as that many rows, in which one of them may be.
    const most = straddling.length > STRADDLING_MAX ? Number.POSITIVE_INFINITY : steps * STEP_ROWS;
    if (most > TURNS_AT_ONCE * ROWS_A_TURN) return this.#tired(at);
    const found = rows.search(at, most, verdicts);
    if (found > 0 || rows.resumeSeq === 0) return found;
    let least = best === 0 ? Number.POSITIVE_INFINITY : best;
    const unfolded = rows.unfolded + UNFOLDED_AT_ONCE;
    for (const id of straddling) {
      const next = this.#nextOn(id, at, unfolded);
      if (next === TIRED) return this.#tired(at);
      if (next > 0) least = Math.min(least, next);
    }
    return least === Number.POSITIVE_INFINITY ? 0 : least;
  }

  #tired(resumeSeq: number): number {
    this.#resumeSeq = resumeSeq;
    return TIRED;
  }

  /** The first message at or above `seq` on a subject; 0 = none. @param most rows that may have been unfolded then */
  #nextOn(id: number, seq: number, most: number): number {
    const rows = this.#rows;
    const subjects = this.#subjects;
    subjects.locate(id);
    let { first: below, last: above } = subjects;
    if (below >= seq) return below;
    if (above < seq) return 0;
    // Who goes from one to the next mostly asks from right behind the last.
    if (rows.find(seq - 1) && rows.subjectId === id) return rows.nextOf(seq - 1);
    // From both ends of its chain, and along the rows between.
    this.#one.id = id;
    for (let at = seq; ; at = rows.resumeSeq) {
      const found = rows.search(at, ROWS_A_TURN, this.#one);
      if (found > 0) return found;
      if (rows.unfolded > most) return this.#tired(rows.resumeSeq);
      for (let step = 0; step < STEPS_A_TURN; step++) {
        rows.find(below);
        below = rows.nextOf(below);
        if (below >= seq) return below;
        rows.find(above);
        const previous = rows.previousOf(above);
        if (previous < seq) return above;
        above = previous;
      }
    }
  }

  /** Messages from `seq` on of a subject that has some on both sides. @param most rows that may have been unfolded then */
  #countOn(id: number, seq: number, most: number): number {
    const subjects = this.#subjects;
    subjects.locate(id);
    const { first, messages } = subjects;
    let before = 0;
    for (let at = first; at < seq; before++) {
      if (this.#rows.unfolded > most) return TIRED;
      this.#rows.find(at);
      at = this.#rows.nextOf(at);
    }
    return messages - before;
  }
}

/** The first messages of all subjects that match, as far as they have been asked. */
class Candidates {
  readonly #subjects: SubjectTable;
  readonly #walk: IdWalk;
  readonly #seq: number;
  #known = -1;
  #knownNext = 0;
  isDone = false;
  /** The least first sequence that is not below `seq`; 0 = none. */
  best = 0;
  /** Ids of those that have messages below and above, and how many they have in all. */
  readonly straddling: number[] = [];
  steps = 0;

  constructor(subjects: SubjectTable, filters: Filters, seq: number) {
    this.#subjects = subjects;
    this.#walk = subjects.walkAll(filters, STEPS_A_WALK);
    this.#seq = seq;
  }

  /** The message at the cursor of the rows stands below all that is asked for; so its subject's next is at hand. */
  know(rows: Rows, seq: number): void {
    const subjects = this.#subjects;
    const id = rows.subjectId;
    subjects.locate(id);
    if (subjects.last <= seq) return;
    this.#known = id;
    this.#knownNext = rows.nextOf(seq);
  }

  /** Asks the next few. With too many on both sides it is done: they say little. */
  turn(): void {
    const subjects = this.#subjects;
    for (let left = SUBJECTS_A_TURN; left > 0 && !this.isDone; left--) {
      const id = this.#walk.next();
      this.isDone = id === -1 || this.straddling.length > STRADDLING_MAX;
      if (this.isDone || id < 0) return;
      subjects.locate(id);
      const { last, messages } = subjects;
      const first = id === this.#known ? this.#knownNext : subjects.first;
      if (last < this.#seq) continue;
      if (first < this.#seq) {
        this.straddling.push(id);
        this.steps += messages;
      } else if (this.best === 0 || first < this.best) {
        this.best = first;
      }
    }
  }
}

class OneSubject implements Acceptor {
  id = 0;

  accepts(subjectId: number): boolean {
    return subjectId === this.id;
  }
}

/** Whether filters match subjects, as far as it has been asked; by ids, each in one place. */
class Verdicts implements Acceptor {
  readonly #subjects: SubjectTable;
  readonly filters: Filters;
  /** id + 1; 0 = nobody's. */
  readonly #ids = new Float64Array(VERDICTS);
  readonly #answers = new Uint8Array(VERDICTS);

  constructor(subjects: SubjectTable, filters: Filters) {
    this.#subjects = subjects;
    this.filters = filters;
  }

  accepts(subjectId: number): boolean {
    const slot = subjectId & (VERDICTS - 1);
    if (this.#ids[slot] === subjectId + 1) return this.#answers[slot] === 1;
    const { bytes, at, length } = this.#subjects.placeOf(subjectId);
    const isMatch = this.filters.matches(bytes, at, length);
    this.#ids[slot] = subjectId + 1;
    this.#answers[slot] = isMatch ? 1 : 0;
    return isMatch;
  }

  forget(subjectId: number): void {
    const slot = subjectId & (VERDICTS - 1);
    if (this.#ids[slot] === subjectId + 1) this.#ids[slot] = 0;
  }
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((text, at) => text === others[at]);
}
