// The client: that of NATS' own packages, on a bus of this process.
import {
  jetstream as clientOf,
  type JetStreamManager,
  type JetStreamManagerOptions,
  type JetStreamOptions,
  type JetStreamPublishOptions,
  jetstreamManager as managerOf,
  type PubAck,
  type JetStreamClient as TheirClient,
} from '@nats-io/jetstream';
import type { Bus } from '../../bus/bus.ts';
import type { Connection } from '../../bus/connection.ts';
import type { Payload, PublishedOn, SubjectOf } from '../../bus/subject-map.ts';
import type { TypedBus } from '../../bus/typed-bus.ts';
import { connectionOf, type StreamUser } from './connection.ts';

type Options = Partial<JetStreamPublishOptions>;

/** The client of @nats-io/jetstream; what it publishes is made bytes of by the bus's codec. */
export interface JetStreamClient extends Omit<TheirClient, 'publish'> {
  publish(subject: string, payload?: unknown, options?: Options): Promise<PubAck>;
}

/** The same, for the subjects of a map. */
export interface TypedJetStreamClient<M extends object> extends Omit<TheirClient, 'publish'> {
  publish<S extends string>(
    subject: SubjectOf<M, S>,
    ...rest: NoInfer<Payload<PublishedOn<M, S>, Options>>
  ): Promise<PubAck>;
}

/**
 * A client of the streams of a bus, or of a connection to one, as of `@nats-io/jetstream`. Its methods reject with
 * JetStreamApiError when the API refuses, with an error named JetStreamNotEnabled where there are no streams, and as
 * requests do. Throws InvalidOperationError for what is no bus.
 */
export function jetstream(user: Bus | Connection, options?: JetStreamOptions): JetStreamClient;
export function jetstream<M extends object>(
  user: TypedBus<M>,
  options?: JetStreamOptions,
): TypedJetStreamClient<M>;
export function jetstream(user: StreamUser, options?: JetStreamOptions): TheirClient {
  return clientOf(connectionOf(user).asTheirs, { ...options });
}

/** The manager of the streams of a bus, or of a connection to one. Rejects where there is no JetStream. */
export async function jetstreamManager(
  user: StreamUser,
  options?: JetStreamManagerOptions,
): Promise<JetStreamManager> {
  return managerOf(connectionOf(user).asTheirs, { ...options });
}

/** What buckets and stores are made with: a user of streams, or a client that has options of its own. */
export type StoreUser = StreamUser | Pick<TheirClient, 'consumers'>;

export function clientFor(user: StoreUser): TheirClient {
  return 'consumers' in user ? (user as TheirClient) : clientOf(connectionOf(user).asTheirs);
}
