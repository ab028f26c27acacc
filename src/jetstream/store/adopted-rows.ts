// Takes over messages that an index has kept: many of consecutive sequences at a time, so that each costs little more than
// the copy of its words.
//
//   rows of the index ─► a long run of few subjects: a chunk that stays cold (cold-rows.ts)
//                     ─► another: rows at the end of a chunk, each chained to the one before on its subject, which mostly
//                        is in the same run
//
// What either changes of a subject is written once, when the run ends.
import {
  ColdRows,
  KEPT_AT,
  KEPT_BODY,
  KEPT_IN_FRAME,
  KEPT_ROW_WORDS,
  KEPT_TEXT,
  type KeptRows,
} from './cold-rows.ts';
import {
  ROW_AT,
  ROW_BODY,
  ROW_BYTES,
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

const BODY_BITS = 0x7fff_ffff;

/** A run is long that fills a quarter of a chunk. */
const LONG_SHARE = 4;

export interface AdoptingStore {
  readonly rows: Rows;
  readonly state: MutableState;
  readonly storage: 'file' | 'memory';
  /** The subjects as they are now: others after the store has been cleared. */
  table(): SubjectTable;
}

export class Adoption {
  readonly #store: AdoptingStore;
  #kept!: KeptRows;
  /** What a row says of the slab in which all of them lie. */
  #slab = 0;
  /** Of each chunk some are taken away at once: it would be unfolded before the next one is there. */
  #isBroken = false;
  // By the numbers of texts: the subject; in the run at hand, the last sequence, where its row is or what the first row says
  // of the one before, and how many are new.
  #ids = new Int32Array(0);
  #generations = new Uint32Array(0);
  #lasts = new Float64Array(0);
  #words = new Uint32Array(0);
  #counts = new Int32Array(0);
  #lengths = new Uint32Array(0);
  /** The numbers that are in the run. */
  #met = new Uint32Array(0);
  #metCount = 0;
  /** In which run each was met last; no two have the same number. */
  #runs = new Float64Array(0);
  #run = 0;
  /** The texts below have been looked ahead at. */
  #foreseen = 0;
  /** Of what `add` has added. */
  #bodyBytes = 0;

  constructor(store: AdoptingStore) {
    this.#store = store;
  }

  /**
   * What `add` is about from now on.
   *
   * @param slab what a row says of where all of them lie
   * @param gaps how often rows are removed in between
   */
  begin(kept: KeptRows, slab: number, gaps: number): void {
    const { ends } = kept;
    this.#kept = kept;
    this.#slab = slab;
    this.#isBroken = gaps * this.#store.rows.most >= kept.rows;
    if (ends.length > this.#ids.length) this.#makeRoom(2 * ends.length);
    this.#ids.fill(-1, 0, ends.length);
    this.#foreseen = 0;
    for (let text = 0, start = 0; text < ends.length; text++) {
      const end = ends[text] as number;
      this.#lengths[text] = end - start;
      start = end;
    }
  }

  #makeRoom(texts: number): void {
    this.#ids = new Int32Array(texts);
    this.#generations = new Uint32Array(texts);
    this.#lasts = new Float64Array(texts);
    this.#words = new Uint32Array(texts);
    this.#counts = new Int32Array(texts);
    this.#lengths = new Uint32Array(texts);
    this.#met = new Uint32Array(texts);
    this.#runs = new Float64Array(texts);
  }

  /**
   * Adds `count` of the messages from number `at` on; the first has sequence `seq`, above all others. Throws CapacityError.
   *
   * @returns bytes of their bodies
   */
  add(at: number, count: number, seq: number): number {
    const { rows, state } = this.#store;
    const isCold = this.#isCold(count);
    this.#bodyBytes = 0;
    for (let done = 0; done < count; ) {
      if (isCold) done += this.#keep(at + done, Math.min(rows.most, count - done), seq + done);
      else done += this.#fill(at + done, count - done, seq + done);
    }
    const { times } = this.#kept;
    if (state.messages === 0) {
      state.firstSeq = seq;
      state.firstTimeMs = times[(at * KEPT_ROW_WORDS) / 2] as number;
    }
    state.messages += count;
    state.lastSeq = seq + count - 1;
    state.lastTimeMs = times[((at + count - 1) * KEPT_ROW_WORDS) / 2] as number;
    return this.#bodyBytes;
  }

  /** It is worth it: they are many, are all there, and take no more room than they will. */
  #isCold(count: number): boolean {
    const { most } = this.#store.rows;
    if (this.#isBroken || count * LONG_SHARE < most) return false;
    const bytes = ColdRows.bytes(count, Math.ceil(count / most), this.#kept.ends.length);
    return bytes <= count * ROW_BYTES;
  }

  /** They become a chunk that is cold. @returns how many */
  #keep(at: number, count: number, firstSeq: number): number {
    const { rows, state, storage } = this.#store;
    const { words } = this.#kept;
    const cold = new ColdRows(this.#kept, at, count, this.#slab);
    const lasts = this.#lasts;
    const counts = this.#counts;
    const runs = this.#runs;
    const lengths = this.#lengths;
    const run = ++this.#run;
    let bytes = 0;
    let bodyBytes = 0;
    let bodies = 0;
    for (let i = 0, from = at * KEPT_ROW_WORDS; i < count; i++, from += KEPT_ROW_WORDS) {
      const text = words[from + KEPT_TEXT] as number;
      const body = words[from + KEPT_BODY] as number;
      if (runs[text] === run) counts[text] = (counts[text] as number) + 1;
      else this.#words[text] = this.#meet(text, firstSeq + i);
      lasts[text] = firstSeq + i;
      bodies |= body;
      bodyBytes += body & BODY_BITS;
      bytes += storedBytes(storage, lengths[text] as number, body > BODY_BITS, body & BODY_BITS);
    }
    cold.hasHeaders = bodies < 0;
    state.bytes += bytes;
    this.#bodyBytes += bodyBytes;
    rows.pushCold(firstSeq, cold);
    for (let i = 0; i < this.#metCount; i++) {
      const text = this.#met[i] as number;
      cold.begin(text, this.#ids[text] as number, this.#words[text] as number);
    }
    this.#leave();
    return count;
  }

  /** Up to so many become rows of one chunk. @returns how many */
  #fill(at: number, most: number, firstSeq: number): number {
    const { rows, state, storage } = this.#store;
    const count = rows.pushMany(firstSeq, most);
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
    let bodyBytes = 0;
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
        words[to + ROW_PREVIOUS] = this.#meet(text, seq);
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
      bodyBytes += body & BODY_BITS;
      bytes += storedBytes(storage, subjectBytes, body > BODY_BITS, body & BODY_BITS);
    }
    state.bytes += bytes;
    this.#bodyBytes += bodyBytes;
    this.#leave();
    return count;
  }

  /**
   * The first of its subject in the run: the last one before is chained to it.
   *
   * @returns what its row is to say of that one
   */
  #meet(text: number, seq: number): number {
    const { rows, state } = this.#store;
    const subjects = this.#store.table();
    let word = 0;
    this.#runs[text] = this.#run;
    this.#met[this.#metCount++] = text;
    let id = this.#find(text);
    if (id < 0) {
      const length = this.#lengths[text] as number;
      const { texts, ends } = this.#kept;
      id = subjects.add(texts, (ends[text] as number) - length, length, seq);
      state.subjects++;
      this.#counts[text] = 0;
    } else {
      subjects.locate(id);
      const previous = subjects.last;
      this.#counts[text] = 1;
      rows.linkNext(previous, seq);
      word = rows.wordOfPrevious(seq, previous);
    }
    this.#ids[text] = id;
    this.#generations[text] = subjects.generationOf(id);
    return word;
  }

  /** The subject of a text; -1 = there is none. */
  #find(text: number): number {
    const subjects = this.#store.table();
    const id = this.#ids[text] as number;
    if (id >= 0 && subjects.generationOf(id) === this.#generations[text]) return id;
    const length = this.#lengths[text] as number;
    const { texts, ends, hashes } = this.#kept;
    while (text >= this.#foreseen) this.#foreseen = subjects.foresee(hashes, this.#foreseen);
    const hash = hashes[text] as number;
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
