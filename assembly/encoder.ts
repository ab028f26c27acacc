// The encoder: MSG and HMSG frames from a published message.
//
//   MSG subject sid [reply] size␍␊ payload ␍␊
//   ───┬─────── ─┬─ ──────┬─────── ─────┬────
//    subject    per      head         body
//            recipient
//
// A PUB written canonically is already `subject head body`: head and body are copied as they stand, the sid
// is spliced in, and numbers are never formatted again. Any other line gets a head built from its spans. A
// recipient without header support gets the stripped form: MSG, another head, the body without the block.

import { SLACK_BYTES } from './abi';
import { assertSpan, Bytes, copyExact, copyLoose, writeDecimal } from './bytes';
import { allocate, release } from './memory';
import { Frame, OWNER_HEAD, Owned } from './ownership';
import { Sub, subSidPtr } from './subscription';

const MSG: u32 = 0x2047534d; // "MSG "
const LETTER_H: u8 = 72;
const CRLF: u16 = 0x0a0d;
const SPACE: u8 = 32;

export let subjectPtr: usize = 0;
export let subjectLen: u32 = 0;
export let replyPtr: usize = 0;
export let replyLen: u32 = 0;
export let headerLen: u32 = 0;
/** Header block and payload, without the CRLF that follows them. */
export let bodyPtr: usize = 0;
export let bodyLen: u32 = 0;
let headPtr: usize = 0;
let headLen: u32 = 0;
// Stripped form; length 0 = not built.
let plainHeadPtr: usize = 0;
let plainHeadLen: u32 = 0;
// Bytes of a frame in front of its body, but for the sid.
let wholeFrontLen: u32 = 0;
let plainFrontLen: u32 = 0;

let buffer: usize = 0;
let bufferBytes: u32 = 0;

/** Takes up a message. `encoderHead…` must follow before a frame is written. */
export function encoderBegin(
  subject: usize,
  subjectLength: u32,
  reply: usize,
  replyLength: u32,
  body: usize,
  bodyLength: u32,
  headerLength: u32,
): void {
  assertSpan(subject, subjectLength, 15);
  assertSpan(reply, replyLength, 15);
  assertSpan(body, bodyLength + 2, 15);
  subjectPtr = subject;
  subjectLen = subjectLength;
  replyPtr = reply;
  replyLen = replyLength;
  bodyPtr = body;
  bodyLen = bodyLength;
  headerLen = headerLength;
  plainHeadLen = 0;
}

/** The head is the text between subject and body, as it was written. */
export function encoderHeadVerbatim(): void {
  headPtr = subjectPtr + subjectLen + 1;
  headLen = <u32>(bodyPtr - headPtr);
  measureFront();
}

/** Builds the head from the spans; `sizes` is the text of one size, or of two. False: no memory. */
export function encoderHeadFromSizes(sizesPtr: usize, sizesLen: u32): bool {
  if (!ensureBuffer(sizesLen)) return false;
  assertSpan(sizesPtr, sizesLen, 0);
  let at = writeReply(buffer);
  const end = sizesPtr + sizesLen;
  while (sizesPtr < end && isDigit(sizesPtr))
    Owned.write<u8>(at++, load<u8>(sizesPtr++), OWNER_HEAD);
  if (sizesPtr < end) {
    Owned.write<u8>(at++, SPACE, OWNER_HEAD);
    while (sizesPtr < end && !isDigit(sizesPtr)) sizesPtr++;
    while (sizesPtr < end && isDigit(sizesPtr))
      Owned.write<u8>(at++, load<u8>(sizesPtr++), OWNER_HEAD);
  }
  finishHead(at);
  return true;
}

/** Builds the head from the numbers. False: no memory. */
export function encoderHeadFromNumbers(): bool {
  if (!ensureBuffer(24)) return false;
  let at = writeReply(buffer);
  if (headerLen != 0) {
    at += writeDecimal(at, headerLen);
    Owned.write<u8>(at++, SPACE, OWNER_HEAD);
  }
  at += writeDecimal(at, bodyLen);
  finishHead(at);
  return true;
}

function finishHead(at: usize): void {
  assert(at + 2 <= buffer + (bufferBytes >> 1));
  Owned.write<u16>(at, CRLF, OWNER_HEAD);
  headPtr = buffer;
  headLen = <u32>(at + 2 - buffer);
  measureFront();
}

function measureFront(): void {
  wholeFrontLen = subjectLen + headLen + (headerLen != 0 ? 7 : 6);
}

function isDigit(ptr: usize): bool {
  return <u32>load<u8>(ptr) - 48 < 10;
}

function writeReply(at: usize): usize {
  if (replyLen == 0) return at;
  copyExact(at, replyPtr, replyLen);
  Owned.write<u8>(at + replyLen, SPACE, OWNER_HEAD);
  return at + replyLen + 1;
}

// Room for two heads; the stripped one lies in the upper half.
function ensureBuffer(sizesLen: u32): bool {
  const half = replyLen + sizesLen + 32 + SLACK_BYTES;
  if (bufferBytes >= half << 1) return true;
  if (buffer != 0) release(buffer, bufferBytes);
  bufferBytes = max<u32>(half << 1, 1024);
  buffer = allocate(bufferBytes, OWNER_HEAD);
  if (buffer != 0) return true;
  bufferBytes = 0;
  return false;
}

/** Builds the stripped form, once a message. False: no memory. */
export function encoderStrip(): bool {
  if (plainHeadLen != 0) return true;
  if (headPtr != buffer && !ensureBuffer(24)) return false;
  plainHeadPtr = buffer + (bufferBytes >> 1);
  let at = writeReply(plainHeadPtr);
  at += writeDecimal(at, bodyLen - headerLen);
  assert(at + 2 <= buffer + bufferBytes);
  Owned.write<u16>(at, CRLF, OWNER_HEAD);
  plainHeadLen = <u32>(at + 2 - plainHeadPtr);
  plainFrontLen = subjectLen + plainHeadLen + 6;
  return true;
}

/** Bytes of the frame for a subscription without its body and the CRLF behind that. */
export function frameHeadBytes(sub: usize, stripped: bool): u32 {
  return (stripped ? plainFrontLen : wholeFrontLen) + Sub.at(sub).sidLen;
}

/** Bytes of the body with its CRLF, as that recipient gets it. */
export function frameBodyBytes(stripped: bool): u32 {
  return stripped ? bodyLen - headerLen + 2 : bodyLen + 2;
}

/** Where the body begins, as that recipient gets it. */
export function frameBodyPtr(stripped: bool): usize {
  return stripped ? bodyPtr + headerLen : bodyPtr;
}

/** What every delivery goes through. */
export class Encoder {
  /**
   * Writes a frame at `at`, which has 16 bytes to spare behind it, from a message as it was written:
   * `subject [reply] sizes␍␊ body ␍␊` up to `next`. The sid is an inline one.
   *
   * @param headed 1 when it has a header block, and the verb a letter more, else 0
   * @returns the end of the frame
   */
  @inline
  static frameVerbatim(
    at: usize,
    headed: u32,
    sub: usize,
    subject: usize,
    subjectLength: u32,
    next: usize,
  ): usize {
    const verb = at + headed;
    const sid = verb + 4 + subjectLength;
    const head = sid + 2 + Sub.at(sub).sidLen;
    const rest = subject + subjectLength + 1;
    Frame.assertOpen(at, head + (next - rest) - at);
    if (headed != 0) store<u8>(at, LETTER_H);
    store<u32>(verb, MSG);
    Bytes.copyLoose(verb + 4, subject, subjectLength);
    store<u8>(sid, SPACE);
    v128.store(sid + 1, Sub.at(sub).sidInline);
    store<u8>(head - 1, SPACE);
    Bytes.copyLoose(head, rest, next - rest);
    return head + (next - rest);
  }

  /**
   * Writes a frame at `at`, which has 16 bytes to spare behind it.
   *
   * @param withBody false: the head only, because the body is shared
   */
  @inline
  static frameWrite(at: usize, sub: usize, stripped: bool, withBody: bool): void {
    if (headerLen != 0 && !stripped) Frame.write<u8>(at++, LETTER_H);
    Frame.write<u32>(at, MSG);
    at += 4;
    // The subject's blank is written anew: a rebuilt line may have a tab there.
    Frame.assertOpen(at, subjectLen);
    copyLoose(at, subjectPtr, subjectLen);
    at += subjectLen;
    Frame.write<u8>(at++, SPACE);
    const sidLen = Sub.at(sub).sidLen;
    Frame.assertOpen(at, sidLen);
    copyLoose(at, subSidPtr(sub), sidLen);
    at += sidLen;
    Frame.write<u8>(at++, SPACE);
    const from = stripped ? plainHeadPtr : headPtr;
    const length = stripped ? plainHeadLen : headLen;
    if (withBody && !stripped && from + length == bodyPtr) {
      Frame.assertOpen(at, <usize>length + bodyLen + 2);
      copyLoose(at, from, <usize>length + bodyLen + 2);
      return;
    }
    Frame.assertOpen(at, length);
    copyLoose(at, from, length);
    if (!withBody) return;
    Frame.assertOpen(at + length, frameBodyBytes(stripped));
    copyLoose(at + length, frameBodyPtr(stripped), frameBodyBytes(stripped));
  }
}
