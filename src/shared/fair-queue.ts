// Things that wait, in lanes: the first of each lane in turn, so that a lane with thousands keeps nobody else waiting.
//
//   lane a │ a1 a2 a3 …
//   lane b │ b1                 taken: a1, b1, c1, a2, c2, a3, …
//   lane c │ c1 c2

export class FairQueue<T> {
  /** The one whose turn it is first; none is empty. */
  readonly #lanes = new Map<string, Set<T>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(lane: string): boolean {
    return this.#lanes.has(lane);
  }

  /** Those in which something waits, the one whose turn it is first. */
  lanes(): Iterable<string> {
    return this.#lanes.keys();
  }

  add(lane: string, item: T): void {
    const items = this.#lanes.get(lane) ?? new Set();
    if (items.size === 0) this.#lanes.set(lane, items);
    this.#size -= items.size;
    items.add(item);
    this.#size += items.size;
  }

  delete(lane: string, item: T): boolean {
    const items = this.#lanes.get(lane);
    if (items === undefined || !items.delete(item)) return false;
    this.#size -= 1;
    if (items.size === 0) this.#lanes.delete(lane);
    return true;
  }

  /**
   * Takes the first of the lane whose turn it is. Undefined when nothing is left.
   *
   * @param mayGo lanes that it is false of keep their turn
   */
  take(mayGo: (lane: string) => boolean = () => true): T | undefined {
    for (const [lane, items] of this.#lanes) {
      if (!mayGo(lane)) continue;
      const [item] = items as Set<T>;
      this.delete(lane, item as T);
      this.#lanes.delete(lane);
      if (items.size > 0) this.#lanes.set(lane, items);
      return item;
    }
    return undefined;
  }
}

/** Groups of an IPv6 address that one customer of a network has: the others are his to choose. */
const NETWORK_GROUPS = 4;
const GROUPS = 8;

/** The lane of whoever comes from an address: that address, or of IPv6 the network of 64 bits. */
export function laneOf(address: string): string {
  if (!address.includes(':')) return address;
  const [head = [], tail = []] = address.split('::').map((part) => part.split(':'));
  const zeros = address.includes('::') ? GROUPS - head.length - tail.length : 0;
  const groups = [...head, ...Array<string>(Math.max(0, zeros)).fill('0'), ...tail];
  return groups.slice(0, NETWORK_GROUPS).join(':');
}
