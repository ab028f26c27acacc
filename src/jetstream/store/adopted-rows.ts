// Rows of messages as an index has kept them: many of consecutive sequences at a time, so that each costs little more than
// the copy of its words.
//
//   rows of the index ─► a run at the end of a chunk, each chained to the one before on its subject, which mostly is in the
//   same run; what that changes of a subject is written once, when the run ends
import {
  ROW_AT,
  ROW_BODY,
  ROW_NEXT,
  ROW_PREVIOUS,
  ROW_SLAB,
  ROW_SUBJECT,
  ROW_WORDS,
} from './row-chunk.ts';
import type { Rows } from './rows.ts';
import type { MutableState } from './store-beginning.ts';
import { storedBytes } from './stored-bytes.ts';
import type { SubjectTable } from './subject-table.ts';

// A row that is kept, in words: time (f64), where the message lies, how far that is behind the begin of its frame, bytes of
// header block and payload with HAS_HEADERS, number of the text that is its subject.
export const KEPT_ROW_WORDS = 6;
export const KEPT_AT = 2;
export const KEPT_IN_FRAME = 3;
export const KEPT_BODY = 4;
export const KEPT_TEXT = 5;

const BODY_BITS = 0x7fff_ffff;

/** What is kept of some messages. */
export interface KeptRows {
  readonly rows: number;
  /** KEPT_ROW_WORDS a row, and the same as f64. */
  readonly words: Uint32Array;
  readonly times: Float64Array;
  readonly texts: Uint8Array;
  /** Where each text ends. */
  readonly ends: Uint32Array;
}

export interface AdoptingStore {
  readonly rows: Rows;
  readonly state: MutableState;
  readonly storage: 'file' | 'memory';
  /** The subjects as they are now: others after the store has been cleared. */
  table(): SubjectTable;
}

export class Adoption {
  readonly #store: AdoptingStore;
  readonly #kept: KeptRows;
  /** What a row says of the slab in which all of them lie. */
  readonly #slab: number;
  // By the numbers of texts: the subject; in the run at hand, the last sequence, where its row is, and how many are new.
  readonly #ids: Int32Array;
  readonly #generations: Uint32Array;
  readonly #lasts: Float64Array;
  readonly #words: Uint32Array;
  readonly #counts: Int32Array;
  readonly #lengths: Uint32Array;
  /** The numbers that are in the run. */
  readonly #met: Uint32Array;
  #metCount = 0;
  readonly #runs: Uint32Array;
  #run = 0;
  /** Of the texts below `#foreseen`. */
  readonly #hashes: Uint32Array;
  #foreseen = 0;

  constructor(store: AdoptingStore, kept: KeptRows, slab: number) {
    const { length } = kept.ends;
    this.#store = store;
    this.#kept = kept;
    this.#slab = slab;
    this.#ids = new Int32Array(length).fill(-1);
    this.#generations = new Uint32Array(length);
    this.#lasts = new Float64Array(length);
    this.#words = new Uint32Array(length);
    this.#counts = new Int32Array(length);
    this.#met = new Uint32Array(length);
    this.#runs = new Uint32Array(length);
    this.#hashes = new Uint32Array(length);
    this.#lengths = kept.ends.map((end, i) => end - (i === 0 ? 0 : (kept.ends[i - 1] as number)));
  }

  /** Adds `count` of the messages from number `at` on; the first has sequence `seq`, above all others. Throws CapacityError. */
  add(at: number, count: number, seq: number): void {
    const { rows, state } = this.#store;
    for (let done = 0; done < count; ) {
      const part = rows.pushMany(seq + done, count - done);
      this.#fill(at + done, part, seq + done);
      done += part;
    }
    const { times } = this.#kept;
    if (state.messages === 0) {
      state.firstSeq = seq;
      state.firstTimeMs = times[(at * KEPT_ROW_WORDS) / 2] as number;
    }
    state.messages += count;
    state.lastSeq = seq + count - 1;
    state.lastTimeMs = times[((at + count - 1) * KEPT_ROW_WORDS) / 2] as number;
  }

  /** The new rows are in one chunk, from the cursor on. */
  #fill(at: number, count: number, firstSeq: number): void {
    const { rows, state, storage } = this.#store;
    const { words: source, times: sourceTimes } = this.#kept;
    const { chunk, row } = rows;
    const { words, times } = chunk;
    const slab = this.#slab;
    const ids = this.#ids;
    const lasts = this.#lasts;
    const lastWords = this.#words;
    const counts = this.#counts;
    const runs = this.#runs;
    const lengths = this.#lengths;
    const run = ++this.#run;
    let bytes = 0;
    let from = at * KEPT_ROW_WORDS;
    let to = row * ROW_WORDS;
    for (let i = 0; i < count; i++, from += KEPT_ROW_WORDS, to += ROW_WORDS) {
      const seq = firstSeq + i;
      const text = source[from + KEPT_TEXT] as number;
      const body = source[from + KEPT_BODY] as number;
      if (runs[text] === run) {
        const delta = seq - (lasts[text] as number);
        words[(lastWords[text] as number) + ROW_NEXT] = delta;
        words[to + ROW_PREVIOUS] = delta;
        counts[text] = (counts[text] as number) + 1;
      } else {
        rows.chunk = chunk;
        rows.row = row + i;
        this.#meet(text, seq);
      }
      lasts[text] = seq;
      lastWords[text] = to;
      times[to >>> 1] = sourceTimes[from >>> 1] as number;
      words[to + ROW_SLAB] = slab | (source[from + KEPT_IN_FRAME] as number);
      words[to + ROW_AT] = source[from + KEPT_AT] as number;
      words[to + ROW_BODY] = body;
      words[to + ROW_SUBJECT] = ids[text] as number;
      words[to + ROW_NEXT] = 0;
      const subjectBytes = lengths[text] as number;
      bytes += storedBytes(storage, subjectBytes, body > BODY_BITS, body & BODY_BITS);
    }
    state.bytes += bytes;
    this.#leave();
  }

  /** The first of its subject in the run, which is at the cursor: it is chained to the last one before. */
  #meet(text: number, seq: number): void {
    const { rows, state } = this.#store;
    const subjects = this.#store.table();
    const { chunk, row } = rows;
    this.#runs[text] = this.#run;
    this.#met[this.#metCount++] = text;
    let id = this.#find(text);
    if (id < 0) {
      const length = this.#lengths[text] as number;
      const { texts, ends } = this.#kept;
      id = subjects.add(texts, (ends[text] as number) - length, length, seq);
      state.subjects++;
      this.#counts[text] = 0;
      chunk.words[rows.word + ROW_PREVIOUS] = 0;
    } else {
      subjects.locate(id);
      const previous = subjects.last;
      this.#counts[text] = 1;
      rows.setPrevious(seq, previous);
      rows.find(previous);
      rows.setNext(previous, seq);
      rows.chunk = chunk;
      rows.row = row;
    }
    this.#ids[text] = id;
    this.#generations[text] = subjects.generationOf(id);
  }

  /** The subject of a text; -1 = there is none. */
  #find(text: number): number {
    const subjects = this.#store.table();
    const id = this.#ids[text] as number;
    if (id >= 0 && subjects.generationOf(id) === this.#generations[text]) return id;
    const length = this.#lengths[text] as number;
    const { texts, ends } = this.#kept;
    while (text >= this.#foreseen) {
      this.#foreseen = subjects.foresee(texts, ends, this.#foreseen, this.#hashes);
    }
    const hash = this.#hashes[text] as number;
    return subjects.findHashed(hash, texts, (ends[text] as number) - length, length);
  }

  /** What has become of the subjects in the run. */
  #leave(): void {
    const subjects = this.#store.table();
    for (let i = 0; i < this.#metCount; i++) {
      const text = this.#met[i] as number;
      subjects.locate(this.#ids[text] as number);
      subjects.messages += this.#counts[text] as number;
      subjects.last = this.#lasts[text] as number;
    }
    this.#metCount = 0;
  }
}
