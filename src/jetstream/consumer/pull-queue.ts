// Pulls that wait for messages, in a ring: the one at its head gets the next message and goes to the end, so that all get
// theirs in turn. A pull whose session is pressed is passed over until that has drained.
// Source: nats-server 2.15.3, server/consumer.go, waitQueue.
import type { SessionHandle } from '../../core/index.ts';
import type { PullRequest } from './pull-request.ts';
import type { Recipient } from './recipients.ts';

/** Times are the monotonic clock's; Infinity = never. */
export class Pull implements Recipient {
  readonly to: Uint8Array;
  readonly toData: DataView;
  readonly noWait: boolean;
  readonly heartbeatMs: number;
  readonly endsMs: number;
  beatsMs: number;
  /** Messages that it may still get. */
  left: number;
  given = 0;
  /** Bytes that it may still get, if it has a bound: then above 0. */
  bytesLeft: number;
  /** It gets nothing before that session has drained; 0 = none. */
  heldBy: SessionHandle = 0;
  /** The slice in which its inbox was last seen to have a listener. */
  seenIn = -1;
  isQueued = false;
  next: Pull | undefined;
  before: Pull | undefined;

  constructor(to: Uint8Array, request: PullRequest, nowMs: number) {
    const { batch, expiresMs, maxBytes, noWait, heartbeatMs } = request;
    this.to = to;
    this.toData = new DataView(to.buffer, to.byteOffset, to.length);
    this.noWait = noWait;
    this.heartbeatMs = heartbeatMs;
    this.endsMs = expiresMs === undefined ? Number.POSITIVE_INFINITY : nowMs + expiresMs;
    this.beatsMs = heartbeatMs > 0 ? nowMs + heartbeatMs : Number.POSITIVE_INFINITY;
    this.left = batch;
    this.bytesLeft = maxBytes;
  }

  get hasEnd(): boolean {
    return this.endsMs !== Number.POSITIVE_INFINITY;
  }

  /** Something is to be said to it then, unless it gets messages before. */
  get dueMs(): number {
    return Math.min(this.endsMs, this.beatsMs);
  }
}

export class PullQueue {
  head: Pull | undefined;
  #tail: Pull | undefined;
  #count = 0;
  #noWaitCount = 0;

  get count(): number {
    return this.#count;
  }

  /** How many of them end when there is nothing more. */
  get noWaitCount(): number {
    return this.#noWaitCount;
  }

  add(pull: Pull): void {
    this.#append(pull);
    pull.isQueued = true;
    this.#count++;
    if (pull.noWait) this.#noWaitCount++;
  }

  /** Harmless when it has been. */
  remove(pull: Pull): void {
    if (!pull.isQueued) return;
    this.#takeOut(pull);
    pull.isQueued = false;
    this.#count--;
    if (pull.noWait) this.#noWaitCount--;
  }

  /** The head goes to the end. */
  rotate(): void {
    const { head } = this;
    if (head === undefined || head === this.#tail) return;
    this.#takeOut(head);
    this.#append(head);
  }

  #append(pull: Pull): void {
    pull.before = this.#tail;
    pull.next = undefined;
    if (this.#tail === undefined) this.head = pull;
    else this.#tail.next = pull;
    this.#tail = pull;
  }

  #takeOut(pull: Pull): void {
    const { before, next } = pull;
    if (before === undefined) this.head = next;
    else before.next = next;
    if (next === undefined) this.#tail = before;
    else next.before = before;
    pull.before = undefined;
    pull.next = undefined;
  }

  /** From head to end; the one at hand may be removed meanwhile. */
  *[Symbol.iterator](): Iterator<Pull> {
    for (let pull = this.head; pull !== undefined; ) {
      const { next } = pull;
      yield pull;
      pull = next;
    }
  }
}
