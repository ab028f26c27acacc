// Takes over messages that an index has kept: many of consecutive sequences at a time, so that each costs little more than
// the copy of its words.
//
//   compact rows of the index ─► chunks that stay cold (cold-run.ts)
//   others                    ─► rows at the end of a chunk, each chained to the one before on its subject, which mostly
//                                is in the same run
//
// What either changes of a subject is written once, when the run ends.
import { ColdRows } from './cold-rows.ts';
import { ColdRun } from './cold-run.ts';
import type { CompactPart } from './compact-parts.ts';
import {
  type CompactRows,
  KEPT_AT,
  KEPT_BODY,
  KEPT_IN_FRAME,
  KEPT_ROW_WORDS,
  KEPT_TEXT,
  type KeptRows,
  type Texts,
} from './compact-rows.ts';
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

/** Rows are many that fill a quarter of a chunk. */
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
  readonly #cold: ColdRun;
  #texts!: Texts;
  /** What a row says of the slab in which all of them lie. */
  #slab = 0;
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

  constructor(store: AdoptingStore) {
    this.#store = store;
    this.#cold = new ColdRun(store);
  }

  /**
   * What `add` is about from now on.
   *
   * @param slab what a row says of where all of them lie
   */
  begin(texts: Texts, slab: number): void {
    const { ends } = texts;
    this.#texts = texts;
    this.#slab = slab;
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
  add(kept: KeptRows, at: number, count: number, seq: number): number {
    this.settle();
    let bodyBytes = 0;
    for (let done = 0; done < count; ) {
      const [filled, bytes] = this.#fill(kept, at + done, count - done, seq + done);
      done += filled;
      bodyBytes += bytes;
    }
    return bodyBytes;
  }

  /** Rows of a chunk that is cold, at most. */
  get coldRows(): number {
    return this.#store.rows.mostCold;
  }

  /** Whether it is worth it that they stay as they are: they are many, and take no more room than they will. */
  isCold({ rows, lengths }: CompactRows): boolean {
    if (rows * LONG_SHARE < this.#store.rows.most) return false;
    const chunks = Math.ceil(rows / this.coldRows);
    return ColdRows.bytes(rows, chunks, lengths.length) <= rows * ROW_BYTES;
  }

  /** What `keep` is about from now on. */
  beginCold(texts: Texts, slab: number): void {
    this.#cold.begin(texts, slab);
  }

  /**
   * Adds a part of them, no longer than a chunk, as one that stays cold; the first has sequence `seq`, above all others. What
   * the store says of subjects is true when it has been settled. Throws CapacityError.
   */
  keep(part: CompactPart, seq: number): void {
    const { storage } = this.#store;
    const { bodyBytes, subjectBytes, headers } = part;
    const { rows: count, firstTimeMs } = part.rows;
    this.#cold.add(part, seq);
    const each = storedBytes(storage, 0, false, 0);
    const aHeader = storedBytes(storage, 0, true, 0) - each;
    const bytes = subjectBytes + bodyBytes + count * each + headers * aHeader;
    this.#added(seq, count, bytes, firstTimeMs, part.lastTimeMs);
  }

  /** What has been kept is known to the table of subjects. */
  settle(): void {
    this.#cold.settle();
  }

  /** Up to so many become rows of one chunk. @returns how many, and bytes of their bodies */
  #fill(kept: KeptRows, at: number, most: number, firstSeq: number): [number, number] {
    const { rows, storage } = this.#store;
    const count = rows.pushMany(firstSeq, most);
    const { words: source, times: sourceTimes } = kept;
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
    this.#leave();
    const first = (at * KEPT_ROW_WORDS) >>> 1;
    const last = (from - KEPT_ROW_WORDS) >>> 1;
    const firstTimeMs = sourceTimes[first] as number;
    this.#added(firstSeq, count, bytes, firstTimeMs, sourceTimes[last] as number);
    return [count, bodyBytes];
  }

  #added(seq: number, count: number, bytes: number, firstMs: number, lastMs: number): void {
    const { state } = this.#store;
    if (state.messages === 0) {
      state.firstSeq = seq;
      state.firstTimeMs = firstMs;
    }
    state.messages += count;
    state.bytes += bytes;
    state.lastSeq = seq + count - 1;
    state.lastTimeMs = lastMs;
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
      const { texts, ends } = this.#texts;
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
    const { texts, ends, hashes } = this.#texts;
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
