// The wait of a drain for what is still at work.

import type { Clock } from '../shared/clock.ts';

/** As nats.go's DrainTimeout. */
export const DRAIN_TIMEOUT_MS = 30_000;

/** Resolves when one of them has, or after `ms`; the time is given up then. */
export async function whenDone(
  any: readonly Promise<unknown>[],
  clock: Clock,
  ms: number,
): Promise<void> {
  let stop = (): void => {};
  const deadline = new Promise<void>((resolve) => {
    const timer = clock.setTimeout(resolve, ms);
    stop = () => timer.cancel();
  });
  try {
    await Promise.race([...any, deadline]);
  } finally {
    stop();
  }
}
