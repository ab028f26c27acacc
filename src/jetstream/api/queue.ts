// Requests that wait to be answered: outside of handlers, a slice of the event loop's turn at a time, so that who floods
// the API keeps nobody waiting. When too many wait, all of them are dropped, as the original does it; of what comes then
// before the next slice only as much is kept as that can answer, so that a flood costs next to nothing.
//
//   waiting ─► at work, in pieces ─► answered      one that waits for the disk is left aside: others pass it, but those
//                  │    ▲                          that are about the same stream, or all, or change another
//                  ▼    │
//                 aside ◄── behind it
//
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
  /** The stream that it is about; '' = all. */
  readonly stream: string;
  /** It makes, changes or deletes that. */
  readonly changesStream: boolean;
  /** Its turn has come: answers what is to be done, in pieces. */
  begin(): Work<void>;
}

interface AtWork {
  readonly work: Work<void>;
  readonly stream: string;
}

export class RequestQueue {
  readonly #account: ApiAccount;
  /** The one that is being answered. */
  #current: AtWork | undefined;
  /** One that waits for something, and whether that has come. */
  #aside: AtWork | undefined;
  #isReady = false;
  /** Those that must not pass it, and the streams that it and they are about. */
  #behind: QueuedRequest[] = [];
  readonly #streams = new Set<string>();
  /** In their order; void in front of #next. */
  #waiting: QueuedRequest[] = [];
  #next = 0;
  #bytes = 0;
  /** All were dropped since the last slice, and behind that so many more. */
  #isFlooded = false;
  #shed = 0;
  #isScheduled = false;
  #isClosed = false;

  constructor(account: ApiAccount) {
    this.#account = account;
  }

  get #count(): number {
    return this.#waiting.length - this.#next + this.#behind.length;
  }

  /** Whether there is room for a request; when there is none it is dropped, and counts as one of those. */
  takes(): boolean {
    if (!this.#isFlooded || this.#count < SLICE_MAX) return true;
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
    if (this.#count >= REQUESTS_MAX || this.#bytes > BYTES_MAX) this.#drop();
    this.#schedule();
  }

  /** The request at hand, which changes a stream, goes on behind its next yield when that has come. It must not reject. */
  waitFor(ready: Promise<unknown>): void {
    this.#aside = this.#current;
    this.#isReady = false;
    this.#streams.add('').add(this.#current?.stream ?? '');
    void ready.then(() => {
      this.#isReady = true;
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#account.door.atTurnEnd(() => this.#serve());
  }

  /** Nobody is answered any more. */
  close(): void {
    this.#isClosed = true;
    this.#current = undefined;
    this.#aside = undefined;
    this.#behind = [];
    this.#waiting = [];
    this.#next = 0;
  }

  #serve(): void {
    try {
      this.#serveSome();
    } finally {
      const isResumed = this.#aside !== undefined && this.#isReady;
      const isMore = this.#next < this.#waiting.length || isResumed;
      this.#isScheduled = this.#current !== undefined || isMore;
      if (this.#isScheduled) this.#account.door.atLoopEnd(() => this.#serve());
    }
  }

  #serveSome(): void {
    const { clock } = this.#account;
    this.#isFlooded = false;
    if (this.#shed > 0) this.#adviseDropped(this.#shed);
    const end = clock.monotonic() + SLICE_MS;
    for (let pieces = 0; pieces < SLICE_MAX && clock.monotonic() <= end; pieces++) {
      this.#current ??= this.#resumed() ?? this.#take();
      if (this.#current === undefined) break;
      if (this.#current.work.next().done) this.#end();
      // It has said that it waits.
      else if (this.#current === this.#aside && !this.#isReady) this.#current = undefined;
    }
  }

  /** What it has waited for has come: it is at hand until it is done, or waits again. */
  #resumed(): AtWork | undefined {
    return this.#isReady ? this.#aside : undefined;
  }

  #end(): void {
    const isAside = this.#current === this.#aside;
    this.#current = undefined;
    if (!isAside) return;
    this.#aside = undefined;
    this.#streams.clear();
    this.#waiting = [...this.#behind, ...this.#waiting.slice(this.#next)];
    this.#next = 0;
    this.#behind = [];
  }

  /** The next one that need not wait. */
  #take(): AtWork | undefined {
    for (;;) {
      const first = this.#waiting[this.#next];
      if (first === undefined) return undefined;
      this.#next++;
      if (this.#next * 2 >= this.#waiting.length) {
        this.#waiting = this.#waiting.slice(this.#next);
        this.#next = 0;
      }
      const { stream, changesStream } = first;
      const mustWait = this.#aside !== undefined && (changesStream || this.#streams.has(stream));
      if (!mustWait) {
        this.#bytes -= first.bytes;
        return { work: first.begin(), stream };
      }
      // A request about a stream that is yet to be made is behind that.
      this.#streams.add(stream);
      this.#behind.push(first);
    }
  }

  #drop(): void {
    const dropped = this.#count;
    this.#waiting = [];
    this.#next = 0;
    this.#behind = [];
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
