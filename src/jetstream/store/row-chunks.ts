// The chunks of an index in the order of their sequences: which of them a sequence is in, and that they become fewer where
// little lives.
import type { Memory } from './memory.ts';
import { CHUNK_SPAN, merge, type RowChunk } from './row-chunk.ts';

export class RowChunks {
  readonly #memory: Memory;
  readonly #most: number;
  /** Some may be cold: of those only how many there are, and of which sequences, may be asked. */
  readonly list: RowChunk[] = [];
  /** How many rows have been unfolded, which takes longer than a look at them. */
  unfolded = 0;

  /** @param most rows of a chunk */
  constructor(memory: Memory, most: number) {
    this.#memory = memory;
    this.#most = most;
  }

  get count(): number {
    return this.list.length;
  }

  /**
   * No accessor, of which each use takes 5 ns when it is private; and by `at`: where an index of -1 has been asked for once,
   * any takes 10.
   */
  tail(): RowChunk | undefined {
    return this.list.at(-1);
  }

  /** A chunk with its rows. */
  warm(index: number): RowChunk {
    const chunk = this.list[index] as RowChunk;
    const { cold } = chunk;
    if (cold === undefined) return chunk;
    this.unfolded += cold.count;
    chunk.warm(cold);
    return chunk;
  }

  /** The last chunk whose base is not above `seq`; -1 = there is none. */
  indexOf(seq: number): number {
    const chunks = this.list;
    let low = 0;
    let high = chunks.length - 1;
    if (high < 0 || (chunks[0] as RowChunk).base > seq) return -1;
    const { base } = chunks[high] as RowChunk;
    if (base <= seq) return high;
    const lowest = (chunks[0] as RowChunk).base;
    // Most are of one size. What is left of a wrong guess is halved.
    let middle = Math.floor(((seq - lowest) / (base - lowest)) * high);
    while (low < high) {
      if ((chunks[middle] as RowChunk).base > seq) high = middle - 1;
      else if ((chunks[middle + 1] as RowChunk).base > seq) return middle;
      else low = middle + 1;
      middle = (low + high) >>> 1;
    }
    return low;
  }

  /** The first chunk in which there may be a row at or above `seq`. */
  from(seq: number): number {
    return Math.max(0, this.indexOf(seq));
  }

  /** Adds one at the end; the one before gets no more rows, and may be packed now. */
  push(chunk: RowChunk): void {
    const before = this.tail();
    this.list.push(chunk);
    const index = this.list.length - 2;
    if (before === undefined) return;
    if (before.living === 0) this.drop(index);
    else if (before.living * 2 < before.capacity) this.pack(index);
  }

  drop(index: number): void {
    const [chunk] = this.list.splice(index, 1);
    chunk?.drop();
  }

  /** Makes rows between the others for sequences that have none, ascending; their words are the caller's to fill. */
  insert(seqs: readonly number[]): void {
    const { list } = this;
    for (let at = 0; at < seqs.length; ) {
      const index = this.from(seqs[at] as number);
      const end = list[index + 1]?.base ?? Number.POSITIVE_INFINITY;
      const part: number[] = [];
      while (at < seqs.length && (seqs[at] as number) < end) part.push(seqs[at++] as number);
      const source = index < list.length ? this.warm(index) : undefined;
      const merged = merge(this.#memory, source, part, this.#most);
      for (const old of list.splice(index, 1, ...merged)) old.drop();
    }
  }

  /** Gives a chunk the room that its living rows need, alone or with a neighbour that is small as well. */
  pack(index: number): void {
    const chunk = this.list[index] as RowChunk;
    const before = this.list[index - 1];
    const behind = this.list[index + 1];
    try {
      if (before !== undefined && this.#fit(before, chunk)) this.#replace(index - 1, 2);
      else if (behind !== undefined && this.#fit(chunk, behind)) this.#replace(index, 2);
      else this.#replace(index, 1);
    } catch {
      // No memory to make it smaller with: it stays as it is, and is tried again at its next removal.
    }
  }

  /** Whether two neighbours go into one chunk, which is then at most half of the largest. */
  #fit(before: RowChunk, behind: RowChunk): boolean {
    return (
      behind !== this.tail() &&
      before.living + behind.living <= this.#most / 2 &&
      behind.end - before.base < CHUNK_SPAN
    );
  }

  #replace(index: number, count: number): void {
    const chunk = this.warm(index);
    const packed = chunk.packed(count === 2 ? this.warm(index + 1) : undefined);
    for (const old of this.list.splice(index, count, packed)) old.drop();
  }
}
