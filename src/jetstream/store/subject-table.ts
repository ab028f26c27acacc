// The subjects that have messages: by id (records), by text (hash), by filter (order). Their texts lie in slabs.
import type { Filter, Filters } from './filters.ts';
import type { Memory } from './memory.ts';
import { type SlabOwner, Slabs } from './slabs.ts';
import { hashText, SubjectHash } from './subject-hash.ts';
import { SubjectOrder, type TextPlace, type Texts } from './subject-order.ts';
import {
  SUBJECT_AT,
  SUBJECT_CHAIN,
  SUBJECT_GENERATION,
  SUBJECT_HASH,
  SUBJECT_LENGTH,
  SUBJECT_SLAB,
  SubjectRecords,
} from './subject-records.ts';

/** Ids of subjects, one a call. */
export interface IdWalk {
  /** -1 = that was all. */
  next(): number;
}

/** A text as its bytes say it; a byte order mark is a byte like any other. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export class SubjectTable implements SlabOwner, Texts {
  readonly #records: SubjectRecords;
  readonly #hash: SubjectHash;
  readonly #order: SubjectOrder;
  readonly #texts: Slabs;
  readonly #place = { bytes: new Uint8Array(0), at: 0, length: 0 };
  #count = 0;

  /** @param generation of the last subject of the table before; see `SubjectRecords.generation` */
  constructor(memory: Memory, slabBytes: number | undefined, generation: number) {
    this.#records = new SubjectRecords(memory, generation);
    this.#hash = new SubjectHash(memory, this.#records);
    this.#order = new SubjectOrder(memory, this);
    this.#texts = new Slabs(memory, this, slabBytes);
  }

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** The records: `locate(id)` first. */
  get records(): SubjectRecords {
    return this.#records;
  }

  /** The id of a subject; -1 = it has no messages. Leaves the cursor of the records at it. */
  find(text: Uint8Array, length: number): number {
    const records = this.#records;
    const hash = hashText(text, length);
    for (let at = this.#hash.firstOf(hash); at !== 0; ) {
      records.locate(at - 1);
      const { words, word } = records;
      if (words[word + SUBJECT_HASH] === hash && words[word + SUBJECT_LENGTH] === length) {
        const bytes = this.#texts.bytesOf(words[word + SUBJECT_SLAB] as number);
        if (isSame(bytes, words[word + SUBJECT_AT] as number, text, length)) return at - 1;
      }
      at = words[word + SUBJECT_CHAIN] as number;
    }
    return -1;
  }

  /** Adds a subject with one message. Throws CapacityError, and then nothing has changed. @returns its id */
  add(text: Uint8Array, length: number, seq: number): number {
    const records = this.#records;
    const texts = this.#texts;
    records.reserve();
    this.#hash.reserve();
    const id = records.nextId;
    texts.reserve(id, length);
    try {
      this.#order.reserve(text, length);
    } catch (error) {
      texts.release(texts.slab, length);
      throw error;
    }
    texts.bytes.set(length === text.length ? text : text.subarray(0, length), texts.at);
    records.add();
    records.first = seq;
    records.last = seq;
    records.count = 1;
    const { words, word } = records;
    words[word + SUBJECT_HASH] = hashText(text, length);
    words[word + SUBJECT_SLAB] = texts.slab;
    words[word + SUBJECT_AT] = texts.at;
    words[word + SUBJECT_LENGTH] = length;
    this.#hash.add(id);
    this.#order.add(id);
    this.#count++;
    return id;
  }

  /** The subject has no message any more. */
  delete(id: number): void {
    const { bytes, at, length } = this.placeOf(id);
    const slab = this.#records.words[this.#records.word + SUBJECT_SLAB] as number;
    this.#order.delete(bytes.subarray(at, at + length), length);
    this.#hash.delete(id);
    this.#records.delete(id);
    this.#texts.release(slab, length);
    this.#count--;
    if (this.#texts.isWasteful) this.#texts.step();
  }

  /** Where its text lies; leaves the cursor of the records at it. */
  placeOf(id: number): TextPlace {
    this.#records.locate(id);
    const { words, word } = this.#records;
    const place = this.#place;
    place.bytes = this.#texts.bytesOf(
      words[word + SUBJECT_SLAB] as number,
    ) as Uint8Array<ArrayBuffer>;
    place.at = words[word + SUBJECT_AT] as number;
    place.length = words[word + SUBJECT_LENGTH] as number;
    return place;
  }

  textOf(id: number): string {
    const { bytes, at, length } = this.placeOf(id);
    return decoder.decode(bytes.subarray(at, at + length));
  }

  generationOf(id: number): number {
    const records = this.#records;
    return records.locate(id) ? (records.words[records.word + SUBJECT_GENERATION] as number) : 0;
  }

  /** All that a filter matches. Nothing may be added or deleted meanwhile. */
  walk(filter: Filter): IdWalk {
    if (!filter.isLiteral) return this.#order.walk(filter);
    let id = this.find(filter.bytes, filter.bytes.length);
    return {
      next: () => {
        const found = id;
        id = -1;
        return found;
      },
    };
  }

  /** All that any of several filters matches, each once. */
  walkAll({ list }: Filters): IdWalk {
    const { length } = list;
    const [first] = list;
    if (first === undefined || length === 1) return this.walk(first as Filter);
    return new UnionWalk(this, list);
  }

  holds(key: number, slab: number, at: number): boolean {
    const records = this.#records;
    if (!records.locate(key)) return false;
    const { words, word } = records;
    return words[word + SUBJECT_SLAB] === slab && words[word + SUBJECT_AT] === at;
  }

  moved(_key: number, slab: number, at: number): void {
    const { words, word } = this.#records;
    words[word + SUBJECT_SLAB] = slab;
    words[word + SUBJECT_AT] = at;
  }
}

/** One filter after the other; what one before has matched is passed over. */
class UnionWalk implements IdWalk {
  readonly #table: SubjectTable;
  readonly #filters: readonly Filter[];
  #number = 0;
  #walk: IdWalk;

  constructor(table: SubjectTable, filters: readonly Filter[]) {
    this.#table = table;
    this.#filters = filters;
    this.#walk = table.walk(filters[0] as Filter);
  }

  next(): number {
    for (;;) {
      const id = this.#walk.next();
      if (id >= 0) {
        if (!this.#isMatchedBefore(id)) return id;
        continue;
      }
      const filter = this.#filters[++this.#number];
      if (filter === undefined) return -1;
      this.#walk = this.#table.walk(filter);
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

function isSame(bytes: Uint8Array, at: number, text: Uint8Array, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[at + i] !== text[i]) return false;
  return true;
}
