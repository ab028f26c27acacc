// How properties run here: with a seed that is printed, and PROPERTY_SEED plays one again. PROPERTY_FACTOR
// multiplies the runs, for a longer search.

import fc from 'fast-check';
import { vi } from 'vitest';

/** The seed of this run. */
export const seed: number = Number(process.env.PROPERTY_SEED ?? Date.now() & 0x7fffffff);

const factor = Number(process.env.PROPERTY_FACTOR ?? 1);

console.log(`PROPERTY_SEED=${seed}`);

/** For each file by itself: properties are bounded by their number of runs, and the clock only ends what hangs. */
export function takeTime(): void {
  vi.setConfig({ testTimeout: 120_000 });
}

/**
 * Runs a property so many times.
 *
 * @param examples cases that failed once, tried first
 * @throws with the smallest counterexample
 */
export function check<T>(runs: number, property: fc.IProperty<T>, examples: T[] = []): void {
  fc.assert(property, { seed, numRuns: runs * factor, examples });
}

/** The same of a property that waits for something. */
export async function checkAsync<T>(runs: number, property: fc.IAsyncProperty<T>): Promise<void> {
  await fc.assert(property, { seed, numRuns: runs * factor });
}
