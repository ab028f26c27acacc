// Makes the index of a store from a snapshot, row after row. Nothing of the log is read.
import type { IndexedStore } from '../indexed-store.ts';
import type { Incoming } from '../store.ts';
import type { SegmentLog } from './log.ts';
import type { Segment } from './segments.ts';
import type { SnapshotHead, SnapshotReader, SnapshotRow } from './snapshot.ts';

/** The store is empty; nothing is written while its log is being read. */
export function restore(
  log: SegmentLog,
  store: IndexedStore,
  reader: SnapshotReader,
  head: SnapshotHead,
): void {
  const row: SnapshotRow = { ...BLANK, segment: undefined as unknown as Segment };
  const message = new RestoredMessage();
  // By the numbers of subjects.
  const ids = [-1];
  const lengths = [0];
  for (let i = 0; i < head.rows; i++) {
    reader.row(row, head.segments, ids.length - 1);
    const { seq, timeMs, text, subject } = row;
    if (text !== undefined) lengths.push(text.length);
    message.set(row, lengths[subject] as number);
    store.skipTo(seq - 1);
    log.place(row.segment, row.at, row.inFrame);
    if (text === undefined) {
      store.append(message, timeMs, ids[subject] as number);
    } else {
      store.append(message, timeMs);
      ids.push(store.subjectIdOf(seq));
    }
  }
  store.skipTo(head.lastSeq, head.lastTimeMs > 0 ? head.lastTimeMs : undefined);
  if (head.firstSeq > head.lastSeq) store.clear();
  for (const { segment, total, living, deadFrom } of head.segments) {
    Object.assign(segment, { total, living, deadFrom });
  }
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
