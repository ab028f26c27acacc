// What a stream's configuration means for its messages, computed once: numbers where the wire has 64 bits, milliseconds
// where it has nanoseconds, Infinity where it has -1 or 0.
import { NANOS_PER_MS, NANOS_PER_SECOND } from '../../shared/time.ts';
import type { Int } from '../json-reader.ts';
import type { StreamConfig } from './config.ts';
import { type Transforms, transformsOf } from './transforms.ts';

export interface StreamRules extends Transforms {
  readonly maxMsgs: number;
  readonly maxBytes: number;
  readonly maxMsgsPerSubject: number;
  /** Of header block and payload. */
  readonly maxMsgSize: number;
  readonly maxAgeMs: number;
  readonly duplicateWindowMs: number;
  /** What is too much is refused, and not what is oldest removed. */
  readonly discardsNew: boolean;
  readonly discardsNewPerSubject: boolean;
  readonly isSealed: boolean;
  readonly permitsRollup: boolean;
  readonly acknowledges: boolean;
  readonly isInterest: boolean;
  /** Messages may say how long they live. */
  readonly allowsTtl: boolean;
  /** How long a mark lives that stands for the last message of a subject; 0 = there are none. */
  readonly markerSeconds: number;
}

export function rulesOf(config: StreamConfig): StreamRules {
  const { duplicate_window = 0, max_msg_size } = config;
  return {
    maxMsgs: bound(config.max_msgs),
    maxBytes: bound(config.max_bytes),
    maxMsgsPerSubject: bound(config.max_msgs_per_subject),
    maxMsgSize: max_msg_size < 0 ? Number.POSITIVE_INFINITY : Number(max_msg_size),
    maxAgeMs: bound(config.max_age) / NANOS_PER_MS,
    duplicateWindowMs: Number(duplicate_window) / NANOS_PER_MS,
    discardsNew: config.discard === 'new',
    discardsNewPerSubject: config.discard_new_per_subject === true,
    isSealed: config.sealed,
    permitsRollup: config.allow_rollup_hdrs && !config.deny_purge,
    acknowledges: config.no_ack !== true,
    isInterest: config.retention === 'interest',
    allowsTtl: config.allow_msg_ttl,
    markerSeconds: Math.floor(Number(config.subject_delete_marker_ttl ?? 0) / NANOS_PER_SECOND),
    ...transformsOf(config),
  };
}

function bound(value: Int): number {
  return value > 0 ? Number(value) : Number.POSITIVE_INFINITY;
}
