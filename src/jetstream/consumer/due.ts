// Sequences by the time when they are due: a heap in two columns. A sequence may be in it more than once, when its time
// has changed; its owner knows by the time which of them still stands.

const CAPACITY_FIRST = 64;

export class DueHeap {
  #dues = new Float64Array(CAPACITY_FIRST);
  #seqs = new Float64Array(CAPACITY_FIRST);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get heldBytes(): number {
    return this.#dues.length * 16;
  }

  /** When the first one is due; Infinity: nothing is. */
  get dueMs(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : (this.#dues[0] as number);
  }

  /** The first one. */
  get seq(): number {
    return this.#seqs[0] as number;
  }

  push(dueMs: number, seq: number): void {
    if (this.#size === this.#dues.length) this.#resize(this.#size * 2);
    const dues = this.#dues;
    const seqs = this.#seqs;
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if ((dues[parent] as number) <= dueMs) break;
      dues[at] = dues[parent] as number;
      seqs[at] = seqs[parent] as number;
      at = parent;
    }
    dues[at] = dueMs;
    seqs[at] = seq;
  }

  /** Takes the first one out. */
  pop(): void {
    const dues = this.#dues;
    const seqs = this.#seqs;
    const size = --this.#size;
    const dueMs = dues[size] as number;
    const seq = seqs[size] as number;
    let at = 0;
    for (let child = 1; child < size; child = at * 2 + 1) {
      if (child + 1 < size && (dues[child + 1] as number) < (dues[child] as number)) child++;
      if ((dues[child] as number) >= dueMs) break;
      dues[at] = dues[child] as number;
      seqs[at] = seqs[child] as number;
      at = child;
    }
    dues[at] = dueMs;
    seqs[at] = seq;
    const { length } = dues;
    if (length > CAPACITY_FIRST && size * 8 < length) this.#resize(length / 2);
  }

  clear(): void {
    this.#dues = new Float64Array(CAPACITY_FIRST);
    this.#seqs = new Float64Array(CAPACITY_FIRST);
    this.#size = 0;
  }

  #resize(capacity: number): void {
    const dues = new Float64Array(capacity);
    const seqs = new Float64Array(capacity);
    dues.set(this.#dues.subarray(0, this.#size));
    seqs.set(this.#seqs.subarray(0, this.#size));
    this.#dues = dues;
    this.#seqs = seqs;
  }
}
