// Tells who looks after the disk that the loop has waited for a write; not of each.
import { Seldom } from '../../../shared/seldom.ts';
import type { TailOptions } from './tail.ts';

/** A write that takes so long is told. */
const SLOW_MS = 20;

export class WriteTimes {
  readonly #options: Pick<TailOptions, 'clock' | 'warn'>;
  readonly #seldom: Seldom;

  constructor(options: Pick<TailOptions, 'clock' | 'warn'>) {
    this.#options = options;
    this.#seldom = new Seldom(options.clock);
  }

  took(startMs: number, bytes: number, path: string): void {
    const { clock, warn } = this.#options;
    const ms = clock.monotonic() - startMs;
    if (ms < SLOW_MS || !this.#seldom.isTime()) return;
    warn(`${path}: writing ${bytes} bytes has held the loop for ${Math.round(ms)} ms`);
  }
}
