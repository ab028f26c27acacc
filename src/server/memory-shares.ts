// What peers may take of the memory that this process may use: that of the machine, or what the container leaves it.
// A bound that does not follow the container is none there, for the kernel ends the process before it is met.
import { totalmem } from 'node:os';
import { leastInboundMax } from '../bridge/pacing/inbound-budget.ts';
import {
  DEFAULT_LIMITS,
  INBOUND_SHARE,
  type Limits,
  OUTBOUND_SHARE,
  SUBSCRIPTION_BYTES_MAX,
  SUBSCRIPTION_SHARE,
} from '../shared/limits.ts';

/** Bytes queued for all peers. */
export function defaultOutboundMax(): number {
  return share(OUTBOUND_SHARE);
}

/** Bytes of unfinished reads of all peers; never less than what keeps its promise with these limits. */
export function defaultInboundMax(limits: Pick<Limits, 'maxPayload' | 'maxConnections'>): number {
  const most = Math.min(DEFAULT_LIMITS.inboundMax, share(INBOUND_SHARE));
  return Math.max(most, leastInboundMax(limits));
}

/** Bytes of all subscriptions. */
export function subscriptionBytesMax(): number {
  return Math.min(SUBSCRIPTION_BYTES_MAX, share(SUBSCRIPTION_SHARE));
}

function share(part: number): number {
  const constrained = process.constrainedMemory?.() ?? 0;
  const memoryBytes = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
  return Math.floor(memoryBytes * part);
}
