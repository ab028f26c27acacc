// Makes the index of a store from a snapshot, row after row. Nothing of the log is read.
import type { Work } from '../../work.ts';
import type { IndexedStore } from '../indexed-store.ts';
import type { Incoming } from '../store.ts';
import { FRAME_HEAD_BYTES, FRAMES_AT, isSeq, isTime, MESSAGE_BYTES } from './format.ts';
import type { SegmentLog } from './log.ts';
import {
  SnapshotError,
  type SnapshotHead,
  type SnapshotReader,
  type SnapshotRow,
  type SnapshotSegment,
} from './snapshot.ts';

const ROWS_A_STEP = 1024;
/** What a row has room for. */
const IN_FRAME_MOST = 0xffff;
const BODY_MOST = 0x7fff_ffff;

/**
 * The store is empty; nothing is written while its log is being read. Throws SnapshotError, and then something may be in it,
 * and StorageError.
 */
export function* restore(
  log: SegmentLog,
  store: IndexedStore,
  reader: SnapshotReader,
  head: SnapshotHead,
): Work<void> {
  const row: SnapshotRow = { ...BLANK, segment: undefined as unknown as SnapshotSegment };
  const message = new RestoredMessage();
  // By the numbers of subjects.
  const ids = [-1];
  const lengths = [0];
  store.expect(head.subjects);
  for (let i = 0; i < head.rows; i++) {
    reader.row(row, head.segments, ids.length - 1);
    const { seq, timeMs, text, subject } = row;
    if (text !== undefined) lengths.push(text.length);
    const length = lengths[subject];
    if (length === undefined || !isSane(row, length, store.state.lastSeq))
      throw new SnapshotError();
    message.set(row, length);
    store.skipTo(seq - 1);
    log.place(row.segment.segment, row.at, row.inFrame);
    if (text === undefined) {
      store.append(message, timeMs, ids[subject] as number);
    } else {
      store.append(message, timeMs);
      ids.push(store.subjectIdOf(seq));
    }
    if (i % ROWS_A_STEP === 0) yield;
  }
  const { messages, firstSeq, lastSeq } = store.state;
  const isFirst = messages > 0 ? head.firstSeq === firstSeq : isFirstOfNone(head);
  if (lastSeq > head.lastSeq || !isFirst) throw new SnapshotError();
  store.skipTo(head.lastSeq, head.lastTimeMs > 0 ? head.lastTimeMs : undefined);
  if (head.firstSeq > head.lastSeq) store.clear();
  for (const { segment, total, living, deadFrom } of head.segments) {
    Object.assign(segment, { total, living, deadFrom });
  }
}

function isFirstOfNone({ firstSeq, lastSeq }: SnapshotHead): boolean {
  return firstSeq === lastSeq + 1 || (firstSeq === 0 && lastSeq === 0);
}

/** Whether there may be such a message behind that sequence. */
function isSane(row: SnapshotRow, subjectBytes: number, lastSeq: number): boolean {
  const { seq, timeMs, at, inFrame, bodyBytes, subject, segment } = row;
  return (
    isSeq(seq) &&
    seq > lastSeq &&
    isTime(timeMs) &&
    subject > 0 &&
    inFrame >= FRAME_HEAD_BYTES &&
    inFrame <= Math.min(IN_FRAME_MOST, at - FRAMES_AT) &&
    bodyBytes <= BODY_MOST &&
    at + MESSAGE_BYTES + subjectBytes + bodyBytes <= segment.bytes
  );
}

const BLANK = {
  seq: 0,
  timeMs: 0,
  at: 0,
  inFrame: 0,
  bodyBytes: 0,
  hasHeaders: false,
  subject: 0,
  text: undefined,
};

/** A message whose body lies where the row says. */
class RestoredMessage implements Incoming {
  subjectBytes = 0;
  headerBytes = 0;
  bodyBytes = 0;
  #text: Uint8Array | undefined;

  set({ text, bodyBytes, hasHeaders }: SnapshotRow, subjectBytes: number): void {
    this.#text = text;
    this.subjectBytes = subjectBytes;
    this.bodyBytes = bodyBytes;
    this.headerBytes = hasHeaders ? 1 : 0;
  }

  copySubject(target: Uint8Array, at: number): number {
    if (this.#text !== undefined) target.set(this.#text, at);
    return at + this.subjectBytes;
  }

  copyBody(_target: Uint8Array, at: number): number {
    return at + this.bodyBytes;
  }
}
