// What the bridge is told, and what it tells about its connections.

import type { SessionSubscription } from '../core/index.ts';
import type { PeerFacts } from '../net/transport.ts';
import type { Clock } from '../shared/clock.ts';
import { defer } from '../shared/defer.ts';
import type { Limits } from '../shared/limits.ts';
import type { Logger } from '../shared/logger.ts';
import type { Entrance } from './authentication.ts';
import type { ClosedReason } from './closing.ts';
import { READ_UNITS } from './feed.ts';
import { randomUnit } from './random.ts';

/** Everything is filled in and checked by the caller. Bytes, counts, milliseconds; 0 of a count is no limit. */
export interface BridgeOptions extends Limits, Entrance {
  /** Key and name of this server, as INFO shows them. */
  readonly serverId: string;
  readonly serverName: string;
  /** Bytes queued for all peers of the engine together; beyond it the one with the most is closed. */
  readonly outboundMax: number;
  /** Descriptors that this process may have, where that is known. */
  readonly descriptorMax?: number | undefined;
  /** Bytes of all subscriptions of peers, of which one may have half (default: 2 GiB). */
  readonly subscriptionBytesMax?: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The nats-server version to announce (default: the one whose behaviour this is). */
  readonly version?: string;
  /** What INFO says under `go`, which clients insist on (default `node`). */
  readonly runtime?: string;
  /** What clients are told of where it listens, if not that. */
  readonly advertised?: { readonly host: string; readonly port: number | undefined } | undefined;
  /** Other addresses of this server that clients may be told, `host:port`. */
  readonly connectUrls?: readonly string[];
  /** Between PINGs to those who come by WebSocket (default: as to others). */
  readonly websocketPingIntervalMs?: number | undefined;
  /** Peers may use headers (default true). */
  readonly hasHeaders?: boolean;
  /** Most tokens in the filter of a peer's subscription (default 0: no limit). */
  readonly maxSubTokens?: number;
  /** 0 to 1, for what is spread by chance. */
  readonly random?: () => number;
  /** Runs a function once this turn of the event loop has no more reads. */
  readonly defer?: (fn: () => void) => void;
  /** Connections that have ended and are remembered (default 10,000). */
  readonly endedMax?: number;
  /** CONNECTs that are asked about at once, when the answer takes its time; the others wait (default 1,024). */
  readonly authenticationsMax?: number;
  /** There are processors besides ours, so the loop may stay awake for a moment (default false). */
  readonly hasSpareProcessor?: boolean;
  /** Units of work that one read may cause before others have their turn (default: some 5 ms). */
  readonly readUnits?: number;
}

/** The same when nothing is left open. */
export type BridgeSettings = BridgeOptions &
  Required<
    Pick<
      BridgeOptions,
      | 'hasHeaders'
      | 'endedMax'
      | 'maxSubTokens'
      | 'random'
      | 'defer'
      | 'authenticationsMax'
      | 'hasSpareProcessor'
      | 'readUnits'
    >
  >;

/** Each may cost whoever decides memory, or a request to another server. */
const AUTHENTICATIONS_MAX = 1024;

/** Source: nats-server, DEFAULT_MAX_CLOSED_CLIENTS. */
export const ENDED_MAX = 10_000;

/** Fills in what was not given. */
export function settle(options: BridgeOptions): BridgeSettings {
  return {
    ...options,
    hasHeaders: options.hasHeaders ?? true,
    endedMax: options.endedMax ?? ENDED_MAX,
    maxSubTokens: options.maxSubTokens ?? 0,
    random: options.random ?? randomUnit,
    defer: options.defer ?? defer,
    authenticationsMax: options.authenticationsMax ?? AUTHENTICATIONS_MAX,
    hasSpareProcessor: options.hasSpareProcessor ?? false,
    readUnits: options.readUnits ?? READ_UNITS,
  };
}

/** Where to listen. */
export interface BridgeAddress {
  /** `0.0.0.0` or empty is every address of both families. */
  readonly host: string;
  /** 0 or below is any free port. */
  readonly port: number;
}

/** One connection as it is now, or was when it ended. Times are milliseconds since 1970. */
export interface ConnectionSnapshot {
  readonly cid: number;
  readonly kind: 'Client';
  readonly type: PeerFacts['type'];
  readonly ip: string;
  readonly port: number;
  readonly start: number;
  readonly lastActivity: number;
  /** Round trip in milliseconds, once known. */
  readonly rttMs?: number;
  readonly uptimeMs: number;
  readonly idleMs: number;
  readonly pendingBytes: number;
  readonly inMsgs: number;
  readonly outMsgs: number;
  readonly inBytes: number;
  readonly outBytes: number;
  readonly subscriptions: number;
  /** How often its publishes were paused for a slow consumer's sake. */
  readonly stalls: number;
  /** The account that it is in. */
  readonly account: string;
  /** Who it says it is; a token is not shown. */
  readonly user?: string;
  readonly name?: string;
  readonly lang?: string;
  readonly version?: string;
  /** When and why it ended. */
  readonly stop?: number;
  readonly reason?: ClosedReason;
}

/** One that has ended, and what it was subscribed to then: nothing of it if that was more than may be kept. */
export interface EndedConnection extends ConnectionSnapshot {
  readonly subscriptionList: readonly SessionSubscription[];
}

/** Counts since the start, but for the first. */
export interface BridgeStats {
  /** As many as `connections` would show now. */
  readonly openConnections: number;
  readonly totalConnections: number;
  readonly slowConsumers: number;
  readonly staleConnections: number;
  /** How often a publisher was paused for a consumer's sake. */
  readonly stalledClients: number;
}
