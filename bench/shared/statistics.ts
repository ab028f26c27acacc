// The few statistics that a bench reports: medians, because one disturbed round must not move the
// result, and the range, because the reader shall see how disturbed the machine was.

/** The middle of a list of samples, and how far the list reaches. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

/** The spread of `samples`, which must not be empty. */
export function spreadOf(samples: readonly number[]): Spread {
  if (samples.length === 0) throw new Error('no samples');
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median =
    sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, min: sorted[0]!, max: sorted[sorted.length - 1]!, count: sorted.length };
}

/**
 * The spread of `a[i] / b[i]`: both were taken in the same round, one right after the other, so that
 * what disturbs a minute disturbs both.
 */
export function spreadOfRatios(a: readonly number[], b: readonly number[]): Spread {
  const count = Math.min(a.length, b.length);
  return spreadOf(Array.from({ length: count }, (_, index) => a[index]! / b[index]!));
}
