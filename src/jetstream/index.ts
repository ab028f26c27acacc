// `ganglion/jetstream`: streams, buckets and objects on a bus, and the client of them, which is that of NATS' own
// packages: whatever a program imports of @nats-io/jetstream, @nats-io/kv and @nats-io/obj is here by the same name.
export type * from '@nats-io/jetstream';
export {
  AckPolicy,
  AdvisoryKind,
  DeliverPolicy,
  DirectMsgHeaders,
  DiscardPolicy,
  isPullConsumer,
  isPushConsumer,
  JetStreamApiCodes,
  JetStreamApiError,
  JetStreamError,
  type JetStreamOptions as JetStreamClientOptions,
  JsHeaders,
  PersistMode,
  PubHeaders,
  ReplayPolicy,
  RepublishHeaders,
  RetentionPolicy,
  StorageType,
  StoreCompression,
} from '@nats-io/jetstream';
export { JetStreamStatusError } from '@nats-io/jetstream/internal';
export type * from '@nats-io/kv';
export {
  Base64KeyCodec,
  Bucket,
  defaultBucketOpts,
  KvWatchInclude,
  NoopKvCodecs,
} from '@nats-io/kv';
export type * from '@nats-io/obj';
export {
  Base64Codec,
  Base64UrlCodec,
  Base64UrlPaddedCodec,
  getSha256Backend,
  setSha256Backend,
} from '@nats-io/obj';
export {
  type JetStreamClient,
  jetstream,
  jetstreamManager,
  type StoreUser,
  type TypedJetStreamClient,
} from './client/client.ts';
export type { StreamUser } from './client/connection.ts';
export { type KV, type KvEntry, Kvm, type KvWatchEntry } from './client/kv.ts';
export { Objm } from './client/objects.ts';
export { enableJetStream, type JetStream } from './jetstream.ts';
export type { JetStreamLimits, JetStreamOptions } from './options.ts';
