// Who is interested in a subject, asked beside the routes: their blocks and the cache are left as they are, so that all of
// this may be asked while a route is stopped.

import { Budget, MEMBER_UNITS } from './budget';
import { hash } from './bytes';
import { matchedNode, sublistMatch } from './match';
import { Node, nodeMembers } from './node';
import { queuePick } from './queue-group';
import { Session } from './session';
import { findLiteral, groupMembers, groupNamed } from './sublist';
import { memberAt, queueNameFind, Sub } from './subscription';

/** Only filters of thirteen tokens and more lead past so many. */
const REPLY_NODES_MAX: u32 = 8192;
/** What is looked through for one answer takes some milliseconds at most. */
const REPLY_MEMBERS_MAX: u64 = 65536;

/**
 * A session's own plain subscription that would hear a reply, or 0: searched among those who hear it, or among its
 * own, whatever takes less.
 */
export function subscriptionForReply(
  account: usize,
  session: usize,
  replyPtr: usize,
  replyLen: u32,
): usize {
  // A reply past so many filters, or of so many subscriptions, is one that nobody waits for.
  const key = hash(replyPtr, replyLen);
  const count = sublistMatch(account, replyPtr, replyLen, key, REPLY_NODES_MAX);
  if (count <= 0) return 0;
  let members: u64 = 0;
  for (let index = 0; index < count; index++) {
    members += Node.at(matchedNode(index)).membersCount;
  }
  const own = <u64>Session.at(session).subsCount * count;
  const least = min<u64>(own, members);
  if (least > REPLY_MEMBERS_MAX) return 0;
  Budget.charge(<u32>least * MEMBER_UNITS);
  return own < members ? ownAmongMatched(session, count) : ownMember(session, count);
}

function ownMember(session: usize, count: i32): usize {
  for (let index = 0; index < count; index++) {
    const members = nodeMembers(matchedNode(index));
    for (let at: u32 = 0; at < members.count; at++) {
      const sub = memberAt(members, at);
      if (Sub.at(sub).session == session) return sub;
    }
  }
  return 0;
}

// The same one: of the first node that has any, the first.
function ownAmongMatched(session: usize, count: i32): usize {
  let found: usize = 0;
  let end = count;
  for (let sub = Session.at(session).subsHead; sub != 0; sub = Sub.at(sub).sessionNext) {
    const record = Sub.at(sub);
    if (record.group != 0) continue;
    for (let index = 0; index < end; index++) {
      if (matchedNode(index) != record.node) continue;
      // From here on only what stands before it counts: an earlier node, or an earlier place in this one.
      if (found == 0 || index + 1 < end || record.index < Sub.at(found).index) found = sub;
      end = index + 1;
      break;
    }
  }
  return found;
}

/**
 * Another living member of a queue group, for a delivery whose pick has closed meanwhile. The program's
 * members only. Usable while a route is stopped.
 *
 * @returns the subscription, or 0
 */
export function routeRepick(
  owner: usize,
  toPtr: usize,
  toLen: u32,
  queuePtr: usize,
  queueLen: u32,
): usize {
  const name = queueNameFind(queuePtr, queueLen);
  if (name == 0) return 0;
  const count = sublistMatch(owner, toPtr, toLen, hash(toPtr, toLen));
  let total: u32 = 0;
  for (let index = 0; index < count; index++) {
    const group = groupNamed(matchedNode(index), name);
    if (group != 0) total += groupMembers(group).count;
  }
  if (total == 0) return 0;
  const start = queuePick(total);
  const after = localMember(name, count, start, total);
  return after != 0 ? after : localMember(name, count, 0, start);
}

// The first of the program's members from the one numbered `from` on, over all matched nodes.
function localMember(name: usize, nodeCount: i32, from: u32, to: u32): usize {
  let number: u32 = 0;
  for (let index = 0; index < nodeCount; index++) {
    const group = groupNamed(matchedNode(index), name);
    if (group == 0) continue;
    const members = groupMembers(group);
    for (let at: u32 = 0; at < members.count; at++, number++) {
      if (number < from || number >= to) continue;
      const sub = memberAt(members, at);
      if (Sub.at(sub).session == 0) return sub;
    }
  }
  return 0;
}

/** Whether anybody is interested in a subject; with a queue name, in that group. Usable while a route is stopped. */
export function routeHasInterest(
  owner: usize,
  toPtr: usize,
  toLen: u32,
  queuePtr: usize,
  queueLen: u32,
): bool {
  const name = queueLen == 0 ? <usize>0 : queueNameFind(queuePtr, queueLen);
  if (queueLen != 0 && name == 0) return false;
  const count = sublistMatch(owner, toPtr, toLen, hash(toPtr, toLen));
  if (queueLen == 0) return count > 0;
  for (let index = 0; index < count; index++) {
    if (groupNamed(matchedNode(index), name) != 0) return true;
  }
  return false;
}

/** Whether somebody subscribes to that very subject, not by a wildcard: plainly, or with a queue name in that group. */
export function routeHasSubscriber(
  owner: usize,
  toPtr: usize,
  toLen: u32,
  queuePtr: usize,
  queueLen: u32,
): bool {
  const node = findLiteral(owner, hash(toPtr, toLen), toPtr, toLen);
  if (node == 0) return false;
  if (queueLen == 0) return Node.at(node).membersCount > 0;
  const name = queueNameFind(queuePtr, queueLen);
  return name != 0 && groupNamed(node, name) != 0;
}
