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
  STATUS_SPENT,
} from '../core/index.ts';
import type { Transport } from '../net/transport.ts';
import { ClosedReason } from './closing.ts';
import type { Feed } from './feed.ts';
import type { Performed } from './ops.ts';
import type { UnfinishedRead } from './pacing/inbound-budget.ts';
import { type PacedReader, Pacer } from './pacing/pacer.ts';
import type { Pacing } from './pacing/pacing.ts';
import { Replay, type Replays } from './replay.ts';
import { Tail } from './tail.ts';

/** The session that is read. */
export interface ReadSession {
  readonly handle: SessionHandle;
  readonly transport: Transport;
  /** Asked after every op and every delivery: both may end it. */
  isOpen(): boolean;
  /** Does what the core's op asks for. `wait`: what is behind it waits, until the reader is told to go on. */
  perform(): Performed;
  /** A read has been routed. Unless it was nothing but a PONG, the peer has said something. */
  onRouted(isAnswer: boolean): void;
  /** It cannot go on: `problem` is for the log. */
  giveUp(problem: string, reason: ClosedReason): void;
}

interface ReaderOptions {
  readonly core: Core;
  readonly turn: Turn;
  readonly feed: Feed;
  readonly pacing: Pacing;
  readonly replays: Replays;
}

/** `PONG` and its line end: what a peer sends that only answers. */
const PONG_LINE_BYTES = 6;
/** The first piece of a replay: a long tail that waits in each of its ops is not copied whole for each. */
const PIECE_BYTES = 4096;

export class Reader implements PacedReader {
  readonly handle: SessionHandle;
  readonly #host: ReaderOptions;
  readonly #session: ReadSession;
  readonly #pacer: Pacer;
  readonly #tail: Tail = new Tail();
  /** While a read is left in the middle: what comes belongs behind the tail. */
  #replay: Replay | undefined;
  /** Bytes that the unfinished frame behind it lacks, 0 when that is not known. */
  #need = 0;
  /** Of this read nothing but PONGs has been consumed. */
  #isAnswer = true;
  /** Bytes of what has come that the transport keeps. */
  #kept = 0;
  /** How often it has become less. */
  #keptCount = 0;
  /** The peer has ended its side; what it has said before is still to be replayed. */
  #onDone: (() => void) | undefined;

  constructor(host: ReaderOptions, session: ReadSession) {
    this.#host = host;
    this.#session = session;
    this.handle = session.handle;
    this.#pacer = new Pacer(host.pacing, this);
  }

  /** How often it was paused for a pressed consumer. */
  get stalls(): number {
    return this.#pacer.stalls;
  }

  /** It waits for us in the middle of a read. */
  get isWaiting(): boolean {
    return this.#replay !== undefined;
  }

  /** Where the next read belongs. */
  view(): Uint8Array {
    return this.#pacer.view();
  }

  /** Routes what has been read into the view, in a turn. What that ends is finished at the turn's end. */
  read(length: number): void {
    const { turn } = this.#host;
    turn.enter();
    turn.touch();
    try {
      this.#pacer.begin();
      this.#host.feed.begin();
      this.#route(length);
      if (this.#session.isOpen()) this.#pacer.routed(length);
    } finally {
      turn.leave();
    }
    if (this.#session.isOpen()) this.#pacer.turnEnded(length, this.#tail.frame);
  }

  /** What the session has waited for in the middle of a read is there. */
  goOn(): void {
    this.#pacer.goOn();
  }

  /** The transport keeps so many bytes, which count as the tail does. */
  kept(bytes: number): void {
    // Less is the end of a message of the transport only where no frame is left unfinished.
    if (bytes < this.#kept && this.#tail.bytes === 0) this.#keptCount += 1;
    this.#kept = bytes;
    this.#hold();
  }

  /** Calls `fn` when nothing that has come is going to be looked at any more: now, nearly always. */
  whenDone(fn: () => void): void {
    if (this.isWaiting) this.#onDone = fn;
    else fn();
  }

  /** Something is written to the peer. */
  onWrite(): void {
    this.#pacer.onWrite();
  }

  /** Nothing is read any more. */
  close(): void {
    this.#pacer.close();
    this.#tail.clear();
    this.#endReplay();
    this.#tellDone();
  }

  stopReading(): void {
    this.#session.transport.pause();
  }

  goOnReading(): void {
    if (this.#replay !== undefined) this.#replay.schedule();
    else this.#session.transport.resume();
  }

  giveUp(): void {
    const bytes = this.#tail.bytes + this.#kept;
    const problem = `an unfinished message, of which ${bytes} bytes are here, made no progress`;
    this.#session.giveUp(problem, ClosedReason.ReadError);
  }

  #tellDone(): void {
    const onDone = this.#onDone;
    this.#onDone = undefined;
    onDone?.();
  }

  /** Routes what was left of a read, in a turn; a reason to wait that has come meanwhile goes first. */
  #replayTail(): void {
    if (!this.#pacer.mayRead) return;
    this.#endReplay();
    const tail = this.#tail;
    const { bytes } = tail;
    if (bytes === 0) this.#hold();
    else {
      this.#host.turn.within(() => {
        this.#pacer.begin();
        this.#host.feed.begin();
        this.#isAnswer = true;
        this.#replayPieces();
        this.#session.onRouted(this.#isAnswer);
      });
      if (this.#session.isOpen()) this.#pacer.replayed(bytes - tail.bytes, tail.frame);
    }
    // Who has ended his side brings nothing more: he is not kept for want of room for it.
    if (!this.isWaiting && this.#onDone !== undefined) this.#tellDone();
    else if (this.#pacer.mayRead) this.goOnReading();
  }

  /** Each piece is twice as long as the one before, so what is copied again is no more than what is done. */
  #replayPieces(): void {
    const { core } = this.#host;
    const tail = this.#tail;
    let isMore = true;
    for (let size = PIECE_BYTES; isMore && !this.isWaiting; size *= 2) {
      const bytes = Math.min(tail.bytes, size);
      const start = bytes <= core.inbox.bytes ? core.inbox.ptr : core.gather(bytes);
      if (start === 0) {
        this.#noMemory(bytes);
        return;
      }
      tail.writeTo(core, start, bytes);
      const done = this.#ingest(start, bytes);
      if (!this.#session.isOpen()) return;
      isMore = bytes < tail.bytes;
      tail.take(done, this.#need === 0 ? 0 : bytes - done + this.#need);
    }
    if (!this.isWaiting) tail.trim();
    this.#hold();
  }

  #endReplay(): void {
    this.#replay?.end();
    this.#replay = undefined;
  }

  /** Routes the first bytes of the inbox, behind the tail. */
  #route(length: number): void {
    const { core } = this.#host;
    const { ptr, headroom } = core.inbox;
    const tail = this.#tail;
    this.#isAnswer = true;
    for (let at = 0; at < length && this.#session.isOpen(); ) {
      if (this.isWaiting || tail.isShortOf(length - at)) {
        tail.append(core.view(ptr + at, length - at));
        this.#hold();
        break;
      }
      const { bytes } = tail;
      // In front of what is left of the read, or both in a region of their own: of the read as much as the
      // frame lacks, or all when that is not known.
      const isBehind = bytes <= headroom + at;
      const count = isBehind || tail.wanted === 0 ? length - at : tail.wanted - bytes;
      const start = isBehind ? ptr + at - bytes : core.gather(bytes + count);
      if (start === 0) {
        this.#noMemory(bytes + count);
        return;
      }
      if (bytes > 0) tail.writeTo(core, start);
      if (!isBehind) core.writeBytes(start + bytes, core.view(ptr + at, count));
      const done = this.#ingest(start, bytes + count);
      if (this.#session.isOpen()) this.#keep(start + done, bytes + count - done, done > 0);
      at += count;
    }
    this.#session.onRouted(this.#isAnswer);
  }

  /** @returns how many bytes are done; behind them is an unfinished frame, or what has to wait */
  #ingest(start: number, bytes: number): number {
    const session = this.#session;
    const { feed } = this.#host;
    const { op } = this.#host.core;
    let ptr = start;
    let length = bytes;
    this.#need = 0;
    while (length > 0) {
      const status = feed.run(this.handle, ptr, length);
      if (!session.isOpen()) break;
      const { consumed } = op;
      this.#pacer.note(op.pressed !== 0, op.backlog);
      if (status !== STATUS_OK && status !== STATUS_OP && status !== STATUS_SPENT) {
        const problem = `no memory to route what arrived (status ${status})`;
        session.giveUp(problem, ClosedReason.ReadError);
        break;
      }
      const isAnswer = status === STATUS_OP && op.verb === OP_PONG && consumed <= PONG_LINE_BYTES;
      if (consumed > 0 && !isAnswer) this.#isAnswer = false;
      ptr += consumed;
      length -= consumed;
      // The call stopped in between and has been resumed: the op record is that of the stop.
      if (isAgain(feed.first)) continue;
      if (status === STATUS_OK) {
        this.#need = op.need;
        break;
      }
      const performed = status === STATUS_SPENT ? 'wait' : session.perform();
      if (!session.isOpen()) break;
      if (performed === 'wait') {
        this.#wait();
        if (status === STATUS_SPENT) this.#pacer.goOn();
        break;
      }
    }
    return bytes - length;
  }

  /** What is behind in the read waits until `goOn`; without a budget no longer than others have their turn. */
  #wait(): void {
    this.#replay = new Replay(this.#host.replays, () => this.#replayTail());
    this.#pacer.wait();
  }

  /** What is left of the read becomes the tail. */
  #keep(ptr: number, length: number, isNew: boolean): void {
    const tail = this.#tail;
    if (length > 0) tail.replace(this.#host.core.copy(ptr, length), this.#need, isNew);
    else if (tail.bytes > 0) tail.clear();
    else return;
    this.#hold();
  }

  /** The tail, and what the transport keeps, are counted among all that is kept. */
  #hold(): void {
    const { bytes, held } = this.#tail;
    if (bytes + this.#kept === 0) this.#pacer.drop();
    else if (this.isWaiting) this.#pacer.keep(held + this.#kept);
    else this.#pacer.hold(this.#kept + this.#keptCount === 0 ? this.#tail : this.#allKept());
  }

  /** The tail and what the transport keeps, as one: less of the latter is another of its messages. */
  #allKept(): UnfinishedRead {
    const { bytes, held, wanted, frames } = this.#tail;
    const kept = this.#kept;
    return { held: held + kept, bytes: bytes + kept, wanted, frames: frames + this.#keptCount };
  }

  #noMemory(bytes: number): void {
    const problem = `no memory for a message of ${bytes} bytes`;
    this.#session.giveUp(problem, ClosedReason.ReadError);
  }
}

function isAgain(status: number): boolean {
  return status === STATUS_AGAIN_RESULT || status === STATUS_AGAIN_POOL;
}
