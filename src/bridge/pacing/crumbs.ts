// Peers that write every small message by itself, one way, and faster than the loop turns. Each turn then finds
// a crumb, and reading crumbs costs both sides more than the messages: read once a millisecond instead, such a
// stream was measured at twice the messages a second and a third of the CPU time. A peer that is answered, that
// pauses, or that sends more at a time is never such a stream, so nobody who waits for somebody waits longer.
//
//   counting ──32 crumbs, nothing written to it──► probing ──4 turns in a row, each with a crumb──► resting, 1 ms
//      ▲ ▲                                            │                                            │   ▲
//      │ └──────────────a turn without────────────────┘                             16 crumbs came │   │
//      └────────────────────────────────fewer came─────────────────────────────────────────────────┴───┘
import type { Clock } from '../../shared/clock.ts';
import { DeadlineQueue } from '../../shared/deadline-queue.ts';
import { PAUSE_CRUMBS, type Paced } from './pauses.ts';

/** A read of fewer bytes is a crumb: what comes in a millisecond fits a socket's buffer. */
const CRUMB_BYTES = 1024;
const CRUMBS_MIN = 32;
const PROBE_TURNS = 4;
const REST_MS = 1;
/** So many crumbs at once after a rest: the stream goes on. */
const GULP = 16;
/** As much as this after a rest: the socket's buffer may be too small for another one. */
const FLOOD_BYTES = 65_536;

/** What the sessions share. */
export class Crumbs {
  readonly #resting: DeadlineQueue<CrumbWatch>;
  /** Runs a function once this turn of the event loop has no more reads. */
  readonly defer: (fn: () => void) => void;

  constructor(clock: Clock, defer: (fn: () => void) => void) {
    this.#resting = new DeadlineQueue(clock, REST_MS, (watch) => watch.wake());
    this.defer = defer;
  }

  add(watch: CrumbWatch): void {
    this.#resting.add(watch);
  }

  delete(watch: CrumbWatch): void {
    this.#resting.delete(watch);
  }

  close(): void {
    this.#resting.clear();
  }
}

/** One session's reads. */
export class CrumbWatch {
  readonly #crumbs: Crumbs;
  readonly #source: Paced;
  #count = 0;
  #bytes = 0;
  #isProbing = false;
  #hasRested = false;
  #isClosed = false;

  constructor(crumbs: Crumbs, source: Paced) {
    this.#crumbs = crumbs;
    this.#source = source;
  }

  /** So many bytes have been read. */
  read(length: number): void {
    if (this.#hasRested) {
      this.#hasRested = false;
      if (this.#goesOn(length)) this.#rest();
      else this.interrupt();
    } else if (length >= CRUMB_BYTES) {
      this.interrupt();
    } else {
      this.#count += 1;
      this.#bytes += length;
      if (this.#count >= CRUMBS_MIN && !this.#isProbing) this.#probe(PROBE_TURNS);
    }
  }

  /** It is no stream of crumbs: something is written to it. */
  interrupt(): void {
    this.#count = 0;
    this.#bytes = 0;
  }

  wake(): void {
    this.#hasRested = true;
    this.#source.resume(PAUSE_CRUMBS);
  }

  /** Nothing is read any more. */
  close(): void {
    this.#isClosed = true;
    this.#crumbs.delete(this);
  }

  /** Whether each of the next turns has a crumb: a turn does not wait for events while a function is put off. */
  #probe(turns: number): void {
    this.#isProbing = true;
    const count = turns === PROBE_TURNS ? 0 : this.#count;
    this.#crumbs.defer(() => {
      this.#isProbing = false;
      if (this.#isClosed) return;
      if (this.#count <= count) this.interrupt();
      else if (turns === 0) this.#rest();
      else this.#probe(turns - 1);
    });
  }

  /** What came in a rest is a multiple of the mean crumb. */
  #goesOn(length: number): boolean {
    const isGulp = length * this.#count >= this.#bytes * GULP;
    return this.#count > 0 && isGulp && length < FLOOD_BYTES;
  }

  #rest(): void {
    this.#crumbs.add(this);
    this.#source.pause(PAUSE_CRUMBS);
  }
}
