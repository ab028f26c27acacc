// The match cache: subject → laid-out result (route-block.ts), so that a hot subject costs one hash and one compare.
//
// Two-way set-associative, 16,384 entries; a set is one line of the processor's cache. An entry is good while its
// account's generation is what it was (one number, so a change of the sublist costs nothing here), and while it is asked
// for now and then. A generation belongs to one account, so nothing more has to be compared to know whose it is. A stranger, a subject that is met for the first time, does not drive a good one out: its set only
// notes that it has been met. Its result is laid out in one wide block that belongs to the route at hand, as are those
// of more than BLOCK_MAX_BYTES and of subjects of more than SUBJECT_CACHED_MAX. So subjects that never come again cost
// little more than their match.

import {
  CACHE_ENTRIES,
  CACHE_FANOUT_MAX,
  CACHE_FANOUT_TOTAL,
  ROUTE_GROUP_COUNT,
  ROUTE_HITS,
  ROUTE_PLAIN_COUNT,
} from './abi';
import { Account, accountFind } from './account';
import { copyExact, equal, hash } from './bytes';
import { matchInit, matchIsLong, sublistMatch } from './match';
import { allocate, blockBytes, release } from './memory';
import { OWNER_ENTRIES, OWNER_ROUTE, OWNER_TEXT, Owned } from './ownership';
import { BLOCK_MAX_BYTES, copyRoute, fill, laidOutBytes, measure, Route } from './route-block';

@unmanaged
class Entry {
  generation: f64;
  /** Of the subject, without the half that has chosen the set. */
  hash: u32;
  /** Handle of the account, 0 = the entry is empty. */
  account: u32;
  subjectPtr: usize;
  block: usize;
  subjectLen: u16;
  /** Bytes of both, as powers of two; 0 = there is none. */
  subjectRoom: u8;
  blockRoom: u8;
  /** When it was asked for (`now`). */
  asked: u16;
  /** Of the first entry of a set: what is noted of a subject that was met (`noteOf`). */
  met: u16;

  @inline
  static at(ptr: usize): Entry {
    if (!ASC_NO_ASSERT) assertEntry(ptr);
    return changetype<Entry>(ptr);
  }
}

function assertEntry(ptr: usize): void {
  assert((ptr - entries) % ENTRY_BYTES == 0);
  Owned.assertSpan(ptr, ENTRY_BYTES, OWNER_ENTRIES);
}

const ENTRY_BYTES: u32 = offsetof<Entry>();
if (ENTRY_BYTES != 32) ERROR('Two entries are not one line');
const SET_COUNT: u32 = 8192;
const SUBJECT_CACHED_MAX: u32 = 256;
// The clock of the cache goes by strangers, 2,048 to a step. A subject that was asked for 16,384 strangers ago, as many
// as there are entries, does not count as one that comes again; what was not asked for while 131,072 came may go.
const STEP_LOG2: u32 = 11;
const AGAIN_STEPS: u16 = 8;
const STALE_STEPS: u16 = 64;
/** All blocks and subjects of the cache together. */
const CACHE_BYTES_MAX: u32 = 33554432;

let entries: usize = 0;
let cacheBytes: u32 = 0;
let enabled: bool = true;
/** The entry of the last hit, 0 = none: a publisher tends to stay with its subject. */
let recent: usize = 0;
/** What is too long for one route of a peer's message. Only filters of thirteen tokens and more lead past so many nodes. */
let shortNodes: u32 = 8192;
let shortMembers: u32 = 16384;
/** The lookup at hand is for one. */
let isShort: bool = false;
/** The last result that was not found was too long for that. */
export let lookupIsLong: bool = false;
/** Subjects that were met for the first time and turned away. */
let strangers: u32 = 0;
let wide: usize = 0;
let wideRoom: u32 = 0;

/** Reserves the entries. False: no memory. */
export function matchCacheInit(): bool {
  if (!matchInit()) return false;
  const bytes = SET_COUNT * 2 * ENTRY_BYTES;
  entries = allocate(bytes, OWNER_ENTRIES);
  if (entries == 0) return false;
  Owned.clear(entries, bytes, OWNER_ENTRIES);
  return true;
}

/** Test hook: without the cache every lookup is a match. */
export function matchCacheEnable(on: bool): void {
  enabled = on;
  recent = 0;
}

/** The block for a subject, or 0 when memory ended while it was laid out. Valid until the next lookup. */
export function lookup(account: usize, ptr: usize, length: u32): usize {
  isShort = false;
  return find(account, ptr, length);
}

/** The same, or 0 when the result is too long for one route (`lookupIsLong`). */
export function lookupShort(account: usize, ptr: usize, length: u32): usize {
  isShort = true;
  return find(account, ptr, length);
}

/** Nothing is known of the next message. */
export function lookupForgetLong(): void {
  lookupIsLong = false;
}

/** Test hook: what is too long for one route. */
export function lookupLimit(nodes: u32, members: u32): void {
  shortNodes = nodes;
  shortMembers = members;
}

function find(account: usize, ptr: usize, length: u32): usize {
  if (recent != 0 && isFor(Entry.at(recent), account, ptr, length)) return count(Entry.at(recent));
  const key = hash(ptr, length);
  if (!enabled || length > SUBJECT_CACHED_MAX) return layOutWide(account, ptr, length, key);
  const set = entries + ((<u32>key ^ (<u32>account >> 3)) & (SET_COUNT - 1)) * (ENTRY_BYTES << 1);
  const first = Entry.at(set);
  const upper = <u32>(key >> 32);
  if (first.hash == upper && isFor(first, account, ptr, length)) return hit(first);
  const second = Entry.at(set + ENTRY_BYTES);
  if (second.hash == upper && isFor(second, account, ptr, length)) return hit(second);
  if (!isGood(first) || !isGood(second)) return admit(set, account, ptr, length, key);
  if (first.met != noteOf(key)) {
    first.met = noteOf(key);
    strangers++;
    return layOutWide(account, ptr, length, key);
  }
  const block = admit(set, account, ptr, length, key);
  if (block != 0) Route.set(block, ROUTE_HITS, 1);
  return block;
}

function isGood(entry: Entry): bool {
  if (entry.account == 0 || ageOf(entry) > STALE_STEPS) return false;
  const account = accountFind(entry.account);
  return account != 0 && entry.generation == Account.at(account).generation;
}

function now(): u16 {
  return <u16>(strangers >> STEP_LOG2);
}

function ageOf(entry: Entry): u16 {
  return now() - entry.asked;
}

// Some bits that have no part in the choice of the set. Never 0.
function noteOf(key: u64): u16 {
  return <u16>(key >> 48) | 1;
}

function isFor(entry: Entry, account: usize, ptr: usize, length: u32): bool {
  if (entry.subjectLen != length) return false;
  if (entry.generation != Account.at(account).generation) return false;
  return equal(entry.subjectPtr, ptr, length);
}

function hit(entry: Entry): usize {
  recent = changetype<usize>(entry);
  const hits = ageOf(entry) > AGAIN_STEPS ? 0 : Route.get(entry.block, ROUTE_HITS) + 1;
  Route.set(entry.block, ROUTE_HITS, hits);
  entry.asked = now();
  return entry.block;
}

function count(entry: Entry): usize {
  Route.set(entry.block, ROUTE_HITS, Route.get(entry.block, ROUTE_HITS) + 1);
  return entry.block;
}

// The newer entry of a set stands first; the older one is given up.
function admit(set: usize, account: usize, ptr: usize, length: u32, key: u64): usize {
  const bytes = measured(account, ptr, length, key);
  if (bytes == 0) return 0;
  if (bytes > BLOCK_MAX_BYTES) return fillWide(bytes);
  swap(set, set + ENTRY_BYTES);
  const entry = Entry.at(set);
  entry.account = 0; // Until it is whole.
  entry.generation = 0;
  if (!makeRoom(entry, length, bytes)) return fillWide(bytes);
  copyExact(entry.subjectPtr, ptr, length);
  entry.subjectLen = <u16>length;
  entry.hash = <u32>(key >> 32);
  entry.generation = Account.at(account).generation;
  entry.asked = now();
  entry.account = Account.at(account).handle;
  fill(entry.block);
  return entry.block;
}

function swap(a: usize, b: usize): void {
  Owned.assertSpan(a, ENTRY_BYTES, OWNER_ENTRIES);
  Owned.assertSpan(b, ENTRY_BYTES, OWNER_ENTRIES);
  for (let offset: usize = 0; offset < ENTRY_BYTES; offset += 8) {
    const word = load<u64>(a + offset);
    store<u64>(a + offset, load<u64>(b + offset));
    store<u64>(b + offset, word);
  }
}

function makeRoom(entry: Entry, length: u32, bytes: u32): bool {
  const padded = length + 8;
  if (roomOf(entry.subjectRoom) < padded) {
    if (entry.subjectRoom != 0) give(entry.subjectPtr, roomOf(entry.subjectRoom));
    entry.subjectRoom = 0;
    entry.subjectPtr = take(padded, OWNER_TEXT);
    if (entry.subjectPtr == 0) return false;
    entry.subjectRoom = <u8>ctz(blockBytes(padded));
  }
  if (roomOf(entry.blockRoom) >= bytes) return true;
  if (entry.blockRoom != 0) give(entry.block, roomOf(entry.blockRoom));
  entry.blockRoom = 0;
  entry.block = take(bytes, OWNER_ROUTE);
  if (entry.block == 0) return false;
  entry.blockRoom = <u8>ctz(blockBytes(bytes));
  return true;
}

function roomOf(log2: u8): u32 {
  return log2 == 0 ? 0 : (<u32>1) << (<u32>log2);
}

function take(bytes: u32, owner: u32): usize {
  const room = blockBytes(bytes);
  if (cacheBytes + room > CACHE_BYTES_MAX) return 0;
  const ptr = allocate(room, owner);
  if (ptr != 0) cacheBytes += room;
  return ptr;
}

function give(ptr: usize, room: u32): void {
  release(ptr, room);
  cacheBytes -= room;
}

/** What is told of the good entries of an account: CACHE_*. */
export function matchCacheStat(account: usize, which: u32): u32 {
  const handle = Account.at(account).handle;
  const generation = Account.at(account).generation;
  let stat: u32 = 0;
  for (let at: u32 = 0; at < SET_COUNT * 2; at++) {
    const entry = Entry.at(entries + at * ENTRY_BYTES);
    if (entry.account != handle || entry.generation != generation) continue;
    const block = entry.block;
    const fanout = Route.get(block, ROUTE_PLAIN_COUNT) + Route.get(block, ROUTE_GROUP_COUNT);
    if (which == CACHE_ENTRIES) stat++;
    else if (which == CACHE_FANOUT_TOTAL) stat += fanout;
    else if (which == CACHE_FANOUT_MAX) stat = stat > fanout ? stat : fanout;
    else stat += Route.get(block, ROUTE_HITS);
  }
  return stat;
}

/** Bytes that the cache holds, for live counts. */
export function matchCacheBytes(): u32 {
  return cacheBytes + wideRoom;
}

function layOutWide(account: usize, ptr: usize, length: u32, key: u64): usize {
  const bytes = measured(account, ptr, length, key);
  return bytes == 0 ? 0 : fillWide(bytes);
}

// Matches, and answers the bytes of the block, or 0.
function measured(account: usize, ptr: usize, length: u32, key: u64): u32 {
  Account.at(account).matches += 1;
  const status = sublistMatch(account, ptr, length, key, isShort ? shortNodes : u32.MAX_VALUE);
  const bytes = status < 0 ? 0 : measure(isShort ? shortMembers : u32.MAX_VALUE);
  lookupIsLong = matchIsLong || (status >= 0 && bytes == 0);
  return bytes;
}

function fillWide(bytes: u32): usize {
  if (wideRoom < bytes) {
    if (wideRoom != 0) release(wide, wideRoom);
    wideRoom = 0;
    wide = allocate(blockBytes(bytes), OWNER_ROUTE);
    if (wide == 0) return 0;
    wideRoom = blockBytes(bytes);
  }
  fill(wide);
  return wide;
}

/**
 * The same block with the members of all groups in it: itself, or a wide one that holds until the next lookup. 0: there
 * is no memory.
 *
 * @param from the first group that is still asked for; those before it have no members then
 */
export function layOutGroups(block: usize, from: u32): usize {
  const bytes = laidOutBytes(block, from);
  if (bytes == 0) return block;
  // It may be the wide block that is copied.
  const room = blockBytes(bytes);
  const target = allocate(room, OWNER_ROUTE);
  if (target == 0) return 0;
  copyRoute(target, block, from);
  if (wideRoom != 0) release(wide, wideRoom);
  wide = target;
  wideRoom = room;
  return target;
}
