// A consumer's configuration, in the words of the wire: what a request may say, and what a consumer has.
// Source: nats-server 2.15.3, server/consumer.go, ConsumerConfig and CreateConsumerRequest.
import {
  BOOL,
  type Fields,
  INT64,
  type Int,
  MAP,
  oneOf,
  readObject,
  type Shape,
  STRING,
  STRINGS,
  UINT64,
} from '../json-reader.ts';
import { readTime, ZERO_TIME } from '../wire-time.ts';

/** Durations are nanoseconds. All defaults are filled in; -1 is unlimited. Absent keys are left out on the wire. */
export interface ConsumerConfig {
  readonly durable_name?: string;
  readonly name: string;
  readonly description?: string;
  readonly deliver_policy:
    | 'all'
    | 'last'
    | 'new'
    | 'by_start_sequence'
    | 'by_start_time'
    | 'last_per_subject';
  readonly opt_start_seq?: Int;
  /** RFC 3339, as `readTime` gives it. */
  readonly opt_start_time?: string;
  readonly ack_policy: 'none' | 'all' | 'explicit';
  readonly ack_wait?: Int;
  readonly max_deliver?: Int;
  readonly backoff?: readonly Int[];
  readonly filter_subject?: string;
  readonly filter_subjects?: readonly string[];
  readonly replay_policy: 'instant' | 'original';
  readonly rate_limit_bps?: Int;
  readonly sample_freq?: string;
  readonly max_waiting?: Int;
  readonly max_ack_pending?: Int;
  readonly flow_control?: boolean;
  readonly headers_only?: boolean;
  readonly max_batch?: Int;
  readonly max_expires?: Int;
  readonly max_bytes?: Int;
  /** Absent: it is pulled from. */
  readonly deliver_subject?: string;
  readonly deliver_group?: string;
  readonly idle_heartbeat?: Int;
  /** 0 = it stays; not written then. */
  readonly inactive_threshold?: Int;
  readonly num_replicas: Int;
  readonly mem_storage?: boolean;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Only the time that stands for none, until consumers can pause. */
  readonly pause_until?: string;
  /** The server has made the name: it is not written as a part of the configuration. */
  readonly isNameless?: true;
}

/** What a request says of a consumer; keys that cannot be served yet among it. */
export type ConsumerSettings = Partial<Omit<ConsumerConfig, 'ack_policy' | 'isNameless'>> & {
  readonly ack_policy?: ConsumerConfig['ack_policy'] | 'flow_control';
} & Readonly<Partial<Record<UnsupportedConsumerKey, unknown>>>;

export interface ConsumerRequest {
  readonly stream_name?: string;
  readonly config?: ConsumerSettings;
  readonly action?: '' | 'create' | 'update';
  readonly pedantic?: boolean;
}

const TIME: Shape = { is: 'text', read: readTime, nullable: true };

/** Keys of which only a value that means the default is taken. */
export type UnsupportedConsumerKey =
  | 'direct'
  | 'sourcing'
  | 'pause_until'
  | 'priority_groups'
  | 'priority_policy'
  | 'priority_timeout';

const UNSUPPORTED: Readonly<Record<UnsupportedConsumerKey, Shape>> = {
  direct: BOOL,
  sourcing: BOOL,
  pause_until: TIME,
  priority_groups: STRINGS,
  priority_policy: oneOf({
    none: '',
    overflow: 'overflow',
    pinned_client: 'pinned_client',
    prioritized: 'prioritized',
  }),
  priority_timeout: INT64,
};

const CONSUMER_FIELDS: Fields = {
  durable_name: STRING,
  name: STRING,
  description: STRING,
  deliver_policy: oneOf({
    all: 'all',
    undefined: 'all',
    last: 'last',
    last_per_subject: 'last_per_subject',
    new: 'new',
    by_start_sequence: 'by_start_sequence',
    by_start_time: 'by_start_time',
  }),
  opt_start_seq: UINT64,
  opt_start_time: TIME,
  ack_policy: oneOf({
    none: 'none',
    all: 'all',
    explicit: 'explicit',
    flow_control: 'flow_control',
  }),
  ack_wait: INT64,
  max_deliver: INT64,
  backoff: { is: 'list', of: INT64 },
  filter_subject: STRING,
  filter_subjects: STRINGS,
  replay_policy: oneOf({ instant: 'instant', original: 'original' }),
  rate_limit_bps: UINT64,
  sample_freq: STRING,
  max_waiting: INT64,
  max_ack_pending: INT64,
  flow_control: BOOL,
  headers_only: BOOL,
  max_batch: INT64,
  max_expires: INT64,
  max_bytes: INT64,
  deliver_subject: STRING,
  deliver_group: STRING,
  idle_heartbeat: INT64,
  inactive_threshold: INT64,
  num_replicas: INT64,
  mem_storage: BOOL,
  metadata: MAP,
  ...UNSUPPORTED,
};

const REQUEST_FIELDS: Fields = {
  stream_name: STRING,
  config: { is: 'object', fields: CONSUMER_FIELDS },
  action: oneOf({ '': '', create: 'create', update: 'update' }),
  pedantic: BOOL,
};

/** Reads the body of a request to create or update a consumer. Throws JsonError. */
export function readConsumerRequest(text: string, isStrict: boolean): ConsumerRequest {
  return readObject<ConsumerRequest>(text, REQUEST_FIELDS, isStrict);
}

/** Reads a configuration that was complete when it was written. Throws JsonError. */
export function readConsumerConfig(text: string): ConsumerConfig {
  return readObject<ConsumerConfig>(text, CONSUMER_FIELDS, false) as ConsumerConfig;
}

/** The first key of the request that asks for what is not there yet. */
export function unsupportedConsumerKey(settings: ConsumerSettings): string | undefined {
  if (settings.ack_policy === 'flow_control') return 'ack_policy';
  return Object.keys(UNSUPPORTED).find((key) => {
    const value = settings[key as UnsupportedConsumerKey];
    return Array.isArray(value) ? value.length > 0 : value && value !== ZERO_TIME;
  });
}
