// Nodes: what a filter leads to, a literal subject of the table or a node of the trie. Each is one line of the
// processor's cache, 64 bytes at a multiple of 64, for among a million of them every line that a match reads
// has to come from memory. So the text lies in the record wherever it fits:
//
//   all       0  members · groups · account · parent · length of the text
//   literal  32  text, 32 bytes                                           } or its address,
//   trie     28  edges · child by `*` · child by `>` · token, 24 bytes    } when it is longer

import { Arena, arenaCreate, arenaInsert, arenaRemove, NO_HANDLES } from './arena';
import { Budget, NODE_UNITS } from './budget';
import { copyExact, equal, hash } from './bytes';
import { allocate, release } from './memory';
import { OWNER_NODE, OWNER_TEXT, Owned } from './ownership';
import { Quota } from './quota';
import { DOT, FWC, PWC, tokenLength, tokenPtr } from './subject';
import { Members } from './subscription';

@unmanaged
export class Node {
  // A member list (subscription.ts).
  membersPtr: usize;
  membersCount: u32;
  membersCapacity: u32;
  /** First queue group, linked by `Group.next`. */
  groups: usize;
  account: usize;
  /** The node above; 0 for a root and for a literal. */
  parent: usize;
  /** 0 of a root and under a wildcard. */
  textLen: u32;
  // From here on nodes of the trie alone: the text of a literal begins one word further on.
  edgeCount: u32;
  /** Children by the wildcards. */
  pwc: usize;
  fwc: usize;
  token0: u64;
  token1: u64;
  token2: u64;

  @inline
  static at(ptr: usize): Node {
    Owned.assertRecord(ptr, OWNER_NODE);
    return changetype<Node>(ptr);
  }
}

const NODE_BYTES: u32 = 64;
if (offsetof<Node>() != NODE_BYTES) ERROR('Node is not one line');
const LITERAL_TEXT: usize = offsetof<Node>('pwc');
const LITERAL_ROOM: u32 = NODE_BYTES - offsetof<Node>('pwc');
const TOKEN_TEXT: usize = offsetof<Node>('token0');
const TOKEN_ROOM: u32 = NODE_BYTES - offsetof<Node>('token0');
const TEXT_PAD: u32 = 8;

export let nodes: Arena = changetype<Arena>(0);

/** Makes the arena. False: no memory. */
export function nodesInit(): bool {
  nodes = arenaCreate(NODE_BYTES, 10, NO_HANDLES);
  return changetype<usize>(nodes) != 0;
}

/** A new node without members: of the trie under `parent`, or, with a text and none above it, a literal. 0 = no memory. */
export function nodeCreate(account: usize, parent: usize, textPtr: usize, textLen: u32): usize {
  const node = arenaInsert(nodes, OWNER_NODE);
  if (node == 0) return 0;
  Budget.charge(NODE_UNITS);
  assert((node & (NODE_BYTES - 1)) == 0);
  const record = Node.at(node);
  record.parent = parent;
  record.account = account;
  record.textLen = textLen;
  Quota.countRecord(NODE_BYTES);
  if (textLen == 0) return node;
  let text = textPlace(node);
  if (isApart(node)) {
    text = allocate(textLen + TEXT_PAD, OWNER_TEXT);
    if (text == 0) {
      arenaRemove(nodes, node);
      return 0;
    }
    Owned.write<u32>(textPlace(node), <u32>text, OWNER_NODE);
    Quota.countBlock(textLen + TEXT_PAD);
  }
  copyExact(text, textPtr, textLen);
  return node;
}

/** Frees a node that nothing refers to any more. */
export function nodeDiscard(node: usize): void {
  if (isApart(node)) release(nodeText(node), Node.at(node).textLen + TEXT_PAD);
  arenaRemove(nodes, node);
}

/** Whether it holds no subscription and leads nowhere. */
export function nodeIsEmpty(node: usize): bool {
  const record = Node.at(node);
  if (record.membersCount != 0 || record.groups != 0) return false;
  const isLiteral = record.parent == 0 && record.textLen != 0;
  return isLiteral || (record.edgeCount == 0 && record.pwc == 0 && record.fwc == 0);
}

function textPlace(node: usize): usize {
  return node + (Node.at(node).parent == 0 ? LITERAL_TEXT : TOKEN_TEXT);
}

function isApart(node: usize): bool {
  const record = Node.at(node);
  return record.textLen > (record.parent == 0 ? LITERAL_ROOM : TOKEN_ROOM);
}

/** Where the text of a node lies. */
export function nodeText(node: usize): usize {
  const place = textPlace(node);
  return isApart(node) ? <usize>Owned.read<u32>(place, OWNER_NODE) : place;
}

/** Bytes of the filter that leads to a node; never more than SUBJECT_MAX. */
export function nodeFilterBytes(node: usize): u32 {
  let bytes: u32 = 0;
  while (true) {
    const record = Node.at(node);
    bytes += max<u32>(record.textLen, 1); // A wildcard has no text.
    node = record.parent;
    if (node == 0 || Node.at(node).parent == 0) return bytes;
    bytes++;
  }
}

/** Writes the filter that leads to a node; there is room for `nodeFilterBytes` of it. */
export function nodeFilterInto(node: usize, target: usize, owner: u32): void {
  let at = target + nodeFilterBytes(node);
  while (true) {
    const record = Node.at(node);
    const parent = record.parent;
    at -= max<u32>(record.textLen, 1);
    if (record.textLen != 0) copyExact(at, nodeText(node), record.textLen);
    else Owned.write<u8>(at, <u8>(Node.at(parent).pwc == node ? PWC : FWC), owner);
    node = parent;
    if (node == 0 || Node.at(node).parent == 0) return;
    Owned.write<u8>(--at, <u8>DOT, owner);
  }
}

/** Its hash; the table of edges knows the lower half. */
export function nodeHash(node: usize): u64 {
  return hash(nodeText(node), Node.at(node).textLen);
}

/** Whether it is the literal of that subject. */
export function isLiteralOf(node: usize, ptr: usize, length: u32): bool {
  const textLen = Node.at(node).textLen;
  let text = node + LITERAL_TEXT;
  if (textLen > LITERAL_ROOM) text = Owned.read<u32>(text, OWNER_NODE);
  return textLen == length && equal(text, ptr, length);
}

/** Whether a node under an edge is the one of token `index` of the last split. */
export function isOfToken(node: usize, index: u32): bool {
  const textLen = Node.at(node).textLen;
  let text = node + TOKEN_TEXT;
  if (textLen > TOKEN_ROOM) text = Owned.read<u32>(text, OWNER_NODE);
  return textLen == tokenLength(index) && equal(text, tokenPtr(index), textLen);
}

/** The members of a node. */
export function nodeMembers(node: usize): Members {
  Owned.assertRecord(node, OWNER_NODE);
  return changetype<Members>(node + offsetof<Node>('membersPtr'));
}

/**
 * Has the line of a node fetched, if it is one (0 is none): whatever is asked for before the first answer comes
 * arrives with it. As `tableTouch`.
 */
export function nodeTouch(node: usize): void {
  load<u32>(node);
}
