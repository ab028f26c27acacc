// Every error text that a peer can be sent, whether it ends the connection, and for which reason. Only rows
// whose cause exists. Clients match on these texts, so none may be invented.
// Source: nats-server 1787eee, server/errors.go, client.go, parser.go; server/monitor.go (reasons).
import type { Farewell } from '../net/transport.ts';

/** Why a connection ended, as `/connz` says it. */
export const ClosedReason = {
  ClientClosed: 'Client Closed',
  AuthenticationTimeout: 'Authentication Timeout',
  AuthenticationViolation: 'Authentication Failure',
  AuthenticationExpired: 'Authentication Expired',
  SlowConsumerPendingBytes: 'Slow Consumer (Pending Bytes)',
  SlowConsumerWriteDeadline: 'Slow Consumer (Write Deadline)',
  WriteError: 'Write Error',
  ReadError: 'Read Error',
  ParseError: 'Parse Error',
  StaleConnection: 'Stale Connection',
  ProtocolViolation: 'Protocol Violation',
  BadClientProtocolVersion: 'Bad Client Protocol Version',
  MaxConnectionsExceeded: 'Maximum Connections Exceeded',
  MaxPayloadExceeded: 'Maximum Message Payload Exceeded',
  MaxControlLineExceeded: 'Maximum Control Line Exceeded',
  ServerShutdown: 'Server Shutdown',
  NoRespondersRequiresHeaders: 'No Responders Requires Headers',
} as const;
export type ClosedReason = (typeof ClosedReason)[keyof typeof ClosedReason];

export interface Closing {
  /** What follows `-ERR`; undefined closes without a word. `{…}` is filled in. */
  readonly text?: string;
  /** The reason when the connection ends by it; undefined when it goes on. */
  readonly reason?: ClosedReason;
}

/** What ends a connection, or is refused. */
export type ClosingName =
  | 'unknownOperation'
  | 'malformed'
  | 'maxControlLine'
  | 'maxPayload'
  | 'authorization'
  | 'authenticationTimeout'
  | 'authenticationExpired'
  | 'clientProtocol'
  | 'noResponders'
  | 'maxConnections'
  | 'stale'
  | 'peerError'
  | 'maxSubscriptions'
  | 'invalidSubject'
  | 'invalidPublishSubject'
  | 'publishSubject'
  | 'publishReply'
  | 'queue'
  | 'tooManyTokens';

export const CLOSINGS: Readonly<Record<ClosingName, Closing>> = {
  unknownOperation: {
    text: 'Unknown Protocol Operation',
    reason: ClosedReason.ProtocolViolation,
  },
  malformed: { reason: ClosedReason.ProtocolViolation },
  maxControlLine: {
    text: 'maximum control line exceeded',
    reason: ClosedReason.MaxControlLineExceeded,
  },
  maxPayload: {
    text: 'Maximum Payload Violation',
    reason: ClosedReason.MaxPayloadExceeded,
  },
  authorization: {
    text: 'Authorization Violation',
    reason: ClosedReason.AuthenticationViolation,
  },
  authenticationTimeout: {
    text: 'Authentication Timeout',
    reason: ClosedReason.AuthenticationTimeout,
  },
  authenticationExpired: {
    text: 'User Authentication Expired',
    reason: ClosedReason.AuthenticationExpired,
  },
  clientProtocol: {
    text: 'invalid client protocol',
    reason: ClosedReason.BadClientProtocolVersion,
  },
  noResponders: {
    text: 'no responders requires headers support',
    reason: ClosedReason.NoRespondersRequiresHeaders,
  },
  maxConnections: {
    text: 'maximum connections exceeded',
    reason: ClosedReason.MaxConnectionsExceeded,
  },
  stale: { text: 'Stale Connection', reason: ClosedReason.StaleConnection },
  peerError: { reason: ClosedReason.ParseError },
  maxSubscriptions: { text: 'maximum subscriptions exceeded' },
  invalidSubject: { text: 'Invalid Subject' },
  /** Said by the core at the control line of a pedantic PUB. */
  invalidPublishSubject: { text: 'Invalid Publish Subject' },
  publishSubject: { text: 'Permissions Violation for Publish to {subject}' },
  publishReply: { text: 'Permissions Violation for Publish with Reply of {reply}' },
  queue: { text: 'Permissions Violation for Subscription to {subject} using queue {queue}' },
  tooManyTokens: { text: 'Permissions Violation for Subscription to {subject}, too many tokens' },
};

/** The whole line to send for a closing, undefined when it is silent. */
export function errorLine(
  name: ClosingName,
  values: Readonly<Record<string, string>> = {},
): string | undefined {
  const { text }: Closing = CLOSINGS[name];
  if (text === undefined) return undefined;
  return `-ERR '${text.replace(/\{(\w+)\}/g, (_, key: string) => values[key] ?? '')}'\r\n`;
}

/** Status of a WebSocket's end by reason (RFC 6455, 7.4.1); of others 1011. What is aborted has no farewell. */
const STATUSES: Readonly<Partial<Record<ClosedReason, number>>> = {
  [ClosedReason.ClientClosed]: 1000,
  [ClosedReason.StaleConnection]: 1001,
  [ClosedReason.ServerShutdown]: 1001,
  [ClosedReason.BadClientProtocolVersion]: 1002,
  [ClosedReason.ParseError]: 1002,
  [ClosedReason.ProtocolViolation]: 1002,
  [ClosedReason.AuthenticationTimeout]: 1008,
  [ClosedReason.AuthenticationViolation]: 1008,
  [ClosedReason.AuthenticationExpired]: 1008,
  [ClosedReason.MaxConnectionsExceeded]: 1008,
  [ClosedReason.MaxControlLineExceeded]: 1008,
  [ClosedReason.MaxPayloadExceeded]: 1009,
};
const STATUS_OTHER = 1011;

/**
 * What the peer of a WebSocket is told at the end.
 * Source: nats-server 2.15.3, server/websocket.go, wsEnqueueCloseMessage.
 */
export function farewell(reason: ClosedReason): Farewell {
  return { status: STATUSES[reason] ?? STATUS_OTHER, text: reason };
}
