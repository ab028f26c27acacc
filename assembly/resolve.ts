// Routes for JS: the result of a match with a note of what kinds of members it has, so that the program's
// own publishes can be delivered without entering the core while all members are its own.

import {
  ROUTE_FLAGS,
  ROUTE_GROUP_COUNT,
  ROUTE_HAS_MAX,
  ROUTE_HAS_REMOTE,
  ROUTE_MEMBERS,
  ROUTE_PLAIN_COUNT,
  SUB_RAW,
} from './abi';
import { layOutGroups, lookup } from './match-cache';
import { Route } from './route-block';
import { Sub } from './subscription';

/** The block of a subject with ROUTE_FLAGS filled in, or 0. */
export function resolve(account: usize, subjectPtr: usize, subjectLen: u32): usize {
  const found = lookup(account, subjectPtr, subjectLen);
  const block = found == 0 ? <usize>0 : layOutGroups(found, 0);
  if (block == 0) return 0;
  const plainCount = Route.get(block, ROUTE_PLAIN_COUNT);
  let at = block + ROUTE_MEMBERS;
  let flags = kinds(at, plainCount);
  at += (<usize>plainCount) << 2;
  for (let left = Route.get(block, ROUTE_GROUP_COUNT); left > 0; left--) {
    const count = Route.get(at, 0);
    flags |= kinds(at + 4, count);
    at += 4 + ((<usize>count) << 2);
  }
  Route.set(block, ROUTE_FLAGS, flags);
  return block;
}

function kinds(members: usize, count: u32): u32 {
  let flags: u32 = 0;
  for (let index: u32 = 0; index < count; index++) {
    const sub = Sub.at(<usize>Route.get(members, (<usize>index) << 2));
    if (sub.session != 0 || (sub.flags & SUB_RAW) != 0) flags |= ROUTE_HAS_REMOTE;
    if (sub.max != 0) flags |= ROUTE_HAS_MAX;
  }
  return flags;
}
