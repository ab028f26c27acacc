// The store on disk: the index of all stores over a log in a directory of its own.
import type { Clock } from '../../../shared/clock.ts';
import type { Seldom } from '../../../shared/seldom.ts';
import { inBackground, type Work, wholly } from '../../work.ts';
import { IndexedStore, type IndexOptions } from '../indexed-store.ts';
import type { Store } from '../store.ts';
import type { Disk } from './disk.ts';
import { SegmentLog } from './log.ts';
import { type Lost, Recovery } from './recovery.ts';

export interface FileStoreOptions extends IndexOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  /** Its directory, which nobody else may use; it is made when it is not there. */
  readonly dir: string;
  /**
   * Milliseconds after which what has been written is synced: until then it survives the end of the process, and a power
   * loss afterwards. `always`: a commit is done when it is synced.
   */
  readonly sync: number | 'always';
  /** Bytes that the stream may hold: where they are few, so are those of a segment. */
  readonly maxBytes?: number;
  /** Above so many bytes a segment is full. */
  readonly segmentBytes?: number;
  /** Fewer bytes of a segment are left without an index. */
  readonly indexBytes?: number;
  /** Told in one line what somebody should know who looks after the disk. */
  readonly warn: (text: string) => void;
  /** When it tells that nothing can be stored: shared by the stores of a disk. */
  readonly refusals?: Seldom;
}

/** A store of which nothing may be asked before its log has been read. */
export interface OpeningStore {
  readonly store: Store;
  /** Sequences of which messages are lost, as far as has been seen while it was read. */
  readonly lost: readonly Lost[];
  /**
   * Reads it, in steps. Throws StorageError with the name of the file: it cannot be read
   * or written, belongs to another store, has been written by a newer version, or its head is damaged. Nothing is open
   * then. What else is damaged is passed over or cut and told to `warn`.
   */
  readonly reading: Work<void>;
}

export interface OpenedStore {
  readonly store: Store;
  /** Sequences of which messages are lost, as far as it was seen when the store was opened. */
  readonly lost: readonly Lost[];
}

const SEGMENT_MOST = 64 << 20;
const SEGMENT_LEAST = 256 << 10;
/** A stream of few bytes has segments of a part of them, so that what it removes is given back. */
const SEGMENT_SHARE = 8;

/** Opens the store of a directory, or makes one, and does not return before its log has been read. Throws as that does. */
export function openFileStore(options: FileStoreOptions): OpenedStore {
  const { store, lost, reading } = openingFileStore(options);
  wholly(reading);
  return { store, lost };
}

/** The same in steps. */
export function openingFileStore(options: FileStoreOptions): OpeningStore {
  const { maxBytes = 0 } = options;
  const share = Math.ceil(maxBytes / SEGMENT_SHARE);
  const most = maxBytes > 0 ? Math.min(SEGMENT_MOST, Math.max(SEGMENT_LEAST, share)) : SEGMENT_MOST;
  const { segmentBytes = most } = options;
  let log!: SegmentLog;
  const store = new IndexedStore(
    indexOptions(options, () => log.isReplaying),
    (_, rows) => {
      log = new SegmentLog(rows, { ...options, segmentBytes });
      return log;
    },
  );
  log.owner = store;
  const recovery = new Recovery(log, store);
  return { store, lost: recovery.lost, reading: reading(log, store, recovery, options) };
}

function* reading(
  log: SegmentLog,
  store: IndexedStore,
  recovery: Recovery,
  { disk, dir, firstSeq = 0 }: FileStoreOptions,
): Work<void> {
  let isRead = false;
  try {
    disk.makeDir(dir);
    yield* recovery.run(disk.list(dir));
    if (log.segments.list.length === 0) beginAt(store, firstSeq);
    log.begin(recovery.isCut);
    for (const { first, last } of recovery.lost) log.lost.add(first, last);
    isRead = true;
  } finally {
    // It may be left in the middle, too.
    if (!isRead) log.closeFiles();
  }
}

/** As nats-server 2.15.3, server/filestore.go, newFileStoreWithCreated: it is as if it had been purged up to there. */
function beginAt(store: Store, firstSeq: number): void {
  if (firstSeq === 0) return;
  store.skipTo(firstSeq - 1);
  store.clear();
}

/** Nobody is told of what a log says that is being read. Where it begins is written in it. */
function indexOptions(options: FileStoreOptions, isReplaying: () => boolean): IndexOptions {
  const { firstSeq: _, onRemoved, onCleared, ...others } = options;
  return {
    inBackground,
    ...others,
    ...(onRemoved !== undefined && {
      onRemoved: (seq, subjectId, bytes, mayReturn) => {
        if (!isReplaying()) onRemoved(seq, subjectId, bytes, mayReturn);
      },
    }),
    ...(onCleared !== undefined && {
      onCleared: (state) => {
        if (!isReplaying()) onCleared(state);
      },
    }),
  };
}
