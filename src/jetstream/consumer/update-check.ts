// What of a consumer may be changed.
// Source: nats-server 2.15.3, server/consumer.go, checkNewConsumerConfig.
import { refusal } from '../errors.ts';
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
  ['max_waiting', 'max waiting'],
];

/** Throws ApiError when what is fixed differs. */
export function checkConsumerUpdate(before: ConsumerConfig, after: ConsumerConfig): void {
  for (const [key, what] of FIXED) {
    if (!isSame(key, before[key], after[key])) {
      throw refusal('consumerCreate', `${what} can not be updated`);
    }
  }
}

function isSame(key: string, before: unknown, after: unknown): boolean {
  if (before === after) return true;
  if (key !== 'opt_start_time' || before === undefined || after === undefined) return false;
  return timeMs(before as string) === timeMs(after as string);
}
