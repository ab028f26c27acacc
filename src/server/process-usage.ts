// What this process takes of the machine, for `/varz`, and what it may take.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { ProcessUsage } from '../monitoring/index.ts';
import type { Clock } from '../shared/clock.ts';
import { descriptorLimit } from '../shared/descriptor-limit.ts';

/** Below this distance a new sample would say little: the last answer is given again. */
const SAMPLE_MS = 1000;

/** How many cores this process may use. */
export function coreCount(): number {
  return availableParallelism();
}

let descriptors: number | undefined;

/** How many descriptors this process may have, as it was when that was asked first; Infinity where it is not told. */
export function descriptorMax(): number {
  descriptors ??= readDescriptorMax();
  return descriptors;
}

function readDescriptorMax(): number {
  try {
    const limit = descriptorLimit(readFileSync('/proc/self/limits', 'utf8'));
    if (limit !== Number.POSITIVE_INFINITY) return limit;
  } catch {
    // Not a Linux.
  }
  try {
    const { userLimits } = process.report.getReport() as { userLimits?: UserLimits };
    return Number(userLimits?.open_files?.soft ?? Number.NaN) || Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

interface UserLimits {
  readonly open_files?: { readonly soft: number | string };
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
