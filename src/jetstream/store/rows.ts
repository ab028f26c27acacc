// The index of a store: the rows of its messages by their sequences. New rows go to the end; any may die. Chunks that
// have become sparse are packed and join their neighbours, so that what is held follows what lives. What an index on disk
// has kept is cold until a row of it is wanted (cold-rows.ts).
//
//   chunks   [1 … 4096] [4097 … 8192] [8201, 9077, 11999] [12289 …        ]
//             cold                     packed              the tail: here rows are added
//
// `find`, `next`, `previous` and `push` leave the cursor (`chunk`, `row`) at their row; it is good until the next call.
import type { ColdRows } from './cold-rows.ts';
import { FarNeighbours } from './far-neighbours.ts';
import type { Memory } from './memory.ts';
import {
  CHUNK_SPAN,
  DEAD,
  HAS_HEADERS,
  ROW_BODY,
  ROW_NEXT,
  ROW_PREVIOUS,
  ROW_SUBJECT,
  ROW_WORDS,
  RowChunk,
} from './row-chunk.ts';
import { RowChunks } from './row-chunks.ts';

/** Says of a subject whether it is wanted. */
export interface Acceptor {
  accepts(subjectId: number): boolean;
}

const MOST_ROWS = 4096;
/** Chunks that are cold are larger: each costs a start some microseconds, and as much for each of its subjects. */
const COLD_FACTOR = 4;
/** The least rows of a chunk, and how much of what lives one may be: a small stream is small. */
const LEAST_ROWS = 64;
const LIVING_SHARE = 4;

export class Rows {
  readonly #memory: Memory;
  readonly #most: number;
  readonly #chunks: RowChunks;
  readonly #far = new FarNeighbours();
  #living = 0;

  chunk!: RowChunk;
  row = 0;
  /** Where a `search` that has found nothing goes on; 0 = there is nothing more. */
  resumeSeq = 0;

  /** @param most rows of a chunk */
  constructor(memory: Memory, most: number = MOST_ROWS) {
    this.#memory = memory;
    this.#most = most;
    this.#chunks = new RowChunks(memory, most);
  }

  get living(): number {
    return this.#living;
  }

  /** Forgets all rows, whose memory has been given back. */
  clear(): void {
    this.#chunks.list.length = 0;
    this.#far.clear();
    this.#living = 0;
    (this as { chunk: RowChunk | undefined }).chunk = undefined;
  }

  /** Where the words of the row at the cursor begin in those of its chunk. */
  get word(): number {
    return this.row * ROW_WORDS;
  }

  /** Makes sure that `push(seq)` will not fail. Throws CapacityError. */
  reserve(seq: number): void {
    const tail = this.#chunks.tail();
    const isRoomy =
      tail !== undefined &&
      tail.count < tail.capacity &&
      (tail.count === 0 || seq - tail.base < CHUNK_SPAN);
    if (!isRoomy) this.#extend(seq);
    else if (tail.count > 0 && seq - tail.base !== tail.count) tail.spread();
  }

  /** Adds a row for `seq`, which is above all others; its words are the caller's to fill. `reserve` has been called. */
  push(seq: number): void {
    const chunk = this.#chunks.tail() as RowChunk;
    const row = chunk.count++;
    if (row === 0) chunk.base = seq;
    if (chunk.offsets !== undefined) chunk.offsets[row] = seq - chunk.base;
    chunk.living++;
    this.#living++;
    if (this.chunk !== chunk) this.chunk = chunk;
    this.row = row;
  }

  /**
   * Adds rows for up to `most` sequences from `seq` on, which is above all others, and goes to the first of them; their words
   * are the caller's to fill. Throws CapacityError. @returns how many
   */
  pushMany(seq: number, most: number): number {
    this.reserve(seq);
    const chunk = this.#chunks.tail() as RowChunk;
    const row = chunk.count;
    if (row === 0) chunk.base = seq;
    const offset = seq - chunk.base;
    const count = Math.min(most, chunk.capacity - row, CHUNK_SPAN - offset);
    const { offsets } = chunk;
    if (offsets !== undefined) for (let i = 0; i < count; i++) offsets[row + i] = offset + i;
    chunk.count += count;
    chunk.living += count;
    this.#living += count;
    this.chunk = chunk;
    this.row = row;
    return count;
  }

  /** How many rows of cold chunks have been unfolded so far. */
  get unfolded(): number {
    return this.#chunks.unfolded;
  }

  /** As many rows as a chunk has at most. */
  get most(): number {
    return this.#most;
  }

  /** The same of one that is cold. */
  get mostCold(): number {
    return this.#most * COLD_FACTOR;
  }

  /** Adds rows, at most `mostCold`, for the sequences from `seq` on, which is above all others. Throws CapacityError. */
  pushCold(seq: number, cold: ColdRows): void {
    const { count } = cold;
    const chunk = new RowChunk(this.#memory, count, cold);
    chunk.base = seq;
    chunk.count = count;
    chunk.living = count;
    this.#living += count;
    this.#chunks.push(chunk);
  }

  /** Makes rows between the others for sequences that have none, ascending; their words are the caller's to fill. */
  insert(seqs: readonly number[]): void {
    this.#chunks.insert(seqs);
    this.#living += seqs.length;
  }

  /** Goes to the row of a message; false: there is none. */
  find(seq: number): boolean {
    let { chunk } = this;
    if (chunk === undefined || seq < chunk.base || seq > chunk.end) {
      const index = this.#chunks.indexOf(seq);
      if (index < 0) return false;
      chunk = this.#chunks.warm(index);
    }
    const row = chunk.rowAt(seq);
    if (row >= chunk.count || chunk.seqOf(row) !== seq || !chunk.isAlive(row)) return false;
    if (this.chunk !== chunk) this.chunk = chunk;
    this.row = row;
    return true;
  }

  /** Goes to the first message. @returns its sequence; 0 = there is none */
  first(): number {
    if (this.#living === 0) return 0;
    // Only the tail may have no row that lives.
    const chunk = this.#chunks.warm(0);
    this.chunk = chunk;
    this.row = chunk.start;
    return chunk.seqOf(chunk.start);
  }

  /** Goes to the first message at or above `seq`. @returns its sequence; 0 = there is none */
  next(seq: number): number {
    // Who goes on asks for the one behind the cursor.
    if (this.find(seq)) return seq;
    for (let index = this.#chunks.from(seq); index < this.#chunks.count; index++) {
      const chunk = this.#chunks.warm(index);
      if (chunk.living === 0) continue;
      let row = Math.max(chunk.start, chunk.rowAt(seq));
      while (row < chunk.count && !chunk.isAlive(row)) row++;
      if (row === chunk.count) continue;
      this.chunk = chunk;
      this.row = row;
      return chunk.seqOf(row);
    }
    return 0;
  }

  /** Goes to the last message at or below `seq`. @returns its sequence; 0 = there is none */
  previous(seq: number): number {
    for (let index = this.#chunks.indexOf(seq); index >= 0; index--) {
      const chunk = this.#chunks.warm(index);
      if (chunk.living === 0) continue;
      let row = chunk.rowAt(seq);
      if (row === chunk.count || chunk.seqOf(row) > seq) row--;
      while (row >= chunk.start && !chunk.isAlive(row)) row--;
      if (row < chunk.start) continue;
      this.chunk = chunk;
      this.row = row;
      return chunk.seqOf(row);
    }
    return 0;
  }

  /** The first message stored at or after a time, in a store whose times do not fall; 0 = there is none. */
  atTime(timeMs: number): number {
    const chunks = this.#chunks.list;
    let low = 0;
    let high = chunks.at(-1)?.living === 0 ? chunks.length - 1 : chunks.length;
    if (high <= 0) return 0;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((chunks[middle] as RowChunk).firstTimeMs < timeMs) low = middle;
      else high = middle;
    }
    const chunk = this.#chunks.warm(low);
    let row = chunk.start;
    let end = chunk.count;
    while (row < end) {
      const middle = (row + end) >>> 1;
      if ((chunk.times[middle * (ROW_WORDS / 2)] as number) < timeMs) row = middle + 1;
      else end = middle;
    }
    return this.next(row < chunk.count ? chunk.seqOf(row) : chunk.end + 1);
  }

  /** How many messages there are from `seq` on. */
  countFrom(seq: number): number {
    const index = this.#chunks.from(seq);
    let count = 0;
    const { list } = this.#chunks;
    for (let i = index + 1; i < list.length; i++) count += (list[i] as RowChunk).living;
    if (index === this.#chunks.count) return 0;
    const chunk = this.#chunks.warm(index);
    for (let row = Math.max(chunk.start, chunk.rowAt(seq)); row < chunk.count; row++) {
      if (chunk.isAlive(row)) count++;
    }
    return count;
  }

  /** The sequence of the first of the last `count` messages; 0 = there are fewer. */
  fromEnd(count: number): number {
    let left = count;
    for (let index = this.#chunks.count - 1; index >= 0; index--) {
      const chunk = this.#chunks.list[index] as RowChunk;
      if (chunk.living < left) {
        left -= chunk.living;
        continue;
      }
      this.#chunks.warm(index);
      for (let row = chunk.count - 1; row >= chunk.start; row--) {
        if (chunk.isAlive(row) && --left === 0) return chunk.seqOf(row);
      }
    }
    return 0;
  }

  /**
   * Looks for a message of a wanted subject among the rows from `seq` on, `most` of them.
   *
   * @returns its sequence; 0 = none of them, and `resumeSeq` says where to go on
   */
  search(seq: number, most: number, wanted: Acceptor): number {
    let left = most;
    for (let index = this.#chunks.from(seq); index < this.#chunks.count; index++) {
      const chunk = this.#chunks.warm(index);
      const { words, count } = chunk;
      let row = Math.max(chunk.start, chunk.rowAt(seq));
      const end = Math.min(count, row + left);
      left -= end - row;
      for (; row < end; row++) {
        const subjectId = words[row * ROW_WORDS + ROW_SUBJECT] as number;
        if (subjectId !== DEAD && wanted.accepts(subjectId)) return chunk.seqOf(row);
      }
      if (row < count) {
        this.resumeSeq = chunk.seqOf(row);
        return 0;
      }
    }
    this.resumeSeq = 0;
    return 0;
  }

  /** The same backwards: among the rows from `seq` down. */
  searchBack(seq: number, most: number, wanted: Acceptor): number {
    let left = most;
    for (let index = this.#chunks.indexOf(seq); index >= 0; index--) {
      const chunk = this.#chunks.warm(index);
      const { words, start } = chunk;
      let row = chunk.rowAt(seq);
      if (row === chunk.count || chunk.seqOf(row) > seq) row--;
      const end = Math.max(start, row + 1 - left);
      left -= Math.max(0, row + 1 - end);
      for (; row >= end; row--) {
        const subjectId = words[row * ROW_WORDS + ROW_SUBJECT] as number;
        if (subjectId !== DEAD && wanted.accepts(subjectId)) return chunk.seqOf(row);
      }
      if (row >= start) {
        this.resumeSeq = chunk.seqOf(row);
        return 0;
      }
    }
    this.resumeSeq = 0;
    return 0;
  }

  /** Looks for a message with headers, as `search` does; a chunk in which none has any stays cold. */
  searchHeaders(seq: number, most: number): number {
    let left = most;
    for (let index = this.#chunks.from(seq); index < this.#chunks.count; index++) {
      if (this.#chunks.list[index]?.cold?.hasHeaders === false) continue;
      const chunk = this.#chunks.warm(index);
      let row = Math.max(chunk.start, chunk.rowAt(seq));
      const end = Math.min(chunk.count, row + left);
      left -= end - row;
      for (; row < end; row++) {
        const body = chunk.words[row * ROW_WORDS + ROW_BODY] as number;
        if (body >= HAS_HEADERS && chunk.isAlive(row)) return chunk.seqOf(row);
      }
      if (row < chunk.count) {
        this.resumeSeq = chunk.seqOf(row);
        return 0;
      }
    }
    this.resumeSeq = 0;
    return 0;
  }

  /** How many messages of wanted subjects there are from `from` on and below `to`. */
  tally(from: number, to: number, wanted: Acceptor): number {
    let count = 0;
    for (let index = this.#chunks.from(from); index < this.#chunks.count; index++) {
      const chunk = this.#chunks.list[index] as RowChunk;
      if (chunk.base >= to) break;
      const { words } = this.#chunks.warm(index);
      const end = Math.min(chunk.count, chunk.rowAt(to));
      for (let row = Math.max(chunk.start, chunk.rowAt(from)); row < end; row++) {
        const subjectId = words[row * ROW_WORDS + ROW_SUBJECT] as number;
        if (subjectId !== DEAD && wanted.accepts(subjectId)) count++;
      }
    }
    return count;
  }

  /** Bytes of header block and payload of the row at the cursor. */
  get bodyBytes(): number {
    return (this.chunk.words[this.word + ROW_BODY] as number) & ~HAS_HEADERS;
  }

  get hasHeaders(): boolean {
    return (this.chunk.words[this.word + ROW_BODY] as number) >= HAS_HEADERS;
  }

  /** The subject of the row at the cursor. */
  get subjectId(): number {
    return this.chunk.words[this.word + ROW_SUBJECT] as number;
  }

  /** Of the row at the cursor, whose sequence is `seq`: the next on its subject. */
  nextOf(seq: number): number {
    return this.#far.nextBy(this.chunk.words[this.word + ROW_NEXT] as number, seq);
  }

  previousOf(seq: number): number {
    return this.#far.previousBy(this.chunk.words[this.word + ROW_PREVIOUS] as number, seq);
  }

  /** Of the row at the cursor, whose sequence is `seq`: `next` is the next on its subject. */
  setNext(seq: number, next: number): void {
    this.chunk.words[this.word + ROW_NEXT] = this.#far.wordOfNext(seq, next);
  }

  setPrevious(seq: number, previous: number): void {
    this.chunk.words[this.word + ROW_PREVIOUS] = this.wordOfPrevious(seq, previous);
  }

  /** What the row of `seq` is to say when `previous` is the one before on its subject. */
  wordOfPrevious(seq: number, previous: number): number {
    return this.#far.wordOfPrevious(seq, previous);
  }

  /**
   * As `setNext`, of any row that was the last of its subject: it may stay cold, and the cursor where it is. Most often both
   * are in one chunk: to look for the one and go back was 7 % of a publish.
   */
  linkNext(seq: number, next: number): void {
    let { chunk } = this;
    if (chunk === undefined || seq < chunk.base || seq > chunk.end) {
      chunk = this.#chunks.list[this.#chunks.indexOf(seq)] as RowChunk;
    }
    const row = chunk.rowAt(seq);
    const word = this.#far.wordOfNext(seq, next);
    if (chunk.cold === undefined) chunk.words[row * ROW_WORDS + ROW_NEXT] = word;
    else chunk.cold.setNext(row, word);
  }

  /** Removes the row at the cursor, whose sequence is `seq`. */
  remove(seq: number): void {
    const { chunk, row } = this;
    chunk.words[row * ROW_WORDS + ROW_SUBJECT] = DEAD;
    chunk.living--;
    this.#living--;
    this.#far.forget(seq);
    const isTail = chunk === this.#chunks.tail();
    if (chunk.living === 0) {
      if (isTail) chunk.empty();
      else this.#chunks.drop(this.#chunks.indexOf(seq));
      return;
    }
    if (row === chunk.start) {
      while (!chunk.isAlive(chunk.start)) chunk.start++;
    }
    // The first chunk mostly dies from its start on, and is gone soon.
    const gone = chunk === this.#chunks.list[0] ? chunk.start : 0;
    if (!isTail && chunk.living * 2 < chunk.count - gone)
      this.#chunks.pack(this.#chunks.indexOf(seq));
  }

  #extend(seq: number): void {
    const share = Math.floor(this.#living / LIVING_SHARE);
    const chunk = new RowChunk(this.#memory, Math.min(this.#most, Math.max(LEAST_ROWS, share)));
    chunk.base = seq;
    this.#chunks.push(chunk);
  }
}
