// A bound for all unfinished reads together, and for the reads that are still to come: what a session may bring
// with its next read counts before it is here. Above it, whoever has an unfinished read is not read until there
// is room. Some are read to their end all the same, the first that came, so that there is always somebody who
// finishes and makes room; the next in line takes the place. While others wait, whoever of those that are read has
// brought too little in the last seconds is given up, the slowest first: a byte now and then is no progress.
//
//   ┌ whole inbox ┬──── first reads ────┬─ small frames ─┬──────── large frames ────────┐
//   └──── 1/16 ───┴──────── 1/4 ────────┴──── 1/4 ───────┴──────────── 7/16 ────────────┘
//     read-size.ts: wide                  finishing 1/4, reading 3/4 of each
//
// Small frames and large ones have a budget each, so that withheld large payloads do not stop the others. A session
// whose first read comes when its budget is full is stopped, and what it holds is taken from the first reads. One that
// waits for us, and not for its peer, in the middle of a read is counted, but neither stopped nor given up.
import type { Clock, Timer } from '../../shared/clock.ts';
import { DEFAULT_LIMITS, type Limits } from '../../shared/limits.ts';
import { PAUSE_ROOM, type Paced } from './pauses.ts';
import { READ_BYTES, READ_BYTES_LEAST } from './read-size.ts';

/** A frame is large when it does not fit the headroom of the inbox. */
const LARGE_FRAME_BYTES = 65_536;
const WIDE_SHARE = 1 / 16;
const FIRST_SHARE = 1 / 4;
const SMALL_SHARE = 1 / 4;
const LARGE_SHARE = 1 - WIDE_SHARE - FIRST_SHARE - SMALL_SHARE;
/** The share, of either budget, of those that are read to their end. */
const FINISHING_SHARE = 1 / 4;
/** While others wait, a frame has to end, or to grow by PROGRESS_BYTES, within PROGRESS_MS: 32 KiB a second. */
const PROGRESS_MS = 2000;
const PROGRESS_BYTES = 65_536;
/** So many are given up in one go: each costs up to a tenth of a millisecond. */
const GIVE_UP_MAX = 32;
/** There has to be room for that many messages, so that some of those that finish can be large. */
const PAYLOADS_LEAST = 16;
/** Reads of the least size take an eighth of the whole. */
const LEAST_READS = 8;

/** How the bound is shared. */
interface InboundShares {
  /** Bytes for sessions that read into the whole inbox. */
  readonly wide: number;
  /** Bytes for the next reads of sessions that hold nothing. */
  readonly first: number;
  /** Connections for which the least read is set aside. */
  readonly connectionsMax: number;
}

export function inboundShares(
  limits: Pick<Limits, 'inboundMax' | 'maxConnections'>,
): InboundShares {
  const { inboundMax, maxConnections } = limits;
  return {
    wide: inboundMax * WIDE_SHARE,
    first: inboundMax * FIRST_SHARE,
    connectionsMax: maxConnections === 0 ? DEFAULT_LIMITS.maxConnections : maxConnections,
  };
}

/** The least `inboundMax` that keeps what it promises. */
export function leastInboundMax(limits: Pick<Limits, 'maxPayload' | 'maxConnections'>): number {
  const { maxPayload, maxConnections } = limits;
  const most = DEFAULT_LIMITS.maxConnections;
  const connections = maxConnections === 0 ? most : Math.min(maxConnections, most);
  const forReads = connections * READ_BYTES_LEAST * LEAST_READS;
  return Math.max(forReads, PAYLOADS_LEAST * maxPayload);
}

/** Whether a frame of that length is counted with its next read. */
export function isLargeFrame(bytes: number): boolean {
  return bytes > LARGE_FRAME_BYTES;
}

/** A session, as far as its unfinished read goes. */
export interface TailHolder extends Paced {
  /** There has been no room for it. It has to `drop` what it holds. */
  giveUp(): void;
}

/** What a session keeps of a frame that has not all come. */
export interface UnfinishedRead {
  /** Bytes of memory that it takes. */
  readonly held: number;
  /** Bytes of it that have come. */
  readonly bytes: number;
  /** Bytes of the whole frame, 0 when that is not known. */
  readonly wanted: number;
  /** Another number for another frame. */
  readonly frames: number;
}

interface Holding {
  /** Bytes of memory. */
  bytes: number;
  /** Bytes of the whole frame, as far as known. */
  frame: number;
  frames: number;
  /** When it last made progress, monotonic milliseconds, and how many bytes of the frame had come then. */
  progress: number;
  mark: number;
  /** It is read to its end. */
  isFinishing: boolean;
  /** Bytes that count for it: the whole frame if it is finishing, else what it holds; and its next read. */
  charge: number;
}

class Budget {
  #finishingMax: number;
  #readingMax: number;
  /** Counted for the next read of each that is read. */
  readonly #reserve: number;
  readonly #clock: Clock;
  /** In the order of progress. */
  readonly #holdings = new Map<TailHolder, Holding>();
  /** Bytes of those that wait for us. */
  readonly #kept = new Map<TailHolder, number>();
  /** In the order in which they were stopped. */
  readonly #stopped = new Set<TailHolder>();
  #bytes = 0;
  #finishingCount = 0;
  #finishing = 0;
  /** Those that are stopped, and those that wait for us, included. */
  #reading = 0;
  #timer: Timer | undefined;

  constructor(max: number, reserve: number, clock: Clock) {
    this.#finishingMax = max * FINISHING_SHARE;
    this.#readingMax = max - this.#finishingMax;
    this.#reserve = reserve;
    this.#clock = clock;
  }

  /** So many bytes from now on; what is held stays. */
  resize(max: number): void {
    this.#finishingMax = max * FINISHING_SHARE;
    this.#readingMax = max - this.#finishingMax;
    this.#wake();
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes beyond the budget. */
  get overdraft(): number {
    const finishing = Math.max(0, this.#finishing - this.#finishingMax);
    return finishing + Math.max(0, this.#reading - this.#readingMax);
  }

  hold(holder: TailHolder, read: UnfinishedRead, frame: number): void {
    this.#release(holder);
    const holding = this.#holdings.get(holder) ?? this.#open(holder);
    this.#bytes += read.held - holding.bytes;
    holding.bytes = read.held;
    holding.frame = frame;
    if (read.frames !== holding.frames || read.bytes - holding.mark >= PROGRESS_BYTES) {
      holding.frames = read.frames;
      holding.mark = read.bytes;
      this.#noteProgress(holder, holding);
    }
    if (this.#stopped.has(holder)) this.#charge(holding, read.held);
    else if (!this.#admits(holding)) this.#stop(holder, holding);
    this.#wake();
  }

  /** It holds so many bytes and waits for us: it is neither read nor given up, and finishes for nobody. */
  keep(holder: TailHolder, bytes: number): void {
    this.#release(holder);
    this.#forget(holder);
    this.#kept.set(holder, bytes);
    this.#bytes += bytes;
    this.#reading += bytes;
    this.#wake();
  }

  drop(holder: TailHolder): void {
    this.#release(holder);
    this.#forget(holder);
    this.#wake();
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** It holds nothing yet. */
  #open(holder: TailHolder): Holding {
    const holding: Holding = {
      bytes: 0,
      frame: 0,
      frames: -1,
      progress: 0,
      mark: 0,
      isFinishing: false,
      charge: 0,
    };
    this.#holdings.set(holder, holding);
    return holding;
  }

  /** It goes to the end of the order. */
  #noteProgress(holder: TailHolder, holding: Holding): void {
    holding.progress = this.#clock.monotonic();
    this.#holdings.delete(holder);
    this.#holdings.set(holder, holding);
  }

  #stop(holder: TailHolder, holding: Holding): void {
    this.#charge(holding, holding.bytes);
    this.#stopped.add(holder);
    holder.pause(PAUSE_ROOM);
    this.#arm();
  }

  /** Whoever has changed what counts calls this last: those that are stopped go on, as far as there is room. */
  #wake(): void {
    if (this.#stopped.size === 0) return;
    for (const stopped of this.#stopped) {
      const holding = this.#holdings.get(stopped) as Holding;
      if (!this.#admits(holding)) return;
      this.#stopped.delete(stopped);
      // It has waited for us: its time begins now.
      this.#noteProgress(stopped, holding);
      stopped.resume(PAUSE_ROOM);
    }
  }

  #forget(holder: TailHolder): void {
    const holding = this.#holdings.get(holder);
    if (holding === undefined) return;
    this.#holdings.delete(holder);
    this.#bytes -= holding.bytes;
    this.#charge(holding, 0);
    if (holding.isFinishing) this.#finishingCount -= 1;
    if (this.#stopped.delete(holder)) holder.resume(PAUSE_ROOM);
  }

  /** It does not wait for us any more. */
  #release(holder: TailHolder): void {
    const bytes = this.#kept.get(holder);
    if (bytes === undefined) return;
    this.#kept.delete(holder);
    this.#bytes -= bytes;
    this.#reading -= bytes;
  }

  /** There is room for its next read. It is one of those that are read to their end, or becomes one, if it can. */
  #admits(holding: Holding): boolean {
    const whole = holding.frame + this.#reserve;
    if (!holding.isFinishing) {
      const fits = this.#finishing + whole <= this.#finishingMax;
      if (!fits && this.#finishingCount > 0) {
        const charge = holding.bytes + this.#reserve;
        if (this.#reading - holding.charge + charge > this.#readingMax) return false;
        this.#charge(holding, charge);
        return true;
      }
      this.#charge(holding, 0);
      holding.isFinishing = true;
      this.#finishingCount += 1;
    }
    this.#charge(holding, whole);
    return true;
  }

  #charge(holding: Holding, charge: number): void {
    const more = charge - holding.charge;
    holding.charge = charge;
    if (holding.isFinishing) this.#finishing += more;
    else this.#reading += more;
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#stopped.size === 0) return;
    for (const [holder, { progress }] of this.#holdings) {
      if (this.#stopped.has(holder)) continue;
      const delayMs = Math.max(0, progress + PROGRESS_MS - this.#clock.monotonic());
      this.#timer = this.#clock.setTimeout(() => this.#expire(), delayMs, { unref: true });
      return;
    }
  }

  #expire(): void {
    this.#timer = undefined;
    const before = this.#clock.monotonic() - PROGRESS_MS;
    let count = 0;
    for (const [holder, { progress }] of this.#holdings) {
      if (this.#stopped.size === 0 || progress > before || count === GIVE_UP_MAX) break;
      if (this.#stopped.has(holder)) continue;
      count += 1;
      holder.giveUp();
      this.drop(holder);
    }
    this.#arm();
  }
}

export class InboundBudget {
  readonly #small: Budget;
  readonly #large: Budget;

  /** @param max bytes of all unfinished reads together, and of first reads to come */
  constructor(max: number, clock: Clock) {
    this.#small = new Budget(max * SMALL_SHARE, 0, clock);
    this.#large = new Budget(max * LARGE_SHARE, READ_BYTES, clock);
  }

  /** Another bound from now on. */
  resize(max: number): void {
    this.#small.resize(max * SMALL_SHARE);
    this.#large.resize(max * LARGE_SHARE);
  }

  /** Bytes held now. */
  get bytes(): number {
    return this.#small.bytes + this.#large.bytes;
  }

  /** Bytes that are held beyond the two budgets: the first reads have to do without. */
  get overdraft(): number {
    return this.#small.overdraft + this.#large.overdraft;
  }

  /** `holder` has so much of a frame now. */
  hold(holder: TailHolder, read: UnfinishedRead): void {
    const frame = Math.max(read.held, read.wanted);
    const isLarge = isLargeFrame(frame);
    (isLarge ? this.#small : this.#large).drop(holder);
    (isLarge ? this.#large : this.#small).hold(holder, read, frame);
  }

  /** `holder` waits for us with so many bytes of a read. */
  keep(holder: TailHolder, bytes: number): void {
    const isLarge = isLargeFrame(bytes);
    (isLarge ? this.#small : this.#large).drop(holder);
    (isLarge ? this.#large : this.#small).keep(holder, bytes);
  }

  /** `holder` holds nothing any more. */
  drop(holder: TailHolder): void {
    this.#small.drop(holder);
    this.#large.drop(holder);
  }

  close(): void {
    this.#small.close();
    this.#large.close();
  }
}
