// How far a consumer is: what it has delivered, what is acknowledged, and the floor below which all is. Two floors are
// kept, as the original has two: the one by which acks are judged moves with everything that is settled, and the one that
// is shown (that of its consumer store) with acks alone.
// Source: nats-server 2.15.3, server/consumer.go, moveAckFloor, processAckMsgLocked, purge; server/memstore.go,
// consumerMemStore.UpdateDelivered, UpdateAcks.
import type { Clock } from '../../shared/clock.ts';
import type { Work } from '../work.ts';
import type { Journal } from './journal.ts';
import type { Pending } from './pending.ts';
import { Redelivery } from './redelivery.ts';
import type { SavedState } from './saved-state.ts';

/** Messages that wait for acks, and are looked at between two yields of a purge: some tenths of a millisecond. */
const A_PIECE = 1024;

/** A place in both countings. */
interface Place {
  consumer: number;
  stream: number;
}

/** When something last happened: noted by the monotonic clock, which is cheap to read, and told by the other. */
export class Moment {
  #monotonicMs = 0;
  #wallMs = 0;

  at(monotonicMs: number): void {
    this.#monotonicMs = monotonicMs;
    this.#wallMs = Number.NaN;
  }

  /** It happened before this process began. */
  atWall(wallMs: number): void {
    this.#wallMs = wallMs;
  }

  /** Milliseconds since 1970; 0 = never. */
  wallMs(clock: Clock): number {
    if (Number.isNaN(this.#wallMs)) {
      this.#wallMs = clock.now() - (clock.monotonic() - this.#monotonicMs);
    }
    return this.#wallMs;
  }
}

export class Progress {
  readonly redelivery: Redelivery;
  readonly #pending: Pending;
  readonly #journal: Journal | undefined;
  /** The last consumer sequence that was given out. */
  consumerSeq = 0;
  readonly delivered: Place;
  /** Up to here everything is settled; acks of what lies below say nothing new. */
  readonly floor: Place;
  readonly shownFloor: Place;
  readonly lastDelivery: Moment = new Moment();
  readonly acked: Moment = new Moment();

  /** @param startSeq the first sequence that may be delivered */
  constructor(startSeq: number, waitsMs: readonly number[], journal?: Journal) {
    this.#journal = journal;
    this.redelivery = new Redelivery(waitsMs, journal);
    this.#pending = this.redelivery.pending;
    const stream = Math.max(0, startSeq - 1);
    this.delivered = { consumer: 0, stream };
    this.floor = { consumer: 0, stream };
    this.shownFloor = { consumer: 0, stream };
  }

  /**
   * Goes on where a consumer was that has been saved.
   *
   * @param isThere whether the stream still has a message: what is gone waits for no ack
   */
  restore(saved: SavedState, clock: Clock, isThere: (seq: number) => boolean): void {
    this.consumerSeq = saved.consumerSeq;
    Object.assign(this.delivered, {
      consumer: saved.deliveredConsumer,
      stream: saved.deliveredStream,
    });
    Object.assign(this.floor, { consumer: saved.floorConsumer, stream: saved.floorStream });
    Object.assign(this.shownFloor, { consumer: saved.shownConsumer, stream: saved.shownStream });
    this.lastDelivery.atWall(saved.deliveredMs);
    this.acked.atWall(saved.ackedMs);
    const nowMs = clock.monotonic();
    const shiftMs = nowMs - clock.now();
    const gone: number[] = [];
    let last = 0;
    for (const [seq, wait] of [...saved.waiting].sort(([a], [b]) => a - b)) {
      if (wait.consumerSeq <= last) continue;
      last = wait.consumerSeq;
      this.redelivery.restore(seq, wait, Math.max(nowMs, wait.dueMs + shiftMs));
      if (!isThere(seq)) gone.push(seq);
    }
    for (const [seq, count] of saved.exhausted) {
      if (isThere(seq)) this.redelivery.exhausted.set(seq, count);
    }
    for (const seq of gone) this.ack(seq, saved.next);
  }

  /** A delivery that nobody acknowledges. */
  deliverUnacked(seq: number): void {
    this.#count(seq);
    const { floor, shownFloor, consumerSeq } = this;
    floor.consumer = consumerSeq;
    shownFloor.consumer = consumerSeq;
    if (seq > floor.stream) floor.stream = seq;
    if (seq > shownFloor.stream) shownFloor.stream = seq;
  }

  /** A first delivery that waits for its ack. */
  deliver(seq: number, nowMs: number): void {
    this.#count(seq);
    this.redelivery.deliver(seq, this.consumerSeq, nowMs);
  }

  /** A later one, of the message at the head of the queue. */
  redeliver(seq: number, nowMs: number): void {
    this.#count(seq);
    this.redelivery.redeliver(nowMs);
  }

  #count(seq: number): void {
    this.#journal?.touched();
    this.consumerSeq++;
    this.delivered.consumer = this.consumerSeq;
    if (seq > this.delivered.stream) this.delivered.stream = seq;
  }

  /**
   * One message is acknowledged.
   *
   * @param cursor the next sequence to be delivered
   * @returns whether it has waited for that
   */
  ack(seq: number, cursor: number): boolean {
    const { redelivery } = this;
    redelivery.exhausted.delete(seq);
    if (!this.#pending.find(seq)) return false;
    const { consumerSeq } = this.#pending;
    redelivery.remove(seq);
    this.#moveFloor(consumerSeq, seq, cursor);
    // A purge may have put it above messages that still wait: their acks do not move it.
    if (consumerSeq > this.shownFloor.consumer) this.#moveShownFloor(consumerSeq, seq);
    return true;
  }

  /**
   * A message and all before it are acknowledged.
   *
   * @param consumerSeq as the ack says it
   * @param settle called for each that had waited, in order, if anybody wants to know
   * @returns false: that had been said already
   */
  ackAll(
    seq: number,
    consumerSeq: number,
    cursor: number,
    settle?: (seq: number) => void,
  ): boolean {
    const { floor, shownFloor, delivered } = this;
    const pending = this.#pending;
    if (consumerSeq <= floor.consumer || seq <= floor.stream) return false;
    this.#journal?.touched();
    const isPending = pending.find(seq);
    const place = isPending ? pending.consumerSeq : this.#placeBefore(seq);
    floor.consumer = Math.max(floor.consumer, place);
    floor.stream = seq;
    this.redelivery.removeUpTo(seq, settle);
    for (const other of this.redelivery.exhausted.keys()) {
      if (other <= seq) this.redelivery.exhausted.delete(other);
    }
    if (pending.count === 0) this.#floorAtEnd(cursor);
    if (isPending && seq > shownFloor.stream) {
      const isEmpty = pending.count === 0;
      shownFloor.consumer = isEmpty ? delivered.consumer : place;
      shownFloor.stream = isEmpty ? delivered.stream : seq;
    }
    return true;
  }

  /** Where a message lies that does not wait: whatever its ack says, not beyond those that do. */
  #placeBefore(seq: number): number {
    const next = this.#pending.findFrom(seq + 1);
    return next === 0 ? this.consumerSeq : this.#pending.consumerSeq - 1;
  }

  /** A message was delivered too often: it waits no more, and what is shown of the floor stays where it is. */
  exhaust(seq: number, redelivered: number, cursor: number): void {
    const isPending = this.#pending.find(seq);
    const consumerSeq = isPending ? this.#pending.consumerSeq : 0;
    this.redelivery.exhaust(seq, redelivered);
    if (isPending) this.#moveFloor(consumerSeq, seq, cursor);
  }

  /**
   * A purge has taken messages out, all below `seq` among them. In pieces.
   *
   * @param isGone says which of the rest; undefined: none
   * @param cursor where it goes on
   * @returns whether some of them had waited for their acks
   */
  *purge(
    seq: number,
    isGone: ((seq: number) => boolean) | undefined,
    cursor: () => number,
  ): Work<boolean> {
    const { floor, redelivery, delivered } = this;
    const pending = this.#pending;
    let hadWaited = false;
    this.#journal?.touched();
    if (floor.stream < seq) {
      const { count } = pending;
      floor.stream = seq - 1;
      this.#purgeBelow(seq);
      hadWaited = pending.count < count;
      if (isGone !== undefined) hadWaited = (yield* this.#purgeAmong(seq, isGone)) || hadWaited;
    }
    for (const at of redelivery.exhausted.keys()) if (at < seq) redelivery.exhausted.delete(at);
    if (pending.count === 0) {
      redelivery.exhausted.clear();
      this.#floorAtEnd(cursor());
    }
    redelivery.dequeueAll();
    // What is shown never falls.
    if (floor.stream >= this.shownFloor.stream) {
      delivered.stream = Math.max(delivered.stream, cursor() - 1);
      Object.assign(this.shownFloor, floor);
    }
    return hadWaited;
  }

  *#purgeAmong(seq: number, isGone: (seq: number) => boolean): Work<boolean> {
    const { floor, redelivery } = this;
    const pending = this.#pending;
    let hadWaited = false;
    let looked = 0;
    for (let at = pending.findFrom(seq); at > 0; at = pending.findFrom(at + 1)) {
      if (isGone(at)) {
        const { consumerSeq } = pending;
        floor.consumer = Math.max(floor.consumer, consumerSeq);
        redelivery.remove(at);
        this.#moveShownFloor(consumerSeq, at);
        hadWaited = true;
      }
      if (++looked % A_PIECE === 0) yield;
    }
    return hadWaited;
  }

  /** All that waited below has gone: the floors move as they would from one to the next. */
  #purgeBelow(seq: number): void {
    const { floor, shownFloor } = this;
    let isMet = false;
    let last = 0;
    let lastConsumerSeq = 0;
    this.redelivery.removeUpTo(seq - 1, (at, consumerSeq) => {
      isMet ||= consumerSeq === shownFloor.consumer + 1;
      last = at;
      lastConsumerSeq = consumerSeq;
    });
    if (last === 0) return;
    floor.consumer = Math.max(floor.consumer, lastConsumerSeq);
    // Who stands on the floor takes it along, from one to the next.
    if (isMet) shownFloor.consumer = lastConsumerSeq - 1;
    this.#moveShownFloor(lastConsumerSeq, last);
  }

  #floorAtEnd(cursor: number): void {
    this.floor.consumer = this.consumerSeq;
    this.floor.stream = cursor - 1;
  }

  #moveFloor(consumerSeq: number, seq: number, cursor: number): void {
    const { floor } = this;
    const pending = this.#pending;
    if (pending.count === 0) this.#floorAtEnd(cursor);
    else if (consumerSeq === floor.consumer + 1) {
      const next = pending.findFrom(seq + 1);
      floor.consumer = next === 0 ? consumerSeq : pending.consumerSeq - 1;
      floor.stream = next === 0 ? seq : next - 1;
    }
  }

  #moveShownFloor(consumerSeq: number, seq: number): void {
    const { shownFloor, delivered } = this;
    const pending = this.#pending;
    if (pending.count === 0) Object.assign(shownFloor, delivered);
    else if (consumerSeq === shownFloor.consumer + 1) {
      const next = delivered.consumer > consumerSeq ? pending.findFrom(seq + 1) : 0;
      shownFloor.consumer = next === 0 ? consumerSeq : pending.consumerSeq - 1;
      shownFloor.stream = next === 0 ? seq : next - 1;
    }
  }
}
