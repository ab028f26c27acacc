// Does to a store what the frames of a log say. Their checksums are right; what they say is judged all the same, before
// anything of it is done.
import { StorageError } from '../../../shared/errors.ts';
import type { Adoption } from '../adopted-rows.ts';
import type { IndexedStore } from '../indexed-store.ts';
import { BODY_MOST, IN_FRAME_MOST } from '../row-chunk.ts';
import { copyBytes } from '../slabs.ts';
import type { Incoming } from '../store.ts';
import {
  type Bytes,
  DEAD,
  FLOOR,
  isSeq,
  isTime,
  MESSAGE,
  MESSAGE_BYTES,
  recordBytes,
  SKIP,
} from './format.ts';
import type { SegmentLog } from './log.ts';
import type { Segment } from './segments.ts';

/** A record may say that very many messages are gone, and a frame have very many records. */
const REMOVED_A_STEP = 1024;
const RECORDS_A_STEP = 1024;

export class Replay {
  readonly #log: SegmentLog;
  readonly #store: IndexedStore;
  readonly #message = new ReplayedMessage();
  readonly adoption: Adoption;

  constructor(log: SegmentLog, store: IndexedStore) {
    this.#log = log;
    this.#store = store;
    this.adoption = store.adopting();
  }

  /**
   * Does what the records from `from` to `end` say.
   *
   * @param start where their frame begins in the source; `origin` is where that begins in the segment
   * @returns up to where it has; there, or with the record there, it is to be gone on. Throws StorageError.
   */
  records(
    source: Bytes,
    from: number,
    end: number,
    start: number,
    origin: number,
    segment: Segment,
  ): number {
    const { view } = source;
    let count = 0;
    for (let at = from; at < end; ) {
      if (count++ === RECORDS_A_STEP) return at;
      const size = at + 4 <= end ? recordBytes(view, at) : 0;
      if (size === 0 || at + size > end) throw unknown(segment, origin + at);
      const kind = view.getUint32(at, true) & 0xff;
      if (kind === MESSAGE) this.#keep(source, at, start, origin, segment);
      else if (!this.#note(view, kind, at, segment, origin)) return at;
      at += size;
    }
    return end;
  }

  #keep(source: Bytes, at: number, start: number, origin: number, segment: Segment): void {
    const store = this.#store;
    const { view } = source;
    const bodyBytes = view.getUint32(at + 4, true);
    const timeMs = view.getFloat64(at + 12, true);
    const seq = view.getFloat64(at + 20, true);
    const isSane =
      isSeq(seq) &&
      isTime(timeMs) &&
      view.getUint32(at + 8, true) <= bodyBytes &&
      bodyBytes <= BODY_MOST &&
      at - start <= IN_FRAME_MOST;
    if (!isSane) throw unknown(segment, origin + at);
    // What stands in two segments has been copied to the first.
    if (seq <= store.state.lastSeq) {
      segment.add(bodyBytes);
      segment.remove(bodyBytes);
      return;
    }
    store.skipTo(seq - 1);
    this.#log.place(segment, origin + at, at - start);
    store.append(this.#message.at(source, at), timeMs);
  }

  /** @returns whether it is done */
  #note(view: DataView, kind: number, at: number, segment: Segment, origin: number): boolean {
    const first = view.getFloat64(at + 4, true);
    if (!isSeq(first)) throw unknown(segment, origin + at);
    if (kind === FLOOR) return this.raiseFloor(first);
    const second = view.getFloat64(at + 12, true);
    if (kind === SKIP) {
      if (second >= 0 && !isTime(second)) throw unknown(segment, origin + at);
      this.#store.skipTo(first, second >= 0 ? second : undefined);
      return true;
    }
    if (kind !== DEAD || !isSeq(second)) throw unknown(segment, origin + at);
    return this.bury(first, second, segment);
  }

  /** These are gone, or some of them. @returns whether that is all */
  bury(first: number, last: number, segment: Segment): boolean {
    segment.deadFrom = Math.min(segment.deadFrom, first);
    return this.#removeAll(first, last);
  }

  /** What is below goes, or some of it. @returns whether that is all */
  raiseFloor(seq: number): boolean {
    const store = this.#store;
    if (seq > store.state.lastSeq) {
      store.clear();
      return true;
    }
    return store.removeBelow(seq, REMOVED_A_STEP) < REMOVED_A_STEP;
  }

  #removeAll(first: number, last: number): boolean {
    const store = this.#store;
    let seq = store.next(first);
    for (let count = 0; seq > 0 && seq <= last; count++, seq = store.next(seq + 1)) {
      if (count === REMOVED_A_STEP) return false;
      store.remove(seq);
    }
    return true;
  }
}

function unknown({ file }: Segment, at: number): StorageError {
  return new StorageError(`${file.path}: a record that is not known at ${at}`);
}

/** A message of the log: its subject is copied, its body stays where it is. */
class ReplayedMessage implements Incoming {
  #bytes = new Uint8Array(0);
  #subjectAt = 0;
  subjectBytes = 0;
  headerBytes = 0;
  bodyBytes = 0;

  at({ bytes, view }: Bytes, at: number): this {
    this.#bytes = bytes as Uint8Array<ArrayBuffer>;
    this.#subjectAt = at + MESSAGE_BYTES;
    this.subjectBytes = view.getUint32(at, true) >>> 8;
    this.bodyBytes = view.getUint32(at + 4, true);
    this.headerBytes = view.getUint32(at + 8, true);
    return this;
  }

  copySubject(target: Uint8Array, at: number): number {
    copyBytes(this.#bytes, this.#subjectAt, target, at, this.subjectBytes);
    return at + this.subjectBytes;
  }

  copyBody(_target: Uint8Array, at: number): number {
    return at + this.bodyBytes;
  }
}
