// Matching: from a subject to the nodes of the sublist whose filters match it. They are collected in `matched`, and
// match-cache.ts lays them out.
//
// Among many filters a match waits for memory, so what counts is not how many lines it reads but how many it waits for
// one after the other. A node or slot is therefore asked for as soon as its address is known, and looked at as late
// as possible, by when the others that were asked for meanwhile have come, too:
//
//   slot of the literal, slots of the edges  ─►  their nodes, and slots of the edges behind  ─►  …
//
// A child goes on the stack when its slot has the right hash; its text is compared when it comes off again.

import { STATUS_NO_MEMORY, TOKENS_MAX } from './abi';
import { Account } from './account';
import { Budget, NODE_UNITS } from './budget';
import { copyExact } from './bytes';
import { tableLikely, tableTouch } from './hash-table';
import { allocate, release } from './memory';
import { isLiteralOf, isOfToken, Node, nodeTouch } from './node';
import { OWNER_MATCHED, Owned } from './ownership';
import { splitTokens, tokenHash } from './subject';
import { edges, findChild, findLiteral, literals } from './sublist';

const STACK_BYTES: u32 = (TOKENS_MAX + 2) * 8;
const stack: usize = memory.data(16400, 16);
/** Nodes near the root, mostly in the cache: while they are walked the literal's slot is on its way. */
const NEAR_NODES: u32 = 2;

/** Pointers of the nodes that the last match found, and how many. */
export let matched: usize = 0;
export let matchedCount: u32 = 0;
/** The last match was given up: it was longer than was allowed. */
export let matchIsLong: bool = false;
let matchedCapacity: u32 = 1024;

/** Makes room for results. False: no memory. */
export function matchInit(): bool {
  assert(STACK_BYTES <= 16400);
  matched = allocate(matchedCapacity << 2, OWNER_MATCHED);
  return matched != 0;
}

/**
 * Collects the nodes whose filters match a subject in `matched`. Its tokens are taken literally, so
 * `foo.*` as a subject reaches `foo.*`, `foo.>` and `*.*`, not `foo.bar`. A subject with an empty token
 * matches nothing.
 *
 * @param key the subject's hash
 * @param most nodes that it may visit
 * @returns how many, or STATUS_NO_MEMORY when the collection cannot grow, or the walk is longer (`matchIsLong`)
 */
export function sublistMatch(
  account: usize,
  ptr: usize,
  length: u32,
  key: u64,
  most: u32 = u32.MAX_VALUE,
): i32 {
  matchedCount = 0;
  matchIsLong = false;
  Budget.charge(NODE_UNITS);
  const owner = Account.at(account);
  const count: u32 = owner.wildcardCount == 0 ? 0 : splitTokens(ptr, length);
  tableTouch(literals, key, <u32>account);
  let top = stack - 8;
  if (count != 0) top = Trie.walk(push(top, owner.root, 0), count, NEAR_NODES);
  let literal = <usize>tableLikely(literals, key, <u32>account);
  nodeTouch(literal);
  if (count != 0 && top != 0) top = Trie.walk(top, count, most);
  matchIsLong = count != 0 && top >= stack;
  if (top == 0 || matchIsLong) return STATUS_NO_MEMORY;
  if (literal == 0) return matchedCount;
  if (!isLiteralOf(literal, ptr, length)) literal = findLiteral(account, key, ptr, length);
  return literal == 0 || collect(literal) ? matchedCount : STATUS_NO_MEMORY;
}

class Trie {
  // Visits what is on the stack and below it, but no more than `most` nodes. Answers the new top, or 0: no memory.
  @inline
  static walk(top: usize, count: u32, most: u32): usize {
    for (; top >= stack && most > 0; most--) {
      Budget.charge(NODE_UNITS);
      let node = <usize>load<u32>(top);
      const level = load<u32>(top, 4);
      top -= 8;
      if (Node.at(node).textLen != 0 && !isOfToken(node, level - 1)) {
        node = findChild(Node.at(node).parent, level - 1);
        if (node == 0) continue;
      }
      const record = Node.at(node);
      if (level == count) {
        if (!collect(node)) return 0;
        continue;
      }
      if (record.fwc != 0 && !collect(record.fwc)) return 0;
      const pwc = record.pwc;
      if (pwc != 0) askFor(pwc, level + 1, count);
      if (record.edgeCount != 0) {
        const child = tableLikely(edges, tokenHash(level), <u32>node);
        if (child != 0) {
          askFor(child, level + 1, count);
          top = push(top, child, level + 1);
        }
      }
      if (pwc != 0) top = push(top, pwc, level + 1);
    }
    return top;
  }
}

// Has the lines fetched that a visit of the node will read: its own, and that of its edge by the next token.
function askFor(node: usize, level: u32, count: u32): void {
  nodeTouch(node);
  if (level < count) tableTouch(edges, tokenHash(level), <u32>node);
}

// Answers where the entry lies that is the top now: node and level.
function push(top: usize, node: usize, level: u32): usize {
  top += 8;
  assert(top >= stack && top + 8 <= stack + STACK_BYTES);
  store<u32>(top, <u32>node);
  store<u32>(top, level, 4);
  return top;
}

// A node on the way that holds no subscription of its own is not a match.
function collect(node: usize): bool {
  const record = Node.at(node);
  if (record.membersCount == 0 && record.groups == 0) return true;
  if (matchedCount == matchedCapacity) {
    const wider = allocate(matchedCapacity << 3, OWNER_MATCHED);
    if (wider == 0) return false;
    copyExact(wider, matched, (<usize>matchedCount) << 2);
    release(matched, matchedCapacity << 2);
    matched = wider;
    matchedCapacity <<= 1;
  }
  Owned.write<u32>(matched + ((<usize>matchedCount) << 2), <u32>node, OWNER_MATCHED);
  matchedCount++;
  return true;
}

/** The node that the last match found at `index`. */
export function matchedNode(index: u32): usize {
  assert(index < matchedCount);
  return Owned.read<u32>(matched + ((<usize>index) << 2), OWNER_MATCHED);
}
