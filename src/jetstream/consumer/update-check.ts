// What of a consumer may be changed.
// Source: nats-server 2.15.3, server/consumer.go, checkNewConsumerConfig.
import { type ApiError, refusal } from '../errors.ts';
import { timeMs } from '../wire-time.ts';
import type { ConsumerConfig } from './config.ts';

/** In the order in which they are compared. */
const FIXED: readonly (readonly [key: keyof ConsumerConfig, what: string])[] = [
  ['deliver_policy', 'deliver policy'],
  ['mem_storage', 'storage type'],
  ['opt_start_seq', 'start sequence'],
  ['opt_start_time', 'start time'],
  ['ack_policy', 'ack policy'],
  ['replay_policy', 'replay policy'],
  ['idle_heartbeat', 'heart beats'],
  ['flow_control', 'flow control'],
];

/**
 * Throws ApiError when what is fixed differs.
 *
 * @param hasInterest somebody listens to that subject
 */
export function checkConsumerUpdate(
  before: ConsumerConfig,
  after: ConsumerConfig,
  hasInterest: (subject: string) => boolean,
): void {
  for (const [key, what] of FIXED) checkSame(key, what, before, after);
  const { deliver_subject: from } = before;
  const { deliver_subject: to } = after;
  if (from !== to) {
    if (from === undefined) throw notPossible('can not update pull consumer to push based');
    if (to === undefined) throw notPossible('can not update push consumer to pull based');
    if (hasInterest(from)) throw refusal('consumerNameInUse');
  }
  checkSame('max_waiting', 'max waiting', before, after);
}

function checkSame(
  key: keyof ConsumerConfig,
  what: string,
  before: ConsumerConfig,
  after: ConsumerConfig,
): void {
  if (!isSame(key, before[key], after[key])) throw notPossible(`${what} can not be updated`);
}

function notPossible(text: string): ApiError {
  return refusal('consumerCreate', text);
}

function isSame(key: string, before: unknown, after: unknown): boolean {
  if (before === after) return true;
  if (key !== 'opt_start_time' || before === undefined || after === undefined) return false;
  return timeMs(before as string) === timeMs(after as string);
}
