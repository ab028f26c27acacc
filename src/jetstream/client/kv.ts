// Key-value buckets: those of `@nats-io/kv`, which take values as the bus does and know their type.
import type { Lister } from '@nats-io/jetstream';
import type { JetStreamClientImpl } from '@nats-io/jetstream/internal';
import {
  type KvCodecs,
  type KvOptions,
  type KvPutOptions,
  type KvStatus,
  type KvWatchOptions,
  NoopKvCodecs,
  type KV as TheirKv,
  type KvEntry as TheirKvEntry,
  Kvm as TheirKvm,
} from '@nats-io/kv';
import type { Bucket } from '@nats-io/kv/internal';
import type { QueuedIterator } from '@nats-io/nats-core';
import { decodePayload, encodePayload, jsonCodec } from '../../bus/codec.ts';
import type { Codec, ReviverFn } from '../../bus/types.ts';
import { clientFor, type StoreUser } from './client.ts';
import type { ClientConnection } from './connection.ts';

/** What is stored under a key. */
export interface KvEntry<T = unknown> extends Omit<TheirKvEntry, 'json'> {
  /** The value as the codec of the bus reads it: JSON, unless told otherwise. Throws what that throws. */
  json<U = T>(reviver?: ReviverFn): U;
}

export interface KvWatchEntry<T = unknown> extends KvEntry<T> {
  /** It has come since the watch began, or is the last of what there was then. */
  isUpdate: boolean;
}

type Retyped = 'get' | 'history' | 'watch' | 'create' | 'update' | 'put';

/**
 * A bucket of values of one type. Strings and bytes are stored as they are, all else as the codec of the bus makes bytes
 * of it. The rest is that of nats.js. Its methods reject with JetStreamApiError, and with InvalidPayloadError for a value
 * that has no bytes.
 */
export interface KV<T = unknown> extends Omit<TheirKv, Retyped> {
  get(key: string, options?: { revision: number }): Promise<KvEntry<T> | null>;
  history(options?: { key?: string | string[] }): Promise<QueuedIterator<KvWatchEntry<T>>>;
  watch(options?: KvWatchOptions): Promise<QueuedIterator<KvWatchEntry<T>>>;
  create(key: string, value: T, markerTtl?: string): Promise<number>;
  update(key: string, value: T, version: number, timeout?: number): Promise<number>;
  put(key: string, value: T, options?: Partial<KvPutOptions>): Promise<number>;
}

/** The buckets of a bus. */
export class Kvm {
  readonly #theirs: TheirKvm;
  readonly #codec: Codec | undefined;

  /** Throws InvalidOperationError for what is no bus. */
  constructor(user: StoreUser) {
    const client = clientFor(user) as JetStreamClientImpl;
    this.#theirs = new TheirKvm(client);
    this.#codec = (client.nc as unknown as ClientConnection).codec;
  }

  /** The bucket of that name, which is made when there is none. */
  async create<T = unknown>(name: string, options?: Partial<KvOptions>): Promise<KV<T>> {
    return this.#with(await this.#theirs.create(name, this.#options(options)));
  }

  /** The bucket of that name; where there is none, its methods reject. */
  async open<T = unknown>(name: string, options?: Partial<KvOptions>): Promise<KV<T>> {
    return this.#with(await this.#theirs.open(name, this.#options(options)));
  }

  list(): Lister<KvStatus> {
    return this.#theirs.list();
  }

  #options(options: Partial<KvOptions> = {}): Partial<KvOptions> {
    return this.#codec === undefined
      ? { ...options }
      : { codec: codecsOf(this.#codec), ...options };
  }

  #with<T>(bucket: TheirKv): KV<T> {
    const codec = this.#codec;
    if (codec !== undefined && codec !== jsonCodec) readBy(codec, bucket as Bucket);
    return bucket as unknown as KV<T>;
  }
}

function codecsOf(codec: Codec): KvCodecs {
  const { key, value } = NoopKvCodecs();
  return { key, value: { encode: (data) => encodePayload(data, codec), decode: value.decode } };
}

/** Entries are made by two methods of their bucket, and read what they hold as JSON. */
function readBy(codec: Codec, bucket: Bucket): void {
  const reading = <E extends TheirKvEntry>(entry: E): E =>
    Object.assign(entry, { json: () => decodePayload(entry.value, codec) });
  const { smToEntry, jmToWatchEntry } = bucket;
  bucket.smToEntry = (...args) => reading(smToEntry.apply(bucket, args));
  bucket.jmToWatchEntry = (...args) => reading(jmToWatchEntry.apply(bucket, args));
}
