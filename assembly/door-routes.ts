// Exports: messages of the program, and who would get one. No logic lives here.

import { STATUS_STALE } from './abi';
import { accountFind } from './account';
import { routeHasInterest, routeHasSubscriber, routeRepick } from './interest';
import { publishGiveUp, publishGoOn, publishRecord, publishRecords } from './publish';
import { resolve } from './resolve';
import { isStopped, reached } from './router';
import { Sub } from './subscription';

/** The route of a subject (ROUTE_*) or 0. Valid until the next call that routes. May grow memory. */
export function routeResolve(account: u32, subjectPtr: u32, subjectLen: u32): u32 {
  const owner = accountFind(account);
  return owner == 0 || isStopped ? 0 : <u32>resolve(owner, subjectPtr, subjectLen);
}

/** Routes the message of a record (PUBLISH_*). STATUS_OK or STATUS_AGAIN_* (then `publishResume`). May grow memory. */
export function publish(account: u32, record: u32): i32 {
  const owner = accountFind(account);
  return owner == 0 ? STATUS_STALE : publishRecord(owner, record);
}

/** The same of `count` records that lie one behind the other; each gets its answer (PUBLISH_REACHED, PRESSED). May grow memory. */
export function publishBatch(account: u32, records: u32, count: u32): i32 {
  const owner = accountFind(account);
  return owner == 0 ? STATUS_STALE : publishRecords(owner, records, count);
}

/**
 * Goes on with the message, whoever's, that answered STATUS_AGAIN_*.
 *
 * @param starved 1: it was STATUS_AGAIN_POOL, and flushing has brought no chunk back; sessions without room
 *   are given up as slow
 */
export function publishResume(starved: u32): i32 {
  return publishGoOn(starved != 0);
}

/** Gives up a message that has stopped with STATUS_AGAIN_*. */
export function publishAbandon(): void {
  publishGiveUp();
}

/** Recipients that the last message reached. */
export function routeReached(): u32 {
  return reached;
}

/** 1: somebody is interested in the subject; with a queue name, in that group. */
export function routeInterest(
  account: u32,
  subjectPtr: u32,
  subjectLen: u32,
  queuePtr: u32,
  queueLen: u32,
): u32 {
  const owner = accountFind(account);
  if (owner == 0) return 0;
  return routeHasInterest(owner, subjectPtr, subjectLen, queuePtr, queueLen) ? 1 : 0;
}

/** 1: somebody subscribes to that very subject, plainly or, with a queue name, in that group. */
export function routeSubscriber(
  account: u32,
  subjectPtr: u32,
  subjectLen: u32,
  queuePtr: u32,
  queueLen: u32,
): u32 {
  const owner = accountFind(account);
  if (owner == 0) return 0;
  return routeHasSubscriber(owner, subjectPtr, subjectLen, queuePtr, queueLen) ? 1 : 0;
}

/** Another of the program's living members of a queue group, for a pick that has closed; 0 = none. */
export function routePick(
  account: u32,
  subjectPtr: u32,
  subjectLen: u32,
  queuePtr: u32,
  queueLen: u32,
): u32 {
  const owner = accountFind(account);
  if (owner == 0) return 0;
  const sub = routeRepick(owner, subjectPtr, subjectLen, queuePtr, queueLen);
  return sub == 0 ? 0 : Sub.at(sub).handle;
}
