// A bound for all unfinished reads together. Above it, whoever has one is not read until there is room; when
// there is none for ten seconds, the one that has been longest without progress is given up.
// Small frames and large ones have a budget each, so that withheld large payloads do not stop the others.
import type { Clock, Timer } from '../shared/clock.ts';

/** A frame is large when it does not fit the headroom of the inbox. */
const LARGE_FRAME_BYTES = 65_536;
/** The share of small frames. */
const SMALL_SHARE = 0.25;
/** What one read may add, and what the transport of a session that is not read may have read ahead. */
const READ_BYTES = 65_536;
const NO_PROGRESS_MS = 10_000;

/** A session, as far as its unfinished read goes. */
export interface TailHolder {
  stopReading(): void;
  goOnReading(): void;
  /** There has been no room for it. It has to `drop` what it holds. */
  giveUp(): void;
}

interface Holding {
  bytes: number;
  /** When it last grew, monotonic milliseconds. */
  progress: number;
}

class Budget {
  readonly #max: number;
  readonly #clock: Clock;
  /** In the order of progress. */
  readonly #holdings = new Map<TailHolder, Holding>();
  readonly #stopped = new Set<TailHolder>();
  #bytes = 0;
  #timer: Timer | undefined;

  constructor(max: number, clock: Clock) {
    this.#max = max;
    this.#clock = clock;
  }

  get bytes(): number {
    return this.#bytes;
  }

  hold(holder: TailHolder, bytes: number): void {
    const before = this.#holdings.get(holder)?.bytes ?? 0;
    this.#bytes += bytes - before;
    this.#holdings.delete(holder);
    this.#holdings.set(holder, { bytes, progress: this.#clock.monotonic() });
    if (this.#room() >= 0 || this.#stopped.has(holder)) return;
    this.#stopped.add(holder);
    holder.stopReading();
    this.#arm();
  }

  drop(holder: TailHolder): void {
    const holding = this.#holdings.get(holder);
    if (holding === undefined) return;
    this.#holdings.delete(holder);
    this.#bytes -= holding.bytes;
    if (this.#stopped.delete(holder)) holder.goOnReading();
    let room = this.#room();
    for (const stopped of this.#stopped) {
      if (room <= 0) return;
      room -= READ_BYTES;
      this.#stopped.delete(stopped);
      stopped.goOnReading();
    }
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #room(): number {
    return this.#max - this.#bytes - this.#stopped.size * READ_BYTES;
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#stopped.size === 0) return;
    const [oldest] = this.#holdings.values();
    if (oldest === undefined) return;
    const delay = oldest.progress + NO_PROGRESS_MS - this.#clock.monotonic();
    this.#timer = this.#clock.setTimeout(() => this.#expire(), Math.max(0, delay), { unref: true });
  }

  #expire(): void {
    this.#timer = undefined;
    const now = this.#clock.monotonic();
    for (const [holder, { progress }] of this.#holdings) {
      if (this.#stopped.size === 0 || progress + NO_PROGRESS_MS > now) break;
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
    this.#small = new Budget(max * SMALL_SHARE, clock);
    this.#large = new Budget(max * (1 - SMALL_SHARE), clock);
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
    const isLarge = Math.max(bytes, wanted) > LARGE_FRAME_BYTES;
    (isLarge ? this.#small : this.#large).drop(holder);
    (isLarge ? this.#large : this.#small).hold(holder, bytes);
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
