// What arrives from one peer, on its way into the core: it lies in the inbox, where the transport has put it;
// the unfinished tail goes in front; then op after op. When it may be read, and how much at a time, its pacer says.
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
import { type PacedReader, Pacer } from './pacing/pacer.ts';
import type { Pacing } from './pacing/pacing.ts';
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
  readonly pacing: Pacing;
}

/** `PONG` and its line end: what a peer sends that only answers. */
const PONG_LINE_BYTES = 6;

export class Reader implements PacedReader {
  readonly handle: SessionHandle;
  readonly #core: Core;
  readonly #turn: Turn;
  readonly #session: ReadSession;
  readonly #pacer: Pacer;
  readonly #tail: Tail = new Tail();
  // What `#call` feeds, and what the core said first.
  #ptr = 0;
  #length = 0;
  #first: number = STATUS_OK;
  /** Of this read nothing but PONGs has been consumed. */
  #isAnswer = true;
  readonly #call = (): number => {
    this.#first = this.#core.ingest(this.handle, this.#ptr, this.#length);
    return this.#first;
  };

  constructor({ core, turn, pacing }: ReaderOptions, session: ReadSession) {
    this.#core = core;
    this.#turn = turn;
    this.#session = session;
    this.handle = session.handle;
    this.#pacer = new Pacer(pacing, this);
  }

  /** Where the next read belongs. */
  view(): Uint8Array {
    return this.#pacer.view();
  }

  /** Routes what has been read into the view, in a turn. What that ends is finished at the turn's end. */
  read(length: number): void {
    const turn = this.#turn;
    turn.enter();
    turn.touch();
    try {
      this.#pacer.begin();
      this.#route(length);
      if (this.#session.isOpen()) this.#pacer.routed(length);
    } finally {
      turn.leave();
    }
    if (this.#session.isOpen()) this.#pacer.turnEnded(length, this.#tail.frame);
  }

  /** Something is written to the peer. */
  onWrite(): void {
    this.#pacer.onWrite();
  }

  /** Nothing is read any more. */
  close(): void {
    this.#pacer.close();
    this.#tail.clear();
  }

  stopReading(): void {
    this.#session.transport.pause();
  }

  goOnReading(): void {
    this.#session.transport.resume();
  }

  giveUp(): void {
    const problem = `an unfinished message, of which ${this.#tail.bytes} bytes are here, made no progress`;
    this.#session.giveUp(problem, ClosedReason.ReadError);
  }

  /** Routes the first bytes of the inbox, behind the tail. */
  #route(length: number): void {
    const core = this.#core;
    const { ptr, headroom } = core.inbox;
    const tail = this.#tail;
    this.#isAnswer = true;
    for (let at = 0; at < length && this.#session.isOpen(); ) {
      if (tail.isShortOf(length - at)) {
        tail.append(core.view(ptr + at, length - at));
        this.#pacer.hold(tail.bytes, tail.wanted);
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
        return;
      }
      if (bytes > 0) tail.writeTo(core, start);
      if (!isBehind) core.writeBytes(start + bytes, core.view(ptr + at, count));
      this.#ingest(start, bytes + count);
      at += count;
    }
    this.#session.onRouted(this.#isAnswer);
  }

  #ingest(start: number, bytes: number): void {
    const session = this.#session;
    const { op } = this.#core;
    let ptr = start;
    let length = bytes;
    while (length > 0) {
      this.#ptr = ptr;
      this.#length = length;
      const status = this.#turn.run(this.#call);
      if (!session.isOpen()) return;
      const { consumed } = op;
      this.#pacer.note(op.pressure, op.backlog);
      if (status !== STATUS_OK && status !== STATUS_OP) {
        const problem = `no memory to route what arrived (status ${status})`;
        session.giveUp(problem, ClosedReason.ReadError);
        return;
      }
      const isAnswer = status === STATUS_OP && op.verb === OP_PONG && consumed <= PONG_LINE_BYTES;
      if (consumed > 0 && !isAnswer) this.#isAnswer = false;
      ptr += consumed;
      length -= consumed;
      // The call stopped in between and has been resumed: the op record is that of the stop.
      if (isAgain(this.#first)) continue;
      if (status === STATUS_OK) {
        this.#keepTail(ptr, length, op.need);
        return;
      }
      session.perform();
      if (!session.isOpen()) return;
    }
    this.#keepTail(ptr, 0, 0);
  }

  #keepTail(ptr: number, length: number, need: number): void {
    if (length > 0) {
      this.#tail.replace(this.#core.copy(ptr, length), need);
      this.#pacer.hold(this.#tail.bytes, this.#tail.wanted);
    } else if (this.#tail.bytes > 0) {
      this.#tail.clear();
      this.#pacer.drop();
    }
  }
}

function isAgain(status: number): boolean {
  return status === STATUS_AGAIN_RESULT || status === STATUS_AGAIN_POOL;
}
