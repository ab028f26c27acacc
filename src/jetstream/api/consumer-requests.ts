// Requests of the API about consumers.
// Source: nats-server 2.15.3, server/jetstream_api.go, jsConsumer…Request; server/consumer.go, addConsumerWithAssignment.
import { StorageError } from '../../shared/errors.ts';
import { goJsonExact } from '../../shared/go-json.ts';
import { randomBase62 } from '../../shared/nuid.ts';
import {
  type ConsumerConfig,
  type ConsumerRequest,
  type ConsumerSettings,
  readConsumerRequest,
} from '../consumer/config.ts';
import { FilterTrie, VISITS_OF_REQUEST } from '../consumer/filter-trie.ts';
import { checkConsumerUpdate } from '../consumer/update-check.ts';
import { checkConsumer } from '../consumer/validate.ts';
import { type Refusal, refusal } from '../errors.ts';
import type { Int } from '../json-reader.ts';
import { NAME_MAX } from '../subjects.ts';
import type { Work } from '../work.ts';
import type { ApiAccount, ApiConsumer, ApiStream } from './account-door.ts';
import { consumerInfo } from './info.ts';
import { LIST_PAGE, NAMES_PAGE, pageOf, readConsumerList } from './paging.ts';
import {
  type Answer,
  type ApiRequest,
  checkEmpty,
  checkLevel,
  readBody,
  readOptionalBody,
  streamOf,
} from './request.ts';

/** Characters of a name that the server makes. */
const EPHEMERAL_NAME_LEN = 8;
/** How long a consumer without a durable name lives unused, unless it says so; nanoseconds. */
const INACTIVE_THRESHOLD = 5_000_000_000;
const encoder = new TextEncoder();

/** `CONSUMER.CREATE.S`: the name is in the body, or the server makes one. */
export function* createEphemeral(request: ApiRequest): Work<Answer> {
  const asked = readBody(request, readConsumerRequest);
  checkLevel(request);
  const settings = asked.config ?? {};
  const [stream = ''] = request.names;
  const { name = '' } = settings;
  checkTarget(asked, stream, name);
  if (settings.durable_name) throw refusal('ephemeralWithDurableName');
  return yield* setUp(request, asked, settings, name);
}

/** `CONSUMER.DURABLE.CREATE.S.C`. */
export function* createDurable(request: ApiRequest): Work<Answer> {
  const asked = readBody(request, readConsumerRequest);
  checkLevel(request);
  const settings = asked.config ?? {};
  const [stream = '', name = ''] = request.names;
  checkTarget(asked, stream, name);
  if (!settings.durable_name) throw refusal('durableNameNotSet');
  if (settings.durable_name !== name) throw refusal('durableNameNotMatching');
  return yield* setUp(request, asked, { ...settings, name }, name);
}

/** `CONSUMER.CREATE.S.C`, and behind it perhaps a filter. */
export function* createNamed(request: ApiRequest): Work<Answer> {
  const asked = readBody(request, readConsumerRequest);
  checkLevel(request);
  const settings = asked.config ?? {};
  const [stream = '', name = '', ...filter] = request.names;
  checkTarget(asked, stream, name);
  if (settings.durable_name && settings.durable_name !== name) {
    throw refusal('durableNameNotMatching');
  }
  if (filter.length > 0) {
    if (settings.filter_subjects?.length) throw refusal('filtersInSubject');
    if ((settings.filter_subject ?? '') !== filter.join('.')) throw refusal('filterNotMatching');
  }
  return yield* setUp(request, asked, { ...settings, name }, name);
}

function checkTarget({ stream_name = '' }: ConsumerRequest, stream: string, name: string): void {
  if (stream_name !== stream) throw refusal('streamMismatch');
  if (/[\\/]/.test(name)) throw refusal('consumerNamePathSeparators');
}

interface Change {
  readonly name: string;
  readonly existing: ApiConsumer;
  readonly config: ConsumerConfig;
  readonly action: ConsumerRequest['action'];
}

/** Makes the consumer, or changes the one of that name. */
function* setUp(
  request: ApiRequest,
  { action = '', pedantic = false }: ConsumerRequest,
  asked: ConsumerSettings,
  wanted: string,
): Work<Answer> {
  const { account } = request;
  if ((asked.num_replicas ?? 0) > 1) throw refusal('replicasNotSupported');
  const stream = streamOf(request, request.names[0]);
  const existing = stream.consumers.get(wanted);
  // When a consumer is changed its pause stays.
  const pause_until = existing === undefined ? asked.pause_until : existing.config.pause_until;
  const name = wanted === '' ? newName(stream) : wanted;
  const rules = { stream: stream.config, limits: account.limits, isPedantic: pedantic };
  const config = checkConsumer({ ...asked, pause_until } as ConsumerSettings, name, rules);
  if (existing !== undefined) {
    yield* change(account, stream, { name, existing, config, action });
    return answer(account, stream, name, existing);
  }
  if (action === 'update') throw refusal('consumerDoesNotExist');
  checkRoom(stream, account);
  if (stream.config.retention === 'workqueue') checkWorkQueue(stream, name, config);
  if (encoder.encode(config.durable_name ?? '').length > NAME_MAX) {
    throw refusal('consumerNameTooLong', NAME_MAX);
  }
  const isDurable = config.durable_name !== undefined;
  const made = stream.createConsumer(withThreshold(config, isDurable));
  const consumer = yield* saving('consumerCreate', made);
  return answer(account, stream, name, consumer);
}

/** Throws ApiError: it cannot be saved, and nothing has changed. */
function saved<T>(error: Refusal, change: () => T): T {
  try {
    return change();
  } catch (thrown) {
    throw thrown instanceof StorageError ? refusal(error, thrown.message) : thrown;
  }
}

/** The same in pieces. */
function* saving<T>(error: Refusal, change: Work<T>): Work<T> {
  try {
    return yield* change;
  } catch (thrown) {
    throw thrown instanceof StorageError ? refusal(error, thrown.message) : thrown;
  }
}

function answer(
  account: ApiAccount,
  stream: ApiStream,
  name: string,
  consumer: ApiConsumer,
): Answer {
  return { fields: consumerInfo(account, stream, name, consumer, true), stream };
}

function newName({ consumers }: ApiStream): string {
  for (;;) {
    const name = randomBase62(EPHEMERAL_NAME_LEN);
    if (!consumers.has(name)) return name;
  }
}

function* change(
  { door }: ApiAccount,
  stream: ApiStream,
  { name, existing, config, action }: Change,
): Work<void> {
  const isSame = goJsonExact(existing.config) === goJsonExact(config);
  if (action === 'create' && !isSame) throw refusal('consumerExists');
  if (
    stream.config.retention === 'workqueue' &&
    !isPartUnique(stream, name, namedFilters(config))
  ) {
    throw refusal('workQueueNotUnique');
  }
  if (isSame) return;
  checkConsumerUpdate(existing.config, config, (subject) => door.hasInterest(subject));
  // How long it lives goes by what it was, and is looked at only when that changes.
  const { durable_name, inactive_threshold = 0 } = existing.config;
  const mayStay = durable_name !== undefined || config.inactive_threshold === inactive_threshold;
  yield* saving('consumerCreate', existing.update(withThreshold(config, mayStay)));
}

/** One that is not durable does not live unused for ever. */
function withThreshold(config: ConsumerConfig, mayStay: boolean): ConsumerConfig {
  if (mayStay || (config.inactive_threshold ?? 0) > 0) return config;
  return { ...config, inactive_threshold: INACTIVE_THRESHOLD };
}

function checkRoom({ config, consumers }: ApiStream, { limits, consumers: all }: ApiAccount): void {
  if (all.count >= all.max) throw refusal('maximumConsumers');
  let max: Int = config.max_consumers;
  if (max <= 0 || (limits.maxConsumers > 0 && limits.maxConsumers < max)) max = limits.maxConsumers;
  if (max <= 0 && limits.defaultMaxConsumers > 0) max = limits.defaultMaxConsumers;
  if (max > 0 && consumers.size >= max) throw refusal('maximumConsumers');
}

/** Each message of a work queue goes to one consumer: their filters do not meet. */
function checkWorkQueue(stream: ApiStream, name: string, config: ConsumerConfig): void {
  if (config.ack_policy !== 'explicit') throw refusal('workQueueRequiresExplicitAck');
  if (config.deliver_policy !== 'all') throw refusal('workQueueNotDeliverAll');
  if (stream.consumers.size === 0) return;
  const filters = namedFilters(config);
  if (filters.length === 0) throw refusal('workQueueManyUnfiltered');
  if (!isPartUnique(stream, name, filters)) throw refusal('workQueueNotUnique');
}

function isPartUnique({ consumers }: ApiStream, name: string, filters: readonly string[]): boolean {
  if (filters.length === 0) return true;
  const wanted = new FilterTrie<undefined>(VISITS_OF_REQUEST);
  for (const filter of filters) wanted.add(filter, undefined);
  let isUnique = true;
  for (const [other, { config }] of consumers) {
    if (other === name) continue;
    const theirs = namedFilters(config);
    if (theirs.length === 0) return false;
    for (const their of theirs) {
      wanted.meet(their, () => {
        isUnique = false;
      });
      if (!isUnique) return false;
    }
  }
  return true;
}

/** As they are named: of all subjects by `>` is by a filter, too. */
function namedFilters({ filter_subject, filter_subjects = [] }: ConsumerConfig): readonly string[] {
  return filter_subject === undefined ? filter_subjects : [filter_subject];
}

export function nameConsumers(request: ApiRequest): Answer {
  const { offset } = readOptionalBody(request, readConsumerList) ?? {};
  const names = [...streamOf(request, request.names[0]).consumers.keys()].sort();
  const { paging, items } = pageOf(names, offset, NAMES_PAGE);
  return { fields: { ...paging, consumers: items } };
}

export function listConsumers(request: ApiRequest): Answer {
  const { offset } = readOptionalBody(request, readConsumerList) ?? {};
  const stream = streamOf(request, request.names[0]);
  const { paging, items } = pageOf([...stream.consumers.keys()].sort(), offset, LIST_PAGE);
  const consumers = items.map((name) =>
    consumerInfo(request.account, stream, name, consumerOf(stream, name), false),
  );
  return { fields: { ...paging, consumers }, stream };
}

export function describeConsumer(request: ApiRequest): Answer {
  checkEmpty(request);
  checkLevel(request);
  const [streamName, name = ''] = request.names;
  const stream = streamOf(request, streamName);
  return answer(request.account, stream, name, consumerOf(stream, name));
}

export function deleteConsumer(request: ApiRequest): Answer {
  checkEmpty(request);
  const [streamName, name = ''] = request.names;
  const stream = streamOf(request, streamName);
  consumerOf(stream, name);
  saved('streamGeneral', () => stream.deleteConsumer(name));
  return { fields: { success: true }, stream };
}

/** Throws ApiError. */
export function consumerOf({ consumers }: ApiStream, name: string): ApiConsumer {
  const consumer = consumers.get(name);
  if (consumer === undefined) throw refusal('consumerNotFound');
  return consumer;
}
