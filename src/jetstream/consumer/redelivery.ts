// Which messages are to be delivered again, and when. Who waits for an ack is in `pending`; a message whose time is over,
// or that was refused, is in the queue until a pull takes it.
//
//   delivered once    due in order of its sequence: found in `pending` itself
//   touched since     (+WPI, -NAK with a delay, redelivered) due by the heap
//   expired, -NAK     in the queue, due no more
//   delivered too often: neither; only their count is kept, for as long as the stream has the message
//
// Queue and heap may hold what no longer stands: a message's state in `pending` decides, and what does not stand is
// dropped when it comes up, or when there is more of it than of the rest.
import { DueHeap } from './due.ts';
import type { Journal } from './journal.ts';
import { HEAPED, Pending, QUEUED } from './pending.ts';
import type { SavedWait } from './saved-state.ts';

/** Messages that fall due in one go. */
const EXPIRED_MOST = 8192;
const SLACK = 64;

export class Redelivery {
  readonly pending: Pending;
  /** How often those were delivered again that have been delivered too often. */
  readonly exhausted: Map<number, number>;
  readonly #heap = new DueHeap();
  #queue: number[] = [];
  #queueHead = 0;
  #queuedCount = 0;
  /** Of messages that were taken out of the queue by a delay, how many places they still have in it that count no more. */
  readonly #left = new Map<number, number>();
  /** Nothing below was left untouched. */
  #untouchedFrom = 1;
  #waitsMs: readonly number[];

  /**
   * @param waitsMs for the ack of the first delivery, of the second and so on; the last one for all that follow
   * @param journal told of every change
   */
  constructor(waitsMs: readonly number[], journal?: Journal) {
    this.#waitsMs = waitsMs;
    this.pending = new Pending(journal);
    this.exhausted = new Exhausted(journal);
  }

  /** A message that waited for its ack when the consumer was saved, in ascending order. What was due is so now. */
  restore(seq: number, { consumerSeq, redelivered }: SavedWait, dueMs: number): void {
    const { pending } = this;
    pending.add(seq, consumerSeq, dueMs);
    if (!pending.find(seq)) return;
    pending.redelivered = redelivered;
    this.#putOff(seq, dueMs);
  }

  /** Messages in the queue. */
  get queuedCount(): number {
    return this.#queuedCount;
  }

  /** Bytes of all that is kept of unacknowledged messages. */
  get heldBytes(): number {
    return this.pending.heldBytes + this.#heap.heldBytes + this.#queue.length * 8;
  }

  waitMs(redelivered: number): number {
    const waits = this.#waitsMs;
    return waits[Math.min(redelivered, waits.length - 1)] as number;
  }

  /** Waits of another length, for messages under way, too: those that had no end begin now. */
  setWaits(waitsMs: readonly number[], nowMs: number): void {
    const before = this.#waitsMs;
    this.pending.changeDues((dueMs, at) => {
      const wasMs = before[Math.min(at, before.length - 1)] as number;
      const sinceMs = Number.isFinite(wasMs) ? dueMs - wasMs : nowMs;
      return sinceMs + (waitsMs[Math.min(at, waitsMs.length - 1)] as number);
    });
    this.#waitsMs = waitsMs;
    this.#rebuildHeap();
  }

  /** Its first delivery. */
  deliver(seq: number, consumerSeq: number, nowMs: number): void {
    this.pending.add(seq, consumerSeq, nowMs + this.waitMs(0));
  }

  /** A later one, of the message at the head of the queue. */
  redeliver(nowMs: number): void {
    const seq = this.first();
    this.#shift();
    if (!this.pending.find(seq)) return;
    const count = this.pending.redelivered + 1;
    this.pending.redelivered = count;
    this.#putOff(seq, nowMs + this.waitMs(count));
  }

  /** Its time begins anew. What waits for redelivery is delivered all the same. */
  touch(seq: number, nowMs: number): void {
    const { pending } = this;
    if (!pending.find(seq) || pending.state === QUEUED) return;
    this.#putOff(seq, nowMs + this.waitMs(pending.redelivered));
  }

  /** It is to be delivered again at some time, and not before. */
  postpone(seq: number, dueMs: number): void {
    if (!this.pending.find(seq)) return;
    if (this.pending.state === QUEUED) {
      this.#queuedCount--;
      this.#left.set(seq, (this.#left.get(seq) ?? 0) + 1);
    }
    this.#putOff(seq, dueMs);
  }

  /** It is to be delivered again, behind all that are. */
  enqueue(seq: number): void {
    const { pending } = this;
    if (!pending.find(seq) || pending.state === QUEUED) return;
    pending.state = QUEUED;
    this.#queuedCount++;
    this.#queue.push(seq);
    if (this.#queue.length - this.#queueHead > this.#queuedCount * 2 + SLACK) this.#rebuildQueue();
  }

  /**
   * The wait of the message that was found begins anew. While it is in the queue, that is how long the consumer is in use
   * without a pull.
   */
  restart(nowMs: number): void {
    this.pending.dueMs = nowMs + this.waitMs(this.pending.redelivered);
  }

  /** Empties the queue: what was in it is delivered again when its wait is over. */
  dequeueAll(): void {
    const seqs = this.#queue.slice(this.#queueHead);
    this.#emptyQueue();
    for (const seq of seqs) {
      if (!this.pending.find(seq) || this.pending.state !== QUEUED) continue;
      this.#putOff(seq, this.pending.dueMs);
    }
  }

  /** The message to be delivered next; 0 = none. */
  first(): number {
    while (this.#queueHead < this.#queue.length) {
      const seq = this.#queue[this.#queueHead] as number;
      if (this.#isInPlace(seq)) return seq;
      this.#queueHead++;
    }
    this.#trimQueue();
    return 0;
  }

  /** Whether the message waits at that place of the queue, which is looked at for the last time if it does not. */
  #isInPlace(seq: number): boolean {
    const left = this.#left.get(seq) ?? 0;
    if (left > 1) this.#left.set(seq, left - 1);
    else if (left === 1) this.#left.delete(seq);
    return left === 0 && this.pending.find(seq) && this.pending.state === QUEUED;
  }

  /** Acknowledged or given up; false: it does not wait for an ack. */
  remove(seq: number): boolean {
    if (!this.pending.find(seq)) return false;
    if (this.pending.state === QUEUED) this.#queuedCount--;
    this.pending.remove();
    return true;
  }

  /** Acknowledged is all up to there; `tell`, if given, hears of each that had waited, in order. */
  removeUpTo(seq: number, tell?: (seq: number, consumerSeq: number) => void): void {
    this.#queuedCount -= this.pending.removeUpTo(seq, tell);
  }

  /** It was delivered too often. */
  exhaust(seq: number, redelivered: number): void {
    this.remove(seq);
    this.exhausted.set(seq, redelivered);
  }

  clear(): void {
    this.pending.clear();
    this.exhausted.clear();
    this.#heap.clear();
    this.#emptyQueue();
  }

  #emptyQueue(): void {
    this.#queue = [];
    this.#queueHead = 0;
    this.#queuedCount = 0;
    this.#left.clear();
  }

  /** When the next one is due; Infinity: none is. */
  nextDueMs(): number {
    return Math.min(this.#untouchedDueMs(), this.#heapDueMs());
  }

  /**
   * Those whose time is over, in order of their sequences: not all at once if they are many. Who asks puts each of them
   * into the queue or takes it out.
   */
  expired(nowMs: number): number[] {
    const seqs: number[] = [];
    while (seqs.length < EXPIRED_MOST && this.#untouchedDueMs() <= nowMs) {
      seqs.push(this.#untouchedFrom++);
    }
    while (seqs.length < EXPIRED_MOST && this.#heapDueMs() <= nowMs) {
      const { seq } = this.#heap;
      this.#heap.pop();
      seqs.push(seq);
    }
    return seqs.sort((a, b) => a - b);
  }

  /** All that wait for acks and not in the queue. */
  waiting(): number[] {
    const seqs: number[] = [];
    this.pending.each((seq, state) => {
      if (state !== QUEUED) seqs.push(seq);
    });
    return seqs;
  }

  #untouchedDueMs(): number {
    const seq = this.pending.findUntouched(this.#untouchedFrom);
    if (seq === 0) {
      // Those that come are above all that there are; who was touched is not looked at again.
      this.#untouchedFrom = Math.max(this.#untouchedFrom, this.pending.lastSeq + 1);
      return Number.POSITIVE_INFINITY;
    }
    this.#untouchedFrom = seq;
    return this.pending.dueMs;
  }

  #heapDueMs(): number {
    const heap = this.#heap;
    const { pending } = this;
    while (heap.size > 0) {
      const { dueMs, seq } = heap;
      if (pending.find(seq) && pending.state === HEAPED && pending.dueMs === dueMs) return dueMs;
      heap.pop();
    }
    return Number.POSITIVE_INFINITY;
  }

  /** Of the message that was found. */
  #putOff(seq: number, dueMs: number): void {
    this.pending.state = HEAPED;
    this.pending.dueMs = dueMs;
    if (dueMs === Number.POSITIVE_INFINITY) return;
    this.#heap.push(dueMs, seq);
    if (this.#heap.size > this.pending.count * 2 + SLACK) this.#rebuildHeap();
  }

  #rebuildHeap(): void {
    this.#heap.clear();
    this.pending.each((seq, state, dueMs) => {
      if (state === HEAPED) this.#heap.push(dueMs, seq);
    });
  }

  #shift(): void {
    this.#queueHead++;
    this.#queuedCount--;
    this.#trimQueue();
  }

  #trimQueue(): void {
    if (this.#queueHead === 0 || this.#queueHead * 2 < this.#queue.length) return;
    this.#queue = this.#queue.slice(this.#queueHead);
    this.#queueHead = 0;
  }

  /** Only what stands. */
  #rebuildQueue(): void {
    const kept: number[] = [];
    for (let at = this.#queueHead; at < this.#queue.length; at++) {
      const seq = this.#queue[at] as number;
      if (this.#isInPlace(seq)) kept.push(seq);
    }
    this.#queue = kept;
    this.#queueHead = 0;
  }
}

class Exhausted extends Map<number, number> {
  readonly #journal: Journal | undefined;

  constructor(journal: Journal | undefined) {
    super();
    this.#journal = journal;
  }

  override set(seq: number, redelivered: number): this {
    this.#journal?.changed(seq);
    return super.set(seq, redelivered);
  }

  override delete(seq: number): boolean {
    const isThere = super.delete(seq);
    if (isThere) this.#journal?.changed(seq);
    return isThere;
  }

  override clear(): void {
    if (this.size > 0) this.#journal?.renew();
    super.clear();
  }
}
