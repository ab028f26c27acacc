// `ganglion/jetstream`: streams and consumers on a bus, and a client for them whose names are those of nats.js.
export type { JetStreamOptions as JetStreamClientOptions } from './client/api.ts';
export { type Consumers, type JetStreamClient, jetstream } from './client/client.ts';
export { JetStreamApiError, JetStreamStatusError } from './client/errors.ts';
export type { DeliveryInfo, JsMsg } from './client/js-msg.ts';
export {
  type ConsumerApi,
  type JetStreamManager,
  jetstreamManager,
  type StoredMsg,
  type StreamApi,
} from './client/manager.ts';
export type {
  ConsumeOptions,
  Consumer,
  ConsumerMessages,
  FetchOptions,
  NextOptions,
} from './client/pulls.ts';
export {
  type AccountInfo,
  AckPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  DeliverPolicy,
  DiscardPolicy,
  type JetStreamPublishOptions,
  type MessageRequest,
  type PubAck,
  type PurgeOptions,
  ReplayPolicy,
  RetentionPolicy,
  StorageType,
  StoreCompression,
  type StreamConfig,
  type StreamInfo,
  type StreamState,
} from './client/types.ts';
export { enableJetStream, type JetStream } from './jetstream.ts';
export type { JetStreamLimits, JetStreamOptions } from './options.ts';
