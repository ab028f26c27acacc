// What a stream asks of the place where its messages lie. A store knows sequences, subjects, bytes and times; it knows
// no limits, no consumers and no clock. All stores pass one contract test.
//
// Sequences are numbers from 1 to 2^53-1; 0 stands for none. Times are milliseconds since 1970 with a fraction, as
// `Clock.now` gives them. A subject has an id, good for as long as the store holds a message on it; the id may be used
// again afterwards for another subject (`subjectGeneration` then differs).
import type { Work } from '../work.ts';
import type { LostMessages } from './lost.ts';
import type { CountedSubject } from './subject-scan.ts';

/** A message to be kept. Its bytes are copied within the call. A raw message of the bus is one. */
export interface Incoming {
  readonly subjectBytes: number;
  /** 0 = it has no header block. */
  readonly headerBytes: number;
  /** Bytes of header block and payload. */
  readonly bodyBytes: number;
  /** Copies the subject to `target`; answers where it ends there. `data`, if given, is a view of all of `target`. */
  copySubject(target: Uint8Array, at: number, data?: DataView): number;
  /** Copies the header block and behind it the payload. */
  copyBody(target: Uint8Array, at: number, data?: DataView): number;
}

/** Where a stored message lies. One object may be used again and again; its views hold until the store is changed. */
export interface StoredMessage {
  seq: number;
  timeMs: number;
  subjectId: number;
  /** Views; not to be kept or changed. */
  subject: Uint8Array;
  /** undefined = it has no header block. */
  headers: Uint8Array | undefined;
  payload: Uint8Array;
}

/**
 * The same for who copies it, of which there are millions a second: no view is made. One object may be used again and
 * again; what it says holds until the store is changed.
 */
export interface MessagePlace {
  seq: number;
  timeMs: number;
  subjectId: number;
  /** Bytes among which the subject lies, and a view of all of them. */
  subject: Uint8Array;
  subjectData: DataView;
  subjectAt: number;
  subjectBytes: number;
  /** The same of the header block, and of the payload behind it. */
  body: Uint8Array;
  bodyData: DataView;
  bodyAt: number;
  /** 0 = it has no header block. */
  headerBytes: number;
  /** Of both. */
  bodyBytes: number;
}

/** What a store holds, as it is now. */
export interface StoreState {
  readonly messages: number;
  /** By the formula of the storage that the stream names: file or memory. */
  readonly bytes: number;
  /** The first message's; 0 in a stream that never had one and was never cleared; the next to come in one that is empty. */
  readonly firstSeq: number;
  /** 0 = there is none. */
  readonly firstTimeMs: number;
  readonly lastSeq: number;
  /** Of the last message ever stored; 0 = there was none. */
  readonly lastTimeMs: number;
  readonly subjects: number;
}

/** One subject of a store. */
export interface SubjectState {
  readonly id: number;
  readonly subject: string;
  readonly messages: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
}

/** Who is told of every message that leaves, whatever the reason: once each, before its bytes are given up. */
export type OnRemoved = (
  seq: number,
  subjectId: number,
  bytes: number,
  /** It has made room for another one: it is there again should that not be kept, until the next commit is done. */
  mayReturn: boolean,
) => void;

/**
 * Told of a commit.
 *
 * @param failure why a message is not durable
 * @param unsaid why that is so, or why something that was removed may be there at the next start
 */
export type Committed = (failure?: Error, unsaid?: Error) => void;

export interface Store {
  /** One object, which is kept up to date. */
  readonly state: StoreState;
  /** Bytes of memory that it occupies: index, tables and free room included. */
  readonly heldBytes: number;

  /**
   * Keeps a message under the next sequence, which it answers. Throws CapacityError, or StorageError when its place does
   * not take it, and then it has not been kept.
   */
  append(message: Incoming, timeMs: number): number;
  /** Uses up sequences without keeping anything; the last is `seq`. With a time it is that of the last message. */
  skipTo(seq: number, timeMs?: number): void;

  /** Messages whose bytes are known to be gone. */
  readonly lost: LostMessages;

  /**
   * Reads a message into `into`; false: there is none, or its bytes are lost for ever, and only its sequence, time and subject
   * are known. Throws StorageError: it cannot be read now, and perhaps later.
   */
  read(seq: number, into: StoredMessage): boolean;
  /** The same, and where it lies. */
  locate(seq: number, into: MessagePlace): boolean;
  has(seq: number): boolean;
  /** The time of a message; 0 = there is none. */
  timeOf(seq: number): number;
  /** Bytes of a message by the storage's formula; 0 = there is none. */
  bytesOf(seq: number): number;
  /** -1 = there is no such message. */
  subjectIdOf(seq: number): number;

  /** Removes one message; false: there is none. */
  remove(seq: number): boolean;
  /**
   * The same, to make room for one that was appended: when that turns out not to be kept, the other is there again. Of the
   * first message of a subject that is cheap.
   */
  evict(seq: number): boolean;
  /**
   * Removes what is below `seq`, from the first on, at most so many: each takes its time, so who removes very many does it
   * in slices.
   *
   * @returns how many
   */
  removeBelow(seq: number, most?: number): number;
  /** Removes everything; the next sequence stays. @returns how many */
  clear(): number;

  /** The first of the last so many messages; 0 = there are fewer. */
  seqFromEnd(count: number): number;
  /** The first message at or above `seq`; 0 = none. */
  next(seq: number): number;
  /** The last message at or below `seq`; 0 = none. */
  previous(seq: number): number;
  /**
   * The first message at or above `seq` whose subject any of the filters matches; 0 = none. Costs its matches. Without a
   * filter all match. An array that is given again and again is made ready once, and must not change. As this, those that
   * follow go on in pieces where it is far, while the store goes on.
   */
  findNext(filters: readonly string[], seq: number): Work<number>;
  /**
   * The same as far as some milliseconds lead; below 0: up to there, without the sign, nothing matches, and it is asked
   * again from there.
   */
  nextWithin(filters: readonly string[], seq: number): number;
  /**
   * The first message at or above `seq` that has headers, if it is one of the next `most`; 0 = none; below 0: up to there,
   * without the sign, none has.
   */
  nextWithHeaders(seq: number, most: number): number;
  /** The last message whose subject any of the filters matches; 0 = none. */
  findLast(filters: readonly string[]): Work<number>;
  /** The same, if it is found within some milliseconds; -1 = it is not. */
  lastWithin(filters: readonly string[]): number;
  /** Messages from `seq` on, and below `below`, whose subject any of the filters matches, each once; as of its end. */
  counting(filters: readonly string[], seq: number, below?: number): Work<number>;
  /** The last message of each subject that matches, of those that are there when it begins; ascending, in pieces. */
  lasts(filters: readonly string[]): Work<readonly number[]>;
  /** The first message stored at or after that time, where times do not fall; 0 = none. */
  seqAtTime(timeMs: number): number;

  /** The id of a subject that has messages; -1 = it has none. */
  findSubject(subject: Uint8Array): number;
  subjectText(id: number): string;
  subjectGeneration(id: number): number;
  /** First, last and number of messages of a subject; 0 = none. */
  firstOf(id: number): number;
  lastOf(id: number): number;
  countOf(id: number): number;
  /** The next message on the same subject above `seq`, which is one of it; 0 = none. */
  nextOnSubject(seq: number): number;
  /** The one before. */
  previousOnSubject(seq: number): number;
  /** The subjects that match, in no particular order; lazily: the store must not be changed meanwhile. */
  subjectsMatching(filter: string): Iterable<SubjectState>;
  /**
   * The subjects that match and how many messages each has, as it is now, in no particular order; read in pieces while the
   * store goes on.
   */
  countSubjects(filter: string): Work<readonly CountedSubject[]>;
  /** The ids of the subjects that match, in pieces: of all that there are from the first piece to the last. */
  findSubjects(filter: string): Work<readonly number[]>;
  /** All ids of subjects are below: for who looks at all of them in pieces. */
  readonly subjectIdsEnd: number;
  /** Sequences between first and last that hold no message, ascending. */
  deleted(): Iterable<number>;
  readonly deletedCount: number;

  /**
   * Hands over what has been said up to now, without waiting for a commit, which tells the same again.
   *
   * @returns why that could not be: then it has been taken back
   */
  write(): Error | undefined;
  /**
   * Calls `done` when everything up to now is as durable as promised, in the order of the calls; a memory store calls it
   * within. It does not throw: `done` is told why something is not durable and never will be, and what could not be
   * written has been removed then.
   */
  commit(done: Committed): void;
  /** Why nothing more can be kept; undefined = all is well. */
  readonly failure: Error | undefined;
  /** Nothing may be asked any more. `done` is called when all that it held has been given back. */
  close(done?: () => void): void;
}
