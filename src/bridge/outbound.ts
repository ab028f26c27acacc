// What the core has queued for the peers, on its way to their transports.
//
//   core: region ──take──► batch ──write──► transport: taken ─► release, settle
//                            │                        held ──► … done ─► release, settle
//                            └─ pool short: copied, released at once; copies wait in `waiting`
//                               (so is everything where linear memory may move)
//
// A held batch keeps its chunks until `done`, even when the session has been given up meanwhile. Copies are
// made so that the chunks come back whatever the sockets do: from the moment at which the pool is short until most of it
// is free, so that much can be queued again before the next copies. What is queued for thousands is written in slices,
// one in a turn of the loop, and so are copies made, so that nothing else waits for all of them. `outboundMax` bounds
// everything that is queued for peers: chunks, copies and shared payloads.
import {
  type Core,
  type OutboundRegions,
  peersOf,
  type SessionHandle,
  type Sessions,
  type Take,
} from '../core/index.ts';
import type { Transport } from '../net/transport.ts';
import type { Clock } from '../shared/clock.ts';
import { InvariantError } from '../shared/errors.ts';
import { SLICE_MS } from '../shared/slices.ts';
import { SharedPayloads } from './shared-payloads.ts';

/** Bytes that belong together until they have been written. */
interface Batch {
  readonly views: Uint8Array[];
  /** Ids of shared payloads that it refers to, one per reference. */
  readonly shared: number[];
  bytes: number;
  /** The chunks in linear memory have been given back. */
  readonly isCopy: boolean;
  /** Bytes of copies that it keeps, shared payloads not counted. */
  copied: number;
}

/** One session's way out. */
export interface Outlet {
  readonly handle: SessionHandle;
  readonly transport: Transport;
  /** Nothing is written any more; what is taken is thrown away. */
  readonly isDiscarding: boolean;
  /** Something is written to it. */
  onWrite(): void;
  /** The transport holds what was written. */
  onHeld(): void;
  /** The transport is done with it. */
  onReported(error: Error | undefined): void;
  /** A held write has ended, and nothing more is there to send. */
  onIdle(): void;
  /** The session must go: everybody's pending bytes are too many, and its are the most. */
  onTooMuch(): void;
}

interface Channel {
  readonly outlet: Outlet;
  held: Batch | undefined;
  waiting: Batch | undefined;
  /** The transport is done with what is held. */
  readonly onDone: (error?: Error) => void;
}

interface OutboundOptions {
  readonly core: Core;
  readonly outboundMax: number;
  readonly clock: Clock;
  /** The loop's reads are done: what is to be written with all that they have queued is queued now. */
  readonly onDue: () => void;
  /** Everything has been written. */
  readonly onCaughtUp: () => void;
  /** Runs a function once this turn's reads are done. */
  readonly defer: (fn: () => void) => void;
}

/** A session with so many bytes pending is not kept waiting for the end of the loop's turn. */
const EAGER_BYTES = 32_768;
/** The same for what the program publishes, told by the pool: most sessions have filled their first chunk. */
const EAGER_POOL_BYTES = 8192;
const EAGER_POOL_MIN = 65_536;
/** Writes between two looks at the clock; a slice is some hundreds of small ones. */
const SLICE_WRITES = 8;
/** Bytes whose copy takes as long as a write: a millisecond a MiB, most of it for pages that are new. */
const COPIED_PER_WRITE = 32_768;
// Shares of the pool. Above the first it is short, and copies are made until no more than the second is used. Above the
// third nothing waits for the next slice; and where all of it is used, copies of the fourth make room.
const POOL_SHORT = 1 / 2;
const POOL_EASED = 1 / 8;
const POOL_SPENT = 7 / 8;
const POOL_STEP = 1 / 32;

export class Outbound {
  readonly shared: SharedPayloads = new SharedPayloads();
  readonly #core: Core;
  readonly #sessions: Sessions;
  readonly #regions: OutboundRegions;
  readonly #outboundMax: number;
  readonly #clock: Clock;
  readonly #onDue: () => void;
  readonly #onCaughtUp: () => void;
  readonly #defer: (fn: () => void) => void;
  readonly #channels = new Map<SessionHandle, Channel>();
  #copiedBytes = 0;
  /** What sessions that are given up still hold; it comes back soon. */
  readonly #lost = new Map<SessionHandle, number>();
  #lostBytes = 0;
  #backlog = 0;
  #poolAtFlush = 0;
  #isScheduled = false;
  #isFlushing = false;
  #isBehind = false;
  /** The pool has been short, and most of it is not free yet. */
  #isEasing = false;
  #isClosed = false;
  /** Who is told when a session has less than so many bytes pending. */
  readonly #drains = new Map<
    SessionHandle,
    { readonly below: number; readonly fns: (() => void)[] }
  >();
  readonly #onDeferred = (): void => {
    // What is queued meanwhile needs no flush of its own.
    try {
      if (!this.#isClosed) this.#onDue();
    } finally {
      this.#isScheduled = false;
    }
    if (this.#isClosed) return;
    this.#flushSlice();
    this.#ease();
  };

  constructor(options: OutboundOptions) {
    this.#core = options.core;
    const { sessions, outbound } = peersOf(options.core);
    this.#sessions = sessions;
    this.#regions = outbound;
    this.#outboundMax = options.outboundMax;
    this.#clock = options.clock;
    this.#onDue = options.onDue;
    this.#onCaughtUp = options.onCaughtUp;
    this.#defer = options.defer;
  }

  /** Nothing is written any more, not even what was put off: the core's sessions may be another's from now on. */
  close(): void {
    this.#isClosed = true;
  }

  /** Bytes held for all peers: chunks, copies and shared payloads, without those of given-up sessions. */
  get bytes(): number {
    const all = this.#core.poolUsed + this.#copiedBytes + this.shared.bytes;
    return Math.max(0, all - this.#lostBytes);
  }

  add(outlet: Outlet): void {
    const channel: Channel = {
      outlet,
      held: undefined,
      waiting: undefined,
      onDone: (error) => this.#reported(channel, error),
    };
    this.#channels.set(outlet.handle, channel);
  }

  remove(handle: SessionHandle): void {
    this.#channels.delete(handle);
    this.#lostBytes -= this.#lost.get(handle) ?? 0;
    this.#lost.delete(handle);
    if (this.#drains.size > 0) this.#drained(handle);
  }

  isHeld(handle: SessionHandle): boolean {
    return this.#channels.get(handle)?.held !== undefined;
  }

  /** The write that the transport holds, undefined without one. */
  heldOf(handle: SessionHandle): { readonly chunks: number; readonly bytes: number } | undefined {
    const held = this.#channels.get(handle)?.held;
    return held === undefined ? undefined : { chunks: held.views.length, bytes: held.bytes };
  }

  /** A session to which this turn has appended now has so many bytes pending. */
  noteBacklog(bytes: number): void {
    if (bytes > this.#backlog) this.#backlog = bytes;
  }

  /** At the end of a turn: writes now when much has come together, else when the loop's turn is over. */
  turnEnded(): void {
    const { poolUsed, poolMax } = this.#core;
    if (this.#isBehind) {
      // The next slice is on its way, unless so much comes that it cannot be waited for.
      if (poolUsed > poolMax * POOL_SPENT || this.bytes > this.#outboundMax) this.flush();
      return;
    }
    const share = Math.max(EAGER_POOL_MIN, this.#channels.size * EAGER_POOL_BYTES);
    const grown = poolUsed - this.#poolAtFlush;
    if (this.#backlog >= EAGER_BYTES || grown > Math.min(share, poolMax / 4)) this.#flushSlice();
    else this.#schedule();
  }

  /** The work of the loop's end has queued what belongs to it: it is written now. */
  loopEnded(): void {
    if (!this.#isClosed && !this.#isBehind) this.#flushSlice();
  }

  /** Calls `fn` once, later, when less than `below` bytes are pending for the session, or it is gone. */
  whenDrained(handle: SessionHandle, below: number, fn: () => void): void {
    const isGone = !this.#channels.has(handle) || this.#lost.has(handle);
    if (isGone || this.#sessions.pending(handle) < below) {
      this.#defer(fn);
      return;
    }
    const drain = this.#drains.get(handle);
    if (drain === undefined) this.#drains.set(handle, { below, fns: [fn] });
    else drain.fns.push(fn);
  }

  #drained(handle: SessionHandle): void {
    const drain = this.#drains.get(handle);
    if (drain === undefined) return;
    const isGone = !this.#channels.has(handle) || this.#lost.has(handle);
    if (!isGone && this.#sessions.pending(handle) >= drain.below) return;
    this.#drains.delete(handle);
    for (const fn of drain.fns) this.#defer(fn);
  }

  /** Something is queued that a slice has not come to. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** Writes whatever every session has to send, and makes some room in a pool that is short. */
  flush(): void {
    if (this.#isFlushing) return;
    this.#flushUntil(Number.POSITIVE_INFINITY);
    const { poolUsed, poolMax } = this.#core;
    if (this.#isPoolShort())
      this.#copyUntil(Number.POSITIVE_INFINITY, poolUsed - poolMax * POOL_STEP);
  }

  /** The same, but ends after a while and goes on in the next turn of the loop. */
  #flushSlice(): void {
    this.#flushUntil(this.#clock.monotonic() + SLICE_MS);
  }

  #flushUntil(deadline: number): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    this.#backlog = 0;
    try {
      this.#isBehind = !this.#sendUntil(deadline);
    } finally {
      this.#isFlushing = false;
    }
    if (this.#isPoolShort()) this.#isEasing = true;
    if (this.#isBehind || this.#isEasing) this.#schedule();
    if (!this.#isBehind) this.#poolAtFlush = this.#core.poolUsed;
    this.#checkTotal();
    if (!this.#isBehind) this.#onCaughtUp();
  }

  /** False: the time is over, and more waits. */
  #sendUntil(deadline: number): boolean {
    for (let writes = 0; ; ) {
      const take = this.#regions.take();
      if (take === undefined) return true;
      writes += 1 + this.#send(take) / COPIED_PER_WRITE;
      if (writes < SLICE_WRITES) continue;
      if (this.#clock.monotonic() >= deadline) return false;
      writes = 0;
    }
  }

  /** Writes, or throws away, what one session has to send. True when nothing is left of it. */
  flushSession(handle: SessionHandle): boolean {
    while (!this.isHeld(handle)) {
      const take = this.#regions.takeFrom(handle);
      if (take === undefined) return true;
      this.#send(take);
    }
    return false;
  }

  /** The session is given up: throws away what waits behind a held write. */
  discard(handle: SessionHandle): void {
    const channel = this.#channels.get(handle);
    if (channel === undefined || this.#lost.has(handle)) return;
    const { waiting } = channel;
    channel.waiting = undefined;
    if (waiting !== undefined) this.#finish(handle, waiting);
    const pending = this.#sessions.pending(handle);
    this.#lost.set(handle, pending);
    this.#lostBytes += pending;
    if (this.#drains.size > 0) this.#drained(handle);
  }

  #isPoolShort(): boolean {
    return this.#core.poolUsed > this.#core.poolMax * POOL_SHORT;
  }

  /** A slice of the copies that make room in the pool, and the next one in the next turn of the loop. */
  #ease(): void {
    if (!this.#isEasing) return;
    const deadline = this.#clock.monotonic() + SLICE_MS;
    this.#isEasing = !this.#copyUntil(deadline, this.#core.poolMax * POOL_EASED);
    this.#poolAtFlush = Math.min(this.#poolAtFlush, this.#core.poolUsed);
    if (this.#isEasing) this.#schedule();
  }

  /**
   * What has come together behind held writes is copied, so that its chunks go back, until no more than so much of the
   * pool is used. False: the time is over before that.
   */
  #copyUntil(deadline: number, poolGoal: number): boolean {
    for (const [handle, channel] of this.#channels) {
      if (channel.held === undefined) continue;
      for (
        let take = this.#regions.takeCopy(handle);
        take !== undefined;
        take = this.#regions.takeCopy(handle)
      ) {
        const batch = this.#batch(take, true);
        this.#regions.copied();
        this.#copiedBytes += batch.copied;
        if (channel.outlet.isDiscarding) this.#finish(handle, batch);
        else channel.waiting = merge(channel.waiting, batch);
        if (this.#core.poolUsed <= poolGoal) return true;
        if (this.#clock.monotonic() >= deadline) return false;
      }
    }
    return true;
  }

  /** There is going to be a flush after the reads of this turn of the loop. */
  #schedule(): void {
    if (this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    this.#defer(this.#onDeferred);
  }

  /** @returns bytes that it had to copy */
  #send(take: Take): number {
    const { session } = take;
    const channel = this.#channels.get(session);
    if (channel === undefined) {
      throw new InvariantError(`the core offers session ${session}, which is closed`);
    }
    const { outlet } = channel;
    const isBusy = channel.held !== undefined;
    const isCopy = isBusy || !this.#core.growsInPlace || this.#isPoolShort();
    const batch = this.#batch(take, isCopy && !outlet.isDiscarding);
    if (batch.isCopy) this.#regions.release(session);
    this.#copiedBytes += batch.copied;
    if (outlet.isDiscarding) this.#finish(session, batch);
    else if (isBusy) channel.waiting = merge(channel.waiting, batch);
    else this.#write(channel, batch);
    return batch.copied;
  }

  #batch(take: Take, isCopy: boolean): Batch {
    const batch: Batch = { views: [], shared: [], bytes: take.bytes, copied: 0, isCopy };
    for (const { ptr, length, shared } of take.segments) {
      if (shared !== 0) {
        batch.shared.push(shared);
        batch.views.push(this.shared.get(shared));
      } else {
        batch.views.push(isCopy ? this.#core.copy(ptr, length) : this.#core.view(ptr, length));
        if (isCopy) batch.copied += length;
      }
    }
    return batch;
  }

  #write(channel: Channel, batch: Batch): void {
    const { outlet } = channel;
    channel.held = batch;
    outlet.onWrite();
    if (outlet.transport.write(batch.views, channel.onDone) === 'held') {
      outlet.onHeld();
      return;
    }
    channel.held = undefined;
    this.#finish(outlet.handle, batch);
  }

  /** The transport is done with a held write: the next one begins. */
  #reported(channel: Channel, error: Error | undefined): void {
    const { outlet, held } = channel;
    const { handle } = outlet;
    channel.held = undefined;
    if (held !== undefined) this.#finish(handle, held);
    outlet.onReported(error);
    if (this.#channels.get(handle) !== channel) return;
    const { waiting } = channel;
    channel.waiting = undefined;
    if (waiting !== undefined) this.#write(channel, waiting);
    if (this.flushSession(handle)) outlet.onIdle();
  }

  /** The bytes have left, or are lost. */
  #finish(handle: SessionHandle, batch: Batch): void {
    if (!batch.isCopy) this.#regions.release(handle);
    this.#regions.settle(handle, batch.bytes);
    this.#copiedBytes -= batch.copied;
    for (const id of batch.shared) this.shared.release(id);
    if (this.#drains.size > 0) this.#drained(handle);
  }

  /** While everybody together holds too much, the session with the most pending has to go. */
  #checkTotal(): void {
    if (this.bytes <= this.#outboundMax) return;
    const stuck: [outlet: Outlet, pending: number][] = [];
    for (const { outlet, held } of this.#channels.values()) {
      if (outlet.isDiscarding || held === undefined) continue;
      stuck.push([outlet, this.#sessions.pending(outlet.handle)]);
    }
    stuck.sort(([, a], [, b]) => b - a);
    for (const [outlet] of stuck) {
      if (this.bytes <= this.#outboundMax) return;
      outlet.onTooMuch();
    }
  }
}

function merge(first: Batch | undefined, second: Batch): Batch {
  if (first === undefined) return second;
  first.views.push(...second.views);
  first.shared.push(...second.shared);
  first.bytes += second.bytes;
  first.copied += second.copied;
  return first;
}
