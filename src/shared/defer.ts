// Work that waits for the end of this turn of Node's event loop: after the reads that are due now, before the
// next ones. Not for the bus, which runs where there is no such loop.

/** Calls `fn` when the reads of this turn of the loop are done. */
export function defer(fn: () => void): void {
  setImmediate(fn);
}
