// Leaving without a jolt: peers are told to go elsewhere, get some time, and are then closed one by one, so
// that they do not all arrive at another server at once.
// Source: nats-server 1787eee, server/server.go, lameDuckMode.
import type { Clock, Timer } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';

/** Two closes are never further apart than this. */
const STEP_MAX_MS = 1000;

interface LameDuckOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  readonly durationMs: number;
  readonly graceMs: number;
  /** The connections there are, each with its end. */
  readonly connections: () => readonly (() => void)[];
}

export class LameDuck {
  readonly #options: LameDuckOptions;
  #timer: Timer | undefined;

  constructor(options: LameDuckOptions) {
    this.#options = options;
    this.#after(options.graceMs, () => this.#closeAll());
  }

  /** Gives up waiting; nothing more is closed. */
  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #closeAll(): void {
    const { logger, connections, durationMs, graceMs } = this.#options;
    logger.info('Closing existing clients');
    const closes = connections();
    const leftMs = durationMs > graceMs ? durationMs - graceMs : STEP_MAX_MS;
    const stepMs = Math.min(leftMs / Math.max(1, closes.length), STEP_MAX_MS);
    // Where a step is shorter than a timer can be, several go at once.
    const batch = Math.max(1, Math.ceil(1 / stepMs));
    this.#closeNext(closes, 0, batch, stepMs * batch);
  }

  #closeNext(closes: readonly (() => void)[], from: number, batch: number, stepMs: number): void {
    const end = Math.min(closes.length, from + batch);
    for (let i = from; i < end; i++) closes[i]!();
    if (end === closes.length) return;
    const waitMs = stepMs * Math.max(0.5, this.#options.random());
    this.#after(waitMs, () => this.#closeNext(closes, end, batch, stepMs));
  }

  #after(delayMs: number, fn: () => void): void {
    this.#timer = this.#options.clock.setTimeout(fn, delayMs);
  }
}
