// Sequences by the ids of messages: a map in parts. One map of millions is built anew each time it has doubled, and that
// takes some tenths of a second; a part of them takes a few milliseconds. Ids mostly differ at their ends.

/** A power of two. */
const PARTS = 256;
/** Characters at the end that choose the part. */
const CHOOSING = 4;

export class IdMap {
  readonly #parts: (Map<string, number> | undefined)[] = [];
  size = 0;

  get(id: string): number | undefined {
    return this.#parts[partOf(id)]?.get(id);
  }

  set(id: string, seq: number): void {
    const at = partOf(id);
    this.#parts[at] ??= new Map();
    const part = this.#parts[at];
    const { size } = part;
    part.set(id, seq);
    this.size += part.size - size;
  }

  delete(id: string): void {
    if (this.#parts[partOf(id)]?.delete(id) === true) this.size--;
  }

  clear(): void {
    this.#parts.length = 0;
    this.size = 0;
  }
}

function partOf(id: string): number {
  const { length } = id;
  let hash = length;
  for (let at = Math.max(0, length - CHOOSING); at < length; at++) {
    hash = Math.imul(hash, 31) + id.charCodeAt(at);
  }
  return (hash ^ (hash >>> 8)) & (PARTS - 1);
}
