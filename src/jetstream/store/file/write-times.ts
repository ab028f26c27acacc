// Tells who looks after the disk that the loop has waited for a write; not of each.
import type { TailOptions } from './tail.ts';

/** A write that takes so long is told, one in so long. */
const SLOW_MS = 20;
const PAUSE_MS = 10_000;

export class WriteTimes {
  readonly #options: Pick<TailOptions, 'clock' | 'warn'>;
  #toldMs: number = Number.NEGATIVE_INFINITY;

  constructor(options: Pick<TailOptions, 'clock' | 'warn'>) {
    this.#options = options;
  }

  took(startMs: number, bytes: number, path: string): void {
    const { clock, warn } = this.#options;
    const nowMs = clock.monotonic();
    if (nowMs - startMs < SLOW_MS || nowMs - this.#toldMs < PAUSE_MS) return;
    this.#toldMs = nowMs;
    const ms = Math.round(nowMs - startMs);
    warn(`${path}: writing ${bytes} bytes has held the loop for ${ms} ms`);
  }
}
