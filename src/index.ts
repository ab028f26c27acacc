// The public door of the bus; re-exports only.

export type { Bus } from './bus/bus.ts';
export { jsonCodec } from './bus/codec.ts';
export {
  type ConnectOptions,
  type ConnectOptions as ConnectionOptions,
  connect,
  Empty,
  errors,
  nuid,
  syncIterator,
} from './bus/connect.ts';
export type { Connection, Connection as NatsConnection, Payload } from './bus/connection.ts';
export { createBus } from './bus/create-bus.ts';
export { canonicalMIMEHeaderKey, headers, MessageHeaders } from './bus/headers.ts';
export { createInbox } from './bus/request.ts';
export type { Rpc } from './bus/subject-map.ts';
export type { TypedBus } from './bus/typed-bus.ts';
export {
  type BufferOptions,
  type BusOptions,
  type Codec,
  type ErrorContext,
  type ErrorHandler,
  Match,
  type Message,
  type MessageCallback,
  type MessageClient,
  type MessageHandler,
  type Msg,
  type MsgHdrs,
  type OnceOptions,
  type OverflowPolicy,
  type Publisher,
  type PublishOptions,
  type PublishSettledOptions,
  type RequestManyOptions,
  type RequestOptions,
  type RequestStrategy,
  type Responder,
  type ResponderOptions,
  type ServerInfo,
  type Stats,
  type Status,
  type SubscribeOptions,
  type SubscribeOptions as SubscriptionOptions,
  type Subscription,
} from './bus/types.ts';
export {
  AuthorizationError,
  CapacityError,
  ClosedConnectionError,
  CycleError,
  DrainingConnectionError,
  type ErrorCode,
  GanglionError,
  InvalidArgumentError,
  InvalidOperationError,
  InvalidPayloadError,
  InvalidSubjectError,
  InvariantError,
  NoRespondersError,
  PermissionViolationError,
  RequestError,
  ServiceError,
  TimeoutError,
  type WasmObstacle,
  WasmUnavailableError,
} from './shared/errors.ts';
