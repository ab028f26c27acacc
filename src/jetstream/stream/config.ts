// A stream's configuration, in the words of the wire: what a request may say, and what a stream has.
// Source: nats-server 2.15.3, server/stream.go, StreamConfig.
import {
  BOOL,
  type Fields,
  INT32,
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
import { readTime } from '../wire-time.ts';

/**
 * Durations are nanoseconds. All defaults are filled in; -1 is unlimited. Absent keys are left out on the wire. Its keys
 * lie in the order in which they are written.
 */
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
  readonly storage: 'file' | 'memory';
  readonly num_replicas: Int;
  readonly no_ack?: boolean;
  readonly duplicate_window?: Int;
  readonly compression: 'none' | 's2';
  readonly first_seq?: Int;
  /** Subjects that are matched are stored as what they become. */
  readonly subject_transform?: SubjectTransformConfig;
  /** What is stored is published again. */
  readonly republish?: RepublishConfig;
  readonly allow_direct: boolean;
  readonly mirror_direct: boolean;
  readonly discard_new_per_subject?: boolean;
  readonly sealed: boolean;
  readonly deny_delete: boolean;
  readonly deny_purge: boolean;
  readonly allow_rollup_hdrs: boolean;
  readonly consumer_limits: { readonly inactive_threshold?: Int; readonly max_ack_pending?: Int };
  /** Messages may say how long they live. */
  readonly allow_msg_ttl: boolean;
  /** How long a mark lives that stands for the last message of a subject, when time has taken it. */
  readonly subject_delete_marker_ttl?: Int;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface SubjectTransformConfig {
  readonly src: string;
  readonly dest: string;
}

export interface RepublishConfig {
  readonly src?: string;
  readonly dest: string;
  readonly headers_only?: boolean;
}

/** What a request says of a stream; keys that cannot be served yet among it. */
export type StreamRequest = Partial<Omit<StreamConfig, 'subject_transform' | 'republish'>> & {
  readonly subject_transform?: Partial<SubjectTransformConfig>;
  readonly republish?: Partial<RepublishConfig>;
  readonly pedantic?: boolean;
} & Readonly<Partial<Record<UnsupportedStreamKey, unknown>>>;

const RETENTION = oneOf({ limits: 'limits', interest: 'interest', workqueue: 'workqueue' });
const STORAGE = oneOf({ file: 'file', memory: 'memory' });
const PERSIST_MODE = oneOf({ default: 'default', '': 'default', async: 'async' });
const TIME: Shape = { is: 'text', read: readTime, nullable: true };

const DISCARD_WORDS = oneOf({ old: 'old', new: 'new' }) as Extract<Shape, { is: 'text' }>;
/** Its words alone may be written in any case. */
const DISCARD: Shape = { is: 'text', read: (raw) => DISCARD_WORDS.read(raw.toLowerCase()) };

const COMPRESSION_WORDS = oneOf({ none: 'none', s2: 's2' }) as Extract<Shape, { is: 'text' }>;
/** Its words alone may be written with escapes. */
const COMPRESSION: Shape = {
  is: 'text',
  read: (raw) =>
    COMPRESSION_WORDS.read(raw.startsWith('"') ? JSON.stringify(JSON.parse(raw)) : raw),
};

const TRANSFORM: Fields = { src: STRING, dest: STRING };
const SOURCE: Fields = {
  name: STRING,
  opt_start_seq: UINT64,
  opt_start_time: TIME,
  filter_subject: STRING,
  subject_transforms: { is: 'list', of: { is: 'object', fields: TRANSFORM } },
  external: { is: 'object', fields: { api: STRING, deliver: STRING }, nullable: true },
  consumer: { is: 'object', fields: { name: STRING, deliver_subject: STRING }, nullable: true },
};

/** Keys of which only a value that means the default is taken. */
export type UnsupportedStreamKey =
  | 'placement'
  | 'mirror'
  | 'sources'
  | 'allow_msg_counter'
  | 'allow_atomic'
  | 'allow_msg_schedules'
  | 'persist_mode'
  | 'allow_batched';

const UNSUPPORTED: Readonly<Record<UnsupportedStreamKey, Shape>> = {
  placement: {
    is: 'object',
    fields: { cluster: STRING, tags: STRINGS, preferred: STRING },
    nullable: true,
  },
  mirror: { is: 'object', fields: SOURCE, nullable: true },
  sources: { is: 'list', of: { is: 'object', fields: SOURCE, nullable: true } },
  allow_msg_counter: BOOL,
  allow_atomic: BOOL,
  allow_msg_schedules: BOOL,
  persist_mode: PERSIST_MODE,
  allow_batched: BOOL,
};

const STREAM_FIELDS: Fields = {
  name: STRING,
  description: STRING,
  subjects: STRINGS,
  retention: RETENTION,
  max_consumers: INT64,
  max_msgs: INT64,
  max_bytes: INT64,
  max_age: INT64,
  max_msgs_per_subject: INT64,
  max_msg_size: INT32,
  discard: DISCARD,
  storage: STORAGE,
  num_replicas: INT64,
  no_ack: BOOL,
  duplicate_window: INT64,
  compression: COMPRESSION,
  first_seq: UINT64,
  subject_transform: { is: 'object', fields: TRANSFORM, nullable: true },
  republish: {
    is: 'object',
    fields: { src: STRING, dest: STRING, headers_only: BOOL },
    nullable: true,
  },
  allow_direct: BOOL,
  mirror_direct: BOOL,
  discard_new_per_subject: BOOL,
  sealed: BOOL,
  deny_delete: BOOL,
  deny_purge: BOOL,
  allow_rollup_hdrs: BOOL,
  consumer_limits: { is: 'object', fields: { inactive_threshold: INT64, max_ack_pending: INT64 } },
  allow_msg_ttl: BOOL,
  subject_delete_marker_ttl: INT64,
  metadata: MAP,
  pedantic: BOOL,
  ...UNSUPPORTED,
};

/** Reads the body of a request to create or update a stream. Throws JsonError. */
export function readStreamRequest(text: string, isStrict: boolean): StreamRequest {
  return readObject<StreamRequest>(text, STREAM_FIELDS, isStrict) as StreamRequest;
}

/** Reads a configuration that was complete when it was written. Throws JsonError. */
export function readStreamConfig(text: string): StreamConfig {
  return readObject<StreamConfig>(text, STREAM_FIELDS, false) as StreamConfig;
}

/** The first key of the request that asks for what is not there yet. */
export function unsupportedStreamKey(request: StreamRequest): string | undefined {
  return Object.keys(UNSUPPORTED).find(
    (key) => !isDefault(key, request[key as UnsupportedStreamKey]),
  );
}

function isDefault(key: string, value: unknown): boolean {
  if (typeof value === 'object') {
    if (Array.isArray(value)) return value.length === 0;
    // The original drops an empty placement; of the others an empty one means something.
    return key === 'placement' && Object.values(value ?? {}).every((part) => isEmpty(part));
  }
  return value === undefined || value === 'default' || isEmpty(value);
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : !value;
}
