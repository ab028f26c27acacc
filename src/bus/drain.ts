// The end of subscriptions in order, within a time.

import type { Clock } from '../shared/clock.ts';

/** As nats.go's DrainTimeout. */
export const DRAIN_TIMEOUT_MS = 30_000;

interface Drainable {
  drain(): Promise<void>;
}

/** They take no more messages; resolves when their loops have had what is buffered, at the latest after `ms`. */
export async function drainAll(all: readonly Drainable[], clock: Clock, ms: number): Promise<void> {
  const drained = Promise.allSettled(all.map((subscription) => subscription.drain()));
  let stop = (): void => {};
  const deadline = new Promise<void>((resolve) => {
    const timer = clock.setTimeout(resolve, ms);
    stop = () => timer.cancel();
  });
  await Promise.race([drained, deadline]);
  stop();
}
