// Messages that were delivered and wait for their ack, in order of their sequences: as they are delivered in that order,
// a new one goes to the end. They lie in chunks of columns, 21 bytes each; who is acknowledged leaves a gap, and a chunk
// that is mostly gaps is packed, together with the one before it where both fit.
//
//   seqs   delivered 1 2 3 4 5, acked 2 and 4      column   seq  consumerSeq  due  redelivered  state
//          │ 1 · 3 · 5 │  │ 6 7 8 …                bytes     4        4        8        4         1
//
// When each is due is kept beside: what was delivered once and never touched again falls due in order of its sequence
// (`firstUntouched`), everything else lies in a heap (due.ts).
import type { Journal } from './journal.ts';

/** How it stands with a message: never touched since its first delivery, waiting for redelivery, in the heap; gone. */
export const UNTOUCHED = 0;
export const QUEUED = 1;
export const HEAPED = 2;
const GONE = 3;

const CHUNK_FIRST = 64;
const CHUNK_MOST = 4096;
const U32_MAX = 0xffffffff;
const ENTRY_BYTES = 21;

class Chunk {
  /** What its columns count from. */
  readonly baseSeq: number;
  readonly baseConsumerSeq: number;
  readonly seqs: Uint32Array;
  readonly consumerSeqs: Uint32Array;
  readonly dues: Float64Array;
  readonly redelivered: Uint32Array;
  readonly states: Uint8Array;
  /** Entries in use, gaps included. */
  used = 0;
  live = 0;
  /** Nothing lives below. */
  head = 0;

  constructor(capacity: number, baseSeq: number, baseConsumerSeq: number) {
    this.baseSeq = baseSeq;
    this.baseConsumerSeq = baseConsumerSeq;
    this.seqs = new Uint32Array(capacity);
    this.consumerSeqs = new Uint32Array(capacity);
    this.dues = new Float64Array(capacity);
    this.redelivered = new Uint32Array(capacity);
    this.states = new Uint8Array(capacity);
  }

  get capacity(): number {
    return this.seqs.length;
  }

  get lastSeq(): number {
    return this.baseSeq + (this.seqs[this.used - 1] as number);
  }

  takes(seq: number, consumerSeq: number): boolean {
    return (
      this.used < this.seqs.length &&
      seq - this.baseSeq <= U32_MAX &&
      consumerSeq - this.baseConsumerSeq <= U32_MAX
    );
  }

  push(seq: number, consumerSeq: number, due: number): number {
    const at = this.used++;
    this.live++;
    this.seqs[at] = seq - this.baseSeq;
    this.consumerSeqs[at] = consumerSeq - this.baseConsumerSeq;
    this.dues[at] = due;
    return at;
  }

  /** The first entry at or above `seq`, a gap too; `used` = none. */
  lowerBound(seq: number): number {
    const wanted = seq - this.baseSeq;
    // Without a filter and without gaps in the stream it lies where its distance says.
    if (wanted < this.used && this.seqs[wanted] === wanted) return wanted;
    let low = this.head;
    let high = this.used;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.seqs[middle] as number) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  copyLive(from: Chunk): void {
    for (let at = from.head; at < from.used; at++) {
      if (from.states[at] === GONE) continue;
      const seq = from.baseSeq + (from.seqs[at] as number);
      const consumerSeq = from.baseConsumerSeq + (from.consumerSeqs[at] as number);
      const to = this.push(seq, consumerSeq, from.dues[at] as number);
      this.redelivered[to] = from.redelivered[at] as number;
      this.states[to] = from.states[at] as number;
    }
  }
}

export class Pending {
  readonly #journal: Journal | undefined;
  #chunks: Chunk[] = [];
  #count = 0;
  #redelivered = 0;
  // Where `find` has found its message.
  #chunk: Chunk | undefined;
  #at = 0;

  /** @param journal told of every change */
  constructor(journal?: Journal) {
    this.#journal = journal;
  }

  get count(): number {
    return this.#count;
  }

  /** No message is above; it may be gone. 0 = there is none. */
  get lastSeq(): number {
    return this.#chunks.at(-1)?.lastSeq ?? 0;
  }

  /** How many of them were delivered more than once. */
  get redeliveredCount(): number {
    return this.#redelivered;
  }

  /** Bytes of all columns. */
  get heldBytes(): number {
    return this.#chunks.reduce((sum, { capacity }) => sum + capacity * ENTRY_BYTES, 0);
  }

  /** Adds a message; its sequence and its consumer sequence are higher than those of all that came before. */
  add(seq: number, consumerSeq: number, dueMs: number): void {
    let chunk = this.#chunks.at(-1);
    if (chunk === undefined || !chunk.takes(seq, consumerSeq)) {
      const capacity = Math.min(CHUNK_MOST, Math.max(CHUNK_FIRST, (chunk?.capacity ?? 0) * 4));
      chunk = new Chunk(capacity, seq, consumerSeq);
      this.#chunks.push(chunk);
    }
    chunk.push(seq, consumerSeq, dueMs);
    this.#count++;
    this.#journal?.changed(seq);
  }

  /** Finds a message; `consumerSeq`, `due` and the like speak of it then, until another is looked for. */
  find(seq: number): boolean {
    const chunk = this.#chunkOf(seq);
    if (chunk === undefined) return false;
    const at = chunk.lowerBound(seq);
    if (at >= chunk.used || chunk.states[at] === GONE) return false;
    if (chunk.baseSeq + (chunk.seqs[at] as number) !== seq) return false;
    this.#chunk = chunk;
    this.#at = at;
    return true;
  }

  /** Finds the first message at or above `seq`; 0 = none. */
  findFrom(seq: number): number {
    for (let index = this.#indexFrom(seq); index < this.#chunks.length; index++) {
      const chunk = this.#chunks[index] as Chunk;
      for (let at = chunk.lowerBound(seq); at < chunk.used; at++) {
        if (chunk.states[at] === GONE) continue;
        this.#chunk = chunk;
        this.#at = at;
        return this.seq;
      }
    }
    return 0;
  }

  /** Finds the first message at or above `seq` that was never touched since it was delivered; 0 = none. */
  findUntouched(seq: number): number {
    for (let index = this.#indexFrom(seq); index < this.#chunks.length; index++) {
      const chunk = this.#chunks[index] as Chunk;
      for (let at = chunk.lowerBound(seq); at < chunk.used; at++) {
        if (chunk.states[at] !== UNTOUCHED) continue;
        this.#chunk = chunk;
        this.#at = at;
        return this.seq;
      }
    }
    return 0;
  }

  get seq(): number {
    const chunk = this.#chunk as Chunk;
    return chunk.baseSeq + (chunk.seqs[this.#at] as number);
  }

  /** Of its first delivery. */
  get consumerSeq(): number {
    const chunk = this.#chunk as Chunk;
    return chunk.baseConsumerSeq + (chunk.consumerSeqs[this.#at] as number);
  }

  get dueMs(): number {
    return (this.#chunk as Chunk).dues[this.#at] as number;
  }

  set dueMs(dueMs: number) {
    (this.#chunk as Chunk).dues[this.#at] = dueMs;
    this.#journal?.changed(this.seq);
  }

  get state(): number {
    return (this.#chunk as Chunk).states[this.#at] as number;
  }

  set state(state: number) {
    (this.#chunk as Chunk).states[this.#at] = state;
    this.#journal?.changed(this.seq);
  }

  /** Deliveries but the first. */
  get redelivered(): number {
    return (this.#chunk as Chunk).redelivered[this.#at] as number;
  }

  set redelivered(count: number) {
    const chunk = this.#chunk as Chunk;
    const before = chunk.redelivered[this.#at] as number;
    chunk.redelivered[this.#at] = count;
    this.#redelivered += Number(count > 0) - Number(before > 0);
    this.#journal?.changed(this.seq);
  }

  /** Removes the message that was found. */
  remove(): void {
    const chunk = this.#chunk as Chunk;
    const at = this.#at;
    this.#journal?.changed(this.seq);
    if ((chunk.redelivered[at] as number) > 0) this.#redelivered--;
    chunk.states[at] = GONE;
    chunk.live--;
    this.#count--;
    if (chunk.live === 0) this.#drop(chunk);
    else if (at === chunk.head) {
      while (chunk.states[chunk.head] === GONE) chunk.head++;
    }
    if (chunk.live > 0 && chunk.live * 4 < chunk.used && chunk.used === chunk.capacity) {
      this.#pack(chunk);
    }
  }

  /**
   * Removes all messages up to there, whole chunks at once. `tell` hears of each, in order; with none it takes a tenth.
   *
   * @returns how many of them were in the queue
   */
  removeUpTo(seq: number, tell?: (seq: number, consumerSeq: number) => void): number {
    let queued = 0;
    let chunks = 0;
    for (const chunk of this.#chunks) {
      if (chunk.lastSeq > seq) break;
      for (let at = chunk.head; at < chunk.used; at++) {
        if (chunk.states[at] === GONE) continue;
        if (chunk.states[at] === QUEUED) queued++;
        if ((chunk.redelivered[at] as number) > 0) this.#redelivered--;
        const each = chunk.baseSeq + (chunk.seqs[at] as number);
        this.#journal?.changed(each);
        tell?.(each, chunk.baseConsumerSeq + (chunk.consumerSeqs[at] as number));
      }
      this.#count -= chunk.live;
      chunks++;
    }
    this.#chunks.splice(0, chunks);
    this.#chunk = undefined;
    for (let first = this.findFrom(1); first > 0 && first <= seq; first = this.findFrom(1)) {
      if (this.state === QUEUED) queued++;
      const { consumerSeq } = this;
      this.remove();
      tell?.(first, consumerSeq);
    }
    return queued;
  }

  /** All of them, in order. */
  each(tell: (seq: number, state: number, dueMs: number) => void): void {
    for (const { baseSeq, head, used, seqs, states, dues } of this.#chunks) {
      for (let at = head; at < used; at++) {
        const state = states[at] as number;
        if (state !== GONE) tell(baseSeq + (seqs[at] as number), state, dues[at] as number);
      }
    }
  }

  /** All of them are due at other times. */
  changeDues(dueMsOf: (dueMs: number, redelivered: number) => number): void {
    for (const { head, used, states, dues, redelivered } of this.#chunks) {
      for (let at = head; at < used; at++) {
        if (states[at] === GONE) continue;
        dues[at] = dueMsOf(dues[at] as number, redelivered[at] as number);
      }
    }
    this.#journal?.renew();
  }

  clear(): void {
    this.#chunks = [];
    this.#chunk = undefined;
    this.#count = 0;
    this.#redelivered = 0;
    this.#journal?.renew();
  }

  #chunkOf(seq: number): Chunk | undefined {
    const last = this.#chunk;
    if (last !== undefined && last.live > 0 && seq >= last.baseSeq && seq <= last.lastSeq) {
      return last;
    }
    return this.#chunks[this.#indexFrom(seq)];
  }

  /** The first chunk that reaches `seq`. */
  #indexFrom(seq: number): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#chunks[middle] as Chunk).lastSeq < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #drop(chunk: Chunk): void {
    this.#chunks.splice(this.#indexFrom(chunk.lastSeq), 1);
    if (this.#chunk === chunk) this.#chunk = undefined;
  }

  #pack(chunk: Chunk): void {
    const index = this.#indexFrom(chunk.lastSeq);
    const before = this.#chunks[index - 1];
    const joined =
      before !== undefined &&
      before.live + chunk.live <= CHUNK_MOST / 2 &&
      chunk.lastSeq - before.baseSeq <= U32_MAX
        ? before
        : undefined;
    const first = joined ?? chunk;
    const live = chunk.live + (joined?.live ?? 0);
    const packed = new Chunk(live, first.baseSeq, first.baseConsumerSeq);
    if (joined !== undefined) packed.copyLive(joined);
    packed.copyLive(chunk);
    this.#chunks.splice(
      joined === undefined ? index : index - 1,
      joined === undefined ? 1 : 2,
      packed,
    );
    this.#chunk = undefined;
  }
}
