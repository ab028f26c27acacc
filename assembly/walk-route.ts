// The route of a message that is too long for one: part after part, each of some hundred recipients, is gathered by a
// walk and routed as a short one is. Between two parts the budget may be spent; then the walk waits in the record of its
// session, and the op, which has not been consumed, is read again and goes on here.
//
//   publish ─► lookup: too long ─► walkBegin ─► walkGo ─► gather, route, gather, route … ─► done
//                                                 ▲              │ AGAIN, SPENT
//                                 the op, again ──┘ ◄────────────┘

import {
  ROUTE_FLAGS,
  ROUTE_GROUP_COUNT,
  ROUTE_HITS,
  ROUTE_MEMBERS,
  ROUTE_PLAIN_COUNT,
  STATUS_OK,
  STATUS_SPENT,
} from './abi';
import { Account } from './account';
import { Budget, NODE_UNITS } from './budget';
import { copyExact } from './bytes';
import { cursorEnterGroup, cursorEnterMembers, cursorLeave, cursorsAreMany } from './cursors';
import { bodyLen, replyLen, subjectLen, subjectPtr } from './encoder';
import { allocate } from './memory';
import { Node, nodeMembers } from './node';
import { OWNER_ROUTE } from './ownership';
import { NO_PICK } from './queue-group';
import { Route, RouteGroup } from './route-block';
import { routeBegin, routeGo, routePart, routeUnheard } from './router';
import { Session } from './session';
import { Group, groupMembers } from './sublist';
import { memberAt, QueueName } from './subscription';
import {
  TAKE_GROUPS,
  TAKE_GROUPS_REST,
  TAKE_MEMBERS,
  TAKE_NONE,
  TAKE_REST,
  WALK_ALL,
  WALK_ANY,
  WALK_CHOSEN,
  Walk,
  walkAgain,
  walkCreate,
  walkFind,
  walkIsOver,
  walkNode,
  walkStep,
} from './walk';
import {
  shareAdd,
  shareFind,
  shareIndex,
  sharesAreLeft,
  sharesDraw,
  walkDrop,
} from './walk-shares';

/** Of a part. A node with more members than that is gone through with a cursor. */
const MEMBERS_MAX: u32 = 1024;
const GROUPS_MAX: u32 = 128;
/** Members of all groups of a part: if its route stops they are laid out. */
const GROUP_MEMBERS_MAX: u32 = 16384;
const PART_BYTES: u32 = ROUTE_MEMBERS + (MEMBERS_MAX + GROUPS_MAX * 3) * 4;

let membersMax: u32 = MEMBERS_MAX;
/** The part at hand. */
let part: usize = 0;
let plainCount: u32 = 0;
let groupCount: u32 = 0;
let groupMemberCount: u32 = 0;
let pick: u32 = NO_PICK;
const groups: usize = memory.data(512, 16);
/** Of the node at hand. */
let nextGroup: usize = 0;
/** There are too many cursors where the walk has to go on. */
let hasToWait: bool = false;

/** Test hook: as if parts had room for no more members. */
export function walkLimit(members: u32): void {
  membersMax = min<u32>(max<u32>(members, 1), MEMBERS_MAX);
}

/** A walk for the message that the encoder has taken up. False: no memory. */
export function walkBegin(session: usize): bool {
  if (part == 0) part = allocate(PART_BYTES, OWNER_ROUTE);
  if (part == 0) return false;
  const ptr = walkCreate(Session.at(session).account);
  if (ptr == 0) return false;
  const walk = Walk.at(ptr);
  walk.subjectLen = subjectLen;
  walk.replyLen = replyLen;
  walk.bodyLen = bodyLen;
  Session.at(session).walk = ptr;
  return true;
}

/** Whether the walk of a session is for the message that the encoder has taken up; if not, it is given up. */
export function walkIsFor(session: usize): bool {
  const ptr = Session.at(session).walk;
  if (ptr == 0) return false;
  const walk = Walk.at(ptr);
  const isSame = walk.subjectLen == subjectLen && walk.replyLen == replyLen;
  if (isSame && walk.bodyLen == bodyLen && walk.account == Session.at(session).account) return true;
  walkDrop(session);
  return false;
}

/** Goes on with a session's walk. STATUS_OK: it is done; STATUS_AGAIN_*, STATUS_SPENT: the op is to be read again. */
export function walkGo(session: usize): i32 {
  const ptr = Session.at(session).walk;
  const account = Walk.at(ptr).account;
  walkFind(ptr, subjectPtr, subjectLen);
  takeUp(ptr);
  while (true) {
    gather(ptr);
    if ((plainCount | groupCount) != 0) {
      const before = Account.at(account).generation;
      layOut();
      routeBegin(account, session, part, false);
      routePart(pick);
      const status = routeGo();
      if (status < 0) {
        putDown(ptr);
        return status;
      }
      if (Account.at(account).generation != before) walkFind(ptr, subjectPtr, subjectLen);
    } else if (walkIsOver(ptr) && !goesAgain(ptr)) break;
    if (Budget.isSpent || hasToWait) {
      putDown(ptr);
      return STATUS_SPENT;
    }
  }
  const isHeard = Walk.at(ptr).isHeard != 0;
  walkDrop(session);
  if (!isHeard) routeUnheard(account, session);
  return STATUS_OK;
}

function goesAgain(ptr: usize): bool {
  const phase = Walk.at(ptr).phase;
  if (phase == WALK_ALL && sharesDraw(ptr)) walkAgain(ptr, WALK_CHOSEN);
  else if (phase == WALK_CHOSEN && sharesAreLeft(ptr)) walkAgain(ptr, WALK_ANY);
  else return false;
  return true;
}

// Its place among groups: a pointer while the walk is at hand, a cursor while it waits.
function takeUp(ptr: usize): void {
  const walk = Walk.at(ptr);
  if (walk.take != TAKE_GROUPS_REST) return;
  nextGroup = walk.place;
  cursorLeave(ptr);
}

function putDown(ptr: usize): void {
  const walk = Walk.at(ptr);
  if (walk.take != TAKE_GROUPS_REST) return;
  if (nextGroup == 0 || !cursorEnterGroup(ptr, nextGroup)) walk.take = TAKE_NONE;
}

// ── A part ────────────────────────────────────────────────────────────────────────────────────────

// As much as there is room for, and not beyond the budget.
function gather(ptr: usize): void {
  plainCount = 0;
  groupCount = 0;
  groupMemberCount = 0;
  pick = NO_PICK;
  hasToWait = false;
  Walk.at(ptr).share = 0;
  while (take(ptr) && !Budget.isSpent);
}

// Takes some more. False: the part is full, or there is no more.
function take(ptr: usize): bool {
  const walk = Walk.at(ptr);
  switch (walk.take) {
    case TAKE_MEMBERS:
      return takeMembers(ptr);
    case TAKE_REST:
      return takeRest(ptr);
    case TAKE_GROUPS: {
      const node = walkNode(ptr);
      nextGroup = node == 0 ? <usize>0 : Node.at(node).groups;
      walk.take = TAKE_GROUPS_REST;
      return true;
    }
    case TAKE_GROUPS_REST:
      if (nextGroup != 0) return takeGroup(ptr);
      walk.take = TAKE_NONE;
      return true;
    default:
      if (walkIsOver(ptr)) return false;
      walkStep(ptr);
      return true;
  }
}

function takeMembers(ptr: usize): bool {
  const walk = Walk.at(ptr);
  const node = walkNode(ptr);
  const count: u32 = node == 0 ? 0 : Node.at(node).membersCount;
  if (count > membersMax) {
    hasToWait = cursorsAreMany(node);
    if (hasToWait) return false;
    // Without memory nobody of them gets it: at most once.
    walk.take = cursorEnterMembers(ptr, node, count) ? TAKE_REST : TAKE_GROUPS;
    return true;
  }
  if (plainCount + count > membersMax) return false;
  if (count != 0) add(node, 0, count);
  walk.take = TAKE_GROUPS;
  return true;
}

function takeRest(ptr: usize): bool {
  const walk = Walk.at(ptr);
  if (walk.index < walk.end) {
    const count = min<u32>(walk.end - walk.index, membersMax - plainCount);
    if (count == 0) return false;
    add(walk.place, walk.index, count);
    walk.index += count;
  }
  if (walk.index < walk.end) return true;
  cursorLeave(ptr);
  walk.take = TAKE_GROUPS;
  return true;
}

function add(node: usize, from: u32, count: u32): void {
  const members = nodeMembers(node);
  const at = part + ROUTE_MEMBERS + ((<usize>plainCount) << 2);
  if (count == 1) Route.set(at, 0, <u32>memberAt(members, from));
  else copyExact(at, members.ptr + ((<usize>from) << 2), (<usize>count) << 2);
  plainCount += count;
}

function takeGroup(ptr: usize): bool {
  const group = nextGroup;
  const record = Group.at(group);
  Budget.charge(NODE_UNITS);
  if (record.since < Walk.at(ptr).since) {
    if (Walk.at(ptr).phase != WALK_ALL) {
      nextGroup = record.next;
      return !serveShare(ptr, group);
    }
    if (QueueName.at(record.name).references != 1) {
      shareAdd(ptr, record.name, record.membersCount);
    } else {
      if (groupCount == GROUPS_MAX) return false;
      const count = groupMemberCount + record.membersCount;
      if (groupCount != 0 && count > GROUP_MEMBERS_MAX) return false;
      groupMemberCount = count;
      addGroup(group);
    }
  }
  nextGroup = record.next;
  return true;
}

// Whether the group gets the message for all of its name: then it is a part of its own.
function serveShare(ptr: usize, group: usize): bool {
  const walk = Walk.at(ptr);
  const share = shareFind(ptr, Group.at(group).name);
  if (share == 0) return false;
  const count = groupMembers(group).count;
  if (walk.phase == WALK_CHOSEN) {
    const index = shareIndex(share, count);
    if (index == count) return false;
    pick = index;
  }
  addGroup(group);
  walk.share = share;
  return true;
}

function addGroup(group: usize): void {
  store<u32>(groups + ((<usize>groupCount) << 2), <u32>group);
  groupCount++;
}

function layOut(): void {
  Route.set(part, ROUTE_PLAIN_COUNT, plainCount);
  Route.set(part, ROUTE_GROUP_COUNT, groupCount);
  Route.set(part, ROUTE_FLAGS, 0);
  Route.set(part, ROUTE_HITS, 0);
  let at = part + ROUTE_MEMBERS + ((<usize>plainCount) << 2);
  for (let index: u32 = 0; index < groupCount; index++) {
    RouteGroup.refer(at, load<u32>(groups + ((<usize>index) << 2)));
    at += RouteGroup.bytes(at);
  }
}
