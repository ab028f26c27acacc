// A message of the program: its record, and what is done with it until it has reached everybody.

import {
  OP_PRESSURE,
  PUBLISH_BODY_LEN,
  PUBLISH_BODY_PTR,
  PUBLISH_BYTES,
  PUBLISH_FLAGS,
  PUBLISH_HEADER_LEN,
  PUBLISH_LOCAL_ONLY,
  PUBLISH_REPLY_LEN,
  PUBLISH_REPLY_PTR,
  PUBLISH_SUBJECT_LEN,
  PUBLISH_SUBJECT_PTR,
  PUBLISH_TO_LEN,
  PUBLISH_TO_PTR,
  STATUS_NO_MEMORY,
  STATUS_OK,
} from './abi';
import { encoderBegin, encoderHeadFromNumbers } from './encoder';
import { lookup } from './match-cache';
import { Op } from './memory';
import { Owned } from './ownership';
import { recordsReset } from './records';
import { isStopped, pressure, pressureReset, routeBegin, routeGo, routeResume } from './router';

const CRLF: u16 = 0x0a0d;

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
if (offsetof<Publish>() != PUBLISH_BYTES) ERROR('Publish is not the size abi.ts says');

/** Routes the message of a record (PUBLISH_*). STATUS_OK, STATUS_NO_MEMORY, or STATUS_AGAIN_*: resume it. */
export function publishRecord(owner: usize, ptr: usize): i32 {
  const message = Publish.at(ptr);
  recordsReset();
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
  return notePressure(routeGo());
}

/** Goes on with the message, whoever's, that has stopped. `starved`: see routeResume. */
export function publishGoOn(starved: bool): i32 {
  recordsReset();
  return isStopped ? notePressure(routeResume(starved)) : STATUS_OK;
}

// Notes in the op record whether a recipient is pressed.
function notePressure(status: i32): i32 {
  Op.set(OP_PRESSURE, pressure ? 1 : 0);
  return status;
}
