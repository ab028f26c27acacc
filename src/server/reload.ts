// What may change while the server runs: the options of `serve` that it has and those that it is to have, side by side.
// In the order of nats-server's own options, which decides what is refused first. An option that cannot change refuses
// all. Ports that are free to choose stay as they were chosen.
// Source: nats-server 2.15.3, server/reload.go, diffOptions and the Apply of each option.

import { InvalidArgumentError } from '../shared/errors.ts';
import { formatDuration } from '../shared/time.ts';
import { hostPort } from './addresses.ts';
import { resolveOptions, type ServeOptions, type ServerSettings } from './options.ts';
import { JETSTREAM_RULES } from './reload-jetstream.ts';
import { Secrets } from './secrets.ts';

/** The line of the log that says so, whole; nothing: needs none. */
type Line = (after: ServerSettings, before: ServerSettings) => string | undefined;

export interface Rule {
  /** As the original calls it. */
  readonly name: string;
  /** What it is, as a text. */
  readonly of: (settings: ServerSettings) => string;
  /** It may change; this is said then. */
  readonly line?: Line;
  /** It cannot change, but this is no change. */
  readonly mayStay?: (before: ServerSettings, after: ServerSettings) => boolean;
  /** For what a change is not supported, in its own words; nothing: it is. */
  readonly problem?: (before: ServerSettings, after: ServerSettings) => string | undefined;
  /** What else is said than its old and its new value. */
  readonly detail?: (before: ServerSettings, after: ServerSettings) => string;
}

const duration = (ms: number): string => formatDuration(BigInt(Math.round(ms * 1e6)));
const seconds = (ms: number): string => String(ms / 1000);

function fixed(name: string, of: Rule['of'], others: Partial<Rule> = {}): Rule {
  return { name, of, ...others };
}

/** A part with fields of its own, of which only the names are told. */
function fixedPart(name: string, fieldsOf: (settings: ServerSettings) => Fields): Rule {
  const detail: Rule['detail'] = (before, after) => {
    const [old, now] = [fieldsOf(before), fieldsOf(after)];
    const keys = Object.keys({ ...old, ...now }).filter((key) => old[key] !== now[key]);
    return `${keys.join(', ')} of it would change`;
  };
  return fixed(name, (settings) => JSON.stringify(Object.entries(fieldsOf(settings)).sort()), {
    detail,
  });
}

function free(name: string, of: Rule['of'], line: Line = () => undefined): Rule {
  return { name, of, line };
}

/** One whose line gives its value. */
function told(key: string, of: Rule['of']): Rule {
  return { name: key, of, line: (settings) => `Reloaded: ${key} = ${of(settings)}` };
}

/** What the file says of something that is not among the options. */
function other(name: string, otherwise = ''): Rule['of'] {
  return ({ configuration }) => configuration?.others?.[name] ?? otherwise;
}

/** Of which a digest is known. */
function otherBlock(name: string): Rule {
  return fixed(name, other(name), { detail: () => 'something in it would change' });
}

function advertisedText({ advertised }: ServerSettings): string {
  if (advertised === undefined) return '';
  const { host, port } = advertised;
  return port === undefined ? host : hostPort(host, port);
}

const RULES: readonly Rule[] = [
  fixed('ServerName', ({ serverName }) => serverName ?? ''),
  fixed('Host', ({ host }) => host),
  fixed('Port', ({ port }) => String(port), { mayStay: (_, { port }) => port === 0 }),
  fixed('DontListen', ({ listens }) => String(!listens)),
  free('ClientAdvertise', advertisedText, (settings) => {
    return `Reload: client_advertise = ${advertisedText(settings)}`;
  }),
  told('trace', other('Trace', 'false')),
  told('debug', other('Debug', 'false')),
  told('trace_verbose', other('TraceVerbose', 'false')),
  told('trace_headers', other('TraceHeaders', 'false')),
  fixed('NoSublistCache', other('NoSublistCache', 'false')),
  fixed('NoHeaderSupport', ({ hasHeaders }) => String(!hasHeaders)),
  told('logtime', other('Logtime', 'true')),
  told('logtime_utc', other('LogtimeUTC', 'false')),
  told('max_connections', ({ limits }) => String(limits.maxConnections || -1)),
  fixed('MaxSubs', ({ limits }) => String(limits.maxSubscriptions)),
  fixed('MaxSubTokens', ({ maxSubTokens }) => String(maxSubTokens)),
  fixed('NoAuthUser', ({ authorization }) => authorization?.told.noAuthUser ?? '', {
    // It may go with the user whose name it is.
    mayStay: ({ authorization: old }, { authorization }) =>
      (authorization?.told.noAuthUser ?? '') === '' &&
      !authorization?.told.users.includes(old?.told.noAuthUser ?? ''),
  }),
  fixed('SystemAccount', other('SystemAccount')),
  fixed('NoSystemAccount', other('NoSystemAccount', 'false')),
  free(
    'Username',
    ({ authorization }) => authorization?.told.user ?? '',
    () => 'Reloaded: authorization username',
  ),
  free(
    'Password',
    ({ authorization }) => authorization?.told.pass ?? '',
    () => 'Reloaded: authorization password',
  ),
  free(
    'Authorization',
    ({ authorization }) => authorization?.told.token ?? '',
    () => 'Reloaded: authorization token',
  ),
  told('ping_interval', ({ limits }) => duration(limits.pingIntervalMs)),
  told('ping_max', ({ limits }) => String(limits.pingMax)),
  fixed('HTTPHost', ({ monitoring, host }) => monitoring?.host ?? host),
  fixed('HTTPPort', ({ monitoring }) => String(monitoring?.configuredPort ?? 0)),
  fixed('HTTPBasePath', (settings) => {
    return other('HTTPBasePath')(settings) || (settings.monitoring?.basePath.slice(1) ?? '');
  }),
  told('authorization timeout', ({ authTimeoutMs }) => seconds(authTimeoutMs)),
  told('max_control_line', ({ limits }) => String(limits.maxControlLine)),
  told('max_payload', ({ limits }) => String(limits.maxPayload)),
  fixed('MaxPending', ({ limits }) => String(limits.maxPending)),
  free('NoFastProducerStall', other('NoFastProducerStall', 'false'), (settings) => {
    const isOff = other('NoFastProducerStall')(settings) === 'true';
    return `Reloaded: fast producers will ${isOff ? 'not ' : ''}be stalled`;
  }),
  fixed('cluster host', other('cluster host')),
  fixed('cluster port', other('cluster port', '0')),
  free('Cluster', other('Cluster'), () => 'Reloaded: cluster'),
  otherBlock('Gateway'),
  fixed('LeafNode', ({ leafnodes }) => leafnodes?.host ?? '', {
    detail: (before, after) => {
      const [old = '', now = ''] = [before.leafnodes?.host, after.leafnodes?.host];
      return `field "Host": old=${old}, new=${now}`;
    },
  }),
  fixed('LeafNode', ({ leafnodes }) => String(leafnodes?.port ?? 0), {
    mayStay: (_, { leafnodes }) => leafnodes?.port === 0,
    detail: ({ leafnodes: old }, { leafnodes }) =>
      `field "Port": old=${old?.port ?? 0}, new=${leafnodes?.port ?? 0}`,
  }),
  otherBlock('LeafNode'),
  ...JETSTREAM_RULES,
  fixed('JsAccDefaultDomain', other('JsAccDefaultDomain', 'map[]')),
  // What it says may be secret.
  fixedPart('Websocket', websocketFields),
  otherBlock('MQTT'),
  fixed('ProfPort', other('ProfPort', '0')),
  told('prof_block_rate', other('ProfBlockRate', '0')),
  free(
    'pid_file',
    ({ pidFile }) => pidFile ?? '',
    ({ pidFile }) => (pidFile === undefined ? undefined : `Reloaded: pid_file = ${pidFile}`),
  ),
  told('ports_file_dir', ({ portsFileDir }) => portsFileDir ?? ''),
  told('log_file', other('LogFile')),
  fixed('LogSizeLimit', other('LogSizeLimit', '0')),
  fixed('LogMaxFiles', other('LogMaxFiles', '0')),
  told('syslog', other('Syslog', 'false')),
  told('remote_syslog', other('RemoteSyslog')),
  fixed('AllowNonTLS', other('AllowNonTLS', 'false')),
  told('write_deadline', ({ limits }) => duration(limits.writeDeadlineMs)),
  fixed('WriteTimeout', other('WriteTimeout')),
  fixed('MaxClosedClients', ({ endedMax }) => String(endedMax)),
  fixed('LameDuckDuration', ({ limits }) => duration(limits.lameDuckDurationMs)),
  fixed('LameDuckGracePeriod', ({ limits }) => duration(limits.lameDuckGraceMs)),
  told('max_traced_msg_len', other('MaxTracedMsgLen', '0')),
  told('connect_error_reports', other('ConnectErrorReports', '3600')),
  told('reconnect_error_reports', other('ReconnectErrorReports', '1')),
  free(
    'tags',
    ({ serverTags }) => JSON.stringify(serverTags),
    () => 'Reloaded: tags',
  ),
  free(
    'metadata',
    ({ serverMetadata }) => JSON.stringify(Object.entries(serverMetadata).sort()),
    () => 'Reloaded: metadata',
  ),
  fixed('FeatureFlags', other('FeatureFlags', 'map[]')),
  free('OCSPConfig', other('OCSPConfig'), () => 'Reloaded: OCSP'),
  free('OCSPCacheConfig', other('OCSPCacheConfig'), () => 'Reloaded OCSP peer cache'),
  fixed('outboundMax', ({ outboundMax }) => String(outboundMax)),
  fixed('monitoring.hosts', ({ monitoring }) => JSON.stringify(monitoring?.hosts)),
  fixed('executableName', ({ executableName }) => executableName),
];

/** Users are always said to have been looked at. */
const ALWAYS: readonly string[] = ['Reloaded: authorization users', 'Reloaded: accounts'];

/**
 * What the log says of a change from one to the other. Throws InvalidArgumentError, with the text of nats-server, for
 * the first option that cannot change while the server runs.
 */
export function changesOf(before: ServerSettings, after: ServerSettings): string[] {
  const lines: string[] = [];
  for (const rule of RULES) {
    const { name, of, line, mayStay, detail, problem } = rule;
    const [old, now] = [of(before), of(after)];
    if (name === 'Username') lines.push(...ALWAYS);
    if (old === now) continue;
    const what = problem?.(before, after);
    if (what !== undefined) refuse(what);
    if (line !== undefined) {
      const text = line(after, before);
      if (text !== undefined) lines.push(text);
    } else if (!mayStay?.(before, after)) {
      refuse(`${name}: ${detail?.(before, after) ?? `old=${old}, new=${now}`}`);
    }
  }
  return lines;
}

function refuse(what: string): never {
  throw new InvalidArgumentError(`config reload not supported for ${what}`);
}

/** Why a server with the options `before` cannot take those of `after` while it runs. */
export function problemOf(before: ServeOptions, after: ServeOptions): string | undefined {
  const secrets = new Secrets();
  try {
    const running = resolveOptions(before, secrets);
    changesOf(running, reloadedSettings(after, running, secrets));
    return undefined;
  } catch (error) {
    if (error instanceof InvalidArgumentError) return error.message;
    throw error;
  }
}

/**
 * The options of a reload, checked and completed. Where the server listens, how it logs and its clock stay as they are
 * where `options` do not say; everything else that they do not say has its default.
 */
export function reloadedSettings(
  options: ServeOptions,
  before: ServerSettings,
  secrets: Secrets,
): ServerSettings {
  const { host, logger, clock, executableName } = before;
  if (options.clock !== undefined && options.clock !== clock) {
    throw new InvalidArgumentError('config reload not supported for clock');
  }
  const kept = { host, port: 0, logger, clock, executableName };
  const settings = resolveOptions({ ...kept, ...options }, secrets);
  const { port, leafnodes, websocket } = settings;
  return {
    ...settings,
    port: port === 0 ? before.port : port,
    leafnodes:
      leafnodes?.port === 0 ? { ...leafnodes, port: before.leafnodes?.port ?? 0 } : leafnodes,
    websocket:
      websocket?.port === 0 ? { ...websocket, port: before.websocket?.port ?? 0 } : websocket,
  };
}

const LOG_CHANGE: unique symbol = Symbol('what becomes of the log');

/** How the log of the command changes with the options. */
interface LogChange {
  /** Called when the options are taken, if they are. */
  apply(): void;
}

/** For the command, whose log is not the server's to change: it changes with the options, or not at all. */
export function withLogChange(options: ServeOptions, change: LogChange): ServeOptions {
  return { ...options, [LOG_CHANGE]: change } as ServeOptions;
}

export function logChangeOf(options: ServeOptions): LogChange | undefined {
  return (options as { [LOG_CHANGE]?: LogChange })[LOG_CHANGE];
}

/** By their names, as texts. */
type Fields = Readonly<Record<string, string>>;

function websocketFields({ websocket, authorization }: ServerSettings): Fields {
  if (websocket === undefined) return {};
  const { headers, allowedOrigins, ...others } = websocket;
  const all = {
    ...others,
    headers: [...headers].sort(),
    allowedOrigins: allowedOrigins.map((origin) => JSON.stringify(origin)).sort(),
    authorization: authorization?.websocketTold ?? '',
  };
  return textFields(all);
}

/** What is not said is none. */
function textFields(fields: object): Fields {
  const texts = Object.entries(fields).map(([key, value]) => [key, JSON.stringify(value)]);
  return Object.fromEntries(texts.filter(([, text]) => text !== undefined));
}
