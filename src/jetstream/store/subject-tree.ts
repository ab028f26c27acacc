// Subjects by their tokens, so that a filter costs its matches: it goes where its literal tokens lead, and to all children
// for a wildcard.
//
//   a.b    a.c.x   a.c.y          ○ ─a─► ○ ─b─► ● a.b           a.*    comes to a.b, and to a.c, which is no subject
//                                         ─c─► ○ ─x─► ● a.c.x   *.c.y  goes by way of each first token to c, and to y
//                                                 ─y─► ● a.c.y
//
// A child is found by its parent and its token in one hash index for the whole tree; all children of a node are a list.
// No token has a text of its own: it is a part of the text of any subject below, and each node knows one.
import type { Work } from '../work.ts';
import { DOT, type Filter, FWC, LITERAL } from './filters.ts';
import { HashIndex, hashText } from './hash-index.ts';
import type { Memory } from './memory.ts';
import { RECORD_CHAIN, RECORD_HASH, RECORD_LIFE, Records } from './records.ts';

/** Where a text lies. */
export interface TextPlace {
  readonly bytes: Uint8Array;
  /** A view of all of them. */
  readonly data: DataView;
  readonly at: number;
  readonly length: number;
}

/** Who knows the texts of subjects: one object, good until the next call. */
export interface Texts {
  placeOf(id: number): TextPlace;
}

// A node, 40 bytes. A node is named by its id + 1; 0 is the root, or none.
//
//   word  field
//      0  parent
//      1  first child
//      2  next child of its parent
//      3  the one before
//      4  id + 1 of a subject at it or below
//      5  id + 1 of the subject at it; 0 = none
//   6, 7  RECORD_HASH, RECORD_CHAIN
//      8  where its token begins in the texts of the subjects below
//      9  bytes of its token
const PARENT = 0;
const CHILD = 1;
const NEXT = 2;
const PREVIOUS = 3;
const SAMPLE = RECORD_LIFE;
const SUBJECT = 5;
const START = 8;
const LENGTH = 9;
const NODE_WORDS = 10;

/** Odd; spreads the names of parents over the bits of a hash. */
const SPREAD = 0x9e3779b1;
const HASH_BITS = 0x1ffffff;

export class SubjectTree {
  readonly #texts: Texts;
  readonly #nodes: Records;
  readonly #index: HashIndex;
  #firstOfRoot = 0;
  // Of the node that was visited last.
  child = 0;
  sibling = 0;
  subject = -1;

  constructor(memory: Memory, texts: Texts) {
    this.#texts = texts;
    this.#nodes = new Records(memory, NODE_WORDS);
    this.#index = new HashIndex(memory, this.#nodes);
  }

  /** Bytes beside those of its memory. */
  get listBytes(): number {
    return this.#nodes.listBytes;
  }

  /** So many more may come, and nothing is asked meanwhile. Throws CapacityError. */
  expecting(count: number): Work<void> {
    return this.#index.expecting(count);
  }

  /**
   * Adds a subject, whose text can be asked for as soon as this returns. Throws CapacityError, and then nothing has changed.
   *
   * @returns its node, for `delete`
   */
  add(id: number, text: Uint8Array, at: number, length: number): number {
    let node = 0;
    try {
      for (let start = 0; start <= length; ) {
        const end = tokenEnd(text, at, start, length);
        const hash = hashText(text, at + start, end - start);
        const child = this.childOf(node, hash, text, at + start, end - start);
        node = child === 0 ? this.#grow(node, hash, id, start, end - start) : child;
        start = end + 1;
      }
    } catch (error) {
      this.#prune(node);
      throw error;
    }
    this.#set(node, SUBJECT, id + 1);
    return node;
  }

  /** Takes a subject out; its text is still there. */
  delete(id: number, node: number): void {
    this.#set(node, SUBJECT, 0);
    // What is left of its way up may have known its text.
    for (let left = this.#prune(node); left !== 0; left = this.#get(left, PARENT)) {
      if (this.#get(left, SAMPLE) !== id + 1) continue;
      const own = this.#get(left, SUBJECT);
      this.#set(left, SAMPLE, own === 0 ? this.#get(this.#get(left, CHILD), SAMPLE) : own);
    }
  }

  /** All subjects that a filter matches, one a call of `next`. Nothing may be added or deleted meanwhile. */
  walk(filter: Filter, steps: number = Number.POSITIVE_INFINITY): SubjectWalk {
    return new SubjectWalk(this, filter, steps);
  }

  /** The child of a node with that token; 0 = none. */
  childOf(parent: number, hash: number, text: Uint8Array, at: number, length: number): number {
    const nodes = this.#nodes;
    const whole = edgeHash(parent, hash);
    for (let node = this.#index.firstOf(whole); node !== 0; ) {
      nodes.locate(node - 1);
      const { words, word } = nodes;
      const isLikely = words[word + RECORD_HASH] === whole && words[word + PARENT] === parent;
      if (isLikely && words[word + LENGTH] === length) {
        const place = this.#texts.placeOf((words[word + SAMPLE] as number) - 1);
        if (isSame(place.bytes, place.at + (words[word + START] as number), text, at, length)) {
          return node;
        }
      }
      node = words[word + RECORD_CHAIN] as number;
    }
    return 0;
  }

  firstChildOf(node: number): number {
    return node === 0 ? this.#firstOfRoot : this.#get(node, CHILD);
  }

  /** Reads a node: its first child, the next child of its parent, and its subject, or -1. */
  visit(node: number): void {
    const nodes = this.#nodes;
    nodes.locate(node - 1);
    const { words, word } = nodes;
    this.child = words[word + CHILD] as number;
    this.sibling = words[word + NEXT] as number;
    this.subject = (words[word + SUBJECT] as number) - 1;
  }

  #grow(parent: number, hash: number, id: number, start: number, length: number): number {
    const nodes = this.#nodes;
    nodes.reserve();
    this.#index.reserve();
    const node = nodes.nextId + 1;
    const sibling = this.firstChildOf(parent);
    nodes.add();
    const { words, word } = nodes;
    words[word + PARENT] = parent;
    words[word + CHILD] = 0;
    words[word + NEXT] = sibling;
    words[word + PREVIOUS] = 0;
    words[word + SAMPLE] = id + 1;
    words[word + SUBJECT] = 0;
    words[word + RECORD_HASH] = edgeHash(parent, hash);
    words[word + START] = start;
    words[word + LENGTH] = length;
    this.#index.add(node - 1);
    if (sibling !== 0) this.#set(sibling, PREVIOUS, node);
    this.#setFirstChild(parent, node);
    return node;
  }

  /** Takes out a node that has neither subject nor children, and those above it that have none then. @returns what is left */
  #prune(start: number): number {
    let node = start;
    while (node !== 0 && this.#get(node, CHILD) === 0 && this.#get(node, SUBJECT) === 0) {
      const parent = this.#get(node, PARENT);
      const next = this.#get(node, NEXT);
      const previous = this.#get(node, PREVIOUS);
      if (previous === 0) this.#setFirstChild(parent, next);
      else this.#set(previous, NEXT, next);
      if (next !== 0) this.#set(next, PREVIOUS, previous);
      this.#index.delete(node - 1);
      this.#nodes.delete(node - 1);
      node = parent;
    }
    return node;
  }

  #get(node: number, field: number): number {
    const nodes = this.#nodes;
    nodes.locate(node - 1);
    return nodes.words[nodes.word + field] as number;
  }

  #set(node: number, field: number, value: number): void {
    const nodes = this.#nodes;
    nodes.locate(node - 1);
    nodes.words[nodes.word + field] = value;
  }

  #setFirstChild(parent: number, node: number): void {
    if (parent === 0) this.#firstOfRoot = node;
    else this.#set(parent, CHILD, node);
  }
}

/** No id: a walk has gone all its steps. */
export const TIRED = -2;

/** A filter on its way through the tree. */
export class SubjectWalk {
  readonly #tree: SubjectTree;
  readonly #filter: Filter;
  readonly #hashes: readonly number[];
  /** Of each level the node that is next there; 0 = none is left. */
  readonly #nodes: number[];
  #level = 0;
  readonly #steps: number;
  #stepsLeft: number;

  constructor(tree: SubjectTree, filter: Filter, steps: number) {
    this.#steps = steps;
    this.#stepsLeft = steps;
    const { bytes, starts, kinds } = filter;
    this.#tree = tree;
    this.#filter = filter;
    this.#hashes = kinds.map((_, token) => {
      const start = starts[token] as number;
      return hashText(bytes, start, (starts[token + 1] as number) - 1 - start);
    });
    this.#nodes = [this.#firstOf(0, 0)];
  }

  /** The next id; -1 = that was all; TIRED = it has gone all its steps, and goes as many when it is asked again. */
  next(): number {
    const tree = this.#tree;
    const { kinds } = this.#filter;
    const last = kinds.length - 1;
    while (this.#level >= 0) {
      if (--this.#stepsLeft < 0) {
        this.#stepsLeft = this.#steps;
        return TIRED;
      }
      const level = this.#level;
      const node = this.#nodes[level] as number;
      if (node === 0) {
        this.#level--;
        continue;
      }
      tree.visit(node);
      const { child, sibling, subject } = tree;
      // Where to go on when this one, and all below it, has been seen.
      const isOpen = level >= last && kinds[last] === FWC;
      const isLiteral = level <= last && kinds[level] === LITERAL;
      this.#nodes[level] = isLiteral ? 0 : sibling;
      if (level < last || isOpen) {
        const below = level + 1;
        const isNamed = below < kinds.length && kinds[below] === LITERAL;
        this.#nodes[++this.#level] = isNamed ? this.#firstOf(node, below) : child;
      }
      if ((level === last || isOpen) && subject >= 0) return subject;
    }
    return -1;
  }

  #firstOf(parent: number, token: number): number {
    const { bytes, starts, kinds } = this.#filter;
    if (token >= kinds.length || kinds[token] !== LITERAL) return this.#tree.firstChildOf(parent);
    const start = starts[token] as number;
    const length = (starts[token + 1] as number) - 1 - start;
    return this.#tree.childOf(parent, this.#hashes[token] as number, bytes, start, length);
  }
}

function tokenEnd(text: Uint8Array, at: number, start: number, length: number): number {
  let end = start;
  while (end < length && text[at + end] !== DOT) end++;
  return end;
}

function edgeHash(parent: number, hash: number): number {
  return (hash ^ Math.imul(parent, SPREAD)) & HASH_BITS;
}

/** Whether two pieces of bytes are alike. */
export function isSame(
  some: Uint8Array,
  at: number,
  others: Uint8Array,
  otherAt: number,
  length: number,
): boolean {
  for (let i = 0; i < length; i++) if (some[at + i] !== others[otherAt + i]) return false;
  return true;
}

/** The same by words, of the first bytes of another view. */
export function isSameWords(some: DataView, at: number, others: DataView, length: number): boolean {
  const end = length & ~3;
  for (let i = 0; i < end; i += 4) if (some.getInt32(at + i) !== others.getInt32(i)) return false;
  for (let i = end; i < length; i++) if (some.getInt8(at + i) !== others.getInt8(i)) return false;
  return true;
}
