// A bound for all unfinished reads together. Above it, whoever has one is not read until there is room. Some
// are read to their end all the same, the first that came, so that there is always somebody who finishes and
// makes room; the next in line takes the place. Who of those that are read makes no progress for ten seconds
// while others wait is given up.
// Small frames and large ones have a budget each, so that withheld large payloads do not stop the others.
import type { Clock, Timer } from '../shared/clock.ts';

/** A frame is large when it does not fit the headroom of the inbox. */
const LARGE_FRAME_BYTES = 65_536;
/** What one read may add. */
const READ_BYTES = 65_536;
/** Room kept for each holder of a large frame: those that come when it is full bring a first read, too. */
const LARGE_RESERVE_BYTES = 2 * READ_BYTES;
/** The share of small frames. */
const SMALL_SHARE = 0.4;
/** The share, of either budget, of those that are read to their end. */
const FINISHING_SHARE = 0.25;
const NO_PROGRESS_MS = 10_000;

/** A session, as far as its unfinished read goes. */
export interface TailHolder {
  stopReading(): void;
  goOnReading(): void;
  /** There has been no room for it. It has to `drop` what it holds. */
  giveUp(): void;
}

interface Holding {
  readonly bytes: number;
  /** Of the whole frame, as far as known. */
  readonly wanted: number;
  /** When it last grew, monotonic milliseconds. */
  readonly progress: number;
}

class Budget {
  readonly #max: number;
  /** Counted for each holder beside what it holds. */
  readonly #reserve: number;
  readonly #clock: Clock;
  /** In the order of progress. */
  readonly #holdings = new Map<TailHolder, Holding>();
  /** Read to the end, each with the bytes of its frame. */
  readonly #finishing = new Map<TailHolder, number>();
  /** Read while there is room. */
  readonly #reading = new Set<TailHolder>();
  /** In the order in which they were stopped. */
  readonly #stopped = new Set<TailHolder>();
  #bytes = 0;
  #finishingBytes = 0;
  #timer: Timer | undefined;

  constructor(max: number, reserve: number, clock: Clock) {
    this.#max = max;
    this.#reserve = reserve;
    this.#clock = clock;
  }

  get bytes(): number {
    return this.#bytes;
  }

  hold(holder: TailHolder, bytes: number, wanted: number): void {
    this.#bytes += bytes - (this.#holdings.get(holder)?.bytes ?? 0);
    this.#holdings.delete(holder);
    this.#holdings.set(holder, { bytes, wanted, progress: this.#clock.monotonic() });
    if (this.#mayFinish(holder, wanted) || this.#stopped.has(holder)) return;
    this.#reading.add(holder);
    if (this.#room() >= 0) return;
    for (const reading of this.#reading) {
      this.#stopped.add(reading);
      reading.stopReading();
    }
    this.#reading.clear();
    this.#arm();
  }

  drop(holder: TailHolder): void {
    const holding = this.#holdings.get(holder);
    if (holding === undefined) return;
    this.#holdings.delete(holder);
    this.#bytes -= holding.bytes;
    this.#finishingBytes -= this.#finishing.get(holder) ?? 0;
    this.#finishing.delete(holder);
    this.#reading.delete(holder);
    if (this.#stopped.delete(holder)) holder.goOnReading();
    let room = this.#room();
    for (const stopped of this.#stopped) {
      const { wanted } = this.#holdings.get(stopped) as Holding;
      if (!this.#mayFinish(stopped, wanted)) {
        if (room <= 0) return;
        room -= READ_BYTES;
        this.#reading.add(stopped);
      }
      this.#stopped.delete(stopped);
      stopped.goOnReading();
    }
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #room(): number {
    return this.#max - this.#bytes - this.#holdings.size * this.#reserve;
  }

  /** It is one of those that are read to their end, or becomes one now. */
  #mayFinish(holder: TailHolder, wanted: number): boolean {
    if (this.#finishing.has(holder)) return true;
    const fits = this.#finishingBytes + wanted <= this.#max * FINISHING_SHARE;
    if (!fits && this.#finishing.size > 0) return false;
    this.#reading.delete(holder);
    this.#finishing.set(holder, wanted);
    this.#finishingBytes += wanted;
    return true;
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#stopped.size === 0) return;
    for (const [holder, { progress }] of this.#holdings) {
      if (this.#stopped.has(holder)) continue;
      const delayMs = Math.max(0, progress + NO_PROGRESS_MS - this.#clock.monotonic());
      this.#timer = this.#clock.setTimeout(() => this.#expire(), delayMs, { unref: true });
      return;
    }
  }

  #expire(): void {
    this.#timer = undefined;
    const before = this.#clock.monotonic() - NO_PROGRESS_MS;
    for (const [holder, { progress }] of this.#holdings) {
      if (this.#stopped.size === 0 || progress > before) break;
      if (this.#stopped.has(holder)) continue;
      holder.giveUp();
      this.drop(holder);
    }
    this.#arm();
  }
}

export class InboundBudget {
  readonly #small: Budget;
  readonly #large: Budget;

  /** @param max bytes of all unfinished reads together */
  constructor(max: number, clock: Clock) {
    this.#small = new Budget(max * SMALL_SHARE, 0, clock);
    this.#large = new Budget(max * (1 - SMALL_SHARE), LARGE_RESERVE_BYTES, clock);
  }

  /** Bytes held now. */
  get bytes(): number {
    return this.#small.bytes + this.#large.bytes;
  }

  /**
   * `holder` holds so many bytes now, and has made progress.
   *
   * @param wanted length of the unfinished frame, 0 when not known
   */
  hold(holder: TailHolder, bytes: number, wanted: number): void {
    const frame = Math.max(bytes, wanted);
    const isLarge = frame > LARGE_FRAME_BYTES;
    (isLarge ? this.#small : this.#large).drop(holder);
    (isLarge ? this.#large : this.#small).hold(holder, bytes, frame);
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
