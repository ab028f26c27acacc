// The client: that of NATS' own packages, on a bus of this process.
import {
  jetstream as clientOf,
  type JetStreamClient,
  type JetStreamManager,
  type JetStreamManagerOptions,
  type JetStreamOptions,
  jetstreamManager as managerOf,
} from '@nats-io/jetstream';
import { connectionOf, type StreamUser } from './connection.ts';

/**
 * A client of the streams of a bus, or of a connection to one, as of `@nats-io/jetstream`. Its methods reject with
 * JetStreamApiError when the API refuses, with JetStreamError where there are no streams, and as requests do.
 * Throws InvalidOperationError for what is no bus.
 */
export function jetstream(user: StreamUser, options?: JetStreamOptions): JetStreamClient {
  return clientOf(connectionOf(user).asTheirs, { ...options });
}

/** The manager of the streams of a bus, or of a connection to one. Rejects where there is no JetStream. */
export async function jetstreamManager(
  user: StreamUser,
  options?: JetStreamManagerOptions,
): Promise<JetStreamManager> {
  return managerOf(connectionOf(user).asTheirs, { ...options });
}

/** The client that somebody has made already, with options of its own, or one of a bus. */
export function clientFor(user: StreamUser | JetStreamClient): JetStreamClient {
  return 'consumers' in user ? user : jetstream(user);
}
