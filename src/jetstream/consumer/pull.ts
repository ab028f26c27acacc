// The pulls of a consumer: asked for, waiting, and how they end. Who waits gets messages in turn; who has waited long
// enough, asks for too much, or whose inbox nobody listens to any more, leaves.
// Source: nats-server 2.15.3, server/consumer.go, processNextMsgRequest, nextWaiting, processWaiting.
import type { SessionHandle } from '../../core/index.ts';
import type { ConsumerHost } from './host.ts';
import { Pull, PullQueue } from './pull-queue.ts';
import type { PullReader } from './pull-request.ts';
import type { EndReason, Parcel, Recipients, RecipientsOwner } from './recipients.ts';
import {
  BATCH_COMPLETED,
  EXCEEDED_MAX_WAITING,
  EXCEEDS_MAX_BYTES,
  idleHeartbeat,
  NO_MESSAGES,
  REQUEST_TIMEOUT,
  REQUESTS_PENDING,
  status,
  statusWithRest,
} from './statuses.ts';

/** With a full queue, those who have gone are looked for once in so long. */
const SCAN_MS = 1000;
/** More of them are not looked at each time somebody asks: one needs some 0.3 us, and has this to itself. */
const FEW = 256;
const REST_MS = 0.005;

export class Pulls implements Recipients {
  readonly isBound = false;
  readonly #host: ConsumerHost;
  readonly #owner: RecipientsOwner;
  readonly #reader: PullReader;
  readonly #queue = new PullQueue();
  readonly #waitingMax: number;
  /** In `ConsumerHost.ahead`. */
  readonly #slot: number;
  /** Where the last pull that waited wants its messages. */
  #inbox: Uint8Array = new Uint8Array(0);
  #scannedMs = Number.NEGATIVE_INFINITY;
  /** Messages that they waited for then. */
  #wanted = 0;
  /** Nothing has to be said to any of them before; it may be too early. */
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(
    host: ConsumerHost,
    owner: RecipientsOwner,
    reader: PullReader,
    waitingMax: number,
    slot: number,
  ) {
    this.#host = host;
    this.#owner = owner;
    this.#reader = reader;
    this.#waitingMax = waitingMax;
    this.#slot = slot;
  }

  get isOpen(): boolean {
    return this.#queue.count > 0;
  }

  get waiting(): number {
    return this.#queue.count;
  }

  get isInUse(): boolean {
    return this.#queue.count > 0;
  }

  get dueMs(): number {
    const restMs = this.waiting > FEW ? this.#scannedMs + this.waiting * REST_MS : 0;
    return Math.max(this.#dueMs, restMs);
  }

  request(to: Uint8Array, body: Uint8Array): void {
    const owner = this.#owner;
    const request = this.#reader.read(body);
    if (typeof request === 'string') {
      owner.say(to, status(request));
      return;
    }
    const nowMs = this.#host.clock.monotonic();
    if (this.#isFull() && nowMs - this.#scannedMs > SCAN_MS) this.scan(false);
    if (request.noWait) {
      const refusal = this.#refusalNow(request.expiresMs !== undefined);
      if (refusal !== undefined) {
        owner.used(nowMs);
        owner.say(to, refusal);
        return;
      }
    }
    if (this.#isFull()) {
      // Who counts on heartbeats asks again when they fail to come, and not at once.
      if (request.heartbeatMs === 0) owner.say(to, EXCEEDED_MAX_WAITING);
      return;
    }
    // A client asks for more with the inbox that it had: what goes there in a row is told where once (BatchRun.end).
    if (!isSame(to, this.#inbox)) this.#inbox = to;
    const pull = new Pull(this.#inbox, request, nowMs);
    this.#queue.add(pull);
    this.#host.pulls.waiting++;
    this.#host.ahead.waits[this.#slot] = 1;
    this.#dueAt(pull.dueMs);
    owner.used(nowMs);
    owner.deliverSoon();
  }

  #isFull(): boolean {
    const { pulls } = this.#host;
    return this.#queue.count >= this.#waitingMax || pulls.waiting >= pulls.max;
  }

  /** Of a pull that does not wait: why it gets nothing. */
  #refusalNow(hasEnd: boolean): Uint8Array | undefined {
    const { available } = this.#owner;
    if (available === 0) return hasEnd ? undefined : NO_MESSAGES;
    this.look();
    return available < this.#wanted ? REQUESTS_PENDING : undefined;
  }

  choose({ bytes }: Parcel, nowMs: number, slice: number): Pull | undefined {
    const queue = this.#queue;
    let passed = 0;
    for (let pull = queue.head; pull !== undefined; pull = queue.head) {
      if (pull.endsMs <= nowMs) {
        this.#timeOut(pull);
      } else if (pull.bytesLeft > 0 && bytes > pull.bytesLeft) {
        this.#leave(pull, statusWithRest(EXCEEDS_MAX_BYTES, pull.left, pull.bytesLeft));
      } else if (pull.seenIn !== slice && !this.#host.door.hasListener(pull.to)) {
        this.#remove(pull);
      } else if (pull.heldBy !== 0) {
        if (++passed >= queue.count) return undefined;
        queue.rotate();
      } else {
        pull.seenIn = slice;
        return pull;
      }
    }
    return undefined;
  }

  give(pull: Pull, { bytes }: Parcel, nowMs: number): void {
    if (pull.bytesLeft > 0) {
      pull.bytesLeft -= bytes;
      if (pull.bytesLeft === 0) pull.left = 1;
    }
    pull.given++;
    pull.left--;
    if (pull.left > 0) {
      if (pull.heartbeatMs > 0) pull.beatsMs = nowMs + pull.heartbeatMs;
      this.#queue.rotate();
      return;
    }
    const { bytesLeft } = pull;
    if (bytesLeft > 0) this.#leave(pull, statusWithRest(BATCH_COMPLETED, pull.left, bytesLeft));
    else this.#remove(pull);
  }

  takeBack(pull: Pull): boolean {
    if (pull.isQueued) {
      pull.left++;
      pull.given--;
    }
    return true;
  }

  missed(): void {
    this.scan(false);
  }

  hold(pull: Pull, session: SessionHandle): void {
    if (pull.isQueued) pull.heldBy = session;
  }

  release(session: SessionHandle): void {
    for (const pull of this.#queue) if (pull.heldBy === session) pull.heldBy = 0;
  }

  /** Those that have named a time, and got nothing yet, stay. */
  endOfMessages(): void {
    if (this.#queue.noWaitCount === 0) return;
    const nowMs = this.#host.clock.monotonic();
    for (const pull of this.#queue) if (isServed(pull)) this.#endServed(pull, nowMs);
  }

  /** Of many not each time. */
  look(): void {
    const restMs = this.waiting > FEW ? this.waiting * REST_MS : 0;
    if (this.#host.clock.monotonic() - this.#scannedMs >= restMs) this.scan(false);
  }

  /** Looks at all of them: who is to be told something, and who is gone. */
  scan(isEnd: boolean): void {
    const { clock, door } = this.#host;
    const nowMs = clock.monotonic();
    this.#scannedMs = nowMs;
    this.#dueMs = Number.POSITIVE_INFINITY;
    let wanted = 0;
    for (const pull of this.#queue) {
      if (pull.endsMs <= nowMs) this.#timeOut(pull);
      else if (isEnd && isServed(pull)) this.#endServed(pull, nowMs);
      else if (!door.hasListener(pull.to)) this.#remove(pull);
      else {
        wanted += pull.left;
        if (pull.beatsMs <= nowMs) this.#beat(pull, nowMs);
        this.#dueMs = Math.min(this.#dueMs, pull.dueMs);
      }
    }
    this.#wanted = wanted;
  }

  end(reason: EndReason): void {
    for (const pull of this.#queue) {
      const line = `409 ${reason}`;
      const isShutdown = reason === 'Server Shutdown';
      const { left, bytesLeft } = pull;
      this.#leave(pull, isShutdown ? statusWithRest(line, left, bytesLeft) : status(line));
    }
  }

  #beat(pull: Pull, nowMs: number): void {
    const { lastConsumerSeq, lastStreamSeq } = this.#owner;
    this.#owner.say(pull.to, idleHeartbeat(lastConsumerSeq, lastStreamSeq));
    pull.beatsMs = nowMs + pull.heartbeatMs;
  }

  #endServed(pull: Pull, nowMs: number): void {
    this.#owner.used(nowMs);
    this.#leave(pull, NO_MESSAGES);
  }

  #timeOut(pull: Pull): void {
    this.#owner.used(pull.endsMs);
    this.#leave(pull, statusWithRest(REQUEST_TIMEOUT, pull.left, pull.bytesLeft));
  }

  #leave(pull: Pull, headers: Uint8Array): void {
    this.#owner.say(pull.to, headers);
    this.#remove(pull);
  }

  #remove(pull: Pull): void {
    this.#queue.remove(pull);
    this.#host.pulls.waiting--;
    if (this.#queue.count === 0) this.#host.ahead.waits[this.#slot] = 0;
  }

  #dueAt(dueMs: number): void {
    if (dueMs >= this.#dueMs) return;
    this.#dueMs = dueMs;
    this.#owner.due(dueMs);
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}

/** It does not wait for more. */
function isServed(pull: Pull): boolean {
  return pull.noWait && (!pull.hasEnd || pull.given > 0);
}
