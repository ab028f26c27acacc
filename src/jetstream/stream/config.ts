// A stream's configuration, in the words of the wire.
import type { Int } from '../json-reader.ts';

/** Durations are nanoseconds. All defaults are filled in; -1 is unlimited. Absent keys are left out on the wire. */
export interface StreamConfig {
  readonly name: string;
  readonly description?: string;
  readonly subjects: readonly string[];
  readonly retention: 'limits' | 'interest' | 'workqueue';
  readonly max_consumers: Int;
  readonly max_msgs: Int;
  readonly max_bytes: Int;
  readonly max_age: Int;
  readonly max_msgs_per_subject: Int;
  readonly max_msg_size: Int;
  readonly discard: 'old' | 'new';
  readonly discard_new_per_subject?: boolean;
  readonly storage: 'file' | 'memory';
  readonly num_replicas: Int;
  readonly no_ack?: boolean;
  readonly duplicate_window?: Int;
  readonly compression: 'none' | 's2';
  readonly first_seq?: Int;
  readonly allow_direct: boolean;
  readonly mirror_direct: boolean;
  readonly sealed: boolean;
  readonly deny_delete: boolean;
  readonly deny_purge: boolean;
  readonly allow_rollup_hdrs: boolean;
  readonly consumer_limits: { readonly inactive_threshold?: Int; readonly max_ack_pending?: Int };
  readonly metadata?: Readonly<Record<string, string>>;
}
