// What a pull asks for: nothing is one message, a number is that many, and an object says more. Programs ask the same
// again and again, so the last body is remembered with what it says.
// Source: nats-server 2.15.3, server/consumer.go, nextReqFromMsg, processNextMsgRequest; ADR-13.
import { trimmed, wellFormedTextOf } from '../../shared/byte-text.ts';
import { formatDuration, NANOS_PER_MS } from '../../shared/time.ts';
import { BOOL, type Fields, INT64, type Int, readOneObject, STRING } from '../json-reader.ts';
import { JsonError } from '../json-scanner.ts';
import type { ConsumerConfig } from './config.ts';

export interface PullRequest {
  /** Messages; below 1 it is one, as it is with the original. */
  readonly batch: number;
  /** After so long it ends; undefined: it waits as long as its inbox has a listener. */
  readonly expiresMs: number | undefined;
  /** 0 = no bound. */
  readonly maxBytes: number;
  readonly noWait: boolean;
  /** 0 = none. */
  readonly heartbeatMs: number;
  /** The refusal of what does not belong there. */
  readonly misplaced: string | undefined;
}

interface Wire {
  readonly batch: Int;
  readonly expires: Int;
  readonly max_bytes: Int;
  readonly no_wait: boolean;
  readonly idle_heartbeat: Int;
  readonly min_pending: Int;
  readonly min_ack_pending: Int;
  readonly id: string;
  readonly priority: Int;
}

const FIELDS: Fields = {
  batch: INT64,
  expires: INT64,
  max_bytes: INT64,
  no_wait: BOOL,
  idle_heartbeat: INT64,
  group: STRING,
  min_pending: INT64,
  min_ack_pending: INT64,
  id: STRING,
  priority: INT64,
};

const ONE: PullRequest = {
  batch: 1,
  expiresMs: undefined,
  maxBytes: 0,
  noWait: false,
  heartbeatMs: 0,
  misplaced: undefined,
};
const INT64_MAX = 2n ** 63n - 1n;
/** Longer ones are not remembered. */
const KEPT_BYTES = 256;

/** Reads the pulls of one consumer. */
export class PullReader {
  #config: ConsumerConfig;
  #last: Uint8Array | undefined;
  #lastSays: PullRequest | string = ONE;

  constructor(config: ConsumerConfig) {
    this.#config = config;
  }

  /** What a consumer allows in one pull has changed. */
  update(config: ConsumerConfig): void {
    this.#config = config;
    this.#last = undefined;
  }

  /**
   * @param body a view
   * @returns the status line of a refusal, or what is asked for
   */
  read(body: Uint8Array): PullRequest | string {
    const last = this.#last;
    if (last !== undefined && isSame(last, body)) return this.#lastSays;
    const says = this.#judge(body);
    if (body.length <= KEPT_BYTES) {
      this.#last = body.slice();
      this.#lastSays = says;
    }
    return says;
  }

  #judge(body: Uint8Array): PullRequest | string {
    try {
      const says = parse(body);
      return this.#refusal(says) ?? says;
    } catch (error) {
      if (error instanceof JsonError) return `400 Bad Request - ${error.message}`;
      throw error;
    }
  }

  #refusal(request: PullRequest): string | undefined {
    const { max_batch = 0, max_expires = 0, max_bytes = 0 } = this.#config;
    const { batch, expiresMs, maxBytes } = request;
    if (max_batch > 0 && batch > max_batch) return `409 Exceeded MaxRequestBatch of ${max_batch}`;
    if (expiresMs !== undefined && max_expires > 0 && expiresMs * NANOS_PER_MS > max_expires) {
      return `409 Exceeded MaxRequestExpires of ${formatDuration(BigInt(max_expires))}`;
    }
    if (max_bytes > 0 && maxBytes > max_bytes) {
      return `409 Exceeded MaxRequestMaxBytes of ${max_bytes}`;
    }
    return request.misplaced;
  }
}

function parse(body: Uint8Array): PullRequest {
  const text = trimmed(wellFormedTextOf(body));
  if (text.startsWith('{')) return fromWire(readOneObject<Wire>(text, FIELDS));
  const batch = /^[-+]?\d{1,19}$/.test(text) ? BigInt(text) : 1n;
  return batch > INT64_MAX ? ONE : { ...ONE, batch: Number(batch) };
}

/** Throws JsonError. */
function fromWire(wire: Partial<Wire>): PullRequest {
  const { batch = 0, expires = 0, max_bytes = 0, no_wait = false, idle_heartbeat = 0 } = wire;
  const heartbeat = Number(idle_heartbeat);
  if (heartbeat > 0 && heartbeat * 2 > Number(expires)) {
    throw new JsonError('heartbeat value too large');
  }
  return {
    batch: Number(batch),
    expiresMs: Number(expires) === 0 ? undefined : Number(expires) / NANOS_PER_MS,
    maxBytes: Number(max_bytes),
    noWait: no_wait,
    heartbeatMs: Math.max(0, heartbeat) / NANOS_PER_MS,
    misplaced: misplacedOf(wire),
  };
}

/** What only consumers with a policy of priorities take; none has one. */
function misplacedOf(wire: Partial<Wire>): string | undefined {
  const { min_pending = 0, min_ack_pending = 0, id = '', priority = 0 } = wire;
  if (Number(min_pending) !== 0 || Number(min_ack_pending) !== 0) {
    return '400 Bad Request - Not a Overflow Priority consumer';
  }
  if (id !== '') return '400 Bad Request - Not a Pinned Client Priority consumer';
  const isPriority = priority >= 0 && priority <= 9;
  return isPriority ? undefined : '400 Bad Request - Priority must be between 0 and 9';
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  const { length } = a;
  if (b.length !== length) return false;
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false;
  return true;
}
