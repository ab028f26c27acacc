// The answers to requests of the system: the pages' documents, compact, in an envelope that names the server.
// Source: nats-server 2.15.3, server/events.go, zReq, ServerInfo, EventFilterOptions; played against it.

import type { Clock } from '../shared/clock.ts';
import { goJson } from '../shared/go-json.ts';
import { goJsonProblem, goTypeProblem, goWholeProblem } from '../shared/go-json-problem.ts';
import { rfc3339Nano } from '../shared/time.ts';
import type { Answers, SystemRequest } from '../system/index.ts';
import { accountStats } from './accounts.ts';
import { type ConnectionState, type ConnzOptions, connz } from './connz.ts';
import { QueryError } from './query.ts';
import type { MonitoringSource } from './source.ts';

/** Which of the servers of a bus answers: what is counted for all of them is told once. */
interface Answering {
  /** The connection, if it is one of this server. */
  sessionOf(cid: number): { readonly shownUser: string } | undefined;
  /** This one answers for all of them. */
  isFirst(): boolean;
}

/** Makes the answers about a server. */
export function answersOf(source: MonitoringSource, answering: Answering, clock: Clock): Answers {
  let seq = 0;
  return (request) => {
    const { subject } = request;
    const envelope = (): string => {
      seq += 1;
      return `{"server":${goJson(serverInfo(source, seq, clock.now()), 0)}`;
    };
    if (subject.endsWith('.INFO')) {
      const info = userInfo(request, answering);
      return info === undefined ? undefined : [`${envelope()},"data":${info}}`];
    }
    if (subject.endsWith('.STATZ') && !answering.isFirst()) return undefined;
    const options = readOptions(request);
    if (typeof options === 'string') {
      return [`${envelope()},"error":${goJson({ code: 400, description: options }, 0)}}`];
    }
    if (!isMeant(options, source)) return undefined;
    try {
      return enclosed(envelope, data(source, request, options, clock.now()));
    } catch (error) {
      if (!(error instanceof QueryError)) throw error;
      const problem = { code: 500, description: error.message };
      return [`${envelope()},"data":null,"error":${goJson(problem, 0)}}`];
    }
  };
}

function* enclosed(envelope: () => string, data: Iterable<string>): Generator<string, void> {
  yield `${envelope()},"data":`;
  yield* data;
  yield '}';
}

function data(
  source: MonitoringSource,
  { subject, account }: SystemRequest,
  options: Options,
  nowMs: number,
): Iterable<string> {
  if (subject.endsWith('.CONNZ')) return connz(source, connzOptions(options, account), nowMs, 0);
  return [
    goJson(
      accountStats(source, nowMs, ({ name }) => name === account),
      0,
    ),
  ];
}

/** Source: nats-server 2.15.3, server/events.go, JetStreamEnabled; its others are of clusters. */
const JETSTREAM_FLAG = 1;

/** Undefined: who asks is known by another server. */
function userInfo({ cid, account }: SystemRequest, answering: Answering): string | undefined {
  const session = cid === undefined ? undefined : answering.sessionOf(cid);
  const isOurs = cid === undefined ? answering.isFirst() : session !== undefined;
  if (!isOurs) return undefined;
  return goJson({ user: session?.shownUser ?? '', account, account_name: account }, 0);
}

function serverInfo(source: MonitoringSource, seq: number, nowMs: number): Record<string, unknown> {
  const { facts } = source;
  const { tags, metadata } = facts;
  const hasJetStream = source.jetstream() !== undefined;
  return {
    name: facts.serverName,
    host: facts.host,
    id: facts.serverId,
    ver: facts.version,
    ...(tags.length > 0 ? { tags } : {}),
    ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
    feature_flags: {},
    jetstream: hasJetStream,
    flags: hasJetStream ? JETSTREAM_FLAG : 0,
    seq,
    time: rfc3339Nano(nowMs),
  };
}

// ── Options ─────────────────────────────────────────────────────────────────────────────────────────

type Options = Readonly<Record<string, unknown>>;

/** Of each option the type, by Go's name. */
const FILTERS: Readonly<Record<string, string>> = {
  server_name: 'string',
  cluster: 'string',
  host: 'string',
  exact_match: 'bool',
  tags: '[]string',
  domain: 'string',
};
/** Of each request what Go calls its options, and its own among them; and their types. */
const STRUCTS: Readonly<
  Record<string, readonly [string, string, Readonly<Record<string, string>>]>
> = {
  CONNZ: [
    'ConnzEventOptions',
    'ConnzOptions',
    {
      sort: 'server.SortOpt',
      auth: 'bool',
      subscriptions: 'bool',
      subscriptions_detail: 'bool',
      offset: 'int',
      limit: 'int',
      cid: 'uint64',
      mqtt_client: 'string',
      state: 'server.ConnState',
      user: 'string',
      acc: 'string',
      filter_subject: 'string',
    },
  ],
  STATZ: [
    'AccountStatzEventOptions',
    'AccountStatzOptions',
    { accounts: '[]string', include_unused: 'bool' },
  ],
};

const isInteger = (value: unknown): boolean => Number.isInteger(value);
const FITS: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  'server.SortOpt': (value) => typeof value === 'string',
  bool: (value) => typeof value === 'boolean',
  int: isInteger,
  'server.ConnState': isInteger,
  uint64: (value) => isInteger(value) && (value as number) >= 0,
  '[]string': Array.isArray,
};

/** The options, or what Go says of a text that holds none. */
function readOptions({ subject, body }: SystemRequest): Options | string {
  if (body === '') return {};
  const problem = goJsonProblem(body);
  if (problem !== undefined) return problem;
  const value: unknown = JSON.parse(body);
  const kind = subject.slice(subject.lastIndexOf('.') + 1);
  const [event, own, types] = STRUCTS[kind] as (typeof STRUCTS)[string];
  if (value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) {
    return goWholeProblem(value, `server.${event}`);
  }
  const options: Record<string, unknown> = Object.create(null);
  for (const [name, field] of Object.entries(value)) {
    const key = name.toLowerCase();
    const isOwn = Object.hasOwn(types, key);
    if (field === null || (!isOwn && !Object.hasOwn(FILTERS, key))) continue;
    const type = (isOwn ? types : FILTERS)[key] as string;
    if (FITS[type]?.(field) !== true) {
      const part = isOwn ? own : 'EventFilterOptions';
      return goTypeProblem(field, `${event}.${part}.${key}`, type);
    }
    options[key] = field;
  }
  return options;
}

/** Whether the request is meant for this server. */
function isMeant(options: Options, { facts }: MonitoringSource): boolean {
  const isExact = options.exact_match === true;
  const isOf = (name: string, own: string): boolean => {
    const asked = (options[name] as string | undefined) ?? '';
    return asked === '' || (isExact ? own === asked : own.includes(asked));
  };
  const tags = (options.tags as readonly unknown[] | undefined) ?? [];
  return (
    isOf('server_name', facts.serverName) &&
    isOf('host', facts.host) &&
    isOf('cluster', '') &&
    ((options.domain as string | undefined) ?? '') === '' &&
    tags.every((tag) => facts.tags.includes(String(tag).toLowerCase()))
  );
}

const STATES: readonly ConnectionState[] = ['open', 'closed', 'all'];

/** Only the asker's own account is told of. */
function connzOptions(options: Options, account: string): ConnzOptions {
  const text = (name: string): string => (options[name] as string | undefined) ?? '';
  const number = (name: string): number => (options[name] as number | undefined) ?? 0;
  const subjects = options.subscriptions === true ? 'subjects' : 'none';
  return {
    sort: text('sort'),
    auth: options.auth === true,
    subscriptions: options.subscriptions_detail === true ? 'details' : subjects,
    offset: number('offset'),
    limit: number('limit'),
    cid: number('cid'),
    state: STATES[number('state')] ?? 'none',
    mqttClient: text('mqtt_client'),
    user: text('user'),
    account,
    filterSubject: text('filter_subject'),
  };
}
