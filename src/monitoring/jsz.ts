// `/jsz`, and what `/varz` and `/healthz` say of streams: all of them together, and those of an account one by one.
// Source: nats-server 2.15.3, server/monitor.go, Jsz, accountDetail, healthz; played against it.
import type { JetStreamSnapshot } from '../jetstream/jetstream.ts';
import { NANOS_PER_MS, rfc3339Nano } from '../shared/time.ts';
import { JsonList, jsonPieces } from './json.ts';
import { boolean, integer, QueryError, text } from './query.ts';
import type { MonitoringSource } from './source.ts';

type Document = Record<string, unknown>;
type MonitoredStreams = JetStreamSnapshot['accounts'][number];

/** Accounts that are shown when the query does not say. Source: the same, defaultJSzLimit. */
const ACCOUNTS_SHOWN = 1024;
/** What an account without bounds has reserved: -1 as a number without a sign. */
const NO_BOUND = 2n ** 64n - 1n;

/** What the original shows beside `sync_always`. */
const SYNC_ALWAYS_NS = 120_000_000_000;

/** What is shown of each account. */
interface Shown {
  readonly streams: boolean;
  readonly consumers: boolean;
  readonly config: boolean;
}

/** `/jsz`, in pieces. Throws QueryError. */
export function jsz(
  source: MonitoringSource,
  query: URLSearchParams,
  nowMs: number,
): Generator<string, void> {
  const [accounts, streams, consumers, , config] = [
    'accounts',
    'streams',
    'consumers',
    'direct-consumers',
    'config',
  ].map((name) => boolean(query, name));
  const [offset, limit] = ['offset', 'limit'].map((name) => integer(query, name));
  const [leader, raft] = ['leader-only', 'raft', 'stream-leader-only'].map((name) => {
    return boolean(query, name);
  });
  const jetstream = source.jetstream();
  // Who has no streams leads nobody.
  if (jetstream === undefined && leader) throw new QueryError('filtered response: not leader');
  const shown = { streams: streams || consumers, consumers, config } as Shown;
  const isListed = accounts === true || shown.streams;
  const details = chosen(jetstream?.accounts ?? [], text(query, 'acc'), isListed, [
    offset as number,
    limit as number,
  ]);
  return jsonPieces(
    {
      ...stats(jetstream),
      server_id: source.facts.serverId,
      now: rfc3339Nano(nowMs),
      ...(jetstream === undefined
        ? { disabled: true, config: { max_memory: 0, max_storage: 0 } }
        : { config: configOf(jetstream), limits: limitsOf(jetstream) }),
      ...totals(jetstream, raft === true),
      ...(details.length > 0 && {
        account_details: new JsonList(details.map((each) => accountDetail(each, shown, source))),
      }),
      total: jetstream?.accounts.length ?? 0,
    },
    2,
  );
}

/** Under the key `jetstream` of `/varz`. */
export function varzJetStream(jetstream: JetStreamSnapshot | undefined): Document {
  if (jetstream === undefined) return {};
  return { config: configOf(jetstream), stats: stats(jetstream), limits: limitsOf(jetstream) };
}

/** The one that is asked for, else a page of all, if they are listed. */
function chosen(
  accounts: readonly MonitoredStreams[],
  asked: string,
  isListed: boolean,
  [offset, limit]: [number, number],
): readonly MonitoredStreams[] {
  const found = accounts.filter(({ name }) => name === asked);
  if (found.length > 0) return found;
  const start = Math.max(0, offset);
  return isListed ? accounts.slice(start, start + (limit > 0 ? limit : ACCOUNTS_SHOWN)) : [];
}

function stats(jetstream: JetStreamSnapshot | undefined): Document {
  const accounts = jetstream?.accounts ?? [];
  return {
    memory: jetstream?.memoryUsed ?? 0,
    storage: jetstream?.fileUsed ?? 0,
    reserved_memory: jetstream?.memoryReserved ?? 0,
    reserved_storage: jetstream?.fileReserved ?? 0,
    accounts: accounts.length,
    ha_assets: 0,
    api: {
      level: jetstream?.level ?? 0,
      total: sum(accounts, ({ apiTotal }) => apiTotal),
      errors: sum(accounts, ({ apiErrors }) => apiErrors),
    },
  };
}

function configOf({ settings }: JetStreamSnapshot): Document {
  const { maxMemory, maxFile, storeDir, domain, isStrict, syncInterval } = settings;
  return {
    max_memory: maxMemory,
    max_storage: maxFile,
    ...(storeDir !== undefined && { store_dir: storeDir }),
    sync_interval: syncInterval === 'always' ? SYNC_ALWAYS_NS : syncInterval * NANOS_PER_MS,
    ...(syncInterval === 'always' && { sync_always: true }),
    ...(domain !== undefined && { domain }),
    ...(isStrict && { strict: true }),
  };
}

function limitsOf({ settings }: JetStreamSnapshot): Document {
  return { default_max_consumers: settings.limits.defaultMaxConsumers };
}

/** Who asks for groups is told of how many this server leads: of all. */
function totals(jetstream: JetStreamSnapshot | undefined, withLeaders: boolean): Document {
  let [streams, consumers, messages, bytes] = [0, 0, 0, 0];
  for (const account of jetstream?.accounts ?? []) {
    streams += account.streams.size;
    for (const stream of account.streams.values()) {
      consumers += stream.consumers.size;
      messages += stream.store.state.messages;
      bytes += stream.store.state.bytes;
    }
  }
  return {
    streams,
    ...(withLeaders && streams > 0 && { streams_leader: streams }),
    consumers,
    ...(withLeaders && consumers > 0 && { consumers_leader: consumers }),
    messages,
    bytes,
  };
}

function accountDetail(
  account: MonitoredStreams,
  shown: Shown,
  { facts }: MonitoringSource,
): Document {
  const { name, usage, apiTotal, apiErrors } = account;
  return {
    name,
    id: name,
    memory: usage.memory,
    storage: usage.storage,
    reserved_memory: NO_BOUND,
    reserved_storage: NO_BOUND,
    accounts: 0,
    ha_assets: 0,
    api: { level: 0, total: apiTotal, errors: apiErrors },
    ...(shown.streams &&
      account.streams.size > 0 && {
        stream_detail: new JsonList(streamDetails(account, shown, facts.serverName)),
      }),
  };
}

function* streamDetails(
  { streams, describe }: MonitoredStreams,
  shown: Shown,
  leader: string,
): Generator<Document, void> {
  for (const [name, stream] of streams) {
    const { created, config, state } = describe.stream(stream);
    yield {
      name,
      created,
      cluster: { leader },
      ...(shown.config && { config }),
      state,
      ...(shown.consumers &&
        stream.consumers.size > 0 && {
          consumer_detail: new JsonList(consumerDetails(stream, describe, shown)),
        }),
    };
  }
}

function* consumerDetails(
  stream: Parameters<MonitoredStreams['describe']['stream']>[0],
  describe: MonitoredStreams['describe'],
  { config: isConfigShown }: Shown,
): Generator<Document, void> {
  for (const name of stream.consumers.keys()) {
    const { config, ...others } = describe.consumer(stream, name);
    const { stream_name, name: own, created, ...state } = others;
    yield { stream_name, name: own, created, ...(isConfigShown && { config }), ...state };
  }
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
