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

  /** What was last set for these bytes. */
  get(source: Uint8Array, start: number, end: number): T | undefined {
    const entry = this.#entries[placeOf(source, start, end)];
    if (entry === undefined) return undefined;
    const { bytes, target } = entry;
    if (bytes.length !== end - start) return undefined;
    for (let i = 0; i < bytes.length; i++) {
      if (bytes[i] !== source[start + i]) return undefined;
    }
    return target;
  }

  set(source: Uint8Array, start: number, end: number, target: T): void {
    this.#entries[placeOf(source, start, end)] = { bytes: source.slice(start, end), target };
  }
}

/** FNV-1a. */
function placeOf(source: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (source[i] as number), 0x01000193);
  return (hash ^ (hash >>> 15)) & (PLACES - 1);
}
