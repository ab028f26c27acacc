// Sorting for a page that is built in slices: a part of the work between two moments in which others may have theirs.

/** Sorted at once, in a tenth of a millisecond or two. */
const RUN = 256;
/** Merged between two moments. */
const MERGED = 1024;

/** The items in order, equal ones as they were; `items` is used up. Yields now and then. */
export function* sortInSlices<T>(
  items: T[],
  compare: (a: T, b: T) => number,
): Generator<undefined, T[]> {
  let runs: T[][] = [];
  for (let at = 0; at < items.length; at += RUN) {
    runs.push(items.slice(at, at + RUN).sort(compare));
    yield;
  }
  while (runs.length > 1) {
    const longer: T[][] = [];
    for (let at = 0; at < runs.length; at += 2) {
      const [left, right] = [runs[at] as T[], runs[at + 1]];
      longer.push(right === undefined ? left : yield* merge(left, right, compare));
    }
    runs = longer;
  }
  return runs[0] ?? [];
}

function* merge<T>(
  left: readonly T[],
  right: readonly T[],
  compare: (a: T, b: T) => number,
): Generator<undefined, T[]> {
  const merged: T[] = [];
  let l = 0;
  let r = 0;
  while (l < left.length || r < right.length) {
    const isLeft =
      r >= right.length || (l < left.length && compare(left[l] as T, right[r] as T) <= 0);
    merged.push((isLeft ? left[l++] : right[r++]) as T);
    if (merged.length % MERGED === 0) yield;
  }
  return merged;
}
