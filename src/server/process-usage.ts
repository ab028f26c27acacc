// What this process takes of the machine, for `/varz`.
import { availableParallelism } from 'node:os';
import type { ProcessUsage } from '../monitoring/index.ts';
import type { Clock } from '../shared/clock.ts';

/** Below this distance a new sample would say little: the last answer is given again. */
const SAMPLE_MS = 1000;

/** How many cores this process may use. */
export function coreCount(): number {
  return availableParallelism();
}

/** Measures between its calls: memory as it is now, processor time since the sample before. */
export class UsageMeter {
  readonly #clock: Clock;
  #sampledAt: number;
  #microseconds: number;
  #cpuPercent = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sampledAt = clock.monotonic();
    this.#microseconds = processorMicroseconds();
  }

  read(): ProcessUsage {
    const now = this.#clock.monotonic();
    const elapsedMs = now - this.#sampledAt;
    if (elapsedMs >= SAMPLE_MS) {
      const microseconds = processorMicroseconds();
      const share = (microseconds - this.#microseconds) / 1000 / elapsedMs;
      this.#cpuPercent = Math.round(share * 1000) / 10;
      this.#sampledAt = now;
      this.#microseconds = microseconds;
    }
    return { memoryBytes: process.memoryUsage.rss(), cpuPercent: this.#cpuPercent };
  }
}

function processorMicroseconds(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
