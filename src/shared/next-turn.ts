// The next turn of the event loop, wherever this runs: browsers, and test environments that play one, have no setImmediate.
// It is asked for once, so that timers which a test has replaced later do not hold it.

const immediate: typeof setImmediate | undefined = globalThis.setImmediate;
const timeout: typeof setTimeout = globalThis.setTimeout;

/** Calls `fn` when timers and sockets have had their turn. */
export function inNextTurn(fn: () => void): void {
  if (immediate === undefined) timeout(fn, 0);
  else immediate(fn);
}
