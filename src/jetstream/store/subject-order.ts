// Subjects in the order of their bytes, so that a filter costs its matches: whatever begins with the same tokens stands
// side by side, and what cannot match is leapt over.
//
//   a.b.x  a.b.y  a.c.x  a.d.x  a.d.z  b.x      a.*.x  begins at `a.`: a.b.x matches; a.b.y does not, and nothing up to
//                                                      `a.b/` can; a.c.x, a.d.x match; a.d.z leaps to `a.d/`; b.x ends it
//
// Ids stand in leaves of up to 256. A leaf that is full is halved, and two neighbours that are small are joined.
import { DOT, type Filter, LITERAL } from './filters.ts';
import type { Memory } from './memory.ts';
import { copyBytes } from './slabs.ts';

/** Where a text lies. */
export interface TextPlace {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly length: number;
}

/** Who knows the texts: one object, good until the next call. */
export interface Texts {
  placeOf(id: number): TextPlace;
}

interface Leaf {
  readonly ids: Uint32Array;
  count: number;
}

const LEAF_IDS = 256;
const LEAF_BYTES = LEAF_IDS * 4;
/** Two leaves that together have fewer are joined. */
const SMALL = LEAF_IDS / 2;
/** The first byte that is above a dot: behind all subjects that go on with a token. */
const BEHIND_DOT = DOT + 1;

export class SubjectOrder {
  readonly #memory: Memory;
  readonly #texts: Texts;
  readonly #leaves: Leaf[] = [];
  /** Where the last look-up has ended. */
  #leaf = 0;
  #index = 0;

  constructor(memory: Memory, texts: Texts) {
    this.#memory = memory;
    this.#texts = texts;
  }

  /** Makes sure that `add` of a text will not fail, and looks for its place. Throws CapacityError. */
  reserve(text: Uint8Array, length: number): void {
    this.#seek(text, length);
    // In front of the first of a leaf is also behind the last of the one before, which may have room.
    if (this.#index === 0 && this.#leaf > 0) {
      this.#leaf--;
      this.#index = (this.#leaves[this.#leaf] as Leaf).count;
    }
    const leaf = this.#leaves[this.#leaf];
    if (leaf === undefined) this.#leaves.push(this.#make());
    else if (leaf.count === LEAF_IDS) this.#halve(leaf);
  }

  /** Adds a subject in the place that `reserve` has found for it. */
  add(id: number): void {
    const { ids, count } = this.#leaves[this.#leaf] as Leaf;
    ids.copyWithin(this.#index + 1, this.#index, count);
    ids[this.#index] = id;
    (this.#leaves[this.#leaf] as Leaf).count++;
  }

  /** Takes out the subject with that text. */
  delete(text: Uint8Array, length: number): void {
    this.#seek(text, length);
    const number = this.#leaf;
    const leaf = this.#leaves[number] as Leaf;
    leaf.ids.copyWithin(this.#index, this.#index + 1, leaf.count);
    leaf.count--;
    const before = this.#leaves[number - 1];
    const behind = this.#leaves[number + 1];
    if (leaf.count === 0) this.#drop(number);
    else if (behind !== undefined && leaf.count + behind.count < SMALL) this.#join(number);
    else if (before !== undefined && leaf.count + before.count < SMALL) this.#join(number - 1);
  }

  /** All subjects that a filter with wildcards matches, one a call of `next`. Nothing may be added or deleted meanwhile. */
  walk(filter: Filter): SubjectWalk {
    return new SubjectWalk(this, this.#texts, filter);
  }

  /** The first id from a text on; -1 = there is none. `follow` goes on behind it. For walks. */
  seek(text: Uint8Array, length: number): number {
    this.#seek(text, length);
    return this.#here();
  }

  /** The id behind the last; -1 = there is none. */
  follow(): number {
    this.#index++;
    return this.#here();
  }

  /** Where it is, and how to come back there. */
  get place(): number {
    return this.#leaf * LEAF_IDS + this.#index;
  }

  set place(place: number) {
    this.#leaf = Math.floor(place / LEAF_IDS);
    this.#index = place % LEAF_IDS;
  }

  #here(): number {
    const leaf = this.#leaves[this.#leaf];
    if (leaf === undefined) return -1;
    if (this.#index < leaf.count) return leaf.ids[this.#index] as number;
    this.#leaf++;
    this.#index = 0;
    return this.#leaves[this.#leaf]?.ids[0] ?? -1;
  }

  /** Goes to the first subject that is not below a text; behind the last one when all are. */
  #seek(text: Uint8Array, length: number): void {
    const leaves = this.#leaves;
    // The first leaf whose last subject is not below it; mostly this one, or one near by.
    let low = 0;
    let high = leaves.length;
    if (this.#leaf < high) {
      if (this.#isLeafBelow(this.#leaf, text, length)) low = this.#leaf + 1;
      else high = this.#leaf;
      for (let step = 1; low > this.#leaf && low + step < high; step *= 2) {
        if (this.#isLeafBelow(low + step, text, length)) low += step + 1;
        else high = low + step;
      }
    }
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#isLeafBelow(middle, text, length)) low = middle + 1;
      else high = middle;
    }
    this.#leaf = low;
    const leaf = leaves[low];
    low = 0;
    high = leaf?.count ?? 0;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const id = (leaf as Leaf).ids[middle] as number;
      if (this.#compare(id, text, length) < 0) low = middle + 1;
      else high = middle;
    }
    this.#index = low;
  }

  #isLeafBelow(number: number, text: Uint8Array, length: number): boolean {
    const { ids, count } = this.#leaves[number] as Leaf;
    return this.#compare(ids[count - 1] as number, text, length) < 0;
  }

  #compare(id: number, text: Uint8Array, length: number): number {
    const place = this.#texts.placeOf(id);
    const { bytes, at } = place;
    const least = Math.min(place.length, length);
    for (let i = 0; i < least; i++) {
      const difference = (bytes[at + i] as number) - (text[i] as number);
      if (difference !== 0) return difference;
    }
    return place.length - length;
  }

  /** Makes room in a full leaf. One that grows at its end stays full: subjects often come in their order. */
  #halve(leaf: Leaf): void {
    const behind = this.#make();
    this.#leaves.splice(this.#leaf + 1, 0, behind);
    const kept = this.#index === LEAF_IDS ? LEAF_IDS : LEAF_IDS / 2;
    behind.ids.set(leaf.ids.subarray(kept));
    behind.count = LEAF_IDS - kept;
    leaf.count = kept;
    if (kept < LEAF_IDS && this.#index <= kept) return;
    this.#leaf++;
    this.#index -= kept;
  }

  #join(number: number): void {
    const leaf = this.#leaves[number] as Leaf;
    const behind = this.#leaves[number + 1] as Leaf;
    leaf.ids.set(behind.ids.subarray(0, behind.count), leaf.count);
    leaf.count += behind.count;
    this.#drop(number + 1);
  }

  #make(): Leaf {
    return { ids: new Uint32Array(this.#memory.take(LEAF_BYTES)), count: 0 };
  }

  #drop(number: number): void {
    this.#leaves.splice(number, 1);
    this.#memory.give(LEAF_BYTES);
  }
}

/** A filter on its way through the subjects. */
export class SubjectWalk {
  readonly #order: SubjectOrder;
  readonly #texts: Texts;
  readonly #filter: Filter;
  /** Where the order was left; -1 = nothing has been asked, -2 = there is nothing more. */
  #place = -1;
  #target = new Uint8Array(256);
  #targetLength = 0;

  constructor(order: SubjectOrder, texts: Texts, filter: Filter) {
    this.#order = order;
    this.#texts = texts;
    this.#filter = filter;
  }

  /** The next id; -1 = that was all. */
  next(): number {
    if (this.#place === -2) return -1;
    const { prefixBytes, bytes } = this.#filter;
    const order = this.#order;
    let id: number;
    if (this.#place === -1) {
      id = order.seek(bytes, prefixBytes);
    } else {
      order.place = this.#place;
      id = order.follow();
    }
    while (id >= 0) {
      const text = this.#texts.placeOf(id);
      if (!this.#hasPrefix(text)) break;
      const token = this.#filter.mismatch(text.bytes, text.at, text.length);
      if (token < 0) {
        this.#place = order.place;
        return id;
      }
      if (this.#filter.tokenAt > text.at + text.length) {
        // It has no such token. Others stand between it and those that begin with it: `a-` between `a` and `a.`.
        id = order.follow();
      } else {
        this.#leap(text, token);
        id = order.seek(this.#target, this.#targetLength);
      }
    }
    this.#place = -2;
    return -1;
  }

  #hasPrefix({ bytes, at, length }: TextPlace): boolean {
    const { prefixBytes, bytes: wanted } = this.#filter;
    if (length < prefixBytes) return false;
    for (let i = 0; i < prefixBytes; i++) if (bytes[at + i] !== wanted[i]) return false;
    return true;
  }

  /** The first text behind one that does not match, by a token that it has, and before which none can. */
  #leap({ bytes, at, length }: TextPlace, token: number): void {
    const { kinds, starts, tokenAt, bytes: wanted } = this.#filter;
    const isLiteral = kinds[token] === LITERAL;
    const from = starts[token] as number;
    const to = isLiteral ? (starts[token + 1] as number) - 1 : from;
    // Everything in front of the token, without the dot between them.
    this.#put(bytes, at, tokenAt - at - 1, 0);
    const order = isLiteral ? compareTo(bytes, tokenAt, at + length, wanted, from, to) : 1;
    const isLast = token === kinds.length - 1;
    if (order < 0 || (order === 0 && !isLast)) {
      this.#append(DOT);
      this.#put(wanted, from, to - from, this.#targetLength);
      if (order === 0) this.#append(DOT);
    } else {
      this.#append(BEHIND_DOT);
    }
  }

  #put(source: Uint8Array, at: number, length: number, to: number): void {
    if (to + length + 2 > this.#target.length) {
      const grown = new Uint8Array(2 * (to + length + 2));
      grown.set(this.#target);
      this.#target = grown;
    }
    copyBytes(source, at, this.#target, to, length);
    this.#targetLength = to + length;
  }

  #append(byte: number): void {
    this.#target[this.#targetLength++] = byte;
  }
}

/**
 * Below 0: the rest of a text is below a token. 0: above the token itself, and below all texts that go on behind it.
 * Above 0: behind those, too.
 */
function compareTo(
  bytes: Uint8Array,
  start: number,
  end: number,
  token: Uint8Array,
  from: number,
  to: number,
): number {
  const length = to - from;
  for (let i = 0; i < length; i++) {
    if (start + i === end) return -1;
    const difference = (bytes[start + i] as number) - (token[from + i] as number);
    if (difference !== 0) return difference;
  }
  return (bytes[start + length] as number) < DOT ? 0 : 1;
}
