// Acks of one consumer: what is published on the reply of a delivery. A hot path: the usual ack has no payload, or `+ACK`,
// and is read without an object being made. Forged, foreign and old ones name nothing that waits, and do nothing.
// Source: nats-server 2.15.3, server/consumer.go, processAck, processAckMsgLocked, processNak, processTerm.
import { PickSource } from '../../bus/random.ts';
import type { RawMessage } from '../../bus/raw.ts';
import { textOf, trimmed } from '../../shared/byte-text.ts';
import { DurationMistake, parseDuration } from '../../shared/go-duration.ts';
import { NANOS_PER_MS } from '../../shared/time.ts';
import { INT64, type Int, readOneObject } from '../json-reader.ts';
import { JsonError } from '../json-scanner.ts';
import { CLAIMS } from '../outbox.ts';
import { type AckForm, type AckPlace, readAckSubject } from './ack-subject.ts';
import type { ConsumerParts } from './parts.ts';

/** What acks ask of their consumer. Times are the monotonic clock's. */
export interface AcksOwner {
  /** A pull that an ack brings along; `to` is kept. */
  request(to: Uint8Array, body: Uint8Array): void;
  /** There is something to deliver. */
  deliverSoon(): void;
  due(atMs: number): void;
  used(atMs: number): void;
  /** The stream may remove that message, as far as this consumer goes. */
  settle(seq: number): void;
}

const encoder = new TextEncoder();
const ACK: Uint8Array = encoder.encode('+ACK');
const OK: Uint8Array = encoder.encode('+OK');
const NEXT: Uint8Array = encoder.encode('+NXT');
const NAK: Uint8Array = encoder.encode('-NAK');
const PROGRESS: Uint8Array = encoder.encode('+WPI');
const TERM: Uint8Array = encoder.encode('+TERM');
const NOTHING = new Uint8Array(0);

/** Subjects and payloads are copied here, one after the other; longer ones are read as views. */
const ROOM_BYTES = 2048;
const room = new Uint8Array(ROOM_BYTES);
const roomData = new DataView(room.buffer);
const DELAY = { delay: INT64 };

export class Acks {
  readonly #parts: ConsumerParts;
  readonly #owner: AcksOwner;
  readonly #place: AckPlace = { deliveries: 0, streamSeq: 0, consumerSeq: 0 };
  #random: PickSource | undefined;
  #timeMs = 0;
  /** The turn in which the clock was asked. */
  #timedIn = -1;

  constructor(parts: ConsumerParts, owner: AcksOwner) {
    this.#parts = parts;
    this.#owner = owner;
  }

  take(message: RawMessage, form: AckForm): void {
    const place = this.#place;
    readPlace(message, form, place);
    const isConfirmed = isPlain(message)
      ? this.acknowledge(place, true, this.#turnMs())
      : this.#obey(message, payloadOf(message));
    if (!isConfirmed || message.replyBytes === 0) return;
    this.#parts.host.outbox.send({ to: message.reply.slice(), payload: NOTHING }, CLAIMS.confirmed);
  }

  /** @returns whether it is confirmed, if it asks for that */
  #obey(message: RawMessage, payload: Uint8Array): boolean {
    const place = this.#place;
    if (payload.length === 0 || isText(payload, ACK) || isText(payload, OK)) {
      return this.acknowledge(place, true);
    }
    if (begins(payload, NEXT)) {
      this.acknowledge(place, true);
      const body = payload.slice(NEXT.length);
      if (message.replyBytes > 0) this.#owner.request(message.reply.slice(), body);
      return false;
    }
    if (begins(payload, NAK)) this.#refuse(place, textOf(payload.subarray(NAK.length)));
    else if (isText(payload, PROGRESS)) this.#goOn(place.streamSeq);
    else if (begins(payload, TERM)) {
      return this.terminate(place, trimmed(textOf(payload.subarray(TERM.length))));
    }
    return place.streamSeq > 0;
  }

  /**
   * A message is acknowledged, or all up to it.
   *
   * @returns whether it is confirmed: not of a message that was not delivered yet. Of none at all, as the original
   */
  acknowledge(
    place: Readonly<AckPlace>,
    isSampled: boolean,
    nowMs: number = this.#parts.host.clock.monotonic(),
  ): boolean {
    const { progress, cursor, rules, host } = this.#parts;
    const { pending } = progress.redelivery;
    const { streamSeq } = place;
    if (streamSeq >= cursor.next) return false;
    const wasFull = pending.count >= rules.maxAckPending;
    if (rules.acks === 'all') {
      const isPending = pending.find(streamSeq);
      const isKept = host.config.retention === 'limits';
      const settle = isKept ? undefined : (seq: number): void => this.#owner.settle(seq);
      if (!progress.ackAll(streamSeq, place.consumerSeq, cursor.next, settle)) {
        return streamSeq > 0;
      }
      if (!isPending) settle?.(streamSeq);
    } else {
      if (isSampled && rules.samplePercent > 0 && pending.find(streamSeq)) this.#sample(place);
      progress.ack(streamSeq, cursor.next);
      this.#owner.settle(streamSeq);
    }
    progress.acked.at(nowMs);
    this.#owner.used(nowMs);
    if (wasFull) this.#owner.deliverSoon();
    return streamSeq > 0 || host.config.retention === 'limits';
  }

  /** The clock is asked once a turn: what comes in one read comes at one time. */
  #turnMs(): number {
    const { clock, door } = this.#parts.host;
    const { serial } = door.turn;
    if (serial !== this.#timedIn) {
      this.#timedIn = serial;
      this.#timeMs = clock.monotonic();
    }
    return this.#timeMs;
  }

  /** A message is given up; the same answers as of an ack. */
  terminate(place: Readonly<AckPlace>, reason: string): boolean {
    const isKnown = this.acknowledge(place, false);
    this.#parts.advisories.terminated({ ...place }, reason);
    return isKnown;
  }

  /** The message is to be delivered again, at once or after a delay. */
  #refuse(place: Readonly<AckPlace>, argument: string): void {
    const { progress, host, advisories, rules } = this.#parts;
    const { redelivery, floor } = progress;
    const { streamSeq, consumerSeq } = place;
    if (consumerSeq <= floor.consumer || consumerSeq > progress.consumerSeq + 1) return;
    if (!redelivery.pending.find(streamSeq)) return;
    advisories.refused({ ...place });
    const nowMs = host.clock.monotonic();
    this.#owner.used(nowMs);
    const delayMs = delayOf(trimmed(argument));
    if (delayMs === undefined) {
      redelivery.enqueue(streamSeq);
      this.#owner.deliverSoon();
      return;
    }
    // As the original: from now on, of a wait that begins an ack wait earlier.
    redelivery.pending.find(streamSeq);
    const waitMs = redelivery.waitMs(redelivery.pending.redelivered) - rules.ackWaitMs;
    const dueMs = nowMs + delayMs + (Number.isFinite(waitMs) ? waitMs : 0);
    redelivery.postpone(streamSeq, dueMs);
    this.#owner.due(dueMs);
  }

  /** Its handler is at work: the wait for its ack begins anew. */
  #goOn(streamSeq: number): void {
    const { progress, host } = this.#parts;
    if (!progress.redelivery.pending.find(streamSeq)) return;
    const nowMs = host.clock.monotonic();
    progress.redelivery.touch(streamSeq, nowMs);
    progress.lastDelivery.at(nowMs);
    this.#owner.used(nowMs);
    // Of what was refused with a delay that may be sooner.
    this.#owner.due(progress.redelivery.nextDueMs());
  }

  /** Of the message that was found. */
  #sample(place: Readonly<AckPlace>): void {
    const { progress, rules, host, advisories } = this.#parts;
    const { pending } = progress.redelivery;
    const percent = rules.samplePercent;
    this.#random ??= new PickSource();
    if (percent < 100 && this.#random.below(100) > percent) return;
    const deliveredMs = pending.dueMs - progress.redelivery.waitMs(pending.redelivered);
    advisories.acknowledged({ ...place }, host.clock.monotonic() - deliveredMs);
  }
}

function readPlace(message: RawMessage, form: AckForm, into: AckPlace): void {
  const { subjectBytes } = message;
  const isShort = subjectBytes <= ROOM_BYTES;
  if (isShort) message.copySubject(room, 0, roomData);
  readAckSubject(isShort ? room : message.subject, subjectBytes, form, into);
}

/** It says `+ACK`, or nothing, as nearly all do. */
function isPlain(message: RawMessage): boolean {
  const { headerBytes, bodyBytes } = message;
  if (bodyBytes === headerBytes) return true;
  if (headerBytes > 0 || bodyBytes !== ACK.length) return false;
  message.copyBody(room, 0, roomData);
  return begins(room, ACK);
}

/** Good until the next ack. */
function payloadOf(message: RawMessage): Uint8Array {
  const { headerBytes, bodyBytes } = message;
  if (bodyBytes === headerBytes) return NOTHING;
  if (bodyBytes > ROOM_BYTES) return message.payload.slice();
  message.copyBody(room, 0, roomData);
  return room.subarray(headerBytes, bodyBytes);
}

/** Milliseconds; undefined: none is asked for, or it is none. */
function delayOf(argument: string): number | undefined {
  if (argument === '') return undefined;
  try {
    if (!argument.startsWith('{')) return Number(parseDuration(argument)) / NANOS_PER_MS;
    const { delay = 0 } = readOneObject<{ delay: Int }>(argument, DELAY);
    return Number(delay) / NANOS_PER_MS;
  } catch (error) {
    if (error instanceof JsonError || error instanceof DurationMistake) return undefined;
    throw error;
  }
}

function begins(payload: Uint8Array, word: Uint8Array): boolean {
  if (payload.length < word.length) return false;
  for (let i = 0; i < word.length; i++) if (payload[i] !== word[i]) return false;
  return true;
}

function isText(payload: Uint8Array, word: Uint8Array): boolean {
  return payload.length === word.length && begins(payload, word);
}
