// Every table of keys, where its keys stand in a file, and which functions of the original read them.
import {
  ACCOUNT,
  ACCOUNT_SUBJECT,
  DESTINATION,
  EXPORT,
  IMPORT,
  LIMITS,
  TRACE,
} from '../../src/config/keys-accounts.ts';
import {
  MQTT,
  PROXIES,
  PROXY as PROXY_KEY,
  SIMPLE,
  WEBSOCKET,
} from '../../src/config/keys-clients.ts';
import {
  ACCOUNT as ACCOUNT_JETSTREAM,
  BATCH,
  JETSTREAM,
  LIMITS as JETSTREAM_LIMITS,
  TPM,
} from '../../src/config/keys-jetstream.ts';
import {
  LEAF_AUTHORIZATION,
  LEAF_USER,
  LEAFNODES,
  PROXY,
  REMOTE,
} from '../../src/config/keys-leafnodes.ts';
import { CLUSTER, COMPRESSION, GATEWAY, REMOTE_GATEWAY } from '../../src/config/keys-links.ts';
import { OCSP_CACHE } from '../../src/config/keys-operator.ts';
import { SERVER } from '../../src/config/keys-server.ts';
import { OCSP_PEER, TLS } from '../../src/config/keys-tls.ts';
import {
  AUTHORIZATION,
  CALLOUT,
  PERMISSIONS,
  RESPONSES,
  subjectPermissions,
  USER,
} from '../../src/config/keys-users.ts';
import type { Key } from '../../src/config/kinds.ts';

export interface BlockCase {
  readonly title: string;
  readonly table: object;
  /** A file in which the entry stands where the table's keys do. */
  readonly wrap: (entry: string) => string;
  /** The function of server/opts.go (or another file) that has a `case` for each name. */
  readonly reader: string;
  /** Words of its `case`s that are values, or keys of a block within. */
  readonly otherWords?: readonly string[];
}

const inAccount = (text: string): string => `accounts { A { ${text} } }`;
const inUser = (text: string): string => `authorization { users: [ { user: u, ${text} } ] }`;

export const BLOCKS: readonly BlockCase[] = [
  {
    title: 'the file',
    table: SERVER,
    wrap: (entry) => entry,
    reader: 'func (o *Options) processConfigFileLine(',
    otherWords: ['mode', 'urls', 'url', 'CACHE', 'FULL', 'MEM', 'MEMORY'],
  },
  {
    title: 'authorization',
    table: AUTHORIZATION,
    wrap: (entry) => `authorization { ${entry} }`,
    reader: 'func parseAuthorization(',
  },
  { title: 'users', table: USER, wrap: inUser, reader: 'func parseUsers(' },
  {
    title: 'permissions',
    table: PERMISSIONS,
    wrap: (entry) => inUser(`permissions { ${entry} }`),
    reader: 'func parseUserPermissions(',
  },
  {
    title: 'subscribe',
    table: subjectPermissions(true),
    wrap: (entry) => inUser(`permissions { subscribe { ${entry} } }`),
    reader: 'func parseSubjectPermission(',
  },
  {
    title: 'allow_responses',
    table: RESPONSES,
    wrap: (entry) => inUser(`permissions { allow_responses { ${entry} } }`),
    reader: 'func parseAllowResponses(',
  },
  {
    title: 'auth_callout',
    table: CALLOUT,
    wrap: (entry) => `authorization { auth_callout { ${entry} } }`,
    reader: 'func parseAuthCallout(',
  },
  {
    title: 'accounts',
    table: ACCOUNT,
    wrap: inAccount,
    reader: 'func parseAccounts(',
  },
  {
    title: 'an account’s limits',
    table: LIMITS,
    wrap: (entry) => inAccount(`limits { ${entry} }`),
    reader: 'func parseAccountLimits(',
  },
  {
    title: 'an account’s jetstream',
    table: ACCOUNT_JETSTREAM,
    wrap: (entry) => inAccount(`jetstream { ${entry} }`),
    reader: 'func parseJetStreamForAccount(',
    otherWords: ['enabled', 'enable', 'disabled', 'disable', 'system', 'owner'],
  },
  {
    title: 'exports',
    table: EXPORT,
    wrap: (entry) => inAccount(`exports: [ { ${entry} } ]`),
    reader: 'func parseExportStreamOrService(',
    otherWords: ['single', 'singleton', 'chunk', 'chunked'],
  },
  {
    title: 'imports',
    table: IMPORT,
    wrap: (entry) => inAccount(`imports: [ { ${entry} } ]`),
    reader: 'func parseImportStreamOrService(',
  },
  {
    title: 'what is imported',
    table: ACCOUNT_SUBJECT,
    wrap: (entry) => inAccount(`imports: [ { stream { ${entry} } } ]`),
    reader: 'func parseAccount(',
  },
  {
    title: 'msg_trace',
    table: TRACE,
    wrap: (entry) => inAccount(`msg_trace { ${entry} }`),
    reader: 'func parseAccountMsgTrace(',
  },
  {
    title: 'destinations of mappings',
    table: DESTINATION,
    wrap: (entry) => `mappings { foo: [ { ${entry} } ] }`,
    reader: 'func parseAccountMapDest(',
  },
  {
    title: 'cluster',
    table: CLUSTER,
    wrap: (entry) => `cluster { ${entry} }`,
    reader: 'func parseCluster(',
  },
  {
    title: 'compression',
    table: COMPRESSION,
    wrap: (entry) => `cluster { compression { ${entry} } }`,
    reader: 'func parseCompression(',
  },
  {
    title: 'gateway',
    table: GATEWAY,
    wrap: (entry) => `gateway { ${entry} }`,
    reader: 'func parseGateway(',
  },
  {
    title: 'gateways',
    table: REMOTE_GATEWAY,
    wrap: (entry) => `gateway { gateways: [ { ${entry} } ] }`,
    reader: 'func parseGateways(',
  },
  {
    title: 'jetstream',
    table: JETSTREAM,
    wrap: (entry) => `jetstream { ${entry} }`,
    reader: 'func parseJetStream(',
    otherWords: ['enabled', 'enable', 'disabled', 'disable'],
  },
  {
    title: 'jetstream’s limits',
    table: JETSTREAM_LIMITS,
    wrap: (entry) => `jetstream { limits { ${entry} } }`,
    reader: 'func parseJetStreamLimits(',
  },
  {
    title: 'batches',
    table: BATCH,
    wrap: (entry) => `jetstream { limits { batch { ${entry} } } }`,
    reader: 'func parseJetStreamLimitsBatch(',
  },
  {
    title: 'tpm',
    table: TPM,
    wrap: (entry) => `jetstream { tpm { ${entry} } }`,
    reader: 'func parseJetStreamTPM(',
  },
  {
    title: 'leafnodes',
    table: LEAFNODES,
    wrap: (entry) => `leafnodes { ${entry} }`,
    reader: 'func parseLeafNodes(',
  },
  {
    title: 'leafnodes’ authorization',
    table: LEAF_AUTHORIZATION,
    wrap: (entry) => `leafnodes { authorization { ${entry} } }`,
    reader: 'func parseLeafAuthorization(',
  },
  {
    title: 'leafnodes’ users',
    table: LEAF_USER,
    wrap: (entry) => `leafnodes { authorization { users: [ { ${entry} } ] } }`,
    reader: 'func parseLeafUsers(',
  },
  {
    title: 'remotes',
    table: REMOTE,
    wrap: (entry) => `leafnodes { remotes: [ { ${entry} } ] }`,
    reader: 'func parseRemoteLeafNodes(',
    otherWords: ['username', 'password', 'timeout'],
  },
  {
    title: 'a remote’s proxy',
    table: PROXY,
    wrap: (entry) =>
      `leafnodes { remotes: [ { url: "nats://a:1", proxy { url: "http://a", ${entry} } } ] }`,
    reader: 'for pk, pv := range proxyMap',
  },
  {
    title: 'tls',
    table: TLS,
    wrap: (entry) => `tls { ${entry} }`,
    reader: 'func parseTLS(',
    otherWords: ['true', 'on', 'false', 'off', 'auto', 'auto_fallback'],
  },
  {
    title: 'ocsp_peer',
    table: OCSP_PEER,
    wrap: (entry) => `tls { ocsp_peer { ${entry} } }`,
    reader: 'func parseOCSPPeer(',
  },
  {
    title: 'ocsp_cache',
    table: OCSP_CACHE,
    wrap: (entry) => `ocsp_cache { ${entry} }`,
    reader: 'func parseOCSPResponseCache(',
  },
  {
    title: 'websocket',
    table: WEBSOCKET,
    wrap: (entry) => `websocket { ${entry} }`,
    reader: 'func parseWebsocket(',
  },
  {
    title: 'websocket’s authorization',
    table: SIMPLE,
    wrap: (entry) => `websocket { authorization { ${entry} } }`,
    reader: 'func parseSimpleAuth(',
  },
  { title: 'mqtt', table: MQTT, wrap: (entry) => `mqtt { ${entry} }`, reader: 'func parseMQTT(' },
  {
    title: 'proxies',
    table: PROXIES,
    wrap: (entry) => `proxies { ${entry} }`,
    reader: 'func parseProxies(',
  },
  {
    title: 'trusted proxies',
    table: PROXY_KEY,
    wrap: (entry) => `proxies { trusted: [ { ${entry} } ] }`,
    reader: 'func parseProxiesTrusted(',
  },
];

/** The rows of a table. */
export function keysOf(table: object): readonly Key<unknown>[] {
  return Object.values(table) as Key<unknown>[];
}

/** Keys of an account, a user, an operator, for encryption; and a user's seed. */
const NKEYS: readonly string[] = [
  'ADBKJM2762YS6BISIO3KZLP6CNJIAY4QBZJUTAOXTZ22HFUYDPXDS2J4',
  'UD653AKAOANYPMB6JLKKSZXGGC3A32G5IZX5KE5D43UMCWQFOVJROJ57',
  'OAHPM27CZM3X3K62FTHXQKMIYSOB6WJISMFRTQXXUY5I2WH723SCGUTH',
  'XDAHZI7XXYEJGZXVOPSKTDAFNXTFIQFZFZ4FHOPORDTBD7CRLCQR2FOK',
  'SUAALCXSRPCJJ35R5F5E2Z5R7UYFTZDUZBP36ARHUT2VBFW7IFEYIVE2Z4',
];

/** An account and its JWT, signed by a key that nobody has any more. */
const ACCOUNT_JWT: string = `{ ACAVDGIHPUXEIWZWBJDZ6K3CI3PWFMS5KTMKLRBN25M6KHGXG6JARPWO: "${[
  'eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ.eyJqdGkiOiJBIiwiaWF0IjoxNzAwMDAwMDAwLCJpc',
  '3MiOiJPQVQ1SFg1QlpDRkRRWUlTUEVEVkZBQlJFUUZTNk9ONE5FVVlWT0xYN0VRTkxZRUxNU1hYN1paRSIsIm5hb',
  'WUiOiJBIiwic3ViIjoiQUNBVkRHSUhQVVhFSVdaV0JKRFo2SzNDSTNQV0ZNUzVLVE1LTFJCTjI1TTZLSEdYRzZKQ',
  'VJQV08iLCJuYXRzIjp7ImxpbWl0cyI6eyJzdWJzIjotMSwiZGF0YSI6LTEsInBheWxvYWQiOi0xLCJpbXBvcnRzI',
  'jotMSwiZXhwb3J0cyI6LTEsIndpbGRjYXJkcyI6dHJ1ZSwiY29ubiI6LTEsImxlYWYiOi0xfSwiZGVmYXVsdF9wZ',
  'XJtaXNzaW9ucyI6eyJwdWIiOnt9LCJzdWIiOnt9fSwidHlwZSI6ImFjY291bnQiLCJ2ZXJzaW9uIjoyfX0.31QEa',
  'rrgIXr7TveFmIw_kZ3ruh6E9qRW87IIPPxE1Yq7NNTGyuCYAsRJg_x0zNRY2opMDVZcS04FpZbmzJ-mCg',
].join('')}" }`;

/** Values of every type; some key takes each, and no key takes all. */
export const CANDIDATES: readonly string[] = [
  '1',
  '-1',
  '100',
  '1.5',
  'true',
  'false',
  'MEMORY',
  '"http://a:1"',
  '"2s"',
  '"1m"',
  'text',
  '"127.0.0.1:4222"',
  '"nats://127.0.0.1:4222"',
  'optional',
  'auto',
  'enabled',
  'aes',
  'single',
  'local',
  'close',
  '"50%"',
  '"1.2"',
  '"2.9.0"',
  '"1G"',
  'always',
  'system',
  'STANDARD',
  '[]',
  '["text"]',
  '[1]',
  '[{}]',
  '["1s"]',
  '["TLS_AES_128_GCM_SHA256"]',
  '["CurveP256"]',
  `[${'a1'.repeat(32)}]`,
  '["nats://a:1", "nats://b:1"]',
  '{}',
  '{ a: 1 }',
  '{ a: b }',
  '{ a: true }',
  '{ account: A, subject: s }',
  '{ user: u, password: p }',
  '{ allow: a }',
  '2020-01-02T03:04:05Z',
  ACCOUNT_JWT,
  ...NKEYS,
];
