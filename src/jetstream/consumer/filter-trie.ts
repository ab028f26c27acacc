// Filters as a trie of their tokens, with an item at the end of each: whose filters match a subject, whose meet another
// filter? A lookup visits the nodes that match, whatever else there is. It may be asked at any time, also inside a handler,
// where the matcher of the core is busy with the message at hand.
//
//   orders.*  A      ○ ─orders─► ○ ─*──► {A}       orders.new   comes to A and B
//   orders.>  B                   ─>──► {B}       orders       to nobody
//   time      C        ─time───► {C}              time         to C

import { CapacityError } from '../../shared/errors.ts';

interface FilterNode<T> {
  readonly children: Map<string, FilterNode<T>>;
  readonly items: T[];
}

/** A node, and how many tokens of the subject have led to it. */
interface Place<T> {
  readonly node: FilterNode<T>;
  readonly level: number;
}

/** In the place of a level: all that is below matches. */
const BELOW = -1;

/**
 * Nodes that may be visited by all lookups of one request together, some 0.1 s, and by each beside that: of filters that
 * are made for it, few kilobytes ask for minutes.
 */
export const VISITS_OF_REQUEST = 1_000_000;
const VISITS_OF_LOOKUP = 16;

export class FilterTrie<T> {
  readonly #root: FilterNode<T> = nodeOf();
  #count = 0;
  #visitsLeft: number;

  /** @param visitsMost nodes that all lookups together may visit, beside a few of each; more throw CapacityError */
  constructor(visitsMost: number = Number.POSITIVE_INFINITY) {
    this.#visitsLeft = visitsMost;
  }

  /** Filters in it; equal ones count apart. */
  get count(): number {
    return this.#count;
  }

  add(filter: string, item: T): void {
    let node = this.#root;
    for (const token of filter.split('.')) {
      let child = node.children.get(token);
      if (child === undefined) {
        child = nodeOf();
        node.children.set(token, child);
      }
      node = child;
    }
    node.items.push(item);
    this.#count++;
  }

  /** Takes out what `add` put in; harmless when it is not there. */
  delete(filter: string, item: T): void {
    const tokens = filter.split('.');
    const path = [this.#root];
    for (const token of tokens) {
      const child = path[path.length - 1]?.children.get(token);
      if (child === undefined) return;
      path.push(child);
    }
    const items = path[path.length - 1]?.items ?? [];
    const at = items.indexOf(item);
    if (at < 0) return;
    items.splice(at, 1);
    this.#count--;
    for (let level = tokens.length; level > 0; level--) {
      const { items: left, children } = path[level] as FilterNode<T>;
      if (left.length > 0 || children.size > 0) return;
      path[level - 1]?.children.delete(tokens[level - 1] as string);
    }
  }

  /** Calls `found` for each item whose filter matches a literal subject: once for each of its filters that does. */
  match(subject: string, found: (item: T) => void): void {
    this.#visitsLeft += VISITS_OF_LOOKUP;
    const tokens = subject.split('.');
    const stack: Place<T>[] = [{ node: this.#root, level: 0 }];
    for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
      this.#visit();
      const { node, level } = place;
      const token = tokens[level];
      if (token === undefined) {
        for (const item of node.items) found(item);
        continue;
      }
      for (const item of node.children.get('>')?.items ?? []) found(item);
      const any = node.children.get('*');
      if (any !== undefined) stack.push({ node: any, level: level + 1 });
      // A token of a subject that looks like a wildcard is one like any other; the filter's wildcard has met it.
      const same = token === '*' || token === '>' ? undefined : node.children.get(token);
      if (same !== undefined) stack.push({ node: same, level: level + 1 });
    }
  }

  /** Calls `found` for each item whose filter and this one can match the same subject. */
  meet(filter: string, found: (item: T) => void): void {
    this.#visitsLeft += VISITS_OF_LOOKUP;
    const tokens = filter.split('.');
    const stack: Place<T>[] = [{ node: this.#root, level: 0 }];
    for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
      this.#visit();
      const { node, level } = place;
      const token = tokens[level];
      if (token === undefined) for (const item of node.items) found(item);
      if (level === BELOW || token === '>') {
        for (const child of node.children.values()) stack.push({ node: child, level: BELOW });
      } else if (token !== undefined) {
        for (const item of node.children.get('>')?.items ?? []) found(item);
        for (const child of childrenFor(node, token)) stack.push({ node: child, level: level + 1 });
      }
    }
  }

  #visit(): void {
    if (this.#visitsLeft-- > 0) return;
    throw new CapacityError('comparing filters with each other');
  }
}

/** The children of a node, but the full wildcard, that a token of a filter meets. */
function* childrenFor<T>({ children }: FilterNode<T>, token: string): Iterable<FilterNode<T>> {
  if (token === '*') {
    for (const [name, child] of children) if (name !== '>') yield child;
    return;
  }
  const any = children.get('*');
  if (any !== undefined) yield any;
  const same = children.get(token);
  if (same !== undefined) yield same;
}

function nodeOf<T>(): FilterNode<T> {
  return { children: new Map(), items: [] };
}
