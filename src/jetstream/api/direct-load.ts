// Direct gets of a stream that have not been answered yet. nats-server answers within the read of a request, so that who asks
// for more than can be answered is read more slowly. Here an answer may have to wait; when very much of an account waits,
// what is asked for is refused, or requests of some bytes would fill memory.

/** What waits in all streams of an account, as `costOf` counts it. */
export interface GetQuota {
  bytes: number;
}

const BYTES_MOST: number = 128 << 20;
/** A request costs so much at most, as that of a batch does, and its JSON as many times its bytes. */
const REQUEST_BYTES = 1536;
const JSON_FACTOR = 8;

export class DirectLoad {
  readonly #quota: GetQuota;
  #own = 0;
  #isClosed = false;

  constructor(quota: GetQuota) {
    this.#quota = quota;
  }

  get isFull(): boolean {
    return this.#quota.bytes >= BYTES_MOST;
  }

  /** One begins to wait; `bytes` are its own. */
  begin(bytes: number): void {
    this.#add(costOf(bytes));
  }

  end(bytes: number): void {
    if (!this.#isClosed) this.#add(-costOf(bytes));
  }

  /** Nothing of the stream waits any more. */
  close(): void {
    this.#add(-this.#own);
    this.#isClosed = true;
  }

  #add(bytes: number): void {
    this.#own += bytes;
    this.#quota.bytes += bytes;
  }
}

function costOf(bytes: number): number {
  return REQUEST_BYTES + JSON_FACTOR * bytes;
}
