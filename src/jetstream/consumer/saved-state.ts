// How far a consumer is, as bytes: all of it, or what has changed since. Floors and counts are written as they are at the
// moment, of messages only those that have changed; so what is read twice, or behind a gap, is not wrong, but older.
// Times are those of the wall clock: the other one begins anew with each process.
//
//   offset  size  field
//        0     1  version of these bytes
//        1     1  WHOLE or CHANGES
//        2    88  SCALARS, each an f64
//       90        entries:  GONE       u8, f64 sequence
//                           WAITING    u8, f64 sequence, f64 consumer sequence, u32 redeliveries, f64 when it is due
//                           EXHAUSTED  u8, f64 sequence, u32 redeliveries
import type { Clock } from '../../shared/clock.ts';
import type { Store } from '../store/store.ts';
import type { Cursor } from './cursor.ts';
import type { Journal } from './journal.ts';
import { QUEUED } from './pending.ts';
import type { Progress } from './progress.ts';

/** A message that waits for its ack. */
export interface SavedWait {
  readonly consumerSeq: number;
  readonly redelivered: number;
  /** Milliseconds since 1970; below: at once. */
  readonly dueMs: number;
}

/** What a consumer knew when it was saved. */
export interface SavedState {
  consumerSeq: number;
  deliveredConsumer: number;
  deliveredStream: number;
  floorConsumer: number;
  floorStream: number;
  shownConsumer: number;
  shownStream: number;
  /** The first sequence that it has not passed. */
  next: number;
  /** Up to there only the last message of each subject is delivered; 0 = all are. */
  lastsUpTo: number;
  deliveredMs: number;
  ackedMs: number;
  readonly waiting: Map<number, SavedWait>;
  readonly exhausted: Map<number, number>;
}

type Scalar = Exclude<keyof SavedState, 'waiting' | 'exhausted'>;

/** In the order in which they are written: others may come behind, with another version. */
const SCALARS: readonly Scalar[] = [
  'consumerSeq',
  'deliveredConsumer',
  'deliveredStream',
  'floorConsumer',
  'floorStream',
  'shownConsumer',
  'shownStream',
  'next',
  'lastsUpTo',
  'deliveredMs',
  'ackedMs',
];
const VERSION = 1;
const WHOLE = 1;
const CHANGES = 2;
const GONE = 0;
const WAITING = 1;
const EXHAUSTED = 2;
const ENTRIES_AT: number = 2 + 8 * SCALARS.length;
/** By what they are. */
const ENTRY_BYTES: readonly number[] = [9, 29, 13];
const ENTRY_MOST = 29;

/** What is saved. */
export interface SavedParts {
  readonly progress: Progress;
  readonly cursor: Cursor;
}

/** All of a consumer, or what its journal says. */
export function saveState(
  { progress, cursor }: SavedParts,
  { isWhole, seqs }: Pick<Journal, 'isWhole' | 'seqs'>,
  clock: Clock,
): Uint8Array {
  const { redelivery, delivered, floor, shownFloor } = progress;
  const { pending, exhausted } = redelivery;
  const most = isWhole ? pending.count + exhausted.size : seqs.length;
  const bytes = new Uint8Array(ENTRIES_AT + most * ENTRY_MOST);
  const view = new DataView(bytes.buffer);
  bytes[0] = VERSION;
  bytes[1] = isWhole ? WHOLE : CHANGES;
  const scalars: Record<Scalar, number> = {
    consumerSeq: progress.consumerSeq,
    deliveredConsumer: delivered.consumer,
    deliveredStream: delivered.stream,
    floorConsumer: floor.consumer,
    floorStream: floor.stream,
    shownConsumer: shownFloor.consumer,
    shownStream: shownFloor.stream,
    next: cursor.next,
    lastsUpTo: cursor.lastsUpTo,
    deliveredMs: progress.lastDelivery.wallMs(clock),
    ackedMs: progress.acked.wallMs(clock),
  };
  SCALARS.forEach((name, index) => {
    view.setFloat64(2 + 8 * index, scalars[name], true);
  });
  const wallMs = clock.now() - clock.monotonic();
  let at = ENTRIES_AT;
  const entry = (seq: number): void => {
    view.setFloat64(at + 1, seq, true);
    if (pending.find(seq)) {
      bytes[at] = WAITING;
      view.setFloat64(at + 9, pending.consumerSeq, true);
      view.setUint32(at + 17, pending.redelivered, true);
      view.setFloat64(at + 21, pending.state === QUEUED ? 0 : pending.dueMs + wallMs, true);
      at += 29;
    } else if (exhausted.has(seq)) {
      bytes[at] = EXHAUSTED;
      view.setUint32(at + 9, exhausted.get(seq) as number, true);
      at += 13;
    } else {
      bytes[at] = GONE;
      at += 9;
    }
  };
  if (isWhole) {
    for (let seq = pending.findFrom(1); seq > 0; seq = pending.findFrom(seq + 1)) entry(seq);
    for (const seq of exhausted.keys()) entry(seq);
  } else {
    for (const seq of seqs) entry(seq);
  }
  return bytes.subarray(0, at);
}

/**
 * Puts what was saved on top of what was before.
 *
 * @returns undefined: these bytes are of another version, or damaged
 */
export function readState(
  bytes: Uint8Array,
  before: SavedState | undefined,
): SavedState | undefined {
  if (bytes.length < ENTRIES_AT || bytes[0] !== VERSION) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const isWhole = bytes[1] === WHOLE;
  const waiting: SavedState['waiting'] = isWhole ? new Map() : (before?.waiting ?? new Map());
  const exhausted: SavedState['exhausted'] = isWhole ? new Map() : (before?.exhausted ?? new Map());
  const state = { waiting, exhausted } as SavedState;
  SCALARS.forEach((name, index) => {
    state[name] = view.getFloat64(2 + 8 * index, true);
  });
  // What was before holds when this does not.
  if (!areSane(state) || !areEntries(view)) return undefined;
  for (let at = ENTRIES_AT; at < bytes.length; at += ENTRY_BYTES[bytes[at] as number] as number) {
    const seq = view.getFloat64(at + 1, true);
    waiting.delete(seq);
    exhausted.delete(seq);
    if (bytes[at] === WAITING) {
      waiting.set(seq, {
        consumerSeq: view.getFloat64(at + 9, true),
        redelivered: view.getUint32(at + 17, true),
        dueMs: view.getFloat64(at + 21, true),
      });
    } else if (bytes[at] === EXHAUSTED) {
      exhausted.set(seq, view.getUint32(at + 9, true));
    }
  }
  return state;
}

/** Whether all entries are whole, and say what can be. */
function areEntries(view: DataView): boolean {
  for (let at = ENTRIES_AT; at < view.byteLength; ) {
    const kind = view.getUint8(at);
    const size = ENTRY_BYTES[kind];
    if (size === undefined || at + size > view.byteLength) return false;
    if (!isSeq(view.getFloat64(at + 1, true))) return false;
    const isWait = kind === WAITING;
    if (isWait && !isSeq(view.getFloat64(at + 9, true))) return false;
    if (isWait && !Number.isFinite(view.getFloat64(at + 21, true))) return false;
    at += size;
  }
  return true;
}

function isSeq(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Sequences are some, and times. */
function areSane(state: SavedState): boolean {
  return SCALARS.every((name) => {
    const value = state[name];
    return name.endsWith('Ms') ? Number.isFinite(value) : isSeq(value);
  });
}

/** No consumer is beyond the end of its stream, of which a power loss may have cost more; nor does it wait for what is gone. */
export function clampState(state: SavedState, { state: stream }: Store): void {
  const { lastSeq } = stream;
  state.next = Math.min(state.next, lastSeq + 1);
  state.lastsUpTo = Math.min(state.lastsUpTo, lastSeq);
  state.deliveredStream = Math.min(state.deliveredStream, lastSeq);
  state.floorStream = Math.min(state.floorStream, lastSeq);
  state.shownStream = Math.min(state.shownStream, lastSeq);
  for (const seq of state.waiting.keys()) if (seq > lastSeq) state.waiting.delete(seq);
  for (const seq of state.exhausted.keys()) if (seq > lastSeq) state.exhausted.delete(seq);
}
