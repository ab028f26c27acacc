// Makes a consumer's configuration of what a request says: defaults filled in as the original fills them in, then judged
// in its order. What is refused is refused with its code and sentence.
// Source: nats-server 2.15.3, server/consumer.go, setConsumerConfigDefaults and checkConsumerCfg.
import { isQueue, isSubject } from '../../bus/subject-text.ts';
import { quoteGoText } from '../../shared/go-quote.ts';
import { formatDuration } from '../../shared/time.ts';
import type { ApiLimits } from '../api/account-door.ts';
import { type ApiError, refusal } from '../errors.ts';
import type { Int } from '../json-reader.ts';
import { isTooLong, METADATA_MAX, storedMetadata } from '../metadata.ts';
import type { StreamConfig } from '../stream/config.ts';
import { DESCRIPTION_MAX } from '../stream/validate.ts';
import { hasWildcard, isReserved, isSubset, isValidName, isValidSubject } from '../subjects.ts';
import { type ConsumerConfig, type ConsumerSettings, unsupportedConsumerKey } from './config.ts';
import { FilterTrie, VISITS_OF_REQUEST } from './filter-trie.ts';

const ACK_WAIT = 30_000_000_000;
const ACK_PENDING = 1000;
const WAITING = 512;
const EXPIRES_MIN = 1_000_000;
const HEARTBEAT_MIN = 100_000_000;
const INT64_MAX = 2n ** 63n - 1n;
const encoder = new TextEncoder();

/** What the configuration is judged by. */
export interface ConsumerRules {
  readonly stream: StreamConfig;
  readonly limits: ApiLimits;
  readonly isPedantic: boolean;
}

/** `name` is the consumer's, whether the client or the server has chosen it. Throws ApiError. */
export function checkConsumer(
  settings: ConsumerSettings,
  name: string,
  rules: ConsumerRules,
): ConsumerConfig {
  const unsupported = unsupportedConsumerKey(settings);
  if (unsupported !== undefined) {
    throw refusal('consumerCreate', `not supported yet: ${unsupported}`);
  }
  const hasTooMuch = isTooLong(settings.metadata);
  const metadata = hasTooMuch ? {} : (settings.metadata ?? {});
  const config = withDefaults({ ...settings, metadata }, name, rules);
  checkNames(settings);
  checkReplicas(config, rules);
  checkTimes(config);
  if (encoder.encode(config.description ?? '').length > DESCRIPTION_MAX) {
    throw refusal('consumerDescriptionTooLong', DESCRIPTION_MAX);
  }
  if (config.deliver_subject !== undefined) checkPush(config, rules.stream);
  else checkPull(config, rules);
  checkLimits(config, rules);
  checkFilters(config);
  checkStart(config);
  checkSampling(config.sample_freq);
  if (config.flow_control && config.idle_heartbeat === undefined) {
    throw refusal('flowControlNeedsHeartbeat');
  }
  if (settings.durable_name && settings.name && settings.durable_name !== settings.name) {
    throw refusal('durableAndNameDiffer');
  }
  if (hasTooMuch) {
    throw refusal('consumerMetadataTooLong', `${METADATA_MAX / 1024}KB`);
  }
  return config;
}

type Sizes = Pick<
  ConsumerSettings,
  | 'max_waiting'
  | 'max_batch'
  | 'max_expires'
  | 'max_bytes'
  | 'idle_heartbeat'
  | 'inactive_threshold'
>;

function withDefaults(
  settings: ConsumerSettings,
  name: string,
  rules: ConsumerRules,
): ConsumerConfig {
  const max_deliver = unlimited('max_deliver', settings, rules) || -1;
  const isPull = !settings.deliver_subject;
  const max_waiting = notNegative('max_waiting', settings, rules) || (isPull ? WAITING : 0);
  unlimited('max_ack_pending', settings, rules);
  let max_batch = notNegative('max_batch', settings, rules);
  const max_expires = notNegative('max_expires', settings, rules);
  const max_bytes = notNegative('max_bytes', settings, rules);
  const idle_heartbeat = notNegative('idle_heartbeat', settings, rules);
  notNegative('inactive_threshold', settings, rules);
  const ack_policy = settings.ack_policy === 'flow_control' ? 'none' : settings.ack_policy;
  const ack_wait = ackWaitOf(settings, rules);
  const max_ack_pending = ackPendingOf(settings, rules);
  const inactive_threshold = inactiveOf(settings, rules);
  const batchLimit = rules.limits.maxRequestBatch;
  if (isPull && max_batch === 0 && batchLimit > 0) {
    if (rules.isPedantic) {
      throw refusal('pedantic', "max_request_batch must be set if it's JetStream limits are set");
    }
    max_batch = batchLimit;
  }
  const { durable_name, description, opt_start_seq, opt_start_time, filter_subject } = settings;
  return {
    ...(durable_name && { durable_name }),
    name,
    ...(description && { description }),
    deliver_policy: settings.deliver_policy ?? 'all',
    ...(opt_start_seq && { opt_start_seq }),
    ...(opt_start_time && { opt_start_time }),
    ack_policy: ack_policy ?? 'none',
    ...(ack_wait !== 0 && { ack_wait }),
    max_deliver,
    ...(settings.backoff && { backoff: settings.backoff }),
    ...(filter_subject && { filter_subject }),
    ...(settings.filter_subjects && { filter_subjects: settings.filter_subjects }),
    replay_policy: settings.replay_policy ?? 'instant',
    ...(settings.rate_limit_bps && { rate_limit_bps: settings.rate_limit_bps }),
    ...(settings.sample_freq && { sample_freq: settings.sample_freq }),
    ...(max_waiting !== 0 && { max_waiting }),
    ...(max_ack_pending !== 0 && { max_ack_pending }),
    ...(settings.flow_control && { flow_control: true }),
    ...(settings.headers_only && { headers_only: true }),
    ...(max_batch !== 0 && { max_batch }),
    ...(max_expires !== 0 && { max_expires }),
    ...(max_bytes !== 0 && { max_bytes }),
    ...(settings.deliver_subject && { deliver_subject: settings.deliver_subject }),
    ...(settings.deliver_group && { deliver_group: settings.deliver_group }),
    ...(idle_heartbeat !== 0 && { idle_heartbeat }),
    inactive_threshold,
    num_replicas: settings.num_replicas ?? 0,
    ...(settings.mem_storage && { mem_storage: true }),
    metadata: storedMetadata(settings.metadata),
    ...(settings.pause_until && { pause_until: settings.pause_until }),
    ...(!durable_name && !settings.name && { isNameless: true as const }),
  };
}

/** A bound of which what is below -1 is none. */
function unlimited(
  key: 'max_deliver' | 'max_ack_pending',
  settings: ConsumerSettings,
  { isPedantic }: ConsumerRules,
): Int {
  const value = settings[key] ?? 0;
  if (value >= -1) return value;
  if (isPedantic) throw refusal('pedantic', `${key} must be set to -1`);
  return -1;
}

function notNegative(
  key: keyof Sizes,
  settings: ConsumerSettings,
  { isPedantic }: ConsumerRules,
): Int {
  const value = settings[key] ?? 0;
  if (value >= 0) return value;
  if (isPedantic) throw refusal('pedantic', `${key} must not be negative`);
  return 0;
}

function ackWaitOf(settings: ConsumerSettings, { isPedantic }: ConsumerRules): Int {
  const { ack_policy, backoff = [] } = settings;
  const isAcked = ack_policy === 'explicit' || ack_policy === 'all';
  const wait = settings.ack_wait || (isAcked ? ACK_WAIT : 0);
  const [first] = backoff;
  if (first === undefined) return wait;
  if (isPedantic && wait !== first) {
    throw refusal('pedantic', 'first backoff value has to equal batch AckWait');
  }
  return first;
}

function ackPendingOf(settings: ConsumerSettings, rules: ConsumerRules): Int {
  const { stream, limits, isPedantic } = rules;
  const pending = unlimited('max_ack_pending', settings, rules);
  if (pending !== 0) return pending;
  const ofStream = stream.consumer_limits.max_ack_pending ?? 0;
  if (isPedantic && ofStream > 0) {
    throw refusal('pedantic', "max_ack_pending must be set if it's configured in stream limits");
  }
  if (ofStream !== 0 || (settings.ack_policy ?? 'none') === 'none') return ofStream;
  const bounds = [limits.serverMaxAckPending, limits.maxAckPending].filter((bound) => bound > 0);
  return Math.min(ACK_PENDING, ...bounds);
}

function inactiveOf(settings: ConsumerSettings, rules: ConsumerRules): Int {
  const inactive = notNegative('inactive_threshold', settings, rules);
  if (inactive !== 0) return inactive;
  const ofStream = rules.stream.consumer_limits.inactive_threshold ?? 0;
  if (rules.isPedantic && ofStream > 0) {
    throw refusal('pedantic', "inactive_threshold must be set if it's configured in stream limits");
  }
  return ofStream;
}

function checkNames({ name = '', durable_name: durable = '' }: ConsumerSettings): void {
  if (name !== '' && !isValidName(name)) {
    throw invalid("consumer name can not contain '.', '*', '>', '\\', '/'");
  }
  if (durable !== '' && !isValidName(durable)) {
    throw invalid("consumer durable name can not contain '.', '*', '>', '\\', '/'");
  }
}

function checkReplicas(
  { num_replicas: replicas }: ConsumerConfig,
  { stream }: ConsumerRules,
): void {
  if (replicas > stream.num_replicas) throw refusal('consumerReplicasExceedStream');
  if (replicas < 0) throw refusal('negativeReplicas');
  const mustMatch = stream.retention !== 'limits';
  if (mustMatch && replicas !== 0 && replicas !== stream.num_replicas) {
    throw refusal('consumerReplicasDiffer');
  }
}

function checkTimes({ backoff = [], ack_wait = 0, max_deliver = -1 }: ConsumerConfig): void {
  if (backoff.some((wait) => wait < 0)) throw refusal('negativeBackoff');
  if (ack_wait < 0) throw refusal('negativeAckWait');
  if (max_deliver !== -1 && backoff.length > max_deliver) throw refusal('maxDeliverBackoff');
}

function checkPush(config: ConsumerConfig, stream: StreamConfig): void {
  const { deliver_subject: to = '', deliver_group: group = '', ack_policy } = config;
  const { max_waiting = 0, max_ack_pending = 0, idle_heartbeat = HEARTBEAT_MIN } = config;
  if (hasWildcard(to)) throw refusal('deliverToWildcards');
  if (!isValidSubject(to) || isReserved(to)) throw refusal('invalidDeliverSubject');
  // What nobody can subscribe to, the original takes.
  if (!isSubject(to) || (group !== '' && !isQueue(group))) throw refusal('invalidDeliverSubject');
  if (stream.subjects.some((subject) => isSubset(to, subject))) throw refusal('deliverCycle');
  if (max_waiting !== 0) throw refusal('pushWithMaxWaiting');
  if (max_ack_pending > 0 && ack_policy === 'none') throw refusal('ackPendingRequiresAcks');
  if (idle_heartbeat < HEARTBEAT_MIN) throw refusal('heartbeatTooSmall');
}

function checkPull(config: ConsumerConfig, { stream, limits }: ConsumerRules): void {
  if (config.ack_policy === 'none' && stream.retention === 'workqueue') {
    throw refusal('pullRequiresAck');
  }
  if (config.rate_limit_bps !== undefined) throw refusal('pullWithRateLimit');
  if (config.idle_heartbeat !== undefined) throw refusal('pullWithHeartbeat');
  if (config.flow_control) throw refusal('pullWithFlowControl');
  const { max_expires = 0, max_batch = 0 } = config;
  if (max_expires !== 0 && max_expires < EXPIRES_MIN) throw refusal('maxExpiresTooSmall');
  if (limits.maxRequestBatch > 0 && max_batch > limits.maxRequestBatch) {
    throw refusal('maxRequestBatchExceeded', limits.maxRequestBatch);
  }
}

function checkLimits(
  { max_ack_pending: pending = 0, inactive_threshold: inactive = 0 }: ConsumerConfig,
  { stream: { consumer_limits: ofStream }, limits }: ConsumerRules,
): void {
  const bounds = [limits.serverMaxAckPending, limits.maxAckPending, ofStream.max_ack_pending ?? 0];
  for (const bound of bounds) {
    if (bound > 0 && pending > bound) throw refusal('maxAckPendingExcess', bound);
  }
  const threshold = ofStream.inactive_threshold ?? 0;
  if (threshold > 0 && inactive > threshold) {
    throw refusal('inactiveThresholdExcess', formatDuration(BigInt(threshold)));
  }
}

function checkFilters({ filter_subject: filter, filter_subjects = [] }: ConsumerConfig): void {
  if (filter !== undefined && filter_subjects.length > 0) throw refusal('filterAndFilters');
  if (filter !== undefined && !isValidSubject(filter)) throw invalid('invalid subject');
  if (filter_subjects.includes('')) throw refusal('emptyFilter');
  const places = new FilterTrie<number>(VISITS_OF_REQUEST);
  // Behind a full wildcard nothing is compared, as nothing may stand there.
  const compared = filter_subjects.map((subject) => subject.replace(/(^|\.)>\..*/s, '$1>'));
  for (const [i, subject] of compared.entries()) places.add(subject, i);
  for (const [i, subject] of filter_subjects.entries()) {
    if (!isValidSubject(subject)) throw invalid('invalid subject');
    let isPart = false;
    places.match(subject, (k) => {
      isPart ||= k !== i && isSubset(subject, compared[k] as string);
    });
    if (isPart) throw refusal('overlappingFilters');
  }
}

function checkStart(config: ConsumerConfig): void {
  const { deliver_policy: policy, opt_start_seq: seq, opt_start_time: time } = config;
  const words = policy.replaceAll('_', ' ');
  const notSet = (what: string): ApiError =>
    refusal(
      'invalidPolicy',
      `consumer delivery policy is deliver ${words}, but optional ${what} is not set`,
    );
  const alsoSet = (what: string): ApiError =>
    refusal(
      'invalidPolicy',
      `consumer delivery policy is deliver ${words}, but optional start ${what} is also set`,
    );
  if (policy === 'by_start_time') {
    if (time === undefined) throw notSet('start time');
    if (seq !== undefined) throw alsoSet('start sequence');
    return;
  }
  if (policy === 'by_start_sequence' && seq === undefined) throw notSet('start sequence');
  if (policy !== 'by_start_sequence' && seq !== undefined) throw alsoSet('sequence');
  if (time !== undefined) throw alsoSet('time');
  const isFiltered = config.filter_subject !== undefined || config.filter_subjects?.length;
  if (policy === 'last_per_subject' && !isFiltered) throw notSet('filter subject');
}

function checkSampling(text: string | undefined): void {
  if (text === undefined) return;
  const digits = text.replace(/%$/, '');
  const problem = (why: string): ApiError =>
    refusal('invalidSampling', `strconv.Atoi: parsing ${quoteGoText(digits)}: ${why}`);
  if (!/^[+-]?\d+$/.test(digits)) throw problem('invalid syntax');
  const value = BigInt(digits.replace(/^\+/, ''));
  if (value > INT64_MAX || value < -INT64_MAX - 1n) throw problem('value out of range');
  // The original has no error to name here.
  if (value < 0n) throw refusal('invalidSampling', '<nil>');
}

function invalid(text: string): ApiError {
  return refusal('streamInvalidConfig', text);
}
