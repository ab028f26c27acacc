// What rows say of their neighbours on a subject: how far away they are, in a word. Those that are further than a word can
// say are kept beside, by the sequence of the row; hardly ever is there one.
import { FAR } from './row-chunk.ts';

export class FarNeighbours {
  readonly #next = new Map<number, number>();
  readonly #previous = new Map<number, number>();

  clear(): void {
    this.#next.clear();
    this.#previous.clear();
  }

  /** The row is gone. */
  forget(seq: number): void {
    if (this.#next.size > 0) this.#next.delete(seq);
    if (this.#previous.size > 0) this.#previous.delete(seq);
  }

  /** What the row of `seq` says of the next on its subject. */
  wordOfNext(seq: number, next: number): number {
    return wordOf(this.#next, seq, next, next - seq);
  }

  wordOfPrevious(seq: number, previous: number): number {
    return wordOf(this.#previous, seq, previous, seq - previous);
  }

  nextBy(word: number, seq: number): number {
    return word === FAR ? (this.#next.get(seq) as number) : seq + word;
  }

  previousBy(word: number, seq: number): number {
    return word === FAR ? (this.#previous.get(seq) as number) : seq - word;
  }
}

function wordOf(far: Map<number, number>, seq: number, other: number, delta: number): number {
  if (far.size > 0) far.delete(seq);
  if (delta < FAR) return delta;
  far.set(seq, other);
  return FAR;
}
