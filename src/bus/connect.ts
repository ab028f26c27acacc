// `connect()` for programs written for @nats-io/transport-node, and the small things they import beside it. All
// connections of a process meet on one bus, as the clients of one server do; it is made with the first of them and
// closed with the last.

import * as all from '../shared/errors.ts';
import { nuid as nextNuid } from '../shared/nuid.ts';
import { checkObject } from './arguments.ts';
import type { Bus } from './bus.ts';
import { Connection } from './connection.ts';
import { createBus } from './create-bus.ts';
import { insidesOf } from './insides.ts';
import { checkInboxPrefix } from './request.ts';

/** Options that only mean something on a network. */
type NetworkOption =
  | 'authenticator'
  | 'debug'
  | 'ignoreAuthErrorAbort'
  | 'ignoreClusterUpdates'
  | 'maxPingOut'
  | 'maxReconnectAttempts'
  | 'name'
  | 'noAsyncTraces'
  | 'noRandomize'
  | 'pass'
  | 'pedantic'
  | 'pingInterval'
  | 'port'
  | 'reconnect'
  | 'reconnectDelayHandler'
  | 'reconnectJitter'
  | 'reconnectJitterTLS'
  | 'reconnectTimeWait'
  | 'reconnectToServer'
  | 'resolve'
  | 'servers'
  | 'timeout'
  | 'tls'
  | 'token'
  | 'user'
  | 'verbose'
  | 'waitOnFirstConnect';

/** What @nats-io/nats-core takes; options of the network are not looked at. */
export interface ConnectOptions extends Readonly<Partial<Record<NetworkOption, unknown>>> {
  /** First tokens of inboxes; default `_INBOX`. */
  readonly inboxPrefix?: string;
  /** Refused when true: in a process every connection hears itself. */
  readonly noEcho?: boolean;
  /** The bus to connect to, instead of the one that all connections share. It stays open. */
  readonly bus?: Bus;
}

let shared: { readonly bus: Bus; count: number } | undefined;

/**
 * A connection to the bus of this process, whatever `servers` says.
 * Rejects with InvalidArgumentError for `noEcho`; with TypeError, InvalidArgumentError or InvalidSubjectError for an
 * `inboxPrefix` that no inbox can have; with ClosedConnectionError when `bus` is closed; with WasmUnavailableError.
 * Nothing is left behind then.
 */
export async function connect(options: ConnectOptions = {}): Promise<Connection> {
  const { bus, inboxPrefix = '', noEcho } = checkObject(options);
  if (noEcho === true) {
    throw all.InvalidArgumentError.format('noEcho', 'is not for connections inside a process');
  }
  checkInboxPrefix(inboxPrefix);
  if (bus !== undefined) insidesOf(bus);
  if (bus?.isClosed() === true) throw new all.ClosedConnectionError();
  if (bus !== undefined) return new Connection(bus, inboxPrefix, async () => {});
  shared ??= { bus: createBus(), count: 0 };
  const joined = shared;
  const connection = new Connection(joined.bus, inboxPrefix, async () => {
    if (--joined.count > 0) return;
    shared = undefined;
    await joined.bus.close();
  });
  joined.count++;
  return connection;
}

/** No bytes. */
export const Empty: Uint8Array = new Uint8Array(0);

/** Unique names of 22 characters. */
export const nuid: { next(): string } = { next: nextNuid };

/** One message after the other, null at the end, instead of a loop. */
export function syncIterator<T>(source: AsyncIterable<T>): { next(): Promise<T | null> } {
  const iterator = source[Symbol.asyncIterator]();
  return {
    async next() {
      const result = await iterator.next();
      return result.done === true ? null : result.value;
    },
  };
}

/** The classes of errors that nats-core has in a table of that name. */
export const errors = {
  AuthorizationError: all.AuthorizationError as typeof all.AuthorizationError,
  ClosedConnectionError: all.ClosedConnectionError as typeof all.ClosedConnectionError,
  DrainingConnectionError: all.DrainingConnectionError as typeof all.DrainingConnectionError,
  InvalidArgumentError: all.InvalidArgumentError as typeof all.InvalidArgumentError,
  InvalidOperationError: all.InvalidOperationError as typeof all.InvalidOperationError,
  InvalidSubjectError: all.InvalidSubjectError as typeof all.InvalidSubjectError,
  NoRespondersError: all.NoRespondersError as typeof all.NoRespondersError,
  PermissionViolationError: all.PermissionViolationError as typeof all.PermissionViolationError,
  RequestError: all.RequestError as typeof all.RequestError,
  TimeoutError: all.TimeoutError as typeof all.TimeoutError,
} as const;
