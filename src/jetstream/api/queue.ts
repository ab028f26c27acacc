// Requests that wait to be answered: outside of handlers, a slice of the event loop's turn at a time, so that who floods
// the API keeps nobody waiting. When too many wait, all of them are dropped, as the original does it; of what comes then
// before the next slice only as much is kept as that can answer, so that a flood costs next to nothing.
// Source: nats-server 2.15.3, server/jetstream_api.go, apiDispatch.
import type { Work } from '../work.ts';
import type { ApiAccount } from './account-door.ts';

/** The original's default, JSDefaultRequestQueueLimit. */
const REQUESTS_MAX = 10_000;
const BYTES_MAX: number = 64 * 1024 * 1024;
const SLICE_MS = 2;
/** Pieces of a slice, where the clock does not move. */
const SLICE_MAX = 128;

/** A request that waits. */
export interface QueuedRequest {
  /** Bytes that it keeps. */
  readonly bytes: number;
  /** Its turn has come: answers what is to be done, in pieces. */
  begin(): Work<void>;
}

export class RequestQueue {
  readonly #account: ApiAccount;
  /** The one that is being answered. */
  #current: Work<void> | undefined;
  /** In their order; void in front of #next. */
  #waiting: QueuedRequest[] = [];
  #next = 0;
  #bytes = 0;
  /** All were dropped since the last slice, and behind that so many more. */
  #isFlooded = false;
  #shed = 0;
  #isScheduled = false;
  /** For something that the request at hand needs. */
  #isWaiting = false;
  #isClosed = false;

  constructor(account: ApiAccount) {
    this.#account = account;
  }

  /** Whether there is room for a request; when there is none it is dropped, and counts as one of those. */
  takes(): boolean {
    if (!this.#isFlooded || this.#waiting.length - this.#next < SLICE_MAX) return true;
    this.#shed++;
    return false;
  }

  /**
   * It is done behind the turn at hand, one request after the other. What it throws is told to the bus, and the next one
   * has its turn.
   */
  push(request: QueuedRequest): void {
    if (this.#isClosed) return;
    this.#waiting.push(request);
    this.#bytes += request.bytes;
    if (this.#waiting.length - this.#next >= REQUESTS_MAX || this.#bytes > BYTES_MAX) this.#drop();
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#account.door.atTurnEnd(() => this.#serve());
  }

  /** The request at hand goes on behind its next yield when that has come; so do the others. It must not reject. */
  waitFor(ready: Promise<unknown>): void {
    this.#isWaiting = true;
    void ready.then(() => {
      this.#isWaiting = false;
      this.#account.door.atTurnEnd(() => this.#serve());
    });
  }

  /** Nobody is answered any more. */
  close(): void {
    this.#isClosed = true;
    this.#current = undefined;
    this.#waiting = [];
    this.#next = 0;
  }

  #serve(): void {
    try {
      this.#serveSome();
    } finally {
      this.#isScheduled = this.#current !== undefined || this.#next < this.#waiting.length;
      if (this.#isScheduled && !this.#isWaiting) this.#account.door.atLoopEnd(() => this.#serve());
    }
  }

  #serveSome(): void {
    const { clock } = this.#account;
    this.#isFlooded = false;
    if (this.#shed > 0) this.#adviseDropped(this.#shed);
    const end = clock.monotonic() + SLICE_MS;
    for (let pieces = 0; pieces < SLICE_MAX && clock.monotonic() <= end; pieces++) {
      this.#current ??= this.#take();
      if (this.#current === undefined) break;
      if (this.#current.next().done) this.#current = undefined;
      if (this.#isWaiting) break;
    }
  }

  #take(): Work<void> | undefined {
    const first = this.#waiting[this.#next];
    if (first === undefined) return undefined;
    this.#bytes -= first.bytes;
    this.#next++;
    if (this.#next * 2 >= this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#next);
      this.#next = 0;
    }
    return first.begin();
  }

  #drop(): void {
    const dropped = this.#waiting.length - this.#next;
    this.#waiting = [];
    this.#next = 0;
    this.#bytes = 0;
    this.#isFlooded = true;
    this.#adviseDropped(dropped);
  }

  #adviseDropped(dropped: number): void {
    const { serverName: server } = this.#account;
    this.#shed = 0;
    this.#account.advise('API.LIMIT_REACHED', 'api_limit_reached', () => ({ server, dropped }));
  }
}
