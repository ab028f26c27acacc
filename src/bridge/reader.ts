// What arrives from one peer, on its way into the core: pieces no larger than the inbox, the unfinished tail in
// front, op after op. It stops reading while all unfinished reads together are too many, and for a moment
// when a consumer is under pressure.
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
import { ClosedReason } from './closing.ts';
import type { InboundBudget, TailHolder } from './inbound-budget.ts';
import type { Outbound } from './outbound.ts';
import type { Pressure, Publisher } from './pressure.ts';
import { Tail } from './tail.ts';

/** The session that is read. */
export interface ReadSession {
  readonly handle: SessionHandle;
  readonly transport: Transport;
  /** Asked after every op and every delivery: both may end it. */
  isOpen(): boolean;
  /** Does what the core's op asks for. */
  perform(): void;
  /** Something other than PONG has come. */
  heard(): void;
  /** A read has been routed. */
  noteActivity(): void;
  /** It cannot go on: `problem` is for the log. */
  giveUp(problem: string, reason: ClosedReason): void;
}

export interface ReaderOptions {
  readonly core: Core;
  readonly turn: Turn;
  readonly outbound: Outbound;
  readonly inbound: InboundBudget;
  readonly pressure: Pressure;
}

/** Why the transport is not read. */
const PAUSED_BUDGET = 1;
const PAUSED_PRESSURE = 2;
/** `PONG` and its line end: what a peer sends that only answers. */
const PONG_LINE_BYTES = 6;

export class Reader implements TailHolder, Publisher {
  readonly #options: ReaderOptions;
  readonly #session: ReadSession;
  readonly #tail: Tail = new Tail();
  #paused = 0;

  constructor(options: ReaderOptions, session: ReadSession) {
    this.#options = options;
    this.#session = session;
  }

  /** Routes what has arrived. Part of a turn; what it ends is finished at the turn's end. */
  read(bytes: Uint8Array): void {
    const { bytes: room } = this.#options.core.inbox;
    let isPressed = false;
    for (let at = 0; at < bytes.length && this.#session.isOpen(); at += room) {
      const piece = bytes.length <= room ? bytes : bytes.subarray(at, at + room);
      isPressed = this.#piece(piece) || isPressed;
    }
    if (isPressed && this.#session.isOpen()) this.#options.pressure.pause(this);
  }

  /** Nothing is read any more. */
  close(): void {
    this.#options.pressure.forget(this);
    this.#options.inbound.drop(this);
    this.#tail.clear();
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

  stall(): void {
    this.#pause(PAUSED_PRESSURE);
  }

  unstall(): void {
    this.#resume(PAUSED_PRESSURE);
  }

  /** @returns true when a recipient is above half of its limit */
  #piece(piece: Uint8Array): boolean {
    const { core, inbound } = this.#options;
    const tail = this.#tail;
    if (tail.isShortOf(piece.length)) {
      tail.append(piece);
      inbound.hold(this, tail.bytes, tail.wanted);
      return false;
    }
    const length = tail.bytes + piece.length;
    const ptr = tail.place(core, piece);
    if (ptr === 0) {
      this.#session.giveUp(`no memory for a message of ${length} bytes`, ClosedReason.ReadError);
      return false;
    }
    const isPressed = this.#ingest(ptr, length);
    this.#session.noteActivity();
    return isPressed;
  }

  #ingest(start: number, bytes: number): boolean {
    const { core, turn, outbound } = this.#options;
    const session = this.#session;
    let ptr = start;
    let length = bytes;
    let isPressed = false;
    while (length > 0) {
      let first = STATUS_OK;
      const status = turn.run(() => {
        first = core.ingest(session.handle, ptr, length);
        return first;
      });
      if (!session.isOpen()) return false;
      const { consumed, need, verb, pressure, backlog } = core.op;
      isPressed ||= pressure;
      outbound.noteBacklog(backlog);
      if (status !== STATUS_OK && status !== STATUS_OP) {
        const problem = `no memory to route what arrived (status ${status})`;
        session.giveUp(problem, ClosedReason.ReadError);
        return false;
      }
      const isAnswer = status === STATUS_OP && verb === OP_PONG && consumed <= PONG_LINE_BYTES;
      if (consumed > 0 && !isAnswer) session.heard();
      ptr += consumed;
      length -= consumed;
      // The call stopped in between and has been resumed: the op record is that of the stop.
      if (isAgain(first)) continue;
      if (status === STATUS_OK) {
        this.#keepTail(ptr, length, need);
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
