// Streams whose messages go when their consumers are done with them: each when nobody needs it any more, and those that
// a consumer leaves behind, when it ends or wants other subjects, a part of them in a turn of the loop.
// Source: nats-server 2.15.3, server/stream.go, ackMsg, checkInterestState; server/consumer.go, cleanupNoInterestMessages.
import type { BusInternals } from '../../bus/internals.ts';
import type { Clock } from '../../shared/clock.ts';
import type { ConsumerIndex } from '../consumer/consumer-index.ts';
import type { Store } from '../store/store.ts';
import type { Work } from '../work.ts';
import type { StreamConfig } from './config.ts';

/**
 * In one go messages are looked at for so long: each is asked about of all consumers that it concerns. Where the clock does
 * not move, so many; between two looks at the clock some.
 */
const SLICE_MS = 2;
const LOOKED_AT_MOST = 4096;
const CLOCK_EVERY = 16;

export class Retention {
  readonly #store: Store;
  readonly #followers: ConsumerIndex;
  readonly #door: BusInternals;
  readonly #clock: Clock;
  /** Where the sweep goes on; 0 = there is none. */
  #next = 0;
  /** Where it ends. */
  #end = 0;
  /** How far it goes then from the beginning: who asks for a sweep while one is under way gets all of one. */
  #again = 0;
  #isScheduled = false;

  constructor(store: Store, followers: ConsumerIndex, door: BusInternals, clock: Clock) {
    this.#store = store;
    this.#followers = followers;
    this.#door = door;
    this.#clock = clock;
  }

  /** A consumer needs a message no more. */
  settled(seq: number): void {
    const subjectId = this.#store.subjectIdOf(seq);
    if (subjectId < 0 || this.#followers.needs(seq, subjectId)) return;
    this.#store.remove(seq);
  }

  /** Somebody may need fewer messages than before. In a stream of interest what nobody needs goes. */
  relaxed(retention: StreamConfig['retention']): void {
    if (retention !== 'interest') return;
    this.#again = this.#next;
    this.#end = this.#store.state.lastSeq + 1;
    if (this.#next === 0) this.#next = this.#store.next(1);
    this.#schedule();
  }

  /**
   * The stream was found on disk: the end of the process may have come between an ack and what it makes go. In a work queue
   * that is what a consumer has wanted and needs no more.
   */
  *recovered(retention: StreamConfig['retention']): Work<void> {
    this.relaxed(retention);
    if (retention !== 'workqueue') return;
    const store = this.#store;
    const followers = this.#followers;
    let count = 0;
    for (let seq = store.next(1); seq > 0; seq = store.next(seq + 1)) {
      if (++count % CLOCK_EVERY === 0) yield;
      if (followers.isWanted(store.subjectIdOf(seq))) this.settled(seq);
    }
  }

  close(): void {
    this.#next = 0;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#next === 0) return;
    this.#isScheduled = true;
    this.#door.atLoopEnd(() => {
      this.#isScheduled = false;
      this.#sweep();
    });
  }

  #sweep(): void {
    const clock = this.#clock;
    const endMs = clock.monotonic() + SLICE_MS;
    try {
      for (let count = 1; this.#next !== 0 && count <= LOOKED_AT_MOST; count++) {
        const seq = this.#next;
        this.#next = this.#behind(seq);
        this.settled(seq);
        if (count % CLOCK_EVERY === 0 && clock.monotonic() > endMs) break;
      }
    } finally {
      // What has failed is told to the bus, and does not come again.
      this.#schedule();
    }
  }

  /** The next message to be looked at; 0 = that was all. */
  #behind(seq: number): number {
    const next = this.#store.next(seq + 1);
    if (next !== 0 && next < this.#end) return next;
    this.#end = this.#again;
    this.#again = 0;
    const first = this.#store.next(1);
    return first < this.#end ? first : 0;
  }
}
