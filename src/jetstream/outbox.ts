// The one way out of a stream: what it says waits behind the commit of what it shows, in order, once a turn of the loop.
import type { BatchEntry, BatchOutcome } from '../core/index.ts';

export interface Outbox {
  /** Sends behind all that was said before, once what the stream has stored up to now is durable. Bytes are kept until then. */
  send(entry: BatchEntry): void;
  /**
   * Asks for a slot: `fill` is called in one of the next turns of the loop, when what may be shown may be sent; it puts
   * some 256 KiB of entries (or 1 ms of work) into the array, whose bytes are copied at once, and `sent` hears of the outcomes, in their order.
   */
  deliver(
    fill: (entries: BatchEntry[]) => void,
    sent: (outcomes: readonly BatchOutcome[]) => void,
  ): void;
}
