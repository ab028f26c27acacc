// What peers may take of the memory that this process may use.
import { leastInboundMax } from '../bridge/pacing/inbound-budget.ts';
import {
  INBOUND_SHARE,
  type Limits,
  OUTBOUND_SHARE,
  SUBSCRIPTION_BYTES_MAX,
  SUBSCRIPTION_SHARE,
} from '../shared/limits.ts';
import { usableMemory } from '../shared/memory.ts';

/** Bytes queued for all peers. */
export function defaultOutboundMax(): number {
  return share(OUTBOUND_SHARE);
}

/** Bytes of unfinished reads of all peers; never less than what keeps its promise with these limits. */
export function defaultInboundMax(limits: Pick<Limits, 'maxPayload' | 'maxConnections'>): number {
  return Math.max(share(INBOUND_SHARE), leastInboundMax(limits));
}

/** Bytes of all subscriptions. */
export function subscriptionBytesMax(): number {
  return Math.min(SUBSCRIPTION_BYTES_MAX, share(SUBSCRIPTION_SHARE));
}

function share(part: number): number {
  return Math.floor(usableMemory() * part);
}
