// What JetStream may be told, checked once at the door and completed.
import { checkOptions } from '../bus/arguments.ts';
import type { Clock } from '../shared/clock.ts';
import { InvalidArgumentError } from '../shared/errors.ts';
import { usableMemory } from '../shared/memory.ts';
import { NANOS_PER_MS } from '../shared/time.ts';
import type { ApiLimits } from './api/account-door.ts';

/** Bounds of what streams and consumers may ask for. */
export interface JetStreamLimits {
  /** Messages of a consumer that wait for their acknowledgement (default: no bound). */
  readonly maxAckPending?: number;
  /** Messages of a pull (default: no bound). */
  readonly maxRequestBatch?: number;
  /** Consumers of a stream that says nothing of it (default 1,000). */
  readonly defaultMaxConsumers?: number;
  /** Milliseconds for which the ids of messages are remembered where a stream says nothing of it (default 120,000). */
  readonly duplicateWindowMs?: number;
}

/** Where streams lie and what they may take. */
export interface JetStreamOptions {
  /**
   * Streams on file lie in `ganglion` in this directory, which is this process's alone as long as it has it, and are found
   * there again. Default: a temporary directory, made when the first of them is, and gone when this is closed or the process
   * ends by itself.
   */
  readonly storeDir?: string;
  /**
   * Bytes of all streams in memory (default: three quarters of the memory that this process may use; half of that without
   * `storeDir`).
   */
  readonly maxMemory?: number;
  /** Bytes of all streams on file (default: three quarters of what the disk has free; without `storeDir` as `maxMemory`). */
  readonly maxFile?: number;
  readonly limits?: JetStreamLimits;
  /** Name that sets it apart from others: requests may come on `$JS.<domain>.API.>`, too. */
  readonly domain?: string;
  /**
   * Milliseconds after which what has been stored in `storeDir` survives a power loss (default 120,000); the end of the
   * process it survives from its acknowledgement on. `always`: nothing is acknowledged before it survives both.
   */
  readonly syncInterval?: number | 'always';
  /** Unknown keys of requests are errors (default true). */
  readonly strict?: boolean;
  /** Default: that of the bus. */
  readonly clock?: Clock;
}

export interface JetStreamSettings {
  readonly storeDir: string | undefined;
  readonly maxMemory: number;
  readonly maxFile: number;
  /** It follows from what the disk has. */
  readonly isFileByDisk: boolean;
  /** Bytes of memory that streams may really occupy. */
  readonly heldMax: number;
  /** Consumers of an account. */
  readonly consumersMax: number;
  readonly syncInterval: number | 'always';
  readonly domain: string | undefined;
  readonly isStrict: boolean;
  readonly limits: ApiLimits;
  readonly clock: Clock | undefined;
}

/**
 * Of the memory that this process may use, what all streams may occupy. Source: nats-server 2.15.3, server/jetstream.go,
 * dynJetStreamConfig.
 */
const MEMORY_SHARE: number = 3 / 4;
/** Source: nats-server 2.15.3, server/jetstream.go, JsDefaultMaxConsumers. */
const MAX_CONSUMERS = 1000;
/** Source: nats-server 2.15.3, server/filestore.go, defaultSyncInterval. */
const SYNC_INTERVAL_MS = 120_000;
/** What an account can make us keep is bounded, as the original's is not: of streams and consumers an eighth of memory. */
const MAX_STREAMS = 10_000;
const PART = 8;
/** What one takes that has a message, and what a consumer does, as measured: 68 KB and 10.8 KB of RSS. */
const STREAM_BYTES = 70_000;
const CONSUMER_BYTES = 11_000;

/** Throws InvalidArgumentError with the name of the option. */
export function jetStreamSettings(options: JetStreamOptions): JetStreamSettings {
  const said = checkOptions(options);
  const { storeDir, domain, limits = {}, strict = true, clock, syncInterval } = said;
  if (typeof limits !== 'object' || limits === null) {
    throw InvalidArgumentError.format('limits', 'must be an object');
  }
  if (syncInterval !== 'always') whole('syncInterval', syncInterval, 0);
  if (typeof strict !== 'boolean') throw InvalidArgumentError.format('strict', 'must be a boolean');
  const memory = usableMemory();
  const share = Math.floor(memory * MEMORY_SHARE);
  const directory = text('storeDir', storeDir) || undefined;
  // Temporary files often lie in memory, too: then both kinds share it.
  const most = directory === undefined ? Math.floor(share / 2) : share;
  const windowMs = whole('limits.duplicateWindowMs', limits.duplicateWindowMs, 0);
  return {
    storeDir: directory,
    maxMemory: whole('maxMemory', said.maxMemory, 0) ?? most,
    maxFile: whole('maxFile', said.maxFile, 0) ?? most,
    isFileByDisk: said.maxFile === undefined,
    heldMax: share,
    consumersMax: Math.floor(memory / PART / CONSUMER_BYTES),
    syncInterval: syncInterval ?? SYNC_INTERVAL_MS,
    domain: domainName(domain),
    isStrict: strict,
    limits: {
      maxBytesRequired: false,
      memoryMaxStreamBytes: -1,
      fileMaxStreamBytes: -1,
      maxStreams: Math.min(MAX_STREAMS, Math.ceil(memory / PART / STREAM_BYTES)),
      maxConsumers: -1,
      defaultMaxConsumers:
        whole('limits.defaultMaxConsumers', limits.defaultMaxConsumers, -1) || MAX_CONSUMERS,
      maxAckPending: -1,
      serverMaxAckPending: whole('limits.maxAckPending', limits.maxAckPending, -1) ?? 0,
      maxRequestBatch: whole('limits.maxRequestBatch', limits.maxRequestBatch, -1) ?? 0,
      duplicateWindow: (windowMs ?? 0) * NANOS_PER_MS,
    },
    clock,
  };
}

function whole(name: string, value: unknown, least: number): number | undefined {
  if (value === undefined) return undefined;
  if (Number.isSafeInteger(value) && (value as number) >= least) return value as number;
  throw InvalidArgumentError.format(name, `must be a whole number from ${least} on`);
}

function text(name: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw InvalidArgumentError.format(name, 'must be a string');
}

/** One token. Source: nats-server 2.15.3, server/jetstream.go, validateJetStreamOptions. */
function domainName(value: unknown): string | undefined {
  const domain = text('domain', value);
  if (domain === undefined || domain === '') return undefined;
  if (/^[^\s.*>]+$/.test(domain)) return domain;
  throw InvalidArgumentError.format('domain', 'must be one token of a subject without wildcards');
}
