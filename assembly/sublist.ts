// The sublist: who is interested in a subject. Literal subjects lie in one hash table keyed by the whole
// subject; filters with wildcards lie in a trie of tokens, one root an account.
//
//   insert foo.bar        table:  (account, "foo.bar") ─► node [a]
//   insert foo.*          trie:   root ─foo─► ○ ─*─► node [b]
//   insert foo.>  by queue q                  ○ ─>─► node {q: [c]}
//
//   match foo.bar   table: [a]; trie: foo, then `>` takes the rest: {q: [c]}, and `*`: [b]
//
// Edges of all nodes lie in one table keyed by (node, token), so a node costs no map of its own; so do queue
// groups, keyed by (node, name), for a peer may name as many of one subject as it likes. The walk
// keeps an explicit stack; matched nodes are collected in `matched`, and match-cache.ts lays them out.
// An account is a root with a generation of its own, which every insert and remove changes.

import { STATUS_BAD_SUBJECT, STATUS_NO_MEMORY, STATUS_OK, SUB_CLOSED, TOKENS_MAX } from './abi';
import { Arena, arenaCreate, arenaInsert, arenaRemove, NO_HANDLES } from './arena';
import { copyExact, equal, hash } from './bytes';
import {
  slotMatches,
  slotValue,
  Table,
  tableCreate,
  tableHome,
  tableInsert,
  tableNext,
  tableRemove,
} from './hash-table';
import { allocate, release } from './memory';
import {
  OWNER_ACCOUNT,
  OWNER_GROUP,
  OWNER_MATCHED,
  OWNER_NODE,
  OWNER_SCRATCH,
  OWNER_TEXT,
  Owned,
} from './ownership';
import {
  DOT,
  FILTER_INVALID,
  FILTER_LITERAL,
  FWC,
  filterKind,
  PWC,
  splitTokens,
  tokenHash,
  tokenLength,
  tokenPtr,
} from './subject';
import {
  Members,
  memberAdd,
  memberRemove,
  QueueName,
  queueNameDrop,
  queueNameTake,
  Sub,
} from './subscription';

@unmanaged
export class Account {
  handle: u32;
  generation: u32;
  free: u32;
  root: usize;
  subscriptionCount: u32;
  /** Subscriptions whose filter has a wildcard; without any the trie is not walked. */
  wildcardCount: u32;

  @inline
  static at(ptr: usize): Account {
    Owned.assertRecord(ptr, OWNER_ACCOUNT);
    return changetype<Account>(ptr);
  }
}

@unmanaged
export class Node {
  /** The node above; 0 for a root and for a literal of the table. */
  parent: usize;
  account: usize;
  // A member list (subscription.ts).
  membersPtr: usize;
  membersCount: u32;
  membersCapacity: u32;
  /** First queue group, linked by `Group.next`. */
  groups: usize;
  /** Children by the wildcards. */
  pwc: usize;
  fwc: usize;
  edgeCount: u32;
  /** Token, or the whole subject of a literal; its text belongs to the node. 0 under a wildcard. */
  textPtr: usize;
  textLen: u32;
  hash: u64;

  @inline
  static at(ptr: usize): Node {
    Owned.assertRecord(ptr, OWNER_NODE);
    return changetype<Node>(ptr);
  }
}

@unmanaged
export class Group {
  next: usize;
  previous: usize;
  node: usize;
  membersPtr: usize;
  membersCount: u32;
  membersCapacity: u32;
  name: usize;

  @inline
  static at(ptr: usize): Group {
    Owned.assertRecord(ptr, OWNER_GROUP);
    return changetype<Group>(ptr);
  }
}

const STACK_BYTES: u32 = (TOKENS_MAX + 2) * 8;
const stack: usize = memory.data(16400, 16);
const TEXT_PAD: u32 = 8;

export let nodes: Arena = changetype<Arena>(0);
export let groups: Arena = changetype<Arena>(0);
let literals: Table = changetype<Table>(0);
let edges: Table = changetype<Table>(0);
let groupNames: Table = changetype<Table>(0);

/** Pointers of the nodes that the last match found, and how many. */
export let matched: usize = 0;
export let matchedCount: u32 = 0;
let matchedCapacity: u32 = 1024;

/** Makes the arenas and tables. False: no memory. */
export function sublistInit(): bool {
  assert(STACK_BYTES <= 16400);
  nodes = arenaCreate(offsetof<Node>(), 10, NO_HANDLES);
  groups = arenaCreate(offsetof<Group>(), 10, NO_HANDLES);
  literals = tableCreate();
  edges = tableCreate();
  groupNames = tableCreate();
  matched = allocate(matchedCapacity << 2, OWNER_MATCHED);
  if (changetype<usize>(nodes) == 0 || changetype<usize>(groups) == 0) return false;
  if (changetype<usize>(literals) == 0 || changetype<usize>(edges) == 0) return false;
  return changetype<usize>(groupNames) != 0 && matched != 0;
}

/** The members of a node. */
export function nodeMembers(node: usize): Members {
  Owned.assertRecord(node, OWNER_NODE);
  return changetype<Members>(node + offsetof<Node>('membersPtr'));
}

/** The members of a queue group of a node. */
export function groupMembers(group: usize): Members {
  Owned.assertRecord(group, OWNER_GROUP);
  return changetype<Members>(group + offsetof<Group>('membersPtr'));
}

/** Gives an account its root. False: no memory. */
export function accountPlant(account: usize): bool {
  const root = arenaInsert(nodes, OWNER_NODE);
  if (root == 0) return false;
  Node.at(root).account = account;
  Account.at(account).root = root;
  Account.at(account).generation = 1;
  return true;
}

/** Changes the generation: every match result and route of the account is void. */
export function accountTouch(account: usize): void {
  Account.at(account).generation++;
}

/**
 * Inserts a subscription under a filter; with `queueLen` above 0 as a member of that queue group.
 *
 * @returns STATUS_OK, STATUS_BAD_SUBJECT or STATUS_NO_MEMORY; unless OK nothing has changed
 */
export function sublistInsert(
  account: usize,
  sub: usize,
  filterPtr: usize,
  filterLen: u32,
  queuePtr: usize,
  queueLen: u32,
): i32 {
  const kind = filterKind(filterPtr, filterLen);
  if (kind == FILTER_INVALID) return STATUS_BAD_SUBJECT;
  const isLiteral = kind == FILTER_LITERAL;
  const node = isLiteral
    ? literalNode(account, filterPtr, filterLen)
    : filterNode(account, filterPtr, filterLen);
  if (node == 0) return STATUS_NO_MEMORY;
  const record = Sub.at(sub);
  record.node = node;
  if (!join(node, sub, queuePtr, queueLen)) {
    prune(node);
    return STATUS_NO_MEMORY;
  }
  const owner = Account.at(account);
  owner.generation++;
  owner.subscriptionCount++;
  if (!isLiteral) owner.wildcardCount++;
  return STATUS_OK;
}

function join(node: usize, sub: usize, queuePtr: usize, queueLen: u32): bool {
  if (queueLen == 0) return memberAdd(nodeMembers(node), sub);
  const name = queueNameTake(queuePtr, queueLen);
  if (name == 0) return false;
  let group = groupNamed(node, name);
  const isNew = group == 0;
  if (isNew) {
    group = createGroup(node, name);
    if (group == 0) {
      queueNameDrop(name);
      return false;
    }
  } else queueNameDrop(name); // A group holds one reference, however many members it has.
  if (!memberAdd(groupMembers(group), sub)) {
    if (isNew) dropGroup(node, group);
    return false;
  }
  Sub.at(sub).group = group;
  return true;
}

/** The queue group of that name in a node, or 0. */
export function groupNamed(node: usize, name: usize): usize {
  if (Node.at(node).groups == 0) return 0;
  const key = QueueName.at(name).hash;
  let slot = tableHome(groupNames, key, <u32>node);
  for (let value = slotValue(slot); value != 0; value = slotValue(slot)) {
    const isSame = Group.at(value).name == name;
    if (isSame && slotMatches(slot, key, <u32>node)) return value;
    slot = tableNext(groupNames, slot);
  }
  return 0;
}

function createGroup(node: usize, name: usize): usize {
  const group = arenaInsert(groups, OWNER_GROUP);
  if (group == 0) return 0;
  if (!tableInsert(groupNames, QueueName.at(name).hash, <u32>node, <u32>group)) {
    arenaRemove(groups, group);
    return 0;
  }
  const record = Group.at(group);
  const head = Node.at(node).groups;
  record.node = node;
  record.name = name;
  record.next = head;
  if (head != 0) Group.at(head).previous = group;
  Node.at(node).groups = group;
  return group;
}

function dropGroup(node: usize, group: usize): void {
  const record = Group.at(group);
  const next = record.next;
  const previous = record.previous;
  if (previous != 0) Group.at(previous).next = next;
  else Node.at(node).groups = next;
  if (next != 0) Group.at(next).previous = previous;
  tableRemove(groupNames, QueueName.at(record.name).hash, <u32>node, <u32>group);
  queueNameDrop(record.name);
  arenaRemove(groups, group);
}

/** Removes a subscription from its node. Its record stays, marked closed. */
export function sublistRemove(sub: usize): void {
  const record = Sub.at(sub);
  assert((record.flags & SUB_CLOSED) == 0);
  record.flags |= SUB_CLOSED;
  const node = record.node;
  const group = record.group;
  if (group != 0) {
    memberRemove(groupMembers(group), sub);
    if (Group.at(group).membersCount == 0) dropGroup(node, group);
  } else memberRemove(nodeMembers(node), sub);
  const account = Account.at(Node.at(node).account);
  account.generation++;
  account.subscriptionCount--;
  if (Node.at(node).parent != 0 || Node.at(node).textLen == 0) account.wildcardCount--;
  prune(node);
}

// Frees a node that holds nothing, and what that leaves empty above it.
function prune(node: usize): void {
  while (true) {
    const record = Node.at(node);
    if (record.membersCount != 0 || record.groups != 0 || record.edgeCount != 0) return;
    if (record.pwc != 0 || record.fwc != 0) return;
    const parent = record.parent;
    if (parent == 0) {
      if (record.textLen == 0) return; // A root stays.
      tableRemove(literals, record.hash, <u32>record.account, <u32>node);
    } else {
      const above = Node.at(parent);
      if (above.pwc == node) above.pwc = 0;
      else if (above.fwc == node) above.fwc = 0;
      else {
        tableRemove(edges, record.hash, <u32>parent, <u32>node);
        above.edgeCount--;
      }
    }
    if (record.textLen != 0) release(record.textPtr, record.textLen + TEXT_PAD);
    arenaRemove(nodes, node);
    if (parent == 0) return;
    node = parent;
  }
}

function createNode(account: usize, parent: usize, textPtr: usize, textLen: u32): usize {
  const node = arenaInsert(nodes, OWNER_NODE);
  if (node == 0) return 0;
  const record = Node.at(node);
  record.parent = parent;
  record.account = account;
  if (textLen == 0) return node;
  record.textPtr = allocate(textLen + TEXT_PAD, OWNER_TEXT);
  if (record.textPtr == 0) {
    arenaRemove(nodes, node);
    return 0;
  }
  record.textLen = textLen;
  copyExact(record.textPtr, textPtr, textLen);
  return node;
}

function discardNode(node: usize): void {
  const record = Node.at(node);
  release(record.textPtr, record.textLen + TEXT_PAD);
  arenaRemove(nodes, node);
}

function findNode(table: Table, scope: usize, key: u64, textPtr: usize, textLen: u32): usize {
  let slot = tableHome(table, key, <u32>scope);
  for (let value = slotValue(slot); value != 0; value = slotValue(slot)) {
    if (slotMatches(slot, key, <u32>scope)) {
      const record = Node.at(value);
      if (record.textLen == textLen && equal(record.textPtr, textPtr, textLen)) return value;
    }
    slot = tableNext(table, slot);
  }
  return 0;
}

function literalNode(account: usize, ptr: usize, length: u32): usize {
  const key = hash(ptr, length);
  const found = findNode(literals, account, key, ptr, length);
  if (found != 0) return found;
  const node = createNode(account, 0, ptr, length);
  if (node == 0) return 0;
  Node.at(node).hash = key;
  if (tableInsert(literals, key, <u32>account, <u32>node)) return node;
  discardNode(node);
  return 0;
}

// Walks down from the root, making what is missing. On failure what was made is pruned again.
function filterNode(account: usize, ptr: usize, length: u32): usize {
  const count = splitTokens(ptr, length);
  let node = Account.at(account).root;
  for (let index: u32 = 0; index < count; index++) {
    const next = childFor(node, index);
    if (next == 0) {
      prune(node);
      return 0;
    }
    node = next;
  }
  return node;
}

function childFor(parent: usize, index: u32): usize {
  const record = Node.at(parent);
  const ptr = tokenPtr(index);
  const length = tokenLength(index);
  Owned.assertReadable(ptr, length, 0);
  const byte: u32 = length == 1 ? load<u8>(ptr) : 0;
  if (byte == PWC) {
    if (record.pwc == 0) record.pwc = createNode(record.account, parent, 0, 0);
    return record.pwc;
  }
  if (byte == FWC) {
    if (record.fwc == 0) record.fwc = createNode(record.account, parent, 0, 0);
    return record.fwc;
  }
  const key: u64 = tokenHash(index);
  const found = findNode(edges, parent, key, ptr, length);
  if (found != 0) return found;
  const node = createNode(record.account, parent, ptr, length);
  if (node == 0) return 0;
  Node.at(node).hash = key;
  if (tableInsert(edges, key, <u32>parent, <u32>node)) {
    record.edgeCount++;
    return node;
  }
  discardNode(node);
  return 0;
}

/**
 * Collects the nodes whose filters match a subject in `matched`. Its tokens are taken literally, so
 * `foo.*` as a subject reaches `foo.*`, `foo.>` and `*.*`, not `foo.bar`. A subject with an empty token
 * matches nothing.
 *
 * @param key the subject's hash
 * @returns how many, or STATUS_NO_MEMORY when the collection cannot grow
 */
export function sublistMatch(account: usize, ptr: usize, length: u32, key: u64): i32 {
  matchedCount = 0;
  const owner = Account.at(account);
  const literal = findNode(literals, account, key, ptr, length);
  if (literal != 0 && !collect(literal)) return STATUS_NO_MEMORY;
  if (owner.wildcardCount == 0) return matchedCount;
  const count = splitTokens(ptr, length);
  if (count == 0) return matchedCount;
  let top = push(stack - 8, owner.root, 0);
  while (top >= stack) {
    const node = <usize>load<u32>(top);
    const level = load<u32>(top, 4);
    top -= 8;
    const record = Node.at(node);
    if (level == count) {
      if (!collect(node)) return STATUS_NO_MEMORY;
      continue;
    }
    if (record.fwc != 0 && !collect(record.fwc)) return STATUS_NO_MEMORY;
    if (record.pwc != 0) top = push(top, record.pwc, level + 1);
    if (record.edgeCount == 0) continue;
    const child = findNode(edges, node, tokenHash(level), tokenPtr(level), tokenLength(level));
    if (child == 0) continue;
    top = push(top, child, level + 1);
  }
  return matchedCount;
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

/**
 * Writes the filter of a subscription's node backwards, ending before `end` of the scratch region, and answers its length.
 * It never exceeds SUBJECT_MAX.
 */
export function nodeFilterBefore(node: usize, end: usize): u32 {
  let at = end;
  while (true) {
    const record = Node.at(node);
    if (record.textLen != 0) {
      at -= record.textLen;
      copyExact(at, record.textPtr, record.textLen);
    } else {
      const byte = Node.at(record.parent).pwc == node ? PWC : FWC;
      Owned.write<u8>(--at, <u8>byte, OWNER_SCRATCH);
    }
    node = record.parent;
    if (node == 0 || Node.at(node).parent == 0) break;
    Owned.write<u8>(--at, <u8>DOT, OWNER_SCRATCH);
  }
  return <u32>(end - at);
}

/** The table of literals, for tests of its runs. */
export function literalTable(): Table {
  return literals;
}
