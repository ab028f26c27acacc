// The subjects that have messages: by id (records), by text (a hash index), by filter (a tree). Their texts lie in slabs.
//
// Who reads a store from disk has nothing to ask of the tree, which takes half of the time. So it is made when a filter is
// first asked for, id after id beside everything else; until it is whole no walk gets anywhere, and whoever walks has
// another way, since any walk may take too long.
//
//   ids    0 ────── in the tree ──────►│ #grownTo      one that comes or goes on this side does so in the tree, too
import { textOf } from '../../shared/byte-text.ts';
import { CapacityError } from '../../shared/errors.ts';
import { type Work, wholly } from '../work.ts';
import type { Filter, Filters } from './filters.ts';
import { HashIndex, hashText, hashWords, SIGHT } from './hash-index.ts';
import type { Memory } from './memory.ts';
import { RECORD_CHAIN, RECORD_HASH, RECORD_LIFE, Records } from './records.ts';
import { copyBytes, type SlabOwner, Slabs } from './slabs.ts';
import type { SubjectScan } from './subject-scan.ts';
import {
  isSame,
  isSameWords,
  SubjectTree,
  type TextPlace,
  type Texts,
  TIRED,
} from './subject-tree.ts';

// What is known of a subject, 48 bytes.
//
//   word  field
//   0, 1  first sequence (f64)
//   2, 3  last sequence (f64)
//      4  number of messages
//      5  generation
//   6, 7  RECORD_HASH, RECORD_CHAIN
//      8  the slab in which its text lies
//      9  where it begins there
//     10  bytes of its text
//     11  its node in the tree; 0 = it has none yet
const COUNT = RECORD_LIFE;
const GENERATION = 5;
const SLAB = 8;
const AT = 9;
const LENGTH = 10;
const NODE = 11;
const SUBJECT_WORDS = 12;

/** Ids that come into the tree between two yields: some tenths of a millisecond. */
const GROWN_A_STEP = 256;

/** Ids of subjects, one a call. */
export interface IdWalk {
  /** -1 = that was all; TIRED. */
  next(): number;
}

export interface SubjectOptions {
  /** Bytes of a slab, a power of two from 64 on: for tests, in which little is much. */
  readonly slabBytes?: number;
  /** Does work in pieces beside everything else; else it is done wholly. */
  readonly inBackground?: (work: Work<void>) => void;
}

/** There is no tree yet. */
const NO_WALK: IdWalk = { next: () => TIRED };

export class SubjectTable implements SlabOwner, Texts {
  readonly #records: Records;
  readonly #index: HashIndex;
  readonly #tree: SubjectTree;
  readonly #texts: Slabs;
  readonly #place = {
    bytes: new Uint8Array(0) as Uint8Array,
    data: new DataView(new ArrayBuffer(0)) as DataView,
    at: 0,
    length: 0,
  };
  /** They hear of every change before it is made. */
  readonly scans: Set<SubjectScan> = new Set();
  #count = 0;
  /** Of the text that was looked for last. */
  #hash = 0;

  #generation: number;
  readonly #inBackground: (work: Work<void>) => void;
  /** Those below are in the tree; infinite when it is whole. */
  #grownTo = Number.POSITIVE_INFINITY;
  #growth: Work<void> | undefined;

  /** @param generation of the last subject of the table before */
  constructor(memory: Memory, options: SubjectOptions, generation: number) {
    const { slabBytes, inBackground = wholly } = options;
    this.#records = new Records(memory, SUBJECT_WORDS);
    this.#index = new HashIndex(memory, this.#records);
    this.#tree = new SubjectTree(memory, this);
    this.#texts = new Slabs(memory, this, slabBytes);
    this.#generation = generation;
    this.#inBackground = inBackground;
  }

  /** So many may come, and nothing is asked meanwhile; one that is empty has no tree until it is wanted. Throws CapacityError. */
  expecting(more: number): Work<void> {
    if (this.#count === 0) this.#grownTo = 0;
    return this.#index.expecting(more);
  }

  /** It is used no more. */
  close(): void {
    this.#growth?.return();
  }

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** All ids are below. */
  get idsEnd(): number {
    return this.#records.idsEnd;
  }

  /** Of the subject that came last. */
  get generation(): number {
    return this.#generation;
  }

  /** Bytes beside those of its memory. */
  get listBytes(): number {
    return this.#records.listBytes + this.#tree.listBytes;
  }

  /** Goes to a subject, of which `first`, `last`, `messages` and `length` tell then; false: the id is nobody's. */
  locate(id: number): boolean {
    return this.#records.locate(id);
  }

  get first(): number {
    return this.#records.doubles[this.#records.word >>> 1] as number;
  }

  set first(seq: number) {
    this.#records.doubles[this.#records.word >>> 1] = seq;
  }

  get last(): number {
    return this.#records.doubles[(this.#records.word >>> 1) + 1] as number;
  }

  set last(seq: number) {
    this.#records.doubles[(this.#records.word >>> 1) + 1] = seq;
  }

  get messages(): number {
    return this.#records.words[this.#records.word + COUNT] as number;
  }

  set messages(count: number) {
    this.#records.words[this.#records.word + COUNT] = count;
  }

  /** The number of messages of a subject is about to change. */
  changing(id: number): void {
    for (const scan of this.scans) scan.before(id);
    this.locate(id);
  }

  /** Bytes of its text. */
  get length(): number {
    return this.#records.words[this.#records.word + LENGTH] as number;
  }

  /** The id of a subject; -1 = it has no messages. Goes to it. */
  find(text: Uint8Array, length: number): number {
    return this.#findBy(hashText(text, 0, length), text, 0, length, undefined);
  }

  /** The same by a view of all of the text: sooner. */
  findSoon(text: Uint8Array, length: number, data: DataView): number {
    return this.#findBy(hashWords(data, length), text, 0, length, data);
  }

  /** The same of a text at `at` of which the hash is known. */
  findHashed(hash: number, text: Uint8Array, at: number, length: number): number {
    return this.#findBy(hash, text, at, length, undefined);
  }

  /** Looks ahead at some of those that will be looked for in this order, so that all are found sooner. @returns up to which */
  foresee(hashes: Uint32Array, from: number): number {
    const to = Math.min(from + SIGHT, hashes.length);
    this.#index.foresee(hashes, from, to);
    return to;
  }

  #findBy(
    hash: number,
    text: Uint8Array,
    at: number,
    length: number,
    data: DataView | undefined,
  ): number {
    const records = this.#records;
    this.#hash = hash;
    for (let found = this.#index.firstOf(hash); found !== 0; ) {
      records.locate(found - 1);
      const { words, word } = records;
      if (words[word + RECORD_HASH] === hash && words[word + LENGTH] === length) {
        const slab = this.#texts.slabOf(words[word + SLAB] as number);
        const start = words[word + AT] as number;
        const isFound =
          data === undefined
            ? isSame(slab.bytes, start, text, at, length)
            : isSameWords(slab.data, start, data, length);
        if (isFound) return found - 1;
      }
      found = words[word + RECORD_CHAIN] as number;
    }
    return -1;
  }

  /**
   * Adds a subject with one message; its text was looked for last, and was not there. Throws CapacityError, and then nothing
   * has changed.
   *
   * @returns its id
   */
  add(text: Uint8Array, at: number, length: number, seq: number): number {
    const records = this.#records;
    const texts = this.#texts;
    records.reserve();
    this.#index.reserve();
    const id = records.nextId;
    texts.reserve(id, length);
    const { slab, at: place } = texts;
    copyBytes(text, at, texts.bytes, place, length);
    let node = 0;
    try {
      if (id < this.#grownTo) node = this.#tree.add(id, text, at, length);
    } catch (error) {
      texts.release(slab, length);
      throw error;
    }
    records.add();
    this.#generation = (this.#generation + 1) >>> 0;
    const { words, doubles, word } = records;
    doubles[word >>> 1] = seq;
    doubles[(word >>> 1) + 1] = seq;
    words[word + COUNT] = 1;
    words[word + GENERATION] = this.#generation;
    words[word + RECORD_HASH] = this.#hash;
    words[word + SLAB] = slab;
    words[word + AT] = place;
    words[word + LENGTH] = length;
    words[word + NODE] = node;
    this.#index.add(id);
    this.#count++;
    return id;
  }

  /** The subject has no message any more. */
  delete(id: number): void {
    const records = this.#records;
    records.locate(id);
    const { words, word } = records;
    const slab = words[word + SLAB] as number;
    const length = words[word + LENGTH] as number;
    const node = words[word + NODE] as number;
    if (node !== 0) this.#tree.delete(id, node);
    this.#index.delete(id);
    this.#records.delete(id);
    this.#texts.release(slab, length);
    this.#count--;
    if (this.#texts.isWasteful) this.#texts.step();
  }

  /** Where its text lies; goes to it. */
  placeOf(id: number): TextPlace {
    this.#records.locate(id);
    const { words, word } = this.#records;
    const place = this.#place;
    const { bytes, data } = this.#texts.slabOf(words[word + SLAB] as number);
    place.bytes = bytes;
    place.data = data;
    place.at = words[word + AT] as number;
    place.length = words[word + LENGTH] as number;
    return place;
  }

  textOf(id: number): string {
    const { bytes, at, length } = this.placeOf(id);
    return textOf(bytes.subarray(at, at + length));
  }

  generationOf(id: number): number {
    const records = this.#records;
    return records.locate(id) ? (records.words[records.word + GENERATION] as number) : 0;
  }

  /** All that a filter matches, unless that takes more steps. Nothing may be added or deleted meanwhile. */
  walk(filter: Filter, steps?: number): IdWalk {
    if (!filter.isLiteral) {
      this.#grow();
      return this.#isGrown ? this.#tree.walk(filter, steps) : NO_WALK;
    }
    let id = this.find(filter.bytes, filter.bytes.length);
    return {
      next: () => {
        const found = id;
        id = -1;
        return found;
      },
    };
  }

  get #isGrown(): boolean {
    return this.#grownTo === Number.POSITIVE_INFINITY;
  }

  #grow(): void {
    if (this.#isGrown || this.#growth !== undefined) return;
    this.#growth = this.#growing();
    this.#inBackground(this.#growth);
  }

  /** Puts all into the tree. Where memory ends it ends, too, and goes on there when it is wanted again. */
  *#growing(): Work<void> {
    try {
      if (this.#grownTo === 0) yield* this.#tree.expecting(this.#count);
      while (this.#grownTo < this.idsEnd) {
        const end = Math.min(this.#grownTo + GROWN_A_STEP, this.idsEnd);
        for (; this.#grownTo < end; this.#grownTo++) this.#intoTree(this.#grownTo);
        yield;
      }
      this.#grownTo = Number.POSITIVE_INFINITY;
    } catch (error) {
      if (!(error instanceof CapacityError)) throw error;
    } finally {
      this.#growth = undefined;
    }
  }

  #intoTree(id: number): void {
    const records = this.#records;
    if (!records.locate(id)) return;
    const { bytes, at, length } = this.placeOf(id);
    const node = this.#tree.add(id, bytes, at, length);
    records.locate(id);
    records.words[records.word + NODE] = node;
  }

  /** The ids that a filter matches, if they can be told in so many steps. */
  within(filter: Filter, steps: number): number[] | undefined {
    const walk = this.walk(filter, steps);
    const ids: number[] = [];
    for (let id = walk.next(); id !== -1; id = walk.next()) {
      if (id === TIRED) return undefined;
      ids.push(id);
    }
    return ids;
  }

  /** The same of several filters, each id once, in so many steps of all of them. */
  few({ list }: Filters, steps: number): Iterable<number> | undefined {
    const ids = new Set<number>();
    let left = steps;
    for (const filter of list) {
      const few = this.within(filter, left);
      if (few === undefined) return undefined;
      if (list.length === 1) return few;
      for (const id of few) ids.add(id);
      // A walk takes two steps and more of each subject that it meets.
      left -= 1 + 2 * few.length;
      if (left <= 0) return undefined;
    }
    return ids;
  }

  /** Puts those of the ids from `start` to `end` that match into `ids`. */
  scan(filters: readonly Filter[], start: number, end: number, ids: number[]): void {
    const stop = Math.min(end, this.idsEnd);
    for (let id = start; id < stop; id++) {
      if (!this.locate(id)) continue;
      const { bytes, at, length } = this.placeOf(id);
      if (filters.some((filter) => filter.matches(bytes, at, length))) ids.push(id);
    }
  }

  /** All that any of several filters matches, each once; TIRED after so many steps, and it goes on when asked again. */
  walkAll({ list }: Filters, steps: number): IdWalk {
    const { length } = list;
    const [first] = list;
    if (first === undefined || length === 1) return this.walk(first as Filter, steps);
    return new UnionWalk(this, list, steps);
  }

  holds(key: number, slab: number, at: number): boolean {
    const records = this.#records;
    if (!records.locate(key)) return false;
    const { words, word } = records;
    return words[word + SLAB] === slab && words[word + AT] === at;
  }

  moved(_key: number, slab: number, at: number): void {
    const { words, word } = this.#records;
    words[word + SLAB] = slab;
    words[word + AT] = at;
  }
}

/** One filter after the other; what one before has matched is passed over. */
class UnionWalk implements IdWalk {
  readonly #table: SubjectTable;
  readonly #filters: readonly Filter[];
  readonly #steps: number;
  #number = 0;
  #walk: IdWalk;

  constructor(table: SubjectTable, filters: readonly Filter[], steps: number) {
    this.#table = table;
    this.#filters = filters;
    this.#steps = steps;
    this.#walk = table.walk(filters[0] as Filter, steps);
  }

  next(): number {
    for (;;) {
      const id = this.#walk.next();
      if (id >= 0) {
        if (!this.#isMatchedBefore(id)) return id;
        continue;
      }
      if (id === TIRED) return TIRED;
      const filter = this.#filters[++this.#number];
      if (filter === undefined) return -1;
      this.#walk = this.#table.walk(filter, this.#steps);
    }
  }

  #isMatchedBefore(id: number): boolean {
    if (this.#number === 0) return false;
    const { bytes, at, length } = this.#table.placeOf(id);
    for (let i = 0; i < this.#number; i++) {
      if ((this.#filters[i] as Filter).matches(bytes, at, length)) return true;
    }
    return false;
  }
}
