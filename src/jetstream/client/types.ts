// The words of the API in TypeScript, under the names that nats.js has for them. Durations are nanoseconds, and -1 is
// unlimited, as on the wire.
import type { MsgHdrs, Subscription } from '../../bus/types.ts';

export const RetentionPolicy = {
  Limits: 'limits',
  Interest: 'interest',
  Workqueue: 'workqueue',
} as const;
export const DiscardPolicy = { Old: 'old', New: 'new' } as const;
export const StorageType = { File: 'file', Memory: 'memory' } as const;
export const StoreCompression = { None: 'none', S2: 's2' } as const;
export const DeliverPolicy = {
  All: 'all',
  Last: 'last',
  New: 'new',
  StartSequence: 'by_start_sequence',
  StartTime: 'by_start_time',
  LastPerSubject: 'last_per_subject',
} as const;
export const AckPolicy = { None: 'none', All: 'all', Explicit: 'explicit' } as const;
export const ReplayPolicy = { Instant: 'instant', Original: 'original' } as const;

type ValueOf<T> = T[keyof T];
export type RetentionPolicy = ValueOf<typeof RetentionPolicy>;
export type DiscardPolicy = ValueOf<typeof DiscardPolicy>;
export type StorageType = ValueOf<typeof StorageType>;
export type StoreCompression = ValueOf<typeof StoreCompression>;
export type DeliverPolicy = ValueOf<typeof DeliverPolicy>;
export type AckPolicy = ValueOf<typeof AckPolicy>;
export type ReplayPolicy = ValueOf<typeof ReplayPolicy>;

/** What a stream is like. All but the name has a default. */
export interface StreamConfig {
  name: string;
  description?: string;
  subjects?: string[];
  retention?: RetentionPolicy;
  max_consumers?: number;
  max_msgs?: number;
  max_bytes?: number;
  max_age?: number;
  max_msgs_per_subject?: number;
  max_msg_size?: number;
  discard?: DiscardPolicy;
  discard_new_per_subject?: boolean;
  storage?: StorageType;
  num_replicas?: number;
  no_ack?: boolean;
  duplicate_window?: number;
  compression?: StoreCompression;
  first_seq?: number;
  allow_direct?: boolean;
  mirror_direct?: boolean;
  sealed?: boolean;
  deny_delete?: boolean;
  deny_purge?: boolean;
  allow_rollup_hdrs?: boolean;
  consumer_limits?: { inactive_threshold?: number; max_ack_pending?: number };
  metadata?: Record<string, string>;
}

export interface StreamState {
  messages: number;
  bytes: number;
  first_seq: number;
  first_ts: string;
  last_seq: number;
  last_ts: string;
  num_subjects?: number;
  subjects?: Record<string, number>;
  num_deleted?: number;
  deleted?: number[];
  consumer_count: number;
}

export interface StreamInfo {
  config: StreamConfig & Required<Pick<StreamConfig, 'subjects' | 'retention' | 'storage'>>;
  created: string;
  state: StreamState;
  ts: string;
}

/** What a consumer is like. Without a name it is ephemeral. */
export interface ConsumerConfig {
  name?: string;
  durable_name?: string;
  description?: string;
  deliver_policy?: DeliverPolicy;
  opt_start_seq?: number;
  opt_start_time?: string;
  ack_policy?: AckPolicy;
  ack_wait?: number;
  max_deliver?: number;
  backoff?: number[];
  filter_subject?: string;
  filter_subjects?: string[];
  replay_policy?: ReplayPolicy;
  sample_freq?: string;
  max_waiting?: number;
  max_ack_pending?: number;
  headers_only?: boolean;
  max_batch?: number;
  max_expires?: number;
  max_bytes?: number;
  inactive_threshold?: number;
  num_replicas?: number;
  mem_storage?: boolean;
  metadata?: Record<string, string>;
}

export interface SequencePair {
  consumer_seq: number;
  stream_seq: number;
  last_active?: string;
}

export interface ConsumerInfo {
  stream_name: string;
  name: string;
  created: string;
  config: ConsumerConfig;
  delivered: SequencePair;
  ack_floor: SequencePair;
  num_ack_pending: number;
  num_redelivered: number;
  num_waiting: number;
  num_pending: number;
  ts: string;
}

export interface AccountInfo {
  memory: number;
  storage: number;
  reserved_memory: number;
  reserved_storage: number;
  streams: number;
  consumers: number;
  domain?: string;
  api: { level: number; total: number; errors: number };
}

/** What a publisher is told. */
export interface PubAck {
  stream: string;
  domain?: string;
  seq: number;
  duplicate: boolean;
}

export interface JetStreamPublishOptions {
  /** Within the stream's window a message with this id is stored once. */
  msgID: string;
  /** Milliseconds. */
  timeout: number;
  headers: MsgHdrs;
  /** What must be so, or the message is not stored. */
  expect: Partial<{
    lastMsgID: string;
    streamName: string;
    lastSequence: number;
    lastSubjectSequence: number;
    lastSubjectSequenceSubject: string;
  }>;
}

export interface PurgeOptions {
  filter?: string;
  /** What is below it goes. */
  seq?: number;
  /** All but so many go. */
  keep?: number;
}

/** How a message of a stream is asked for. */
export type MessageRequest =
  | { seq: number; next_by_subj?: string }
  | { last_by_subj: string }
  | { next_by_subj: string; seq?: number }
  | { start_time: Date | string };

/** What the client needs: a bus, or a connection to one. */
export interface Publisher {
  publish(subject: string, payload?: string | Uint8Array, options?: object): void;
  request(
    subject: string,
    payload?: string | Uint8Array,
    options?: { timeout?: number; headers?: MsgHdrs },
  ): Promise<Arrival>;
  subscribe(
    subject: string,
    options: { callback: (error: Error | null, message: Arrival) => void },
  ): Subscription;
}

/** A message as it arrives. */
export interface Arrival {
  readonly subject: string;
  readonly reply?: string;
  readonly data: Uint8Array;
  readonly headers?: MsgHdrs;
  respond(payload?: Uint8Array | string): boolean;
  string(): string;
  json<T>(): T;
}
