// A batch of messages that was asked for without a consumer: messages from a sequence on, or the last of each of some
// subjects, sent in slices for as long as the reader keeps up, and a status at the end that says what is left.
// Source: nats-server 2.15.3, server/stream.go, getDirectRequest, getDirectMulti; ADR-31.
import type { BatchEntry, BatchOutcome } from '../../core/index.ts';
import { bytesOf, textOf } from '../../shared/byte-text.ts';
import { toError } from '../../shared/errors.ts';
import { DEFAULT_LIMITS } from '../../shared/limits.ts';
import { rfc3339Nano } from '../../shared/time.ts';
import type { StoredMessage } from '../store/store.ts';
import { emptyMessage } from '../store/stored-message.ts';
import { storageStatus } from '../stream/header-block.ts';
import type { Stream } from '../stream/stream.ts';
import type { Work } from '../work.ts';
import type { DirectLoad } from './direct-load.ts';
import type { GetRequest } from './get-request.ts';

const encoder = new TextEncoder();
const EMPTY = new Uint8Array(0);
/** Bytes of a slice. */
const SLICE_BYTES = 262_144;
/** What an entry costs beside its bytes. */
const ENTRY_BYTES = 64;
/** Subjects whose last messages may be asked for. */
const SUBJECTS_MOST = 1024;
/** How long it is searched for where to begin, before others have their turn; subjects that are looked at between. */
const SLICE_MS = 1;
const LOOKED_A_PIECE = 1024;
/** Of a slice in which it was only searched. */
const NOTHING_YET: BatchOutcome = { delivered: 1, pressed: 0 };

/** Where it counts until it is done, and the bytes of its request. */
interface Load {
  readonly of: DirectLoad;
  readonly bytes: number;
}

export class DirectBatch {
  readonly #stream: Stream;
  readonly #to: Uint8Array;
  readonly #request: GetRequest;
  readonly #load: Load;
  readonly #message: StoredMessage = emptyMessage();
  readonly #bytesMost: number;
  /** Sequences in order, when the last messages of subjects are asked for. */
  #seqs: readonly number[] | undefined;
  /** Until it is known where to begin. */
  #search: Work<string | undefined> | undefined = this.#find();
  readonly #filters: readonly string[];
  #next = 0;
  #pending = 0;
  /** The last sequence when they were counted. */
  #countedTo = 0;
  #upToSeq = 0;
  #lastSeq = 0;
  #sent = 0;
  #sentBytes = 0;
  /** Nothing more is sent. */
  #isAtEnd = false;
  /** That has been said, too. */
  #isDone = false;

  constructor(stream: Stream, to: Uint8Array, request: GetRequest, load: Load) {
    this.#stream = stream;
    this.#to = to;
    this.#request = request;
    this.#load = load;
    this.#filters = [request.next_by_subj || '>'];
    this.#bytesMost = request.max_bytes || DEFAULT_LIMITS.maxPending;
  }

  start(): void {
    this.#load.of.begin(this.#load.bytes);
    this.#goOn();
  }

  /** Where it begins; among very many subjects or for very many filters that takes its time. @returns as those below */
  *#find(): Work<string | undefined> {
    return yield* this.#request.multi_last ? this.#findLast() : this.#findFirst();
  }

  /** From a sequence or a time on. @returns a status when there is nothing */
  *#findFirst(): Work<string | undefined> {
    const { store } = this.#stream;
    const { seq = 0, start_time } = this.#request;
    const from = start_time === undefined ? seq : store.seqAtTime(start_time);
    const isBeyond = start_time !== undefined && from === 0;
    this.#next = isBeyond ? store.state.lastSeq + 1 : Math.max(from, 1);
    yield* this.#count();
    // Fewer than none is none.
    this.#isAtEnd = (this.#request.batch ?? 0) < 0;
    if (this.#isAtEnd) return undefined;
    const next = yield* store.findNext(this.#filters, this.#next);
    if (next === 0 || next > this.#stream.visibleSeq) return '404 Message Not Found';
    this.#next = next;
    return undefined;
  }

  /** What lies ahead. */
  *#count(): Work<undefined> {
    const { store } = this.#stream;
    this.#pending = yield* store.counting(this.#filters, this.#next);
    this.#countedTo = this.#stream.visibleSeq;
    return undefined;
  }

  /** The last of each subject. @returns a status when there is none */
  *#findLast(): Work<string | undefined> {
    const { store, visibleSeq: lastSeq } = this.#stream;
    const { multi_last = [], up_to_seq = 0, up_to_time, seq = 0 } = this.#request;
    const { firstSeq } = store.state;
    this.#upToSeq = up_to_seq || lastSeq;
    if (up_to_time !== undefined) {
      const above = store.seqAtTime(up_to_time) || lastSeq + 1;
      if (above <= firstSeq) return '404 No Results';
      this.#upToSeq = above - 1;
    }
    // What is stored meanwhile is not among it.
    const end = Math.min(this.#upToSeq, lastSeq);
    const found = new Map<number, number>();
    let looked = 0;
    for (const filter of new Set(multi_last)) {
      yield;
      for (const id of yield* store.findSubjects(filter)) {
        if (++looked % LOOKED_A_PIECE === 0) yield;
        const last = found.get(id) ?? (yield* this.#lastUpTo(id, end));
        if (last > 0) found.set(id, last);
        if (found.size > SUBJECTS_MOST) return '413 Too Many Results';
      }
    }
    if (found.size === 0) return '404 No Results';
    const seqs = [...found.values()].sort((a, b) => a - b);
    // Those in front of what is asked for count as sent.
    const skipped = seqs.findIndex((each) => each >= seq);
    this.#seqs = seqs.slice(skipped < 0 ? seqs.length : skipped);
    this.#pending = this.#seqs.length;
    return undefined;
  }

  /** The last message on a subject that is not above `end`; 0 = none. It is looked for from where it is nearer. */
  *#lastUpTo(id: number, end: number): Work<number> {
    const { store } = this.#stream;
    const first = store.firstOf(id);
    const last = store.lastOf(id);
    if (first === 0 || first > end) return 0;
    const isBackwards = last - end < end - first;
    let steps = 0;
    for (let at = isBackwards ? last : first; ; ) {
      const next = isBackwards ? store.previousOnSubject(at) : store.nextOnSubject(at);
      if (isBackwards ? at <= end : next === 0 || next > end) return at;
      at = next;
      if (++steps % LOOKED_A_PIECE !== 0) continue;
      yield;
      // It has gone meanwhile: from an end anew.
      if (!store.has(at)) return yield* this.#lastUpTo(id, end);
    }
  }

  #goOn(): void {
    this.#stream.outbox.deliver(
      (entries) => this.#fill(entries),
      (outcomes) => this.#filled(outcomes),
    );
  }

  /** @returns false: it has not been found yet where to begin, or there is nothing */
  #isFound(entries: BatchEntry[]): boolean {
    const { clock } = this.#stream;
    const endMs = clock.monotonic() + SLICE_MS;
    while (this.#search !== undefined && clock.monotonic() <= endMs) {
      const step = this.#search.next();
      if (!step.done) continue;
      this.#search = undefined;
      if (step.value === undefined) break;
      this.#isDone = true;
      entries.push({ to: this.#to, headers: block(step.value), payload: EMPTY });
    }
    return this.#search === undefined && !this.#isDone;
  }

  #fill(entries: BatchEntry[]): void {
    if (!this.#isFound(entries)) return;
    let bytes = 0;
    while (bytes < SLICE_BYTES && !this.#isAtEnd) {
      const seq = this.#take();
      if (seq < 0) return;
      const failure = seq === 0 ? undefined : this.#read(seq);
      if (failure instanceof Error) {
        this.#isDone = true;
        entries.push({ to: this.#to, headers: block(storageStatus(failure)), payload: EMPTY });
        return;
      }
      if (seq === 0) this.#isAtEnd = true;
      if (seq === 0 || failure === 'lost') continue;
      const { subject, headers = EMPTY, payload } = this.#message;
      this.#pending = Math.max(0, this.#pending - (this.#request.no_hdr && !this.#seqs ? 0 : 1));
      const shown = this.#headers();
      entries.push({ to: this.#to, headers: shown, payload });
      this.#lastSeq = seq;
      bytes += ENTRY_BYTES + (shown?.length ?? 0) + payload.length;
      this.#sentBytes += subject.length + headers.length + payload.length;
      this.#sent++;
      const { batch = 0 } = this.#request;
      if (this.#sentBytes >= this.#bytesMost || (batch > 0 && this.#sent >= batch)) {
        this.#isAtEnd = true;
      }
    }
    if (!this.#isAtEnd) return;
    if (this.#seqs === undefined && this.#stream.visibleSeq > this.#countedTo) {
      this.#search = this.#count();
      return;
    }
    this.#isDone = true;
    entries.push({ to: this.#to, headers: this.#end(), payload: EMPTY });
  }

  /** @returns why it is not read */
  #read(seq: number): Error | 'lost' | undefined {
    try {
      return this.#stream.store.read(seq, this.#message) ? undefined : 'lost';
    } catch (error) {
      return toError(error);
    }
  }

  /** The next sequence; 0 = there is none, below 0: it is looked for on in the next slice. */
  #take(): number {
    if (this.#seqs !== undefined) return this.#seqs[this.#next++] ?? 0;
    const { store, visibleSeq } = this.#stream;
    const seq = store.nextWithin(this.#filters, this.#next);
    if (Math.abs(seq) > visibleSeq) return 0;
    if (seq !== 0) this.#next = seq > 0 ? seq + 1 : -seq;
    return seq;
  }

  #headers(): Uint8Array | undefined {
    if (this.#request.no_hdr && this.#seqs === undefined) return undefined;
    const { headers, subject, seq, timeMs } = this.#message;
    const { name } = this.#stream.config;
    const lines = bytesOf(
      `Nats-Stream: ${name}\r\nNats-Subject: ${textOf(subject)}\r\n` +
        `Nats-Sequence: ${seq}\r\nNats-Time-Stamp: ${rfc3339Nano(timeMs)}\r\n` +
        `Nats-Num-Pending: ${this.#pending}\r\nNats-Last-Sequence: ${this.#lastSeq}\r\n\r\n`,
    );
    const before = headers === undefined ? VERSION_LINE : headers.subarray(0, headers.length - 2);
    const whole = new Uint8Array(before.length + lines.length);
    whole.set(before);
    whole.set(lines, before.length);
    return whole;
  }

  #end(): Uint8Array {
    const upTo = this.#seqs === undefined ? '' : `\r\nNats-UpTo-Sequence: ${this.#upToSeq}`;
    return block(
      `204 EOB\r\nNats-Num-Pending: ${this.#pending}\r\nNats-Last-Sequence: ${this.#lastSeq}${upTo}`,
    );
  }

  /** The reader has gone, or is behind: then when it has caught up. */
  #filled(outcomes: readonly BatchOutcome[]): void {
    const last = outcomes[outcomes.length - 1] ?? NOTHING_YET;
    if (this.#isDone || last.delivered === 0) this.#load.of.end(this.#load.bytes);
    else if (last.pressed === 0) this.#goOn();
    else this.#stream.door.whenDrained(last.pressed, () => this.#goOn());
  }
}

const VERSION_LINE: Uint8Array = encoder.encode('NATS/1.0\r\n');

function block(status: string): Uint8Array {
  return encoder.encode(`NATS/1.0 ${status}\r\n\r\n`);
}
