// Requests of the API about streams.
// Source: nats-server 2.15.3, server/jetstream_api.go, jsStream…Request; server/stream.go, addStreamWithAssignment.
import { goJsonExact, JsonText } from '../../shared/go-json.ts';
import { FilterTrie, VISITS_OF_REQUEST } from '../consumer/filter-trie.ts';
import { refusal } from '../errors.ts';
import { BOOL, INT64, type Int, STRING, UINT64 } from '../json-reader.ts';
import type { Store } from '../store/store.ts';
import type { CountedSubject } from '../store/subject-scan.ts';
import { readStreamRequest, type StreamConfig, type StreamRequest } from '../stream/config.ts';
import { checkConsumersWithin, checkStreamUpdate } from '../stream/update-check.ts';
import { checkStream } from '../stream/validate.ts';
import { subjectsCollide } from '../subjects.ts';
import { sorted, type Work, wholly } from '../work.ts';
import type { ApiAccount, ApiStream } from './account-door.ts';
import { streamInfo } from './info.ts';
import { LIST_PAGE, NAMES_PAGE, pageOf, readStreamList } from './paging.ts';
import {
  type Answer,
  type ApiRequest,
  checkEmpty,
  type Fields,
  readBody,
  readOptionalBody,
  readOptionalFields,
  streamOf,
} from './request.ts';

/** Subjects that one answer tells of. */
const SUBJECTS_PAGE = 100_000;

export function* createStream(request: ApiRequest): Work<Answer> {
  const { account, names } = request;
  const asked = readBody(request, readStreamRequest);
  const [name = ''] = names;
  if (asked.name !== name) throw refusal('streamMismatch');
  if (/[\\/]/.test(name)) throw refusal('streamNamePathSeparators');
  if (asked.sealed) {
    throw refusal('streamInvalidConfig', 'stream configuration for create can not be sealed');
  }
  if (asked.mirror_direct && asked.mirror === undefined) {
    throw refusal('streamInvalidConfig', 'stream has no mirror but does have mirror direct');
  }
  checkAccount(account, name, asked);
  const config = checkStream(asked, account.limits);
  if (config.num_replicas > 1) throw refusal('replicasNotSupported');
  const stream = account.streams.get(name) ?? (yield* addStream(account, config));
  if (stream.config !== config && !isSame(stream.config, config)) throw refusal('streamNameInUse');
  return {
    fields: { ...streamInfo(account, stream, { withVersion: true }), did_create: true },
    stream,
  };
}

function* addStream(account: ApiAccount, config: StreamConfig): Work<ApiStream> {
  account.checkRoom(config);
  checkOverlap(account, config);
  yield* account.makeRoom(config);
  return account.createStream(config);
}

/** What the account has no room for is refused before the rest is looked at. */
function checkAccount(account: ApiAccount, name: string, asked: StreamRequest): void {
  const { limits, streams } = account;
  const others = streams.has(name) ? streams.size - 1 : streams.size;
  if (limits.maxStreams > 0 && others >= limits.maxStreams) throw refusal('maximumStreams');
  checkMaxConsumers(account, asked.max_consumers);
  const { storage, max_bytes = 0 } = asked;
  if (storage !== undefined) account.checkRoom({ name, storage, max_bytes });
}

function checkMaxConsumers({ limits }: ApiAccount, asked: Int = 0): void {
  if (asked > 0 && limits.maxConsumers > 0 && asked > limits.maxConsumers) {
    throw refusal('maximumConsumers');
  }
}

function checkOverlap({ streams }: ApiAccount, { name, subjects }: StreamConfig): void {
  const wanted = new FilterTrie<undefined>(VISITS_OF_REQUEST);
  for (const subject of subjects) wanted.add(subject, undefined);
  for (const { config } of streams.values()) {
    if (config.name === name) continue;
    for (const old of config.subjects) {
      wanted.meet(old, () => {
        throw refusal('subjectOverlap');
      });
    }
  }
}

function isSame(before: StreamConfig, after: StreamConfig): boolean {
  return goJsonExact(before) === goJsonExact(after);
}

export function* updateStream(request: ApiRequest): Work<Answer> {
  const { account, names } = request;
  const asked = checkStream(readBody(request, readStreamRequest), account.limits);
  const [name = ''] = names;
  if (asked.name !== name) throw refusal('streamMismatch');
  const stream = streamOf(request, name);
  const before = stream.config;
  const config = checkStreamUpdate(before, asked);
  checkMaxConsumers(account, config.max_consumers);
  account.checkRoom(config);
  const consumers = [...stream.consumers].map(([key, consumer]) => [key, consumer.config] as const);
  checkConsumersWithin(before, config, consumers);
  checkOverlap(account, config);
  yield* account.updateStream(stream, config);
  return {
    fields: streamInfo(account, stream, { withVersion: true, withDomain: true }),
    stream,
  };
}

const INFO_FIELDS = { offset: INT64, deleted_details: BOOL, subjects_filter: STRING };

interface InfoRequest {
  readonly offset: number;
  readonly deleted_details: boolean;
  readonly subjects_filter: string;
}

export function* describeStream(request: ApiRequest): Work<Answer> {
  const asked = readOptionalFields<InfoRequest>(request, INFO_FIELDS);
  const stream = streamOf(request, request.names[0]);
  const { paging, subjects } = yield* subjectsOf(stream, asked.subjects_filter, asked.offset);
  const deleted = asked.deleted_details ? yield* deletedOf(stream.store) : undefined;
  const info = streamInfo(request.account, stream, {
    withVersion: true,
    withDomain: true,
    withCluster: true,
    deleted,
    subjects,
  });
  return { fields: { ...paging, ...info }, stream };
}

/** How many messages there are on each subject that the filter matches. */
function* subjectsOf(
  { store }: ApiStream,
  filter = '',
  offset: number | undefined,
): Work<{ paging: Fields; subjects?: JsonText }> {
  const counts = filter === '' ? [] : yield* store.countSubjects(filter);
  if (counts.length === 0) return { paging: { total: 0, offset: 0, limit: 0 } };
  const { paging, items } = pageOf(yield* sorted(counts, byName), offset, SUBJECTS_PAGE);
  // The original says what offset was asked for.
  const shown = { ...paging, offset: Math.max(0, Number(offset ?? 0)) };
  if (items.length === 0) return { paging: shown };
  const members = yield* texts(items, ([name, count]) => `${goJsonExact(name)}:${count}`);
  return { paging: shown, subjects: new JsonText(`{${members}}`) };
}

function byName([a]: CountedSubject, [b]: CountedSubject): number {
  return a < b ? -1 : 1;
}

/** Looks again, so often, when something was removed meanwhile; then at all of it at once, unless it is very much. */
const LOOKS_MOST = 3;
const AT_ONCE_MOST = 100_000;

/** The sequences that hold no message, of very many almost as of one moment; undefined = there are none. */
function* deletedOf(store: Store): Work<JsonText | undefined> {
  for (let look = 1; store.deletedCount > 0; look++) {
    const { deletedCount, state } = store;
    const { firstSeq } = state;
    const found = texts(store.deleted(), String);
    const isAtOnce = look > LOOKS_MOST && deletedCount <= AT_ONCE_MOST;
    const text = isAtOnce ? wholly(found) : yield* found;
    const isSame = store.deletedCount === deletedCount && state.firstSeq === firstSeq;
    if (isSame || look > LOOKS_MOST) {
      return new JsonText(`[${text}]`);
    }
  }
  return undefined;
}

/** Items as text, with commas between them. */
function* texts<T>(items: Iterable<T>, textOf: (item: T) => string): Work<string> {
  const pieces: string[] = [];
  let piece: string[] = [];
  for (const item of items) {
    piece.push(textOf(item));
    if (piece.length < TEXTS_A_PIECE) continue;
    pieces.push(piece.join(','));
    piece = [];
    yield;
  }
  if (piece.length > 0) pieces.push(piece.join(','));
  return pieces.join(',');
}

/** Some tenths of a millisecond. */
const TEXTS_A_PIECE = 1024;

export function nameStreams(request: ApiRequest): Answer {
  const { offset, subject } = readOptionalBody(request, readStreamList) ?? {};
  const { paging, items } = pageOf(streamNames(request.account, subject), offset, NAMES_PAGE);
  return { fields: { ...paging, streams: items.length === 0 ? null : items } };
}

export function listStreams(request: ApiRequest): Answer {
  const { account } = request;
  const { offset, subject } = readOptionalBody(request, readStreamList) ?? {};
  const { paging, items } = pageOf(streamNames(account, subject), offset, LIST_PAGE);
  const streams = items.map((name) => {
    const stream = streamOf(request, name);
    // What is answered waits for no commit: so what has been stored is written before, or taken back.
    stream.store.write();
    return streamInfo(account, stream, { withDomain: true });
  });
  return { fields: { ...paging, streams } };
}

function streamNames({ streams }: ApiAccount, subject = ''): string[] {
  const names: string[] = [];
  for (const [name, { config }] of streams) {
    const isMet = subject === '' || config.subjects.some((own) => subjectsCollide(subject, own));
    if (isMet) names.push(name);
  }
  return names.sort();
}

export function* deleteStream(request: ApiRequest): Work<Answer> {
  checkEmpty(request);
  yield* request.account.deleteStream(streamOf(request, request.names[0]));
  return { fields: { success: true } };
}

const PURGE_FIELDS = { filter: STRING, seq: UINT64, keep: UINT64 };

interface PurgeAsked {
  readonly filter: string;
  readonly seq: Int;
  readonly keep: Int;
}

export function* purgeStream(request: ApiRequest): Work<Answer> {
  const asked = readOptionalFields<PurgeAsked>(request, PURGE_FIELDS);
  if (asked.seq && asked.keep) throw refusal('badRequest');
  const stream = streamOf(request, request.names[0]);
  if (stream.config.sealed) throw refusal('streamSealed');
  if (stream.config.deny_purge) throw refusal('streamPurge', 'stream purge not permitted');
  const purged = yield* stream.purge({
    filter: asked.filter || undefined,
    seq: countOf(asked.seq),
    keep: countOf(asked.keep),
  });
  return { fields: { success: true, purged }, stream };
}

/** What is beyond all sequences stays so. */
function countOf(value: Int = 0): number | undefined {
  return value === 0 ? undefined : Math.min(Number(value), Number.MAX_SAFE_INTEGER);
}
