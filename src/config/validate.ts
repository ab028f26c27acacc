// What keys say together, with flags already over them: the rules that the original checks when it starts, and when
// it only tests a configuration. Their texts name no place in a file. The first that is broken is told.
// Source: nats-server 2.15.3, server/server.go, validateOptions, and the functions it calls.
import { quoteGoText } from '../shared/go-quote.ts';
import { TransformMistake, withAccountFunctions } from '../shared/subject-transform.ts';
import { formatDuration } from '../shared/time.ts';
import { domainMistake, isReservedDomain, isSubject, isUrl, withoutUser } from './checks.ts';
import { type RemoteLeaf, remoteName } from './keys-leafnodes.ts';
import type { Compression } from './keys-links.ts';
import type { ServerValues } from './keys-server.ts';
import { ACCOUNT_HASH } from './mapping-mistake.ts';

const MIB = 1024 * 1024;
const DEFAULT_MAX_PAYLOAD = MIB;
const DEFAULT_MAX_PENDING = 64 * MIB;
const DEFAULT_DURATION_MS = 120_000;
const DEFAULT_GRACE_MS = 10_000;

type Rule = (values: ServerValues) => string | undefined;

/** The rule that is broken first, in the original's words. */
export function brokenRule(values: ServerValues): string | undefined {
  for (const rule of RULES) {
    const broken = rule(values);
    if (broken !== undefined) return broken;
  }
  return undefined;
}

const portOf = (block: { port?: number; listen?: { port: number } } | undefined): number =>
  block?.port ?? block?.listen?.port ?? 0;

const shown = (ms: number): string => formatDuration(BigInt(Math.round(ms * 1e6)));

const lameDuck: Rule = ({ lameDuckDurationMs, lameDuckGraceMs }) => {
  const duration = lameDuckDurationMs || DEFAULT_DURATION_MS;
  const grace = lameDuckGraceMs || DEFAULT_GRACE_MS;
  if (grace < duration) return undefined;
  const names = `lame duck grace period (${shown(grace)})`;
  return `${names} should be strictly lower than lame duck duration (${shown(duration)})`;
};

const payload: Rule = ({ maxPayload, maxPending }) => {
  const most = maxPending || DEFAULT_MAX_PENDING;
  const size = maxPayload || DEFAULT_MAX_PAYLOAD;
  if (size <= most) return undefined;
  return `max_payload (${size}) cannot be higher than max_pending (${most})`;
};

const serverName: Rule = ({ serverName }) =>
  serverName?.includes(' ') ? 'server name cannot contain spaces' : undefined;

const operators: Rule = ({ operators = [], defaultSentinel, resolver, accounts }) => {
  if (operators.length === 0) {
    return defaultSentinel ? 'default sentinel requires operators and accounts' : undefined;
  }
  if (resolver === undefined) return 'operators require an account resolver to be configured';
  if ((accounts?.size ?? 0) === 0) return undefined;
  return 'operators do not allow Accounts to be configured directly';
};

const leafnodes: Rule = (values) => {
  const { leafnodes, accounts, systemAccount, noSystemAccount, operators = [] } = values;
  if (leafnodes === undefined) return undefined;
  const wrongRemote = remotesMistake(leafnodes.remotes ?? []);
  if (wrongRemote !== undefined) return wrongRemote;
  if (operators.length > 0) return undefined;
  const known = new Set(['', '$G', ...(accounts?.keys() ?? [])]);
  if (!systemAccount && !noSystemAccount) known.add('$SYS');
  const { authorization, remotes = [], compression } = leafnodes;
  const named = [authorization?.account, ...(authorization?.users ?? []).map((u) => u.account)];
  const before = 'cannot find local account';
  for (const name of named) {
    if (known.has(name ?? '')) continue;
    return `${before} ${quoteGoText(name ?? '')} specified in leafnode authorization`;
  }
  for (const { account = '' } of remotes) {
    if (!known.has(account))
      return `${before} ${quoteGoText(account)} specified in leafnode remote`;
  }
  const wrong = compressionMistake(compression);
  if (wrong !== undefined) return wrong;
  for (const { urls = [], compression } of remotes) {
    const isWs = (url: string): boolean => /^wss?:/i.test(url);
    if (urls.some((url) => isWs(url) !== isWs(urls[0] ?? ''))) {
      const list = urls.map((url) => quoteGoText(withoutUser(url))).join(' ');
      const mix = 'a mix of websocket and non-websocket urls';
      return `remote leaf node configuration cannot have ${mix}: [${list}]`;
    }
    const wrong = compressionMistake(compression);
    if (wrong !== undefined) return wrong;
  }
  const isAlone = !values.gateway?.name && portOf(values.gateway) === 0;
  if (portOf(leafnodes) === 0 || isAlone || systemAccount) return undefined;
  const needed = 'require a system account to also be configured';
  return `leaf nodes and gateways (both being defined) ${needed}`;
};

/** What they deny can be. */
function remotesMistake(remotes: readonly RemoteLeaf[]): string | undefined {
  for (const each of remotes) {
    for (const [what, list] of [
      ['deny_imports', each.denyImports],
      ['deny_exports', each.denyExports],
    ] as const) {
      const wrong = (list ?? []).flatMap((subject) => denyMistake(subject) ?? []).join('\n');
      if (wrong !== '') return `invalid ${what} for remote ${remoteName(each)}: ${wrong}`;
    }
  }
  return undefined;
}

/** Of functions of accounts all but that of an import can be there, one of them when the other side is known. */
function denyMistake(subject: string): string | undefined {
  try {
    withAccountFunctions(subject, {
      'account-hash': ACCOUNT_HASH,
      'account-hash-leaf-remote': 'later',
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof TransformMistake)) throw error;
    return `permission subject ${quoteGoText(subject)}: ${error.message}`;
  }
}

const MODES =
  /^(?:on|enabled|true|not supported|not_supported|disabled|off|false|accept|auto|s2_auto|fast|s2_fast|better|s2_better|best|s2_best)$/i;
const THRESHOLDS_MAX = 4;

function compressionMistake(compression: Compression | undefined): string | undefined {
  const { mode = '', rttsMs = [] } = compression ?? {};
  if (mode === '') return undefined;
  if (!MODES.test(mode)) return `unsupported compression mode ${quoteGoText(mode)}`;
  if (!/^(?:auto|s2_auto)$/i.test(mode) || rttsMs.length === 0) return undefined;
  const list = `[${rttsMs.map(shown).join(' ')}]`;
  const rising = rttsMs.map((ms) => Math.max(0, ms));
  const falls = rising.some((ms, i) => ms !== 0 && rising.slice(0, i).some((one) => ms < one));
  if (falls) return `RTT threshold values ${list} should be in ascending order`;
  const counted = rising.findLastIndex((ms) => ms !== 0) + 1;
  if (counted > THRESHOLDS_MAX) {
    const most = `should have no more than ${THRESHOLDS_MAX} RTT thresholds`;
    return `compression mode ${quoteGoText(mode)} ${most}: ${list}`;
  }
  if (counted > 0) return undefined;
  return `compression mode ${quoteGoText(mode)} requires at least one RTT threshold`;
}

/** All that may come in by name or key. */
function userNames({ authorization, accounts }: ServerValues): string[] | undefined {
  const lists = [authorization?.users, ...[...(accounts?.values() ?? [])].map((a) => a.users)];
  const users = lists.flatMap((list) => list ?? []);
  const isDefined = lists.some((list) => (list?.length ?? 0) > 0);
  return isDefined ? users.map(({ nkey, user }) => nkey || user || '') : undefined;
}

function noAuthUserMistake(values: ServerValues, name: string): string | undefined {
  if (name === '') return undefined;
  if ((values.operators ?? []).length > 0)
    return 'no_auth_user not compatible with Trusted Operator';
  const names = userNames(values);
  if (names === undefined) {
    return `no_auth_user: "${name}" present, but users/nkeys are not defined`;
  }
  if (names.includes(name)) return undefined;
  const where = 'authorization block or account configuration';
  return `no_auth_user: "${name}" not present as user or nkey in ${where}`;
}

const noAuthUser: Rule = (values) => noAuthUserMistake(values, values.noAuthUser ?? '');

const proxies: Rule = ({ proxies }) => {
  const nameless = proxies?.trusted?.some(({ key = '' }) => key === '');
  return nameless ? 'proxy trusted key "" is invalid' : undefined;
};

const gateway: Rule = ({ gateway }) => {
  const { name = '', gateways = [] } = gateway ?? {};
  const port = portOf(gateway);
  if (name === '') return port === 0 ? undefined : 'gateway has no name';
  if (port === 0) {
    return `gateway ${quoteGoText(name)} has no port specified (select -1 for random port)`;
  }
  for (const [index, { name = '', url, urls = [] }] of gateways.entries()) {
    if (name === '') return `gateway in the list ${index} has no name`;
    if (url === undefined && urls.length === 0) return `gateway ${quoteGoText(name)} has no URL`;
  }
  return undefined;
};

const cluster: Rule = ({ cluster, gateway, systemAccount, noSystemAccount }) => {
  if (cluster?.name?.includes(' ')) return 'cluster name cannot contain spaces';
  const wrong = compressionMistake(cluster?.compression);
  if (wrong !== undefined) return wrong;
  const { name = '', accounts = [], poolSize = 0 } = cluster ?? {};
  if (gateway?.name && name !== '' && gateway.name !== name) {
    return 'cluster name conflicts between cluster and gateway definitions';
  }
  if (accounts.length === 0) return undefined;
  if (poolSize < 0) return 'pool_size cannot be negative if pinned accounts are specified';
  const twice = accounts.find((account, index) => accounts.indexOf(account) !== index);
  if (twice === undefined) return undefined;
  // That of the system is one of them in any case.
  const system = noSystemAccount ? [] : [systemAccount || '$SYS'];
  const list = [...accounts, ...system].map(quoteGoText).join(' ');
  return `found duplicate account name ${quoteGoText(twice)} in pinned accounts list [${list}]`;
};

const mqtt: Rule = (values) => {
  const { mqtt, serverName, cluster, gateway, leafnodes, jetstream } = values;
  if (mqtt === undefined || portOf(mqtt) === 0) return undefined;
  const isJoined = portOf(cluster) !== 0 || portOf(gateway) !== 0;
  if (!serverName && isJoined) return 'mqtt requires server name to be explicitly set';
  const wrong = noAuthUserMistake(values, mqtt.noAuthUser ?? '');
  if (wrong !== undefined) return wrong;
  if (userNames(values) !== undefined) {
    const { user, token } = mqtt.authorization ?? {};
    const before = 'mqtt authentication';
    if (user) return `${before} username not compatible with presence of users/nkeys`;
    if (token) return `${before} token not compatible with presence of users/nkeys`;
  }
  if ((mqtt.ackWaitMs ?? 0) < 0) return 'ack wait must be a positive value';
  if ((mqtt.apiTimeoutMs ?? 0) < 0) return 'JS API timeout must be a positive value';
  const hasLeafs = portOf(leafnodes) !== 0 || (leafnodes?.remotes ?? []).length > 0;
  if (jetstream || isJoined || hasLeafs) return undefined;
  return 'mqtt requires JetStream to be enabled if running in standalone mode';
};

const jetstream: Rule = (values) => {
  const { jetstream, accounts, systemAccount, cluster, gateway, serverName } = values;
  for (const [account, domain] of values.defaultJsDomain ?? []) {
    const known = accounts?.get(account);
    if (known?.jetstream && domain !== '') {
      return `default_js_domain contains account name ${quoteGoText(account)} with enabled JetStream`;
    }
    if (known === undefined && account !== '$G') {
      const where = 'in non operator mode, `default_js_domain` references non existing account';
      return `${where} ${quoteGoText(account)}`;
    }
  }
  for (const [account, domain] of values.defaultJsDomain ?? []) {
    if (account === (systemAccount || '$SYS')) {
      return `system account ${quoteGoText(account)} can not be in default_js_domain`;
    }
    const isWrong = !isSubject(`$JS.${domain}.API.>`) || isReservedDomain(domain);
    if (domain !== '' && isWrong) {
      const what = `account ${quoteGoText(account)} with invalid domain name ${quoteGoText(domain)}`;
      return `default_js_domain contains ${what}`;
    }
  }
  const { domain = '' } = jetstream || {};
  const wrong = domainMistake(domain);
  if (wrong !== undefined) return wrong;
  if (!jetstream || portOf(cluster) === 0) return undefined;
  if (!serverName) return 'jetstream cluster requires `server_name` to be set';
  if (!cluster?.name && !gateway?.name)
    return 'jetstream cluster requires `cluster.name` to be set';
  const hint = (jetstream.extensionHint ?? '').toLowerCase();
  if (/^(?:will_extend|no_extend|)$/.test(hint)) return undefined;
  return `expected 'no_extend' for string value, got '${hint}'`;
};

const websocket: Rule = (values) => {
  const { websocket, operators = [], trustedKeys = [] } = values;
  if (websocket === undefined || portOf(websocket) === 0) return undefined;
  if (websocket.tls === undefined && !websocket.noTls)
    return 'websocket requires TLS configuration';
  for (const origin of websocket.allowedOrigins ?? []) {
    const wrong = originMistake(origin);
    if (wrong !== undefined) return `unable to parse allowed origin${wrong}`;
  }
  const wrong = noAuthUserMistake(values, websocket.noAuthUser ?? '');
  if (wrong !== undefined) return wrong;
  if (userNames(values) !== undefined) {
    const { user, token } = websocket.authorization ?? {};
    const before = 'websocket authentication';
    if (user) return `${before} username not compatible with presence of users/nkeys`;
    if (token) return `${before} token not compatible with presence of users/nkeys`;
  }
  if (websocket.jwtCookie && operators.length === 0 && trustedKeys.length === 0) {
    const needed = 'trusted operators or trusted keys configuration is required';
    return `${needed} for JWT authentication via cookie ${quoteGoText(websocket.jwtCookie)}`;
  }
  for (const name of websocket.headers?.keys() ?? []) {
    const before = `websocket: invalid header ${quoteGoText(name)}`;
    if (/^sec-websocket-/i.test(name)) return `${before}, "Sec-WebSocket-" prefix not allowed`;
    if (/^(?:host|content-length|connection|upgrade|nats-no-masking)$/i.test(name)) {
      return `${before} not allowed`;
    }
  }
  return undefined;
};

/** What stands behind "unable to parse allowed origin". */
function originMistake(origin: string): string | undefined {
  const parse = `: parse ${quoteGoText(origin)}`;
  if (origin === '') return `: parse "": empty url`;
  if (origin.startsWith(':')) return `${parse}: missing protocol scheme`;
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(origin)?.[1];
  if (scheme === undefined && !origin.startsWith('/')) return `${parse}: invalid URI for request`;
  if (!isUrl(origin)) return `${parse}: invalid URI for request`;
  if (!/^https?$/i.test(scheme ?? '')) {
    const wanted = 'allowed origins must be absolute URLs with http or https scheme';
    return ` ${quoteGoText(origin)}: ${wanted}`;
  }
  const host = /^[^:]*:\/\/([^/?]*)/.exec(origin)?.[1] ?? '';
  return host === '' ? ` ${quoteGoText(origin)}: host is required` : undefined;
}

const RULES: readonly Rule[] = [
  lameDuck,
  payload,
  serverName,
  operators,
  leafnodes,
  noAuthUser,
  proxies,
  gateway,
  cluster,
  mqtt,
  jetstream,
  websocket,
];
