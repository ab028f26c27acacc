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
// groups, keyed by (node, name), for a peer may name as many of one subject as it likes. match.ts walks.
// An account (account.ts) is a root with a generation, which every insert and remove changes.

import { STATUS_BAD_SUBJECT, STATUS_NO_MEMORY, STATUS_OK, SUB_CLOSED } from './abi';
import { Account, accountTouch } from './account';
import { Arena, arenaCreate, arenaInsert, arenaRemove, NO_HANDLES } from './arena';
import { Budget, NODE_UNITS } from './budget';
import { hash } from './bytes';
import { changesNote, changesNoteNode } from './changes';
import { cursorCount, cursorsStepOn } from './cursors';
import {
  slotMatches,
  slotValue,
  Table,
  tableCreate,
  tableHome,
  tableInsert,
  tableNext,
  tablePart,
  tableRemove,
} from './hash-table';
import {
  isLiteralOf,
  isOfToken,
  Node,
  nodeCreate,
  nodeDiscard,
  nodeHash,
  nodeIsEmpty,
  nodeMembers,
  nodesInit,
} from './node';
import { OWNER_GROUP, Owned } from './ownership';
import { Quota } from './quota';
import {
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
export class Group {
  next: usize;
  previous: usize;
  node: usize;
  membersPtr: usize;
  membersCount: u32;
  membersCapacity: u32;
  name: usize;
  /** The account's generation when it was made. */
  since: f64;

  @inline
  static at(ptr: usize): Group {
    Owned.assertRecord(ptr, OWNER_GROUP);
    return changetype<Group>(ptr);
  }
}

export let groups: Arena = changetype<Arena>(0);
export let literals: Table = changetype<Table>(0);
export let edges: Table = changetype<Table>(0);
export let groupNames: Table = changetype<Table>(0);

/** Makes the arena and tables. False: no memory. */
export function sublistInit(): bool {
  if (!nodesInit()) return false;
  groups = arenaCreate(offsetof<Group>(), 10, NO_HANDLES);
  literals = tableCreate();
  edges = tableCreate();
  groupNames = tableCreate();
  if (changetype<usize>(groups) == 0 || changetype<usize>(groupNames) == 0) return false;
  return changetype<usize>(literals) != 0 && changetype<usize>(edges) != 0;
}

/** The members of a queue group of a node. */
export function groupMembers(group: usize): Members {
  Owned.assertRecord(group, OWNER_GROUP);
  return changetype<Members>(group + offsetof<Group>('membersPtr'));
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
  accountTouch(account);
  if (owner.isWatched != 0) changesNote(account, filterPtr, filterLen);
  owner.subscriptionCount++;
  owner.inserts += 1;
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
  const part = tablePart(groupNames, key, <u32>node);
  let slot = tableHome(part, key, <u32>node);
  for (let value = slotValue(slot); value != 0; value = slotValue(slot)) {
    const isSame = Group.at(value).name == name;
    if (isSame && slotMatches(slot, key, <u32>node)) return value;
    slot = tableNext(part, slot);
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
  Quota.countRecord(offsetof<Group>());
  const record = Group.at(group);
  const head = Node.at(node).groups;
  record.node = node;
  record.name = name;
  record.since = Account.at(Node.at(node).account).generation;
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
  if (cursorCount != 0) cursorsStepOn(group, next);
  tableRemove(groupNames, QueueName.at(record.name).hash, <u32>node, <u32>group);
  queueNameDrop(record.name);
  arenaRemove(groups, group);
}

/**
 * Removes a subscription from its node. Its record stays, marked closed.
 *
 * @returns the work that it was: nodes that were freed, and each 256 bytes of their texts
 */
export function sublistRemove(sub: usize): u32 {
  const record = Sub.at(sub);
  assert((record.flags & SUB_CLOSED) == 0);
  record.flags |= SUB_CLOSED;
  const node = record.node;
  const group = record.group;
  if (group != 0) {
    memberRemove(groupMembers(group), sub);
    if (Group.at(group).membersCount == 0) dropGroup(node, group);
  } else memberRemove(nodeMembers(node), sub);
  const account = Node.at(node).account;
  accountTouch(account);
  const owner = Account.at(account);
  if (owner.isWatched != 0) changesNoteNode(account, node);
  owner.subscriptionCount--;
  owner.removes += 1;
  if (Node.at(node).parent != 0 || Node.at(node).textLen == 0) owner.wildcardCount--;
  return prune(node);
}

// Frees a node that holds nothing, and what that leaves empty above it.
function prune(node: usize): u32 {
  let work: u32 = 0;
  while (true) {
    if (!nodeIsEmpty(node)) return work;
    Budget.charge(NODE_UNITS);
    const record = Node.at(node);
    const parent = record.parent;
    work += 1 + (record.textLen >> 8);
    if (parent == 0) {
      if (record.textLen == 0) return work; // A root stays.
      tableRemove(literals, nodeHash(node), <u32>record.account, <u32>node);
    } else {
      const above = Node.at(parent);
      if (above.pwc == node) above.pwc = 0;
      else if (above.fwc == node) above.fwc = 0;
      else {
        tableRemove(edges, <u32>nodeHash(node), <u32>parent, <u32>node);
        above.edgeCount--;
      }
    }
    nodeDiscard(node);
    if (parent == 0) return work;
    node = parent;
  }
}

/** The literal of a subject, or 0. `key`: the subject's hash. */
export function findLiteral(account: usize, key: u64, ptr: usize, length: u32): usize {
  const part = tablePart(literals, key, <u32>account);
  let slot = tableHome(part, key, <u32>account);
  for (let value = slotValue(slot); value != 0; value = slotValue(slot)) {
    if (slotMatches(slot, key, <u32>account) && isLiteralOf(value, ptr, length)) return value;
    slot = tableNext(part, slot);
  }
  return 0;
}

function literalNode(account: usize, ptr: usize, length: u32): usize {
  const key = hash(ptr, length);
  const found = findLiteral(account, key, ptr, length);
  if (found != 0) return found;
  const node = nodeCreate(account, 0, ptr, length);
  if (node == 0) return 0;
  if (tableInsert(literals, key, <u32>account, <u32>node)) return node;
  nodeDiscard(node);
  return 0;
}

// Walks down from the root, making what is missing. On failure what was made is pruned again.
function filterNode(account: usize, ptr: usize, length: u32): usize {
  const count = splitTokens(ptr, length);
  Budget.charge(count * NODE_UNITS);
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

/** The child of a node by token `index` of the last split, taken literally, or 0. */
export function findChild(parent: usize, index: u32): usize {
  const key: u64 = tokenHash(index);
  const part = tablePart(edges, key, <u32>parent);
  let slot = tableHome(part, key, <u32>parent);
  for (let value = slotValue(slot); value != 0; value = slotValue(slot)) {
    if (slotMatches(slot, key, <u32>parent) && isOfToken(value, index)) return value;
    slot = tableNext(part, slot);
  }
  return 0;
}

function childFor(parent: usize, index: u32): usize {
  const record = Node.at(parent);
  const ptr = tokenPtr(index);
  const length = tokenLength(index);
  Owned.assertReadable(ptr, length, 0);
  const byte: u32 = length == 1 ? load<u8>(ptr) : 0;
  if (byte == PWC) {
    if (record.pwc == 0) record.pwc = nodeCreate(record.account, parent, 0, 0);
    return record.pwc;
  }
  if (byte == FWC) {
    if (record.fwc == 0) record.fwc = nodeCreate(record.account, parent, 0, 0);
    return record.fwc;
  }
  const found = findChild(parent, index);
  if (found != 0) return found;
  const node = nodeCreate(record.account, parent, ptr, length);
  if (node == 0) return 0;
  if (tableInsert(edges, tokenHash(index), <u32>parent, <u32>node)) {
    record.edgeCount++;
    return node;
  }
  nodeDiscard(node);
  return 0;
}
