// The parser: bytes to op records, one op a call. Pure: it knows no sublist and no session, keeps nothing
// between two calls and sends nothing. It judges the bytes that are there, a wrong verb at its first wrong
// byte, and never one beyond the end of the chunk; so how a stream is cut cannot matter.
//
//   LINE  verb, blanks, arguments, CRLF or LF, and for PUB and HPUB the payload and CRLF. Until the whole op
//         is there nothing is consumed, and `opNeed` tells what is missing once the control line is known.
//   SKIP  behind PING, PONG and +OK anything may follow up to LF: those bytes are consumed as they come.
//
// A PUB or HPUB as clients write it takes the short way: publish-line.ts finds where each argument ends. Every
// other op, and every fault, takes the long way.
//
// Results are the exported globals. The spans point into the chunk and live as long as its bytes do.
// Source of the grammar: nats-server v2.15.3, server/parser.go and server/client.go (processPub,
// processHeaderPub, parseSub, processUnsub).

import {
  OP_CONNECT,
  OP_ERROR,
  OP_HPUB,
  OP_INFO,
  OP_MINUS_ERR,
  OP_NONE,
  OP_PING,
  OP_PLUS_OK,
  OP_PONG,
  OP_PUB,
  OP_SUB,
  OP_UNSUB,
  PARSE_CONTROL_LINE,
  PARSE_LINE,
  PARSE_PAYLOAD,
  PARSE_SILENT,
  PARSE_SKIP_OK,
  PARSE_SKIP_PING,
  PARSE_SKIP_PONG,
  PARSE_UNKNOWN,
  SUBJECT_MAX,
} from './abi';
import {
  argumentEnd,
  argumentLen,
  argumentPtr,
  argumentsCanonical,
  byteAt,
  CR,
  findLineBreak,
  findLineFeed,
  isBlank,
  LF,
  longAt,
  NO_NUMBER,
  pairAt,
  readDecimal,
  skipBlanks,
  splitArguments,
  watchChunk,
} from './control-line';
import { HPUB_ARGS, headerSize, PUB_ARGS, PublishLine, readSizes } from './publish-line';

/** OP_*; OP_NONE when no op is whole. */
export let opVerb: u32 = 0;
/** First byte that is not done with. */
export let opNext: usize = 0;
/** So many bytes more are needed to get further with the unfinished op, 0 = not known. */
export let opNeed: u32 = 0;
/** PARSE_LINE or PARSE_SKIP_*: what the next call starts from. */
export let opState: u32 = 0;
/** PARSE_* when the verb is OP_ERROR. */
export let opError: u32 = 0;
/** Text behind verb and blanks, of every verb but PING, PONG and +OK. */
export let opArgsPtr: usize = 0;
export let opArgsLen: u32 = 0;
/** SUB, PUB, HPUB. */
export let opSubjectPtr: usize = 0;
export let opSubjectLen: u32 = 0;
/** Reply of PUB and HPUB, queue of SUB; length 0 = none. */
export let opReplyPtr: usize = 0;
export let opReplyLen: u32 = 0;
/** SUB, UNSUB. */
export let opSidPtr: usize = 0;
export let opSidLen: u32 = 0;
/** UNSUB: after how many deliveries, 0 = now. */
export let opMax: u32 = 0;
/** PUB, HPUB: header block (0 for PUB), and header block with payload, without the CRLF. */
export let opHeaderLen: u32 = 0;
export let opBodyPtr: usize = 0;
export let opBodyLen: u32 = 0;
/** The size text as written, `5` or `12 17`, blanks between the two as they came; one size when opHeaderLen is 0. */
export let opSizesPtr: usize = 0;
export let opSizesLen: u32 = 0;
/** PUB, HPUB: from the subject to the CRLF behind the payload all may be copied as it stands. */
export let opCanonical: bool = false;
/** The line without its end; of PING, PONG and +OK the verb alone, of OP_ERROR nothing. */
export let opLinePtr: usize = 0;
export let opLineLen: u32 = 0;

const SPAN_MAX: u32 = SUBJECT_MAX;
let limitLine: u32 = 0;
let limitPayload: u32 = 0;
let limitHeaders: bool = true;

// PINGPONG+OK, for the trace: what they skip may have gone with an earlier chunk.
const skipVerbs: usize = memory.data<u8>([80, 73, 78, 71, 80, 79, 78, 71, 43, 79, 75]);

// Verbs in lower case, the first letter in the low byte.
const WORD_PUB: u64 = 0x627570;
const WORD_HPUB: u64 = 0x62757068;
const WORD_SUB: u64 = 0x627573;
const WORD_UNSUB: u64 = 0x6275736e75;
const WORD_PING: u64 = 0x676e6970;
const WORD_PONG: u64 = 0x676e6f70;
const WORD_CONNECT: u64 = ((<u64>0x746365) << 32) | 0x6e6e6f63;
const WORD_INFO: u64 = 0x6f666e69;
const WORD_PLUS_OK: u64 = 0x6b6f2b;
const WORD_MINUS_ERR: u64 = 0x7272652d;
const LOWER_CASE: u64 = ((<u64>0x20202020) << 32) | 0x20202020;
const CRLF: u32 = 0x0a0d;

/**
 * Reads one op from the bytes between `ptr` and `end`.
 *
 * @param state          `opState` of the call before, PARSE_LINE at first
 * @param controlLineMax most bytes of argument text; the blanks in front of it are bounded by it, too
 * @param payloadMax     most bytes of header block and payload
 * @param takesHeaders   false: an HPUB is refused as soon as its control line is whole
 * @returns 1: an op is whole (OP_ERROR: it never will be); 0: more bytes are needed. After 0 the caller
 *          keeps the bytes from `opNext` on and puts them in front of the next ones.
 */
export function parse(
  state: u32,
  ptr: usize,
  end: usize,
  controlLineMax: u32,
  payloadMax: u32,
  takesHeaders: bool = true,
): i32 {
  watchChunk(ptr, end);
  opNeed = 0;
  opState = PARSE_LINE;
  if (end - ptr >= 8 && state == PARSE_LINE) {
    const word = longAt(ptr);
    if (PublishLine.isPub(word)) {
      const args = ptr + PUB_ARGS;
      const shape = PublishLine.readPub(args, end, controlLineMax);
      if (shape != 0 && shortWay(OP_PUB, ptr, args, shape, end, payloadMax)) return 1;
    } else if (takesHeaders && PublishLine.isHpub(word)) {
      const args = ptr + HPUB_ARGS;
      const shape = PublishLine.readHpub(args, end, controlLineMax);
      if (shape != 0 && shortWay(OP_HPUB, ptr, args, shape, end, payloadMax)) return 1;
    }
  }
  limitLine = controlLineMax;
  limitPayload = payloadMax;
  limitHeaders = takesHeaders;
  return parseAny(state, ptr, end);
}

// Giving up decides nothing: the long way does.
function shortWay(
  verb: u32,
  line: usize,
  args: usize,
  shape: u32,
  end: usize,
  payloadMax: u32,
): bool {
  const subjectLen = PublishLine.subjectLen(shape);
  const argsLen = PublishLine.argsLen(shape);
  const sizesAt = PublishLine.sizesAt(shape);
  const sizes = args + sizesAt;
  const sizesLen = argsLen - sizesAt;
  const isPub = verb == OP_PUB;
  const total = isPub ? readDecimal(sizes, sizesLen) : readSizes(sizes, sizes + sizesLen);
  const body = args + argsLen + 2;
  const have = <u32>(end - body);
  if (total > payloadMax || total > have || have - total < 2) return false;
  if (pairAt(body + total) != CRLF) return false;
  opVerb = verb;
  opNext = body + total + 2;
  opArgsPtr = args;
  opArgsLen = argsLen;
  opSubjectPtr = args;
  opSubjectLen = subjectLen;
  // One space between any two.
  opReplyPtr = args + subjectLen + 1;
  opReplyLen = PublishLine.replyLen(shape);
  opHeaderLen = isPub ? 0 : headerSize;
  opBodyPtr = body;
  opBodyLen = total;
  opSizesPtr = sizes;
  opSizesLen = sizesLen;
  opCanonical = true;
  opLinePtr = line;
  opLineLen = <u32>(args - line) + argsLen;
  return true;
}

// ── The long way ──────────────────────────────────────────────────────────────────────────────────

function parseAny(state: u32, ptr: usize, end: usize): i32 {
  opVerb = OP_NONE;
  opNext = ptr;
  opState = state;
  if (ptr >= end) return 0;
  if (state == PARSE_SKIP_PING) return skipLine(state, OP_PING, ptr, end);
  if (state == PARSE_SKIP_PONG) return skipLine(state, OP_PONG, ptr, end);
  if (state == PARSE_SKIP_OK) return skipLine(state, OP_PLUS_OK, ptr, end);
  const first = byteAt(ptr);
  if (first == 43) return skipVerb(PARSE_SKIP_OK, OP_PLUS_OK, WORD_PLUS_OK, 3, ptr, end);
  if (first == 45) return lineVerb(OP_MINUS_ERR, WORD_MINUS_ERR, 4, true, ptr, end);
  const letter = first | 32;
  if (letter == 115) return lineVerb(OP_SUB, WORD_SUB, 3, true, ptr, end);
  if (letter == 117) return lineVerb(OP_UNSUB, WORD_UNSUB, 5, true, ptr, end);
  if (letter == 104) return lineVerb(OP_HPUB, WORD_HPUB, 4, true, ptr, end);
  if (letter == 99) return lineVerb(OP_CONNECT, WORD_CONNECT, 7, false, ptr, end);
  if (letter == 105) return lineVerb(OP_INFO, WORD_INFO, 4, false, ptr, end);
  if (letter != 112) return refuse(PARSE_UNKNOWN, ptr);
  if (end - ptr < 2) return 0;
  const second = byteAt(ptr + 1) | 32;
  if (second == 105) return skipVerb(PARSE_SKIP_PING, OP_PING, WORD_PING, 4, ptr, end);
  if (second == 111) return skipVerb(PARSE_SKIP_PONG, OP_PONG, WORD_PONG, 4, ptr, end);
  return lineVerb(OP_PUB, WORD_PUB, 3, true, ptr, end);
}

function refuse(error: u32, ptr: usize): i32 {
  opVerb = OP_ERROR;
  opError = error;
  opLineLen = 0;
  opNext = ptr;
  opState = PARSE_LINE;
  return 1;
}

// Whether the bytes that are there begin with the verb, as far as they go.
function isVerb(word: u64, length: usize, ptr: usize, end: usize): bool {
  const judged = min(length, end - ptr);
  const spare = (8 - <u64>judged) << 3;
  return ((longAt(ptr) | LOWER_CASE) ^ word) << spare == 0;
}

function skipVerb(state: u32, verb: u32, word: u64, length: usize, ptr: usize, end: usize): i32 {
  if (!isVerb(word, length, ptr, end)) return refuse(PARSE_UNKNOWN, ptr);
  if (end - ptr < length) return 0;
  return skipLine(state, verb, ptr + length, end);
}

function skipLine(state: u32, verb: u32, ptr: usize, end: usize): i32 {
  const lineFeed = findLineFeed(ptr, end);
  if (lineFeed == end) {
    opState = state;
    opNext = end;
    return 0;
  }
  opVerb = verb;
  opState = PARSE_LINE;
  opNext = lineFeed + 1;
  opLinePtr = skipVerbs + (verb == OP_PING ? 0 : verb == OP_PONG ? 4 : 8);
  opLineLen = verb == OP_PLUS_OK ? 3 : 4;
  return 1;
}

// `needsBlank`: CONNECT and INFO may be followed by their text at once.
function lineVerb(
  verb: u32,
  word: u64,
  length: usize,
  needsBlank: bool,
  ptr: usize,
  end: usize,
): i32 {
  if (!isVerb(word, length, ptr, end)) return refuse(PARSE_UNKNOWN, ptr);
  const verbEnd = ptr + length;
  if (end <= verbEnd) return 0;
  if (needsBlank && !isBlank(byteAt(verbEnd))) return refuse(PARSE_UNKNOWN, ptr);
  const args = skipBlanks(verbEnd, end);
  if (args - verbEnd > limitLine) return refuse(PARSE_CONTROL_LINE, ptr);
  // Judged in the order of the bytes: the first that is one too many, or a CR that no LF follows.
  const reach = end - args > limitLine ? args + limitLine + 1 : end;
  const lineEnd = findLineBreak(args, reach);
  if (lineEnd - args > limitLine) return refuse(PARSE_CONTROL_LINE, ptr);
  if (lineEnd == end) return 0;
  let next = lineEnd + 1;
  if (byteAt(lineEnd) == CR) {
    if (next == end) return 0;
    if (byteAt(next) != LF) return refuse(PARSE_UNKNOWN, ptr);
    next++;
  }
  opArgsPtr = args;
  opArgsLen = <u32>(lineEnd - args);
  opLinePtr = ptr;
  opLineLen = <u32>(lineEnd - ptr);
  if (verb == OP_HPUB && !limitHeaders) return refuse(PARSE_SILENT, ptr);
  if (verb == OP_PUB || verb == OP_HPUB) return publish(verb, ptr, lineEnd, next, end);
  if (verb == OP_SUB && !readSub(lineEnd)) return refuse(opError, ptr);
  if (verb == OP_UNSUB && !readUnsub(lineEnd)) return refuse(PARSE_SILENT, ptr);
  opVerb = verb;
  opNext = next;
  opState = PARSE_LINE;
  return 1;
}

// `SUB subject [queue] sid`.
function readSub(lineEnd: usize): bool {
  const count = splitArguments(opArgsPtr, lineEnd);
  opError = PARSE_SILENT;
  if (count < 2 || count > 3) return false;
  opSubjectPtr = argumentPtr(0);
  opSubjectLen = argumentLen(0);
  opReplyPtr = argumentPtr(1);
  opReplyLen = count == 3 ? argumentLen(1) : 0;
  opSidPtr = argumentPtr(count - 1);
  opSidLen = argumentLen(count - 1);
  opError = PARSE_CONTROL_LINE;
  return opSubjectLen <= SPAN_MAX && opReplyLen <= SPAN_MAX;
}

// `UNSUB sid [max]`; a max that is no number means: now.
function readUnsub(lineEnd: usize): bool {
  const count = splitArguments(opArgsPtr, lineEnd);
  if (count < 1 || count > 2) return false;
  opSidPtr = argumentPtr(0);
  opSidLen = argumentLen(0);
  const max = count == 2 ? readDecimal(argumentPtr(1), argumentLen(1)) : 0;
  opMax = max == NO_NUMBER ? 0 : max;
  return true;
}

// `PUB subject [reply] total`, `HPUB subject [reply] header total`: the line is whole.
function publish(verb: u32, ptr: usize, lineEnd: usize, body: usize, end: usize): i32 {
  const sizes: u32 = verb == OP_HPUB ? 2 : 1;
  const count = splitArguments(opArgsPtr, lineEnd);
  if (count < sizes + 1 || count > sizes + 2) return refuse(PARSE_SILENT, ptr);
  const last = count - 1;
  const first = count - sizes;
  const total = readDecimal(argumentPtr(last), argumentLen(last));
  const header = verb == OP_HPUB ? readDecimal(argumentPtr(first), argumentLen(first)) : 0;
  // NO_NUMBER is above every number, so a bad header size is above its total, too.
  if (total == NO_NUMBER || header > total) return refuse(PARSE_SILENT, ptr);
  opSubjectPtr = argumentPtr(0);
  opSubjectLen = argumentLen(0);
  opReplyPtr = argumentPtr(1);
  opReplyLen = count == sizes + 2 ? argumentLen(1) : 0;
  if (opSubjectLen > SPAN_MAX || opReplyLen > SPAN_MAX) {
    return refuse(PARSE_CONTROL_LINE, ptr);
  }
  if (total > limitPayload) return refuse(PARSE_PAYLOAD, ptr);
  opHeaderLen = header;
  opBodyPtr = body;
  opBodyLen = total;
  // A header block of no bytes is none: what leaves is `MSG … total` (nats-server does so, too).
  const isPlain = header == 0;
  opSizesPtr = argumentPtr(isPlain ? last : first);
  opSizesLen = <u32>(argumentEnd(last) - opSizesPtr);
  opCanonical = argumentsCanonical && body - lineEnd == 2 && isPlain == (verb == OP_PUB);
  return finishBody(verb, ptr, end);
}

// The payload's end: CR, then LF, each judged when it is there.
function finishBody(verb: u32, ptr: usize, end: usize): i32 {
  const have = <u32>(end - opBodyPtr);
  const isJudged = have > opBodyLen;
  const bodyEnd = opBodyPtr + opBodyLen;
  if (isJudged && byteAt(bodyEnd) != CR) return refuse(PARSE_UNKNOWN, ptr);
  if (!isJudged || have - opBodyLen < 2) {
    // Up to the CR only: whoever gathers so many bytes asks again before the LF, and a wrong byte is refused.
    opNeed = opBodyLen + (isJudged ? 2 : 1) - have;
    return 0;
  }
  if (byteAt(bodyEnd + 1) != LF) return refuse(PARSE_UNKNOWN, ptr);
  opVerb = verb;
  opNext = bodyEnd + 2;
  opState = PARSE_LINE;
  return 1;
}
