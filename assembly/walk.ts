// Walks: a message to very many, or past very many filters, in parts. What is too long for one route is neither matched
// nor laid out as a whole: a walk goes through the trie filter by filter, collects some of those who get the message, and
// stays where it is while they are served (walk-route.ts) and when the budget of the read is spent.
//
//   at node   its `>`  ─►  what is under its `*`  ─►  what is under its next token  ─►  back       last: the literal
//
// Between two calls everything may change. So a position in the trie is no pointer but the choices that lead to it,
// `*` or the token, one bit a level: whatever lies in front of it is done. Within a node it is a cursor (cursors.ts).
// Who was subscribed when the walk began and still is when it comes to him gets the message once.

import { TOKENS_MAX } from './abi';
import { Account } from './account';
import { Budget, NODE_UNITS, WALK_NODE_UNITS } from './budget';
import { hash } from './bytes';
import { cursorLeave } from './cursors';
import { allocate, release } from './memory';
import { Node } from './node';
import { OWNER_WALK, Owned } from './ownership';
import { splitTokens } from './subject';
import { findChild, findLiteral } from './sublist';

/** Everybody without a group, and groups that one node has; of the others the members are counted. */
export const WALK_ALL: u32 = 0;
/** The groups that several nodes have: the member that was chosen among all. */
export const WALK_CHOSEN: u32 = 1;
/** Those of them that have not been served: any member. */
export const WALK_ANY: u32 = 2;

// Where a walk is: the node on the path that its level says, and what of it.
const AT_NODE: u32 = 0;
const AT_SELF: u32 = 1;
const AT_FWC: u32 = 2;
const AT_CHILD: u32 = 3;
const AT_END: u32 = 4;
const AT_LITERAL: u32 = 5;
const AT_OVER: u32 = 6;

// What is to be done at the node that it has come to.
export const TAKE_NONE: u32 = 0;
/** Its members, none of whom is done. */
export const TAKE_MEMBERS: u32 = 1;
/** Its members from the cursor on. */
export const TAKE_REST: u32 = 2;
/** Its groups, none of which is done. */
export const TAKE_GROUPS: u32 = 3;
/** Its groups from the cursor on. */
export const TAKE_GROUPS_REST: u32 = 4;

@unmanaged
export class Walk {
  // A cursor, first.
  place: usize;
  index: u32;
  end: u32;
  account: usize;
  /** Of its message. */
  subjectLen: u32;
  replyLen: u32;
  bodyLen: u32;
  /** The generation when it began: groups that have come later are no concern of its. */
  since: f64;
  phase: u32;
  level: u32;
  at: u32;
  take: u32;
  /** Somebody has got the message. */
  isHeard: u32;
  /** Its groups of several nodes (walk-shares.ts), how many, and the one that is being served. */
  shares: usize;
  shareCount: u32;
  share: usize;
  choices0: u64;
  // 256 bytes of choices, from here on.

  @inline
  static at(ptr: usize): Walk {
    Owned.assertReadable(ptr, WALK_BYTES, 0);
    return changetype<Walk>(ptr);
  }
}
const CHOICES: usize = offsetof<Walk>('choices0');
const WALK_BYTES: u32 = offsetof<Walk>('choices0') + TOKENS_MAX / 8;

/** The path of the walk at hand, by level; good until somebody comes or goes. */
const path: usize = memory.data((2048 + 1) * 4, 16);
let tokenCount: u32 = 0;
let subjectPtr: usize = 0;
let subjectLen: u32 = 0;

/** A walk through an account, or 0. */
export function walkCreate(account: usize): usize {
  const ptr = allocate(WALK_BYTES, OWNER_WALK);
  if (ptr == 0) return 0;
  Owned.clear(ptr, WALK_BYTES, OWNER_WALK);
  const walk = Walk.at(ptr);
  walk.account = account;
  walk.since = Account.at(account).generation;
  return ptr;
}

/** Frees it; its shares (walk-shares.ts) are gone. */
export function walkFree(ptr: usize): void {
  cursorLeave(ptr);
  release(ptr, WALK_BYTES);
}

/** Goes through the trie once more, for something else. */
export function walkAgain(ptr: usize, phase: u32): void {
  const walk = Walk.at(ptr);
  walk.phase = phase;
  walk.level = 0;
  walk.at = AT_NODE;
  walk.take = TAKE_NONE;
}

/** Whether it has come to the end. */
export function walkIsOver(ptr: usize): bool {
  return Walk.at(ptr).at == AT_OVER;
}

function choiceByte(ptr: usize, level: u32): usize {
  assert(level < <u32>TOKENS_MAX);
  return ptr + CHOICES + (level >> 3);
}

function isToken(ptr: usize, level: u32): bool {
  return ((load<u8>(choiceByte(ptr, level)) >> (level & 7)) & 1) != 0;
}

function choose(ptr: usize, level: u32, token: u32): void {
  const byte = choiceByte(ptr, level);
  const bit: u32 = 1 << (level & 7);
  const rest = load<u8>(byte) & ~bit;
  Owned.write<u8>(byte, <u8>(rest | (token << (level & 7))), OWNER_WALK);
}

function nodeAt(level: u32): usize {
  return load<u32>(path + ((<usize>level) << 2));
}

function setNode(level: u32, node: usize): void {
  store<u32>(path + ((<usize>level) << 2), <u32>node);
}

/** Takes up a walk for the same subject as ever, before its first step in a call and whenever nodes may have gone. */
export function walkFind(ptr: usize, textPtr: usize, textLen: u32): void {
  const walk = Walk.at(ptr);
  const owner = Account.at(walk.account);
  subjectPtr = textPtr;
  subjectLen = textLen;
  tokenCount = splitTokens(textPtr, textLen);
  setNode(0, owner.root);
  if (tokenCount == 0) {
    if (walk.at < AT_END) walk.at = AT_END;
    walk.level = 0;
    return;
  }
  for (let level: u32 = 0; level < walk.level; level++) {
    Budget.charge(NODE_UNITS);
    const above = nodeAt(level);
    const node = isToken(ptr, level) ? findChild(above, level) : Node.at(above).pwc;
    if (node == 0) {
      // Nothing is left of what it was in: it goes on behind that.
      cursorLeave(ptr);
      walk.take = TAKE_NONE;
      walk.level = level;
      back(ptr);
      return;
    }
    setNode(level + 1, node);
  }
}

// What was under the choice at its level is done.
function back(ptr: usize): void {
  const walk = Walk.at(ptr);
  walk.at = isToken(ptr, walk.level) ? AT_END : AT_CHILD;
}

/** The node that it has come to, 0 = it is not there any more. */
export function walkNode(ptr: usize): usize {
  const walk = Walk.at(ptr);
  if (walk.at == AT_LITERAL) {
    return findLiteral(walk.account, hash(subjectPtr, subjectLen), subjectPtr, subjectLen);
  }
  return walk.at == AT_FWC ? Node.at(nodeAt(walk.level)).fwc : nodeAt(walk.level);
}

/** One step on. What it has come to then is taken if it has members or groups. */
export function walkStep(ptr: usize): void {
  const walk = Walk.at(ptr);
  switch (walk.at) {
    case AT_NODE:
      Budget.charge(WALK_NODE_UNITS);
      walk.at = walk.level == tokenCount ? AT_SELF : AT_FWC;
      arrive(walk, walkNode(ptr));
      return;
    case AT_FWC:
      if (!descend(ptr, 0, Node.at(nodeAt(walk.level)).pwc)) walk.at = AT_CHILD;
      return;
    case AT_CHILD: {
      const node = nodeAt(walk.level);
      const child = Node.at(node).edgeCount == 0 ? <usize>0 : findChild(node, walk.level);
      if (!descend(ptr, 1, child)) walk.at = AT_END;
      return;
    }
    case AT_SELF:
      walk.at = AT_END;
      return;
    case AT_END:
      if (walk.level != 0) {
        walk.level--;
        back(ptr);
        return;
      }
      Budget.charge(NODE_UNITS);
      walk.at = AT_LITERAL;
      arrive(walk, walkNode(ptr));
      return;
    default:
      walk.at = AT_OVER;
  }
}

function arrive(walk: Walk, node: usize): void {
  if (node == 0) return;
  const record = Node.at(node);
  if (record.membersCount != 0 && walk.phase == WALK_ALL) walk.take = TAKE_MEMBERS;
  else if (record.groups != 0) walk.take = TAKE_GROUPS;
}

function descend(ptr: usize, token: u32, child: usize): bool {
  if (child == 0) return false;
  const walk = Walk.at(ptr);
  choose(ptr, walk.level, token);
  walk.level++;
  setNode(walk.level, child);
  walk.at = AT_NODE;
  return true;
}
