// What answers say of streams and consumers: members in the order of the original, which leaves out what is empty.
// Source: nats-server 2.15.3, server/stream.go, StreamInfo; server/consumer.go, ConsumerInfo; server/store.go, StreamState.
import type { JsonText } from '../../shared/go-json.ts';
import type { ConsumerConfig } from '../consumer/config.ts';
import { shownMetadata } from '../metadata.ts';
import type { StreamConfig } from '../stream/config.ts';
import { timeText } from '../wire-time.ts';
import type { ApiAccount, ApiConsumer, ApiStream, SequencePair } from './account-door.ts';
import type { Fields } from './request.ts';

/** What else is said of a stream. */
export interface StreamInfoOptions {
  /** Version and level of the server among the metadata. */
  readonly withVersion?: boolean;
  readonly withDomain?: boolean;
  readonly withCluster?: boolean;
  /** Sequences that hold no message, and messages by subject. */
  readonly deleted?: JsonText | undefined;
  readonly subjects?: JsonText | undefined;
}

export function streamInfo(
  { clock, domain, serverName }: ApiAccount,
  stream: ApiStream,
  options: StreamInfoOptions,
): Fields {
  return {
    config: shownStreamConfig(stream.config, options.withVersion),
    created: timeText(stream.createdMs),
    state: stateOf(stream, options),
    domain: options.withDomain ? domain : undefined,
    cluster: options.withCluster ? { leader: serverName } : undefined,
    ts: timeText(clock.now()),
  };
}

function shownStreamConfig(config: StreamConfig, withVersion = false): Fields {
  return withVersion ? { ...config, metadata: shownMetadata(config.metadata) } : { ...config };
}

function stateOf({ store, consumers }: ApiStream, options: StreamInfoOptions): Fields {
  const { state, deletedCount, lost } = store;
  return {
    messages: state.messages,
    bytes: state.bytes,
    first_seq: state.firstSeq,
    first_ts: timeText(state.firstTimeMs),
    last_seq: state.lastSeq,
    last_ts: timeText(state.lastTimeMs),
    num_subjects: state.subjects || undefined,
    subjects: options.subjects,
    num_deleted: deletedCount || undefined,
    deleted: options.deleted,
    lost: lost.count === 0 ? undefined : { msgs: lost.seqs, bytes: lost.bytes },
    consumer_count: consumers.size,
  };
}

export function consumerInfo(
  { clock }: ApiAccount,
  stream: ApiStream,
  name: string,
  consumer: ApiConsumer,
  withVersion: boolean,
): Fields {
  const state = consumer.info();
  return {
    stream_name: stream.config.name,
    name,
    created: timeText(consumer.createdMs),
    config: shownConsumerConfig(consumer.config, withVersion),
    delivered: sequences(state.delivered),
    ack_floor: sequences(state.ackFloor),
    num_ack_pending: state.ackPending,
    num_redelivered: state.redelivered,
    num_waiting: state.waiting,
    num_pending: state.pending,
    push_bound: state.isBound || undefined,
    ts: timeText(clock.now()),
  };
}

function shownConsumerConfig(config: ConsumerConfig, withVersion: boolean): Fields {
  const { isNameless, name, ...rest } = config;
  const { durable_name, backoff = [], filter_subjects = [], inactive_threshold } = config;
  return {
    durable_name,
    name: isNameless ? undefined : name,
    ...rest,
    backoff: backoff.length === 0 ? undefined : backoff,
    filter_subjects: filter_subjects.length === 0 ? undefined : filter_subjects,
    inactive_threshold: inactive_threshold || undefined,
    metadata: withVersion ? shownMetadata(config.metadata) : config.metadata,
  };
}

function sequences({ consumer, stream, lastMs }: SequencePair): Fields {
  return {
    consumer_seq: consumer,
    stream_seq: stream,
    last_active: lastMs === 0 ? undefined : timeText(lastMs),
  };
}
