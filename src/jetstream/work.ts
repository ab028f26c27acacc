// Long work, in pieces: a generator that yields every few tenths of a millisecond, so that whoever drives it lets others
// pass meanwhile. What it reads may change at every yield.

import { systemClock } from '../shared/clock.ts';
import { defer } from '../shared/defer.ts';

export type Work<T> = Generator<void, T, void>;

/** What a slice takes, or a piece longer. */
const SLICE_MS = 5;
/** The same of what is done beside everything else, which may have slices of its own. */
const BACKGROUND_MS = 2;

/** Does it a slice at a time, and lets the event loop turn between them. Not where there is no loop of Node's. */
export async function inSlices<T>(work: Work<T>, sliceMs: number = SLICE_MS): Promise<T> {
  for (;;) {
    // Whatever clock streams go by, who else is in the loop waits by this one.
    const end = systemClock.monotonic() + sliceMs;
    do {
      const step = work.next();
      if (step.done) return step.value;
    } while (systemClock.monotonic() < end);
    await new Promise<void>(defer);
  }
}

/** What nobody waits for, in the order in which it came. */
const background: Work<void>[] = [];
let isUnderWay = false;

/** Does it beside everything else. However much there is of that, it has one slice of a turn of the loop, the first at once. */
export function inBackground(work: Work<void>): void {
  background.push(work);
  begin();
}

function begin(): void {
  if (!isUnderWay && background.length > 0) void inSlices(oneByOne(), BACKGROUND_MS);
}

function* oneByOne(): Work<void> {
  isUnderWay = true;
  try {
    for (let work = background.shift(); work !== undefined; work = background.shift()) {
      yield* work;
      yield;
    }
  } finally {
    isUnderWay = false;
    // What has thrown ends nothing but itself: what came behind it is done all the same.
    if (background.length > 0) defer(begin);
  }
}

/** Does all of it at once. */
export function wholly<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

/** Items that are compared between two yields: some tenths of a millisecond. */
const A_PIECE = 1024;

/** Sorts by runs that are merged: the engine's own sort cannot be left in between. Answers another array. */
export function* sorted<T>(items: readonly T[], compare: (a: T, b: T) => number): Work<T[]> {
  let from: T[] = [];
  for (let at = 0; at < items.length; at += A_PIECE) {
    for (const item of items.slice(at, at + A_PIECE).sort(compare)) from.push(item);
    yield;
  }
  let to: T[] = new Array(from.length);
  for (let run = A_PIECE; run < from.length; run *= 2) {
    for (let at = 0; at < from.length; at += 2 * run) {
      yield* merge(from, to, at, Math.min(at + run, from.length), at + 2 * run, compare);
    }
    [from, to] = [to, from];
  }
  return from;
}

/** Merges [start, middle) and [middle, end) of one array into the same places of another. */
function* merge<T>(
  from: readonly T[],
  to: T[],
  start: number,
  middle: number,
  most: number,
  compare: (a: T, b: T) => number,
): Work<void> {
  const end = Math.min(most, from.length);
  let left = start;
  let right = middle;
  for (let at = start; at < end; at++) {
    const isLeft =
      left < middle && (right >= end || compare(from[left] as T, from[right] as T) <= 0);
    to[at] = from[isLeft ? left++ : right++] as T;
    if ((at - start) % A_PIECE === A_PIECE - 1) yield;
  }
}
