// Which member of a queue group: xorshift32, seeded from the platform's secure source. No secret depends on
// it; it costs some 2 ns, where asking the secure source each time costs hundreds.

import { fillRandom } from '../shared/entropy.ts';

export class PickSource {
  #state: number;

  /** @param seed not 0; the same seed gives the same picks */
  constructor(seed: number = fillRandom(new Uint32Array(1))[0] || 1) {
    this.#state = seed;
  }

  /** A whole number from 0 up to, not including, `count`. */
  below(count: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    // The high bits, scaled: even to one part in 2^32, where a remainder would favour the first members.
    return Math.floor(((x >>> 0) / 0x100000000) * count);
  }
}
