// Messages of the program: the record of each, and what is done with one, or with a batch, until all have reached
// everybody. A batch is one crossing; it stops and goes on as a single message does.

import {
  OP_PRESSURE,
  PUBLISH_BODY_LEN,
  PUBLISH_BODY_PTR,
  PUBLISH_BYTES,
  PUBLISH_FLAGS,
  PUBLISH_HAS_WAITED,
  PUBLISH_HEADER_LEN,
  PUBLISH_LAST_SID,
  PUBLISH_LOCAL_ONLY,
  PUBLISH_PRESSED,
  PUBLISH_REACHED,
  PUBLISH_REPLY_LEN,
  PUBLISH_REPLY_PTR,
  PUBLISH_STANDS_IN,
  PUBLISH_SUBJECT_LEN,
  PUBLISH_SUBJECT_PTR,
  PUBLISH_TO_LEN,
  PUBLISH_TO_PTR,
  STATUS_AGAIN_POOL,
  STATUS_AGAIN_RESULT,
  STATUS_BAD_SUBJECT,
  STATUS_NO_MEMORY,
  STATUS_OK,
  SUBJECT_MAX,
} from './abi';
import { blankMask, byteAt, isBlank, watchChunk } from './control-line';
import { encoderBegin, encoderHeadFromNumbers } from './encoder';
import { lookup } from './match-cache';
import { Op } from './memory';
import { Owned } from './ownership';
import { recordsReset } from './records';
import {
  isStopped,
  pressed,
  pressureReset,
  reached,
  routeAbandon,
  routeBegin,
  routeGo,
  routeNarrow,
  routeResume,
} from './router';

const CRLF: u16 = 0x0a0d;
const CR: u32 = 13;
const LF: u32 = 10;

@unmanaged
class Publish {
  toPtr: usize;
  toLen: u32;
  subjectPtr: usize;
  subjectLen: u32;
  replyPtr: usize;
  replyLen: u32;
  bodyPtr: usize;
  bodyLen: u32;
  headerLen: u32;
  flags: u32;
  reached: u32;
  pressed: u32;

  @inline
  static at(ptr: usize): Publish {
    Owned.assertReadable(ptr, PUBLISH_BYTES, 0);
    return changetype<Publish>(ptr);
  }
}
if (offsetof<Publish>('toPtr') != PUBLISH_TO_PTR) ERROR('Publish.toPtr is off');
if (offsetof<Publish>('toLen') != PUBLISH_TO_LEN) ERROR('Publish.toLen is off');
if (offsetof<Publish>('subjectPtr') != PUBLISH_SUBJECT_PTR) ERROR('Publish.subjectPtr is off');
if (offsetof<Publish>('subjectLen') != PUBLISH_SUBJECT_LEN) ERROR('Publish.subjectLen is off');
if (offsetof<Publish>('replyPtr') != PUBLISH_REPLY_PTR) ERROR('Publish.replyPtr is off');
if (offsetof<Publish>('replyLen') != PUBLISH_REPLY_LEN) ERROR('Publish.replyLen is off');
if (offsetof<Publish>('bodyPtr') != PUBLISH_BODY_PTR) ERROR('Publish.bodyPtr is off');
if (offsetof<Publish>('bodyLen') != PUBLISH_BODY_LEN) ERROR('Publish.bodyLen is off');
if (offsetof<Publish>('headerLen') != PUBLISH_HEADER_LEN) ERROR('Publish.headerLen is off');
if (offsetof<Publish>('flags') != PUBLISH_FLAGS) ERROR('Publish.flags is off');
if (offsetof<Publish>('reached') != PUBLISH_REACHED) ERROR('Publish.reached is off');
if (offsetof<Publish>('reached') != PUBLISH_LAST_SID) ERROR('Publish.reached is off');
if (offsetof<Publish>('pressed') != PUBLISH_PRESSED) ERROR('Publish.pressed is off');
if (offsetof<Publish>() != PUBLISH_BYTES) ERROR('Publish is not the size abi.ts says');

// The batch at hand, from the record whose message is on its way on; empty while there is none.
let batchOwner: usize = 0;
let batchAt: usize = 0;
let batchEnd: usize = 0;

/** Routes the message of a record (PUBLISH_*). STATUS_OK, STATUS_NO_MEMORY, or STATUS_AGAIN_*: resume it. */
export function publishRecord(owner: usize, ptr: usize): i32 {
  batchAt = batchEnd;
  recordsReset();
  return notePressure(begin(owner, ptr));
}

/**
 * Routes the messages of `count` records, one after the other, and writes into each how many it has reached, and
 * whether one of those is pressed. What there is no memory for reaches nobody. STATUS_OK, or STATUS_AGAIN_*: resume it.
 */
export function publishRecords(owner: usize, ptr: usize, count: u32): i32 {
  batchOwner = owner;
  batchAt = ptr;
  batchEnd = ptr + <usize>count * PUBLISH_BYTES;
  recordsReset();
  return goOnWithBatch();
}

/** Goes on with the message, whoever's, that has stopped, and with the batch that it is of. `starved`: see routeResume. */
export function publishGoOn(starved: bool): i32 {
  recordsReset();
  const status = isStopped ? notePressure(routeResume(starved)) : STATUS_OK;
  if (status < 0 || batchAt == batchEnd) return status;
  answer(status);
  return goOnWithBatch();
}

/** Gives up the message that has stopped, and the rest of its batch. */
export function publishGiveUp(): void {
  routeAbandon();
  batchAt = batchEnd;
}

function goOnWithBatch(): i32 {
  while (batchAt < batchEnd) {
    const status = isSayable(batchAt) ? begin(batchOwner, batchAt) : STATUS_BAD_SUBJECT;
    if (status == STATUS_AGAIN_RESULT || status == STATUS_AGAIN_POOL) return status;
    answer(status);
  }
  return STATUS_OK;
}

// The message at the head of the batch has reached whom it could.
function answer(status: i32): void {
  const message = Publish.at(batchAt);
  message.reached = status < 0 ? 0 : reached;
  if (status < 0) pressureReset();
  message.pressed = pressed;
  batchAt += PUBLISH_BYTES;
}

// Whether its texts can stand on a control line, so that what leaves parses under the strict grammar. Those of a
// single publish have been checked where they were written into memory.
function isSayable(ptr: usize): bool {
  const message = Publish.at(ptr);
  if (message.replyLen != 0 && !isWord(message.replyPtr, message.replyLen)) return false;
  if (!isWord(message.toPtr, message.toLen)) return false;
  return message.subjectPtr == message.toPtr || isWord(message.subjectPtr, message.subjectLen);
}

function isWord(ptr: usize, length: u32): bool {
  if (length == 0 || length > <u32>SUBJECT_MAX) return false;
  watchChunk(ptr, ptr + length);
  for (let at: u32 = 0; at < length; at += 64) {
    const blanks = blankMask(ptr + at);
    // NUL and the other control bytes are part of a word, as they are in a peer's; see isBlank and the ends of lines.
    if (blanks != 0 && hasBlank(ptr + at, ptr + length, blanks)) return false;
  }
  return true;
}

function hasBlank(ptr: usize, end: usize, mask: u64): bool {
  for (let left = mask; left != 0; left &= left - 1) {
    const at = ptr + <usize>ctz(left);
    if (at >= end) return false;
    const byte = byteAt(at);
    if (isBlank(byte) || byte == CR || byte == LF) return true;
  }
  return false;
}

function begin(owner: usize, ptr: usize): i32 {
  const message = Publish.at(ptr);
  pressureReset();
  Owned.assertWritable(message.bodyPtr, message.bodyLen + 2);
  store<u16>(message.bodyPtr + message.bodyLen, CRLF);
  encoderBegin(
    message.subjectPtr,
    message.subjectLen,
    message.replyPtr,
    message.replyLen,
    message.bodyPtr,
    message.bodyLen,
    message.headerLen,
  );
  if (!encoderHeadFromNumbers()) return STATUS_NO_MEMORY;
  const block = lookup(owner, message.toPtr, message.toLen);
  if (block == 0) return STATUS_NO_MEMORY;
  routeBegin(owner, 0, block, (message.flags & PUBLISH_LOCAL_ONLY) != 0);
  if ((message.flags & PUBLISH_HAS_WAITED) != 0) {
    routeNarrow(message.reached, (message.flags & PUBLISH_STANDS_IN) != 0);
  }
  return routeGo();
}

// Notes in the op record whether a recipient is pressed.
function notePressure(status: i32): i32 {
  Op.set(OP_PRESSURE, pressed);
  return status;
}
