// Protocol lines that the core itself sends: PONG, +OK, the 503 of a request that nobody serves, and the one
// -ERR of a pedantic publish. All others are written by the bridge.

import { RECORD_SLOW, RECORD_TRACE_OUT, SESSION_TRACE } from './abi';
import { copyExact, writeDecimal } from './bytes';
import { outboundCommit, outboundIsSlow, outboundReserve } from './outbound';
import { Frame } from './ownership';
import { recordAppend, recordLine, recordsHaveSpare } from './records';
import { Session } from './session';
import { Sub, subSidPtr } from './subscription';

const PONG: u64 = 0x0a0d_474e_4f50; // "PONG\r\n"
const PLUS_OK: u64 = 0x0a0d_4b4f_2b; // "+OK\r\n"
const invalidSubject: usize = memory.data<u8>([
  45, 69, 82, 82, 32, 39, 73, 110, 118, 97, 108, 105, 100, 32, 80, 117, 98, 108, 105, 115, 104, 32,
  83, 117, 98, 106, 101, 99, 116, 39, 13, 10,
]); // "-ERR 'Invalid Publish Subject'\r\n"
const INVALID_SUBJECT_BYTES: u32 = 32;
const statusLine: usize = memory.data<u8>([
  78, 65, 84, 83, 47, 49, 46, 48, 32, 53, 48, 51, 13, 10, 78, 97, 116, 115, 45, 83, 117, 98, 106,
  101, 99, 116, 58, 32,
]); // "NATS/1.0 503\r\nNats-Subject: "
const STATUS_LINE_BYTES: u32 = 28;
const HMSG: u64 = 0x2047534d48; // "HMSG "
const CRLF: u16 = 0x0a0d;
const SPACE: u8 = 32;

/** Appends PONG. */
export function sendPong(session: usize): void {
  sendWord(session, PONG, 6);
}

/** Appends +OK. */
export function sendOk(session: usize): void {
  sendWord(session, PLUS_OK, 5);
}

function sendWord(ptr: usize, word: u64, bytes: u32): void {
  if (!outboundReserve(ptr, 8, true)) return;
  const start = Session.at(ptr).outCursor;
  Frame.write<u64>(start, word);
  commit(ptr, start, bytes, bytes - 2);
}

// `lineLen` bytes of what was written at `start` are its line without CRLF, for the trace. Who asks for more of
// them than it reads is a slow consumer like any other (nats-server 2.15.3, server/client.go, queueOutbound).
function commit(ptr: usize, start: usize, bytes: u32, lineLen: u32): void {
  outboundCommit(ptr, bytes);
  if (!recordsHaveSpare()) return; // The next line finds it.
  const session = Session.at(ptr);
  if (outboundIsSlow(ptr)) recordAppend(RECORD_SLOW, session.handle);
  if ((session.flags & SESSION_TRACE) == 0) return;
  recordLine(RECORD_TRACE_OUT, session.handle, start, lineLen);
}

/** Appends what a pedantic peer gets for a publish subject with a wildcard or an empty token. */
export function sendInvalidSubject(ptr: usize): void {
  if (!outboundReserve(ptr, INVALID_SUBJECT_BYTES, true)) return;
  const start = Session.at(ptr).outCursor;
  append(start, invalidSubject, INVALID_SUBJECT_BYTES);
  commit(ptr, start, INVALID_SUBJECT_BYTES, INVALID_SUBJECT_BYTES - 2);
}

/** Appends the 503 for a request that nobody serves, addressed to the requester's own subscription. */
export function sendNoResponders(
  ptr: usize,
  sub: usize,
  replyPtr: usize,
  replyLen: u32,
  subjectPtr: usize,
  subjectLen: u32,
): void {
  const sidLen = Sub.at(sub).sidLen;
  const room = 64 + replyLen + sidLen + STATUS_LINE_BYTES + subjectLen;
  if (!outboundReserve(ptr, room, true)) return;
  const start = Session.at(ptr).outCursor;
  const headerBytes = STATUS_LINE_BYTES + subjectLen + 4;
  Frame.write<u64>(start, HMSG);
  let at = append(start + 5, replyPtr, replyLen);
  Frame.write<u8>(at++, SPACE);
  at = append(at, subSidPtr(sub), sidLen);
  Frame.write<u8>(at++, SPACE);
  at += writeDecimal(at, headerBytes);
  Frame.write<u8>(at++, SPACE);
  at += writeDecimal(at, headerBytes);
  const lineLen = <u32>(at - start);
  Frame.write<u16>(at, CRLF);
  at = append(at + 2, statusLine, STATUS_LINE_BYTES);
  at = append(at, subjectPtr, subjectLen);
  Frame.write<u16>(at, CRLF);
  Frame.write<u16>(at + 2, CRLF);
  Frame.write<u16>(at + 4, CRLF);
  commit(ptr, start, <u32>(at + 6 - start), lineLen);
}

function append(at: usize, ptr: usize, length: u32): usize {
  Frame.assertOpen(at, length);
  copyExact(at, ptr, length);
  return at + length;
}
