// The door of the server: puts a bus on the network.
import { assertServable } from '../bridge/bridge.ts';
import type { Bus } from '../bus/bus.ts';
import { internalsOf } from '../bus/internals.ts';
import type { ServeOptions } from './options.ts';
import { RunningServer } from './running-server.ts';
import type { Server } from './server.ts';

export type { ConnectionSnapshot } from '../bridge/bridge.ts';
export type { Logger } from '../shared/logger.ts';
export type {
  Admitted,
  Authenticate,
  AuthorizationOptions,
  Credentials,
  SimpleAuthorization,
  UserPassword,
} from './authorization.ts';
export type { JetStreamChoice } from './jetstream.ts';
export type {
  ConfigurationSource,
  LeafnodesListenOptions,
  MonitoringListenOptions,
  ServeOptions,
} from './options.ts';
export type { Server } from './server.ts';
export type { WebSocketListenOptions } from './websocket.ts';
/**
 * Reads a configuration file of nats-server as options of `serve` that mean the same: host and port default to
 * 0.0.0.0 and 4222. What it says of the log is left to the program. Rejects with an InvalidArgumentError that lists
 * what is wrong, and with one that names what the file asks for and a server must not start without.
 */
export async function loadConfig(file: string): Promise<ServeOptions> {
  const { readServeOptions } = await import('./load-config.ts');
  return readServeOptions(file);
}

/**
 * Serves the bus to NATS clients. Resolves when it listens; rejects with InvalidArgumentError for an option,
 * or with the system's error (EADDRINUSE, …) when a listener or the pid file fails, which is logged as well.
 *
 * A bus may have several servers: each has its own listeners, door, limits, connections and pages. They have in common
 * `inboundMax`, `outboundMax`, the clock and the streams: who comes later has what is there where he does not say, and is
 * refused with InvalidArgumentError where he asks for something else (InvalidOperationError for `jetstream`). What the
 * program may send, and `bus.info`, are those of the server that has been there longest.
 */
export async function serve(bus: Bus, options: ServeOptions = {}): Promise<Server> {
  const internals = internalsOf(bus);
  assertServable(internals);
  const server = new RunningServer(bus, internals, options);
  await server.start();
  return server;
}
