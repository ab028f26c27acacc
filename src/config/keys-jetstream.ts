// The keys of JetStream blocks: of the server, and of an account.
// Source: nats-server 2.15.3, server/opts.go, parseJetStream, parseJetStreamForAccount.
import { quoteGoText } from '../shared/go-quote.ts';
import { domainMistake } from './checks.ts';
import {
  type Block,
  block,
  count,
  duration,
  durationText,
  flag,
  integer,
  type Kind,
  mistake,
  oneOf,
  printed,
  size,
  text,
} from './kinds.ts';
import { type ConfigValue, typeName } from './value.ts';

export interface JetStreamValues {
  isStrict?: boolean;
  storeDir?: string;
  syncMs?: number | 'always';
  maxMemory?: number;
  maxFile?: number;
  domain?: string;
  isEnabled?: boolean;
  key?: string;
  previousKey?: string;
  cipher?: string;
  extensionHint?: string;
  limits?: JetStreamLimits;
  tpm?: object;
  uniqueTag?: string;
  maxCatchup?: number;
  maxBufferedSize?: number;
  maxBufferedMsgs?: number;
  requestQueueLimit?: number;
  infoQueueLimit?: number;
  metaCompact?: number;
  metaCompactSize?: number;
  metaCompactSync?: boolean;
  maxConcurrentIo?: number;
}

interface JetStreamLimits {
  maxAckPending?: number;
  maxHaAssets?: number;
  maxRequestBatch?: number;
  defaultMaxConsumers?: number;
  duplicateWindowMs?: number;
  batch?: object;
}

const CIPHERS = { chacha: 'chacha', chachapoly: 'chacha', aes: 'aes' };
const cipher = oneOf(CIPHERS, (word) => `Unknown cipher type: ${quoteGoText(word)}`, true);

export const BATCH: Block<Record<'perStream' | 'total' | 'maxMsgs' | 'timeoutMs', number>> = {
  perStream: {
    names: ['max_inflight_per_stream'],
    kind: integer,
    about: 'Batches under way in one stream.',
  },
  total: { names: ['max_inflight_total'], kind: integer, about: 'Batches under way.' },
  maxMsgs: { names: ['max_msgs'], kind: integer, about: 'Messages of a batch.' },
  timeoutMs: { names: ['timeout'], kind: durationText(''), about: 'Time for a batch.' },
};

export const LIMITS: Block<JetStreamLimits> = {
  maxAckPending: {
    names: ['max_ack_pending'],
    kind: integer,
    about: 'Messages of a consumer that wait for their acknowledgement.',
  },
  maxHaAssets: { names: ['max_ha_assets'], kind: integer, about: 'Streams with replicas.' },
  maxRequestBatch: { names: ['max_request_batch'], kind: integer, about: 'Messages of a pull.' },
  defaultMaxConsumers: {
    names: ['default_max_consumers'],
    kind: integer,
    about: 'Consumers of a stream that says nothing of it.',
  },
  duplicateWindowMs: {
    names: ['duplicate_window'],
    kind: durationText(''),
    about: 'How long ids of messages are remembered.',
  },
  batch: {
    names: ['batch'],
    kind: block(BATCH, {
      wrong: (value) => `Expected a map to define batch limits, got ${typeName(value)}`,
    }),
    about: 'Bounds of batches.',
  },
};

const wrongLimits = (value: ConfigValue): string =>
  `Expected a map to define JetStreamLimits, got ${typeName(value)}`;

export const TPM: Block<
  Record<'keysFile' | 'password' | 'srkPassword' | 'pcr' | 'cipher', unknown>
> = {
  keysFile: { names: ['keys_file'], kind: text, about: 'File of the sealed keys.' },
  password: { names: ['encryption_password'], kind: text, about: 'What unseals them.' },
  srkPassword: { names: ['srk_password'], kind: text, about: 'Password of the storage root key.' },
  pcr: { names: ['pcr'], kind: integer, about: 'Register of the platform.' },
  cipher: { names: ['cipher'], kind: cipher, about: 'chacha or aes.' },
};

const sync: Kind<number | 'always'> = (value, key, reading, path) => {
  const isAlways = value.kind === 'string' && value.value.toLowerCase() === 'always';
  return isAlways ? 'always' : duration()(value, key, reading, path);
};

/** An integer from `least` on. */
function absolute(kind: Kind<number>, least: number, most: number, between = ''): Kind<number> {
  return (value, key, reading, path) => {
    if (value.kind !== 'integer' && kind === integer) return wrong(value, key, reading, path);
    const number = kind(value, key, reading, path);
    if (number === undefined || (number >= least && number <= most)) return number;
    return wrong(value, key, reading, path);
  };
  function wrong(...[value, key, reading]: Parameters<Kind<number>>): undefined {
    const message = `Expected an absolute size for ${quoteGoText(key)}${between}, got ${printed(value)}`;
    return mistake(reading, value, message);
  }
}

const strict: Kind<boolean> = (value, _key, reading) => {
  if (value.kind === 'boolean') return value.value;
  const message = `Expected 'true' or 'false' for bool value, got '${printed(value)}'`;
  return mistake(reading, value, message);
};

export const JETSTREAM: Block<JetStreamValues> = {
  isStrict: { names: ['strict'], kind: strict, about: 'Unknown fields of requests are errors.' },
  storeDir: { names: ['store_dir', 'store', 'storedir'], kind: text, about: 'Where streams lie.' },
  syncMs: {
    names: ['sync_interval', 'sync'],
    kind: sync,
    about: 'How often files are written through.',
  },
  maxMemory: {
    names: ['max_memory_store', 'max_mem_store', 'max_mem'],
    kind: size('max_mem_store'),
    about: 'Bytes of streams in memory.',
  },
  maxFile: {
    names: ['max_file_store', 'max_file'],
    kind: size('max_file_store'),
    about: 'Bytes of streams on file.',
  },
  domain: { names: ['domain'], kind: text, about: 'Name that sets it apart from others.' },
  isEnabled: { names: ['enabled', 'enable'], kind: flag, about: 'False: none of it.' },
  key: {
    names: ['key', 'ek', 'encryption_key'],
    kind: text,
    about: 'Files are encrypted with it.',
    effect: 'refused',
  },
  previousKey: {
    names: ['prev_key', 'prev_ek', 'prev_encryption_key'],
    kind: text,
    about: 'They were encrypted with it before.',
    effect: 'refused',
  },
  cipher: {
    names: ['cipher'],
    kind: cipher,
    about:
      'chacha or aes: whoever names one expects it, and nats-server without a key encrypts nothing.',
    effect: 'refused',
  },
  extensionHint: { names: ['extension_hint'], kind: text, about: 'will_extend or no_extend.' },
  limits: {
    names: ['limits'],
    kind: block(LIMITS, { wrong: wrongLimits }),
    about: 'Bounds of what streams and consumers may ask for.',
  },
  tpm: {
    names: ['tpm'],
    kind: block(TPM, { wrong: wrongLimits }),
    about: 'The key comes from the machine.',
    effect: 'refused',
  },
  uniqueTag: { names: ['unique_tag'], kind: text, about: 'Replicas differ in it.' },
  maxCatchup: {
    names: ['max_outstanding_catchup'],
    kind: size(),
    about: 'Bytes on the way to a replica that is behind.',
  },
  maxBufferedSize: {
    names: ['max_buffered_size'],
    kind: size(),
    about: 'Bytes on the way into a stream.',
  },
  maxBufferedMsgs: {
    names: ['max_buffered_msgs'],
    kind: count,
    about: 'Messages on the way into a stream.',
  },
  requestQueueLimit: {
    names: ['request_queue_limit'],
    kind: count,
    about: 'Requests that wait.',
  },
  infoQueueLimit: {
    names: ['info_queue_limit'],
    kind: count,
    about: 'Requests for information that wait.',
  },
  metaCompact: {
    names: ['meta_compact'],
    kind: absolute(integer, 0, Number.POSITIVE_INFINITY),
    about: 'Entries of the log of a cluster before it is compacted.',
  },
  metaCompactSize: {
    names: ['meta_compact_size'],
    kind: absolute(size(), 0, Number.POSITIVE_INFINITY),
    about: 'Bytes of it.',
  },
  metaCompactSync: { names: ['meta_compact_sync'], kind: flag, about: 'That is waited for.' },
  maxConcurrentIo: {
    names: ['max_concurrent_io'],
    kind: absolute(integer, 4, 8192, ' between 4 and 8192'),
    about: 'Operations on files at a time.',
  },
};

/** On or off in a word; undefined when the value is none. */
function enabled(): Kind<boolean> {
  const words = { enabled: true, enable: true, disabled: false, disable: false };
  const word = oneOf(
    words,
    (given) => `Expected 'enabled' or 'disabled' for string value, got '${given}'`,
    true,
  );
  return (value, key, reading, path) => {
    return value.kind === 'boolean' ? value.value : word(value, key, reading, path);
  };
}

const isSwitch = ({ kind }: ConfigValue): boolean => kind === 'boolean' || kind === 'string';
const wrong = (value: ConfigValue): string =>
  `Expected map, bool or string to define JetStream, got ${typeName(value)}`;

const server = block(JETSTREAM, { wrong });

/** The server's: a map enables it unless it says otherwise. */
export const jetstream: Kind<false | JetStreamValues> = (value, key, reading, path) => {
  if (!isSwitch(value)) {
    const read = server(value, key, reading, path);
    if (read?.isEnabled !== false) return read && { ...read, isEnabled: true };
    const wrong = domainMistake(read.domain ?? '');
    return wrong === undefined ? false : mistake(reading, value, wrong);
  }
  const isOn = enabled()(value, key, reading, path);
  return isOn ? { isEnabled: true } : isOn;
};

export interface AccountJetStream {
  maxMemory?: number;
  maxStore?: number;
  maxStreams?: number;
  maxConsumers?: number;
  maxBytesRequired?: boolean;
  memoryMaxStreamBytes?: number;
  storeMaxStreamBytes?: number;
  maxAckPending?: number;
  clusterTraffic?: string;
}

const required: Kind<boolean> = (value, key, reading) => {
  if (value.kind === 'boolean') return value.value;
  const got = printed(value);
  return mistake(reading, value, `Expected a parseable bool for ${quoteGoText(key)}, got ${got}`);
};

const traffic: Kind<string> = (value, key, reading) => {
  if (value.kind === 'string' && /^(?:system|owner)?$/.test(value.value)) return value.value;
  const wanted = `${value.kind === 'string' ? '' : 'either '}'system' or 'owner' string value`;
  return mistake(
    reading,
    value,
    `Expected ${wanted} for ${quoteGoText(key)}, got ${printed(value)}`,
  );
};

export const ACCOUNT: Block<AccountJetStream> = {
  maxMemory: {
    names: ['max_memory', 'max_mem', 'mem', 'memory'],
    kind: count,
    about: 'Bytes in memory.',
  },
  maxStore: {
    names: ['max_store', 'max_file', 'max_disk', 'store', 'disk'],
    kind: count,
    about: 'Bytes on file.',
  },
  maxStreams: { names: ['max_streams', 'streams'], kind: count, about: 'Streams.' },
  maxConsumers: { names: ['max_consumers', 'consumers'], kind: count, about: 'Consumers.' },
  maxBytesRequired: {
    names: ['max_bytes_required', 'max_stream_bytes', 'max_bytes'],
    kind: required,
    about: 'A stream must say how large it may be.',
  },
  memoryMaxStreamBytes: {
    names: ['mem_max_stream_bytes', 'memory_max_stream_bytes'],
    kind: count,
    about: 'Bytes of one stream in memory.',
  },
  storeMaxStreamBytes: {
    names: ['disk_max_stream_bytes', 'store_max_stream_bytes'],
    kind: count,
    about: 'Bytes of one stream on file.',
  },
  maxAckPending: {
    names: ['max_ack_pending'],
    kind: count,
    about: 'Messages of a consumer that wait for their acknowledgement.',
  },
  clusterTraffic: {
    names: ['cluster_traffic'],
    kind: traffic,
    about: 'Whose account replicas talk in: system or owner.',
  },
};

const account = block(ACCOUNT, { wrong });

export const accountJetstream: Kind<boolean | AccountJetStream> = (value, key, reading, path) => {
  return (isSwitch(value) ? enabled() : account)(value, key, reading, path);
};
