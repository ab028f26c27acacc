// Readers of the records that the core leaves in linear memory. One object each, used again for every
// record: what has to be kept is copied by the caller.
import {
  OP_ARGS_LEN,
  OP_ARGS_PTR,
  OP_BACKLOG,
  OP_CONSUMED,
  OP_ERROR_CODE,
  OP_NEED,
  OP_PRESSURE,
  OP_REPLY_LEN,
  OP_REPLY_PTR,
  OP_SID_LEN,
  OP_SID_PTR,
  OP_SUBJECT_LEN,
  OP_SUBJECT_PTR,
  OP_VERB,
  RECORD_BODY_LEN,
  RECORD_BODY_PTR,
  RECORD_BYTES,
  RECORD_FLAGS,
  RECORD_HEADER_LEN,
  RECORD_ORIGIN,
  RECORD_REPLY_LEN,
  RECORD_REPLY_PTR,
  RECORD_SUBJECT_LEN,
  RECORD_SUBJECT_PTR,
  RECORD_TARGET,
  RECORD_TYPE,
} from '../../assembly/abi.ts';
import type { Views } from './views.ts';

// A byte order mark is a byte like any other: nothing is taken off.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Bytes of linear memory as text (UTF-8, faults replaced). */
export function readText(views: Views, ptr: number, length: number): string {
  return decoder.decode(views.u8.subarray(ptr, ptr + length));
}

/** A copy of bytes of linear memory. */
export function readCopy(views: Views, ptr: number, length: number): Uint8Array {
  return views.u8.slice(ptr, ptr + length);
}

/** So many bytes are copied sooner by a loop than by `set`; by words, where there is a view for it, and by bytes. */
export const WORDS_MAX = 128;
const LOOP_MAX = 32;

/**
 * Copies bytes of linear memory to `at` in `target`, which has room for them.
 *
 * @param data the memory of `target`: 16 bytes take 13 ns by words and 38 by bytes, each of which is asked whether its
 *   buffer has been detached
 */
export function copyTo(
  { views }: { readonly views: Views },
  ptr: number,
  length: number,
  target: Uint8Array,
  at: number,
  data?: DataView,
): void {
  if (data !== undefined && length <= WORDS_MAX) copyWords(views.data, ptr, length, data, at);
  else if (length > LOOP_MAX) target.set(views.u8.subarray(ptr, ptr + length), at);
  else copyLoop(views.u8, ptr, length, target, at);
}

/** Copies some bytes by words, and by bytes at the end. */
export function copyWords(
  source: DataView,
  ptr: number,
  length: number,
  target: DataView,
  at: number,
): void {
  const end = length & ~3;
  for (let i = 0; i < end; i += 4) target.setInt32(at + i, source.getInt32(ptr + i, true), true);
  for (let i = end; i < length; i++) target.setInt8(at + i, source.getInt8(ptr + i));
}

function copyLoop(
  source: Uint8Array,
  ptr: number,
  length: number,
  target: Uint8Array,
  at: number,
): void {
  for (let i = 0; i < length; i++) target[at + i] = source[ptr + i] as number;
}

/** The op record of the last `ingest` (layout: abi.ts, OP_*). */
export class OpView {
  readonly #views: Views;
  readonly #ptr: number;

  constructor(views: Views, ptr: number) {
    this.#views = views;
    this.#ptr = ptr;
  }

  #word(offset: number): number {
    return this.#views.word(this.#ptr + offset);
  }

  get verb(): number {
    return this.#word(OP_VERB);
  }
  get consumed(): number {
    return this.#word(OP_CONSUMED);
  }
  get need(): number {
    return this.#word(OP_NEED);
  }
  get error(): number {
    return this.#word(OP_ERROR_CODE);
  }
  /** A session that is pressed (`pressedAbove` in assembly/router.ts) and was sent something; 0 = none. */
  get pressed(): number {
    return this.#word(OP_PRESSURE);
  }
  /** Forgets it: of what does not pass the core there is none. */
  clearPressed(): void {
    this.#views.u32[(this.#ptr + OP_PRESSURE) >>> 2] = 0;
  }
  get backlog(): number {
    return this.#word(OP_BACKLOG);
  }
  get subjectPtr(): number {
    return this.#word(OP_SUBJECT_PTR);
  }
  get subjectLen(): number {
    return this.#word(OP_SUBJECT_LEN);
  }
  get replyPtr(): number {
    return this.#word(OP_REPLY_PTR);
  }
  get replyLen(): number {
    return this.#word(OP_REPLY_LEN);
  }
  get sidPtr(): number {
    return this.#word(OP_SID_PTR);
  }
  get sidLen(): number {
    return this.#word(OP_SID_LEN);
  }

  /** Text behind the verb: the JSON of CONNECT and INFO. */
  args(): string {
    return readText(this.#views, this.#word(OP_ARGS_PTR), this.#word(OP_ARGS_LEN));
  }
  subject(): string {
    return readText(this.#views, this.subjectPtr, this.subjectLen);
  }
  /** Of a SUB the queue, of a refused publish the reply; empty when there is none. */
  reply(): string {
    return readText(this.#views, this.replyPtr, this.replyLen);
  }
  sid(): string {
    return readText(this.#views, this.sidPtr, this.sidLen);
  }
  subjectBytes(): Uint8Array {
    return readCopy(this.#views, this.subjectPtr, this.subjectLen);
  }
  replyBytes(): Uint8Array {
    return readCopy(this.#views, this.replyPtr, this.replyLen);
  }
}

/** One record of the result region (layout: abi.ts, RECORD_*), read at once: who is handed it asks for most of it. */
export class RecordView {
  readonly #views: Views;
  readonly #region: number;
  type = 0;
  target = 0;
  subjectPtr = 0;
  subjectLen = 0;
  replyPtr = 0;
  replyLen = 0;
  bodyPtr = 0;
  bodyLen = 0;
  headerLen = 0;
  origin = 0;
  flags = 0;

  constructor(views: Views, region: number) {
    this.#views = views;
    this.#region = region;
  }

  /** Reads one field (RECORD_*) of a record, and leaves what has been read of another. */
  field(index: number, field: number): number {
    return this.#views.word(this.#region + index * RECORD_BYTES + field);
  }

  /** Reads a record. */
  at(index: number): this {
    const { u32 } = this.#views;
    const word = (this.#region + index * RECORD_BYTES) >>> 2;
    this.type = u32[word + RECORD_TYPE / 4] as number;
    this.target = u32[word + RECORD_TARGET / 4] as number;
    this.subjectPtr = u32[word + RECORD_SUBJECT_PTR / 4] as number;
    this.subjectLen = u32[word + RECORD_SUBJECT_LEN / 4] as number;
    this.replyPtr = u32[word + RECORD_REPLY_PTR / 4] as number;
    this.replyLen = u32[word + RECORD_REPLY_LEN / 4] as number;
    this.bodyPtr = u32[word + RECORD_BODY_PTR / 4] as number;
    this.bodyLen = u32[word + RECORD_BODY_LEN / 4] as number;
    this.headerLen = u32[word + RECORD_HEADER_LEN / 4] as number;
    this.origin = u32[word + RECORD_ORIGIN / 4] as number;
    this.flags = u32[word + RECORD_FLAGS / 4] as number;
    return this;
  }
}
