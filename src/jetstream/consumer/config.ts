// A consumer's configuration, in the words of the wire.
import type { Int } from '../json-reader.ts';

/** Durations are nanoseconds. All defaults are filled in; -1 is unlimited. Absent keys are left out on the wire. */
export interface ConsumerConfig {
  readonly name: string;
  readonly durable_name?: string;
  readonly description?: string;
  readonly deliver_policy:
    | 'all'
    | 'last'
    | 'new'
    | 'by_start_sequence'
    | 'by_start_time'
    | 'last_per_subject';
  readonly opt_start_seq?: Int;
  /** RFC 3339, as the client wrote it. */
  readonly opt_start_time?: string;
  readonly ack_policy: 'none' | 'all' | 'explicit';
  readonly ack_wait?: Int;
  readonly max_deliver?: Int;
  readonly backoff?: readonly Int[];
  readonly filter_subject?: string;
  readonly filter_subjects?: readonly string[];
  readonly replay_policy: 'instant' | 'original';
  readonly sample_freq?: string;
  readonly max_waiting?: Int;
  readonly max_ack_pending?: Int;
  readonly headers_only?: boolean;
  readonly max_batch?: Int;
  readonly max_expires?: Int;
  readonly max_bytes?: Int;
  readonly inactive_threshold?: Int;
  readonly num_replicas: Int;
  readonly mem_storage?: boolean;
  readonly metadata?: Readonly<Record<string, string>>;
}
