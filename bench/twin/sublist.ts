// The twin's sublist, after assembly/sublist.ts: literal subjects in one hash table keyed by the whole subject,
// filters with wildcards in a trie of tokens, all edges of which lie in one table keyed by (node, token). One
// account.

import { copyExact, equal, hash } from './bytes.ts';
import {
  allocate,
  allocateRecord,
  u8 as heapBytes,
  i32 as heapWords,
  MATCHED,
  MATCHED_MAX,
  release,
  STACK,
  STATE,
  TOKENS,
} from './heap.ts';
import {
  GROUP_MEMBERS,
  GROUP_NAME,
  GROUP_NEXT,
  GROUP_NODE,
  GROUP_PREVIOUS,
  GROUP_WORDS,
  MEMBERS_COUNT,
  memberAdd,
  memberRemove,
  NAME_HASH,
  NAME_LENGTH,
  NAME_REFERENCES,
  NAME_TEXT,
  NODE_EDGES,
  NODE_FWC,
  NODE_GROUPS,
  NODE_HASH,
  NODE_MEMBERS,
  NODE_PARENT,
  NODE_PWC,
  NODE_TEXT,
  NODE_TEXT_LEN,
  NODE_TEXT_ROOM,
  NODE_WORDS,
  SUB_CLOSED,
  SUB_GROUP,
  SUB_NODE,
} from './records.ts';
import { FILTER_INVALID, FILTER_LITERAL, FWC, filterKind, PWC, splitTokens } from './subject.ts';
import {
  slotMatches,
  slotValue,
  tableCreate,
  tableHome,
  tableInsert,
  tableKey,
  tableNext,
  tableRemove,
} from './table.ts';

const u8 = heapBytes;
const i32 = heapWords;

const LITERALS = STATE;
const EDGES = STATE + 3;
const GROUP_NAMES = STATE + 6;
const NAMES = STATE + 9;
const ROOT = STATE + 12;
/** Every insert and remove adds one. */
export const GENERATION: number = STATE + 13;
const WILDCARD_COUNT = STATE + 14;
const TEXT_PAD = 8;

/** Empties the sublist; once, before all else. */
export function sublistInit(): void {
  for (const table of [LITERALS, EDGES, GROUP_NAMES, NAMES]) tableCreate(table);
  i32[ROOT] = allocateRecord(NODE_WORDS);
  i32[GENERATION] = 1;
}

/** Inserts a subscription; `queueLen` 0 = no queue group. False: not a valid filter. */
export function sublistInsert(
  sub: number,
  filterPtr: number,
  filterLen: number,
  queuePtr: number,
  queueLen: number,
): boolean {
  const kind = filterKind(filterPtr, filterLen);
  if (kind === FILTER_INVALID) return false;
  const isLiteral = kind === FILTER_LITERAL;
  const node = isLiteral ? literalNode(filterPtr, filterLen) : filterNode(filterPtr, filterLen);
  i32[sub + SUB_NODE] = node;
  if (queueLen === 0) memberAdd(node + NODE_MEMBERS, sub);
  else joinGroup(node, sub, nameTake(queuePtr, queueLen));
  i32[GENERATION] = i32[GENERATION]! + 1;
  if (!isLiteral) i32[WILDCARD_COUNT] = i32[WILDCARD_COUNT]! + 1;
  return true;
}

function joinGroup(node: number, sub: number, name: number): void {
  let group = groupNamed(node, name);
  if (group === 0) group = createGroup(node, name);
  else nameDrop(name); // A group holds one reference, however many members it has.
  memberAdd(group + GROUP_MEMBERS, sub);
  i32[sub + SUB_GROUP] = group;
}

function groupNamed(node: number, name: number): number {
  const key = tableKey(i32[name + NAME_HASH]!, node);
  let slot = tableHome(GROUP_NAMES, key);
  for (let value = slotValue(slot); value !== 0; value = slotValue(slot)) {
    if (i32[value + GROUP_NAME] === name && i32[value + GROUP_NODE] === node) return value;
    slot = tableNext(GROUP_NAMES, slot);
  }
  return 0;
}

function createGroup(node: number, name: number): number {
  const group = allocateRecord(GROUP_WORDS);
  tableInsert(GROUP_NAMES, tableKey(i32[name + NAME_HASH]!, node), group);
  const head = i32[node + NODE_GROUPS]!;
  i32[group + GROUP_NODE] = node;
  i32[group + GROUP_NAME] = name;
  i32[group + GROUP_NEXT] = head;
  if (head !== 0) i32[head + GROUP_PREVIOUS] = group;
  i32[node + NODE_GROUPS] = group;
  return group;
}

function dropGroup(node: number, group: number): void {
  const next = i32[group + GROUP_NEXT]!;
  const previous = i32[group + GROUP_PREVIOUS]!;
  const name = i32[group + GROUP_NAME]!;
  if (previous !== 0) i32[previous + GROUP_NEXT] = next;
  else i32[node + NODE_GROUPS] = next;
  if (next !== 0) i32[next + GROUP_PREVIOUS] = previous;
  tableRemove(GROUP_NAMES, tableKey(i32[name + NAME_HASH]!, node), group);
  nameDrop(name);
  release(group << 2, GROUP_WORDS << 2);
}

function nameTake(ptr: number, length: number): number {
  const key = hash(ptr, length);
  let slot = tableHome(NAMES, key);
  for (let value = slotValue(slot); value !== 0; value = slotValue(slot)) {
    if (slotMatches(slot, key) && i32[value + NAME_LENGTH] === length) {
      if (equal((value + NAME_TEXT) << 2, ptr, length)) {
        i32[value + NAME_REFERENCES] = i32[value + NAME_REFERENCES]! + 1;
        return value;
      }
    }
    slot = tableNext(NAMES, slot);
  }
  const name = allocateRecord(NAME_TEXT + ((length + 11) >> 2));
  i32[name + NAME_REFERENCES] = 1;
  i32[name + NAME_LENGTH] = length;
  i32[name + NAME_HASH] = key;
  copyExact((name + NAME_TEXT) << 2, ptr, length);
  tableInsert(NAMES, key, name);
  return name;
}

function nameDrop(name: number): void {
  const references = i32[name + NAME_REFERENCES]! - 1;
  i32[name + NAME_REFERENCES] = references;
  if (references !== 0) return;
  tableRemove(NAMES, i32[name + NAME_HASH]!, name);
  release(name << 2, (NAME_TEXT + ((i32[name + NAME_LENGTH]! + 11) >> 2)) << 2);
}

/** Removes a subscription. Its record stays, marked closed. */
export function sublistRemove(sub: number): void {
  i32[sub + SUB_CLOSED] = 1;
  const node = i32[sub + SUB_NODE]!;
  const group = i32[sub + SUB_GROUP]!;
  if (group !== 0) {
    memberRemove(group + GROUP_MEMBERS, sub);
    if (i32[group + GROUP_MEMBERS + MEMBERS_COUNT] === 0) dropGroup(node, group);
  } else memberRemove(node + NODE_MEMBERS, sub);
  i32[GENERATION] = i32[GENERATION]! + 1;
  if (i32[node + NODE_PARENT] !== 0) i32[WILDCARD_COUNT] = i32[WILDCARD_COUNT]! - 1;
  prune(node);
}

// Frees a node that holds nothing, and what that leaves empty above it. The root stays.
function prune(start: number): void {
  for (let node = start; node !== i32[ROOT]; ) {
    if (i32[node + NODE_MEMBERS + MEMBERS_COUNT] !== 0 || i32[node + NODE_GROUPS] !== 0) return;
    if (i32[node + NODE_EDGES] !== 0) return;
    if (i32[node + NODE_PWC] !== 0 || i32[node + NODE_FWC] !== 0) return;
    const parent = i32[node + NODE_PARENT]!;
    const key = i32[node + NODE_HASH]!;
    if (parent === 0) tableRemove(LITERALS, key, node);
    else if (i32[parent + NODE_PWC] === node) i32[parent + NODE_PWC] = 0;
    else if (i32[parent + NODE_FWC] === node) i32[parent + NODE_FWC] = 0;
    else {
      tableRemove(EDGES, tableKey(key, parent), node);
      i32[parent + NODE_EDGES] = i32[parent + NODE_EDGES]! - 1;
    }
    const textLen = i32[node + NODE_TEXT_LEN]!;
    if (textLen > NODE_TEXT_ROOM) release(i32[node + NODE_TEXT]!, textLen + TEXT_PAD);
    release(node << 2, NODE_WORDS << 2);
    if (parent === 0) return;
    node = parent;
  }
}

function createNode(parent: number, textPtr: number, textLen: number): number {
  const node = allocateRecord(NODE_WORDS);
  i32[node + NODE_PARENT] = parent;
  if (textLen === 0) return node;
  i32[node + NODE_TEXT_LEN] = textLen;
  if (textLen > NODE_TEXT_ROOM) i32[node + NODE_TEXT] = allocate(textLen + TEXT_PAD);
  copyExact(nodeText(node), textPtr, textLen);
  return node;
}

// As in the core, nodes of one line with their text inside. What the core does besides, asking for a line before it is
// needed, is left out: the load has to be of use in JavaScript, or it is dropped or costs more than it brings.
function nodeText(node: number): number {
  const place = node + NODE_TEXT;
  return i32[node + NODE_TEXT_LEN]! > NODE_TEXT_ROOM ? i32[place]! : place << 2;
}

// `parent` is 0 of literals.
function findNode(
  table: number,
  parent: number,
  hashed: number,
  textPtr: number,
  textLen: number,
): number {
  const key = parent === 0 ? hashed : tableKey(hashed, parent);
  let slot = tableHome(table, key);
  for (let value = slotValue(slot); value !== 0; value = slotValue(slot)) {
    if (slotMatches(slot, key) && i32[value + NODE_TEXT_LEN] === textLen) {
      if (i32[value + NODE_PARENT] === parent && equal(nodeText(value), textPtr, textLen)) {
        return value;
      }
    }
    slot = tableNext(table, slot);
  }
  return 0;
}

function literalNode(ptr: number, length: number): number {
  const key = hash(ptr, length);
  const found = findNode(LITERALS, 0, key, ptr, length);
  if (found !== 0) return found;
  const node = createNode(0, ptr, length);
  i32[node + NODE_HASH] = key;
  tableInsert(LITERALS, key, node);
  return node;
}

function filterNode(ptr: number, length: number): number {
  const count = splitTokens(ptr, length);
  let node = i32[ROOT]!;
  for (let token = TOKENS; token < TOKENS + count * 3; token += 3) node = childFor(node, token);
  return node;
}

function childFor(parent: number, token: number): number {
  const ptr = i32[token]!;
  const length = i32[token + 1]!;
  const byte = length === 1 ? u8[ptr] : 0;
  if (byte === PWC || byte === FWC) {
    const field = parent + (byte === PWC ? NODE_PWC : NODE_FWC);
    if (i32[field] === 0) i32[field] = createNode(parent, 0, 0);
    return i32[field]!;
  }
  const key = i32[token + 2]!;
  const found = findNode(EDGES, parent, key, ptr, length);
  if (found !== 0) return found;
  const node = createNode(parent, ptr, length);
  i32[node + NODE_HASH] = key;
  tableInsert(EDGES, tableKey(key, parent), node);
  i32[parent + NODE_EDGES] = i32[parent + NODE_EDGES]! + 1;
  return node;
}

/**
 * Collects the nodes whose filters match a subject in MATCHED and answers how many: those of the trie, what a `*`
 * leads to first, and then the literal. `key`: the subject's hash.
 */
export function sublistMatch(ptr: number, length: number, key: number): number {
  let matched = MATCHED;
  const count = i32[WILDCARD_COUNT] === 0 ? 0 : splitTokens(ptr, length);
  if (count !== 0) matched = walk(matched, count);
  const literal = findNode(LITERALS, 0, key, ptr, length);
  if (literal !== 0) matched = collect(matched, literal);
  return matched - MATCHED;
}

function walk(start: number, count: number): number {
  let matched = start;
  let top = STACK;
  i32[top] = i32[ROOT]!;
  i32[top + 1] = 0;
  while (top >= STACK) {
    const node = i32[top]!;
    const level = i32[top + 1]!;
    top -= 2;
    if (level === count) {
      matched = collect(matched, node);
      continue;
    }
    if (i32[node + NODE_FWC] !== 0) matched = collect(matched, i32[node + NODE_FWC]!);
    if (i32[node + NODE_EDGES] !== 0) {
      const token = TOKENS + level * 3;
      const child = findNode(EDGES, node, i32[token + 2]!, i32[token]!, i32[token + 1]!);
      if (child !== 0) {
        top += 2;
        i32[top] = child;
        i32[top + 1] = level + 1;
      }
    }
    if (i32[node + NODE_PWC] === 0) continue;
    top += 2;
    i32[top] = i32[node + NODE_PWC]!;
    i32[top + 1] = level + 1;
  }
  return matched;
}

// A node on the way that holds no subscription of its own is not a match.
function collect(matched: number, node: number): number {
  if (i32[node + NODE_MEMBERS + MEMBERS_COUNT] === 0 && i32[node + NODE_GROUPS] === 0) {
    return matched;
  }
  if (matched === MATCHED + MATCHED_MAX) throw new RangeError('too many matching filters');
  i32[matched] = node;
  return matched + 1;
}
