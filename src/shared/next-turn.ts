// The next turn of the event loop, wherever this runs: browsers, and test environments that play one, have no setImmediate.
// It is asked for once, so that timers which a test has replaced later do not hold it.

interface Host {
  /** Node's and what follows it. */
  readonly setImmediate?: (fn: () => void) => unknown;
  readonly setTimeout: (fn: () => void, ms: number) => unknown;
}

const { setImmediate: immediate, setTimeout: timeout } = globalThis as unknown as Host;

/** Calls `fn` when timers and sockets have had their turn. */
export function inNextTurn(fn: () => void): void {
  if (immediate === undefined) timeout(fn, 0);
  else immediate(fn);
}
