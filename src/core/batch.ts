// What is delivered in one crossing: the records of all entries, and behind them their bytes (layout: abi.ts,
// PUBLISH_*). Texts of some bytes are copied sooner by a loop than by `set`.
import {
  PUBLISH_BODY_LEN,
  PUBLISH_BODY_PTR,
  PUBLISH_BYTES,
  PUBLISH_FLAGS,
  PUBLISH_HAS_WAITED,
  PUBLISH_HEADER_LEN,
  PUBLISH_LAST_SID,
  PUBLISH_PRESSED,
  PUBLISH_REACHED,
  PUBLISH_REPLY_LEN,
  PUBLISH_REPLY_PTR,
  PUBLISH_STANDS_IN,
  PUBLISH_SUBJECT_LEN,
  PUBLISH_SUBJECT_PTR,
  PUBLISH_TO_LEN,
  PUBLISH_TO_PTR,
} from '../../assembly/abi.ts';
import { assert, CapacityError } from '../shared/errors.ts';
import type { Core } from './core.ts';
import { SID_MAX } from './outgoing.ts';
import { readText } from './records.ts';
import type { SessionHandle } from './sessions.ts';
import type { Views } from './views.ts';

/** One message of a batch: bytes, which are copied; views of any memory but the core's own. */
export interface BatchEntry {
  /** The subject by which it is routed: an inbox, or what somebody has subscribed to. */
  readonly to: Uint8Array;
  /** The subject that its recipients see; `to` unless given. */
  readonly subject?: Uint8Array | undefined;
  readonly reply?: Uint8Array | undefined;
  /** A whole `NATS/1.0` block. */
  readonly headers?: Uint8Array | undefined;
  readonly payload: Uint8Array;
  /** It has waited: whoever of the program has a higher sid came too late for it. */
  readonly lastSid?: number | undefined;
  /** One of those gets it in a group that has nobody else. */
  readonly standsIn?: boolean | undefined;
}

/** How far an entry went. */
export interface BatchOutcome {
  /** Subscriptions that got it. */
  readonly delivered: number;
  /** A session among them that has more pending than PRESSED_MAX, or half of its limit: no more before it has drained. */
  readonly pressed: SessionHandle;
}

/** Where a batch lies. */
export interface BatchPlace {
  readonly ptr: number;
  readonly count: number;
}

const LOOP_MAX = 16;
/** Behind a body two bytes are overwritten, and some more may be read. */
export const TAIL_BYTES = 2;
const NOTHING = new Uint8Array(0);

/** Lays out a batch, for `Core.publishBatch`. It stays until something else is published. Throws CapacityError. */
export function placeBatch(core: Core, entries: readonly BatchEntry[]): BatchPlace {
  const bytes = batchBytes(entries);
  const ptr = core.batchRoom(bytes);
  if (ptr === 0) throw new CapacityError(`a batch of ${bytes} bytes`);
  writeBatch(core.views, ptr, bytes, entries);
  return { ptr, count: entries.length };
}

/** Bytes of memory that a batch takes. */
function batchBytes(entries: readonly BatchEntry[]): number {
  let bytes = entries.length * PUBLISH_BYTES;
  for (const { to, subject = NOTHING, reply = NOTHING, headers = NOTHING, payload } of entries) {
    const texts = to.length + subject.length + reply.length;
    bytes += texts + headers.length + payload.length + TAIL_BYTES;
  }
  return bytes;
}

/** Writes a batch at `ptr`, which has room for `bytes`, as many as `batchBytes` says. */
function writeBatch(
  views: Views,
  ptr: number,
  bytes: number,
  entries: readonly BatchEntry[],
): void {
  const { u8, u32 } = views;
  let record = ptr >>> 2;
  let at = ptr + entries.length * PUBLISH_BYTES;
  for (const entry of entries) {
    const { to, subject, reply, headers, payload } = entry;
    const toPtr = at;
    at = put(u8, at, to);
    const subjectPtr = subject === undefined ? toPtr : at;
    if (subject !== undefined) at = put(u8, at, subject);
    const replyPtr = at;
    if (reply !== undefined) at = put(u8, at, reply);
    const bodyPtr = at;
    if (headers !== undefined) at = put(u8, at, headers);
    at = put(u8, at, payload);
    u32[record + PUBLISH_TO_PTR / 4] = toPtr;
    u32[record + PUBLISH_TO_LEN / 4] = to.length;
    u32[record + PUBLISH_SUBJECT_PTR / 4] = subjectPtr;
    u32[record + PUBLISH_SUBJECT_LEN / 4] = subject === undefined ? to.length : subject.length;
    u32[record + PUBLISH_REPLY_PTR / 4] = replyPtr;
    u32[record + PUBLISH_REPLY_LEN / 4] = reply === undefined ? 0 : reply.length;
    u32[record + PUBLISH_BODY_PTR / 4] = bodyPtr;
    u32[record + PUBLISH_BODY_LEN / 4] = at - bodyPtr;
    u32[record + PUBLISH_HEADER_LEN / 4] = headers === undefined ? 0 : headers.length;
    u32[record + PUBLISH_FLAGS / 4] = 0;
    if (entry.lastSid !== undefined) {
      u32[record + PUBLISH_FLAGS / 4] =
        PUBLISH_HAS_WAITED | (entry.standsIn ? PUBLISH_STANDS_IN : 0);
      u32[record + PUBLISH_LAST_SID / 4] = Math.min(entry.lastSid, SID_MAX);
    }
    at += TAIL_BYTES;
    record += PUBLISH_BYTES / 4;
  }
  // Room for the batch may have moved linear memory away under an entry that was a view of it.
  assert(at === ptr + bytes, 'the entries of a batch are not views of the memory of the core');
}

/** The subject by which the message with that body is routed. */
export function readBatchTo(views: Views, { ptr, count }: BatchPlace, bodyPtr: number): string {
  for (let record = ptr; record < ptr + count * PUBLISH_BYTES; record += PUBLISH_BYTES) {
    if (views.word(record + PUBLISH_BODY_PTR) !== bodyPtr) continue;
    return readText(
      views,
      views.word(record + PUBLISH_TO_PTR),
      views.word(record + PUBLISH_TO_LEN),
    );
  }
  return '';
}

/** What became of a batch that has been routed to its end; to be asked before anything else is published. */
export function batchOutcomes({ views }: Core, { ptr, count }: BatchPlace): BatchOutcome[] {
  const { u32 } = views;
  const outcomes: BatchOutcome[] = [];
  for (let record = ptr >>> 2; outcomes.length < count; record += PUBLISH_BYTES / 4) {
    outcomes.push({
      delivered: u32[record + PUBLISH_REACHED / 4] as number,
      pressed: u32[record + PUBLISH_PRESSED / 4] as number,
    });
  }
  return outcomes;
}

function put(u8: Uint8Array, at: number, bytes: Uint8Array): number {
  const { length } = bytes;
  if (length > LOOP_MAX) u8.set(bytes, at);
  else for (let i = 0; i < length; i++) u8[at + i] = bytes[i] as number;
  return at + length;
}
