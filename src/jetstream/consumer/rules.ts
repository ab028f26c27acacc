// What a consumer's configuration means for its messages, computed once: numbers where the wire has 64 bits, milliseconds
// where it has nanoseconds, Infinity where it has no bound.
import { NANOS_PER_MS } from '../../shared/time.ts';
import type { Int } from '../json-reader.ts';
import type { ConsumerConfig } from './config.ts';

export interface ConsumerRules {
  /** None = all subjects. */
  readonly filters: readonly string[];
  /** For the ack of the first delivery, of the second and so on; the last one for all that follow. */
  readonly ackWaitsMs: readonly number[];
  /** By which a delay that a -NAK asks for is counted. */
  readonly ackWaitMs: number;
  readonly acks: 'none' | 'all' | 'explicit';
  readonly maxDeliver: number;
  readonly maxAckPending: number;
  readonly maxWaiting: number;
  readonly headersOnly: boolean;
  /** Messages come as far from each other as they were stored. */
  readonly replaysTimes: boolean;
  /** Acks in a hundred that a metric tells of. */
  readonly samplePercent: number;
  /** Where messages are pushed to, and the queue group that has to listen; '' = it is pulled from, any. */
  readonly deliverTo: string;
  readonly deliverGroup: string;
  /** 0 = none. */
  readonly heartbeatMs: number;
  readonly hasFlowControl: boolean;
  /** 0 = no bound. */
  readonly bitsPerSecond: number;
  /** Without pulls and acks, or a subscription to where it pushes, for so long it goes. */
  readonly inactiveMs: number;
}

/** Source: nats-server 2.15.3, server/consumer.go, addConsumerWithAssignment, updateConfig. */
export function rulesOf(config: ConsumerConfig): ConsumerRules {
  const { ack_wait = 0, backoff = [], max_deliver = -1, max_ack_pending = -1 } = config;
  const { max_waiting = 0, inactive_threshold = 0, sample_freq = '' } = config;
  const {
    deliver_subject = '',
    deliver_group = '',
    idle_heartbeat = 0,
    rate_limit_bps = 0,
  } = config;
  const ackWaitMs = boundMs(Number(ack_wait));
  return {
    filters: filtersOf(config),
    ackWaitsMs: waitsOf(backoff, ackWaitMs),
    ackWaitMs,
    acks: config.ack_policy,
    maxDeliver: bound(Number(max_deliver)),
    maxAckPending: config.ack_policy === 'none' ? bound(0) : bound(Number(max_ack_pending)),
    maxWaiting: bound(Number(max_waiting)),
    headersOnly: config.headers_only === true,
    replaysTimes: config.replay_policy === 'original',
    samplePercent: Number.parseInt(sample_freq, 10) || 0,
    deliverTo: deliver_subject,
    deliverGroup: deliver_group,
    heartbeatMs: Number(idle_heartbeat) / NANOS_PER_MS,
    hasFlowControl: config.flow_control === true,
    bitsPerSecond: Number(rate_limit_bps),
    inactiveMs: boundMs(Number(inactive_threshold)),
  };
}

/** A wait of zero is as long as the first; when that is zero, nothing falls due. */
function waitsOf(backoff: readonly Int[], ackWaitMs: number): readonly number[] {
  if (backoff.length === 0 || ackWaitMs === Number.POSITIVE_INFINITY) return [ackWaitMs];
  return backoff.map((wait) => (wait > 0 ? boundMs(Number(wait)) : ackWaitMs));
}

/** None: everything. */
export function filtersOf({
  filter_subject,
  filter_subjects = [],
}: ConsumerConfig): readonly string[] {
  const filters =
    filter_subject === undefined || filter_subject === '' ? filter_subjects : [filter_subject];
  return filters.includes('>') ? [] : filters;
}

function bound(value: number): number {
  return value > 0 ? value : Number.POSITIVE_INFINITY;
}

function boundMs(nanoseconds: number): number {
  return bound(nanoseconds / NANOS_PER_MS);
}
