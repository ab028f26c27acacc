// Watched subjects, found by a filter: which of them does it match? A literal filter is one lookup; one with wildcards
// walks a trie of the subjects' tokens, and visits only what it matches and the nodes where it fails.
//
//   watch a.b, a.c:   ○ ─a─► ○ ─b─► {a.b}        a.*   comes to a.b and a.c
//                             ─c─► {a.c}        *.x   ends below a
//                                               a.>   comes to everything below a

interface TrieNode<T> {
  readonly parent: TrieNode<T> | undefined;
  readonly token: string;
  readonly children: Map<string, TrieNode<T>>;
  readonly items: Set<T>;
}

/** A node, and how many tokens of the filter have led to it. */
interface Place<T> {
  readonly node: TrieNode<T>;
  readonly level: number;
}

/** Of nodes to which a full wildcard has led: everything below them is matched as well. */
const BELOW_FWC = Number.POSITIVE_INFINITY;

export class WatchTrie<T> {
  readonly #root: TrieNode<T> = nodeOf(undefined, '');
  /** The nodes that have items, by subject. */
  readonly #bySubject = new Map<string, TrieNode<T>>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(subject: string, item: T): void {
    let node = this.#bySubject.get(subject);
    if (node === undefined) {
      node = this.#grow(subject);
      this.#bySubject.set(subject, node);
    }
    node.items.add(item);
    this.#count++;
  }

  delete(subject: string, item: T): void {
    let node = this.#bySubject.get(subject);
    if (node?.items.delete(item) !== true) return;
    this.#count--;
    if (node.items.size === 0) this.#bySubject.delete(subject);
    while (node.parent !== undefined && node.items.size === 0 && node.children.size === 0) {
      node.parent.children.delete(node.token);
      node = node.parent;
    }
  }

  /** All items. */
  *all(): Iterable<T> {
    for (const { items } of this.#bySubject.values()) yield* items;
  }

  /**
   * Adds the items whose subjects a filter matches to `found`.
   *
   * @param most nodes that may be visited
   * @returns how many were; above `most` it has given up, and not all are found
   */
  match(filter: string, found: Set<T>, most: number): number {
    if (!/[*>]/.test(filter)) {
      addAll(found, this.#bySubject.get(filter)?.items);
      return 1;
    }
    const tokens = filter.split('.');
    const stack: Place<T>[] = [{ node: this.#root, level: 0 }];
    let visited = 0;
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      if (++visited > most) break;
      const { node, level } = top;
      const token = tokens[level];
      if (level >= tokens.length) addAll(found, node.items);
      if (level === BELOW_FWC || (token === '>' && level === tokens.length - 1)) {
        for (const child of node.children.values()) stack.push({ node: child, level: BELOW_FWC });
      } else if (token === '*') {
        for (const child of node.children.values()) stack.push({ node: child, level: level + 1 });
      } else if (token !== undefined) {
        const child = node.children.get(token);
        if (child !== undefined) stack.push({ node: child, level: level + 1 });
      }
    }
    return visited;
  }

  #grow(subject: string): TrieNode<T> {
    let node = this.#root;
    for (const token of subject.split('.')) {
      let child = node.children.get(token);
      if (child === undefined) {
        child = nodeOf(node, token);
        node.children.set(token, child);
      }
      node = child;
    }
    return node;
  }
}

function nodeOf<T>(parent: TrieNode<T> | undefined, token: string): TrieNode<T> {
  return { parent, token, children: new Map(), items: new Set() };
}

function addAll<T>(found: Set<T>, items: Iterable<T> = []): void {
  for (const item of items) found.add(item);
}
