// Messages that have been stored and whose bytes are gone, as far as it is known: what lies on disk is damaged. Some may
// have been removed before; where damage has hidden that, nobody can say.

/** Of so many it is noted which they are. */
const NOTED_MOST = 10_000;

export class LostMessages {
  readonly #seqs = new Set<number>();
  #count = 0;
  /** Of those whose length is known. */
  bytes = 0;

  get count(): number {
    return this.#count;
  }

  /** Some of them, ascending. */
  get seqs(): readonly number[] {
    return [...this.#seqs].sort((a, b) => a - b);
  }

  /** @returns false: they are known, or so many are that one more is not counted */
  add(first: number, last: number, bytes = 0): boolean {
    const isOneMore = first === last && this.#seqs.size >= NOTED_MOST;
    if (isOneMore || this.#seqs.has(first)) return false;
    this.#count += last - first + 1;
    this.bytes += bytes;
    for (let seq = first; seq <= last && this.#seqs.size < NOTED_MOST; seq++) this.#seqs.add(seq);
    return true;
  }
}
