// Two ends of one connection, which go together.
import type { Transport } from '../../src/net/transport.ts';

export interface TransportPair extends AsyncDisposable {
  /** The side under test. */
  readonly ours: Transport;
  readonly theirs: Transport;
}

/** @param close what is behind them */
export function transportPair(
  ours: Transport,
  theirs: Transport,
  close: () => void,
): TransportPair {
  return {
    ours,
    theirs,
    [Symbol.asyncDispose]: async () => {
      ours.destroy();
      theirs.destroy();
      close();
    },
  };
}
