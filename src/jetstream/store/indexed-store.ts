// What all stores are: an index in memory over bodies that lie somewhere. Rows by sequence (rows.ts), subjects by id, text
// and filter (subject-table.ts), bodies where the store has them (bodies.ts). None of them doubles, and none moves more
// than a little at a time, so that no operation on one message takes long, however many there are; what is held follows
// what lives.
//
//    append ─► bodies: body        at rest   a message   32 B row
//           ─► subjects: id                  a subject   some 80 B, and its text once
//           ─► rows: row, chained to the one before on its subject
import { CapacityError } from '../../shared/errors.ts';
import type { Work } from '../work.ts';
import { Adoption } from './adopted-rows.ts';
import type { Bodies } from './bodies.ts';
import { deletedOf } from './deleted.ts';
import { Filter } from './filters.ts';
import type { LostMessages } from './lost.ts';
import { Matching } from './matching.ts';
import { Memory } from './memory.ts';
import { type FoundMessage, restoreRows } from './restored-rows.ts';
import { ROW_NEXT, ROW_PREVIOUS, ROW_SUBJECT } from './row-chunk.ts';
import { Rows } from './rows.ts';
import type {
  Committed,
  Incoming,
  MessagePlace,
  OnRemoved,
  Store,
  StoredMessage,
  StoreState,
  SubjectState,
} from './store.ts';
import { beginningAt, type MutableState } from './store-beginning.ts';
import { storedBytes } from './stored-bytes.ts';
import { emptyPlace, noteLost, readAt } from './stored-message.ts';
import { type CountedSubject, countSubjects, findSubjects, walkSubjects } from './subject-scan.ts';
import { type SubjectOptions, SubjectTable } from './subject-table.ts';
import type { TextPlace } from './subject-tree.ts';

export interface IndexOptions extends SubjectOptions {
  /** The storage that the stream names: by its formula bytes are counted. */
  readonly storage: 'file' | 'memory';
  /** The first sequence, when the stream names one. */
  readonly firstSeq?: number;
  readonly onRemoved?: OnRemoved;
  /** Told instead of `onRemoved` when everything is removed at once, before its bytes are given up. */
  readonly onCleared?: (state: StoreState) => void;
  /**
   * Told, before they are removed, that the messages from that sequence on could not be written: they have never been
   * there for whoever waits for their commit.
   */
  readonly onTakenBack?: (from: number) => void;
  /** Told of a message that had made room for what could not be written: it is there again. */
  readonly onRestored?: (seq: number, subjectId: number, bytes: number) => void;
  /** Bytes that it may occupy; more are refused with CapacityError. */
  readonly heldMax?: number;
  /** Rows of a chunk, a power of two from 4 on: for tests, in which little is much. */
  readonly chunkRows?: number;
}

/** Makes the place for the bodies of a store with these rows. */
export type CreateBodies = (memory: Memory, rows: Rows) => Bodies;

export class IndexedStore implements Store {
  readonly #options: IndexOptions;
  readonly #memory: Memory;
  readonly #state: MutableState;
  readonly #rows: Rows;
  readonly #bodies: Bodies;
  #subjects: SubjectTable;
  readonly #matching: Matching;
  /** Of the message that is read. */
  readonly #place = emptyPlace();
  /** The subject of the message at hand. */
  #text = new Uint8Array(256);
  #textData = new DataView(this.#text.buffer);

  constructor(options: IndexOptions, createBodies: CreateBodies) {
    this.#options = options;
    this.#memory = new Memory(options.heldMax ?? Number.POSITIVE_INFINITY);
    this.#state = beginningAt(options.firstSeq ?? 0);
    this.#rows = new Rows(this.#memory, options.chunkRows);
    this.#bodies = createBodies(this.#memory, this.#rows);
    this.#subjects = new SubjectTable(this.#memory, options, 0);
    this.#matching = new Matching(this.#rows, this.#subjects);
  }

  get state(): StoreState {
    return this.#state;
  }

  /** So many more subjects may come, and nothing is asked meanwhile. Throws CapacityError. */
  expecting(subjects: number): Work<void> {
    return this.#subjects.expecting(subjects);
  }

  /** Takes over messages that an index has kept; nobody is told. */
  adopting(): Adoption {
    const table = (): SubjectTable => this.#subjects;
    const { storage } = this.#options;
    const state = this.#state;
    const rows = this.#rows;
    return new Adoption({ rows, state, storage, table });
  }

  get heldBytes(): number {
    return this.#memory.held + this.#subjects.listBytes + this.#bodies.heldBytes;
  }

  get lost(): LostMessages {
    return this.#bodies.lost;
  }

  /** @param knownId of its subject: then the message need not have the text */
  append(message: Incoming, timeMs: number, knownId = -1): number {
    const state = this.#state;
    const rows = this.#rows;
    const seq = state.lastSeq + 1;
    if (seq > Number.MAX_SAFE_INTEGER) throw new CapacityError('a sequence above 2^53-1');
    const { subjectBytes, headerBytes, bodyBytes } = message;
    if (subjectBytes > this.#text.length) this.#widen(2 * subjectBytes);
    if (knownId < 0) message.copySubject(this.#text, 0, this.#textData);
    rows.reserve(seq);
    this.#bodies.keep(message, this.#textData, seq, timeMs);
    const subjects = this.#subjects;
    let id = knownId < 0 ? subjects.findSoon(this.#text, subjectBytes, this.#textData) : knownId;
    let previous = 0;
    if (id >= 0) {
      if (knownId >= 0) subjects.locate(id);
      if (subjects.scans.size > 0) subjects.changing(id);
      previous = subjects.last;
      subjects.last = seq;
      subjects.messages++;
    } else {
      id = this.#addSubject(subjectBytes, seq);
    }
    rows.push(seq);
    const { words, times } = rows.chunk;
    const { word } = rows;
    times[word >>> 1] = timeMs;
    words[word + ROW_SUBJECT] = id;
    words[word + ROW_NEXT] = 0;
    if (previous === 0) {
      words[word + ROW_PREVIOUS] = 0;
    } else {
      rows.setPrevious(seq, previous);
      rows.linkNext(previous, seq);
    }
    this.#bodies.sign();
    state.bytes += this.#bytesBy(subjectBytes, headerBytes > 0, bodyBytes);
    if (state.messages++ === 0) {
      state.firstSeq = seq;
      state.firstTimeMs = timeMs;
    }
    state.lastSeq = seq;
    state.lastTimeMs = timeMs;
    return seq;
  }

  #widen(bytes: number): void {
    this.#text = new Uint8Array(bytes);
    this.#textData = new DataView(this.#text.buffer);
  }

  #addSubject(length: number, seq: number): number {
    try {
      const id = this.#subjects.add(this.#text, 0, length, seq);
      this.#state.subjects++;
      return id;
    } catch (error) {
      this.#bodies.undo();
      throw error;
    }
  }

  skipTo(seq: number, timeMs?: number): void {
    const state = this.#state;
    if (seq <= state.lastSeq) return;
    state.lastSeq = seq;
    if (timeMs !== undefined) state.lastTimeMs = timeMs;
    if (state.messages === 0) state.firstSeq = seq + 1;
    this.#bodies.skipped(seq, timeMs);
  }

  read(seq: number, into: StoredMessage): boolean {
    const place = this.#place;
    const isThere = this.locate(seq, place);
    if (isThere) readAt(place, into);
    else if (this.has(seq)) noteLost(place, into);
    return isThere;
  }

  locate(seq: number, into: MessagePlace): boolean {
    const rows = this.#rows;
    if (!rows.find(seq)) return false;
    const id = rows.subjectId;
    into.seq = seq;
    into.timeMs = rows.chunk.times[rows.word >>> 1] as number;
    into.subjectId = id;
    const { hasSubjects } = this.#bodies;
    if (hasSubjects && this.#bodies.locate(into)) return true;
    const { bytes, data, at, length } = this.#subjects.placeOf(id);
    into.subject = bytes;
    into.subjectData = data;
    into.subjectAt = at;
    into.subjectBytes = length;
    return !hasSubjects && this.#bodies.locate(into);
  }

  has(seq: number): boolean {
    return this.#rows.find(seq);
  }

  timeOf(seq: number): number {
    const rows = this.#rows;
    return rows.find(seq) ? (rows.chunk.times[rows.word >>> 1] as number) : 0;
  }

  bytesOf(seq: number): number {
    return this.#rows.find(seq) ? this.#bytesHere() : 0;
  }

  subjectIdOf(seq: number): number {
    return this.#rows.find(seq) ? this.#rows.subjectId : -1;
  }

  remove(seq: number): boolean {
    return this.#rows.find(seq) && this.#remove(seq, false);
  }

  evict(seq: number): boolean {
    return this.#rows.find(seq) && this.#remove(seq, this.#bodies.evicting(seq));
  }

  /** Removes the message at the cursor. */
  #remove(seq: number, mayReturn: boolean): true {
    const rows = this.#rows;
    const { subjectId } = rows;
    const bytes = this.#bytesHere();
    const { onRemoved } = this.#options;
    if (onRemoved !== undefined) {
      onRemoved(seq, subjectId, bytes, mayReturn);
      // It may have asked for something.
      rows.find(seq);
    }
    const state = this.#state;
    this.#matching.removing(seq, subjectId);
    state.bytes -= bytes;
    state.messages--;
    this.#bodies.release(seq, seq === state.firstSeq);
    this.#unlink(seq);
    if (seq === state.firstSeq) this.#findFirst();
    this.#bodies.tidy();
    return true;
  }

  /** Where the text of a subject lies that has messages; good until the next call. */
  subjectPlace(id: number): TextPlace {
    return this.#subjects.placeOf(id);
  }

  /** Removes the messages from `seq` on, which could not be kept. */
  removeFrom(seq: number): void {
    this.#options.onTakenBack?.(seq);
    for (let at = this.next(seq); at !== 0; at = this.next(at + 1)) this.remove(at);
  }

  /** Messages are there again that were removed to make room. Ascending. */
  restore(found: readonly FoundMessage[]): void {
    restoreRows(found, this.#rows, this.#subjects);
    this.#state.messages += found.length;
    for (const { seq } of found) {
      this.#rows.find(seq);
      this.#state.bytes += this.#bytesHere();
      this.#matching.restored(seq, this.#rows.subjectId);
    }
    this.#state.subjects = this.#subjects.count;
    this.#findFirst();
    const { onRestored } = this.#options;
    for (const { seq } of onRestored === undefined ? [] : found) {
      // Who was told of one before may have removed it.
      if (this.#rows.find(seq)) onRestored?.(seq, this.#rows.subjectId, this.#bytesHere());
    }
  }

  removeBelow(seq: number, most: number = Number.POSITIVE_INFINITY): number {
    const state = this.#state;
    let count = 0;
    for (; count < most && state.messages > 0 && state.firstSeq < seq; count++) {
      this.remove(state.firstSeq);
    }
    return count;
  }

  clear(): number {
    const state = this.#state;
    const { messages } = state;
    const { onCleared } = this.#options;
    if (messages === 0) {
      // It has been emptied: the next sequence is the first, as after any other removal.
      this.#findFirst();
      this.#bodies.cleared();
      return 0;
    }
    if (onCleared !== undefined) onCleared(state);
    else if (this.#options.onRemoved !== undefined) return this.removeBelow(state.lastSeq + 1);
    this.#forget(this.#subjects.generation);
    state.messages = 0;
    state.bytes = 0;
    state.subjects = 0;
    this.#findFirst();
    this.#bodies.cleared();
    return messages;
  }

  seqFromEnd(count: number): number {
    return this.#rows.fromEnd(count);
  }

  next(seq: number): number {
    return this.#rows.next(seq);
  }

  previous(seq: number): number {
    return this.#rows.previous(seq);
  }

  nextWithHeaders(seq: number, most: number): number {
    const found = this.#rows.searchHeaders(seq, most);
    return found > 0 ? found : 0 - this.#rows.resumeSeq;
  }

  nextWithin(filters: readonly string[], seq: number): number {
    return this.#matching.nextWithin(filters, seq);
  }

  lastWithin(filters: readonly string[]): number {
    return this.#matching.lastWithin(filters);
  }

  findNext(filters: readonly string[], seq: number): Work<number> {
    return this.#matching.findNext(filters, seq);
  }

  findLast(filters: readonly string[]): Work<number> {
    return this.#matching.findLast(filters);
  }

  counting(filters: readonly string[], seq: number, below?: number): Work<number> {
    return this.#matching.counting(filters, seq, below);
  }

  lasts(filters: readonly string[]): Work<readonly number[]> {
    return this.#matching.lasts(filters);
  }

  seqAtTime(timeMs: number): number {
    return this.#rows.atTime(timeMs);
  }

  findSubject(subject: Uint8Array): number {
    return this.#subjects.find(subject, subject.length);
  }

  subjectText(id: number): string {
    return this.#subjects.textOf(id);
  }

  subjectGeneration(id: number): number {
    return this.#subjects.generationOf(id);
  }

  firstOf(id: number): number {
    const subjects = this.#subjects;
    return subjects.locate(id) ? subjects.first : 0;
  }

  lastOf(id: number): number {
    const subjects = this.#subjects;
    return subjects.locate(id) ? subjects.last : 0;
  }

  countOf(id: number): number {
    const subjects = this.#subjects;
    return subjects.locate(id) ? subjects.messages : 0;
  }

  nextOnSubject(seq: number): number {
    const rows = this.#rows;
    if (!rows.find(seq) || this.lastOf(rows.subjectId) === seq) return 0;
    return rows.nextOf(seq);
  }

  previousOnSubject(seq: number): number {
    const rows = this.#rows;
    if (!rows.find(seq) || this.firstOf(rows.subjectId) === seq) return 0;
    return rows.previousOf(seq);
  }

  subjectsMatching(filter: string): Iterable<SubjectState> {
    return walkSubjects(this.#subjects, new Filter(filter));
  }

  countSubjects(filter: string): Work<readonly CountedSubject[]> {
    return countSubjects(this.#subjects, new Filter(filter));
  }

  findSubjects(filter: string): Work<readonly number[]> {
    return findSubjects(this.#subjects, new Filter(filter));
  }

  get subjectIdsEnd(): number {
    return this.#subjects.idsEnd;
  }

  deleted(): Iterable<number> {
    return deletedOf(this.#state, this.#rows);
  }

  get deletedCount(): number {
    const { firstSeq, lastSeq, messages } = this.#state;
    return messages === 0 ? 0 : lastSeq - firstSeq + 1 - messages;
  }

  write(): Error | undefined {
    return this.#bodies.write();
  }

  commit(done: Committed): void {
    this.#bodies.commit(done);
  }

  get failure(): Error | undefined {
    return this.#bodies.failure;
  }

  close(done: () => void = () => {}): void {
    this.#bodies.close(() => {
      this.#forget(0);
      done();
    });
  }

  #forget(generation: number): void {
    this.#memory.giveAll();
    this.#rows.clear();
    this.#subjects.close();
    this.#subjects = new SubjectTable(this.#memory, this.#options, generation);
    this.#matching.begin(this.#subjects);
  }

  /** Takes the message at the cursor out of the rows and the chain of its subject. */
  #unlink(seq: number): void {
    const rows = this.#rows;
    const id = rows.subjectId;
    const subjects = this.#subjects;
    if (subjects.scans.size > 0) subjects.changing(id);
    subjects.locate(id);
    const { first, last } = subjects;
    const next = seq === last ? 0 : rows.nextOf(seq);
    const previous = seq === first ? 0 : rows.previousOf(seq);
    if (next > 0 || previous > 0) {
      subjects.messages--;
      if (previous === 0) subjects.first = next;
      if (next === 0) subjects.last = previous;
    } else {
      this.#subjects.delete(id);
      this.#matching.forget(id);
      this.#state.subjects--;
    }
    rows.remove(seq);
    if (next === 0 || previous === 0) return;
    rows.find(previous);
    rows.setNext(previous, next);
    rows.find(next);
    rows.setPrevious(next, previous);
  }

  #findFirst(): void {
    const state = this.#state;
    const rows = this.#rows;
    const first = rows.first();
    state.firstSeq = first === 0 ? state.lastSeq + 1 : first;
    state.firstTimeMs = first === 0 ? 0 : (rows.chunk.times[rows.word >>> 1] as number);
  }

  /** Bytes of the message at the cursor. */
  #bytesHere(): number {
    const rows = this.#rows;
    const subjects = this.#subjects;
    subjects.locate(rows.subjectId);
    return this.#bytesBy(subjects.length, rows.hasHeaders, rows.bodyBytes);
  }

  #bytesBy(subjectBytes: number, hasHeaders: boolean, bodyBytes: number): number {
    return storedBytes(this.#options.storage, subjectBytes, hasHeaders, bodyBytes);
  }
}
