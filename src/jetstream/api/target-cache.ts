// Whom a pull or a direct get is for, by the bytes of its subject: asked for each message, so no text is made of them
// when the same ones come again.

/** Entries; two subjects that meet in one place take turns. */
const PLACES = 1024;

interface Entry<T> {
  readonly bytes: Uint8Array;
  readonly target: T;
}

export class TargetCache<T> {
  readonly #entries: (Entry<T> | undefined)[] = new Array(PLACES);
  /** The one that was found last: mostly it is asked for again, and its place costs more than to compare it. */
  #last: Entry<T> | undefined;

  /** What was last set for these bytes. */
  get(source: Uint8Array, start: number, end: number): T | undefined {
    let entry = this.#last;
    if (entry === undefined || !isOf(entry, source, start, end)) {
      entry = this.#entries[placeOf(source, start, end)];
      if (entry === undefined || !isOf(entry, source, start, end)) return undefined;
      this.#last = entry;
    }
    return entry.target;
  }

  set(source: Uint8Array, start: number, end: number, target: T): void {
    const entry = { bytes: source.slice(start, end), target };
    this.#entries[placeOf(source, start, end)] = entry;
    this.#last = entry;
  }
}

function isOf({ bytes }: Entry<unknown>, source: Uint8Array, start: number, end: number): boolean {
  if (bytes.length !== end - start) return false;
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== source[start + i]) return false;
  }
  return true;
}

/** FNV-1a. */
function placeOf(source: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (source[i] as number), 0x01000193);
  return (hash ^ (hash >>> 15)) & (PLACES - 1);
}
