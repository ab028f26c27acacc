// One session's pace: whether it may be read, how much its next read may bring, and what follows from the last one.
// It owns all that pacing knows of the session, so that its reader tells it what happened and nothing else.
//
//   may be read ──a reason──► paused, by one bit for each ──the last one ends──► may be read
import type { SessionHandle } from '../../core/index.ts';
import { CrumbWatch } from './crumbs.ts';
import { isLargeFrame, type TailHolder, type UnfinishedRead } from './inbound-budget.ts';
import { LoopHold } from './loop-hold.ts';
import type { Pacing } from './pacing.ts';
import { PAUSE_WAITING } from './pauses.ts';
import type { ReadSize } from './read-size.ts';

/** What is paced. */
export interface PacedReader {
  readonly handle: SessionHandle;
  stopReading(): void;
  goOnReading(): void;
  /** Its unfinished read made no progress while others had no room. */
  giveUp(): void;
}

export class Pacer implements TailHolder {
  readonly #pacing: Pacing;
  readonly #reader: PacedReader;
  readonly #size: ReadSize;
  readonly #crumbs: CrumbWatch;
  readonly #hold: LoopHold;
  /** Why it is not read, in bits. */
  #paused = 0;
  #isClosed = false;
  /** How often it was stalled for a pressed consumer. */
  stalls = 0;
  /** Something was written to its peer since the last read. */
  #isAnswered = false;
  /** When the read at hand began. */
  #start = 0;
  /** Of what it has routed: a consumer is above half of its limit. */
  #isPressed = false;
  /** Most bytes that somebody it has queued something for has to be written. */
  #backlog = 0;

  constructor(pacing: Pacing, reader: PacedReader) {
    this.#pacing = pacing;
    this.#reader = reader;
    this.#size = pacing.sizes.open();
    this.#crumbs = new CrumbWatch(pacing.crumbs, this);
    this.#hold = new LoopHold(this, pacing.defer);
  }

  /** Nothing keeps it from being read. */
  get mayRead(): boolean {
    return this.#paused === 0 && !this.#isClosed;
  }

  /** Where its next read belongs, as long as it may be. */
  view(): Uint8Array {
    return this.#pacing.inbox.view(this.#size.step);
  }

  /** What has been read is going to be routed. */
  begin(): void {
    this.#start = this.#pacing.clock.monotonic();
    this.#isPressed = false;
  }

  /**
   * The core has routed a part of the read.
   *
   * @param isPressed a recipient is above half of its limit
   * @param backlog most bytes that a recipient has pending, 0 without any
   */
  note(isPressed: boolean, backlog: number): void {
    if (isPressed) this.#isPressed = true;
    if (backlog === 0) return;
    if (backlog > this.#backlog) this.#backlog = backlog;
    this.#pacing.outbound.noteBacklog(backlog);
  }

  /** What has come of an unfinished frame is kept. */
  hold(read: UnfinishedRead): void {
    this.#pacing.inbound.hold(this, read);
  }

  /** So many bytes of a read are kept, in the middle of which it waits. */
  keep(bytes: number): void {
    this.#pacing.inbound.keep(this, bytes);
  }

  /** It waits in the middle of a read. */
  wait(): void {
    this.pause(PAUSE_WAITING);
  }

  /** What it has waited for is there. */
  goOn(): void {
    this.resume(PAUSE_WAITING);
  }

  /** Nothing unfinished is kept any more. */
  drop(): void {
    this.#pacing.inbound.drop(this);
  }

  /** A read of so many bytes has been routed; its turn goes on. */
  routed(length: number): void {
    this.#crumbs.read(length);
    this.#stallIfPressed();
  }

  /** The turn of that read is over. @param frame bytes of the frame that is unfinished now, as far as known */
  turnEnded(length: number, frame: number): void {
    const { busyPoll, clock } = this.#pacing;
    const now = clock.monotonic();
    busyPoll?.read(this.#reader.handle, length, now, this.#isAnswered);
    this.#isAnswered = false;
    this.#settle(length, frame, now - this.#start);
  }

  /** The same of a turn in which bytes were routed that had been read before. */
  replayed(length: number, frame: number): void {
    this.#stallIfPressed();
    this.#settle(length, frame, this.#pacing.clock.monotonic() - this.#start);
  }

  #stallIfPressed(): void {
    if (!this.#isPressed) return;
    this.stalls += 1;
    this.#pacing.stalls.pressed(this);
  }

  #settle(length: number, frame: number, milliseconds: number): void {
    const { outbound, stalls } = this.#pacing;
    this.#hold.held(milliseconds);
    this.#size.after(length, isLargeFrame(frame), milliseconds);
    stalls.routed(this, length, this.#backlog, outbound.isBehind);
    this.#backlog = 0;
  }

  /** Something is written to its peer. */
  onWrite(): void {
    this.#isAnswered = true;
    this.#crumbs.interrupt();
  }

  /** Nothing is read any more. */
  close(): void {
    this.#isClosed = true;
    this.#pacing.stalls.forget(this);
    this.drop();
    this.#size.close();
    this.#crumbs.close();
    this.#reader.stopReading();
  }

  // ── For what paces it ───────────────────────────────────────────────────────────────────────────

  pause(why: number): void {
    if (this.#paused === 0) this.#reader.stopReading();
    this.#paused |= why;
  }

  resume(why: number): void {
    if ((this.#paused & why) === 0) return;
    this.#paused &= ~why;
    if (this.mayRead) this.#reader.goOnReading();
  }

  giveUp(): void {
    this.#reader.giveUp();
  }
}
