// The core's records of one call, handed to the program's subscriptions and to the bridge. The records of one
// message lie together: its bytes are copied once, before any handler runs, and its subscriptions are called in
// the order in which they subscribed. A record whose subscription has been closed meanwhile is dropped;
// when it was a queue group's pick, another member that lives now gets the message.

import {
  type BatchPlace,
  type Core,
  type HandleMap,
  RECORD_BODY_PTR,
  RECORD_DELIVERY,
  RECORD_FLAGS,
  RECORD_LAST,
  RECORD_RAW,
  RECORD_SHARED,
  RECORD_SHARED_END,
  RECORD_SLOW,
  RECORD_TARGET,
  RECORD_TRACE_END,
  RECORD_TRACE_IN,
  RECORD_TRACE_OUT,
  RECORD_TYPE,
  type RecordView,
  type SessionHandle,
} from '../core/index.ts';
import { type Content, contentOfIncoming, type Incoming } from './message.ts';
import type { RawSubscription } from './raw.ts';
import type { BusSubscription } from './subscription.ts';
import type { NetworkSide, Published, Turn } from './turn.ts';
import type { MessageClient } from './types.ts';

/** Payloads share buffers of this size, so a message that is kept pins no more than that. */
const SLAB_BYTES = 65_536;
/** From this size on a payload has a buffer of its own. */
const SLAB_PAYLOAD_MAX = 8192;

/** A record of the message at hand. */
interface Pick {
  readonly sid: number;
  readonly subscription: BusSubscription;
  readonly isLast: boolean;
}

/** The same for who is handed the record itself. */
interface RawPick {
  readonly sid: number;
  readonly raw: RawSubscription;
  readonly index: number;
}

interface DrainParts {
  readonly core: Core;
  readonly turn: Turn;
  readonly subscriptions: HandleMap<BusSubscription>;
  readonly raws: HandleMap<RawSubscription>;
}

export class DeliveryDrain {
  readonly #core: Core;
  readonly #turn: Turn;
  /** Every subscription of the process, those closed in this turn included. */
  readonly #subscriptions: HandleMap<BusSubscription>;
  readonly #raws: HandleMap<RawSubscription>;
  #slab = new Uint8Array(0);
  // Of a typed array it is an accessor.
  #slabBuffer: ArrayBufferLike = this.#slab.buffer;
  #slabUsed = 0;

  #picks: (Pick | RawPick)[] = [];
  // The message at hand, and where the core has it: equal places are the same message within one call.
  #content: Content | undefined;
  #to = '';
  #batch: BatchPlace | undefined;
  #subjectPtr = 0;
  #bodyPtr = 0;
  #origin: SessionHandle = 0;
  // The last session asked for, with its answer: a read's messages all come from one.
  #clientSession: SessionHandle = 0;
  #client: MessageClient | undefined;

  constructor({ core, turn, subscriptions, raws }: DrainParts) {
    this.#core = core;
    this.#turn = turn;
    this.#subscriptions = subscriptions;
    this.#raws = raws;
  }

  /**
   * Hands over all records.
   *
   * @param published the message when this process publishes it
   * @param isBegun there were records of the same call before: their last message may go on
   */
  drain(published: Published | undefined, isBegun: boolean): void {
    const core = this.#core;
    const count = core.recordCount;
    if (!isBegun) {
      // Something was thrown before they were handed over.
      if (this.#picks.length > 0) this.#picks = [];
      this.#clientSession = 0;
      this.#content = published?.content;
      this.#to = published?.to ?? '';
      this.#batch = published?.batch;
    }
    const isPublished = this.#content !== undefined && published?.content === this.#content;
    const targets = this.#announce(count);
    for (let index = 0; index < count; index++) {
      const record = core.record(index);
      const target = targets?.[index];
      if (target !== undefined) this.#collect(record, target, isPublished);
      else if (record.type !== RECORD_DELIVERY) this.#tell(record);
      else if ((record.flags & RECORD_RAW) !== 0) this.#collectRaw(record, index, isPublished);
    }
    this.#flush();
  }

  /**
   * Whom each record is for. The core has counted all of them, so every subscription is told what is on its way
   * before the first handler asks it, or sets it a max. undefined: all are for others.
   */
  #announce(count: number): (BusSubscription | undefined)[] | undefined {
    const core = this.#core;
    let targets: (BusSubscription | undefined)[] | undefined;
    for (let index = 0; index < count; index++) {
      if ((core.recordField(index, RECORD_FLAGS) & RECORD_RAW) !== 0) continue;
      if (core.recordField(index, RECORD_TYPE) !== RECORD_DELIVERY) continue;
      const target = this.#subscriptions.get(core.recordField(index, RECORD_TARGET));
      if (target === undefined) continue;
      target.underway++;
      targets ??= new Array(count);
      targets[index] = target;
    }
    return targets;
  }

  #collect(record: RecordView, subscription: BusSubscription, isPublished: boolean): void {
    if (!isPublished && !this.#isAtHand(record)) this.#takeUp(record);
    this.#content ??= this.#build(record, subscription);
    const isLast = (record.flags & RECORD_LAST) !== 0;
    this.#picks.push({ sid: subscription.sid, subscription, isLast });
  }

  /** A raw one of the message at hand waits for its turn among the others: it is handed the record, which stays. */
  #collectRaw(record: RecordView, index: number, isPublished: boolean): void {
    const raw = this.#raws.get(record.target);
    if (raw === undefined) return;
    // Most often it is the only one, and nobody's turn comes before.
    if (this.#picks.length === 0 && this.#isLastOfMessage(record, index)) {
      if (raw.isOpen) raw.take(record);
      return;
    }
    if (!isPublished && !this.#isAtHand(record)) this.#takeUp(record);
    this.#picks.push({ sid: raw.sid, raw, index });
  }

  #isLastOfMessage({ bodyPtr }: RecordView, index: number): boolean {
    const core = this.#core;
    const next = index + 1;
    if (next === core.recordCount) return true;
    const isOther = core.recordField(next, RECORD_BODY_PTR) !== bodyPtr;
    return isOther && core.recordField(next, RECORD_TYPE) === RECORD_DELIVERY;
  }

  /** Another message than that at hand, which is delivered now. */
  #takeUp(record: RecordView): void {
    const { subjectPtr, bodyPtr, origin } = record;
    this.#flush();
    this.#subjectPtr = subjectPtr;
    this.#bodyPtr = bodyPtr;
    this.#origin = origin;
    this.#content = undefined;
  }

  #isAtHand(record: RecordView): boolean {
    return (
      record.bodyPtr === this.#bodyPtr &&
      record.subjectPtr === this.#subjectPtr &&
      record.origin === this.#origin
    );
  }

  /** Delivers the message at hand to all that it has been collected for, in the order in which they subscribed. */
  #flush(): void {
    const picks = this.#picks;
    if (picks.length === 0) return;
    const content = this.#content as Content;
    // Most often there is one.
    if (picks.length === 1) {
      this.#hand(picks.pop() as Pick | RawPick, content);
      return;
    }
    this.#picks = [];
    picks.sort((a, b) => a.sid - b.sid);
    for (const pick of picks) this.#hand(pick, content);
  }

  #hand(pick: Pick | RawPick, content: Content): void {
    if ('raw' in pick) this.#handOver(pick);
    else this.#deliver(pick, content);
  }

  #handOver({ raw, index }: RawPick): void {
    if (raw.isOpen) raw.take(this.#core.recordBeside(index));
  }

  #deliver({ subscription, isLast }: Pick, content: Content): void {
    subscription.underway--;
    if (subscription.isOpen) {
      subscription.home.stats.inBytes += content.incomingBytes;
      subscription.deliver(content);
      if (isLast || subscription.hasHadMax) subscription.stop();
    } else if (subscription.queue !== undefined) {
      subscription.home.deliverToGroup(subscription.queue, content, this.#routedTo(content));
    }
  }

  /** By which subject the message at hand is routed; it may show another. */
  #routedTo(content: Content): string {
    if (this.#batch !== undefined) return this.#core.batchTo(this.#batch, this.#bodyPtr);
    return this.#to === '' ? content.subject : this.#to;
  }

  #build(record: RecordView, subscription: BusSubscription): Content {
    const { subjectPtr, subjectLen, replyPtr, replyLen } = record;
    // A literal filter has matched, so the subject is that text, unless a batch shows another: nothing to decode.
    const isKnown =
      this.#batch === undefined &&
      subscription.isLiteral &&
      subscription.subject.length === subjectLen;
    const subject = isKnown ? subscription.subject : this.#core.text(subjectPtr, subjectLen);
    const reply = replyLen === 0 ? undefined : this.#core.text(replyPtr, replyLen);
    const isFaulty =
      (!isKnown && hasReplacement(subject)) || (reply !== undefined && hasReplacement(reply));
    const names = isFaulty ? this.#names(record) : undefined;
    const incoming = this.#copy(record, names);
    return contentOfIncoming(subscription.home, subject, reply, incoming);
  }

  #names({ subjectPtr, subjectLen, replyPtr, replyLen }: RecordView): Incoming['names'] {
    const core = this.#core;
    return { subject: core.copy(subjectPtr, subjectLen), reply: core.copy(replyPtr, replyLen) };
  }

  #copy(record: RecordView, names: Incoming['names']): Incoming {
    const { bodyPtr, bodyLen, headerLen } = record;
    const client = this.#clientOf(record.origin);
    if (bodyLen > SLAB_PAYLOAD_MAX) {
      const { buffer } = this.#core.copy(bodyPtr, bodyLen);
      return incomingOf(buffer, 0, headerLen, bodyLen, client, names);
    }
    if (this.#slabUsed + bodyLen > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#slabBuffer = this.#slab.buffer;
      this.#slabUsed = 0;
    }
    const start = this.#slabUsed;
    if (bodyLen > 0) this.#slab.set(this.#core.view(bodyPtr, bodyLen), start);
    this.#slabUsed = start + bodyLen;
    return incomingOf(this.#slabBuffer, start, headerLen, bodyLen, client, names);
  }

  #clientOf(origin: SessionHandle): MessageClient | undefined {
    if (origin === 0) return undefined;
    if (origin !== this.#clientSession) {
      this.#clientSession = origin;
      this.#client = this.#turn.network?.originOf(origin);
    }
    return this.#client;
  }

  #tell(record: RecordView): void {
    const { network } = this.#turn;
    if (network === undefined) return;
    switch (record.type) {
      case RECORD_SHARED:
        network.shared(record.target, this.#core.copy(record.bodyPtr, record.bodyLen));
        break;
      case RECORD_SHARED_END:
        network.sharedEnd(record.target, record.flags);
        break;
      case RECORD_SLOW:
        network.slow(record.target);
        break;
      default:
        this.#trace(record, network);
    }
  }

  #trace(record: RecordView, network: NetworkSide): void {
    const { type, target, bodyPtr, bodyLen } = record;
    const line = this.#core.copy(record.subjectPtr, record.subjectLen);
    const body = bodyPtr === 0 ? undefined : this.#core.copy(bodyPtr, bodyLen);
    if (type === RECORD_TRACE_IN) network.traceIn(target, line, body);
    else if (type === RECORD_TRACE_OUT) {
      network.traceOut(target, line, body, record.flags);
    } else if (type === RECORD_TRACE_END) network.traceEnd(target, line);
  }
}

/** Views by their constructor: `subarray` takes twice the 20 ns. */
function incomingOf(
  buffer: ArrayBufferLike,
  start: number,
  headerLen: number,
  bodyLen: number,
  client: Incoming['client'],
  names: Incoming['names'],
): Incoming {
  const dataLen = bodyLen - headerLen;
  // An empty one is its own: whoever gets it may give the buffer away.
  const data =
    dataLen === 0 ? new Uint8Array(0) : new Uint8Array(buffer, start + headerLen, dataLen);
  const headerBlock = headerLen === 0 ? undefined : new Uint8Array(buffer, start, headerLen);
  return { data, headerBlock, client, names };
}

/** A decoder has put this in place of bytes that are no UTF-8, or the peer has said it itself. */
function hasReplacement(text: string): boolean {
  return text.indexOf('\ufffd') >= 0;
}
