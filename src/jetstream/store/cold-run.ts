// Adds parts of an index that stay cold (cold-rows.ts), one behind the other. Each is chained to those before it by the first
// and the last message of each of its subjects. Most subjects are in part after part; so what is known of them is kept in
// arrays here, by numbers that their texts have in the run, and comes into the table of subjects once, when the run ends.
//
//   part     texts 0 1 2 │  texts 0 1 2 │  …             the same text has another number in each
//   run           4 7 5  │       7 5 4  │  …             and one here: subject, last sequence, where its row says of the next
import type { Work } from '../work.ts';
import { ColdRows, TEXT_NEXT, TEXT_PREVIOUS, TEXT_SUBJECT, TEXT_WORDS } from './cold-rows.ts';
import type { CompactPart } from './compact-parts.ts';
import type { Texts } from './compact-rows.ts';
import { FAR } from './row-chunk.ts';
import type { Rows } from './rows.ts';
import type { MutableState } from './store-beginning.ts';
import type { SubjectTable } from './subject-table.ts';
import { TextNumbers } from './text-numbers.ts';

/** So many subjects are known at a time, and those of one block: some hundred KiB, from the first block on. */
const SUBJECTS = 4096;
/** Texts of a block that are gone through in a step: where each is a subject that is new, some tenths of a millisecond. */
const TEXTS_A_STEP = 1024;

export interface ColdRunStore {
  readonly rows: Rows;
  readonly state: MutableState;
  /** The subjects as they are now. */
  table(): SubjectTable;
}

export class ColdRun {
  readonly #store: ColdRunStore;
  readonly #numbers = new TextNumbers();
  /** By the numbers of the texts at hand: those of the run. */
  #inRun = new Uint32Array(0);
  #texts!: Texts;
  /** What a row says of the slab in which all of them lie. */
  #slab = 0;
  // By the numbers of the run: the subject, -1 = it is not known yet; its last sequence; how many messages the table does not
  // know of; the chunk with its last row, and where its text is there.
  #ids = new Int32Array(0);
  #lasts = new Float64Array(0);
  #counts = new Int32Array(0);
  #places = new Uint32Array(0);
  readonly #chunks: Uint32Array[] = [];

  constructor(store: ColdRunStore) {
    this.#store = store;
  }

  /** What `add` is about from now on. @param slab what a row says of where all of them lie */
  *begin(texts: Texts, slab: number): Work<void> {
    this.#texts = texts;
    this.#slab = slab;
    const count = texts.ends.length;
    if (this.#numbers.count + count > this.#ids.length) this.#makeRoom(count);
    if (this.#inRun.length < count) this.#inRun = new Uint32Array(2 * count);
    for (let from = 0; from < count; from += TEXTS_A_STEP) {
      if (from > 0) yield;
      this.#number(from, Math.min(count, from + TEXTS_A_STEP));
    }
  }

  /** Gives texts, from one up to another, their numbers in the run. */
  #number(from: number, to: number): void {
    const { texts: bytes, ends, hashes } = this.#texts;
    const numbers = this.#numbers;
    for (let text = from, start = from === 0 ? 0 : (ends[from - 1] as number); text < to; text++) {
      const end = ends[text] as number;
      const known = numbers.count;
      const number = numbers.numberBy(hashes[text] as number, bytes, start, end - start);
      if (number === known) this.#ids[number] = -1;
      this.#inRun[text] = number;
      start = end;
    }
  }

  #makeRoom(texts: number): void {
    this.settle();
    if (texts <= this.#ids.length) return;
    const room = Math.max(SUBJECTS, texts);
    this.#ids = new Int32Array(room);
    this.#lasts = new Float64Array(room);
    this.#counts = new Int32Array(room);
    this.#places = new Uint32Array(room);
  }

  /** Adds a part, no longer than a chunk; the first row has sequence `seq`, above all others. Throws CapacityError. */
  *add({ rows, marks, headers }: CompactPart, seq: number): Work<void> {
    const cold = new ColdRows(rows, this.#slab, headers > 0);
    this.#store.rows.pushCold(seq, cold);
    const count = rows.lengths.length;
    for (let from = 0; from < count; from += TEXTS_A_STEP) {
      if (from > 0) yield;
      this.#chain(cold.texts, marks, seq, from, Math.min(count, from + TEXTS_A_STEP));
    }
  }

  /** Chains what a part has of texts, from one up to another. @param texts what its chunk says of them */
  #chain(texts: Uint32Array, marks: Uint32Array, seq: number, from: number, to: number): void {
    const ids = this.#ids;
    const lasts = this.#lasts;
    const counts = this.#counts;
    const places = this.#places;
    const chunks = this.#chunks;
    const count = marks.length / 3;
    for (let text = from, at = from * TEXT_WORDS; text < to; text++, at += TEXT_WORDS) {
      const met = marks[text] as number;
      if (met === 0) continue;
      const number = this.#inRun[text] as number;
      const first = seq + (marks[count + text] as number);
      const delta = first - (lasts[number] as number);
      const isKnown = (ids[number] as number) >= 0;
      if (isKnown && delta < FAR) {
        (chunks[number] as Uint32Array)[places[number] as number] = delta;
        texts[at + TEXT_PREVIOUS] = delta;
      } else {
        texts[at + TEXT_PREVIOUS] = isKnown ? this.#link(number, first) : this.#meet(text, first);
      }
      texts[at + TEXT_SUBJECT] = ids[number] as number;
      counts[number] = (counts[number] as number) + met;
      lasts[number] = seq + (marks[2 * count + text] as number);
      places[number] = at + TEXT_NEXT;
      chunks[number] = texts;
    }
  }

  /** Chains a message to the last one before of its subject. @returns what its row is to say of that one */
  #link(number: number, seq: number): number {
    const { rows } = this.#store;
    const previous = this.#lasts[number] as number;
    rows.linkNext(previous, seq);
    return rows.wordOfPrevious(seq, previous);
  }

  /** The first message of its subject in the run. Throws CapacityError. */
  #meet(text: number, seq: number): number {
    const { texts, ends, hashes } = this.#texts;
    const subjects = this.#store.table();
    const number = this.#inRun[text] as number;
    const start = text === 0 ? 0 : (ends[text - 1] as number);
    const length = (ends[text] as number) - start;
    const id = subjects.findHashed(hashes[text] as number, texts, start, length);
    if (id < 0) {
      this.#ids[number] = subjects.add(texts, start, length, seq);
      // The table knows of this one.
      this.#counts[number] = -1;
      this.#store.state.subjects++;
      return 0;
    }
    subjects.locate(id);
    this.#ids[number] = id;
    this.#counts[number] = 0;
    this.#lasts[number] = subjects.last;
    return this.#link(number, seq);
  }

  /** The run ends: the table knows all that has become of its subjects. */
  settle(): void {
    const { count } = this.#numbers;
    if (count === 0) return;
    const subjects = this.#store.table();
    for (let number = 0; number < count; number++) {
      const id = this.#ids[number] as number;
      if (id < 0) continue;
      subjects.locate(id);
      subjects.messages += this.#counts[number] as number;
      subjects.last = this.#lasts[number] as number;
    }
    this.#numbers.clear();
    this.#chunks.length = 0;
  }
}
