// The default of every limit and timing, under the names that options use. Where nats-server has it, the
// value is its own (nats-server 1787eee, server/const.go).

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

export const DEFAULT_HOST = '127.0.0.1';
export const DEFAULT_PORT = 4222;

/** What one server grants its peers. Bytes, counts, milliseconds; 0 of a count is no limit. */
export interface Limits {
  /** Bytes of headers and payload of one message. */
  readonly maxPayload: number;
  /** Bytes of the arguments of one control line. */
  readonly maxControlLine: number;
  /** Bytes queued for one peer before it is closed as a slow consumer. */
  readonly maxPending: number;
  readonly maxConnections: number;
  /** Subscriptions of one connection. */
  readonly maxSubscriptions: number;
  readonly pingIntervalMs: number;
  /** PINGs that may be unanswered before the connection is stale. */
  readonly pingMax: number;
  readonly writeDeadlineMs: number;
  /** Bytes of unfinished reads over all peers of all servers of a bus; nats-server has no such bound. */
  readonly inboundMax: number;
  readonly lameDuckDurationMs: number;
  readonly lameDuckGraceMs: number;
}

/** `inboundMax` has none here: it follows memory. */
export const DEFAULT_LIMITS: Omit<Limits, 'inboundMax'> = {
  maxPayload: MIB,
  maxControlLine: 4 * KIB,
  maxPending: 64 * MIB,
  maxConnections: 64 * KIB,
  maxSubscriptions: 0,
  pingIntervalMs: 120_000,
  pingMax: 2,
  writeDeadlineMs: 10_000,
  lameDuckDurationMs: 120_000,
  lameDuckGraceMs: 10_000,
};

/** Within which a peer has to authenticate. Source: nats-server 2.15.3, server/const.go, AUTH_TIMEOUT. */
export const AUTH_TIMEOUT_MS = 2000;
/** Within which a WebSocket has to be shaken hands with; the original waits for ever. */
export const HANDSHAKE_TIMEOUT_MS = 60_000;
// Shares of this process's memory that peers may take; the rest is the program's.
/** All queued bytes. */
export const OUTBOUND_SHARE = 0.25;
/** All unfinished reads. */
export const INBOUND_SHARE = 0.25;
/** All subscriptions, where that is less than their bound. */
export const SUBSCRIPTION_SHARE = 0.5;
/** Bytes of all subscriptions; those of one connection may take half of it. */
export const SUBSCRIPTION_BYTES_MAX: number = 2 * GIB;

/** How long a request waits for its answer unless told otherwise (as @nats-io/nats-core). */
export const REQUEST_TIMEOUT_MS = 1000;
/** Messages that handlers may publish in one turn before it is called a cycle. */
export const CYCLE_MAX = 1_000_000;
