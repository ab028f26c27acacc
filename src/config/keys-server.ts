// The keys of a configuration file itself. `effect` says what becomes of one that is valid and that this server does
// not carry out; without it the key is carried out, or asks for nothing.
// Source: nats-server 2.15.3, server/opts.go, processConfigFileLine.

import { parseDuration } from '../shared/go-duration.ts';
import { quoteGoText } from '../shared/go-quote.ts';
import { formatDuration } from '../shared/time.ts';
import { type AccountValues, accounts, type Mappings, mappings } from './keys-accounts.ts';
import {
  type MqttValues,
  mqtt,
  type ProxiesValues,
  proxies,
  type WebsocketValues,
  websocket,
} from './keys-clients.ts';
import { type JetStreamValues, jetstream } from './keys-jetstream.ts';
import { type LeafnodesValues, leafnodes } from './keys-leafnodes.ts';
import {
  type ClusterValues,
  cluster,
  type GatewayValues,
  gateway,
  LISTENER,
  type ListenerValues,
  type WriteTimeout,
  writeTimeout,
} from './keys-links.ts';
import {
  NO_STRING,
  ocsp,
  ocspCache,
  operators,
  preload,
  resolver,
  trustedKeys,
} from './keys-operator.ts';
import { type TlsValues, tls } from './keys-tls.ts';
import { type AuthorizationValues, authorization } from './keys-users.ts';
import {
  type Block,
  duration,
  durationText,
  flag,
  type HostPort,
  integer,
  integer32,
  type Kind,
  listen,
  mapOf,
  mistake,
  text,
} from './kinds.ts';
import { typeName, wellFormed } from './value.ts';

export interface ServerValues extends ListenerValues {
  clientAdvertise?: string;
  serverName?: string;
  debug?: boolean;
  trace?: boolean;
  traceVerbose?: boolean;
  traceHeaders?: boolean;
  logTime?: boolean;
  logTimeUtc?: boolean;
  mappings?: Mappings;
  noSublistCache?: boolean;
  accounts?: ReadonlyMap<string, AccountValues>;
  defaultSentinel?: string;
  authorization?: AuthorizationValues;
  http?: HostPort;
  https?: HostPort;
  httpPort?: number;
  httpsPort?: number;
  httpBasePath?: string;
  cluster?: ClusterValues;
  gateway?: GatewayValues;
  leafnodes?: LeafnodesValues;
  storeDir?: string;
  jetstream?: false | JetStreamValues;
  logFile?: string;
  logSizeLimit?: number;
  logMaxNum?: number;
  syslog?: boolean;
  remoteSyslog?: string;
  pidFile?: string;
  portsFileDir?: string;
  profPort?: number;
  profBlockRate?: number;
  maxControlLine?: number;
  maxPayload?: number;
  maxPending?: number;
  proxyProtocol?: boolean;
  maxConnections?: number;
  maxTracedMsgLen?: number;
  maxSubscriptions?: number;
  maxSubTokens?: number;
  pingIntervalMs?: number;
  pingMax?: number;
  tls?: TlsValues;
  ocsp?: boolean | object;
  allowNonTls?: boolean;
  writeDeadlineMs?: number;
  writeTimeout?: WriteTimeout;
  lameDuckDurationMs?: number;
  lameDuckGraceMs?: number;
  operators?: readonly string[];
  resolver?: string;
  resolverTls?: TlsValues;
  resolverPreload?: ReadonlyMap<string, string>;
  resolverPinned?: readonly string[];
  noAuthUser?: string;
  systemAccount?: string;
  noSystemAccount?: boolean;
  noHeaderSupport?: boolean;
  trustedKeys?: readonly string[];
  connectErrorReports?: number;
  reconnectErrorReports?: number;
  websocket?: WebsocketValues;
  mqtt?: MqttValues;
  serverTags?: readonly string[];
  serverMetadata?: ReadonlyMap<string, string>;
  featureFlags?: ReadonlyMap<string, boolean>;
  defaultJsDomain?: ReadonlyMap<string, string>;
  ocspCache?: boolean | object;
  noFastProducerStall?: boolean;
  maxClosedClients?: number;
  proxies?: ProxiesValues;
}

const serverName: Kind<string> = (value, key, reading, path) => {
  const name = text(value, key, reading, path);
  if (!name?.includes(' ')) return name;
  return mistake(reading, value, 'server name cannot contain spaces');
};

const TOKENS_MAX = 255;

const subTokens: Kind<number> = (value, key, reading, path) => {
  const number = integer(value, key, reading, path);
  if (number === undefined || (number > 0 && number <= TOKENS_MAX)) return number;
  const reason = number > 0 ? 'is too big' : 'can not be negative';
  return mistake(reading, value, `${key} value ${reason}`);
};

const LAME_DUCK_LEAST_MS = 30_000;

const lameDuckDuration: Kind<number> = (value, key, reading, path) => {
  const ms = durationText('error parsing lame_duck_duration: ')(value, key, reading, path);
  if (ms === undefined || ms >= LAME_DUCK_LEAST_MS) return ms;
  const given = formatDuration(parseDuration(String(value.value)));
  const message = `invalid lame_duck_duration of ${given}, minimum is 30 seconds`;
  return mistake(reading, value, message);
};

const lameDuckGrace: Kind<number> = (value, key, reading, path) => {
  const ms = durationText('error parsing lame_duck_grace_period: ')(value, key, reading, path);
  if (ms === undefined || ms >= 0) return ms;
  return mistake(reading, value, 'invalid lame_duck_grace_period, needs to be positive');
};

/** A string, or a list of them, whose errors have these beginnings. */
function words(what: string, inList: (type: string) => string): Kind<readonly string[]> {
  return (value, _key, reading) => {
    if (value.kind === 'string') return [wellFormed(value.value)];
    if (value.kind !== 'list') {
      return mistake(reading, value, `error parsing ${what}: unsupported type ${typeName(value)}`);
    }
    return value.value.flatMap((element) => {
      if (element.kind === 'string') return [wellFormed(element.value)];
      const at = what === 'tags' ? value : element;
      mistake(reading, at, `error parsing ${what}: ${inList(typeName(element))}`);
      return [];
    });
  };
}

const featureFlag: Kind<boolean> = (value, key, reading) => {
  if (value.kind === 'boolean') return value.value;
  const wanted = `expected bool, got ${typeName(value)}`;
  return mistake(reading, value, `error parsing feature flag ${quoteGoText(key)}: ${wanted}`);
};

const tlsOfClients = tls(true);

export const SERVER: Block<ServerValues> = {
  ...LISTENER,
  clientAdvertise: {
    names: ['client_advertise'],
    kind: text,
    about: 'Address that clients are told instead.',
  },
  serverName: { names: ['server_name'], kind: serverName, about: 'Name, shown to clients.' },
  debug: { names: ['debug'], kind: flag, about: 'Debug lines in the log.' },
  trace: { names: ['trace'], kind: flag, about: 'What is said on the wire in the log.' },
  traceVerbose: { names: ['trace_verbose'], kind: flag, about: 'That of the system account, too.' },
  traceHeaders: {
    names: ['trace_headers'],
    kind: flag,
    about: 'Only headers of messages.',
  },
  logTime: { names: ['logtime'], kind: flag, about: 'Lines begin with the time.' },
  logTimeUtc: { names: ['logtime_utc'], kind: flag, about: 'In UTC.' },
  mappings: {
    names: ['mappings', 'maps'],
    kind: mappings,
    about: 'Subjects that become others.',
    effect: 'refused',
  },
  noSublistCache: {
    names: ['disable_sublist_cache', 'no_sublist_cache'],
    kind: flag,
    about: 'Matches are not remembered.',
    effect: 'warned',
  },
  accounts: {
    names: ['accounts'],
    kind: accounts,
    about: 'Separate subject spaces.',
    effect: 'refused',
  },
  defaultSentinel: {
    names: ['default_sentinel'],
    kind: text,
    about: 'JWT of who brings none.',
    effect: 'refused',
  },
  authorization: {
    names: ['authorization'],
    kind: authorization,
    about: 'Who may come in.',
  },
  http: { names: ['http'], kind: listen, about: 'Where monitoring listens.' },
  https: {
    names: ['https'],
    kind: listen,
    about: 'Where it listens with TLS.',
    effect: 'refused',
    asks: ({ port }) => port !== 0,
  },
  httpPort: { names: ['http_port', 'monitor_port'], kind: integer, about: 'Its port.' },
  httpsPort: {
    names: ['https_port'],
    kind: integer,
    about: 'Its port with TLS.',
    effect: 'refused',
  },
  httpBasePath: {
    names: ['http_base_path'],
    kind: text,
    about: 'What stands before its paths.',
  },
  cluster: { names: ['cluster'], kind: cluster, about: 'Servers as one.', effect: 'warned' },
  gateway: { names: ['gateway'], kind: gateway, about: 'Clusters as one.', effect: 'warned' },
  leafnodes: { names: ['leafnodes', 'leaf'], kind: leafnodes, about: 'Servers that join.' },
  storeDir: {
    names: ['store_dir', 'storedir'],
    kind: text,
    about: 'Where streams lie.',
  },
  jetstream: { names: ['jetstream'], kind: jetstream, about: 'Streams.' },
  logFile: { names: ['logfile', 'log_file'], kind: text, about: 'File of the log.' },
  logSizeLimit: {
    names: ['logfile_size_limit', 'log_size_limit'],
    kind: integer,
    about: 'Bytes at which another one is begun.',
  },
  logMaxNum: {
    names: ['logfile_max_num', 'log_max_num'],
    kind: integer,
    about: 'Files of the log that are kept.',
  },
  syslog: { names: ['syslog'], kind: flag, about: 'The log goes to syslog.', effect: 'warned' },
  remoteSyslog: {
    names: ['remote_syslog'],
    kind: text,
    about: 'On another machine.',
    effect: 'warned',
  },
  pidFile: { names: ['pidfile', 'pid_file'], kind: text, about: 'File of the process number.' },
  portsFileDir: { names: ['ports_file_dir'], kind: text, about: 'Where the ports file goes.' },
  profPort: {
    names: ['prof_port'],
    kind: integer,
    about: "Port of Go's profiler.",
    effect: 'warned',
  },
  profBlockRate: {
    names: ['prof_block_rate'],
    kind: integer,
    about: 'What it samples.',
    effect: 'warned',
  },
  maxControlLine: {
    names: ['max_control_line'],
    kind: integer32,
    about: 'Bytes of the arguments of one line.',
  },
  maxPayload: { names: ['max_payload'], kind: integer32, about: 'Bytes of one message.' },
  maxPending: { names: ['max_pending'], kind: integer, about: 'Bytes queued for one client.' },
  proxyProtocol: {
    names: ['proxy_protocol'],
    kind: flag,
    about: 'A proxy says who the client is.',
    effect: 'refused',
  },
  maxConnections: { names: ['max_connections', 'max_conn'], kind: integer, about: 'Clients.' },
  maxTracedMsgLen: {
    names: ['max_traced_msg_len'],
    kind: integer,
    about: 'Bytes of a message in the log.',
  },
  maxSubscriptions: {
    names: ['max_subscriptions', 'max_subs'],
    kind: integer,
    about: 'Subscriptions of one client.',
  },
  maxSubTokens: {
    names: ['max_sub_tokens', 'max_subscription_tokens'],
    kind: subTokens,
    about: 'Tokens of a filter.',
  },
  pingIntervalMs: { names: ['ping_interval'], kind: duration('ping_interval'), about: 'PINGs.' },
  pingMax: { names: ['ping_max'], kind: integer, about: 'PINGs that may be unanswered.' },
  tls: {
    names: ['tls'],
    kind: tlsOfClients,
    about: 'Encryption.',
    effect: 'refused',
    asks: () => true,
  },
  ocsp: { names: ['ocsp'], kind: ocsp, about: 'Stapling.', effect: 'warned' },
  allowNonTls: {
    names: ['allow_non_tls'],
    kind: flag,
    about: 'Clients may do without encryption.',
  },
  writeDeadlineMs: {
    names: ['write_deadline'],
    kind: duration('write_deadline'),
    about: 'How long a write may take.',
  },
  writeTimeout: {
    names: ['write_timeout'],
    kind: writeTimeout,
    about: 'What happens then: here the client is closed.',
    effect: 'warned',
    asks: (policy) => policy === 'retry',
  },
  lameDuckDurationMs: {
    names: ['lame_duck_duration'],
    kind: lameDuckDuration,
    about: 'In which clients are closed one by one.',
  },
  lameDuckGraceMs: {
    names: ['lame_duck_grace_period'],
    kind: lameDuckGrace,
    about: 'Before that.',
  },
  operators: {
    names: ['operator', 'operators', 'roots', 'root', 'root_operators', 'root_operator'],
    kind: operators,
    about: 'Who signs accounts.',
    effect: 'refused',
  },
  resolver: {
    names: ['resolver', 'account_resolver', 'accounts_resolver'],
    kind: resolver,
    about: 'Where accounts are looked up.',
    effect: 'refused',
  },
  resolverTls: {
    names: ['resolver_tls'],
    kind: tlsOfClients,
    about: 'Encryption of that.',
    effect: 'refused',
    asks: () => true,
  },
  resolverPreload: {
    names: ['resolver_preload'],
    kind: preload,
    about: 'Accounts that are known.',
    effect: 'refused',
  },
  resolverPinned: {
    names: ['resolver_pinned_accounts'],
    kind: words('resolver_pinned_accounts', (type) => `unsupported type in array ${type}`),
    about: 'Accounts that alone are let in.',
    effect: 'refused',
  },
  noAuthUser: {
    names: ['no_auth_user'],
    kind: text,
    about: 'Who comes in without a name.',
  },
  systemAccount: {
    names: ['system_account', 'system'],
    kind: (value, _key, reading) =>
      value.kind === 'string'
        ? wellFormed(value.value)
        : mistake(reading, value, 'system account name must be a string'),
    about: 'The account of servers.',
    effect: 'refused',
    asks: (name) => name !== '' && name !== '$SYS',
  },
  noSystemAccount: {
    names: ['no_system_account', 'no_system', 'no_sys_acc'],
    kind: flag,
    about: 'There is none.',
    effect: 'warned',
  },
  noHeaderSupport: { names: ['no_header_support'], kind: flag, about: 'No headers.' },
  trustedKeys: {
    names: ['trusted', 'trusted_keys'],
    kind: trustedKeys,
    about: 'Who signs accounts.',
    effect: 'refused',
  },
  connectErrorReports: {
    names: ['connect_error_reports'],
    kind: integer,
    about: 'How often a failing link is logged.',
  },
  reconnectErrorReports: {
    names: ['reconnect_error_reports'],
    kind: integer,
    about: 'How often one that was there.',
  },
  websocket: {
    names: ['websocket', 'ws'],
    kind: websocket,
    about: 'Clients by WebSocket.',
  },
  mqtt: { names: ['mqtt'], kind: mqtt, about: 'Clients by MQTT.', effect: 'warned' },
  serverTags: {
    names: ['server_tags'],
    kind: words('tags', () => NO_STRING),
    about: 'Words about the server, in monitoring.',
  },
  serverMetadata: {
    names: ['server_metadata'],
    kind: mapOf(text, (value) => `error parsing metadata: unsupported type ${typeName(value)}`),
    about: 'Facts about the server, in monitoring.',
  },
  featureFlags: {
    names: ['feature_flags'],
    kind: mapOf(
      featureFlag,
      (value) => `error parsing feature flags: unsupported type ${typeName(value)}`,
    ),
    about: 'What is on trial.',
    effect: 'warned',
  },
  defaultJsDomain: {
    names: ['default_js_domain'],
    kind: mapOf(
      text,
      (value) => `error default_js_domain config: unsupported type ${typeName(value)}`,
    ),
    about: 'Domain of JetStream by account.',
    effect: 'warned',
  },
  ocspCache: { names: ['ocsp_cache'], kind: ocspCache, about: 'Of answers.', effect: 'warned' },
  noFastProducerStall: {
    names: ['no_fast_producer_stall'],
    kind: flag,
    about: 'Publishers do not wait for slow readers.',
    effect: 'warned',
  },
  maxClosedClients: {
    names: ['max_closed_clients'],
    kind: integer,
    about: 'Closed connections that monitoring remembers.',
  },
  proxies: {
    names: ['proxies'],
    kind: proxies,
    about: 'Proxies that are believed.',
    effect: 'refused',
  },
};
