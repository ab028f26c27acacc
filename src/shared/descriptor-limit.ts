// How many descriptors a process may have, as Linux says it in `/proc/self/limits`.

/** Infinity: that is not said. */
export function descriptorLimit(limits: string): number {
  const match = /^Max open files +(\d+)/m.exec(limits);
  return match === null ? Number.POSITIVE_INFINITY : Number(match[1]);
}
