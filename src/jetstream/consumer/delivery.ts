// Deliveries of one consumer, in slices: what is to be delivered again first, then what lies ahead, each to the recipient
// whose turn it is: a pull, or where it pushes to. A hot path: a message is copied from the store into the run of a slice,
// and nothing is made for it.
//
//   soon ──► outbox ──► a slice is filled (256 KiB or 1 ms) ──► it is sent ──► soon, if there is more
//                            │ status lines (of pulls that end, of flow control) stand between the messages
//   a session that is pressed: what goes to it is held until it has drained, the rest goes on
//
// Source: nats-server 2.15.3, server/consumer.go, loopAndGatherMsgs, getNextMsg, didNotDeliver.
import {
  type BatchEntry,
  type BatchRun,
  copyWords,
  type SessionHandle,
  WORDS_MAX,
} from '../../core/index.ts';
import { StorageError } from '../../shared/errors.ts';
import type { MessagePlace } from '../store/store.ts';
import { emptyPlace, headersAt } from '../store/stored-message.ts';
import { AckSubjects } from './ack-subject.ts';
import { DELETED_UNACKED } from './advisories.ts';
import { FAR_AHEAD } from './cursor.ts';
import type { ConsumerParts } from './parts.ts';
import type { Recipient, Recipients } from './recipients.ts';
import { headersOnly } from './statuses.ts';

/** What deliveries ask of their consumer. Times are the monotonic clock's. */
export interface DeliveryOwner {
  due(atMs: number): void;
  used(atMs: number): void;
  settle(seq: number): void;
  /** A message that was delivered has gone before its ack. */
  lost(seq: number, reason: string): void;
}

const SLICE_BYTES = 262_144;
const SLICE_MS = 1;
/** Between two looks at the clock. */
const CLOCK_EVERY = 64;
/** What an entry costs beside its bytes. */
const ENTRY_BYTES = 64;
/** What cannot be read is tried again after so long. */
const READ_AGAIN_MS = 1000;
const NOTHING = new Uint8Array(0);

/** Why a slice has ended: it is full; nobody's turn; nothing may be delivered now; there is nothing more. */
const FULL = 0;
const NOBODY = -1;
const BLOCKED = -2;
const END = -3;
/** It is looked for on in the next slice. */
const FAR = -4;

/** Used again for each. */
const place: MessagePlace = emptyPlace();

const parcel = { seq: 0, bytes: 0, subjectBytes: 0 };

export class Delivery {
  readonly #parts: ConsumerParts;
  readonly #owner: DeliveryOwner;
  readonly #recipients: Recipients;
  readonly #subjects: AckSubjects;
  readonly #replay: Replay | undefined;
  #isAsked = false;
  #isStalled = false;
  #isClosed = false;
  #slice = 0;
  #endedBy = END;
  /** Entries of the slice at hand, and what they are. */
  #run: BatchRun | undefined;
  #parcels: Parcels | undefined;
  /** Where the last of them goes. */
  #to: Uint8Array = NOTHING;
  readonly #pressed = new Set<SessionHandle>();

  constructor(
    parts: ConsumerParts,
    owner: DeliveryOwner,
    recipients: Recipients,
    consumer: string,
  ) {
    this.#parts = parts;
    this.#owner = owner;
    this.#recipients = recipients;
    const { config, store } = parts.host;
    this.#subjects = new AckSubjects(config.name, consumer);
    if (parts.rules.replaysTimes && parts.cursor.next <= store.state.lastSeq) {
      this.#replay = new Replay(store.state.lastSeq);
    }
  }

  /** Delivers in one of the next turns of the loop, if anybody waits. */
  soon(): void {
    if (this.#isAsked || this.#isClosed || !this.#recipients.isOpen) return;
    this.#isAsked = true;
    this.#parts.host.outbox.deliverRun(this.#fill, this.#told);
  }

  /** It waits for the time of the next message. */
  get isPaused(): boolean {
    return this.#replay?.isPaused === true;
  }

  /** The next message could not be read, and is to be tried again. */
  get isStalled(): boolean {
    return this.#isStalled;
  }

  /** What could be delivered has been: who does not wait for more may be sent away. */
  get isAtEnd(): boolean {
    return !this.#isAsked && (this.#endedBy === END || this.#endedBy === BLOCKED);
  }

  /** Tells somebody something, behind everything that was delivered before. */
  say(to: Uint8Array, headers: Uint8Array, reply?: Uint8Array): void {
    const entry = { to, reply, headers, payload: NOTHING };
    if (this.#run === undefined) this.#parts.host.outbox.send(entry);
    else this.#push(entry);
  }

  close(): void {
    this.#isClosed = true;
  }

  readonly #fill = (run: BatchRun): void => {
    this.#isAsked = false;
    this.#isStalled = false;
    if (this.#isClosed) return;
    this.#slice++;
    this.#run = run;
    this.#to = NOTHING;
    this.#parcels = spareParcels ?? new Parcels();
    spareParcels = undefined;
    try {
      this.#endedBy = this.#fillSlice();
      if (this.#endedBy === END) this.#recipients.endOfMessages();
    } finally {
      this.#run = undefined;
    }
  };

  #fillSlice(): number {
    const { clock } = this.#parts.host;
    const startMs = clock.monotonic();
    let nowMs = startMs;
    let bytes = 0;
    for (let count = 1; this.#recipients.isOpen; count++) {
      const added = this.#deliverNext(nowMs);
      if (added < 0) return added === FAR ? FULL : added;
      bytes += added;
      if (bytes >= SLICE_BYTES) return FULL;
      if (count % CLOCK_EVERY !== 0) continue;
      nowMs = clock.monotonic();
      if (nowMs - startMs >= SLICE_MS) return FULL;
    }
    return NOBODY;
  }

  /** @returns bytes of the message, or why there is none */
  #deliverNext(nowMs: number): number {
    const { progress, cursor, rules } = this.#parts;
    let again = 0;
    let seq: number;
    try {
      const isNextDue = this.#replay?.isFor(cursor.peek(this.#parts.host.visibleSeq)) === true;
      again = isNextDue ? 0 : this.#readAgain();
      seq = again > 0 ? again : this.#readNext();
    } catch (error) {
      // It is not passed over, and what was read before it goes: what cannot be read now may be read later.
      this.#isStalled = true;
      if (!(error instanceof StorageError)) this.#tell(error);
      this.#owner.due(nowMs + READ_AGAIN_MS);
      return BLOCKED;
    }
    if (seq <= 0) {
      this.#replay?.stop();
      return seq;
    }
    const waitMs = this.#replay?.waitMs(place, nowMs) ?? 0;
    if (waitMs > 0) {
      this.#owner.due(nowMs + waitMs);
      return BLOCKED;
    }
    const { pending } = progress.redelivery;
    const deliveries = again > 0 ? pending.redelivered + 2 : 1;
    const ahead = again > 0 ? cursor.pending : Math.max(0, cursor.pending - 1);
    const { subjectBytes, headerBytes, bodyBytes } = place;
    const consumerSeq = progress.consumerSeq + 1;
    const replyBytes = this.#subjects.write(deliveries, seq, consumerSeq, place.timeMs, ahead);
    const block = rules.headersOnly
      ? headersOnly(headersAt(place), bodyBytes - headerBytes)
      : undefined;
    const bytes = subjectBytes + replyBytes + (block?.length ?? bodyBytes);
    parcel.seq = seq;
    parcel.bytes = bytes;
    parcel.subjectBytes = subjectBytes;
    const recipient = this.#recipients.choose(parcel, nowMs, this.#slice);
    if (recipient === undefined) return NOBODY;
    if (again > 0) progress.redeliver(seq, nowMs);
    else {
      cursor.pass(seq);
      if (rules.acks === 'none') progress.deliverUnacked(seq);
      else progress.deliver(seq, nowMs);
    }
    this.#replay?.delivered(place);
    this.#write(recipient, replyBytes, block);
    (this.#parcels as Parcels).add(recipient, seq);
    this.#recipients.give(recipient, parcel, nowMs);
    return bytes + ENTRY_BYTES;
  }

  /** To the bus, by itself; of its own errors the store has told. */
  #tell(error: unknown): void {
    this.#parts.host.door.atLoopEnd(() => {
      throw error;
    });
  }

  /** Reads the message at the head of those to be delivered again; 0 = none. */
  #readAgain(): number {
    const { progress, cursor, rules, host, advisories } = this.#parts;
    const { redelivery } = progress;
    for (let seq = redelivery.first(); seq > 0; seq = redelivery.first()) {
      const deliveries = redelivery.pending.redelivered + 1;
      if (deliveries >= rules.maxDeliver) {
        progress.exhaust(seq, deliveries, cursor.next);
        advisories.exhausted(seq, deliveries);
      } else if (host.store.locate(seq, place)) {
        return seq;
      } else {
        this.#owner.lost(seq, DELETED_UNACKED);
      }
    }
    return 0;
  }

  /** Reads the next one that lies ahead, or says why there is none. */
  #readNext(): number {
    const { progress, cursor, rules, host } = this.#parts;
    if (progress.redelivery.pending.count >= rules.maxAckPending) return BLOCKED;
    for (;;) {
      const seq = cursor.peek(host.visibleSeq);
      if (seq === 0) return END;
      if (seq === FAR_AHEAD) return FAR;
      if (host.store.locate(seq, place)) return seq;
      cursor.pass(seq);
    }
  }

  /** Copies the message at hand, or its subject and `block`. */
  #write({ to, toData }: Recipient, replyBytes: number, block: Uint8Array | undefined): void {
    const run = this.#run as BatchRun;
    const { subject, subjectData, subjectAt, subjectBytes, body, bodyData, bodyAt } = place;
    const { headerBytes, bodyBytes } = block === undefined ? place : ofBlock(block);
    const toBytes = to === this.#to ? 0 : to.length;
    this.#to = to;
    let at = run.reserve(toBytes + replyBytes + subjectBytes + bodyBytes);
    if (toBytes > 0) copy(to, toData, 0, toBytes, run, at);
    at = this.#subjects.copy(run, at + toBytes);
    const isOneCopy = bodyBytes > WORDS_MAX || subjectBytes + bodyBytes <= WORDS_MAX;
    if (
      block === undefined &&
      subject === body &&
      subjectAt + subjectBytes === bodyAt &&
      isOneCopy
    ) {
      // On disk the one lies in front of the other.
      copy(body, bodyData, subjectAt, subjectBytes + bodyBytes, run, at);
    } else {
      copy(subject, subjectData, subjectAt, subjectBytes, run, at);
      at += subjectBytes;
      if (block === undefined) copy(body, bodyData, bodyAt, bodyBytes, run, at);
      else run.bytes.set(block, at);
    }
    run.end(toBytes, headerBytes, bodyBytes - headerBytes, 0, subjectBytes, replyBytes);
  }

  #push(entry: BatchEntry): void {
    this.#run?.push(entry);
    this.#parcels?.add(undefined, 0);
    this.#to = NOTHING;
  }

  readonly #told = (run: BatchRun): void => {
    const parcels = this.#parcels;
    if (parcels === undefined) return;
    this.#parcels = undefined;
    const { recipients, seqs, count } = parcels;
    let isMissed = false;
    let session = 0;
    for (let i = 0; i < count; i++) {
      const recipient = recipients[i];
      if (recipient === undefined) continue;
      const pressed = run.pressed(i);
      if (run.reached(i) === 0) {
        this.#missed(recipient, seqs[i] as number);
        isMissed = true;
      } else if (pressed !== 0) {
        this.#recipients.hold(recipient, pressed);
        if (pressed !== session) this.#waitFor(pressed);
        session = pressed;
      }
    }
    if (isMissed) this.#recipients.missed();
    this.#after(parcels);
    parcels.clear();
    spareParcels = parcels;
    if (this.#endedBy !== FULL) this.#replay?.caughtUp(this.#parts.cursor.next);
    if (this.#endedBy === FULL || isMissed) this.soon();
  };

  /** What was delivered counts from now on. */
  #after({ seqs, count, messages }: Parcels): void {
    if (messages === 0) return;
    const { host, rules, progress } = this.#parts;
    const nowMs = host.clock.monotonic();
    progress.lastDelivery.at(nowMs);
    this.#owner.used(nowMs);
    this.#owner.due(progress.redelivery.nextDueMs());
    if (rules.acks !== 'none' || host.config.retention === 'limits') return;
    for (let i = 0; i < count; i++) {
      const seq = seqs[i] as number;
      if (seq > 0) this.#owner.settle(seq);
    }
  }

  /** Nobody was there to get it. */
  #missed(recipient: Recipient, seq: number): void {
    const { redelivery } = this.#parts.progress;
    const isDueAgain = this.#recipients.takeBack(recipient);
    if (!redelivery.pending.find(seq)) return;
    redelivery.pending.redelivered = Math.max(0, redelivery.pending.redelivered - 1);
    if (isDueAgain) redelivery.enqueue(seq);
  }

  #waitFor(session: SessionHandle): void {
    if (this.#pressed.has(session)) return;
    this.#pressed.add(session);
    this.#parts.host.door.whenDrained(session, () => {
      this.#pressed.delete(session);
      this.#recipients.release(session);
      this.soon();
    });
  }
}

/** The entries of a slice: to whom each is given, and the message that it is; undefined, 0: something is said. */
class Parcels {
  readonly recipients: (Recipient | undefined)[] = [];
  readonly seqs: number[] = [];
  count = 0;
  messages = 0;

  add(recipient: Recipient | undefined, seq: number): void {
    this.recipients[this.count] = recipient;
    this.seqs[this.count++] = seq;
    if (recipient !== undefined) this.messages++;
  }

  /** The room stays, but no recipient. */
  clear(): void {
    this.recipients.fill(undefined, 0, this.count);
    this.count = 0;
    this.messages = 0;
  }
}

/** Of slices of all consumers one is filled and told at a time, mostly. */
let spareParcels: Parcels | undefined;

/**
 * Messages come as far from each other as they were stored, until there is nothing to deliver and the last one that there
 * was at the beginning has been passed. While one waits, no other comes; else one that comes again and again would put it
 * off for ever.
 */
class Replay {
  readonly #lastSeq: number;
  #isOver = false;
  /** When the message that was delivered last had been stored; 0 = none was. */
  #lastMs = 0;
  #waitsFor = 0;
  #untilMs = 0;

  constructor(lastSeq: number) {
    this.#lastSeq = lastSeq;
  }

  /** How long the next message has to wait. */
  waitMs({ seq, timeMs }: MessagePlace, nowMs: number): number {
    const apartMs = timeMs - this.#lastMs;
    if (this.#isOver || this.#lastMs === 0 || apartMs <= 1) return 0;
    if (this.#waitsFor !== seq) {
      this.#waitsFor = seq;
      this.#untilMs = nowMs + apartMs;
    }
    return this.#untilMs - nowMs;
  }

  get isPaused(): boolean {
    return this.#waitsFor !== 0;
  }

  /** That is the message which waits. */
  isFor(seq: number): boolean {
    return seq !== 0 && seq === this.#waitsFor;
  }

  /** What waited has gone. */
  stop(): void {
    this.#waitsFor = 0;
  }

  delivered({ timeMs }: MessagePlace): void {
    this.#lastMs = timeMs;
    this.#waitsFor = 0;
  }

  /** Nothing is delivered for now. */
  caughtUp(next: number): void {
    if (!this.isPaused && next > this.#lastSeq) this.#isOver = true;
  }
}

function ofBlock({ length }: Uint8Array): { headerBytes: number; bodyBytes: number } {
  return { headerBytes: length, bodyBytes: length };
}

function copy(
  source: Uint8Array,
  data: DataView,
  at: number,
  length: number,
  run: BatchRun,
  to: number,
): void {
  if (length <= WORDS_MAX) copyWords(data, at, length, run.data, to);
  else run.bytes.set(source.subarray(at, at + length), to);
}
