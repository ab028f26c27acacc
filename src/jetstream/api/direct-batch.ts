// A batch of messages that was asked for without a consumer: messages from a sequence on, or the last of each of some
// subjects, sent in slices for as long as the reader keeps up, and a status at the end that says what is left.
// Source: nats-server 2.15.3, server/stream.go, getDirectRequest, getDirectMulti; ADR-31.
import type { BatchEntry, BatchOutcome } from '../../core/index.ts';
import { DEFAULT_LIMITS } from '../../shared/limits.ts';
import { rfc3339Nano } from '../../shared/time.ts';
import type { StoredMessage } from '../store/store.ts';
import { emptyMessage } from '../store/stored-message.ts';
import type { Stream } from '../stream/stream.ts';
import type { GetRequest } from './get-request.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const EMPTY = new Uint8Array(0);
/** Bytes of a slice. */
const SLICE_BYTES = 262_144;
/** What an entry costs beside its bytes. */
const ENTRY_BYTES = 64;
/** Subjects whose last messages may be asked for. */
const SUBJECTS_MOST = 1024;

export class DirectBatch {
  readonly #stream: Stream;
  readonly #to: Uint8Array;
  readonly #request: GetRequest;
  readonly #message: StoredMessage = emptyMessage();
  readonly #bytesMost: number;
  /** Sequences in order, when the last messages of subjects are asked for. */
  #seqs: readonly number[] | undefined;
  #next = 0;
  #pending = 0;
  /** The last sequence when they were counted. */
  #countedTo = 0;
  #upToSeq = 0;
  #lastSeq = 0;
  #sent = 0;
  #sentBytes = 0;
  #isDone = false;

  constructor(stream: Stream, to: Uint8Array, request: GetRequest) {
    this.#stream = stream;
    this.#to = to;
    this.#request = request;
    this.#bytesMost = request.max_bytes || DEFAULT_LIMITS.maxPending;
  }

  start(): void {
    const status = this.#request.multi_last ? this.#findLast() : this.#findFirst();
    if (status === undefined) this.#goOn();
    else this.#stream.outbox.send({ to: this.#to, headers: block(status), payload: EMPTY });
  }

  /** From a sequence or a time on. @returns a status when there is nothing */
  #findFirst(): string | undefined {
    const { store } = this.#stream;
    const { seq = 0, start_time } = this.#request;
    const from = start_time === undefined ? seq : store.seqAtTime(start_time);
    const isBeyond = start_time !== undefined && from === 0;
    this.#next = isBeyond ? store.state.lastSeq + 1 : Math.max(from, 1);
    this.#pending = this.#count();
    this.#countedTo = store.state.lastSeq;
    return this.#find(this.#next) === 0 ? '404 Message Not Found' : undefined;
  }

  #count(): number {
    return this.#stream.store.countMatching([this.#request.next_by_subj || '>'], this.#next);
  }

  #find(seq: number): number {
    const { store } = this.#stream;
    const { next_by_subj } = this.#request;
    return next_by_subj ? store.nextMatching([next_by_subj], seq) : store.next(seq);
  }

  /** The last of each subject. @returns a status when there is none */
  #findLast(): string | undefined {
    const { store } = this.#stream;
    const { multi_last = [], up_to_seq = 0, up_to_time, seq = 0 } = this.#request;
    const { firstSeq, lastSeq } = store.state;
    this.#upToSeq = up_to_seq || lastSeq;
    if (up_to_time !== undefined) {
      const above = store.seqAtTime(up_to_time) || lastSeq + 1;
      if (above <= firstSeq) return '404 No Results';
      this.#upToSeq = above - 1;
    }
    const found = new Set<number>();
    for (const filter of new Set(multi_last)) {
      for (const subject of store.subjectsMatching(filter)) {
        const last = this.#lastUpTo(subject.firstSeq, subject.lastSeq);
        if (last > 0) found.add(last);
        if (found.size > SUBJECTS_MOST) return '413 Too Many Results';
      }
    }
    if (found.size === 0) return '404 No Results';
    const seqs = [...found].sort((a, b) => a - b);
    // Those in front of what is asked for count as sent.
    const skipped = seqs.findIndex((each) => each >= seq);
    this.#seqs = seqs.slice(skipped < 0 ? seqs.length : skipped);
    this.#pending = this.#seqs.length;
    return undefined;
  }

  #lastUpTo(first: number, last: number): number {
    if (last <= this.#upToSeq) return last;
    const { store } = this.#stream;
    let found = 0;
    for (let seq = first; seq !== 0 && seq <= this.#upToSeq; seq = store.nextOnSubject(seq)) {
      found = seq;
    }
    return found;
  }

  #goOn(): void {
    this.#stream.outbox.deliver(
      (entries) => this.#fill(entries),
      (outcomes) => this.#filled(outcomes),
    );
  }

  #fill(entries: BatchEntry[]): void {
    let bytes = 0;
    while (bytes < SLICE_BYTES && !this.#isDone) {
      const seq = this.#take();
      if (seq === 0 || !this.#stream.store.read(seq, this.#message)) {
        if (seq === 0) this.#isDone = true;
        continue;
      }
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
        this.#isDone = true;
      }
    }
    if (this.#isDone) entries.push({ to: this.#to, headers: this.#end(), payload: EMPTY });
  }

  /** The next sequence; 0 = there is none. */
  #take(): number {
    if (this.#seqs !== undefined) return this.#seqs[this.#next++] ?? 0;
    const seq = this.#find(this.#next);
    if (seq > 0) this.#next = seq + 1;
    return seq;
  }

  #headers(): Uint8Array | undefined {
    if (this.#request.no_hdr && this.#seqs === undefined) return undefined;
    const { headers, subject, seq, timeMs } = this.#message;
    const { name } = this.#stream.config;
    const lines = encoder.encode(
      `Nats-Stream: ${name}\r\nNats-Subject: ${decoder.decode(subject)}\r\n` +
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
    const { lastSeq } = this.#stream.store.state;
    if (this.#seqs === undefined && lastSeq > this.#countedTo) this.#pending = this.#count();
    const upTo = this.#seqs === undefined ? '' : `\r\nNats-UpTo-Sequence: ${this.#upToSeq}`;
    return block(
      `204 EOB\r\nNats-Num-Pending: ${this.#pending}\r\nNats-Last-Sequence: ${this.#lastSeq}${upTo}`,
    );
  }

  /** The reader has gone, or is behind: then when it has caught up. */
  #filled(outcomes: readonly BatchOutcome[]): void {
    const last = outcomes[outcomes.length - 1];
    if (this.#isDone || last === undefined || last.delivered === 0) return;
    if (last.pressed === 0) this.#goOn();
    else this.#stream.door.whenDrained(last.pressed, () => this.#goOn());
  }
}

const VERSION_LINE: Uint8Array = encoder.encode('NATS/1.0\r\n');

function block(status: string): Uint8Array {
  return encoder.encode(`NATS/1.0 ${status}\r\n\r\n`);
}
