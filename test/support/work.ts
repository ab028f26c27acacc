// Work for tests.
import type { Work } from '../../src/jetstream/work.ts';

/** Work of one piece. */
export function atOnce<T>(fn: () => T): Work<T> {
  // biome-ignore lint/correctness/useYield: it has nothing to wait for
  return (function* () {
    return fn();
  })();
}
