// What arrives from one peer, on its way into the core: it lies in the inbox, where the transport has put it;
// the unfinished tail goes in front; then op after op. It stops reading while all unfinished
// reads together are too many, and for a moment when a consumer is under pressure.
import type { Turn } from '../bus/turn.ts';
import {
  type Core,
  OP_PONG,
  type SessionHandle,
  STATUS_AGAIN_POOL,
  STATUS_AGAIN_RESULT,
  STATUS_OK,
  STATUS_OP,
} from '../core/index.ts';
import type { Transport } from '../net/transport.ts';
import type { Clock } from '../shared/clock.ts';
import type { BusyPoll } from './busy-poll.ts';
import { ClosedReason } from './closing.ts';
import { type CrumbSource, type Crumbs, CrumbWatch } from './crumbs.ts';
import { type InboundBudget, isLargeFrame, type TailHolder } from './inbound-budget.ts';
import type { Inbox } from './inbox.ts';
import type { Outbound } from './outbound.ts';
import { isAhead, type Pressure, type Publisher } from './pressure.ts';
import type { ReadSize, ReadSizes } from './read-size.ts';
import { Tail } from './tail.ts';

/** The session that is read. */
export interface ReadSession {
  readonly handle: SessionHandle;
  readonly transport: Transport;
  /** Asked after every op and every delivery: both may end it. */
  isOpen(): boolean;
  /** Does what the core's op asks for. */
  perform(): void;
  /** A read has been routed. Unless it was nothing but a PONG, the peer has said something. */
  onRouted(isAnswer: boolean): void;
  /** It cannot go on: `problem` is for the log. */
  giveUp(problem: string, reason: ClosedReason): void;
}

interface ReaderOptions {
  readonly core: Core;
  readonly turn: Turn;
  readonly outbound: Outbound;
  readonly inbox: Inbox;
  readonly readSizes: ReadSizes;
  readonly inbound: InboundBudget;
  readonly pressure: Pressure;
  readonly crumbs: Crumbs;
  readonly busyPoll: BusyPoll | undefined;
  readonly behind: Pressure;
  readonly ahead: Pressure;
  readonly clock: Clock;
  /** Runs a function once this turn of the event loop has no more reads. */
  readonly defer: (fn: () => void) => void;
}

/** Why the transport is not read. */
const PAUSED_BUDGET = 1;
export const PAUSED_PRESSURE = 2;
const PAUSED_CRUMBS = 4;
export const PAUSED_BEHIND = 8;
export const PAUSED_AHEAD = 16;
const PAUSED_LONG = 32;
/** After reads that took longer, as the loop's timers see it, none of the same session in that turn of the loop. */
const LONG_MS = 2;
/** A socket is read no more often in a turn of the loop, so reads that take less than their share are not counted. */
const TURN_READS = 32;
/** `PONG` and its line end: what a peer sends that only answers. */
const PONG_LINE_BYTES = 6;

export class Reader implements TailHolder, Publisher, CrumbSource {
  readonly #options: ReaderOptions;
  readonly #session: ReadSession;
  readonly #tail: Tail = new Tail();
  readonly #size: ReadSize;
  readonly #crumbs: CrumbWatch;
  #paused = 0;
  // What `#call` feeds, and what the core said first.
  #ptr = 0;
  #length = 0;
  #first: number = STATUS_OK;
  /** When the read began. */
  #start = 0;
  /** How long it has held up the loop in this turn of it. */
  #heldMs = 0;
  /** Most bytes that somebody it has queued something for has to be written. */
  #backlog = 0;
  /** Of this read nothing but PONGs has been consumed. */
  #isAnswer = true;
  readonly #call = (): number => {
    this.#first = this.#options.core.ingest(this.#session.handle, this.#ptr, this.#length);
    return this.#first;
  };

  constructor(options: ReaderOptions, session: ReadSession) {
    this.#options = options;
    this.#session = session;
    this.#size = options.readSizes.open();
    this.#crumbs = new CrumbWatch(options.crumbs, this);
  }

  /** Where the next read belongs. */
  view(): Uint8Array {
    return this.#options.inbox.view(this.#size.step);
  }

  /** Routes what has been read into the view. Part of a turn; what it ends is finished at the turn's end. */
  read(length: number): void {
    const { clock, pressure } = this.#options;
    this.#start = clock.monotonic();
    const isPressed = this.#route(length);
    if (!this.#session.isOpen()) return;
    this.#crumbs.read(length);
    if (isPressed) pressure.pause(this);
  }

  /**
   * The turn of a read of so many bytes is over. Who has queued what could not all be written yet waits for that;
   * who has held up the loop, until it has turned.
   */
  turnEnded(length: number): void {
    // Its end has closed the size.
    if (!this.#session.isOpen()) return;
    const { ahead, behind, busyPoll, clock, outbound } = this.#options;
    const tail = this.#tail;
    const isCovered = isLargeFrame(Math.max(tail.bytes, tail.wanted));
    const now = clock.monotonic();
    const milliseconds = now - this.#start;
    busyPoll?.read(this.#session.handle, length, now);
    if (milliseconds > LONG_MS / TURN_READS) this.#holdUp(milliseconds);
    this.#size.after(length, isCovered, milliseconds);
    if (isAhead(length, this.#backlog)) ahead.pause(this);
    if (this.#backlog > 0 && outbound.isBehind) behind.pause(this);
    this.#backlog = 0;
  }

  /** Nothing is read any more. */
  close(): void {
    const { pressure, behind, ahead, inbound } = this.#options;
    pressure.forget(this);
    behind.forget(this);
    ahead.forget(this);
    inbound.drop(this);
    this.#tail.clear();
    this.#size.close();
    this.#crumbs.close();
    this.#session.transport.pause();
  }

  stopReading(): void {
    this.#pause(PAUSED_BUDGET);
  }

  goOnReading(): void {
    this.#resume(PAUSED_BUDGET);
  }

  giveUp(): void {
    const problem = `an unfinished message, of which ${this.#tail.bytes} bytes are here, made no progress`;
    this.#session.giveUp(problem, ClosedReason.ReadError);
  }

  /** Something is written to the peer. */
  onWrite(): void {
    this.#crumbs.interrupt();
  }

  rest(): void {
    this.#pause(PAUSED_CRUMBS);
  }

  wake(): void {
    this.#resume(PAUSED_CRUMBS);
  }

  stall(why: number): void {
    this.#pause(why);
  }

  unstall(why: number): void {
    this.#resume(why);
  }

  #holdUp(milliseconds: number): void {
    if (this.#heldMs === 0) this.#options.defer(() => this.#loopTurned());
    this.#heldMs += milliseconds;
    if (this.#heldMs > LONG_MS) this.#pause(PAUSED_LONG);
  }

  #loopTurned(): void {
    this.#heldMs = 0;
    this.#resume(PAUSED_LONG);
  }

  /**
   * Routes the first bytes of the inbox, behind the tail.
   *
   * @returns true when a recipient is above half of its limit
   */
  #route(length: number): boolean {
    const { core, inbound } = this.#options;
    const { ptr, headroom } = core.inbox;
    const tail = this.#tail;
    let isPressed = false;
    this.#isAnswer = true;
    for (let at = 0; at < length && this.#session.isOpen(); ) {
      if (tail.isShortOf(length - at)) {
        tail.append(core.view(ptr + at, length - at));
        inbound.hold(this, tail.bytes, tail.wanted);
        break;
      }
      const { bytes } = tail;
      // In front of what is left of the read, or both in a region of their own: of the read as much as the
      // frame lacks, or all when that is not known.
      const isBehind = bytes <= headroom + at;
      const count = isBehind || tail.wanted === 0 ? length - at : tail.wanted - bytes;
      const start = isBehind ? ptr + at - bytes : core.gather(bytes + count);
      if (start === 0) {
        const problem = `no memory for a message of ${bytes + count} bytes`;
        this.#session.giveUp(problem, ClosedReason.ReadError);
        return false;
      }
      if (bytes > 0) tail.writeTo(core, start);
      if (!isBehind) core.writeBytes(start + bytes, core.view(ptr + at, count));
      isPressed = this.#ingest(start, bytes + count) || isPressed;
      at += count;
    }
    this.#session.onRouted(this.#isAnswer);
    return isPressed;
  }

  #ingest(start: number, bytes: number): boolean {
    const { core, turn, outbound } = this.#options;
    const session = this.#session;
    const { op } = core;
    let ptr = start;
    let length = bytes;
    let isPressed = false;
    while (length > 0) {
      this.#ptr = ptr;
      this.#length = length;
      const status = turn.run(this.#call);
      if (!session.isOpen()) return false;
      const { consumed } = op;
      isPressed ||= op.pressure;
      if (op.backlog > 0) {
        this.#backlog = Math.max(this.#backlog, op.backlog);
        outbound.noteBacklog(op.backlog);
      }
      if (status !== STATUS_OK && status !== STATUS_OP) {
        const problem = `no memory to route what arrived (status ${status})`;
        session.giveUp(problem, ClosedReason.ReadError);
        return false;
      }
      const isAnswer = status === STATUS_OP && op.verb === OP_PONG && consumed <= PONG_LINE_BYTES;
      if (consumed > 0 && !isAnswer) this.#isAnswer = false;
      ptr += consumed;
      length -= consumed;
      // The call stopped in between and has been resumed: the op record is that of the stop.
      if (isAgain(this.#first)) continue;
      if (status === STATUS_OK) {
        this.#keepTail(ptr, length, op.need);
        return isPressed;
      }
      session.perform();
      if (!session.isOpen()) return false;
    }
    this.#keepTail(ptr, 0, 0);
    return isPressed;
  }

  #keepTail(ptr: number, length: number, need: number): void {
    const { core, inbound } = this.#options;
    if (length > 0) {
      this.#tail.replace(core.copy(ptr, length), need);
      inbound.hold(this, this.#tail.bytes, this.#tail.wanted);
    } else if (this.#tail.bytes > 0) {
      this.#tail.clear();
      inbound.drop(this);
    }
  }

  #pause(why: number): void {
    if (this.#paused === 0) this.#session.transport.pause();
    this.#paused |= why;
  }

  #resume(why: number): void {
    if ((this.#paused & why) === 0) return;
    this.#paused &= ~why;
    if (this.#paused === 0 && this.#session.isOpen()) this.#session.transport.resume();
  }
}

function isAgain(status: number): boolean {
  return status === STATUS_AGAIN_RESULT || status === STATUS_AGAIN_POOL;
}
