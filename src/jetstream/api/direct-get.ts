// Messages of a stream, asked for one by one or in batches, without a consumer: the answer is the message itself, with
// headers that say where it lies. What asks for the last message of a subject is the read of a key-value bucket, and a
// hot path: its answer is written from the store into the run of answers.
// Source: nats-server 2.15.3, server/stream.go, processDirectGetRequest and those behind it; ADR-31.
import type { RawMessage } from '../../bus/raw.ts';
import type { BatchEntry } from '../../core/index.ts';
import { bytesOf, textOf } from '../../shared/byte-text.ts';
import { toError } from '../../shared/errors.ts';
import { asksForLevel } from '../consumer/required-level.ts';
import { writeDecimal } from '../decimal.ts';
import { FixedText, type TextTarget } from '../fixed-text.ts';
import { CLAIMS } from '../outbox.ts';
import { writeStamp } from '../stamp.ts';
import { copyBytes } from '../store/slabs.ts';
import type { StoredMessage } from '../store/store.ts';
import { emptyMessage } from '../store/stored-message.ts';
import { storageStatus } from '../stream/header-block.ts';
import { findLast } from '../stream/last-message.ts';
import type { Stream } from '../stream/stream.ts';
import { hasWildcard } from '../subjects.ts';
import { type Work, wholly } from '../work.ts';
import { DirectBatch } from './direct-batch.ts';
import { DirectLoad } from './direct-load.ts';
import { type GetRequest, readGetRequest } from './get-request.ts';

const encoder = new TextEncoder();
const EMPTY = new Uint8Array(0);
/** The version line of a block. */
const VERSION_LINE = 'NATS/1.0\r\n';

export class DirectGet {
  readonly #stream: Stream;
  /** Of every answer, behind what is stored; and of those whose message has no header block. */
  readonly #streamLine: FixedText;
  readonly #head: FixedText;
  readonly #message: StoredMessage = emptyMessage();
  readonly #load: DirectLoad;
  /** In their order; void in front of #next. */
  #waiting: WaitingAnswer[] = [];
  #next = 0;

  constructor(stream: Stream) {
    const { name } = stream.config;
    this.#stream = stream;
    this.#load = new DirectLoad(stream.account.gets);
    const line = `Nats-Stream: ${name}\r\nNats-Subject: `;
    this.#streamLine = new FixedText(line);
    this.#head = new FixedText(VERSION_LINE + line);
  }

  /** A request for this stream, which allows it. Called from within handlers. */
  take(message: RawMessage, keyAt: number): void {
    if (message.replyBytes === 0) return;
    const { outbox } = this.#stream;
    if (outbox.isFull || this.#load.isFull) {
      const headers = statusBlock('429 Too Many Requests');
      outbox.sendNow({ to: message.reply, headers, payload: EMPTY });
      return;
    }
    const isLevelMissing = message.headerBytes > 0 && asksForLevel(message.headers);
    const status = isLevelMissing
      ? '412 Required Api Level'
      : keyAt > 0
        ? this.#takeKey(message, keyAt)
        : this.#takeRequest(message);
    if (status === undefined) return;
    const answer = { to: message.reply, headers: statusBlock(status), payload: EMPTY };
    outbox.send(answer, CLAIMS.shown);
  }

  /** Nobody is answered any more. */
  close(): void {
    this.#load.close();
  }

  /** `$JS.API.DIRECT.GET.<stream>.<subject>`. @returns what is wrong with it */
  #takeKey(message: RawMessage, keyAt: number): string | undefined {
    const { store } = this.#stream;
    const hasBody = message.bodyBytes > message.headerBytes;
    const request = hasBody ? readGetRequest(message.payload) : {};
    if (request === undefined) return '408 Malformed Request';
    const key = message.subject.subarray(keyAt);
    if (asksForAnything(request) || key.length === 0) return '408 Bad Request';
    const isBare = request.no_hdr === true;
    const id = store.findSubject(key);
    if (id >= 0 && this.#write(message, store.lastOf(id), isBare)) return undefined;
    const last_by_subj = textOf(key);
    return this.#find(message, { last_by_subj, no_hdr: isBare });
  }

  #takeRequest(message: RawMessage): string | undefined {
    if (message.bodyBytes === message.headerBytes) return '408 Empty Request';
    const request = readGetRequest(message.payload);
    if (request === undefined) return '408 Malformed Request';
    const { seq, last_by_subj, next_by_subj, start_time, multi_last, batch } = request;
    if (!seq && !last_by_subj && !next_by_subj && !multi_last && start_time === undefined) {
      return '408 Empty Request';
    }
    if (contradicts(request)) return '408 Bad Request';
    if (!multi_last && !batch) return this.#find(message, request);
    const load = { of: this.#load, bytes: message.bodyBytes };
    new DirectBatch(this.#stream, message.reply.slice(), request, load).start();
    return undefined;
  }

  /** Among very many subjects a wildcard takes its time: that is searched for in one of the next turns of the loop. */
  #find(message: RawMessage, request: GetRequest): string | undefined {
    const { last_by_subj = '', next_by_subj = '' } = request;
    if (!hasWildcard(last_by_subj) && !hasWildcard(next_by_subj)) {
      return this.#answer(message, request);
    }
    this.#wait(message, request);
    return undefined;
  }

  /** The message that is asked for; 0 = none. */
  *#search({ seq = 0, start_time, next_by_subj, last_by_subj = '' }: GetRequest): Work<number> {
    const { store } = this.#stream;
    const from = start_time === undefined ? seq : store.seqAtTime(start_time);
    if (start_time !== undefined && from === 0) return 0;
    if (next_by_subj) return yield* store.findNext([next_by_subj], Math.max(from, 1));
    if (from > 0) return store.has(from) ? from : 0;
    if (hasWildcard(last_by_subj)) return yield* findLast(store, last_by_subj);
    const id = store.findSubject(bytesOf(last_by_subj));
    return id < 0 ? 0 : store.lastOf(id);
  }

  #answer(message: RawMessage, request: GetRequest): string | undefined {
    const seq = wholly(this.#search(request));
    if (seq === 0) return NOT_FOUND;
    const isBare = request.no_hdr === true;
    if (this.#write(message, seq, isBare)) return undefined;
    const isThere = this.#stream.store.has(seq);
    if (isThere) this.#wait(message, request);
    return isThere ? undefined : NOT_FOUND;
  }

  /** Answers with that message; false: it cannot be read, or is not answered in this turn of the loop. */
  #write(request: RawMessage, seq: number, isBare: boolean): boolean {
    const { outbox } = this.#stream;
    const message = this.#message;
    // A few bytes ask for a megabyte: what has been asked for is small, what is answered is copied when it goes.
    if (this.#waiting.length > 0 || !this.#isRead(seq)) return false;
    const run = outbox.run();
    const { payload } = message;
    const { replyBytes } = request;
    const most = replyBytes + this.#blockMost(message) + payload.length;
    if (run.used + most > RUN_BYTES) return false;
    run.reserve(most);
    const start = request.copyReply(run.bytes, run.used, run.data);
    const bodyAt = isBare ? start : this.#writeBlock(run, start, message);
    copyBytes(payload, 0, run.bytes, bodyAt, payload.length);
    run.end(replyBytes, bodyAt - start, payload.length, CLAIMS.shown);
    return true;
  }

  /** Reads it; false: it is lost, or cannot be read now, which is told when it is tried again. */
  #isRead(seq: number): boolean {
    try {
      return this.#stream.store.read(seq, this.#message);
    } catch {
      return false;
    }
  }

  #wait({ reply, bodyBytes }: RawMessage, request: GetRequest): void {
    this.#load.begin(bodyBytes);
    const to = reply.slice();
    this.#waiting.push({ to, request, bytes: bodyBytes, seq: 0, hasWaited: false });
    if (this.#waiting.length === 1) this.#goOn();
  }

  #goOn(): void {
    this.#stream.outbox.deliver(
      (entries) => this.#fill(entries),
      () => {
        if (this.#waiting.length > 0) this.#goOn();
      },
    );
  }

  #fill(entries: BatchEntry[]): void {
    const waiting = this.#waiting;
    const { clock } = this.#stream;
    const endMs = clock.monotonic() + SLICE_MS;
    let bytes = 0;
    while (this.#next < waiting.length && bytes < RUN_BYTES && clock.monotonic() <= endMs) {
      const answer = waiting[this.#next] as WaitingAnswer;
      if (!this.#isFound(answer)) continue;
      const entry = this.#entryOf(answer);
      if (entry === undefined) break;
      this.#next++;
      this.#load.end(answer.bytes);
      entries.push(entry);
      bytes += ENTRY_BYTES + (entry.headers?.length ?? 0) + entry.payload.length;
    }
    if (this.#next * 2 < waiting.length) return;
    this.#waiting = waiting.slice(this.#next);
    this.#next = 0;
  }

  /** Looks for it a piece further; true: it is known, or that there is none. */
  #isFound(answer: WaitingAnswer): boolean {
    if (answer.hasWaited && this.#stream.store.has(answer.seq)) return true;
    answer.search ??= this.#search(answer.request);
    const step = answer.search.next();
    if (!step.done) return false;
    answer.search = undefined;
    answer.seq = step.value;
    return true;
  }

  /** undefined: it waits for the next commit. */
  #entryOf(answer: WaitingAnswer): BatchEntry | undefined {
    const { store, visibleSeq } = this.#stream;
    const { to, request, seq } = answer;
    const message = this.#message;
    if (seq > visibleSeq && !answer.hasWaited) {
      answer.hasWaited = true;
      return undefined;
    }
    // What is not durable with the next commit may never be.
    const isThere = seq > 0 && seq <= visibleSeq;
    let status = seq > visibleSeq ? '500 Message Not Committed' : NOT_FOUND;
    let isRead = false;
    try {
      isRead = isThere && store.read(seq, message);
    } catch (error) {
      status = storageStatus(toError(error));
    }
    if (!isRead) return { to, headers: statusBlock(status), payload: EMPTY };
    const { payload } = message;
    if (request.no_hdr) return { to, payload };
    const bytes = new Uint8Array(this.#blockMost(message));
    const data = new DataView(bytes.buffer);
    const end = this.#writeBlock({ bytes, data }, 0, message);
    return { to, headers: bytes.subarray(0, end), payload };
  }

  /** Bytes of an answer's header block at most. */
  #blockMost({ headers, subject }: StoredMessage): number {
    return (headers?.length ?? 0) + this.#head.length + subject.length + LINES_MOST;
  }

  /** Stored headers come first. Answers where the block ends. */
  #writeBlock(target: TextTarget, start: number, message: StoredMessage): number {
    const { headers, subject, seq, timeMs } = message;
    const { bytes } = target;
    let at = start;
    if (headers === undefined) {
      at = this.#head.write(target, at);
    } else {
      bytes.set(headers, at);
      at = this.#streamLine.write(target, at + headers.length - 2);
    }
    copyBytes(subject, 0, bytes, at, subject.length);
    at = SEQUENCE_KEY.write(target, at + subject.length);
    at = writeDecimal(bytes, at, seq);
    at = TIME_KEY.write(target, at);
    at = writeStamp(bytes, at, timeMs);
    return BLOCK_END.write(target, at);
  }
}

/** Bytes of answers that are written ahead of their time, and of a slice of those that wait. */
const RUN_BYTES = 262_144;
/** What an entry costs beside its bytes. */
const ENTRY_BYTES = 64;
const SLICE_MS = 1;

/** An answer that is made when it may go. */
interface WaitingAnswer {
  readonly to: Uint8Array;
  readonly request: GetRequest;
  /** Of that. */
  readonly bytes: number;
  /** Looks for it. */
  search?: Work<number> | undefined;
  /** What has been found; 0 = there is none. */
  seq: number;
  /** For the commit of that. */
  hasWaited: boolean;
}

const NOT_FOUND = '404 Message Not Found';

function statusBlock(status: string): Uint8Array {
  return encoder.encode(`NATS/1.0 ${status}\r\n\r\n`);
}

const SEQUENCE_KEY: FixedText = new FixedText('\r\nNats-Sequence: ');
const TIME_KEY: FixedText = new FixedText('\r\nNats-Time-Stamp: ');
const BLOCK_END: FixedText = new FixedText('\r\n\r\n');
/** Room for sequence and time, and behind the last text. */
const LINES_MOST = 128;

/** It says more than what the subject does. */
function asksForAnything(request: GetRequest): boolean {
  const { seq, last_by_subj, next_by_subj, multi_last, batch } = request;
  const { start_time, up_to_seq, up_to_time } = request;
  const isAsked = seq || last_by_subj || next_by_subj || multi_last || batch || up_to_seq;
  return Boolean(isAsked) || start_time !== undefined || up_to_time !== undefined;
}

function contradicts(request: GetRequest): boolean {
  const { seq, last_by_subj, next_by_subj, multi_last, batch = 0 } = request;
  const { start_time, up_to_seq, up_to_time } = request;
  const hasTime = start_time !== undefined;
  if (seq && (last_by_subj || hasTime)) return true;
  if (last_by_subj && (hasTime || next_by_subj || batch > 0 || multi_last)) return true;
  if (next_by_subj && multi_last) return true;
  return Boolean(up_to_seq) && up_to_time !== undefined;
}
