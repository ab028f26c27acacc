// Which messages do filters match? Three ways lead there, and which is the shortest is not known before:
//
//   scan     row after row, and each row's subject is judged; short where every few messages one matches
//   subjects all subjects that match, and the first message of each; short where few match
//   chain    from message to message of one subject; short where a subject has few
//
// So they are gone in turn, a piece of each, and the first that arrives has the answer: that costs at most a few times
// the shortest. Verdicts about subjects are remembered, for the last few sets of filters, by the subjects' ids.
import { Filters } from './filters.ts';
import type { Acceptor, Rows } from './rows.ts';
import type { IdWalk, SubjectTable } from './subject-table.ts';

/** Rows that are looked at before anything else: most consumers find what is next there. */
const FIRST_ROWS = 256;
/** Rows and subjects that are looked at in turn; one takes some 5 to 80 ns. */
const ROWS_A_TURN = 64;
const SUBJECTS_A_TURN = 64;
/** A step in a chain costs as much as looking at so many rows: it goes anywhere in memory. */
const STEP_ROWS = 16;
const STEPS_A_TURN = 4;
/** Subjects whose messages lie on both sides; with more of them, the rows are scanned. */
const STRADDLING_MAX = 1024;
/** Sets of filters whose verdicts are remembered, and how many of each. */
const VERDICTS_KEPT = 4;
const VERDICTS = 4096;

export class Matching {
  readonly #rows: Rows;
  readonly #subjects: SubjectTable;
  readonly #ready = new WeakMap<readonly string[], Filters>();
  #verdicts: Verdicts[] = [];
  readonly #one: OneSubject = new OneSubject();

  constructor(rows: Rows, subjects: SubjectTable) {
    this.#rows = rows;
    this.#subjects = subjects;
  }

  /** The first message at or above `seq` that one of the filters matches; 0 = none. */
  next(texts: readonly string[], seq: number): number {
    const filters = this.#prepare(texts);
    if (filters.isAll) return this.#rows.next(seq);
    const [first] = filters.list;
    if (filters.list.length === 1 && first?.isLiteral === true) {
      const id = this.#subjects.find(first.bytes, first.bytes.length);
      return id < 0 ? 0 : this.#nextOn(id, seq);
    }
    const verdicts = this.#verdictsOf(filters);
    const found = this.#rows.search(seq, FIRST_ROWS, verdicts);
    if (found > 0 || this.#rows.resumeSeq === 0) return found;
    return this.#race(filters, verdicts, seq, this.#rows.resumeSeq);
  }

  /** The last message that one of the filters matches; 0 = none. Rows from the end, and subjects, in turn. */
  last(texts: readonly string[]): number {
    const filters = this.#prepare(texts);
    const rows = this.#rows;
    const end = rows.previous(Number.MAX_SAFE_INTEGER);
    if (filters.isAll || end === 0) return end;
    const subjects = this.#subjects;
    const walk = subjects.walkAll(filters);
    const verdicts = this.#verdictsOf(filters);
    let best = 0;
    for (let at = end; ; at = rows.resumeSeq) {
      const found = rows.searchBack(at, ROWS_A_TURN, verdicts);
      if (found > 0 || rows.resumeSeq === 0) return found;
      for (let left = SUBJECTS_A_TURN; left > 0; left--) {
        const id = walk.next();
        if (id < 0) return best;
        subjects.locate(id);
        best = Math.max(best, subjects.last);
      }
    }
  }

  /** Messages from `seq` on that one of the filters matches. */
  count(texts: readonly string[], seq: number): number {
    const rows = this.#rows;
    const filters = this.#prepare(texts);
    if (filters.isAll) return rows.countFrom(seq);
    const subjects = this.#subjects;
    const straddling: number[] = [];
    let all = 0;
    let count = 0;
    let steps = 0;
    for (const id of subjects.idsOf(filters)) {
      subjects.locate(id);
      all += subjects.messages;
      if (subjects.first >= seq) count += subjects.messages;
      else if (subjects.last >= seq) {
        steps += subjects.messages;
        straddling.push(id);
      }
    }
    if (straddling.length === 0) return count;
    const behind = rows.countFrom(seq);
    const before = rows.living - behind;
    if (steps * STEP_ROWS <= Math.min(behind, before)) {
      for (const id of straddling) count += this.#countOn(id, seq);
      return count;
    }
    const verdicts = this.#verdictsOf(filters);
    return behind <= before
      ? rows.tally(seq, Number.POSITIVE_INFINITY, verdicts)
      : all - rows.tally(0, seq, verdicts);
  }

  /** The subject is gone: its id may come again with another. */
  forget(subjectId: number): void {
    for (const verdicts of this.#verdicts) verdicts.forget(subjectId);
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

  /** Scans rows and asks subjects in turn, from `start` on; from `seq` up to there nothing matches. */
  #race(filters: Filters, verdicts: Verdicts, seq: number, start: number): number {
    const rows = this.#rows;
    const subjects = new Candidates(this.#subjects, filters, start);
    // Who goes from one to the next mostly asks from right behind the last, and its subject's next is known.
    if (rows.find(seq - 1)) subjects.know(rows, seq - 1);
    let at = start;
    while (!subjects.isDone) {
      subjects.turn();
      const found = rows.search(at, ROWS_A_TURN, verdicts);
      if (found > 0 || rows.resumeSeq === 0) return found;
      at = rows.resumeSeq;
    }
    const { best, straddling, steps } = subjects;
    if (straddling.length === 0) return best;
    // Their chains cost about as much as that many rows, in which one of them may be.
    const most = straddling.length > STRADDLING_MAX ? Number.POSITIVE_INFINITY : steps * STEP_ROWS;
    const found = rows.search(at, most, verdicts);
    if (found > 0 || rows.resumeSeq === 0) return found;
    let least = best === 0 ? Number.POSITIVE_INFINITY : best;
    for (const id of straddling) {
      const seq = this.#nextOn(id, at);
      if (seq > 0) least = Math.min(least, seq);
    }
    return least === Number.POSITIVE_INFINITY ? 0 : least;
  }

  /** The first message at or above `seq` on a subject; 0 = none. */
  #nextOn(id: number, seq: number): number {
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

  /** Messages from `seq` on of a subject that has some on both sides. */
  #countOn(id: number, seq: number): number {
    const subjects = this.#subjects;
    subjects.locate(id);
    const { first, messages } = subjects;
    let before = 0;
    for (let at = first; at < seq; before++) {
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
    this.#walk = subjects.walkAll(filters);
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
      this.isDone = id < 0 || this.straddling.length > STRADDLING_MAX;
      if (this.isDone) return;
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
