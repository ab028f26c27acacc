// How much memory this process may use: that of the machine, or what the container leaves it. A bound that does not
// follow the container is none there, for the kernel ends the process before it is met.
import { totalmem } from 'node:os';

/** Bytes. */
export function usableMemory(): number {
  const constrained = process.constrainedMemory?.() ?? 0;
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}
