// Makes a stream's configuration of what a request says: judged in the order of the original, defaults filled in as it
// fills them in. What is refused is refused with its code and sentence.
// Source: nats-server 2.15.3, server/stream.go, checkStreamCfg.
import { isSubject } from '../../bus/subject-text.ts';
import { quoteGoText } from '../../shared/go-quote.ts';
import { formatDuration, NANOS_PER_SECOND } from '../../shared/time.ts';
import type { ApiLimits } from '../api/account-door.ts';
import { FilterTrie, VISITS_OF_REQUEST } from '../consumer/filter-trie.ts';
import { type ApiError, refusal } from '../errors.ts';
import type { Int } from '../json-reader.ts';
import { isTooLong, METADATA_MAX, storedMetadata } from '../metadata.ts';
import { isSubset, isValidName, isValidSubject, NAME_MAX, subjectsCollide } from '../subjects.ts';
import { type StreamConfig, type StreamRequest, unsupportedStreamKey } from './config.ts';
import { withTransforms } from './transforms.ts';

export const DESCRIPTION_MAX: number = 4 * 1024;
const REPLICAS_MAX = 5;
const DURATION_MIN = 100_000_000;
const DUPLICATE_WINDOW = 120_000_000_000;
/** The store counts in numbers. */
const SEQ_MAX = Number.MAX_SAFE_INTEGER;
/** Subjects that are none of which it is looked at whether they overlap with others: with more of them it matters less. */
const WRONG_MOST = 8;
const encoder = new TextEncoder();

/** Throws ApiError. */
export function checkStream(request: StreamRequest, limits: ApiLimits): StreamConfig {
  const { name = '', description = '', metadata } = request;
  if (!isValidName(name)) {
    throw invalid("stream name is required and can not contain '.', '*', '>', '\\', '/'");
  }
  checkLength('stream name', name, NAME_MAX);
  checkLength('stream description', description, DESCRIPTION_MAX);
  if (isTooLong(metadata)) {
    throw invalid(`stream metadata exceeds maximum size of ${METADATA_MAX} bytes`);
  }
  const unsupported = unsupportedStreamKey(request);
  if (unsupported !== undefined) throw invalid(`not supported yet: ${unsupported}`);
  const replicas = request.num_replicas || 1;
  if (replicas > REPLICAS_MAX) throw invalid(`maximum replicas is ${REPLICAS_MAX}`);
  if (replicas < 0) throw refusal('negativeReplicas');
  let config = withDefaults(request, replicas, limits);
  checkTimes(config, limits);
  checkDiscard(config);
  config = withMarkers(config, request);
  if ((config.first_seq ?? 0) > SEQ_MAX) {
    throw invalid(`first sequence can not be above ${SEQ_MAX}`);
  }
  checkSubjects(config);
  checkBytes(config, limits);
  return withTransforms(config, request);
}

function withDefaults(request: StreamRequest, replicas: Int, limits: ApiLimits): StreamConfig {
  const { name = '', description, subjects = [], consumer_limits: forConsumers = {} } = request;
  const { max_consumers, max_msgs, max_bytes, ...sizes } = withSizes(request);
  const max_age = request.max_age ?? 0;
  return {
    name,
    ...(description && { description }),
    subjects: subjects.length === 0 ? [name] : subjects,
    retention: request.retention ?? 'limits',
    max_consumers,
    max_msgs,
    max_bytes,
    max_age,
    max_msgs_per_subject: sizes.max_msgs_per_subject,
    max_msg_size: sizes.max_msg_size,
    discard: request.discard ?? 'old',
    storage: request.storage ?? 'file',
    num_replicas: replicas,
    ...(request.no_ack && { no_ack: true }),
    duplicate_window: request.duplicate_window || defaultWindow(max_age, request, limits),
    compression: request.compression ?? 'none',
    ...(request.first_seq && { first_seq: request.first_seq }),
    allow_direct: request.allow_direct ?? false,
    mirror_direct: request.mirror_direct ?? false,
    ...(request.discard_new_per_subject && { discard_new_per_subject: true }),
    sealed: request.sealed ?? false,
    deny_delete: request.deny_delete ?? false,
    deny_purge: request.deny_purge ?? false,
    allow_rollup_hdrs: request.allow_rollup_hdrs ?? false,
    consumer_limits: {
      ...(forConsumers.inactive_threshold && {
        inactive_threshold: forConsumers.inactive_threshold,
      }),
      ...(forConsumers.max_ack_pending && { max_ack_pending: forConsumers.max_ack_pending }),
    },
    allow_msg_ttl: request.allow_msg_ttl ?? false,
    ...(request.subject_delete_marker_ttl && {
      subject_delete_marker_ttl: request.subject_delete_marker_ttl,
    }),
    metadata: storedMetadata(request.metadata, levelOf(request)),
  };
}

/** Source: nats-server 2.15.3, server/jetstream_versioning.go, setStaticStreamMetadata. */
function levelOf({
  allow_msg_ttl,
  subject_delete_marker_ttl: markerTtl = 0,
}: StreamRequest): number {
  return allow_msg_ttl || markerTtl > 0 ? 1 : 0;
}

/** Bounds of which 0 and what is below -1 are no bound. */
function withSizes(request: StreamRequest) {
  const size = (
    key: 'max_msgs' | 'max_msgs_per_subject' | 'max_bytes' | 'max_msg_size' | 'max_consumers',
  ): Int => {
    const value = request[key] || -1;
    if (value >= -1) return value;
    if (request.pedantic) throw refusal('pedantic', `${key} must be set to -1`);
    return -1;
  };
  const max_msgs = size('max_msgs');
  const max_msgs_per_subject = size('max_msgs_per_subject');
  const max_bytes = size('max_bytes');
  const max_msg_size = size('max_msg_size');
  return {
    max_consumers: size('max_consumers'),
    max_msgs,
    max_bytes,
    max_msgs_per_subject,
    max_msg_size,
  };
}

function defaultWindow(maxAge: Int, { pedantic }: StreamRequest, limits: ApiLimits): Int {
  let window: Int = DUPLICATE_WINDOW;
  if (limits.duplicateWindow > 0 && window > limits.duplicateWindow) {
    if (pedantic) {
      throw refusal('pedantic', 'duplicate window limits are higher than current limits');
    }
    window = limits.duplicateWindow;
  }
  // An age that is too short is refused before this would matter.
  if (maxAge >= DURATION_MIN && maxAge < window) {
    if (pedantic) throw refusal('pedantic', 'duplicate window cannot be bigger than max age');
    window = maxAge;
  }
  return window;
}

function checkTimes(
  { max_age: age, duplicate_window: window = 0 }: StreamConfig,
  { duplicateWindow }: ApiLimits,
): void {
  if (age < 0) throw invalid('max age can not be negative');
  if (age !== 0 && age < DURATION_MIN) throw invalid('max age needs to be >= 100ms');
  if (window < 0) throw invalid('duplicates window can not be negative');
  if (age !== 0 && window > age) {
    throw invalid('duplicates window can not be larger then max age');
  }
  if (duplicateWindow > 0 && window > duplicateWindow) {
    const limit = formatDuration(BigInt(duplicateWindow));
    throw invalid(`duplicates window can not be larger then server limit of ${limit}`);
  }
  if (window > 0 && window < DURATION_MIN) throw invalid('duplicates window needs to be >= 100ms');
}

function checkDiscard(config: StreamConfig): void {
  if (config.deny_purge && config.allow_rollup_hdrs) {
    throw invalid('roll-ups require the purge permission');
  }
  if (!config.discard_new_per_subject) return;
  if (config.discard !== 'new') {
    throw invalid('discard new per subject requires discard new policy to be set');
  }
  if (config.max_msgs_per_subject <= 0) {
    throw invalid('discard new per subject requires max msgs per subject > 0');
  }
}

/** Marks live by a TTL of their own, and roll up what is before them. */
function withMarkers(config: StreamConfig, { pedantic }: StreamRequest): StreamConfig {
  const { subject_delete_marker_ttl: markerTtl = 0 } = config;
  if (markerTtl === 0) return config;
  if (markerTtl < 0) throw invalid('subject delete marker TTL must not be negative');
  if (markerTtl < NANOS_PER_SECOND) {
    throw invalid('subject delete marker TTL must be at least 1 second');
  }
  if (pedantic && !config.allow_msg_ttl) {
    throw invalid('subject delete marker cannot be set if message TTLs are disabled');
  }
  if (config.allow_rollup_hdrs) return { ...config, allow_msg_ttl: true };
  if (pedantic) throw invalid('subject delete marker cannot be set if roll-ups are disabled');
  return { ...config, allow_msg_ttl: true, allow_rollup_hdrs: true, deny_purge: false };
}

function checkSubjects({ subjects, no_ack: isSilent = false, num_replicas }: StreamConfig): void {
  const seen = new Set<string>();
  // Comparing each with each would take minutes for as many as one request can name.
  const places = new FilterTrie<number>(VISITS_OF_REQUEST);
  const wrong: number[] = [];
  for (const [i, subject] of subjects.entries()) {
    if (isValidSubject(subject)) places.add(subject, i);
    else if (wrong.length < WRONG_MOST) wrong.push(i);
  }
  for (const [i, subject] of subjects.entries()) {
    // The bus subscribes to fewer than the original takes.
    if (!isValidSubject(subject) || !isSubject(subject)) throw invalid('invalid subject');
    if (seen.has(subject)) throw invalid('duplicate subjects detected');
    if (subject === '>') {
      if (!isSilent) throw invalid('capturing all subjects requires no-ack to be true');
      if (num_replicas !== 1) throw invalid('capturing all subjects requires replicas of 1');
    }
    if (!isSilent) checkReserved(subject);
    let first = subjects.length;
    places.meet(subject, (place) => {
      if (place > i) first = Math.min(first, place);
    });
    // One that is none may be met before its own turn.
    const met = wrong.find((place) => subjectsCollide(subject, subjects[place] as string));
    first = Math.min(first, met ?? first);
    const other = subjects[first];
    if (other !== undefined) {
      throw invalid(`subject ${quoteGoText(subject)} overlaps with ${quoteGoText(other)}`);
    }
    seen.add(subject);
  }
}

/** A stream that acknowledges would answer requests of the server's own services. */
function checkReserved(subject: string): void {
  const isOfJetStream = ['$JS.>', '$JSC.>', '$NRG.>'].some((own) => subjectsCollide(subject, own));
  if (isOfJetStream && !isSubset(subject, '$JS.EVENT.>')) {
    throw invalid('subjects that overlap with jetstream api require no-ack to be true');
  }
  if (subjectsCollide(subject, '$SYS.>') && !isSubset(subject, '$SYS.ACCOUNT.>')) {
    throw invalid('subjects that overlap with system api require no-ack to be true');
  }
}

function checkBytes({ max_bytes, storage }: StreamConfig, limits: ApiLimits): void {
  if (limits.maxBytesRequired && max_bytes <= 0) throw refusal('maxBytesRequired');
  const limit = storage === 'file' ? limits.fileMaxStreamBytes : limits.memoryMaxStreamBytes;
  if (limit > 0 && max_bytes > limit) throw refusal('maxStreamBytesExceeded');
}

function checkLength(what: string, text: string, max: number): void {
  if (encoder.encode(text).length > max) {
    throw invalid(`${what} is too long, maximum allowed is ${max}`);
  }
}

function invalid(text: string): ApiError {
  return refusal('streamInvalidConfig', text);
}
