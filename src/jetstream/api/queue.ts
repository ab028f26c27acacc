// Requests that wait to be answered: outside of handlers, a slice of the event loop's turn at a time, so that who floods
// the API keeps nobody waiting. When too many wait, all of them are dropped, as the original does it.
// Source: nats-server 2.15.3, server/jetstream_api.go, apiDispatch.
import type { ApiAccount } from './account-door.ts';

/** The original's default, JSDefaultRequestQueueLimit. */
const REQUESTS_MAX = 10_000;
const BYTES_MAX: number = 64 * 1024 * 1024;
const SLICE_MS = 2;
/** Requests of a slice, where the clock does not move. */
const SLICE_MAX = 256;

interface Waiting {
  readonly bytes: number;
  readonly answer: () => void;
}

export class RequestQueue {
  readonly #account: ApiAccount;
  #waiting: Waiting[] = [];
  #bytes = 0;
  #isScheduled = false;

  constructor(account: ApiAccount) {
    this.#account = account;
  }

  /** `answer` is called once, behind the turn at hand; it must not throw. `bytes` is what it keeps. */
  push(bytes: number, answer: () => void): void {
    this.#waiting.push({ bytes, answer });
    this.#bytes += bytes;
    if (this.#waiting.length >= REQUESTS_MAX || this.#bytes > BYTES_MAX) this.#drop();
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#account.door.atTurnEnd(() => this.#serve());
  }

  #serve(): void {
    const { clock, door } = this.#account;
    const end = clock.monotonic() + SLICE_MS;
    const waiting = this.#waiting;
    let done = 0;
    while (done < waiting.length && done < SLICE_MAX && clock.monotonic() <= end) {
      const { bytes, answer } = waiting[done] as Waiting;
      done++;
      this.#bytes -= bytes;
      answer();
    }
    if (this.#waiting === waiting) waiting.splice(0, done);
    this.#isScheduled = this.#waiting.length > 0;
    if (this.#isScheduled) door.atLoopEnd(() => this.#serve());
  }

  #drop(): void {
    const { serverName: server } = this.#account;
    const dropped = this.#waiting.length;
    this.#waiting = [];
    this.#bytes = 0;
    this.#account.advise('API.LIMIT_REACHED', 'api_limit_reached', () => ({
      server,
      dropped,
    }));
  }
}
