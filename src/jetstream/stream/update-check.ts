// What of a stream may be changed, and what follows from a change.
// Source: nats-server 2.15.3, server/stream.go, configUpdateCheckLocked and updateWithAdvisory.
import { type ApiError, refusal } from '../errors.ts';
import type { Int } from '../json-reader.ts';
import type { StreamConfig } from './config.ts';

/**
 * What a stream becomes when it is given a configuration that is right by itself: one that is sealed keeps all it has.
 * Throws ApiError.
 */
export function checkStreamUpdate(before: StreamConfig, after: StreamConfig): StreamConfig {
  if (after.num_replicas > 1) throw refusal('replicasNotSupported');
  if (after.storage !== before.storage) {
    throw invalid('stream configuration update can not change storage type');
  }
  const isOfWorkQueue = after.retention === 'workqueue' || before.retention === 'workqueue';
  if (after.retention !== before.retention && isOfWorkQueue) {
    throw invalid('stream configuration update can not change retention policy to/from workqueue');
  }
  if (before.sealed && !after.sealed) {
    throw invalid('stream configuration update can not unseal a sealed stream');
  }
  if (before.deny_delete && !after.deny_delete) {
    throw invalid('stream configuration update can not cancel deny message deletes');
  }
  if (before.deny_purge && !after.deny_purge) {
    throw invalid('stream configuration update can not cancel deny purge');
  }
  if (before.allow_msg_ttl && !after.allow_msg_ttl) {
    throw invalid('message TTL status can not be disabled');
  }
  if (!after.sealed) return after;
  return {
    ...after,
    max_age: 0,
    discard: 'new',
    deny_delete: true,
    deny_purge: true,
    allow_rollup_hdrs: false,
  };
}

/** What consumers have that a new limit of their stream forbids. */
interface Limited {
  readonly inactive_threshold?: Int;
  readonly max_ack_pending?: Int;
}

/** Throws ApiError when a limit for consumers is changed to less than one of them has. */
export function checkConsumersWithin(
  before: StreamConfig,
  after: StreamConfig,
  consumers: Iterable<readonly [name: string, config: Limited]>,
): void {
  const keys = ['inactive_threshold', 'max_ack_pending'] as const;
  const limits = after.consumer_limits;
  if (keys.every((key) => !isNewLimit(before.consumer_limits[key], limits[key]))) return;
  const names: string[] = [];
  for (const [name, config] of consumers) {
    if (keys.some((key) => exceeds(config[key], limits[key]))) names.push(name);
  }
  if (names.length === 0) return;
  throw refusal('streamUpdate', `change to limits violates consumers: ${names.join(', ')}`);
}

function isNewLimit(before: Int = 0, after: Int = 0): boolean {
  return after > 0 && before !== after;
}

function exceeds(value: Int = 0, limit: Int = 0): boolean {
  return limit > 0 && value > limit;
}

function invalid(text: string): ApiError {
  return refusal('streamInvalidConfig', text);
}
