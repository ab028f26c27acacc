// Resident memory of another process, as Linux tells it.

import { readFileSync } from 'node:fs';

/** What a process holds now, and the most it has held; MiB. */
export interface Resident {
  readonly nowMiB: number;
  readonly peakMiB: number;
}

/** Zeros for a process that has ended. */
export function readResident(pid: number): Resident {
  let text = '';
  try {
    text = readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    // It has ended, and nothing is held.
  }
  const of = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) / 1024;
  return { nowMiB: of('VmRSS'), peakMiB: of('VmHWM') };
}
