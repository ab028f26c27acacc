// What a consumer is, as maps and lists: too slow to ship, too short to be wrong. Pulls are served at once.
import { matches } from './matches.ts';

export interface NaiveRow {
  readonly seq: number;
  readonly subject: string;
}

/** A delivery: of which message, for which time, under which consumer sequence, and how many lie ahead. */
export interface NaiveDelivery {
  readonly seq: number;
  readonly deliveries: number;
  readonly consumerSeq: number;
  readonly pending: number;
}

export interface NaiveOptions {
  readonly acks: 'none' | 'all' | 'explicit';
  readonly filters: readonly string[];
  /** For the ack of the first delivery, the second and so on. */
  readonly waitsMs: readonly number[];
  readonly maxDeliver: number;
  readonly maxAckPending: number;
}

interface Waiting {
  readonly consumerSeq: number;
  redelivered: number;
  dueMs: number;
}

export class NaiveConsumer {
  readonly #options: NaiveOptions;
  readonly #rows: () => readonly NaiveRow[];
  waiting: Map<number, Waiting> = new Map();
  exhausted: Set<number> = new Set();
  #queue: number[] = [];
  next = 1;
  consumerSeq = 0;
  deliveredSeq = 0;
  floor: [consumer: number, stream: number] = [0, 0];
  shownFloor: [consumer: number, stream: number] = [0, 0];
  /** Sequences that an advisory of too many deliveries has named. */
  told: number[] = [];

  /** @param rows what the stream holds, in order */
  constructor(options: NaiveOptions, rows: () => readonly NaiveRow[]) {
    this.#options = options;
    this.#rows = rows;
  }

  get pending(): number {
    return this.#ahead().length;
  }

  get redelivered(): number {
    if (this.#options.maxDeliver === 1) return 0;
    const again = [...this.waiting.values()].filter(({ redelivered }) => redelivered > 0);
    return again.length + this.exhausted.size;
  }

  #ahead(): readonly NaiveRow[] {
    const { filters } = this.#options;
    const wanted = ({ subject }: NaiveRow): boolean =>
      filters.length === 0 || filters.some((filter) => matches(subject, filter));
    return this.#rows().filter((row) => row.seq >= this.next && wanted(row));
  }

  /** Takes up to `count` messages; `lastSeq` is the last of the stream. */
  pull(count: number, nowMs: number, lastSeq: number): NaiveDelivery[] {
    const deliveries: NaiveDelivery[] = [];
    while (deliveries.length < count) {
      const one = this.#again(nowMs) ?? this.#first(nowMs, lastSeq);
      if (one === undefined) break;
      deliveries.push(one);
    }
    return deliveries;
  }

  #again(nowMs: number): NaiveDelivery | undefined {
    for (;;) {
      const seq = this.#queue[0];
      if (seq === undefined) return undefined;
      const waiting = this.waiting.get(seq) as Waiting;
      if (waiting.redelivered + 1 >= this.#options.maxDeliver) {
        this.#exhaust(seq);
        continue;
      }
      this.#queue.shift();
      waiting.redelivered++;
      waiting.dueMs = nowMs + this.#waitMs(waiting.redelivered);
      this.consumerSeq++;
      const deliveries = waiting.redelivered + 1;
      return { seq, deliveries, consumerSeq: this.consumerSeq, pending: this.pending };
    }
  }

  #first(nowMs: number, lastSeq: number): NaiveDelivery | undefined {
    const { acks, maxAckPending } = this.#options;
    if (acks !== 'none' && this.waiting.size >= maxAckPending) return undefined;
    const [row] = this.#ahead();
    if (row === undefined) {
      this.next = lastSeq + 1;
      return undefined;
    }
    const { seq } = row;
    this.next = seq + 1;
    this.consumerSeq++;
    this.deliveredSeq = seq;
    if (acks === 'none') {
      this.floor = [this.consumerSeq, seq];
      this.shownFloor = [this.consumerSeq, seq];
    } else {
      const dueMs = nowMs + this.#waitMs(0);
      this.waiting.set(seq, { consumerSeq: this.consumerSeq, redelivered: 0, dueMs });
    }
    return { seq, deliveries: 1, consumerSeq: this.consumerSeq, pending: this.pending };
  }

  #waitMs(redelivered: number): number {
    const { waitsMs } = this.#options;
    return waitsMs[Math.min(redelivered, waitsMs.length - 1)] as number;
  }

  /** Time goes by, up to `endMs`. */
  turnTo(endMs: number): void {
    for (;;) {
      const due = [...this.waiting].filter(([seq]) => !this.#queue.includes(seq));
      const firstMs = Math.min(...due.map(([, { dueMs }]) => dueMs));
      if (firstMs > endMs) return;
      const seqs = due.filter(([, { dueMs }]) => dueMs === firstMs).map(([seq]) => seq);
      for (const seq of seqs.sort((a, b) => a - b)) {
        if (this.#options.maxDeliver === 1) this.#exhaust(seq);
        else this.#queue.push(seq);
      }
    }
  }

  #exhaust(seq: number): void {
    const { consumerSeq } = this.waiting.get(seq) as Waiting;
    this.told.push(seq);
    this.#drop(seq);
    this.exhausted.add(seq);
    this.#moveFloor(consumerSeq, seq);
  }

  #drop(seq: number): void {
    this.waiting.delete(seq);
    this.#queue = this.#queue.filter((queued) => queued !== seq);
  }

  ack(seq: number, consumerSeq: number): void {
    if (seq >= this.next) return;
    if (this.#options.acks === 'all') {
      this.#ackAll(seq, consumerSeq);
      return;
    }
    const waiting = this.waiting.get(seq);
    this.exhausted.delete(seq);
    if (waiting === undefined) return;
    this.#drop(seq);
    this.#moveFloor(waiting.consumerSeq, seq);
    const [consumer] = this.shownFloor;
    if (this.waiting.size === 0) this.shownFloor = [this.consumerSeq, this.deliveredSeq];
    else if (waiting.consumerSeq === consumer + 1) {
      this.shownFloor = this.#floorAfter(waiting.consumerSeq, seq);
    }
  }

  #ackAll(seq: number, consumerSeq: number): void {
    if (consumerSeq <= this.floor[0] || seq <= this.floor[1]) return;
    const waiting = this.waiting.get(seq);
    const after = [...this.waiting].filter(([other]) => other > seq).sort(([a], [b]) => a - b);
    const before = after[0] === undefined ? this.consumerSeq : after[0][1].consumerSeq - 1;
    const place = waiting?.consumerSeq ?? before;
    for (const other of [...this.waiting.keys()]) if (other <= seq) this.#drop(other);
    for (const other of [...this.exhausted]) if (other <= seq) this.exhausted.delete(other);
    const isEmpty = this.waiting.size === 0;
    this.floor = isEmpty
      ? [this.consumerSeq, this.next - 1]
      : [Math.max(this.floor[0], place), seq];
    if (waiting !== undefined && seq > this.shownFloor[1]) {
      this.shownFloor = isEmpty ? [this.consumerSeq, this.deliveredSeq] : [place, seq];
    }
  }

  nak(seq: number, consumerSeq: number, delayMs: number | undefined, nowMs: number): void {
    const waiting = this.waiting.get(seq);
    if (waiting === undefined || consumerSeq <= this.floor[0]) return;
    if (delayMs === undefined) {
      if (!this.#queue.includes(seq)) this.#queue.push(seq);
      return;
    }
    this.#queue = this.#queue.filter((queued) => queued !== seq);
    // Where waits shrink that may be over: then it is due as soon as time goes on.
    const leftMs = delayMs + this.#waitMs(waiting.redelivered) - this.#waitMs(0);
    waiting.dueMs = nowMs + Math.max(0, leftMs);
  }

  progress(seq: number, nowMs: number): void {
    const waiting = this.waiting.get(seq);
    if (waiting === undefined || this.#queue.includes(seq)) return;
    waiting.dueMs = nowMs + this.#waitMs(waiting.redelivered);
  }

  removed(seq: number): void {
    const waiting = this.waiting.get(seq);
    if (waiting !== undefined) this.ack(seq, waiting.consumerSeq);
    this.exhausted.delete(seq);
  }

  #floorAfter(consumerSeq: number, seq: number): [consumer: number, stream: number] {
    const next = [...this.waiting].filter(([other]) => other > seq).sort(([a], [b]) => a - b)[0];
    return next === undefined ? [consumerSeq, seq] : [next[1].consumerSeq - 1, next[0] - 1];
  }

  #moveFloor(consumerSeq: number, seq: number): void {
    if (this.waiting.size === 0) this.floor = [this.consumerSeq, this.next - 1];
    else if (consumerSeq === this.floor[0] + 1) this.floor = this.#floorAfter(consumerSeq, seq);
  }
}
