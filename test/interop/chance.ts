// Chance that can be repeated, for generators of random cases.

export type Pick = readonly [weight: number, make: () => unknown];

export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Between 0 and 1. */
  random(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  is(share: number): boolean {
    return this.random() < share;
  }

  below(count: number): number {
    return Math.floor(this.random() * count);
  }

  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }

  weighted(picks: readonly Pick[]): unknown {
    let rest = this.random() * picks.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, make] of picks) {
      rest -= weight;
      if (rest < 0) return make();
    }
    return picks[0]?.[1]();
  }
}
